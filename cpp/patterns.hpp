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

struct PatternLoops {
  // codes[v] has bit s where z[s * stride + v] > bound; NaN is not.  rows, unless null, gets the same bits the other way
  // round: bit v % 64 of rows[s * words + v / 64] for words = ceil(units / 64), zero beyond the units.
  // 1 <= samples <= the bits of a code.
  Extremes (*pack_float_32)(const float* z, std::size_t samples, std::size_t units, std::size_t stride, float bound,
                            std::uint32_t* codes, std::uint64_t* rows);
  Extremes (*pack_double_32)(const double* z, std::size_t samples, std::size_t units, std::size_t stride, double bound,
                             std::uint32_t* codes, std::uint64_t* rows);
  Extremes (*pack_float_64)(const float* z, std::size_t samples, std::size_t units, std::size_t stride, float bound,
                            std::uint64_t* codes, std::uint64_t* rows);
  Extremes (*pack_double_64)(const double* z, std::size_t samples, std::size_t units, std::size_t stride, double bound,
                             std::uint64_t* codes, std::uint64_t* rows);
  // kernel[a * samples + b] += the units whose bits are equal in the rows a and b.
  void (*agree)(const std::uint64_t* rows, std::size_t samples, std::size_t units, std::int64_t* kernel);

  // The `pack` of these types.
  auto of(const float*, std::uint32_t*) const { return pack_float_32; }
  auto of(const double*, std::uint32_t*) const { return pack_double_32; }
  auto of(const float*, std::uint64_t*) const { return pack_float_64; }
  auto of(const double*, std::uint64_t*) const { return pack_double_64; }
};

const PatternLoops& patterns();  // chosen at run time
extern const PatternLoops kBaselinePatterns;
#ifdef LINREGIONS_HAVE_AVX2
extern const PatternLoops kAvx2Patterns;
#endif

// Marks every code in both tables; how many of them `layer` did not have.  A place of `layer` has a code where it is
// `stamp`, so that another stamp makes the table empty.
std::size_t mark(const std::uint32_t* codes, std::size_t units, std::uint8_t* all, std::uint8_t* layer,
                 std::uint8_t stamp);

}  // namespace linregions
