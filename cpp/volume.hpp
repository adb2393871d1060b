// Triangulation and volume of one region from its vertices and the facets that each lies on.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cell.hpp"
#include "shared.hpp"

namespace linregions {

namespace detail {

// A set of vertices, W words of bits.
template <int W>
using Face = Mask<W>;

// Pulling triangulation: cone from the first vertex over the facets that miss it; `visit` gets dim + 1 vertex indices.
template <int W, class Visit>
void pull(const Face<W>& face, int dim, const std::vector<Face<W>>& on_facet, std::vector<int>& chain, Visit&& visit) {
  const std::size_t depth = chain.size();
  if (face.count() == dim + 1) {
    for (int w = 0; w < W; ++w)
      for (std::uint64_t rest = face.word[w]; rest; rest &= rest - 1) chain.push_back(64 * w + std::countr_zero(rest));
    visit(chain);
    chain.resize(depth);
    return;
  }
  int apex = 0;
  while (!face.test(apex)) ++apex;
  // The facets of the face are its maximal proper intersections with the region's facets.
  std::vector<Face<W>> facets;
  for (const Face<W>& f : on_facet) {
    const Face<W> s = face & f;
    const int size = s.count();
    if (size < dim || face.inside(s)) continue;
    bool contained = false;
    for (const Face<W>& other : facets) contained = contained || s.inside(other);
    if (contained) continue;
    std::erase_if(facets, [&](const Face<W>& other) { return other.inside(s); });
    facets.push_back(s);
  }
  chain.push_back(apex);
  for (const Face<W>& f : facets)
    if (!f.test(apex)) pull<W>(f, dim - 1, on_facet, chain, visit);
  chain.resize(depth);
}

template <int W, class Visit>
void each_simplex(const RegionShape& shape, Visit&& visit) {
  const int n = static_cast<int>(shape.facets.size());
  std::vector<FacetId> ids;
  for (const auto& f : shape.facets) ids.insert(ids.end(), f.begin(), f.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::vector<Face<W>> on_facet(ids.size(), Face<W>::zero());
  Face<W> all = Face<W>::zero();
  for (int v = 0; v < n; ++v) {
    all.set(v);
    for (FacetId id : shape.facets[v]) on_facet[std::lower_bound(ids.begin(), ids.end(), id) - ids.begin()].set(v);
  }
  std::vector<int> chain;
  pull<W>(all, shape.dim, on_facet, chain, visit);
}

}  // namespace detail

// Calls `visit` with the dim + 1 vertex indices of every simplex of a triangulation of a bounded region.
template <class Visit>
void each_simplex(const RegionShape& shape, Visit&& visit) {
  const std::size_t n = shape.facets.size();
  if (n <= 64) {
    detail::each_simplex<1>(shape, visit);
  } else if (n <= 256) {
    detail::each_simplex<4>(shape, visit);
  } else if (n <= 4096) {
    detail::each_simplex<64>(shape, visit);
  } else {
    throw std::runtime_error("a region with more than 4,096 vertices cannot be triangulated");
  }
}

inline std::vector<std::vector<int>> triangulate(const RegionShape& shape) {
  std::vector<std::vector<int>> out;
  each_simplex(shape, [&](const std::vector<int>& simplex) { out.push_back(simplex); });
  return out;
}

// Sum of |det| / dim! in float64: infinite for an unbounded region, NaN where rounding could spoil more than 1e-6 of it
// and more than 1e-11 of the domain's bounding box (the caller then computes in rationals).
inline double volume(const RegionShape& shape, double box) {
  for (std::uint8_t far : shape.far)
    if (far) return std::numeric_limits<double>::infinity();
  const int d = shape.dim;
  double total = 0, error = 0;
  each_simplex(shape, [&](const std::vector<int>& simplex) {
    double m[kMaxDim][kMaxDim], product = 1, shortest = std::numeric_limits<double>::infinity(), size = 0;
    for (int i = 0; i < d; ++i) {
      double norm = 0;
      for (int k = 0; k < d; ++k) {
        m[i][k] = shape.vertices[simplex[i + 1] * d + k] - shape.vertices[simplex[0] * d + k];
        norm += std::fabs(m[i][k]);
        size = larger(size, std::fabs(shape.vertices[simplex[i + 1] * d + k]));
      }
      product *= norm;
      shortest = norm < shortest ? norm : shortest;
    }
    double det = 1;
    for (int c = 0; c < d && det != 0; ++c) {
      int pivot = c;
      for (int r = c + 1; r < d; ++r)
        if (std::fabs(m[r][c]) > std::fabs(m[pivot][c])) pivot = r;
      if (m[pivot][c] == 0) det = 0;
      if (pivot != c) std::swap(m[pivot], m[c]);
      det *= m[c][c];
      for (int r = c + 1; r < d && det != 0; ++r) {
        const double factor = m[r][c] / m[c][c];
        for (int k = c; k < d; ++k) m[r][k] -= factor * m[c][k];
      }
    }
    const double moved = 2 * d * (shape.radius + kUnit * size);  // of one row
    error += product * (d * moved / shortest + 32 * d * d * kUnit);
    total += std::fabs(det);
  });
  for (int k = 2; k <= d; ++k) {
    total /= k;
    error /= k;
  }
  const double allowed = std::isfinite(box) ? larger(1e-6 * total, 1e-11 * box) : 1e-6 * total;
  if (!(error <= allowed)) return std::numeric_limits<double>::quiet_NaN();
  return total;
}

}  // namespace linregions
