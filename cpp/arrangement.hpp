// Regions of a hyperplane arrangement in the whole space, counted in integers alone (deletion-restriction):
// r(A) = 1 + the sum over its hyperplanes of r(the earlier ones restricted to it).  No vertex is ever made, so a
// degenerate arrangement is no harder than a generic one.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "integer.hpp"

namespace linregions {

struct Overflow : std::overflow_error {
  Overflow() : std::overflow_error("64-bit integers are too short") {}
};

// 64-bit integers that throw instead of wrapping.
struct Checked {
  std::int64_t v = 0;
  Checked() = default;
  Checked(std::int64_t x) : v(x) {}  // NOLINT: integers convert
  bool is_zero() const { return v == 0; }
  int sign() const { return (v > 0) - (v < 0); }
  void negate() { v = (*this * Checked(-1)).v; }
  friend Checked operator*(Checked a, Checked b) {
    std::int64_t r;
    if (__builtin_mul_overflow(a.v, b.v, &r)) throw Overflow();
    return r;
  }
  friend Checked operator-(Checked a, Checked b) {
    std::int64_t r;
    if (__builtin_sub_overflow(a.v, b.v, &r)) throw Overflow();
    return r;
  }
};

inline int compare(const Checked& a, const Checked& b) { return (a.v > b.v) - (a.v < b.v); }
inline int compare(const Int& a, const Int& b) { return (a - b).sign(); }
// Sign of a d - b c.
inline int cross_sign(const Checked& a, const Checked& b, const Checked& c, const Checked& d) {
  const __int128 s = static_cast<__int128>(a.v) * d.v - static_cast<__int128>(b.v) * c.v;
  return (s > 0) - (s < 0);
}
inline int cross_sign(const Int& a, const Int& b, const Int& c, const Int& d) { return (a * d - b * c).sign(); }

inline void reduce(Checked* row, int n) {
  std::uint64_t g = 0;
  for (int k = 0; k < n && g != 1; ++k) g = std::gcd(g, static_cast<std::uint64_t>(row[k].v < 0 ? -row[k].v : row[k].v));
  if (g > 1)
    for (int k = 0; k < n; ++k) row[k].v /= static_cast<std::int64_t>(g);
}
inline void reduce(Int* row, int n) {
  IntRow copy(row, row + n);
  make_primitive(copy);
  // Beyond 64 bits only powers of two were taken out; rows are compared as they are, so the rest must go as well.
  Int g;
  for (const Int& v : copy) {
    Int a = g, b = v;
    if (b.sign() < 0) b.negate();
    while (!b.is_zero()) {  // Euclid by repeated doubling; rare
      while (!(a - b).is_zero() && (a - b).sign() > 0) {
        Int step = b;
        while ((a - (step + step)).sign() >= 0) step += step;
        a -= step;
      }
      if ((a - b).is_zero()) a = Int();
      std::swap(a, b);
    }
    g = a;
    if (g == Int(1)) break;
  }
  if (!(g == Int(1)) && !g.is_zero())
    for (Int& v : copy) {
      const bool negative = v.sign() < 0;
      if (negative) v.negate();
      Int quotient, rest = v;
      while (rest.sign() > 0) {
        Int step = g, times = 1;
        while ((rest - (step + step)).sign() >= 0) {
          step += step;
          times += times;
        }
        rest -= step;
        quotient += times;
      }
      v = quotient;
      if (negative) v.negate();
    }
  std::copy(copy.begin(), copy.end(), row);
}

template <class T>
class Arrangement {
 public:
  // m rows of dim + 1 numbers (normal, offset): distinct hyperplanes, each primitive with its first non-zero entry positive.
  Arrangement(std::vector<T> rows, int dim) : rows_(std::move(rows)), dim_(dim) {}

  int size() const { return static_cast<int>(rows_.size()) / (dim_ + 1); }
  int dim() const { return dim_; }
  const T* row(int i) const { return rows_.data() + static_cast<std::size_t>(i) * (dim_ + 1); }

  // The first `count` hyperplanes, except `h`, on hyperplane h moved to normal.x + offset = shift.
  Arrangement restricted(int h, int count, bool shifted) const {
    const T* on = row(h);
    int pivot = -1;
    for (int k = 0; k < dim_; ++k) {
      if (on[k].is_zero()) continue;
      if (pivot < 0 || magnitude_less(on[k], on[pivot])) pivot = k;
    }
    T lead = on[pivot];
    const bool flip = lead.sign() < 0;
    if (flip) lead.negate();
    std::vector<T> out;
    std::vector<int> start;
    out.reserve(static_cast<std::size_t>(count) * dim_);
    for (int j = 0; j < count; ++j) {
      if (j == h) continue;
      const T* r = row(j);
      const std::size_t at = out.size();
      bool normal = false;
      for (int k = 0; k <= dim_; ++k) {
        if (k == pivot) continue;
        T base = on[k];
        if (k == dim_ && shifted) base = base - T(1);
        if (flip) base.negate();
        T value = lead * r[k] - r[pivot] * base;
        normal = normal || (k < dim_ && !value.is_zero());
        out.push_back(std::move(value));
      }
      if (!normal) {  // parallel: it does not meet this hyperplane
        out.resize(at);
        continue;
      }
      canonical(out.data() + at, dim_);
    }
    return distinct(std::move(out), dim_ - 1);
  }

  static void canonical(T* r, int n) {
    reduce(r, n);
    int first = 0;
    while (first < n && r[first].is_zero()) ++first;
    if (first < n && r[first].sign() < 0)
      for (int k = 0; k < n; ++k) r[k].negate();
  }

  static Arrangement distinct(std::vector<T> flat, int dim) {
    const std::size_t width = static_cast<std::size_t>(dim) + 1, m = flat.size() / width;
    std::vector<int> order(m);
    std::iota(order.begin(), order.end(), 0);
    const auto compare_rows = [&](int a, int b) {
      for (std::size_t k = 0; k < width; ++k)
        if (const int c = compare(flat[a * width + k], flat[b * width + k])) return c;
      return 0;
    };
    std::sort(order.begin(), order.end(), [&](int a, int b) { return compare_rows(a, b) < 0; });
    std::vector<T> out;
    out.reserve(flat.size());
    for (std::size_t i = 0; i < m; ++i) {
      if (i && compare_rows(order[i - 1], order[i]) == 0) continue;
      out.insert(out.end(), flat.begin() + order[i] * width, flat.begin() + (order[i] + 1) * width);
    }
    return Arrangement(std::move(out), dim);
  }

  // Regions; a lower bound once `stop` is set.
  std::uint64_t regions(const std::atomic<int>& stop) const {
    const int m = size();
    if (m < 2) return static_cast<std::uint64_t>(m) + 1;
    if (dim_ == 1) return static_cast<std::uint64_t>(m) + 1;
    std::uint64_t total = 2;  // 1 and the first hyperplane
    for (int i = 1; i < m && !stop.load(std::memory_order_relaxed); ++i) total += on_hyperplane(i, stop);
    return total;
  }

  std::uint64_t on_hyperplane(int i, const std::atomic<int>& stop) const {
    return dim_ == 2 ? on_line(i) : restricted(i, i, false).regions(stop);
  }

  // Adds the unsigned Whitney numbers b_0, ..., b_dim, whose sum is regions(), to sums[0..dim]: b_0 = 1, and b_k is the sum
  // over the hyperplanes of b_{k-1} of the earlier ones restricted to it.  Too small once `stop` is set.
  // No sum wraps: every 1 in it is a point or hyperplane that was visited, and 2^64 visits take centuries.
  void add_whitney(const std::atomic<int>& stop, std::uint64_t* sums) const {
    ++sums[0];
    for (int i = 0; i < size() && !stop.load(std::memory_order_relaxed); ++i) add_section(i, stop, sums + 1);
  }

  // The same for what the hyperplanes before i leave on hyperplane i, of dimension dim - 1.
  void add_section(int i, const std::atomic<int>& stop, std::uint64_t* sums) const {
    if (dim_ > 2) return restricted(i, i, false).add_whitney(stop, sums);
    ++sums[0];
    if (dim_ == 2) sums[1] += on_line(i) - 1;
  }

 private:
  static bool magnitude_less(const T& a, const T& b) {
    T x = a, y = b;
    if (x.sign() < 0) x.negate();
    if (y.sign() < 0) y.negate();
    return compare(x, y) < 0;
  }

  // Pieces of line i under the lines before it: 1 + the number of different points.
  std::uint64_t on_line(int i) const {
    const T* on = row(i);
    const int p = on[0].is_zero() ? 1 : 0;
    std::vector<std::pair<T, T>> points;  // slope > 0, offset
    points.reserve(i);
    for (int j = 0; j < i; ++j) {
      const T* r = row(j);
      T slope = on[p] * r[1 - p] - r[p] * on[1 - p];
      if (slope.is_zero()) continue;
      T offset = on[p] * r[2] - r[p] * on[2];
      if (slope.sign() < 0) {
        slope.negate();
        offset.negate();
      }
      points.emplace_back(std::move(slope), std::move(offset));
    }
    std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
      return cross_sign(a.second, a.first, b.second, b.first) < 0;
    });
    std::uint64_t n = 1;
    for (std::size_t k = 0; k < points.size(); ++k)
      n += k == 0 || cross_sign(points[k - 1].second, points[k - 1].first, points[k].second, points[k].first) != 0;
    return n;
  }

  std::vector<T> rows_;
  int dim_;
};

// A run over the hyperplanes of one arrangement, watched from outside; same verbs as Run.
class ArrangementRun {
 public:
  ArrangementRun(std::vector<std::int64_t> rows, int dim);
  ~ArrangementRun();
  // With `whitney` the regions are counted by Whitney numbers, at the same speed.
  void start(int threads, std::uint64_t max_regions, bool whitney = false);
  bool wait(double seconds);
  void stop(int reason) {
    int none = 0;
    stop_.compare_exchange_strong(none, reason);
  }
  std::uint64_t regions() const { return regions_; }
  // After a run with `whitney` that was not stopped: b_0, ..., b_dim.
  std::vector<std::uint64_t> whitney() const;
  double progress() const { return tasks_ ? static_cast<double>(done_) / tasks_ : 1.0; }
  int stopped() const { return stop_; }

 private:
  std::uint64_t section(int i) const;
  std::uint64_t section_by_whitney(int i);
  void work();
  void join();
  bool long_only_ = false, by_whitney_ = false;
  Arrangement<Checked> short_;
  Arrangement<Int> long_;
  std::uint64_t factor_ = 1, limit_ = 0;
  std::vector<std::uint64_t> whitney_;  // of the arrangement that is counted, half of a central one
  int tasks_ = 0, running_ = 0;
  std::atomic<int> stop_{0}, next_{0}, done_{0};
  std::atomic<std::uint64_t> regions_{0};
  std::vector<std::thread> threads_;
  std::mutex lock_;
  std::condition_variable changed_;
};

}  // namespace linregions
