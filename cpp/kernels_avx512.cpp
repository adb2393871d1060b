// Compiled with AVX-512 switched on where the target is x86-64; empty elsewhere.
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include "kernels.inl"

namespace linregions {
const Kernels kAvx512Kernels = {accumulate, finalize, signs, crossings, buckets, place, replaced, mix, scatter, gather};
}  // namespace linregions
#endif
