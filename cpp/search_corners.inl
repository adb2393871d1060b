// What a finished region of a two-dimensional domain leaves behind for pictures and measures: its polygon.
#pragma once

namespace linregions {

// The corners of a polygon in order around it; false where its facets do not close up, as in runs that are not exact.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::order_corners(const C& cell, int* corner, std::uint8_t* seen) const {
  for (int i = 0; i < cell.count; ++i) seen[i] = 0;
  for (int i = 0, last = 0; i < cell.count; ++i) {
    int next = i ? -1 : 0;
    for (int j = 0; i && j < cell.count && next < 0; ++j)
      if (!seen[j] && adjacent(cell, cell.vertex[last], cell.vertex[j], dim())) next = j;
    if (next < 0) return false;
    seen[next] = 1;
    corner[i] = last = next;
  }
  return true;
}

// Corners are known this well, relative to the domain's extent.  The bounds on the error of a row grow with every layer, and
// much faster than the errors: rows of wide networks are known to a few parts in 10^11, and corners between nearly parallel
// ones less well.  Asking for more would send a good part of the corners to the exact layer.
constexpr double kCornerRadius = 1e-13, kPoorCornerRadius = 1e-8;

template <int D, int W, bool Inf>
void Search<D, W, Inf>::settle_corner(V& v, const FacetId* facet) {
  const double rounding = 64 * kUnit * v.xmax;
  if (v.radius > larger(kCornerRadius * extent_, rounding) && !v.polished) polish(v, facet);
  if (shared_.options.exact && v.radius > larger(kPoorCornerRadius * extent_, rounding)) refresh(v, facet);
}

// How far a point that is known exactly can be from the line of a facet.
template <int D, int W, bool Inf>
double Search<D, W, Inf>::off_line(FacetId id, const double* x) const {
  const auto level = facet_level(id);
  const int at = static_cast<int>(facet_index(id));
  V point{};
  for (int k = 0; k < 2; ++k) point.x[k] = x[k];
  measure(dim(), point.x, point.xmax, point.radius);
  const Frame* f = level == 0 ? nullptr : &frames_[level - 1];
  const double *z = f ? f->cuts_z() : domain_z_.data(), *filter = f ? f->cuts_filter() : domain_filter_.data();
  const std::size_t stride = f ? f->all_padded : (shared_.domain.rows.size() + 7) / 8 * 8;
  const Value v = value_at(z, filter, stride, at, point);
  const double slope = std::hypot(z[at], z[stride + at]) * (1 - 8 * kUnit) - 1.5 * z[3 * stride + at];
  return slope > 0 ? (std::fabs(v.value) + v.error) / slope * (1 + 8 * kUnit) : std::numeric_limits<double>::infinity();
}

// Twice the area of a polygon, positive where its corners go counter-clockwise, and a bound on the error.
//
// Move every corner straight from where it is computed to where it is, by at most r in each coordinate.  The area then grows
// by the integral of the edges' normal speeds, so by at most (length * e + 2 r^2) for an edge whose computed ends lie within
// e of its true line.  Corners between nearly parallel edges can be far off along these, but not across them.
template <int D, int W, bool Inf>
typename Search<D, W, Inf>::Value Search<D, W, Inf>::twice_area(const C& cell, const int* corner) const {
  const V& origin = cell.vertex[corner[0]];
  double twice = 0, size = 0, moved = 0;
  for (int i = 0; i < cell.count; ++i) {
    const V &p = cell.vertex[corner[i]], &q = cell.vertex[corner[i + 1 < cell.count ? i + 1 : 0]];
    const double a = p.x[0] - origin.x[0], b = p.x[1] - origin.x[1], c = q.x[0] - origin.x[0], d = q.x[1] - origin.x[1];
    twice += a * d - b * c;
    size += std::fabs(a * d) + std::fabs(b * c);
    const double r = larger(p.radius, q.radius), length = std::fabs(c - a) + std::fabs(d - b) + 4 * r;
    double off = 1.5 * r;
    if (off > 4 * kUnit * larger(p.xmax, q.xmax)) {
      const FacetId id = cell.facet[edge_bit(cell, p, q)];
      off = std::fmin(off, larger(off_line(id, p.x), off_line(id, q.x)));
    }
    moved += 2 * (length * off + 2 * r * r);
  }
  return {twice, (moved + (cell.count + 6) * kUnit * size) * 1.01 + 1e-300};
}

// The same, known well enough for the promise of `Partition.volumes`: to 1e-6 of the area or 1e-11 of the domain's.
template <int D, int W, bool Inf>
typename Search<D, W, Inf>::Value Search<D, W, Inf>::settled_area(const C& cell, const int* corner) {
  Value twice = twice_area(cell, corner);
  const double size = larger(1e-6 * (std::fabs(twice.value) - twice.error), 2e-11 * box_);
  if (!shared_.options.exact || twice.error <= size) return twice;
  for (int i = 0; i < cell.count; ++i)
    if (cell.vertex[i].radius > 32 * kUnit * cell.vertex[i].xmax) refresh(cell.vertex[i], cell.facet);
  return twice_area(cell, corner);
}

// Which way around the corners go where their area does not say; any three of them will do.
template <int D, int W, bool Inf>
int Search<D, W, Inf>::exact_orientation(const C& cell, const int* corner) {
  IntRow p[3];
  for (int i = 0; i < 3; ++i) p[i] = exact_vertex(cell.vertex[corner[i]], cell.facet);
  Int det;
  for (int i = 0; i < 3; ++i) {
    const IntRow &a = p[(i + 1) % 3], &b = p[(i + 2) % 3];
    if (a.empty() || b.empty() || p[i].empty()) return 1;
    det.add_mul(p[i][2], a[0] * b[1] - a[1] * b[0]);
  }
  return det.sign() < 0 ? -1 : 1;
}

// The bit of the facet that two neighbouring corners span; of several the one that arose first.
template <int D, int W, bool Inf>
int Search<D, W, Inf>::edge_bit(const C& cell, const V& a, const V& b) const {
  int best = -1;
  const Mask<W> common = a.mask & b.mask;
  for (int w = 0; w < W; ++w)
    for (std::uint64_t rest = common.word[w]; rest; rest &= rest - 1) {
      const int bit = 64 * w + std::countr_zero(rest);
      if (best < 0 || cell.facet[bit] < cell.facet[best]) best = bit;
    }
  return best;
}

template <int D, int W, bool Inf>
void Search<D, W, Inf>::record_polygon(const C& cell, PolygonList& list) {
  const std::size_t pool = pool_.size();
  const auto mark = arena_.mark();
  int* corner = arena_.take<int>(cell.count);
  const int n = cell.count;
  if (n < 3 || !order_corners(cell, corner, arena_.take<std::uint8_t>(n))) {
    list.size.push_back(0);
    list.area.push_back(0);
    list.area_error.push_back(std::numeric_limits<double>::infinity());
  } else {
    for (int i = 0; i < n; ++i) settle_corner(cell.vertex[i], cell.facet);
    const Value twice = settled_area(cell, corner);
    bool reversed = twice.value < 0;
    if (shared_.options.exact && !(std::fabs(twice.value) > twice.error)) reversed = exact_orientation(cell, corner) < 0;
    if (reversed) std::reverse(corner, corner + n);
    list.area.push_back(larger((reversed ? -twice.value : twice.value) / 2, 0.0));  // less is rounding
    list.area_error.push_back(twice.error / 2);
    for (int i = 0; i < n; ++i) {
      const V& v = cell.vertex[corner[i]];
      const int bit = edge_bit(cell, v, cell.vertex[corner[i + 1 < n ? i + 1 : 0]]);
      list.points.push_back(v.x[0]);
      list.points.push_back(v.x[1]);
      list.radii.push_back(v.radius);
      list.facet.push_back(cell.facet[bit]);
      list.split.push_back(cell.split[bit]);
    }
    list.size.push_back(static_cast<std::uint32_t>(n));
  }
  arena_.release(mark);
  pool_.resize(std::min(pool, pool_.size()));
  charge(list);
}

// A listing goes on without polygons where these would take more memory than they may.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::charge(PolygonList& list) {
  const std::size_t n = list.size.size();
  if (n % 256 != 0 && (n & (n - 1)) != 0) return;
  const std::size_t bytes = list.bytes(), more = bytes - list.charged;
  list.charged = bytes;
  if (shared_.polygon_bytes.fetch_add(more) + more > shared_.options.max_bytes) shared_.polygons_left_out = true;
}

}  // namespace linregions
