// The polyhedral complex for Python.
#pragma once
#include <nanobind/nanobind.h>

#include "shared.hpp"

// The arrays of a finished run in complex mode, whose lists it takes.
nanobind::dict take_complex(linregions::Shared& shared);
void bind_complex(nanobind::module_& m);
