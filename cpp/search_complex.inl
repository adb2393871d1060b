// What a finished region leaves behind for the polyhedral complex: its vertices with the signs of all columns, its facets.
#pragma once

namespace linregions {

// Signs of the cuts of one stage (or of the domain's half-spaces) at a vertex, `zero` being those that it is known to lie on.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::sign_block(int level, int count, const double* z, const double* filter, std::size_t stride, V& v,
                                   const FacetId* facet, const std::uint64_t* wanted, std::uint64_t* pos,
                                   std::uint64_t* neg) {
  raw_signs(count, z, filter, stride, v, pos, neg);
  fix_signs(level, nullptr, count, z, filter, stride, v, facet, wanted, pos, neg);
  for (int w = 0; w < (count + 63) / 64; ++w) {
    pos[w] &= wanted[w];
    neg[w] &= wanted[w];
  }
}

// In a max group only comparisons with the winning row are decided.  The others follow: a row that ties with it beats all
// that do not, and two rows that both lose have both bits.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::follow_winners(int s, std::uint64_t* pos, std::uint64_t* neg) const {
  const Frame& f = frames_[s];
  const Stage& st = *f.stage;
  for (int u = 0; u < st.units; ++u) {
    const int n = st.pieces[u], first = st.cut_begin[u], winner = f.piece[u];
    const auto pair = [&](int i, int j) { return first + i * n - i * (i + 1) / 2 + (j - i - 1); };
    const auto loses = [&](int i) {
      if (i == winner) return false;
      const int c = i < winner ? pair(i, winner) : pair(winner, i);
      return ((pos[c / 64] | neg[c / 64]) >> (c % 64) & 1) != 0;
    };
    for (int i = 0; i < n; ++i)
      for (int j = i + 1; j < n; ++j) {
        if (i == winner || j == winner) continue;
        const int c = pair(i, j);
        const std::uint64_t bit = std::uint64_t{1} << (c % 64);
        if (loses(j)) pos[c / 64] |= bit;
        if (loses(i)) neg[c / 64] |= bit;
      }
  }
}

// The signs of all columns at a vertex of a cell on which all stages are composed.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::sign_vertex(V& v, const FacetId* facet, std::uint64_t* key) {
  const SignLayout& layout = shared_.layout;
  std::uint64_t *pos = key, *neg = key + layout.words;
  wanted_ = wanted_columns_;
  FacetId ids[kBits];
  const int n = list_facets(v.mask, facet, ids);
  for (int i = 0; i < n; ++i) {
    const auto level = facet_level(ids[i]), index = facet_index(ids[i]);
    const int word = level == kInfinityLevel ? layout.infinity : level == 0 ? layout.domain : layout.stage[level - 1];
    wanted_[word + index / 64] &= ~(std::uint64_t{1} << (index % 64));
  }
  for (int s = 0; s <= last_; ++s) {
    const Frame& f = frames_[s];
    const int at = layout.stage[s], count = static_cast<int>(f.stage->cuts.size());
    if (count == 0) continue;
    sign_block(s + 1, count, f.cuts_z(), f.cuts_filter(), f.all_padded, v, facet, wanted_.data() + at, pos + at, neg + at);
    if (f.stage->max) follow_winners(s, pos + at, neg + at);
  }
  const int rows = static_cast<int>(domain_cut_.size()), at = layout.domain;
  if (rows)
    sign_block(0, rows, domain_z_.data(), domain_filter_.data(), std::size_t(rows + 7) / 8 * 8, v, facet,
               wanted_.data() + at, pos + at, neg + at);
  if (Inf) {
    pos[layout.infinity] = wanted_[layout.infinity];
    neg[layout.infinity] = 0;
  }
}

// The columns to be decided at every vertex of the cell: all, but in max groups only comparisons with the winner.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::want_columns() {
  const SignLayout& layout = shared_.layout;
  const auto max = [](const Stage& s) { return s.max; };
  if (!wanted_columns_.empty() && std::none_of(model_.stages.begin(), model_.stages.end(), max)) return;
  wanted_columns_.assign(layout.words, 0);
  const auto want = [&](std::int64_t bit) { wanted_columns_[bit / 64] |= std::uint64_t{1} << (bit % 64); };
  std::size_t column = 0;
  for (int s = 0; s <= last_; ++s) {
    const Frame& f = frames_[s];
    for (const Cut& cut : f.stage->cuts) {
      const std::int64_t bit = layout.bits[column++];
      const int winner = cut.other < 0 ? -1 : f.stage->offsets[cut.unit] + f.piece[cut.unit];
      if (winner < 0 || winner == cut.row || winner == cut.other) want(bit);
    }
  }
  for (; column < layout.bits.size(); ++column) want(layout.bits[column]);
}

// Vertices of the complex are known this well, relatively.  The bounds of the rows of wide deep networks are some parts in
// 10^11, and the exact layer, to which a smaller number sent most of their vertices, took nearly all of the time.
constexpr double kNearRadius = 1e-9;

template <int D, int W, bool Inf>
void Search<D, W, Inf>::record_point(V& v, const FacetId* facet, CellList& list) {
  if (v.radius > kFineRadius * v.xmax) polish(v, facet);
  if (v.radius > kNearRadius * v.xmax) refresh(v, facet);
  for (int k = 0; k < dim(); ++k) {
    list.points.push_back(v.x[k]);
    list.directions.push_back(Inf && v.far ? v.q[k] : 0.0);
  }
  list.radii.push_back(Inf && v.far ? larger(v.radius, v.qradius) : v.radius);
  list.far.push_back(Inf && v.far);
}

// The facets of a cell: maximal sets of vertices on one mask bit, those on the infinite box aside.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::record_facets(const C& cell, CellList& list) {
  if (cell.count > 65535) throw std::runtime_error("a region with more than 65,535 vertices");
  const int words = (cell.count + 63) / 64;
  int slot[kBits], bits[kBits], count = 0;
  const Mask<W> used = cell.used();
  for (int w = 0; w < W; ++w)
    for (std::uint64_t rest = used.word[w]; rest; rest &= rest - 1) {
      bits[count] = 64 * w + std::countr_zero(rest);
      slot[bits[count]] = count;
      ++count;
    }
  sets_.assign(std::size_t(count) * words, 0);
  for (int i = 0; i < cell.count; ++i)
    for (int w = 0; w < W; ++w)
      for (std::uint64_t rest = cell.vertex[i].mask.word[w]; rest; rest &= rest - 1)
        sets_[std::size_t(slot[64 * w + std::countr_zero(rest)]) * words + i / 64] |= std::uint64_t{1} << (i % 64);
  std::uint16_t facets = 0;
  for (const int k : maximal_.of(sets_, count, words)) {
    if (facet_level(cell.facet[bits[k]]) == kInfinityLevel) continue;
    std::uint16_t size = 0;
    for (int w = 0; w < words; ++w)
      for (std::uint64_t rest = sets_[std::size_t(k) * words + w]; rest; rest &= rest - 1, ++size)
        list.facet_place.push_back(static_cast<std::uint16_t>(64 * w + std::countr_zero(rest)));
    list.facet_size.push_back(size);
    ++facets;
  }
  list.facet_count.push_back(facets);
}

template <int D, int W, bool Inf>
void Search<D, W, Inf>::record_cell(const C& cell, CellList& list) {
  const std::size_t pool = pool_.size();
  key_.resize(std::size_t(2) * shared_.layout.words);
  want_columns();
  for (int i = 0; i < cell.count; ++i) {
    V& v = cell.vertex[i];
    sign_vertex(v, cell.facet, key_.data());
    const auto [id, fresh] = list.vertices.insert(key_.data());
    if (fresh) record_point(v, cell.facet, list);
    list.cell_vertex.push_back(id);
  }
  list.cell_size.push_back(static_cast<std::uint32_t>(cell.count));
  record_facets(cell, list);
  pool_.resize(std::min(pool, pool_.size()));
  const std::size_t n = list.cell_size.size();
  if (n % 256 != 0 && (n & (n - 1)) != 0) return;
  const std::size_t bytes = list.bytes();
  if (shared_.cell_bytes.fetch_add(bytes - list.charged) + (bytes - list.charged) > shared_.options.max_bytes)
    throw std::length_error("the polyhedral complex does not fit into memory");
  list.charged = bytes;
}

// The domain itself as a complex of one cell, for its f-vector.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::record_root(const C& cell) {
  auto list = std::make_unique<CellList>(2 * SignLayout{}.words);
  for (int i = 0; i < cell.count; ++i) {
    const std::uint64_t key[2] = {static_cast<std::uint64_t>(i), 0};
    list->vertices.insert(key);
    list->cell_vertex.push_back(static_cast<std::uint32_t>(i));
    list->far.push_back(Inf && cell.vertex[i].far);
    list->radii.push_back(0);
    list->points.resize(list->points.size() + dim());
    list->directions.resize(list->directions.size() + dim());
  }
  list->cell_size.push_back(static_cast<std::uint32_t>(cell.count));
  record_facets(cell, *list);
  shared_.root_cell = std::move(list);
}

}  // namespace linregions
