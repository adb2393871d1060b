// Compiled with AVX2 switched on where the target is x86-64; empty elsewhere.
#if defined(__AVX2__)
#include "kernels.inl"

namespace linregions {
const Kernels kAvx2Kernels = {accumulate, finalize, signs, crossings, buckets, place, replaced, mix, scatter, gather};
}  // namespace linregions
#endif
