// The polygons of a two-dimensional listing: corners in order, and for every edge the facet that it lies on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact_rows.hpp"

namespace linregions {

// Of one subtree, in the order of the search.  Edge k of a polygon goes from corner k to the next one, counter-clockwise.
// Its split is the number of the place in the search where its facet arose: the edges on both sides of one section of one
// cell have the same split and facet, and no others do.  0 for edges on the domain's border.
struct PolygonList {
  std::vector<std::uint32_t> size;        // corners of every region; 0 where no polygon is known
  std::vector<double> points, radii;      // (corners, 2) and (corners,)
  std::vector<double> area, area_error;   // of every region
  std::vector<FacetId> facet;
  std::vector<std::uint64_t> split;
  std::size_t charged = 0;                // bytes that the run knows of
  std::size_t bytes() const {
    return sizeof(std::uint32_t) * size.capacity() + sizeof(double) * (points.capacity() + radii.capacity() + area.capacity() + area_error.capacity()) +
           sizeof(FacetId) * facet.capacity() + sizeof(std::uint64_t) * split.capacity();
  }
};

}  // namespace linregions
