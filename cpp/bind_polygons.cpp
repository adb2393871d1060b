#include "bind_polygons.hpp"

#include <stdexcept>

#include "across.hpp"
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

using Rows = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Numbers = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Per entry: the row that is row `row` but for `width` bits from `bit` on, which hold `value`; -1 where there is none.
nb::object rows_across(Rows rows, Numbers row, Numbers bit, Numbers width, Numbers value) {
  const std::size_t count = rows.shape(0), bytes = rows.shape(1), n = row.shape(0);
  if (bit.shape(0) != n || width.shape(0) != n || value.shape(0) != n) throw std::invalid_argument("columns differ in length");
  const auto limit = static_cast<std::int64_t>(8 * bytes);
  for (std::size_t k = 0; k < n; ++k)
    if (row.data()[k] < 0 || row.data()[k] >= static_cast<std::int64_t>(count) || bit.data()[k] < 0 || width.data()[k] < 1 ||
        width.data()[k] > 60 || bit.data()[k] + width.data()[k] > limit)
      throw std::invalid_argument("a row or field is out of range");
  std::vector<std::int64_t> out(n);
  {
    nb::gil_scoped_release release;
    RowTable table(rows.data(), count, bytes);
    for (std::size_t k = 0; k < n; ++k)
      out[k] = table.changed(static_cast<std::size_t>(row.data()[k]), bit.data()[k], width.data()[k],
                             static_cast<std::uint64_t>(value.data()[k]));
  }
  return flat(std::move(out));
}

}  // namespace

void bind_polygons(nb::module_& m) {
  m.def("rows_across", &rows_across, nb::arg("rows"), nb::arg("row"), nb::arg("bit"), nb::arg("width"), nb::arg("value"));
}

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
