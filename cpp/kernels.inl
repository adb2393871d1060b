// Body of the kernels; included by one translation unit per instruction set.  Only plain C headers here: a template from
// the standard library compiled with AVX2 could be picked by the linker for every caller.
#include "kernels.hpp"
#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#define LINREGIONS_SSE2 1
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace linregions {
namespace {

// The place of the lowest bit (std::countr_zero is a template).
inline int lowest(std::uint64_t bits) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long at;
  _BitScanForward64(&at, bits);
  return static_cast<int>(at);
#else
  return __builtin_ctzll(bits);
#endif
}

#if defined(__AVX512F__) && defined(__AVX512DQ__)
using Vec = __m512d;
constexpr int kLanes = 8;
inline Vec load(const double* p) { return _mm512_loadu_pd(p); }
inline void store(double* p, Vec v) { _mm512_storeu_pd(p, v); }
inline Vec broadcast(double v) { return _mm512_set1_pd(v); }
inline Vec add(Vec a, Vec b) { return _mm512_add_pd(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm512_mul_pd(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm512_sub_pd(a, b); }
inline Vec div(Vec a, Vec b) { return _mm512_div_pd(a, b); }
inline Vec absolute(Vec a) { return _mm512_andnot_pd(_mm512_set1_pd(-0.0), a); }
inline Vec negative(Vec a) { return _mm512_xor_pd(_mm512_set1_pd(-0.0), a); }
inline Vec cleared(Vec mask, Vec a) { return _mm512_andnot_pd(mask, a); }
inline unsigned greater(Vec a, Vec b) { return static_cast<unsigned>(_mm512_cmp_pd_mask(a, b, _CMP_GT_OQ)); }
#elif defined(__AVX2__)
using Vec = __m256d;
constexpr int kLanes = 4;
inline Vec load(const double* p) { return _mm256_loadu_pd(p); }
inline void store(double* p, Vec v) { _mm256_storeu_pd(p, v); }
inline Vec broadcast(double v) { return _mm256_set1_pd(v); }
inline Vec add(Vec a, Vec b) { return _mm256_add_pd(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm256_mul_pd(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm256_sub_pd(a, b); }
inline Vec div(Vec a, Vec b) { return _mm256_div_pd(a, b); }
inline Vec absolute(Vec a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
inline Vec negative(Vec a) { return _mm256_xor_pd(_mm256_set1_pd(-0.0), a); }
inline Vec cleared(Vec mask, Vec a) { return _mm256_andnot_pd(mask, a); }
inline unsigned greater(Vec a, Vec b) {
  return static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_GT_OQ)));
}
#elif defined(LINREGIONS_SSE2)
using Vec = __m128d;
constexpr int kLanes = 2;
inline Vec load(const double* p) { return _mm_loadu_pd(p); }
inline void store(double* p, Vec v) { _mm_storeu_pd(p, v); }
inline Vec broadcast(double v) { return _mm_set1_pd(v); }
inline Vec add(Vec a, Vec b) { return _mm_add_pd(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm_mul_pd(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm_sub_pd(a, b); }
inline Vec div(Vec a, Vec b) { return _mm_div_pd(a, b); }
inline Vec absolute(Vec a) { return _mm_andnot_pd(_mm_set1_pd(-0.0), a); }
inline Vec negative(Vec a) { return _mm_xor_pd(_mm_set1_pd(-0.0), a); }
inline Vec cleared(Vec mask, Vec a) { return _mm_andnot_pd(mask, a); }
inline unsigned greater(Vec a, Vec b) { return static_cast<unsigned>(_mm_movemask_pd(_mm_cmpgt_pd(a, b))); }
#else
using Vec = double;
constexpr int kLanes = 1;
inline Vec load(const double* p) { return *p; }
inline void store(double* p, Vec v) { *p = v; }
inline Vec broadcast(double v) { return v; }
inline Vec add(Vec a, Vec b) { return a + b; }
inline Vec mul(Vec a, Vec b) { return a * b; }
inline Vec sub(Vec a, Vec b) { return a - b; }
inline Vec div(Vec a, Vec b) { return a / b; }
inline Vec absolute(Vec a) { return a < 0 ? -a : a; }
inline Vec negative(Vec a) { return -a; }
inline Vec cleared(Vec mask, Vec a) { return 1 / mask < 0 && a < 0 ? -a : a; }  // mask is 0.0 or -0.0
inline unsigned greater(Vec a, Vec b) { return a > b ? 1u : 0u; }
#endif

void scatter(int n, const int* row, const double* value, const double* g, const double* mask, double* block,
             std::size_t stride) {
  Vec gs[8 / kLanes], masks[8 / kLanes];
  for (int q = 0; q < 8 / kLanes; ++q) {
    gs[q] = load(g + q * kLanes);
    masks[q] = load(mask + q * kLanes);
  }
  for (int k = 0; k < n; ++k) {
    double* z = block + static_cast<std::size_t>(row[k]) * stride;
    const Vec v = broadcast(value[k]);
    for (int q = 0; q < 8 / kLanes; ++q)
      store(z + q * kLanes, add(load(z + q * kLanes), mul(cleared(masks[q], v), gs[q])));
  }
}

// R sums at once, so that one need not wait for the other's additions; what is left of the longer ones follows.
template <int R>
void gather_some(const int* begin, const int* end, const int* column, const double* value, const double* block,
                 std::size_t stride, const Vec* masks, double* out) {
  constexpr int kParts = 8 / kLanes;
  Vec acc[R][kParts];
  int common = end[0] - begin[0];
  for (int r = 0; r < R; ++r) {
    common = end[r] - begin[r] < common ? end[r] - begin[r] : common;
    for (int q = 0; q < kParts; ++q) acc[r][q] = load(out + r * 8 + q * kLanes);
  }
  const auto term = [&](int r, int k) {
    const double* y = block + static_cast<std::size_t>(column[k]) * stride;
    const Vec v = broadcast(value[k]);
    for (int q = 0; q < kParts; ++q)
      acc[r][q] = add(acc[r][q], mul(cleared(masks[q], v), load(y + q * kLanes)));
  };
  for (int k = 0; k < common; ++k)
    for (int r = 0; r < R; ++r) term(r, begin[r] + k);
  for (int r = 0; r < R; ++r) {
    for (int k = begin[r] + common; k < end[r]; ++k) term(r, k);
    for (int q = 0; q < kParts; ++q) store(out + r * 8 + q * kLanes, acc[r][q]);
  }
}

void gather(int count, const int* begin, const int* end, const int* column, const double* value, const double* block,
            std::size_t stride, const double* mask, double* out) {
  Vec masks[8 / kLanes];
  for (int q = 0; q < 8 / kLanes; ++q) masks[q] = load(mask + q * kLanes);
  int at = 0;
  for (; at + 4 <= count; at += 4)
    gather_some<4>(begin + at, end + at, column, value, block, stride, masks, out + 8 * at);
  for (; at < count; ++at) gather_some<1>(begin + at, end + at, column, value, block, stride, masks, out + 8 * at);
}

template <int C>
void accumulate_fixed(int n, int count, const double* const* w, const double* g, double* z, std::size_t stride) {
  for (int i = 0; i < n; i += kLanes) {
    Vec acc[C];
    for (int c = 0; c < C; ++c) acc[c] = load(z + c * stride + i);
    for (int j = 0; j < count; ++j) {
      const Vec v = load(w[j] + i);
      const Vec a = absolute(v);
      const double* gj = g + j * C;
      for (int c = 0; c < C - 2; ++c) acc[c] = add(acc[c], mul(v, broadcast(gj[c])));
      for (int c = C - 2; c < C; ++c) acc[c] = add(acc[c], mul(a, broadcast(gj[c])));
    }
    for (int c = 0; c < C; ++c) store(z + c * stride + i, acc[c]);
  }
}

// The same for any number of columns, a few at a time.
void accumulate_any(int n, int count, const double* const* w, const double* g, int cols, double* z,
                    std::size_t stride) {
  constexpr int kBlock = 8;
  for (int i = 0; i < n; i += kLanes) {
    for (int from = 0; from < cols - 2; from += kBlock) {
      const int some = cols - 2 - from < kBlock ? cols - 2 - from : kBlock;
      Vec acc[kBlock];
      for (int c = 0; c < some; ++c) acc[c] = load(z + (from + c) * stride + i);
      for (int j = 0; j < count; ++j) {
        const Vec v = load(w[j] + i);
        const double* gj = g + static_cast<std::size_t>(j) * cols + from;
        for (int c = 0; c < some; ++c) acc[c] = add(acc[c], mul(v, broadcast(gj[c])));
      }
      for (int c = 0; c < some; ++c) store(z + (from + c) * stride + i, acc[c]);
    }
    for (int c = cols - 2; c < cols; ++c) {
      Vec acc = load(z + c * stride + i);
      for (int j = 0; j < count; ++j)
        acc = add(acc, mul(absolute(load(w[j] + i)), broadcast(g[static_cast<std::size_t>(j) * cols + c])));
      store(z + c * stride + i, acc);
    }
  }
}

void accumulate(int n, int count, const double* const* w, const double* g, int cols, double* z, std::size_t stride) {
  switch (cols) {
    case 4: return accumulate_fixed<4>(n, count, w, g, z, stride);
    case 5: return accumulate_fixed<5>(n, count, w, g, z, stride);
    case 6: return accumulate_fixed<6>(n, count, w, g, z, stride);
    case 7: return accumulate_fixed<7>(n, count, w, g, z, stride);
    case 8: return accumulate_fixed<8>(n, count, w, g, z, stride);
    case 9: return accumulate_fixed<9>(n, count, w, g, z, stride);
    case 10: return accumulate_fixed<10>(n, count, w, g, z, stride);
    case 11: return accumulate_fixed<11>(n, count, w, g, z, stride);
    default: return accumulate_any(n, count, w, g, cols, z, stride);
  }
}

constexpr double kInflate = 1.0 + 1e-9;
constexpr double kTiny = 1e-300;
// Coefficients above 1e90 (and vertices above 1e200, see cell.hpp) get an infinite error bound, so that no sum below can
// overflow and still look certain: v * kGuard * kTiny is infinite for them and negligible for all others.
constexpr double kGuard = 1e218;

void finalize(int n, int dim, double gamma, const double* z, std::size_t stride, double* filter) {
  const double* c = z + dim * stride;
  const double* ea = z + (dim + 1) * stride;
  const double* ec = z + (dim + 2) * stride;
  const Vec g = broadcast(gamma), up = broadcast(kInflate), tiny = broadcast(kTiny), guard = broadcast(kGuard);
  const Vec d = broadcast(dim);
  for (int i = 0; i < n; i += kLanes) {
    Vec sum = absolute(load(z + i));
    for (int k = 1; k < dim; ++k) sum = add(sum, absolute(load(z + k * stride + i)));
    sum = mul(sum, up);
    const Vec size = absolute(load(c + i));
    const Vec slope_error = add(mul(load(ea + i), d), mul(g, sum));
    const Vec offset_error = add(load(ec + i), mul(g, size));
    store(filter + i, sum);
    store(filter + stride + i, add(mul(slope_error, up), add(tiny, mul(mul(sum, guard), tiny))));
    store(filter + 2 * stride + i, add(mul(offset_error, up), add(tiny, mul(mul(size, guard), tiny))));
  }
}

void signs(int n, int dim, const double* z, const double* filter, std::size_t stride, const double* x, double xmax,
           double radius, bool offset, std::uint64_t* pos, std::uint64_t* neg) {
  const double* c = z + dim * stride;
  const Vec m = broadcast(xmax), r = broadcast(radius), up = broadcast(kInflate), tiny = broadcast(kTiny);
  for (int base = 0; base < n; base += 64) {
    std::uint64_t p = 0, q = 0;
    const int end = n - base < 64 ? n - base : 64;
    for (int i = 0; i < end; i += kLanes) {
      const int at = base + i;
      Vec s = offset ? load(c + at) : broadcast(0.0);
      for (int k = 0; k < dim; ++k) s = add(s, mul(load(z + k * stride + at), broadcast(x[k])));
      Vec e = add(mul(load(filter + stride + at), m), mul(load(filter + at), r));
      if (offset) e = add(e, load(filter + 2 * stride + at));
      e = add(mul(e, up), tiny);
      p |= static_cast<std::uint64_t>(greater(s, e)) << i;
      q |= static_cast<std::uint64_t>(greater(negative(s), e)) << i;
    }
    pos[base / 64] = p;
    neg[base / 64] = q;
  }
}

// Both ends are asked for twice the error, so that the values differ by more than four times it: then the point, which is
// off by at most error / (difference - 2 error), lies within 2 error / difference.
void crossings(int n, const double* const* r, const double* w, double error, double* t, double* room,
               std::uint64_t* cross, std::uint64_t* doubt) {
  const Vec w0 = broadcast(w[0]), w1 = broadcast(w[1]), w2 = broadcast(w[2]), w3 = broadcast(w[3]);
  const Vec twice = broadcast(2 * error), one = broadcast(1.0);
  for (int base = 0; base < n; base += 64) {
    std::uint64_t c = 0, same = 0;
    const int end = n - base < 64 ? n - base : 64;
    for (int i = 0; i < end; i += kLanes) {
      const int at = base + i;
      const Vec a = add(mul(w0, load(r[0] + at)), mul(w1, load(r[1] + at)));
      const Vec b = add(mul(w2, load(r[2] + at)), mul(w3, load(r[3] + at)));
      const unsigned ap = greater(a, twice), an = greater(negative(a), twice);
      const unsigned bp = greater(b, twice), bn = greater(negative(b), twice);
      c |= static_cast<std::uint64_t>((ap & bn) | (an & bp)) << i;
      same |= static_cast<std::uint64_t>((ap & bp) | (an & bn)) << i;
      const Vec inverse = div(one, sub(a, b));
      store(t + at, mul(a, inverse));
      store(room + at, mul(twice, absolute(inverse)));
    }
    cross[base / 64] = c;
    doubt[base / 64] = ~(c | same);
  }
}

constexpr double kRounding = 1.7763568394002505e-15;  // kChordRoom

// Written for the compiler to vectorize.  Points that are no crossings may be anything, so they are brought into range.
void buckets(int n, const double* t, const double* room, double scale, double shift, std::int32_t mask,
             std::int32_t* at) {
  for (int i = 0; i < n; ++i) {
    double x = t[i] > -1.0 ? t[i] : -1.0;
    x = x < 2.0 ? x : 2.0;
    const double middle = x * scale + shift, half = ((room[i] < 1.0 ? room[i] : 1.0) + kRounding) * scale;
    const std::int32_t low = static_cast<std::int32_t>(middle - half), high = static_cast<std::int32_t>(middle + half);
    at[i] = low == high ? low & mask : -1;
  }
}

// The widest loop has its own scatter and gather: of two points in a bucket the later one stays, as in the plain loop.
bool place(int n, const std::int32_t* at, const std::uint64_t* set, std::uint32_t first, std::uint32_t* table) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  __m512i name = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)),
                                  _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  bool all = true;
  for (int i = 0; i < n; i += 16) {
    const auto wanted = static_cast<__mmask16>(set[i / 64] >> (i % 64));
    const __m512i k = _mm512_maskz_loadu_epi32(wanted, at + i);
    const __mmask16 known = _mm512_mask_cmpge_epi32_mask(wanted, k, _mm512_setzero_si512());
    all = all && known == wanted;
    _mm512_mask_i32scatter_epi32(table, known, k, name, 4);
    name = _mm512_add_epi32(name, _mm512_set1_epi32(16));
  }
  return all;
#else
  for (int base = 0; base < n; base += 64)
    for (std::uint64_t rest = set[base / 64]; rest; rest &= rest - 1) {
      const int i = base + lowest(rest);
      if (at[i] < 0) return false;
      table[at[i]] = first + static_cast<std::uint32_t>(i);
    }
  return true;
#endif
}

void replaced(int n, const std::int32_t* at, const std::uint64_t* set, std::uint32_t first, const std::uint32_t* table,
              std::uint64_t* lost) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  __m512i name = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)),
                                  _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  for (int base = 0; base < n; base += 64) {
    std::uint64_t bits = 0;
    for (int i = 0; i < 64; i += 16) {
      const auto wanted = static_cast<__mmask16>(set[base / 64] >> i);
      const __m512i k = _mm512_maskz_loadu_epi32(wanted, at + base + i);
      const __m512i found = _mm512_mask_i32gather_epi32(name, wanted, k, table, 4);
      bits |= static_cast<std::uint64_t>(_mm512_cmpneq_epi32_mask(found, name)) << i;
      name = _mm512_add_epi32(name, _mm512_set1_epi32(16));
    }
    lost[base / 64] = bits;
  }
#else
  for (int base = 0; base < n; base += 64) {
    std::uint64_t bits = 0;
    for (std::uint64_t rest = set[base / 64]; rest; rest &= rest - 1) {
      const int i = lowest(rest);
      bits |= static_cast<std::uint64_t>(table[at[base + i]] != first + static_cast<std::uint32_t>(base + i)) << i;
    }
    lost[base / 64] = bits;
  }
#endif
}

void mix(int n, const double* a, double wa, const double* b, double wb, double error, double* out, std::uint64_t* pos,
         std::uint64_t* neg) {
  const Vec p = broadcast(wa), q = broadcast(wb), e = broadcast(error);
  std::uint64_t above = 0, under = 0;
  for (int i = 0; i < n; i += kLanes) {
    const Vec v = add(mul(p, load(a + i)), mul(q, load(b + i)));
    store(out + i, v);
    above |= static_cast<std::uint64_t>(greater(v, e)) << i;
    under |= static_cast<std::uint64_t>(greater(negative(v), e)) << i;
  }
  *pos = above;
  *neg = under;
}

}  // namespace
}  // namespace linregions
