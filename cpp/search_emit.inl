// What a finished region leaves behind: a number, a pattern with a witness, or its whole shape.
#pragma once

namespace linregions {

template <int D, int W, bool Inf>
void Search<D, W, Inf>::emit(const C& cell, int depth) {
  if (shared_.options.mode == Mode::replay) {
    record_shape(cell);
    return;
  }
  const bool outer = inside_;
  if (!outer && !take()) return;
  inside_ = true;
  if (lists()) {
    Output& out = *output_;
    const std::size_t at = out.patterns.size();
    out.patterns.resize(at + model_.pattern_bytes, 0);
    std::uint8_t* packed = out.patterns.data() + at;
    for (int s = 0; s <= last_; ++s) {
      const Stage& st = model_.stages[s];
      const Frame& f = frames_[s];
      for (int u = 0; u < st.units; ++u) {
        unsigned piece = static_cast<unsigned>(f.piece[u]);
        for (int bit = st.field_shift[u]; piece; ++bit, piece >>= 1)
          packed[bit / 8] |= static_cast<std::uint8_t>((piece & 1) << (bit % 8));
      }
    }
    if (out.cells) record_cell(cell, *out.cells);
    if (shared_.options.witnesses) {
      double x[N];
      out.witness_ok.push_back(witness(cell, x));
      out.witnesses.insert(out.witnesses.end(), x, x + dim());
    }
    if constexpr (N >= 2 && !Inf)
      if (out.polygons && !shared_.polygons_left_out) record_polygon(cell, *out.polygons);
    ++out.regions;
  }
  add_regions(1);
  if (depth < progress_depth_) finish(depth);
  inside_ = outer;
}

// Whether x lies strictly inside the cell, certified in floating point.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::strictly_inside(const C& cell, const double* x) {
  FacetId ids[kBits];
  const int n = list_facets(cell.used(), cell.facet, ids);
  V point;
  point.far = false;
  for (int k = 0; k < dim(); ++k) point.x[k] = x[k];
  point.radius = 0;
  measure(dim(), point.x, point.xmax, point.radius);
  for (int i = 0; i < n; ++i) {
    const auto level = facet_level(ids[i]);
    const int index = static_cast<int>(facet_index(ids[i]));
    if (level == kInfinityLevel) continue;
    bool positive = true;
    Value v;
    if (level == 0) {
      const std::size_t stride = (shared_.domain.rows.size() + 7) / 8 * 8;
      v = value_at(domain_z_.data(), domain_filter_.data(), stride, index, point);
    } else {
      const Frame& f = frames_[level - 1];
      const Cut& cut = f.stage->cuts[index];
      positive = cut.other >= 0 ? f.stage->offsets[cut.unit] + f.piece[cut.unit] == cut.row
                                : f.piece[cut.unit] > cut.level;
      v = value_at(f.cuts_z(), f.cuts_filter(), f.all_padded, index, point);
    }
    if (!(positive ? v.value > v.error : -v.value > v.error)) return false;
  }
  return true;
}

// A point strictly inside: the mean of the vertices, if floating point can hold and certify it.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::witness(const C& cell, double* out) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    double mean[N], direction[N];
    bool far = false;
    for (int k = 0; k < dim(); ++k) {
      mean[k] = direction[k] = 0;
      for (int i = 0; i < cell.count; ++i) {
        mean[k] += cell.vertex[i].x[k];
        if constexpr (Inf) {
          if (cell.vertex[i].far) {
            direction[k] += cell.vertex[i].q[k];
            far = true;
          }
        }
      }
      mean[k] /= cell.count;
      direction[k] /= cell.count;
    }
    for (double m = 1; m < 1e18; m *= 64) {
      for (int k = 0; k < dim(); ++k) out[k] = mean[k] + (far ? m * direction[k] : 0.0);
      if (strictly_inside(cell, out)) return true;
      if (!far) break;
    }
    if (!shared_.options.exact) return false;
    for (int i = 0; i < cell.count; ++i) refresh(cell.vertex[i], cell.facet);
  }
  return false;
}

// Vertices that are shown are known this well, relatively; ill-conditioned ones come from the exact layer.
constexpr double kFineRadius = 1e-14;

template <int D, int W, bool Inf>
void Search<D, W, Inf>::record_shape(const C& cell) {
  RegionShape& shape = *shared_.shape;
  shape.found = true;
  shape.dim = dim();
  for (int i = 0; i < cell.count; ++i) {
    V& v = cell.vertex[i];
    const bool all = shared_.precision == Shared::Precision::exact;
    if (!all && v.radius > kFineRadius * v.xmax) polish(v, cell.facet);
    const bool rough = shared_.precision == Shared::Precision::fine && v.radius > kFineRadius * v.xmax;
    if (all || (shared_.options.exact && rough)) refresh(v, cell.facet);
    shape.radius = larger(shape.radius, v.radius);
    for (int k = 0; k < dim(); ++k) {
      shape.vertices.push_back(v.x[k]);
      shape.directions.push_back(Inf && v.far ? v.q[k] : 0.0);
    }
    shape.far.push_back(Inf && v.far);
    FacetId ids[kBits];
    const int n = list_facets(v.mask, cell.facet, ids);
    shape.facets.emplace_back(ids, ids + n);
    if (all) shape.exact.push_back(exact_vertex(v, cell.facet));
  }
}

// The polyhedron of the domain's half-spaces, from the infinite box; says when it is empty or flat.
template <int D, int W, bool Inf>
DomainState Search<D, W, Inf>::clip_domain(Root& root) {
  static_assert(Inf || D >= 0);
  const int n = static_cast<int>(shared_.domain.rows.size());
  const int words = std::max(1, (n + 63) / 64);
  const Block b{0, n, words, domain_cut_.data(), domain_z_.data(), domain_filter_.data(), std::size_t(n + 7) / 8 * 8};
  C cell;
  cell.count = 1 << dim();
  cell.vertex = arena_.take<V>(cell.count);
  cell.sign = arena_.take<std::uint64_t>(std::size_t(2) * words * cell.count);
  cell.facet = arena_.take<FacetId>(kBits);
  for (int k = 0; k < 2 * dim(); ++k) cell.facet[k] = facet_id(kInfinityLevel, k);
  std::vector<std::uint64_t> wanted_bits(words, 0), pos_bits(words), neg_bits(words);
  std::uint64_t *wanted = wanted_bits.data(), *pos = pos_bits.data(), *neg = neg_bits.data();
  for (int c = 0; c < n; ++c) wanted[c / 64] |= std::uint64_t{1} << (c % 64);
  for (int i = 0; i < cell.count; ++i) {
    V& v = cell.vertex[i];
    v.mask = Mask<W>::zero();
    v.exact_id = 0;
    v.polished = false;
    v.radius = v.qradius = 0;
    for (int k = 0; k < dim(); ++k) {
      v.x[k] = 0;
      v.q[k] = i >> k & 1 ? 1.0 : -1.0;
      v.mask.set(2 * k + (i >> k & 1));
    }
    v.far = true;
    measure(dim(), v.x, v.xmax, v.radius);
    measure(dim(), v.q, v.qmax, v.qradius);
    std::uint64_t *p = cell.sign + std::size_t(2) * i * words, *q = p + words;
    for (int w = 0; w < words; ++w) p[w] = q[w] = 0;
    raw_signs(n, b.z, b.filter, b.stride, v, p, q);
    fix_signs(0, b.cut, n, b.z, b.filter, b.stride, v, cell.facet, wanted, p, q);
  }
  bool flat = false;
  for (int c = 0; c < n; ++c) {
    const std::uint64_t bit = std::uint64_t{1} << (c % 64);
    summarize(cell, words, pos, neg);
    const bool p = pos[c / 64] & bit, q = neg[c / 64] & bit;
    if (stopped()) throw Stopped{};
    if (!q) continue;  // satisfied everywhere; where it is zero everywhere, it says nothing
    // The old cell lies in one arena, the new one goes into the other.
    std::swap(arena_, other_arena_);
    arena_.release({0, 0});
    const Crossing x = cross(cell, b, c, wanted);
    if (!p) {
      flat = true;
      cell = child(cell, b, x, c, 0);
      if (cell.count == 0) return DomainState::empty;
      continue;
    }
    cell = child(cell, b, x, c, 1);
  }
  if (flat) return DomainState::flat;
  root = Root{};
  for (int i = 0; i < cell.count; ++i) {
    V& v = cell.vertex[i];
    refresh(v, cell.facet);
    Root::Point p;
    p.far = v.far;
    p.radius = v.radius;
    p.qradius = v.qradius;
    for (int k = 0; k < dim(); ++k) {
      p.x[k] = v.x[k];
      p.q[k] = v.q[k];
    }
    FacetId ids[kBits];
    const int m = list_facets(v.mask, cell.facet, ids);
    p.facets.assign(ids, ids + m);
    root.infinite = root.infinite || v.far;
    root.points.push_back(std::move(p));
  }
  return DomainState::ready;
}

}  // namespace linregions
