// A chord of a convex polygon and the points where other lines meet it, in floating point with error bounds.
//
// A line is known by its values at points of the polygon's plane, all in units in which these are off by at most `error`.
// A point is a row of values, one for each line.  A point at infinity is a direction (on an unbounded polygon): the values are those of
// the linear parts, and a mixture of a point and a direction is the point that far along the ray, up to scale.
#pragma once
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

// The same for any number of points of a chord: those that are close share a bucket.
class Buckets {
 public:
  // Forget all points and make room for n.
  void reset(std::size_t n) {
    std::size_t size = 64;
    while (size < 4 * n) size *= 2;
    if (first_.size() < size) first_.resize(size);
    std::fill(first_.begin(), first_.begin() + static_cast<std::ptrdiff_t>(size), kNone);
    if (next_.size() < n) {
      next_.resize(n);
      low_.resize(n);
      high_.resize(n);
    }
    // Neither a power of two nor a start at 0: points at simple fractions stay away from the ends of the buckets.
    scale_ = 0.93713 * static_cast<double>(size - 1);
    count_ = 0;
  }
  // Whether the points differ from one another and from those before.  A point on both sides of a bucket's end is not certain.
  bool add(int n, const double* t, const double* room, const std::uint64_t* cross) {
    for (int w = 0; 64 * w < n; ++w)
      for (std::uint64_t rest = cross[w]; rest; rest &= rest - 1) {
        const int j = 64 * w + std::countr_zero(rest);
        if (!add(t[j], room[j] + kChordRoom)) return false;
      }
    return true;
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  bool add(double t, double room) {
    const double low = t - room, high = t + room;
    if (!(low > -0.03 && high < 1.03)) return false;
    const auto at = static_cast<std::uint32_t>(low * scale_ + 0.03 * scale_);
    if (at != static_cast<std::uint32_t>(high * scale_ + 0.03 * scale_)) return false;
    const std::uint32_t k = count_++;
    low_[k] = low;
    high_[k] = high;
    for (std::uint32_t other = next_[k] = first_[at]; other != kNone; other = next_[other])
      if (!(low_[other] > high || high_[other] < low)) return false;
    first_[at] = k;
    return true;
  }

  std::vector<std::uint32_t> first_, next_;
  std::vector<double> low_, high_;
  double scale_ = 1;
  std::uint32_t count_ = 0;
};

}  // namespace linregions
