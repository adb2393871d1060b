#include "bind_polygons.hpp"

#include "bind_arrays.hpp"

namespace nb = nanobind;
using namespace linregions;
using linregions::python::array;
using linregions::python::flat;

namespace {

template <class T>
void append(std::vector<T>& all, std::vector<T>& more) {
  if (all.empty())
    all = std::move(more);
  else
    all.insert(all.end(), more.begin(), more.end());
  more = {};
}

}  // namespace

std::unique_ptr<PolygonList> take_polygons(Shared& shared) {
  if (!shared.options.polygons || shared.polygons_left_out) return nullptr;
  auto all = std::make_unique<PolygonList>();
  for (auto& o : shared.outputs) {
    if (!o || !o->polygons) continue;
    PolygonList& one = *o->polygons;
    append(all->size, one.size);
    append(all->points, one.points);
    append(all->radii, one.radii);
    append(all->area, one.area);
    append(all->area_error, one.area_error);
    append(all->facet, one.facet);
    append(all->split, one.split);
    o->polygons.reset();
  }
  return all;
}

nb::dict polygon_arrays(std::unique_ptr<PolygonList> list) {
  const std::size_t corners = list->radii.size();
  nb::dict out;
  out["sizes"] = flat(std::move(list->size));
  out["points"] = array(std::move(list->points), {corners, std::size_t{2}});
  out["radii"] = flat(std::move(list->radii));
  out["areas"] = flat(std::move(list->area));
  out["area_errors"] = flat(std::move(list->area_error));
  out["facets"] = flat(std::move(list->facet));
  out["splits"] = flat(std::move(list->split));
  return out;
}
