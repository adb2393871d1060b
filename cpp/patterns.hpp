// Sample-wise activation patterns: values (samples, units) compared with a bound, one bit each, packed both ways.
#pragma once
#include <cstddef>
#include <cstdint>

namespace linregions {

inline constexpr std::size_t kMostSamples = 64;

// Units that are above the bound on some sample, and on every sample.
struct Extremes {
  std::size_t alive = 0, always = 0;
};

// codes[v] has bit s where z[s * stride + v] > bound; NaN is not.  rows, unless null, gets the same bits the other way
// round: bit v % 64 of rows[s * words + v / 64] for words = ceil(units / 64), zero beyond the units.
// 1 <= samples <= the bits of a Code; T is float or double, Code a 32 or 64 bit unsigned.
template <class T, class Code>
Extremes pack(const T* z, std::size_t samples, std::size_t units, std::size_t stride, T bound, Code* codes,
              std::uint64_t* rows);

// Marks every code in both tables; how many of them `layer` did not have.  A place of `layer` has a code where it is
// `stamp`, so that another stamp makes the table empty.
template <class Code>
std::size_t mark(const Code* codes, std::size_t units, std::uint8_t* all, std::uint8_t* layer, std::uint8_t stamp);

// agree[a * samples + b] += the units whose bits are equal in the rows a and b.
void agree(const std::uint64_t* rows, std::size_t samples, std::size_t units, std::int64_t* agree);

}  // namespace linregions
