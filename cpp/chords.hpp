// A chord of a convex polygon and the points where other lines meet it, in floating point with error bounds.
//
// A line is known by its values at points of the polygon's plane, and a point is a row of values, one for each line, all
// within an error.  A point at infinity is a direction (on an unbounded polygon): its values are those of the linear
// parts, and a mixture of a point and a direction is the point that far along the ray, up to scale.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "cell.hpp"
#include "kernels.hpp"

namespace linregions {

// One end of a chord: w0 row0 + w1 row1, every value within `error`.
struct ChordEnd {
  const double *row0 = nullptr, *row1 = nullptr;
  double w0 = 0, w1 = 0, error = 0;
  bool far = false;
};

// Where line c meets the edge between two vertices, on different sides of it; `most` bounds all values.
inline ChordEnd end_on_edge(const double* u, const double* v, double error, double most, int c) {
  const double fu = std::fabs(u[c]), fv = std::fabs(v[c]), d = fu + fv;
  ChordEnd end{u, v, fv / d, fu / d, std::numeric_limits<double>::infinity(), false};
  // t = fu / d is off by at most error / (d - 2 error), and the values change by at most 2 (most + error) along the edge.
  const double safe = d - 2 * error;
  if (safe > 0.5 * d) end.error = (error + 2 * (most + error) * (error / safe + 4 * kUnit) + 8 * kUnit * most) * 1.001;
  return end;
}

// A point of line c: from a point of the plane, along a direction that leaves it.
inline ChordEnd end_on_ray(const double* base, double base_error, double base_most, const double* direction,
                           double error, double most, int c) {
  const double slope = std::fabs(direction[c]), t = -base[c] / direction[c], size = std::fabs(t);
  ChordEnd end{base, direction, 1.0, t, std::numeric_limits<double>::infinity(), false};
  const double safe = slope - error;
  if (safe > 0.5 * slope) {
    const double reach = (base_error + size * error) / safe + 8 * kUnit * size;
    end.error = (base_error + size * error + reach * (most + error) + 8 * kUnit * (base_most + size * most)) * 1.001;
  }
  return end;
}

inline void lines_across(int n, const ChordEnd& p, const ChordEnd& q, double* t, double* room, std::uint64_t* cross,
                         std::uint64_t* doubt) {
  const double* rows[4] = {p.row0, p.row1, q.row0, q.row1};
  const double weights[4] = {p.w0, p.w1, q.w0, q.w1};
  kernels().crossings(n, rows, weights, larger(p.error, q.error), t, room, cross, doubt);
}

// Rounding of t and room themselves, on top of a room.
constexpr double kChordRoom = 16 * kUnit;

// Whether the points of a chord that are named by `bits` surely differ; for a few of them.
inline bool apart(std::uint64_t bits, const double* t, const double* room) {
  for (; bits & (bits - 1); bits &= bits - 1) {
    const int i = std::countr_zero(bits);
    for (std::uint64_t rest = bits & (bits - 1); rest; rest &= rest - 1) {
      const int j = std::countr_zero(rest);
      if (!(std::fabs(t[i] - t[j]) > room[i] + room[j] + kChordRoom)) return false;
    }
  }
  return true;
}

// The same for any number of points of a chord: those that are close share a bucket.  A bit tells whether a bucket has
// been used, so that thousands of them stay in the fastest cache; only points of buckets used twice are compared.
class Buckets {
 public:
  // Forget all points and make room for n; the caller writes them to t, room and the bits of cross.
  void reset(std::size_t n) {
    std::size_t size = 512;
    while (size < 16 * n && size < (std::size_t{1} << 22)) size *= 2;
    if (used_.size() < size / 64) {
      used_.resize(size / 64);
      shared_.resize(size / 64);
    }
    std::fill(used_.begin(), used_.begin() + static_cast<std::ptrdiff_t>(size / 64), 0);
    const std::size_t words = (n + 63) / 64;
    if (cross_.size() < words) {
      cross_.resize(words);
      t_.resize(64 * words);
      room_.resize(64 * words);
      at_.resize(64 * words);
    }
    // Neither a power of two nor a start at 0: points at simple fractions stay away from the ends of the buckets.
    // Points lie between 0 and 1 with a room below 1/2; what lies outside wraps around, with all its neighbours.
    scale_ = 0.93713 * static_cast<double>(size - 1);
    shift_ = 0.7 * static_cast<double>(size);  // truncation goes towards zero, so no bucket may lie there
    mask_ = static_cast<std::int32_t>(size - 1);
    again_.clear();
  }
  double* t() { return t_.data(); }
  double* room() { return room_.data(); }
  std::uint64_t* cross() { return cross_.data(); }

  // The points from..from + n - 1 (from: a multiple of 64) that have a bit.  False where one of them is not known to lie
  // in a single bucket.
  bool add(std::size_t from, int n) {
    kernels().buckets((n + 7) / 8 * 8, t_.data() + from, room_.data() + from, scale_, shift_, mask_, at_.data() + from);
    // Local copies, because the compiler cannot know that a store leaves the members alone.
    std::uint64_t* const used = used_.data();
    const std::int32_t* at = at_.data() + from;
    const std::uint64_t* cross = cross_.data() + from / 64;
    std::int32_t all = 0;
    for (int w = 0; 64 * w < n; ++w, at += 64)
      for (std::uint64_t rest = cross[w]; rest; rest &= rest - 1) {
        const std::int32_t k = at[std::countr_zero(rest)];
        all |= k;
        const std::uint32_t bucket = static_cast<std::uint32_t>(k & mask_);
        const std::uint64_t bit = std::uint64_t{1} << (bucket % 64), before = used[bucket / 64];
        used[bucket / 64] = before | bit;
        if (before & bit) again_.push_back(bucket);
      }
    return all >= 0;
  }

  // Whether the n points added surely differ.
  bool differ(std::size_t n) {
    if (again_.empty()) return true;
    for (const std::uint32_t k : again_) shared_[k / 64] |= std::uint64_t{1} << (k % 64);
    close_.clear();
    for (std::size_t w = 0; 64 * w < n; ++w)
      for (std::uint64_t rest = cross_[w]; rest; rest &= rest - 1) {
        const std::size_t j = 64 * w + static_cast<std::size_t>(std::countr_zero(rest));
        const auto k = static_cast<std::uint32_t>(at_[j]);
        if (shared_[k / 64] >> (k % 64) & 1) close_.push_back({t_[j], room_[j] + kChordRoom});
      }
    for (const std::uint32_t k : again_) shared_[k / 64] = 0;
    std::sort(close_.begin(), close_.end(), [](const Point& a, const Point& b) { return a.t < b.t; });
    // A wide point may reach beyond its neighbour, so the farthest reach so far is compared.
    double reach = close_[0].t + close_[0].room;
    for (std::size_t i = 1; i < close_.size(); ++i) {
      if (!(close_[i].t - close_[i].room > reach)) return false;
      reach = larger(reach, close_[i].t + close_[i].room);
    }
    return true;
  }

 private:
  struct Point {
    double t, room;
  };
  std::vector<std::uint64_t> used_, shared_;  // by bucket
  std::vector<std::uint64_t> cross_;
  std::vector<double> t_, room_;
  std::vector<std::int32_t> at_;
  std::vector<std::uint32_t> again_;
  std::vector<Point> close_;
  double scale_ = 1, shift_ = 0;
  std::int32_t mask_ = 0;
};

}  // namespace linregions
