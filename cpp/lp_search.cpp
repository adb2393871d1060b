#include "lp_search.hpp"

namespace linregions {

namespace {

// Whether the rows of each stage are sums of inputs without any constant, all their breakpoints at zero.
std::vector<char> find_homogeneous(const Model& model, const Domain& domain) {
  std::vector<char> out;
  bool still = domain.embedding.empty();
  for (const Stage& s : model.stages) {
    for (double b : s.raw_bias) still = still && b == 0.0;
    out.push_back(still);
    for (const Function& f : s.functions)
      for (double t : f.breakpoints) out.back() = out.back() && t == 0.0;
    for (const auto& f : s.intercepts_int)
      for (const Int& v : f) still = still && v.is_zero();
  }
  return out;
}

}  // namespace

LpSearch::LpSearch(Shared& shared, int thread)
    : shared_(shared),
      model_(shared.model),
      domain_(shared.domain),
      thread_(thread),
      last_(static_cast<int>(shared.model.stages.size()) - 1),
      frames_(shared.model.stages.size()),
      exact_(shared.model, shared.domain, frames_),
      prover_(geometry_, rows_, frames_, exact_, &shared.stop),
      homogeneous_(find_homogeneous(shared.model, shared.domain)),
      state_(shared.model.stages.size()) {
  geometry_.init(domain_);
  rows_.init(geometry_);
  prover_.init();
  for (std::size_t s = 0; s < frames_.size(); ++s) frames_[s].init(model_.stages[s], geometry_.dim);
  fresh_.resize(geometry_.dim);
  direction_.resize(geometry_.size);
  middle_.resize(geometry_.size);
  build_domain_rows();
}

void LpSearch::run() {
  inside_ = shared_.options.threads <= 1;
  if (inside_ && shared_.options.mode == Mode::list) output_ = shared_.output(0);
  try {
    Cell cell = root_cell();
    if (last_ < 0) {
      emit(cell, 1.0);
    } else {
      compose_root();
      enter(0, cell, 1, 1.0);
    }
  } catch (const LpStopped&) {  // what was counted before stands
  }
  flush();
}

void LpSearch::replay(RegionShape& shape) {
  shape_ = &shape;
  inside_ = true;
  Cell cell;
  push_domain();
  if (last_ < 0) {
    emit(cell, 1.0);
  } else {
    compose_root();
    enter(0, cell, 1, 1.0);
  }
}

// Stage s on a cell, its rows composed: settle what can be, keep the cuts that split the cell.
void LpSearch::enter(int s, Cell& cell, int level, double share) {
  Frame& f = frames_[s];
  const Stage& st = *f.stage;
  if (++f.stamp == 0) {
    std::fill(f.row_stamp.begin(), f.row_stamp.end(), 0);
    std::fill(f.cut_stamp.begin(), f.cut_stamp.end(), 0);
    f.stamp = 1;
  }
  f.base_ready = false;
  for (int u : f.split_units) f.split[u] = 0;
  f.split_units.clear();
  f.groups.clear();
  if (st.cuts.empty()) {
    leaf(s, cell, level, share);
    return;
  }
  f.finish();
  settle_cuts(s);
  for (std::size_t i = 0; i < cell.count; ++i) evaluate(s, ids_[cell.begin + i]);
  if (st.max) {
    for (const auto& g : f.groups) {
      f.split_units.push_back(g.unit);
      f.split[g.unit] = 1;
    }
    max_node(s, 0, cell, level + 1, share);
    return;
  }
  prefilter(s, cell, level);
  node(s, 0, cell, level + 1, share);
}

// Decide cuts by their range on the box, and those that are constant zero in integers; the others become the compact cuts.
void LpSearch::settle_cuts(int s) {
  Frame& f = frames_[s];
  const Stage& st = *f.stage;
  const std::size_t n = f.all_padded;
  const double *z = f.cuts_z(), *filter = f.cuts_filter();
  const int dim = geometry_.dim;
  std::vector<double> value(z + dim * n, z + (dim + 1) * n), spread(n, 0.0);
  if (!geometry_.cone)
    for (int k = 0; k < dim; ++k) {
      const double c = geometry_.centre[k], h = geometry_.half[k];
      const double* column = z + k * n;
      for (std::size_t i = 0; i < n; ++i) {
        value[i] += column[i] * c;
        spread[i] += std::fabs(column[i]) * h;
      }
    }
  f.cut.clear();
  auto& known = state_[s].known;
  known.assign(st.cuts.size(), 0);
  for (std::size_t c = 0; c < st.cuts.size(); ++c) {
    const double error = 2 * (filter[n + c] * geometry_.reach + filter[2 * n + c]) * (1 + 1e-9) + 1e-300;
    if (!geometry_.cone && value[c] - spread[c] * (1 + 1e-9) > error) {
      known[c] = 1;
    } else if (!geometry_.cone && -value[c] - spread[c] * (1 + 1e-9) > error) {
      known[c] = -1;
    } else if (filter[c] <= 4 * dim * z[(dim + 1) * n + c]) {
      // The slopes may all be zero: then the row is a constant, which a linear program says little about.
      const IntRow& row = exact_.cut_row(s, static_cast<int>(c));
      bool constant = true;
      for (int k = 0; k < dim; ++k) constant = constant && row[k].is_zero();
      if (constant) known[c] = static_cast<std::int8_t>(row[dim].sign() == 0 ? 2 : row[dim].sign());
    }
  }
  if (st.max) {
    build_groups(s);
  } else {
    for (int u = 0; u < st.units; ++u) {
      int stable = 0;
      for (int c = st.cut_begin[u]; c < st.cut_begin[u + 1]; ++c) {
        if (known[c] == 0) f.cut.push_back(c);
        stable += known[c] == 1;
      }
      f.piece[u] = f.stable_piece[u] = stable;
    }
  }
  f.compact();
}

// In every max group keep the rows that can win on the cell; of equal rows the first one wins.
void LpSearch::build_groups(int s) {
  Frame& f = frames_[s];
  const Stage& st = *f.stage;
  const auto& known = state_[s].known;
  std::vector<char> alive;
  for (int u = 0; u < st.units; ++u) {
    const int n = st.pieces[u], first = st.cut_begin[u];
    alive.assign(n, 1);
    int c = first;
    for (int i = 0; i < n; ++i)
      for (int j = i + 1; j < n; ++j, ++c)
        if (known[c] != 0) alive[known[c] == -1 ? i : j] = 0;
    Frame::Group group{u, {}, {}};
    for (int i = 0; i < n; ++i)
      if (alive[i]) group.rows.push_back(i);
    f.piece[u] = f.stable_piece[u] = group.rows[0];
    if (group.rows.size() < 2) continue;
    const int size = static_cast<int>(group.rows.size());
    group.pair.assign(size * size, -1);
    for (int a = 0; a < size; ++a)
      for (int b = a + 1; b < size; ++b) {
        const int i = group.rows[a], j = group.rows[b];
        group.pair[a * size + b] = static_cast<int>(f.cut.size());
        f.cut.push_back(first + i * n - i * (i + 1) / 2 + (j - i - 1));
      }
    f.groups.push_back(std::move(group));
  }
}

// Cuts that do not split the entered cell are settled once, not in every part of it.
void LpSearch::prefilter(int s, Cell& cell, int level) {
  Frame& f = frames_[s];
  StageState& state = state_[s];
  state.order.clear();
  state.positive.assign(f.count, 0);
  for (int c = 0; c < f.count && !stopped(); ++c) {
    const int both = shape_ ? 3 : sides(s, c, cell, level);
    const int unit = f.stage->cuts[f.cut[c]].unit;
    if (both == 3) {
      state.order.push_back(c);
      if (!f.split[unit]) f.split_units.push_back(unit);
      f.split[unit] = 1;
    } else if (both == kPositive) {
      f.piece[unit] = ++f.stable_piece[unit];
    }
  }
  cell.child[0] = cell.child[1] = nullptr;
}

void LpSearch::node(int s, std::size_t at, Cell& cell, int level, double share) {
  if (stopped()) return;
  const StageState& state = state_[s];
  if (!inside_ && splits_ >= kShareLevel) {
    if (!take()) return;
    inside_ = true;
    node(s, at, cell, level, share);
    inside_ = false;
    return;
  }
  for (; at < state.order.size(); ++at) {
    const int c = state.order[at];
    if (shape_) {
      const Cut& cut = frames_[s].stage->cuts[frames_[s].cut[c]];
      const int side = shared_.target[s][cut.unit] > cut.level ? 1 : -1;
      state_[s].positive[c] = side > 0;
      push_cut(s, c, side);
      continue;
    }
    const int both = sides(s, c, cell, level);
    if (both == 3) {
      split(s, at, cell, level, share);
      return;
    }
    state_[s].positive[c] = both == kPositive;
    if (stopped()) return;
  }
  Frame& f = frames_[s];
  for (int u : f.split_units) f.piece[u] = f.stable_piece[u];
  for (const int c : state.order) f.piece[f.stage->cuts[f.cut[c]].unit] += state.positive[c];
  leaf(s, cell, level, share);
}

void LpSearch::split(int s, std::size_t at, Cell& cell, int level, double share) {
  const int c = state_[s].order[at];
  const int rows = rows_.count();
  const std::size_t points = points_, ids = ids_.size();
  for (int way = 0; way < 2; ++way) {
    Cell part;
    part.begin = ids_.size();
    for (std::size_t i = 0; i < cell.count; ++i) {
      const std::size_t id = ids_[cell.begin + i];
      if (sign_of(s, c, id) == (way ? 1 : -1)) ids_.push_back(id);
    }
    part.count = ids_.size() - part.begin;
    part.base = cell.child[way] ? cell.child[way] : cell.base;
    push_cut(s, c, way ? 1 : -1);
    state_[s].positive[c] = static_cast<std::int8_t>(way);
    ++splits_;
    node(s, at + 1, part, level + 1, share / 2);
    --splits_;
    rows_.release(rows);
    ids_.resize(ids);
    points_ = points;
  }
  if (splits_ == kShareLevel && inside_) done(share);
}

// Max groups one after another: for every row that can win, the part of the cell where it does.
void LpSearch::max_node(int s, std::size_t group, Cell& cell, int level, double share) {
  if (stopped()) return;
  Frame& f = frames_[s];
  if (group == f.groups.size()) {
    leaf(s, cell, level, share);
    return;
  }
  if (!inside_ && splits_ >= kShareLevel) {
    if (!take()) return;
    inside_ = true;
    max_node(s, group, cell, level, share);
    inside_ = false;
    return;
  }
  const std::size_t size = f.groups[group].rows.size();
  for (std::size_t a = 0; a < size; ++a) {
    if (shape_ && shared_.target[s][f.groups[group].unit] != f.groups[group].rows[a]) continue;
    win(s, group, a, cell, level, share / static_cast<double>(size));
  }
  if (splits_ == kShareLevel && inside_) done(share);
}

// The part of the cell where row `a` of a group beats all others.
void LpSearch::win(int s, std::size_t group, std::size_t a, Cell& cell, int level, double share) {
  Frame& f = frames_[s];
  const Frame::Group& g = f.groups[group];
  const std::size_t size = g.rows.size();
  const int rows = rows_.count();
  const std::size_t points = points_, ids = ids_.size();
  const auto cut = [&](std::size_t b) { return a < b ? g.pair[a * size + b] : g.pair[b * size + a]; };
  Cell part;
  part.begin = ids_.size();
  for (std::size_t i = 0; i < cell.count; ++i) {
    const std::size_t id = ids_[cell.begin + i];
    bool wins = true;
    for (std::size_t b = 0; b < size && wins; ++b) wins = b == a || sign_of(s, cut(b), id) == (a < b ? 1 : -1);
    if (wins) ids_.push_back(id);
  }
  part.count = ids_.size() - part.begin;
  bool empty = false;
  const Dictionary* base = cell.base;
  if (part.count == 0 && !shape_) {
    Dictionary& d = slot(3 * level + 1);
    d.copy(complete(cell, level));
    base = cell.base;
    for (std::size_t b = 0; b < size; ++b)
      if (b != a) push_cut(s, cut(b), a < b ? 1 : -1);
    for (int i = rows; i < rows_.count(); ++i) d.add_row(rows_.scaled(i), rows_.scaled_offset(i));
    const auto verdict = decide(d, fresh_.data());
    empty = verdict == Prover::Verdict::empty;
    if (verdict == Prover::Verdict::point) {
      ids_.push_back(add_point(s, fresh_.data()));
      part.count = 1;
    }
    if (!empty && d.sound()) base = &d;
  } else {
    for (std::size_t b = 0; b < size; ++b)
      if (b != a) push_cut(s, cut(b), a < b ? 1 : -1);
  }
  if (!empty) {
    part.base = base;
    f.piece[g.unit] = g.rows[a];
    ++splits_;
    max_node(s, group + 1, part, level + 1, share);
    --splits_;
  }
  rows_.release(rows);
  ids_.resize(ids);
  points_ = points;
}

void LpSearch::leaf(int s, Cell& cell, int level, double share) {
  Frame& f = frames_[s];
  if (shape_)
    for (int u = 0; u < f.stage->units; ++u)
      if (f.piece[u] != shared_.target[s][u]) return;
  if (s == last_) {
    emit(cell, share);
    return;
  }
  compose(s);
  enter(s + 1, cell, level + 1, share);
}

}  // namespace linregions
