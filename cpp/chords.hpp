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

// The same for any number of points of a chord: those that are close share a bucket.  Every point writes its name into its
// bucket, and one that does not find it there afterwards has been replaced; so no bucket needs to be cleared before.
class Buckets {
 public:
  // Forget all points and make room for n; the caller writes them to t, room and the bits of cross.
  void reset(std::size_t n) {
    std::size_t size = 512;
    while (size < kPerPoint * n && size < (std::size_t{1} << 22)) size *= 2;
    if (name_.size() < size) name_.resize(size);
    const std::size_t words = (n + 63) / 64;
    if (cross_.size() < words) {
      cross_.resize(words);
      lost_.resize(words);
      t_.resize(64 * words);
      room_.resize(64 * words);
      at_.resize(64 * words);
    }
    // Neither a power of two nor a start at 0: points at simple fractions stay away from the ends of the buckets.
    // Points lie between 0 and 1 with a room below 1/2; what lies outside wraps around, with all its neighbours.
    scale_ = 0.93713 * static_cast<double>(size - 1);
    shift_ = 0.7 * static_cast<double>(size);  // truncation goes towards zero, so no bucket may lie there
    mask_ = static_cast<std::int32_t>(size - 1);
  }
  double* t() { return t_.data(); }
  double* room() { return room_.data(); }
  std::uint64_t* cross() { return cross_.data(); }

  // The points from..from + n - 1 (from: a multiple of 64) that have a bit.  False where one of them is not known to lie
  // in a single bucket.
  bool add(std::size_t from, int n) {
    std::int32_t* at = at_.data() + from;
    kernels().buckets((n + 7) / 8 * 8, t_.data() + from, room_.data() + from, scale_, shift_, mask_, at);
    return kernels().place(n, at, cross_.data() + from / 64, static_cast<std::uint32_t>(from), name_.data());
  }

  // Whether the n points added surely differ.  Those that have been replaced are compared with the point in their bucket,
  // and then among themselves in the same way.
  bool differ(std::size_t n) {
    kernels().replaced(static_cast<int>(n), at_.data(), cross_.data(), 0, name_.data(), lost_.data());
    left_.clear();
    for (std::size_t w = 0; 64 * w < n; ++w)
      for (std::uint64_t rest = lost_[w]; rest; rest &= rest - 1)
        left_.push_back(static_cast<std::uint32_t>(64 * w) + static_cast<std::uint32_t>(std::countr_zero(rest)));
    for (int round = 0; round < kRounds; ++round) {
      for (const std::uint32_t j : left_)
        if (!apart(j, name_[static_cast<std::size_t>(at_[j])])) return false;
      for (const std::uint32_t j : left_) name_[static_cast<std::size_t>(at_[j])] = j;
      std::erase_if(left_, [&](std::uint32_t j) { return name_[static_cast<std::size_t>(at_[j])] == j; });
      if (left_.empty()) return true;
    }
    return differ_in_order();
  }

 private:
  static constexpr std::size_t kPerPoint = 4;
  static constexpr int kRounds = 4;  // more than that many points in a bucket, and they are sorted

  bool apart(std::uint32_t i, std::uint32_t j) const {
    return std::fabs(t_[i] - t_[j]) > room_[i] + room_[j] + 2 * kChordRoom;
  }

  // Whether the points that are left differ, and from those of the last round.
  bool differ_in_order() {
    for (const std::uint32_t j : left_)
      if (!apart(j, name_[static_cast<std::size_t>(at_[j])])) return false;
    std::sort(left_.begin(), left_.end(), [&](std::uint32_t a, std::uint32_t b) { return t_[a] < t_[b]; });
    // A wide point may reach beyond its neighbour, so the farthest reach so far is compared.
    double reach = -std::numeric_limits<double>::infinity();
    for (const std::uint32_t j : left_) {
      const double room = room_[j] + kChordRoom;
      if (!(t_[j] - room > reach)) return false;
      reach = larger(reach, t_[j] + room);
    }
    return true;
  }

  std::vector<std::uint32_t> name_;  // by bucket
  std::vector<std::uint64_t> cross_, lost_;
  std::vector<double> t_, room_;
  std::vector<std::int32_t> at_;
  std::vector<std::uint32_t> left_;
  double scale_ = 1, shift_ = 0;
  std::int32_t mask_ = 0;
};

}  // namespace linregions
