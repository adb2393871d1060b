// Int against the compiler's 128-bit integers, and against the laws of arithmetic where numbers are larger.
#include <algorithm>
#include <numeric>

#include "check.hpp"
#include "model.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

__extension__ typedef __int128 Wide;
__extension__ typedef unsigned __int128 WideBits;

Int make(Wide v) {
  const WideBits m = v < 0 ? ~static_cast<WideBits>(v) + 1 : static_cast<WideBits>(v);
  const std::uint64_t limbs[2] = {static_cast<std::uint64_t>(m), static_cast<std::uint64_t>(m >> 64)};
  return Int::from_limbs(v < 0, limbs, 2);
}

Int power_of_two(long bits) {
  Int out(1);
  out.shift_left(bits);
  return out;
}

// One of the values around which representations change, or random bits of a random length.
std::int64_t small_value(Random& random) {
  static const std::int64_t edges[] = {0,         1,         -1,           2,           INT64_MAX,       INT64_MIN,
                                       INT64_MIN + 1, INT64_MAX - 1, 1LL << 31, -(1LL << 31), 1LL << 62, -(1LL << 62)};
  if (random() % 3 == 0) return edges[random() % (sizeof edges / sizeof *edges)];
  return static_cast<std::int64_t>(random()) >> (random() % 64);
}

// Up to `most` limbs; runs of zeros and ones are frequent, because carries live there.
Int big_value(Random& random, std::size_t most) {
  std::vector<std::uint64_t> limbs(random() % (most + 1));
  for (auto& w : limbs) w = random() % 4 == 0 ? 0 : random() % 4 == 0 ? ~std::uint64_t{0} : random();
  return Int::from_limbs(random() % 2 == 0, limbs.data(), limbs.size());
}

// A number that fits is stored small, a larger one without leading zeros.
void check_normal(const Int& v) {
  const auto m = v.magnitude();
  if (v.is_small()) return;
  CHECK(!m.empty() && m.back() != 0);
  const std::uint64_t top = std::uint64_t{1} << 63;
  CHECK(m.size() > 1 || m[0] > top || (m[0] == top && v.sign() > 0));
}

void against_wide() {
  Random random(1);
  for (int i = 0; i < 100000; ++i) {
    const std::int64_t a = small_value(random), b = small_value(random), c = small_value(random);
    const Wide wa = a, wb = b, wc = c;
    CHECK(Int(a) + Int(b) == make(wa + wb));
    CHECK(Int(a) - Int(b) == make(wa - wb));
    CHECK(Int(a) * Int(b) == make(wa * wb));
    CHECK(-Int(a) == make(-wa));
    CHECK((Int(a) == Int(b)) == (a == b));
    CHECK(make(wa).is_small() && make(wa).small() == a);
    CHECK(Int(a).sign() == (a > 0) - (a < 0));
    if (a == INT64_MIN && b == INT64_MIN) continue;  // 2^126 and a summand still fit, but keep well away
    Int sum(c);
    sum.add_mul(a, b);
    CHECK(sum == make(wc + wa * wb));
    check_normal(sum);
    sum.sub_mul(a, b);
    CHECK(sum.is_small() && sum.small() == c);
    sum.sub_mul(b, a);
    CHECK(sum == make(wc - wa * wb));
  }
}

void laws() {
  Random random(2);
  for (int i = 0; i < 20000; ++i) {
    const std::size_t most = i % 10 == 0 ? 40 : 4;
    const Int a = big_value(random, most), b = big_value(random, most), c = big_value(random, most);
    for (const Int& v : {a + b, a - b, a * b}) check_normal(v);
    CHECK(a + b == b + a && a * b == b * a);
    CHECK((a + b) - b == a && (a - b) + b == a);
    CHECK((a + b) + c == a + (b + c) && (a * b) * c == a * (b * c));
    CHECK((a + b) * c == a * c + b * c);
    CHECK((a + b) * (a - b) == a * a - b * b);
    CHECK((a - a).is_zero() && (a - a).is_small() && a + Int() == a && (a * Int()).is_zero() && a * Int(1) == a);
    CHECK(a * Int(-1) == -a && -(-a) == a && (a - b) == -(b - a));
    CHECK((a * b).sign() == a.sign() * b.sign());
    Int sum = c;
    sum.add_mul(a, b);
    CHECK(sum == c + a * b);
    sum.sub_mul(b, a);
    CHECK(sum == c);
    Int twice = a;
    twice += twice;
    CHECK(twice == a * Int(2));
    twice -= twice;
    CHECK(twice.is_zero());
    Int square = a;
    square.add_mul(square, square);
    CHECK(square == a + a * a);
    CHECK(Int::from_limbs(a.sign() < 0, a.magnitude().data(), a.magnitude().size()) == a);
  }
}

void edges() {
  Int low(INT64_MIN);
  low.negate();
  CHECK(!low.is_small() && low.sign() == 1 && low == Int(INT64_MAX) + Int(1));
  low.negate();
  CHECK(low.is_small() && low.small() == INT64_MIN);
  CHECK(Int(INT64_MIN) * Int(-1) == power_of_two(63));
  CHECK(Int(INT64_MIN) * Int(INT64_MIN) == power_of_two(126));
  const Int below = Int(INT64_MIN) - Int(1), above = Int(INT64_MAX) + Int(1);
  CHECK(!below.is_small() && (below + Int(1)).small() == INT64_MIN && (below + Int(1)).is_small());
  CHECK(!above.is_small() && (above - Int(1)).small() == INT64_MAX && (above - Int(1)).is_small());
  CHECK(Int() + power_of_two(200) == power_of_two(200) && Int() - power_of_two(200) == -power_of_two(200));
  CHECK((power_of_two(640) - Int(1)).magnitude().size() == 10);
  CHECK((power_of_two(640) - Int(1)) + Int(1) == power_of_two(640));
  CHECK(Int(INT64_MIN).trailing_zeros() == 63 && power_of_two(1000).trailing_zeros() == 1000);
  CHECK(Int().trailing_zeros() >= 1L << 40);
  const std::uint64_t zeros[3] = {0, 0, 0}, minus[3] = {5, 0, 0};
  CHECK(Int::from_limbs(true, zeros, 3) == Int() && Int::from_limbs(true, minus, 3) == Int(-5));
}

void shifts() {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const Int a = i % 2 ? Int(small_value(random)) : big_value(random, 5);
    const long bits = static_cast<long>(random() % 300);
    Int moved = a;
    moved.shift_left(bits);
    check_normal(moved);
    CHECK(moved == a * power_of_two(bits));
    if (!a.is_zero()) CHECK(moved.trailing_zeros() == a.trailing_zeros() + bits);
    moved.shift_right_exact(bits);
    check_normal(moved);
    CHECK(moved == a);
    if (!a.is_zero()) {
      moved.shift_right_exact(a.trailing_zeros());
      CHECK(moved.trailing_zeros() == 0 && moved * power_of_two(a.trailing_zeros()) == a);
    }
  }
}

// |a| <= 2^-bits |b|
bool within(Int a, Int b, long bits) {
  if (a.sign() < 0) a.negate();
  if (b.sign() < 0) b.negate();
  a.shift_left(bits);
  return (b - a).sign() >= 0;
}

void doubles() {
  Random random(4);
  CHECK(Int::from_double(0.0, 0).is_zero() && Int::from_double(-0.0, 5).is_zero());
  CHECK(Int::from_double(-0x1p63, 0).small() == INT64_MIN && Int::from_double(0x1p63, 0) == power_of_two(63));
  CHECK(Int::from_double(0x1p-1074, 1074) == Int(1) && Int::from_double(-0.75, 2) == Int(-3));
  CHECK(Int::from_double(0x1.fffffffffffffp1023, 0) == power_of_two(1024) - power_of_two(971));
  for (int i = 0; i < 50000; ++i) {
    const std::int64_t m = integer(random, (std::int64_t{1} << 53) - 1);
    const int e = static_cast<int>(random() % 900) - 500;
    const double w = std::ldexp(static_cast<double>(m), e);
    CHECK(Int::from_double(w, 600) == Int(m) * power_of_two(600 + e));
    if (m != 0) {
      const long needed = fraction_bits(w);
      CHECK(Int::from_double(w, needed).trailing_zeros() == 0);
    }
    Int sum(7);
    sum.add_mul_double(Int(m), w, 600);
    CHECK(sum == Int(7) + Int(m) * Int(m) * power_of_two(600 + e));

    const Int a = i % 2 ? Int(small_value(random)) : big_value(random, 6);
    long exponent;
    const double part = a.approximate(exponent);
    CHECK(part == 0.0 ? a.is_zero() : std::fabs(part) >= 0.5 && std::fabs(part) < 1.0);
    Int scaled = a;
    scaled.shift_left(64);
    CHECK(within(scaled - Int::from_double(part, exponent + 64), scaled, 52));

    const Int b = Int(small_value(random)) + Int(big_value(random, 2));
    if (b.is_zero() || a.is_zero()) continue;
    const double q = quotient(a, b);
    Int top = a;
    top.shift_left(400);
    CHECK(within(top - Int::from_double(q, 400) * b, top, 50));
  }
}

// The row is a positive multiple of what it becomes.
IntRow reduced(const IntRow& row) {
  IntRow out = row;
  make_primitive(out);
  for (std::size_t i = 0; i < row.size(); ++i) {
    CHECK(out[i].sign() == row[i].sign());
    for (std::size_t j = 0; j < i; ++j) CHECK(row[i] * out[j] == row[j] * out[i]);
  }
  return out;
}

void primitive_rows() {
  Random random(5);
  CHECK(reduced({Int(0), Int(0)}) == IntRow({Int(0), Int(0)}));
  CHECK(reduced({Int(6), Int(0), Int(-9)}) == IntRow({Int(2), Int(0), Int(-3)}));
  CHECK(reduced({Int(INT64_MIN), Int(0)}) == IntRow({Int(-1), Int(0)}));
  CHECK(reduced({Int(INT64_MIN), Int(INT64_MIN)}) == IntRow({Int(-1), Int(-1)}));
  CHECK(reduced({Int(INT64_MAX), Int(-INT64_MAX)}) == IntRow({Int(1), Int(-1)}));
  CHECK(reduced({power_of_two(100), -power_of_two(99)}) == IntRow({Int(2), Int(-1)}));
  CHECK(reduced({power_of_two(200), Int(1)}) == IntRow({power_of_two(200), Int(1)}));
  for (int i = 0; i < 5000; ++i) {
    IntRow row;
    const Int factor = random() % 2 ? Int(1 + static_cast<std::int64_t>(random() % 1000)) : big_value(random, 2);
    for (int k = 0; k < 4; ++k) row.push_back(factor * Int(small_value(random) >> 20));
    const IntRow out = reduced(row);
    std::int64_t g = 0;
    bool small = true;
    for (const Int& v : out) {
      g = std::gcd(g, v.is_small() ? v.small() : 1);
    }
    for (const Int& v : row) small = small && v.is_small();
    if (small) CHECK(g <= 1);
  }
}

void division() {
  Random random(6);
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t x = random() >> (1 + random() % 40) | 1, y = random() >> (1 + random() % 40) | 1;
    const Int g(static_cast<std::int64_t>(std::gcd(x, y)));
    const Int a(static_cast<std::int64_t>(x)), b(static_cast<std::int64_t>(y));
    CHECK(gcd(a, b) == g && gcd(-a, b) == g && gcd(a, Int()) == a);
    CHECK(divide_exact(a * b, a) == b && divide_exact(a, g) * g == a);
    Int c = big_value(random, 3);
    if (c.sign() < 0) c.negate();
    if (c.is_zero()) continue;
    c.shift_right_exact(c.trailing_zeros());
    CHECK(gcd(a * c, b * c) == g * c);
    CHECK(divide_exact(a * c, c) == a && divide_exact(a * c, a) == c);
  }
}

}  // namespace

int main() {
  against_wide();
  laws();
  edges();
  shifts();
  doubles();
  primitive_rows();
  division();
}
