// Splitting a cell by a hyperplane: the new vertices, and the cells on both sides.
#pragma once

namespace linregions {

template <int D, int W, bool Inf>
void Search<D, W, Inf>::summarize(const C& cell, int words, std::uint64_t* pos, std::uint64_t* neg) const {
  for (int w = 0; w < words; ++w) {
    std::uint64_t p = 0, q = 0;
    for (int i = 0; i < cell.count; ++i) {
      p |= cell.sign[(2 * i) * words + w];
      q |= cell.sign[(2 * i + 1) * words + w];
    }
    pos[w] = p;
    neg[w] = q;
  }
}

// The point where the edge p-n meets cut c, with a rigorous radius; false where floating point knows too little.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::interpolate(const V& p, const V& n, Value fp, Value fn, V& out) {
  const double d = fp.value - fn.value, room = fp.error + fn.error;
  const double safe = d - room;
  if (!(fp.value >= 0 && fn.value <= 0 && safe > 0.5 * d)) {
    if (shared_.options.exact || !(d > 0)) return false;
  }
  double t = fp.value / d;
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  double length = 0, size = 0;
  for (int k = 0; k < dim(); ++k) {
    const double step = n.x[k] - p.x[k];
    out.x[k] = p.x[k] + t * step;
    length = larger(length, std::fabs(step));
    size = larger(size, larger(std::fabs(p.x[k]), std::fabs(n.x[k])));
  }
  const double dt = (fp.error * (1 - t) + fn.error * t) / (safe > 0 ? safe : d) + 8 * kUnit;
  const double r = (1 - t) * p.radius + t * n.radius + dt * (length + p.radius + n.radius) + 8 * kUnit * size;
  out.radius = r * (1 + 1e-9) + 1e-300;
  measure(dim(), out.x, out.xmax, out.radius);
  return true;
}

// A vertex known less well than this (relatively) is solved for again from its facets.
constexpr double kRoughRadius = 1e-8;

// All vertices that cut c makes on the edges of a cell; their signs are decided for the cuts in `wanted`.
template <int D, int W, bool Inf>
typename Search<D, W, Inf>::Crossing Search<D, W, Inf>::cross(const C& cell, const Block& b, int c,
                                                             const std::uint64_t* wanted) {
  const int words = b.words, at = c / 64;
  const std::uint64_t bit = std::uint64_t{1} << (c % 64);
  int* side[2] = {arena_.take<int>(cell.count), arena_.take<int>(cell.count)};
  int size[2] = {0, 0};
  Mask<W> used = Mask<W>::zero();
  for (int i = 0; i < cell.count; ++i) {
    used |= cell.vertex[i].mask;
    if (cell.sign[(2 * i) * words + at] & bit) side[0][size[0]++] = i;
    if (cell.sign[(2 * i + 1) * words + at] & bit) side[1][size[1]++] = i;
  }
  if constexpr (Inf) used.word[0] |= (std::uint64_t{1} << (2 * dim())) - 1;
  Crossing x;
  x.bit = used.first_free();
  if (x.bit < 0) throw MaskOverflow();
  x.facet = arena_.take<FacetId>(kBits);
  std::memcpy(x.facet, cell.facet, sizeof(FacetId) * kBits);
  x.facet[x.bit] = facet_id(b.level, b.cut ? b.cut[c] : c);
  x.split = nullptr;
  if (cell.split) {
    x.split = arena_.take<std::uint64_t>(kBits);
    std::memcpy(x.split, cell.split, sizeof(std::uint64_t) * kBits);
    x.split[x.bit] = split_;
  }

  std::pair<int, int>* pairs = nullptr;
  x.count = 0;
  int capacity = 0;
  for (int i = 0; i < size[0]; ++i) {
    if (stopped()) throw Stopped{};
    for (int j = 0; j < size[1]; ++j) {
      if (!adjacent(cell, cell.vertex[side[0][i]], cell.vertex[side[1][j]], dim())) continue;
      if (x.count == capacity) {
        const int grown = capacity ? 4 * capacity : 16;
        auto* bigger = arena_.take<std::pair<int, int>>(grown);
        if (capacity) std::memcpy(static_cast<void*>(bigger), pairs, sizeof(*pairs) * capacity);
        pairs = bigger;
        capacity = grown;
      }
      pairs[x.count++] = {side[0][i], side[1][j]};
    }
  }
  x.vertex = arena_.take<V>(x.count ? x.count : 1);
  x.sign = arena_.take<std::uint64_t>(std::size_t(2) * words * (x.count ? x.count : 1));
  for (int k = 0; k < x.count; ++k) {
    if (k % 64 == 63 && stopped()) throw Stopped{};
    V& p = cell.vertex[pairs[k].first];
    V& n = cell.vertex[pairs[k].second];
    V& v = x.vertex[k];
    v.mask = p.mask & n.mask;
    v.mask.set(x.bit);
    v.exact_id = 0;
    v.far = v.polished = false;
    if constexpr (Inf) {
      for (int d = 0; d < dim(); ++d) v.q[d] = 0;
      v.qmax = v.qradius = 0;
    }
    bool done = false;
    if (!(Inf && (p.far || n.far))) {
      const Value fp = value_at(b.z, b.filter, b.stride, c, p), fn = value_at(b.z, b.filter, b.stride, c, n);
      done = interpolate(p, n, fp, fn, v);
    }
    if (done && v.radius > kRoughRadius * v.xmax) polish(v, x.facet);
    if (!done) {
      v.radius = std::numeric_limits<double>::infinity();
      if (!polish(v, x.facet)) refresh(v, x.facet);
    }
    std::uint64_t *pos = x.sign + std::size_t(2) * k * words, *neg = pos + words;
    raw_signs(b.count, b.z, b.filter, b.stride, v, pos, neg);
    fix_signs(b.level, b.cut, b.count, b.z, b.filter, b.stride, v, x.facet, wanted, pos, neg);
    // On the cut itself the value is zero by construction.
    pos[at] &= ~bit;
    neg[at] &= ~bit;
  }
  return x;
}

template <int D, int W, bool Inf>
typename Search<D, W, Inf>::C Search<D, W, Inf>::child(const C& cell, const Block& b, const Crossing& x, int c,
                                                      int side) {
  const int words = b.words, at = c / 64;
  const std::uint64_t bit = std::uint64_t{1} << (c % 64);
  C out;
  out.facet = x.facet;
  out.split = x.split;
  out.vertex = arena_.take<V>(cell.count + x.count);
  out.sign = arena_.take<std::uint64_t>(std::size_t(2) * words * (cell.count + x.count));
  const std::size_t bytes = sizeof(std::uint64_t) * 2 * words;
  for (int i = 0; i < cell.count; ++i) {
    const std::uint64_t* s = cell.sign + std::size_t(2) * i * words;
    const bool pos = s[at] & bit, neg = s[words + at] & bit;
    if (pos ? side <= 0 : neg && side >= 0) continue;
    std::memcpy(static_cast<void*>(out.vertex + out.count), cell.vertex + i, sizeof(V));
    if (!pos && !neg) out.vertex[out.count].mask.set(x.bit);
    std::memcpy(out.sign + std::size_t(2) * out.count * words, s, bytes);
    ++out.count;
  }
  std::memcpy(static_cast<void*>(out.vertex + out.count), x.vertex, sizeof(V) * x.count);
  std::memcpy(out.sign + std::size_t(2) * out.count * words, x.sign, bytes * x.count);
  out.count += x.count;
  return out;
}

}  // namespace linregions
