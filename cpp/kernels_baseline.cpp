#include "kernels.inl"

namespace linregions {

const Kernels kBaselineKernels = {accumulate, finalize, signs};

const Kernels& kernels() {
#ifdef LINREGIONS_HAVE_AVX2
  static const bool wide = __builtin_cpu_supports("avx2");
  return wide ? kAvx2Kernels : kBaselineKernels;
#else
  return kBaselineKernels;
#endif
}

}  // namespace linregions
