// Compiled with AVX2, which brings the counting of bits with it, where the target is x86-64; empty elsewhere.
#if defined(__AVX2__)
#include "patterns.inl"

namespace linregions {
const PatternLoops kAvx2Patterns = kLoops;
}  // namespace linregions
#endif
