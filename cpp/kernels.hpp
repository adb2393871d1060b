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
  // Where lines j < n meet a chord with the ends w0 r0 + w1 r1 and w2 r2 + w3 r3, at which their values are known within
  // `error`: bits of those that surely separate the ends, and of those that neither surely do nor surely do not.  Line j
  // meets the chord at t[j], counted from the first end (0) to the second (1), within room[j] and a few roundings.
  void (*crossings)(int n, const double* const* r, const double* w, double error, double* t, double* room,
                    std::uint64_t* cross, std::uint64_t* doubt);
  // The bucket of each of n points t within room: t * scale + shift without its fraction, modulo a power of two (mask + 1);
  // -1 where the room reaches into another bucket.
  void (*buckets)(int n, const double* t, const double* room, double scale, double shift, std::int32_t mask,
                  std::int32_t* at);
  // Writes the names first + i of the points i < n that are in `set` into their buckets, table[at[i]], where the last one
  // stays; a bucket -1 has no place.  False where there is one: then the table may be anything.
  bool (*place)(int n, const std::int32_t* at, const std::uint64_t* set, std::uint32_t first, std::uint32_t* table);
  // The bits of the points in `set` whose bucket has the name of another point.
  void (*replaced)(int n, const std::int32_t* at, const std::uint64_t* set, std::uint32_t first,
                   const std::uint32_t* table, std::uint64_t* lost);
  // out = wa a + wb b for n <= 64 numbers (a multiple of 8), and bits of those above `error` and of those below -error.
  void (*mix)(int n, const double* a, double wa, const double* b, double wb, double error, double* out,
              std::uint64_t* pos, std::uint64_t* neg);
  // block[row[k]][c] += value[k] * g[c] for 8 columns c of a block whose rows are `stride` apart, and += |value[k]| * g[c]
  // where mask[c] is -0.0 instead of 0.0.
  void (*scatter)(int n, const int* row, const double* value, const double* g, const double* mask, double* block,
                  std::size_t stride);
  // The same from the other side: out[c] += sum_k value[k] * block[column[k]][c], k ascending, for 8 columns c of a block
  // whose rows are `stride` apart, with |value[k]| where mask[c] is -0.0.  For `count` sums (begin[q] to end[q], 8 numbers
  // of `out` each), which are independent of one another.
  void (*gather)(int count, const int* begin, const int* end, const int* column, const double* value,
                 const double* block, std::size_t stride, const double* mask, double* out);
};

const Kernels& kernels();
extern const Kernels kBaselineKernels;
#ifdef LINREGIONS_HAVE_AVX2
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

}  // namespace linregions
