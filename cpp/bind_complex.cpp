#include "bind_complex.hpp"

#include <nanobind/stl/vector.h>

#include "bind_arrays.hpp"
#include "complex.hpp"

namespace nb = nanobind;
using namespace linregions;
using linregions::python::array;
using linregions::python::flat;

namespace {

using Numbers = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

nb::object csr(Csr c) { return nb::make_tuple(flat(std::move(c.indptr)), flat(std::move(c.items))); }

void listen() {
  nb::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

CsrView view(const Numbers& indptr, const Numbers& items) {
  return {indptr.data(), items.data(), static_cast<std::int64_t>(indptr.shape(0)) - 1};
}

// Faces of the next lower dimension: ((indptr, vertices), (indptr, faces on each upper face), a region of each).
nb::tuple faces_below(Numbers region_indptr, Numbers region_vertices, Numbers region_facets_indptr, Numbers region_facets,
                      Numbers facet_indptr, Numbers facet_vertices, Numbers upper_indptr, Numbers upper_vertices,
                      Numbers upper_region, std::size_t max_bytes) {
  FaceLevel level;
  {
    nb::gil_scoped_release release;
    level = lower_faces(view(region_indptr, region_vertices), view(region_facets_indptr, region_facets),
                        view(facet_indptr, facet_vertices), view(upper_indptr, upper_vertices), upper_region.data(),
                        max_bytes, listen);
  }
  return nb::make_tuple(csr(std::move(level.faces)), csr(std::move(level.boundary)), flat(std::move(level.region)));
}

nb::dict arrays(ComplexArrays c, std::size_t words, std::size_t dim) {
  const auto n = static_cast<std::size_t>(c.vertices);
  nb::dict out;
  out["keys"] = array(std::move(c.keys), {n, 2, words});
  out["points"] = array(std::move(c.points), {n, dim});
  out["directions"] = array(std::move(c.directions), {n, dim});
  out["radii"] = flat(std::move(c.radii));
  out["far"] = flat(std::move(c.far));
  out["regions"] = csr(std::move(c.regions));
  out["facets"] = csr(std::move(c.facets));
  const std::size_t facets = c.facet_regions.size() / 2;
  out["facet_regions"] = array(std::move(c.facet_regions), {facets, 2});
  out["facet_columns"] = csr(std::move(c.facet_columns));
  return out;
}

}  // namespace

nb::dict take_complex(Shared& shared) {
  std::vector<std::unique_ptr<CellList>> lists, root;
  std::vector<std::uint8_t> patterns;
  const int dim = shared.domain.dim;
  ComplexArrays all, domain;
  {
    nb::gil_scoped_release release;
    for (auto& o : shared.outputs) {
      if (!o) continue;
      patterns.insert(patterns.end(), o->patterns.begin(), o->patterns.end());
      lists.push_back(std::move(o->cells));
    }
    shared.outputs.clear();
    root.push_back(std::move(shared.root_cell));
    all = join_cells(std::move(lists), shared.layout, dim, listen);
    domain = join_cells(std::move(root), SignLayout{}, dim, listen);
  }
  nb::dict out = arrays(std::move(all), static_cast<std::size_t>(shared.layout.words), static_cast<std::size_t>(dim));
  const std::size_t bytes = patterns.size();
  out["patterns"] = array(std::move(patterns), {bytes});
  out["bits"] = flat(shared.layout.bits);
  out["domain"] = arrays(std::move(domain), 1, static_cast<std::size_t>(dim));
  return out;
}

void bind_complex(nb::module_& m) {
  m.def("faces_below", &faces_below, nb::arg("region_indptr"), nb::arg("region_vertices"), nb::arg("region_facets_indptr"),
        nb::arg("region_facets"), nb::arg("facet_indptr"), nb::arg("facet_vertices"), nb::arg("upper_indptr"),
        nb::arg("upper_vertices"), nb::arg("upper_region"), nb::arg("max_bytes"));
}
