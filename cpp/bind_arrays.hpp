// Vectors as numpy arrays.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <utility>
#include <vector>

namespace linregions::python {

// A vector as an array that owns it.
template <class T>
nanobind::object array(std::vector<T> values, std::vector<std::size_t> shape) {
  auto* held = new std::vector<T>(std::move(values));
  nanobind::capsule own(held, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nanobind::cast(nanobind::ndarray<nanobind::numpy, T>(held->data(), shape.size(), shape.data(), own));
}

template <class T>
nanobind::object flat(std::vector<T> values) {
  const std::size_t n = values.size();
  return array(std::move(values), {n});
}

}  // namespace linregions::python
