#include "kernels.inl"

namespace linregions {

const Kernels kBaselineKernels = {accumulate, finalize, signs, crossings, buckets, place, replaced, mix, scatter, gather};

const Kernels& kernels() {
#ifdef LINREGIONS_HAVE_AVX2
  static const bool widest = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  static const bool wide = __builtin_cpu_supports("avx2");
  return widest ? kAvx512Kernels : wide ? kAvx2Kernels : kBaselineKernels;
#else
  return kBaselineKernels;
#endif
}

}  // namespace linregions
