// The float64 inner loops, compiled for several instruction sets and chosen at run time.  No fused multiply-add anywhere, and
// the order of operations per element is the same in all, so all give the same bits.
#pragma once
#include <cstddef>
#include <cstdint>

namespace linregions {

struct Kernels {
  // z[c][i] += sum_j w_j[i] * g[j][c] for c < cols - 2 and += |w_j[i]| * g[j][c] for the two last columns.
  // n is a multiple of 8; z columns are `stride` apart; g is row-major (count, cols).
  void (*accumulate)(int n, int count, const double* const* w, const double* g, int cols, double* z, std::size_t stride);
  // From the coefficients and their error bounds (the last two columns of z) the three columns of the sign filter:
  // slope sums, slope factors, constants.
  void (*finalize)(int n, int dim, double gamma, const double* z, std::size_t stride, double* filter);
  // Sign bits of a_i.x + c_i, certified: |value| > constant + factor * xmax + slope_sum * radius.
  // With offset = false the values are a_i.x alone (directions).
  void (*signs)(int n, int dim, const double* z, const double* filter, std::size_t stride, const double* x, double xmax,
                double radius, bool offset, std::uint64_t* pos, std::uint64_t* neg);
};

const Kernels& kernels();
extern const Kernels kBaselineKernels;
#ifdef LINREGIONS_HAVE_AVX2
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace linregions
