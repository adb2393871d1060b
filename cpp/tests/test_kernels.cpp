// The float64 kernels: the same bits from every instruction set, no fused multiply-add, and no wrong sign certified.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.hpp"
#include "kernels.hpp"
#include "model.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> out = {&kBaselineKernels};
#ifdef LINREGIONS_HAVE_AVX2
  if (__builtin_cpu_supports("avx2")) out.push_back(&kAvx2Kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) out.push_back(&kAvx512Kernels);
#endif
  return out;
}

double special(Random& random, bool wild) {
  static const double values[] = {0.0, -0.0, 1.0, -1.0, 0x1p-1074, -0x1p-1060, 0x1p-1022, 1e-300, 1e90, -1e200, 1e308,
                                  std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                                  std::numeric_limits<double>::quiet_NaN()};
  if (wild && random() % 8 == 0) return values[random() % (sizeof values / sizeof *values)];
  if (wild && random() % 8 == 0) return std::ldexp(real(random), static_cast<int>(random() % 2000) - 1000);
  return real(random);
}

std::vector<double> numbers(Random& random, std::size_t n, bool wild) {
  std::vector<double> out(n);
  for (double& v : out) v = special(random, wild);
  return out;
}

// Equal bit by bit, where any NaN equals any other.
void check_same(const std::vector<double>& a, const std::vector<double>& b) {
  CHECK(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK((std::isnan(a[i]) && std::isnan(b[i])) || std::memcmp(&a[i], &b[i], sizeof(double)) == 0);
}

void same_bits(bool wild) {
  Random random(wild ? 1 : 2);
  for (int dim = 1; dim <= kMaxDim; ++dim)
    for (int n = 8; n <= 256; n += 8) {
      const std::size_t stride = static_cast<std::size_t>(n) + 8 * (random() % 3);
      const int count = static_cast<int>(random() % 12), cols = dim + 3;
      std::vector<std::vector<double>> column;
      std::vector<const double*> pointer;
      for (int j = 0; j < count; ++j) column.push_back(numbers(random, n, wild));
      for (const auto& c : column) pointer.push_back(c.data());
      auto g = numbers(random, static_cast<std::size_t>(count) * cols, wild);
      auto start = numbers(random, stride * cols, wild);
      for (int j = 0; j < count; ++j)  // errors are not negative
        for (int c = dim + 1; c < cols; ++c) g[j * cols + c] = std::fabs(g[j * cols + c]);
      for (std::size_t i = (dim + 1) * stride; i < start.size(); ++i) start[i] = std::fabs(start[i]);
      const auto x = numbers(random, dim, wild);
      const double xmax = std::fabs(special(random, wild)), radius = random() % 2 ? 0.0 : 1e-12;
      std::vector<double> z, filter;
      std::vector<std::uint64_t> pos, neg;
      for (const Kernels* k : all_kernels()) {
        std::vector<double> z_now = start, filter_now(3 * stride, 0.0);
        k->accumulate(n, count, pointer.data(), g.data(), cols, z_now.data(), stride);
        k->finalize(n, dim, 1e-15, z_now.data(), stride, filter_now.data());
        const std::size_t words = (n + 63) / 64;
        std::vector<std::uint64_t> pos_now(2 * words, 0), neg_now(2 * words, 0);
        for (int offset = 0; offset < 2; ++offset)
          k->signs(n, dim, z_now.data(), filter_now.data(), stride, x.data(), xmax, radius, offset == 1,
                   pos_now.data() + offset * words, neg_now.data() + offset * words);
        for (std::size_t w = 0; w < 2 * words; ++w) CHECK((pos_now[w] & neg_now[w]) == 0);
        if (n % 64) CHECK(pos_now[words - 1] >> (n % 64) == 0 && neg_now[words - 1] >> (n % 64) == 0);
        if (z.empty()) {
          z = z_now, filter = filter_now, pos = pos_now, neg = neg_now;
          continue;
        }
        check_same(z, z_now);
        check_same(filter, filter_now);
        CHECK(pos == pos_now && neg == neg_now);
      }
    }
}

// Sparse sums, by columns and by rows: the bits of the plain loop, from every instruction set.
void sparse_sums(bool wild) {
  Random random(wild ? 5 : 6);
  for (int round = 0; round < 300; ++round) {
    const int rows = 1 + static_cast<int>(random() % 40), inputs = 1 + static_cast<int>(random() % 30);
    const std::size_t wide = 8 * (1 + random() % 2), from = wide == 16 && random() % 2 ? 8 : 0;
    std::vector<double> mask(8);
    for (double& m : mask) m = random() % 2 ? -0.0 : 0.0;
    const auto block = numbers(random, inputs * wide, wild), start = numbers(random, rows * wide, wild);
    std::vector<std::vector<int>> row_of(inputs), input_of(rows);
    std::vector<std::vector<double>> by_column(inputs), by_row(rows);
    const unsigned density = 1 + random() % 4;
    for (int j = 0; j < inputs; ++j)
      for (int i = 0; i < rows; ++i) {
        if (random() % 4 >= density) continue;
        const double w = special(random, wild);
        row_of[j].push_back(i), by_column[j].push_back(w);
        input_of[i].push_back(j), by_row[i].push_back(w);
      }
    std::vector<double> plain = start;
    for (int j = 0; j < inputs; ++j)
      for (std::size_t k = 0; k < row_of[j].size(); ++k)
        for (int c = 0; c < 8; ++c) {
          const double w = std::signbit(mask[c]) ? std::fabs(by_column[j][k]) : by_column[j][k];
          const double product = w * block[j * wide + from + c];
          plain[row_of[j][k] * wide + from + c] += product;
        }
    std::vector<int> begin, end, column;
    std::vector<double> value, sums;
    for (int i = 0; i < rows; ++i) {
      begin.push_back(static_cast<int>(column.size()));
      column.insert(column.end(), input_of[i].begin(), input_of[i].end());
      value.insert(value.end(), by_row[i].begin(), by_row[i].end());
      end.push_back(static_cast<int>(column.size()));
      for (int c = 0; c < 8; ++c) sums.push_back(start[i * wide + from + c]);
    }
    std::vector<double> expected;
    for (int i = 0; i < rows; ++i)
      for (int c = 0; c < 8; ++c) expected.push_back(plain[i * wide + from + c]);
    for (const Kernels* k : all_kernels()) {
      std::vector<double> now = start, out = sums;
      for (int j = 0; j < inputs; ++j)
        k->scatter(static_cast<int>(row_of[j].size()), row_of[j].data(), by_column[j].data(), block.data() + j * wide + from,
                   mask.data(), now.data() + from, wide);
      check_same(plain, now);
      k->gather(rows, begin.data(), end.data(), column.data(), value.data(), block.data() + from, wide, mask.data(),
                out.data());
      check_same(expected, out);
    }
  }
}

struct Point {
  double x, y;
};

[[gnu::noinline]] double orient(const Point& a, const Point& b, const Point& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

// A product that is rounded on one side and not on the other would leave its rounding error behind.
void no_fused_multiply_add() {
  Random random(3);
  const double zero_filter[24] = {};
  for (int i = 0; i < 20000; ++i) {
    const Point a{real(random), real(random)}, b{real(random), real(random)}, copy = b;
    CHECK(orient(a, b, copy) == 0.0);
    CHECK(orient(a, a, b) == 0.0);
    const double p = a.x, q = b.y;
    const std::vector<double> left(8, p), right(8, q);
    const double* columns[2] = {left.data(), right.data()};
    const double g[8] = {q, 0.0, 0.0, 0.0, -p, 0.0, 0.0, 0.0};
    const double z[24] = {p, p, p, p, p, p, p, p, q, q, q, q, q, q, q, q};
    const double x[2] = {q, -p};
    for (const Kernels* k : all_kernels()) {
      std::vector<double> sum(32, 0.0);
      k->accumulate(8, 2, columns, g, 4, sum.data(), 8);
      for (int lane = 0; lane < 8; ++lane) CHECK(sum[lane] == 0.0);
      std::uint64_t pos, neg;
      k->signs(8, 2, z, zero_filter, 8, x, 1.0, 0.0, true, &pos, &neg);
      CHECK(pos == 0 && neg == 0);
    }
  }
}

constexpr long kShift = 400;  // everything below is a multiple of 2^-400

Int scaled(double v) { return Int::from_double(v, kShift); }

// Rows that nearly vanish at x, with errors that the filter is told of; the exact sign of every row that it may stand
// for, at every point that x may stand for, must agree with a certified one.
void no_wrong_sign() {
  Random random(4);
  int certified = 0, zeros = 0;
  for (int round = 0; round < 3000; ++round) {
    const int dim = 1 + static_cast<int>(random() % kMaxDim), n = 8;
    const double radius = round % 3 == 0 ? std::ldexp(1.0, -30 - static_cast<int>(random() % 20)) : 0.0;
    const double slope_error = round % 4 == 0 ? std::ldexp(1.0, -30 - static_cast<int>(random() % 20)) : 0.0;
    const double offset_error = round % 5 == 0 ? std::ldexp(1.0, -30 - static_cast<int>(random() % 20)) : 0.0;
    std::vector<double> x(dim), z(static_cast<std::size_t>(dim + 3) * n, 0.0), filter(3 * n);
    double xmax = 0;
    // Few bits now and then, so that exact zeros are met.
    const int keep = round % 2 ? 52 : 12;
    const auto draw = [&] { return std::ldexp(std::nearbyint(std::ldexp(real(random), keep)), -keep); };
    for (double& v : x) xmax = std::fmax(xmax, std::fabs(v = draw()));
    for (int i = 0; i < n; ++i) {
      double sum = 0;
      for (int k = 0; k < dim; ++k) sum += (z[k * n + i] = draw()) * x[k];
      const int ulps = static_cast<int>(random() % 64);
      z[dim * n + i] = -sum * (1.0 + (i % 4 == 0 ? 0 : ulps) * 0x1p-52) + (i % 8 == 7 ? 1e-3 : 0.0);
      z[(dim + 1) * n + i] = slope_error;
      z[(dim + 2) * n + i] = offset_error;
    }
    for (const Kernels* kernel : all_kernels()) {
      kernel->finalize(n, dim, (dim + 4) * kUnit * 1.01, z.data(), n, filter.data());
      for (int offset = 0; offset < 2; ++offset) {
        std::uint64_t pos, neg;
        kernel->signs(n, dim, z.data(), filter.data(), n, x.data(), xmax + radius, radius, offset == 1, &pos, &neg);
        for (int i = 0; i < n; ++i) {
          const int claim = (pos >> i & 1) ? 1 : (neg >> i & 1) ? -1 : 0;
          certified += claim != 0 && i % 8 != 7;
          // The worst row and point within the bounds, against each of the two signs.
          for (int against = -1; against <= 1; ++against) {
            Int value = offset ? scaled(z[dim * n + i]) + Int(against) * scaled(offset_error) : Int();
            value = value * scaled(1.0);
            for (int k = 0; k < dim; ++k) {
              const int side = against * (x[k] < 0 ? -1 : 1);
              const Int row = scaled(z[k * n + i]) + Int(side) * scaled(slope_error);
              const Int at = scaled(x[k]) + Int(against * row.sign()) * scaled(radius);
              value.add_mul(row, at);
            }
            if (claim != 0) CHECK(value.sign() == claim);
            zeros += value.is_zero();
          }
        }
        if (offset == 1 && radius == 0.0 && slope_error == 0.0 && offset_error == 0.0) CHECK(pos >> 7 & 1);
      }
    }
  }
  CHECK(certified > 1000 && zeros > 1000);  // else this compares nothing
}

// Numbers too large or too small to be summed safely are never certain.
void no_overflow() {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {1e91, -1e150, 1e308, inf, -inf, nan})
    for (const Kernels* k : all_kernels())
      for (int where = 0; where < 2; ++where) {
        std::vector<double> z(4 * 8, 0.0), filter(3 * 8);
        for (int i = 0; i < 8; ++i) z[where * 8 + i] = bad;
        k->finalize(8, 1, 1e-15, z.data(), 8, filter.data());
        const double x = 1.0;
        std::uint64_t pos, neg;
        k->signs(8, 1, z.data(), filter.data(), 8, &x, 1.0, 0.0, true, &pos, &neg);
        CHECK(pos == 0 && neg == 0);
      }
  for (const Kernels* k : all_kernels()) {  // below the smallest numbers everything is rounding
    std::vector<double> z(4 * 8, 0.0), filter(3 * 8);
    for (int i = 0; i < 8; ++i) z[i] = 0x1p-1060;
    k->finalize(8, 1, 1e-15, z.data(), 8, filter.data());
    const double x = 1.0;
    std::uint64_t pos, neg;
    k->signs(8, 1, z.data(), filter.data(), 8, &x, 1.0, 0.0, true, &pos, &neg);
    CHECK(pos == 0 && neg == 0);
  }
}

}  // namespace

int main() {
  same_bits(false);
  same_bits(true);
  sparse_sums(false);
  sparse_sums(true);
  no_fused_multiply_add();
  no_wrong_sign();
  no_overflow();
}
