// Packed activation patterns for Python: arrays in, counts out; what does not fit is refused before anything is written.
#include "bind_patterns.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <optional>
#include <stdexcept>

#include "patterns.hpp"

namespace nb = nanobind;
using namespace linregions;

namespace {

template <class T>
using Values = nb::ndarray<const T, nb::ndim<2>, nb::device::cpu>;
template <class T>
using Column = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Table = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void require(bool fits, const char* what) {
  if (!fits) throw std::invalid_argument(what);
}

std::size_t words_of(std::size_t units) { return (units + 63) / 64; }

// (units above the bound on some sample, on every sample)
template <class T, class Code>
nb::tuple pack_values(Values<T> z, T bound, Column<Code> codes, std::optional<Table<std::uint64_t>> rows) {
  const std::size_t samples = z.shape(0), units = z.shape(1);
  require(samples >= 1 && samples <= 8 * sizeof(Code), "a code has a bit for each of its samples");
  require(units < 2 || z.stride(1) == 1, "the units of a sample must lie side by side");
  require(samples < 2 || z.stride(0) >= 0, "the samples must lie in order");
  require(codes.shape(0) == units, "there must be a code for every unit");
  if (rows) require(rows->shape(0) == samples && rows->shape(1) == words_of(units), "rows of another size");
  const T* values = z.data();
  const auto stride = static_cast<std::size_t>(z.stride(0));
  Code* out = codes.data();
  std::uint64_t* bits = rows ? rows->data() : nullptr;
  Extremes found;
  {
    nb::gil_scoped_release release;
    found = patterns().of(values, out)(values, samples, units, stride, bound, out, bits);
  }
  return nb::make_tuple(found.alive, found.always);
}

std::size_t mark_codes(Column<const std::uint32_t> codes, Column<std::uint8_t> all, Column<std::uint8_t> layer, int stamp,
                       int bits) {
  require(bits >= 1 && bits <= 31 && all.shape(0) == std::size_t{1} << bits && layer.shape(0) == all.shape(0),
          "a table has a place for every code");
  require(stamp >= 1 && stamp <= 255, "a stamp is a byte that is not 0");
  const std::uint32_t* first = codes.data();
  const std::size_t units = codes.shape(0);
  std::uint8_t *a = all.data(), *b = layer.data();
  nb::gil_scoped_release release;
  std::uint32_t any = 0;
  for (std::size_t v = 0; v < units; ++v) any |= first[v];
  if (any >> bits) throw std::invalid_argument("a code has more bits than the table");
  return mark(first, units, a, b, static_cast<std::uint8_t>(stamp));
}

void agree_rows(Table<const std::uint64_t> rows, std::size_t units, Table<std::int64_t> kernel) {
  const std::size_t samples = rows.shape(0);
  require(rows.shape(1) == words_of(units), "rows of another size");
  require(kernel.shape(0) == samples && kernel.shape(1) == samples, "the kernel has a row and a column for every sample");
  const std::uint64_t* bits = rows.data();
  std::int64_t* out = kernel.data();
  nb::gil_scoped_release release;
  patterns().agree(bits, samples, units, out);
}

template <class T, class Code>
void bind_pack(nb::module_& m) {
  m.def("pack_values", &pack_values<T, Code>, nb::arg("values").noconvert(), nb::arg("bound"),
        nb::arg("codes").noconvert(), nb::arg("rows").noconvert() = nb::none());
}

}  // namespace

void bind_patterns(nb::module_& m) {
  bind_pack<float, std::uint32_t>(m);
  bind_pack<double, std::uint32_t>(m);
  bind_pack<float, std::uint64_t>(m);
  bind_pack<double, std::uint64_t>(m);
  m.def("mark_codes", &mark_codes, nb::arg("codes").noconvert(), nb::arg("all").noconvert(), nb::arg("layer").noconvert(),
        nb::arg("stamp"), nb::arg("bits"));
  m.def("agree_rows", &agree_rows, nb::arg("rows").noconvert(), nb::arg("units"), nb::arg("kernel").noconvert());
}
