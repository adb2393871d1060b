// The rows that bound a cell, and the two shapes of its linear program.  On a finite box the variables are the box's own
// coordinates, scaled to [-1, 1].  On any other domain a point x is the ray through (x, 1): the variables are its
// dim + 1 homogeneous coordinates, also within [-1, 1], every row is homogeneous and one more row says x0 > 0.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "exact_rows.hpp"

namespace linregions {

struct Geometry {
  int dim = 0, size = 0;  // of the domain, of the linear program
  bool cone = false;
  std::vector<double> lower, upper, centre, half;  // box: it lies within centre +- half
  double reach = 0;                                // box: the largest |coordinate|

  void init(const Domain& domain) {
    dim = domain.dim;
    cone = !domain.box;
    size = dim + (cone ? 1 : 0);
    if (cone) return;
    lower = domain.lower;
    upper = domain.upper;
    for (int k = 0; k < dim; ++k) {
      centre.push_back(std::clamp(lower[k] / 2 + upper[k] / 2, lower[k], upper[k]));
      half.push_back(std::fmax(upper[k] - centre[k], centre[k] - lower[k]) * (1 + 4 * kUnit) + 1e-300);
      reach = std::fmax(reach, std::fmax(std::fabs(lower[k]), std::fabs(upper[k])));
    }
    reach *= 1 + 4 * kUnit;
    if (!(reach < 1e200)) reach = std::numeric_limits<double>::infinity();
  }

  // The domain's point at the coordinates u of the linear program; false where there is none.
  bool point(const double* u, double* x) const {
    for (int k = 0; k < dim; ++k) {
      x[k] = cone ? u[k] / u[dim] : std::clamp(centre[k] + half[k] * u[k], lower[k], upper[k]);
      if (!(std::fabs(x[k]) < 1e200)) return false;
    }
    return true;
  }
  void coordinates(const double* x, double* u) const {
    double top = 1;
    for (int k = 0; k < dim; ++k) {
      u[k] = cone ? x[k] : (x[k] - centre[k]) / half[k];
      top = std::fmax(top, std::fabs(u[k]));
    }
    if (!cone) return;
    for (int k = 0; k < dim; ++k) u[k] /= 2 * top;
    u[dim] = 1 / (2 * top);
  }
};

// A stack of rows, each with the sign that it has on the cell.  The floating-point side has error bounds (see
// kernels.hpp: |value(x) - exact| <= factor |x| + constant); `scaled` is the row of the linear program, times the sign
// and of length one, good to rounding only: what is made of it is checked against the row itself.
class RowStack {
 public:
  void init(const Geometry& g) {
    geometry_ = &g;
    stride_ = static_cast<std::size_t>(g.dim + g.size + 7);
  }
  int count() const { return count_; }
  void release(int n) { count_ = n; }

  // Row `at` of a block of columns (see frame.hpp).
  int push(FacetId id, int sign, const double* z, const double* filter, std::size_t stride, std::size_t at,
           bool homogeneous) {
    const int dim = geometry_->dim;
    double* to = room(id, sign, homogeneous);
    for (int k = 0; k <= dim; ++k) to[k] = z[k * stride + at];
    double* more = to + dim + 1;
    for (int k = 0; k < 3; ++k) more[k] = filter[k * stride + at];
    more[3] = z[(dim + 1) * stride + at];
    more[4] = z[(dim + 2) * stride + at];
    scale(to, sign);
    return count_++;
  }
  // x0 > 0, which has no error.
  int push_infinity() {
    const int dim = geometry_->dim;
    double* to = room(facet_id(kInfinityLevel, 0), 1, true);
    std::fill(to, to + stride_, 0.0);
    to[dim] = 1;
    scale(to, 1);
    return count_++;
  }

  FacetId id(int i) const { return ids_[i]; }
  int sign(int i) const { return signs_[i]; }
  bool homogeneous(int i) const { return homogeneous_[i]; }
  const double* slopes(int i) const { return numbers_.data() + i * stride_; }
  double offset(int i) const { return slopes(i)[geometry_->dim]; }
  double sum(int i) const { return slopes(i)[geometry_->dim + 1]; }       // of |slopes|
  double factor(int i) const { return slopes(i)[geometry_->dim + 2]; }
  double constant(int i) const { return slopes(i)[geometry_->dim + 3]; }
  double slope_error(int i) const { return slopes(i)[geometry_->dim + 4]; }
  double offset_error(int i) const { return slopes(i)[geometry_->dim + 5]; }
  double length(int i) const { return lengths_[i]; }                       // what `scaled` was divided by
  const double* scaled(int i) const { return slopes(i) + geometry_->dim + 6; }
  double scaled_offset(int i) const { return offsets_[i]; }

  double value(int i, const double* x) const {
    const double* a = slopes(i);
    double s = a[geometry_->dim];
    for (int k = 0; k < geometry_->dim; ++k) s += a[k] * x[k];
    return s;
  }

 private:
  double* room(FacetId id, int sign, bool homogeneous) {
    if (ids_.size() <= static_cast<std::size_t>(count_)) {
      ids_.resize(count_ + 1);
      signs_.resize(count_ + 1);
      homogeneous_.resize(count_ + 1);
      lengths_.resize(count_ + 1);
      offsets_.resize(count_ + 1);
      if (numbers_.size() < stride_ * (count_ + 1)) numbers_.resize(2 * stride_ * (count_ + 1));
    }
    ids_[count_] = id;
    signs_[count_] = sign;
    homogeneous_[count_] = homogeneous;
    return numbers_.data() + count_ * stride_;
  }

  void scale(double* to, int sign) {
    const Geometry& g = *geometry_;
    double* out = to + g.dim + 6;
    double offset = g.cone ? 0.0 : to[g.dim], top = 0;
    for (int k = 0; k < g.dim; ++k) {
      out[k] = g.cone ? to[k] : to[k] * g.half[k];
      if (!g.cone) offset += to[k] * g.centre[k];
    }
    if (g.cone) out[g.dim] = to[g.dim];
    for (int k = 0; k < g.size; ++k) top = std::fmax(top, std::fabs(out[k]));
    if (!(top > 0) || !(top < 1e300)) top = std::fmax(1e-300, std::fabs(offset));
    double square = 0;
    for (int k = 0; k < g.size; ++k) square += (out[k] / top) * (out[k] / top);
    const double length = top * std::fmax(std::sqrt(square), 1e-3);
    for (int k = 0; k < g.size; ++k) out[k] = sign * (out[k] / length);
    lengths_[count_] = length;
    offsets_[count_] = sign * std::clamp(offset / length, -1e30, 1e30);
  }

  const Geometry* geometry_ = nullptr;
  std::size_t stride_ = 0;
  int count_ = 0;
  std::vector<double> numbers_, lengths_, offsets_;
  std::vector<FacetId> ids_;
  std::vector<int> signs_;
  std::vector<char> homogeneous_;
};

}  // namespace linregions
