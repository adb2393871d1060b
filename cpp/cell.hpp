// Cells in V-representation.  A vertex knows the facets that it lies on (one bit each); two vertices span an edge iff no
// third one lies on all the facets that they share, which also holds at degenerate vertices.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "arena.hpp"
#include "exact.hpp"

namespace linregions {

// More facets on one cell than a mask of W words can name; the run starts again with a wider one.
struct MaskOverflow : std::runtime_error {
  MaskOverflow() : std::runtime_error("too many facets on one cell") {}
};

// Written out, because the baseline instruction set has no popcount and the library's is a call.
inline int bit_count(std::uint64_t v) {
  v -= (v >> 1) & 0x5555555555555555u;
  v = (v & 0x3333333333333333u) + ((v >> 2) & 0x3333333333333333u);
  v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return static_cast<int>((v * 0x0101010101010101u) >> 56);
}

inline double larger(double a, double b) { return a < b ? b : a; }

// The run was stopped inside a step that cannot be left half done.
struct Stopped {};

template <int W>
struct Mask {
  std::uint64_t word[W];
  static Mask zero() {
    Mask m;
    for (auto& w : m.word) w = 0;
    return m;
  }
  friend Mask operator&(const Mask& a, const Mask& b) {
    Mask m;
    for (int i = 0; i < W; ++i) m.word[i] = a.word[i] & b.word[i];
    return m;
  }
  Mask& operator|=(const Mask& b) {
    for (int i = 0; i < W; ++i) word[i] |= b.word[i];
    return *this;
  }
  int count() const {
    int n = 0;
    for (int i = 0; i < W; ++i) n += bit_count(word[i]);
    return n;
  }
  bool inside(const Mask& b) const {  // this is a subset of b
    for (int i = 0; i < W; ++i)
      if (word[i] & ~b.word[i]) return false;
    return true;
  }
  void set(int bit) { word[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  bool test(int bit) const { return word[bit / 64] >> (bit % 64) & 1; }
  int first_free() const {
    for (int i = 0; i < W; ++i)
      if (~word[i]) return 64 * i + std::countr_one(word[i]);
    return -1;
  }
};

// x approximates the vertex: every coordinate is within `radius` of the exact one.  On an infinite box the vertex is
// x + q M, and `far` says that q is not zero.
template <int N, int W, bool Inf>
struct Vertex {
  double x[N];
  double xmax, radius;
  double q[Inf ? N : 1];
  double qmax, qradius;
  Mask<W> mask;
  std::uint64_t exact_id;  // 0: none; else the pool entry `exact` holds the exact coordinates while its id is the same
  std::uint32_t exact;
  bool far;
  bool polished;  // coordinates come from the facets themselves, not from a chain of interpolations
};

// Largest coordinate, radius included; beyond 1e200 nothing is certified in floating point.
template <int N>
inline void measure(int dim, const double (&x)[N], double& xmax, double& radius) {
  double m = 0;
  for (int k = 0; k < dim; ++k) m = larger(m, std::fabs(x[k]));
  xmax = (m + radius) * (1 + 4 * kUnit);
  if (!(xmax < 1e200)) radius = std::numeric_limits<double>::infinity();
}

template <int N, int W, bool Inf>
struct Cell {
  using V = Vertex<N, W, Inf>;
  int count = 0;
  V* vertex = nullptr;
  std::uint64_t* sign = nullptr;  // per vertex: `words` of positive bits, `words` of negative bits
  FacetId* facet = nullptr;       // per mask bit
  std::uint64_t* split = nullptr;  // per mask bit, where polygons are listed: which split of the search it arose in

  Mask<W> used() const {
    Mask<W> m = Mask<W>::zero();
    for (int i = 0; i < count; ++i) m |= vertex[i].mask;
    return m;
  }
};

// The ids of the facets that a vertex lies on.
template <int W>
inline int list_facets(const Mask<W>& mask, const FacetId* facet, FacetId* out) {
  int n = 0;
  for (int i = 0; i < W; ++i)
    for (std::uint64_t rest = mask.word[i]; rest; rest &= rest - 1) out[n++] = facet[64 * i + std::countr_zero(rest)];
  return n;
}

// Whether vertices a and b of a cell span an edge.
template <class C, class V>
inline bool adjacent(const C& cell, const V& a, const V& b, int dim) {
  const auto common = a.mask & b.mask;
  if (common.count() < dim - 1) return false;
  // At a simple vertex any dim - 1 of its facets meet in an edge.
  if (a.mask.count() == dim || b.mask.count() == dim) return true;
  for (int i = 0; i < cell.count; ++i) {
    const auto& v = cell.vertex[i];
    if (&v != &a && &v != &b && common.inside(v.mask)) return false;
  }
  return true;
}

}  // namespace linregions
