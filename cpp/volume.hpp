// Triangulation and volume of one region from its vertices and the facets that each lies on.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "shared.hpp"

namespace linregions {

namespace detail {

using Face = std::vector<int>;  // sorted vertex indices

// The facets of a face: maximal proper intersections with the region's facets.
inline std::vector<Face> facets_of(const Face& face, const std::vector<Face>& on_facet) {
  std::vector<Face> out;
  for (const Face& f : on_facet) {
    Face s;
    std::set_intersection(face.begin(), face.end(), f.begin(), f.end(), std::back_inserter(s));
    if (s.empty() || s.size() == face.size()) continue;
    bool contained = false;
    for (const Face& other : out) contained = contained || std::includes(other.begin(), other.end(), s.begin(), s.end());
    if (contained) continue;
    std::erase_if(out, [&](const Face& other) { return std::includes(s.begin(), s.end(), other.begin(), other.end()); });
    out.push_back(std::move(s));
  }
  return out;
}

// Pulling triangulation: cone from the first vertex over the facets that miss it.
inline void pull(const Face& face, int dim, const std::vector<Face>& on_facet, Face& apexes, std::vector<Face>& out) {
  if (static_cast<int>(face.size()) == dim + 1) {
    Face simplex = apexes;
    simplex.insert(simplex.end(), face.begin(), face.end());
    out.push_back(std::move(simplex));
    return;
  }
  const int apex = face.front();
  apexes.push_back(apex);
  for (const Face& f : facets_of(face, on_facet))
    if (!std::binary_search(f.begin(), f.end(), apex)) pull(f, dim - 1, on_facet, apexes, out);
  apexes.pop_back();
}

}  // namespace detail

// Simplices (dim + 1 vertex indices each) that fill a bounded region.
inline std::vector<std::vector<int>> triangulate(const RegionShape& shape) {
  const int n = static_cast<int>(shape.facets.size());
  std::vector<FacetId> ids;
  for (const auto& f : shape.facets) ids.insert(ids.end(), f.begin(), f.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::vector<detail::Face> on_facet;
  for (FacetId id : ids) {
    detail::Face f;
    for (int v = 0; v < n; ++v)
      if (std::find(shape.facets[v].begin(), shape.facets[v].end(), id) != shape.facets[v].end()) f.push_back(v);
    on_facet.push_back(std::move(f));
  }
  detail::Face all, apexes;
  for (int v = 0; v < n; ++v) all.push_back(v);
  std::vector<std::vector<int>> out;
  detail::pull(all, shape.dim, on_facet, apexes, out);
  return out;
}

// Sum of |det| / dim! in float64; infinite for an unbounded region.
inline double volume(const RegionShape& shape) {
  for (std::uint8_t far : shape.far)
    if (far) return std::numeric_limits<double>::infinity();
  const int d = shape.dim;
  double total = 0;
  for (const auto& simplex : triangulate(shape)) {
    double m[kMaxDim][kMaxDim];
    for (int i = 0; i < d; ++i)
      for (int k = 0; k < d; ++k)
        m[i][k] = shape.vertices[simplex[i + 1] * d + k] - shape.vertices[simplex[0] * d + k];
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
    for (int k = 2; k <= d; ++k) det /= k;
    total += std::fabs(det);
  }
  return total;
}

}  // namespace linregions
