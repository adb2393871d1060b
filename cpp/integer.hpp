// Exact integers of any size: an int64 while it fits, a sign and 64-bit limbs when it does not.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace linregions {

class Int {
 public:
  Int() = default;
  Int(std::int64_t v) : small_(v) {}  // NOLINT: integers convert
  // magnitude in little-endian limbs
  static Int from_limbs(bool negative, const std::uint64_t* limbs, std::size_t n) {
    Int out;
    out.assign(negative, limbs, n);
    return out;
  }

  bool is_small() const { return limbs_.empty(); }
  int sign() const {
    if (is_small()) return (small_ > 0) - (small_ < 0);
    return negative_ ? -1 : 1;
  }
  bool is_zero() const { return is_small() && small_ == 0; }
  std::int64_t small() const { return small_; }

  Int& negate() {
    if (!is_small()) {
      negative_ = !negative_;
      normalize();
    } else if (small_ == INT64_MIN) {
      const std::uint64_t m = std::uint64_t{1} << 63;
      limbs_.assign(1, m);
      negative_ = false;
    } else {
      small_ = -small_;
    }
    return *this;
  }
  Int operator-() const {
    Int out = *this;
    out.negate();
    return out;
  }

  Int& operator+=(const Int& b) {
    if (is_small() && b.is_small() && !__builtin_add_overflow(small_, b.small_, &scratch_small())) {
      small_ = scratch_small();
      return *this;
    }
    View v(b);
    add_signed(v.negative, v.limbs, v.n);
    return *this;
  }
  Int& operator-=(const Int& b) {
    if (is_small() && b.is_small() && !__builtin_sub_overflow(small_, b.small_, &scratch_small())) {
      small_ = scratch_small();
      return *this;
    }
    View v(b);
    add_signed(!v.negative, v.limbs, v.n);
    return *this;
  }
  friend Int operator+(Int a, const Int& b) { return a += b; }
  friend Int operator-(Int a, const Int& b) { return a -= b; }
  friend Int operator*(const Int& a, const Int& b) {
    Int out;
    out.add_mul(a, b);
    return out;
  }

  // *this += a * b
  void add_mul(const Int& a, const Int& b) {
    if (a.is_small() && b.is_small()) {
      std::int64_t product, sum;
      if (is_small() && !__builtin_mul_overflow(a.small_, b.small_, &product) &&
          !__builtin_add_overflow(small_, product, &sum)) {
        small_ = sum;
        return;
      }
      if (a.small_ == 0 || b.small_ == 0) return;
    } else if (a.is_zero() || b.is_zero()) {
      return;
    }
    View va(a), vb(b);
    add_product(va.negative != vb.negative, va.limbs, va.n, vb.limbs, vb.n);
  }
  // *this -= a * b; neither may be *this
  void sub_mul(const Int& a, const Int& b) {
    negate();
    add_mul(a, b);
    negate();
  }
  // *this += y * (w * 2^shift); w * 2^shift must be an integer.
  void add_mul_double(const Int& y, double w, long shift) {
    if (w == 0.0 || y.is_zero()) return;
    Int factor = from_double(w, shift);
    add_mul(y, factor);
  }

  // w * 2^shift, which must be an integer.
  static Int from_double(double w, long shift) {
    if (w == 0.0) return Int();
    int e;
    const double m = std::frexp(w, &e);
    auto mantissa = static_cast<std::int64_t>(std::ldexp(m, 53));
    long power = static_cast<long>(e) - 53 + shift;
    while (power < 0 && (mantissa & 1) == 0) {
      mantissa /= 2;
      ++power;
    }
    Int out(mantissa);
    out.shift_left(power);
    return out;
  }

  void shift_left(long bits) {
    if (bits <= 0 || is_zero()) return;
    if (is_small() && bits < 62) {
      const std::int64_t limit = std::int64_t{1} << (62 - bits);
      if (small_ < limit && small_ > -limit) {
        small_ *= std::int64_t{1} << bits;
        return;
      }
    }
    View v(*this);
    const std::size_t words = static_cast<std::size_t>(bits) / 64;
    const int rest = static_cast<int>(bits % 64);
    std::vector<std::uint64_t> out(v.n + words + 1, 0);
    for (std::size_t i = 0; i < v.n; ++i) {
      out[i + words] |= v.limbs[i] << rest;
      if (rest) out[i + words + 1] |= v.limbs[i] >> (64 - rest);
    }
    const bool negative = v.negative;
    limbs_ = std::move(out);
    negative_ = negative;
    normalize();
  }
  // Exact division by 2^bits.
  void shift_right_exact(long bits) {
    if (bits <= 0 || is_zero()) return;
    if (is_small()) {
      small_ /= (bits < 63 ? (std::int64_t{1} << bits) : INT64_MAX);
      return;
    }
    const std::size_t words = static_cast<std::size_t>(bits) / 64;
    const int rest = static_cast<int>(bits % 64);
    std::vector<std::uint64_t> out;
    for (std::size_t i = words; i < limbs_.size(); ++i) {
      std::uint64_t w = limbs_[i] >> rest;
      if (rest && i + 1 < limbs_.size()) w |= limbs_[i + 1] << (64 - rest);
      out.push_back(w);
    }
    limbs_ = std::move(out);
    normalize();
  }
  // Number of trailing zero bits; a large number for zero.
  long trailing_zeros() const {
    if (is_small()) return small_ == 0 ? (1L << 40) : __builtin_ctzll(static_cast<std::uint64_t>(small_));
    for (std::size_t i = 0; i < limbs_.size(); ++i)
      if (limbs_[i]) return static_cast<long>(64 * i) + __builtin_ctzll(limbs_[i]);
    return 1L << 40;
  }

  // value = m * 2^e with 0.5 <= |m| < 1 (or m = 0); relative error below 2^-52.
  double approximate(long& e) const {
    if (is_small()) {
      int k;
      const double m = std::frexp(static_cast<double>(small_), &k);
      e = k;
      return m;
    }
    double m = 0;
    const std::size_t n = limbs_.size();
    for (std::size_t i = n; i-- > 0 && i + 3 > n;) m = m * 18446744073709551616.0 + static_cast<double>(limbs_[i]);
    int k;
    m = std::frexp(m, &k);
    e = k + 64 * static_cast<long>(n > 2 ? n - 2 : 0);
    return negative_ ? -m : m;
  }

  // magnitude limbs, for export
  std::vector<std::uint64_t> magnitude() const {
    View v(*this);
    return {v.limbs, v.limbs + v.n};
  }

  friend bool operator==(const Int& a, const Int& b) {
    if (a.is_small() != b.is_small()) return false;
    return a.is_small() ? a.small_ == b.small_ : (a.negative_ == b.negative_ && a.limbs_ == b.limbs_);
  }

 private:
  // The magnitude of an Int as limbs, without copying big ones.
  struct View {
    explicit View(const Int& x) {
      if (x.is_small()) {
        negative = x.small_ < 0;
        one = negative ? ~static_cast<std::uint64_t>(x.small_) + 1 : static_cast<std::uint64_t>(x.small_);
        limbs = &one;
        n = one ? 1 : 0;
      } else {
        negative = x.negative_;
        limbs = x.limbs_.data();
        n = x.limbs_.size();
      }
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    bool negative;
    std::uint64_t one = 0;
    const std::uint64_t* limbs;
    std::size_t n;
  };

  static std::int64_t& scratch_small() {
    thread_local std::int64_t value;
    return value;
  }

  void assign(bool negative, const std::uint64_t* limbs, std::size_t n) {
    limbs_.assign(limbs, limbs + n);
    negative_ = negative;
    normalize();
  }

  void normalize() {
    while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
    if (limbs_.empty()) {
      small_ = 0;
      negative_ = false;
    } else if (limbs_.size() == 1) {
      const std::uint64_t m = limbs_[0];
      const std::uint64_t top = std::uint64_t{1} << 63;
      if (m < top || (negative_ && m == top)) {
        small_ = negative_ ? static_cast<std::int64_t>(~m + 1) : static_cast<std::int64_t>(m);
        limbs_.clear();
        negative_ = false;
      }
    }
  }

  void promote() {
    if (!is_small()) return;
    View v(*this);
    const bool negative = v.negative;
    const std::uint64_t m = v.one;
    limbs_.assign(1, m);
    negative_ = negative;
  }

  static int compare(const std::uint64_t* a, std::size_t na, const std::uint64_t* b, std::size_t nb) {
    while (na && a[na - 1] == 0) --na;
    while (nb && b[nb - 1] == 0) --nb;
    if (na != nb) return na < nb ? -1 : 1;
    for (std::size_t i = na; i-- > 0;)
      if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
  }

  void add_signed(bool negative, const std::uint64_t* b, std::size_t n) {
    if (n == 0) return;
    promote();
    if (negative_ == negative) {
      if (limbs_.size() < n) limbs_.resize(n, 0);
      unsigned __int128 carry = 0;
      for (std::size_t i = 0; i < limbs_.size(); ++i) {
        if (i >= n && carry == 0) break;
        carry += limbs_[i];
        if (i < n) carry += b[i];
        limbs_[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
      }
      if (carry) limbs_.push_back(static_cast<std::uint64_t>(carry));
    } else {
      const int order = compare(limbs_.data(), limbs_.size(), b, n);
      if (order >= 0) {
        subtract(limbs_.data(), limbs_.size(), b, n, limbs_.data());
      } else {
        const std::size_t old = limbs_.size();
        if (old < n) limbs_.resize(n, 0);
        subtract(b, n, limbs_.data(), n, limbs_.data());
        negative_ = negative;
      }
    }
    normalize();
  }

  // out = a - b for |a| >= |b|; out may be a or b.
  static void subtract(const std::uint64_t* a, std::size_t na, const std::uint64_t* b, std::size_t nb,
                       std::uint64_t* out) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < na; ++i) {
      const std::uint64_t y = i < nb ? b[i] : 0;
      const std::uint64_t x = a[i];
      const std::uint64_t d = x - y;
      const std::uint64_t d2 = d - borrow;
      borrow = static_cast<std::uint64_t>(x < y) | static_cast<std::uint64_t>(d < borrow);
      out[i] = d2;
    }
  }

  void add_product(bool negative, const std::uint64_t* a, std::size_t na, const std::uint64_t* b, std::size_t nb) {
    thread_local std::vector<std::uint64_t> product;
    product.assign(na + nb, 0);
    for (std::size_t i = 0; i < na; ++i) {
      unsigned __int128 carry = 0;
      for (std::size_t j = 0; j < nb; ++j) {
        carry += static_cast<unsigned __int128>(a[i]) * b[j] + product[i + j];
        product[i + j] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
      }
      product[i + nb] = static_cast<std::uint64_t>(carry);
    }
    std::size_t n = na + nb;
    while (n && product[n - 1] == 0) --n;
    add_signed(negative, product.data(), n);
  }

  std::int64_t small_ = 0;
  bool negative_ = false;
  std::vector<std::uint64_t> limbs_;  // empty: the value is small_
};

using IntRow = std::vector<Int>;

// Divide a row by the powers of two, and where all entries are small by the divisor, that its entries share.
inline void make_primitive(IntRow& row) {
  long twos = 1L << 40;
  bool small = true;
  for (const Int& v : row) {
    if (v.is_zero()) continue;
    twos = std::min(twos, v.trailing_zeros());
  }
  if (twos >= (1L << 40)) return;
  if (twos > 0)
    for (Int& v : row) v.shift_right_exact(twos);
  for (const Int& v : row) small = small && v.is_small();
  if (!small) return;
  std::uint64_t g = 0;
  for (const Int& v : row) {
    const std::int64_t s = v.small();
    std::uint64_t a = s < 0 ? ~static_cast<std::uint64_t>(s) + 1 : static_cast<std::uint64_t>(s);
    while (a) {
      const std::uint64_t t = g % a;
      g = a;
      a = t;
    }
    if (g == 1) return;
  }
  if (g > 1 && g < (std::uint64_t{1} << 63))
    for (Int& v : row) v = Int(v.small() / static_cast<std::int64_t>(g));
}

}  // namespace linregions
