#pragma once
#include <nanobind/nanobind.h>

void bind_patterns(nanobind::module_& m);
