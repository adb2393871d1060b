// The polygons of a listing for Python.
#pragma once
#include <nanobind/nanobind.h>

#include "shared.hpp"

// The polygons of a finished listing, joined; null where none were listed, or not of all regions.
std::unique_ptr<linregions::PolygonList> take_polygons(linregions::Shared& shared);
nanobind::dict polygon_arrays(std::unique_ptr<linregions::PolygonList> list);
void bind_polygons(nanobind::module_& m);
