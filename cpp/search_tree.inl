// The search tree: enter a stage, split by its open cuts, hand every piece to the next stage.
#pragma once

namespace linregions {

// The next subtree (numbered alike in all threads): whether this thread does it.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::take() {
  hand_over();
  const std::size_t id = next_claim_++;
  if (!shared_.claim(id, thread_)) return false;
  const bool list = lists();
  inner_splits_ = static_cast<std::uint64_t>(next_claim_) << 40;
  if (!shared_.options.pieced) {
    if (list) output_ = shared_.output(id);
    return true;
  }
  flush();
  piece_ = Finished{};
  piece_.id = id;
  cut_short_ = false;
  has_piece_ = true;
  if (list) {
    piece_.output = std::make_unique<Output>();
    output_ = piece_.output.get();
  }
  return true;
}

// The search is back above the pieces, so the last one is done, unless the search was stopped inside it.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::hand_over() {
  if (!has_piece_) return;
  has_piece_ = false;
  flush();
  if (!cut_short_) shared_.hand_over(std::move(piece_));
}

template <int D, int W, bool Inf>
void Search<D, W, Inf>::flush() {
  piece_.regions += found_;
  piece_.exact_decisions += exact_decisions_;
  piece_.doubtful += doubtful_;
  if (found_) {
    const auto total = shared_.regions.fetch_add(found_, std::memory_order_relaxed) + found_;
    found_ = 0;
    if (shared_.options.max_regions && !shared_.options.pieced && total >= shared_.options.max_regions) {
      int none = 0;
      shared_.stop.compare_exchange_strong(none, 2);
    }
  }
  shared_.exact_decisions += exact_decisions_;
  shared_.doubtful += doubtful_;
  exact_decisions_ = doubtful_ = 0;
}

template <int D, int W, bool Inf>
void Search<D, W, Inf>::add_regions(std::uint64_t n) {
  found_ += n;
  if (found_ >= 4096 || (shared_.options.max_regions && !shared_.options.pieced)) flush();
}

constexpr int kProgressDepth = 10;

template <int D, int W, bool Inf>
void Search<D, W, Inf>::finish(int depth) {
  if (depth > progress_depth_) return;
  shared_.progress += std::uint64_t{1} << (40 - depth);
  flush();
}

template <int D, int W, bool Inf>
void Search<D, W, Inf>::run() {
  const bool pieced = shared_.options.pieced;
  share_depth_ = pieced ? shared_.options.depth : shared_.options.threads > 1 ? kProgressDepth : 0;
  progress_depth_ = std::max(kProgressDepth, share_depth_);
  inside_ = !pieced && shared_.options.threads <= 1;
  if (inside_ && lists()) output_ = shared_.output(0);
  const Root& root = shared_.root;
  C cell;
  cell.count = static_cast<int>(root.points.size());
  cell.vertex = arena_.take<V>(root.points.size());
  cell.facet = arena_.take<FacetId>(kBits);
  std::vector<FacetId> known;
  if constexpr (Inf)
    for (int k = 0; k < 2 * dim(); ++k) known.push_back(facet_id(kInfinityLevel, k));
  for (int i = 0; i < cell.count; ++i) {
    const Root::Point& p = root.points[i];
    V& v = cell.vertex[i];
    v.mask = Mask<W>::zero();
    v.exact_id = 0;
    v.polished = false;
    v.far = p.far;
    v.radius = p.radius;
    for (int k = 0; k < dim(); ++k) v.x[k] = p.x[k];
    measure(dim(), v.x, v.xmax, v.radius);
    if constexpr (Inf) {
      v.qradius = p.qradius;
      for (int k = 0; k < dim(); ++k) v.q[k] = p.q[k];
      measure(dim(), v.q, v.qmax, v.qradius);
    }
    for (FacetId f : p.facets) {
      std::size_t bit = std::find(known.begin(), known.end(), f) - known.begin();
      if (bit == known.size()) known.push_back(f);
      if (bit >= kBits) throw MaskOverflow();
      v.mask.set(static_cast<int>(bit));
    }
  }
  std::copy(known.begin(), known.end(), cell.facet);
  if (shared_.options.polygons) {
    cell.split = arena_.take<std::uint64_t>(kBits);
    std::fill(cell.split, cell.split + kBits, 0);
    box_ = 1;
    for (int k = 0; k < dim(); ++k) {
      double low = cell.vertex[0].x[k], high = low;
      for (int i = 1; i < cell.count; ++i) {
        low = std::fmin(low, cell.vertex[i].x[k]);
        high = larger(high, cell.vertex[i].x[k]);
      }
      extent_ = larger(extent_, high - low);
      box_ *= high - low;
    }
  }
  if (shared_.options.mode == Mode::complex && thread_ == 0) record_root(cell);
  try {
    if (last_ < 0) {
      emit(cell, 0);
    } else {
      compose_root();
      enter(0, cell, 0);
    }
    hand_over();
  } catch (const Stopped&) {  // what was counted before stands
  }
  flush();
  if (thread_ != 0) return;
  shared_.exact_decisions += top_exact_decisions_;
  shared_.doubtful += top_doubtful_;
  if (pieced && !stopped()) shared_.frontier = {next_claim_, digest_, top_exact_decisions_, top_doubtful_};
}

// Stage s on a cell, its rows composed: find the cuts that split the cell.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::enter(int s, C cell, int depth) {
  Frame& f = frames_[s];
  const Stage& st = *f.stage;
  if (++f.stamp == 0) {
    std::fill(f.row_stamp.begin(), f.row_stamp.end(), 0);
    std::fill(f.cut_stamp.begin(), f.cut_stamp.end(), 0);
    f.stamp = 1;
  }
  f.base_ready = false;
  f.split_units.clear();
  f.groups.clear();
  const int cuts = static_cast<int>(st.cuts.size());
  if (cuts == 0) {
    leaf(s, cell, depth);
    return;
  }
  f.finish();
  const auto mark = arena_.mark();
  const std::size_t pool = pool_.size();
  const int words = (cuts + 63) / 64;
  auto* sign = arena_.take<std::uint64_t>(std::size_t(2) * words * cell.count);
  auto* wanted = arena_.take<std::uint64_t>(words);
  auto* pos = arena_.take<std::uint64_t>(words);
  auto* neg = arena_.take<std::uint64_t>(words);
  for (int w = 0; w < words; ++w) wanted[w] = ~std::uint64_t{0};
  if (cuts % 64) wanted[words - 1] = (std::uint64_t{1} << (cuts % 64)) - 1;
  const double *z = f.cuts_z(), *filter = f.cuts_filter();
  const std::size_t stride = f.all_padded;
  for (int i = 0; i < cell.count; ++i) {
    std::uint64_t* p = sign + std::size_t(2) * i * words;
    raw_signs(cuts, z, filter, stride, cell.vertex[i], p, p + words);
  }
  leave_zeros(s, cell, sign, words, wanted);
  for (int i = 0; i < cell.count; ++i) {
    std::uint64_t* p = sign + std::size_t(2) * i * words;
    fix_signs(s + 1, nullptr, cuts, z, filter, stride, cell.vertex[i], cell.facet, wanted, p, p + words);
  }
  cell.sign = sign;
  summarize(cell, words, pos, neg);
  if (st.max) f.cut.clear();
  if (st.max) {
    build_groups(s, pos, neg, f.cut);
  } else if (st.simple) {  // cut u is unit u
    for (int u : f.cut) f.split[u] = 0;
    f.cut.clear();
    for (int w = 0; w < words; ++w) {
      const std::uint64_t stable = pos[w] & ~neg[w];
      const int end = std::min(64, cuts - 64 * w);
      int* piece = f.piece.data() + 64 * w;
      for (int u = 0; u < end; ++u) piece[u] = stable >> u & 1;
      for (std::uint64_t rest = pos[w] & neg[w]; rest; rest &= rest - 1) {
        const int u = 64 * w + std::countr_zero(rest);
        f.cut.push_back(u);
        f.split_units.push_back(u);
        f.split[u] = 1;
        f.stable_piece[u] = 0;
      }
    }
  } else {
    f.cut.clear();
    for (int u = 0; u < st.units; ++u) {
      int stable = 0;
      bool split = false;
      for (int c = st.cut_begin[u]; c < st.cut_begin[u + 1]; ++c) {
        const bool p = pos[c / 64] >> (c % 64) & 1, n = neg[c / 64] >> (c % 64) & 1;
        if (p && n) {
          f.cut.push_back(c);
          split = true;
        } else {
          stable += p;
        }
      }
      f.split[u] = split;
      f.piece[u] = f.stable_piece[u] = stable;
      if (split) f.split_units.push_back(u);
    }
  }
  f.compact();
  if (!inside_) {
    note(static_cast<std::uint64_t>(s) << 32 | static_cast<std::uint64_t>(depth));
    for (const int c : f.cut) note(static_cast<std::uint64_t>(c));
  }
  C open = cell;
  open.sign = arena_.take<std::uint64_t>(std::size_t(2) * f.words * cell.count);
  for (int i = 0; i < 2 * cell.count; ++i) {
    const std::uint64_t* from = sign + std::size_t(i) * words;
    std::uint64_t* to = open.sign + std::size_t(i) * f.words;
    for (int w = 0; w < f.words; ++w) to[w] = 0;
    for (int c = 0; c < f.count; ++c) {
      const int at = f.cut[c];
      to[c / 64] |= (from[at / 64] >> (at % 64) & 1) << (c % 64);
    }
  }
  if (s == last_ && shared_.options.mode == Mode::count && !st.max) {
    count_last(open, s, depth);
    if (inside_ && depth > 0) finish(depth);
  } else {
    Known known{arena_.take<std::uint64_t>(f.words), arena_.take<std::uint64_t>(f.words)};
    for (int w = 0; w < f.words; ++w) known.open[w] = known.positive[w] = 0;
    for (int c = 0; c < f.count; ++c) known.open[c / 64] |= std::uint64_t{1} << (c % 64);
    if (st.max)
      max_node(s, open, known, 0, depth);
    else
      node(s, open, known, depth);
  }
  arena_.release(mark);
  pool_.resize(std::min(pool, pool_.size()));
}

// In every max group keep the rows that can win on the cell, and the comparisons between them.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::build_groups(int s, const std::uint64_t* pos, const std::uint64_t* neg,
                                     std::vector<int>& undecided) {
  Frame& f = frames_[s];
  const Stage& st = *f.stage;
  std::vector<char> alive;
  const auto both = [&](int c) { return pos[c / 64] & neg[c / 64] & std::uint64_t{1} << (c % 64); };
  for (int u = 0; u < st.units; ++u) {
    const int n = st.pieces[u], first = st.cut_begin[u], end = st.cut_begin[u + 1];
    bool open = false;
    for (int c = first; c < end && !open; ++c) open = both(c) != 0;
    if (!open) {  // the first of the largest rows
      int best = 0;
      for (int j = 1; j < n; ++j) {
        const int c = first + best * n - best * (best + 1) / 2 + (j - best - 1);
        if (neg[c / 64] >> (c % 64) & 1) best = j;
      }
      f.split[u] = 0;
      f.piece[u] = f.stable_piece[u] = best;
      continue;
    }
    alive.assign(n, 1);
    int c = first;
    for (int i = 0; i < n; ++i)
      for (int j = i + 1; j < n; ++j, ++c) {
        const bool p = pos[c / 64] >> (c % 64) & 1, q = neg[c / 64] >> (c % 64) & 1;
        if (p && q) continue;
        alive[q ? i : j] = 0;  // equal rows: the first one wins
      }
    Frame::Group group{u, {}, {}};
    for (int i = 0; i < n; ++i)
      if (alive[i]) group.rows.push_back(i);
    f.split[u] = group.rows.size() > 1;
    f.piece[u] = f.stable_piece[u] = group.rows[0];
    if (!f.split[u]) continue;
    f.split_units.push_back(u);
    const int size = static_cast<int>(group.rows.size());
    group.pair.assign(size * size, -1);
    for (int a = 0; a < size; ++a)
      for (int b = a + 1; b < size; ++b) {
        const int i = group.rows[a], j = group.rows[b];
        group.pair[a * size + b] = static_cast<int>(undecided.size());
        undecided.push_back(first + i * n - i * (i + 1) / 2 + (j - i - 1));
      }
    f.groups.push_back(std::move(group));
  }
}

template <int D, int W, bool Inf>
typename Search<D, W, Inf>::Known Search<D, W, Inf>::learn(const C& cell, const Known& before, int words) {
  Known now{arena_.take<std::uint64_t>(words), arena_.take<std::uint64_t>(words)};
  summarize(cell, words, now.positive, now.open);
  for (int w = 0; w < words; ++w) {
    const std::uint64_t p = now.positive[w], n = now.open[w];
    now.open[w] = before.open[w] & p & n;
    now.positive[w] = before.positive[w] | (before.open[w] & p & ~n);
  }
  return now;
}

template <int D, int W, bool Inf>
void Search<D, W, Inf>::node(int s, const C& cell, Known before, int depth) {
  if (stopped()) return;
  if (!inside_ && depth >= share_depth_) {
    if (!take()) return;
    inside_ = true;
    node(s, cell, before, depth);
    inside_ = false;
    return;
  }
  Frame& f = frames_[s];
  const auto mark = arena_.mark();
  const std::size_t pool = pool_.size();
  const Known known = learn(cell, before, f.words);
  int c = -1;
  for (int w = 0; w < f.words && c < 0; ++w)
    if (known.open[w]) c = 64 * w + std::countr_zero(known.open[w]);
  if (c < 0) {
    for (int u : f.split_units) f.piece[u] = f.stable_piece[u];
    for (int k = 0; k < f.count; ++k)
      f.piece[model_.stages[s].cuts[f.cut[k]].unit] += known.positive[k / 64] >> (k % 64) & 1;
    leaf(s, cell, depth);
  } else {
    if (!inside_) note(static_cast<std::uint64_t>(c) << 32 | static_cast<std::uint64_t>(depth));
    const Block b = block(s);
    auto* wanted = arena_.take<std::uint64_t>(f.words);
    for (int w = 0; w < f.words; ++w) wanted[w] = known.open[w];
    wanted[c / 64] &= ~(std::uint64_t{1} << (c % 64));
    split_ = next_split();
    const Crossing x = cross(cell, b, c, wanted);
    int first = -1, last = 1;
    if (shared_.target) {
      const Cut& cut = f.stage->cuts[f.cut[c]];
      first = last = f.stage->units && shared_.target[s][cut.unit] > cut.level ? 1 : -1;
    }
    const auto inner = arena_.mark();
    const std::size_t inner_pool = pool_.size();
    for (int side = first; side <= last; side += 2) {
      node(s, child(cell, b, x, c, side), known, depth + 1);
      arena_.release(inner);
      pool_.resize(std::min(inner_pool, pool_.size()));
    }
    if (depth == progress_depth_ && inside_) finish(depth);
  }
  arena_.release(mark);
  pool_.resize(std::min(pool, pool_.size()));
}

// Max groups one after another: for every row that can win, the part of the cell where it does.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::max_node(int s, const C& cell, Known before, std::size_t group, int depth) {
  if (stopped()) return;
  if (!inside_ && depth >= share_depth_) {
    if (!take()) return;
    inside_ = true;
    max_node(s, cell, before, group, depth);
    inside_ = false;
    return;
  }
  Frame& f = frames_[s];
  if (group == f.groups.size()) {
    leaf(s, cell, depth);
    return;
  }
  const auto mark = arena_.mark();
  const std::size_t pool = pool_.size();
  const Known known = learn(cell, before, f.words);
  const std::size_t size = f.groups[group].rows.size();
  const std::uint64_t split = next_split();
  for (std::size_t a = 0; a < size; ++a) {
    const int unit = f.groups[group].unit, row = f.groups[group].rows[a];
    if (shared_.target && shared_.target[s][unit] != row) continue;
    win(s, cell, known, group, a, 0, split, depth);
  }
  if (depth == progress_depth_ && inside_) finish(depth);
  arena_.release(mark);
  pool_.resize(std::min(pool, pool_.size()));
}

// The part of the cell where row `a` of a group beats the rows from `against` on.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::win(int s, const C& cell, Known known, std::size_t group, std::size_t a, std::size_t against,
                            std::uint64_t split, int depth) {
  Frame& f = frames_[s];
  const Frame::Group& g = f.groups[group];
  const std::size_t size = g.rows.size();
  for (std::size_t b = against; b < size; ++b) {
    if (b == a) continue;
    const int c = a < b ? g.pair[a * size + b] : g.pair[b * size + a];
    const std::uint64_t bit = std::uint64_t{1} << (c % 64);
    if (!(known.open[c / 64] & bit)) {
      const bool first_wins = known.positive[c / 64] & bit;
      if (first_wins != (a < b)) return;
      continue;
    }
    const auto mark = arena_.mark();
    const std::size_t pool = pool_.size();
    auto* wanted = arena_.take<std::uint64_t>(f.words);
    for (int w = 0; w < f.words; ++w) wanted[w] = known.open[w];
    wanted[c / 64] &= ~bit;
    if (!inside_) note(static_cast<std::uint64_t>(c) << 32 | static_cast<std::uint64_t>(depth));
    const Block all = block(s);
    split_ = split;
    const Crossing x = cross(cell, all, c, wanted);
    const C part = child(cell, all, x, c, a < b ? 1 : -1);
    win(s, part, learn(part, known, f.words), group, a, b + 1, split, depth + 1);
    arena_.release(mark);
    pool_.resize(std::min(pool, pool_.size()));
    return;
  }
  f.piece[g.unit] = g.rows[a];
  max_node(s, cell, known, group + 1, depth);
}

template <int D, int W, bool Inf>
void Search<D, W, Inf>::leaf(int s, const C& cell, int depth) {
  Frame& f = frames_[s];
  if (shared_.target)
    for (int u = 0; u < f.stage->units; ++u)
      if (f.piece[u] != shared_.target[s][u]) return;
  if (s == last_) {
    emit(cell, depth);
    return;
  }
  compose(s);
  enter(s + 1, cell, depth);
}

}  // namespace linregions
