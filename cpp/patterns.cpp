#include "patterns.inl"

namespace linregions {

const PatternLoops kBaselinePatterns = kLoops;

const PatternLoops& patterns() {
#ifdef LINREGIONS_HAVE_AVX2
  static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
  return wide ? kAvx2Patterns : kBaselinePatterns;
#else
  return kBaselinePatterns;
#endif
}

std::size_t mark(const std::uint32_t* codes, std::size_t units, std::uint8_t* all, std::uint8_t* layer,
                 std::uint8_t stamp) {
  std::size_t fresh = 0;
  for (std::size_t v = 0; v < units; ++v) {
    fresh += layer[codes[v]] != stamp;
    layer[codes[v]] = stamp;
    all[codes[v]] = 1;
  }
  return fresh;
}

}  // namespace linregions
