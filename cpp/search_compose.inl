// The rows of a stage on a cell, from the rows and the pieces of the stage before.
#pragma once

namespace linregions {

template <int D, int W, bool Inf>
void Search<D, W, Inf>::compose_root() {
  const Stage& st = model_.stages[0];
  Frame& f = frames_[0];
  start_rows(st, dim(), f.z.data());
  feed_.clear();
  const auto& rows = shared_.domain.embedding;
  for (int j = 0; j < st.inputs; ++j) {
    double* y = feed_.next(j, dim());
    double slope_error = 0, offset_error = 0;
    for (int k = 0; k <= dim(); ++k) {
      y[k] = rows.empty() ? (k == j ? 1.0 : 0.0) : quotient(rows[j][k], shared_.domain.scale);
      if (rows.empty()) continue;
      (k < dim() ? slope_error : offset_error) += 16 * kUnit * std::fabs(y[k]) + (rows[j][k].is_zero() ? 0.0 : 1e-300);
    }
    feed_.done(y, dim(), slope_error, offset_error, st.gamma);
  }
  feed_.add_to(st, dim(), f.z.data());
}

// Unit u of stage s after its activation, where something is left of it, into the feed for the next stage.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::push(int s, int u) {
  const Frame& f = frames_[s];
  const double gamma = model_.stages[s + 1].gamma;
  if (!f.stage->plain)
    push_unit<D>(f, u, f.piece[u], gamma, feed_);
  else if (f.piece[u])
    push_row<D>(f, u, gamma, feed_);
}

// The rows of stage s + 1, from the pieces of stage s: those of its units that do not split the cell are added once.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::compose(int s) {
  Frame &f = frames_[s], &g = frames_[s + 1];
  if (g.kept.on) return renew(s);
  const Stage& next = *g.stage;
  if (!f.base_ready) {
    f.base.resize(std::size_t(dim() + 3) * next.padded);
    start_rows(next, dim(), f.base.data());
    feed_.clear();
    const bool any = !f.split_units.empty();
    for (int u = 0; u < f.stage->units; ++u)
      if (!any || !f.split[u]) push(s, u);
    feed_.add_to(next, dim(), f.base.data());
    f.base_ready = true;
  }
  std::memcpy(g.z.data(), f.base.data(), sizeof(double) * f.base.size());
  feed_.clear();
  for (int u : f.split_units) push(s, u);
  feed_.add_to(next, dim(), g.z.data());
  std::fill(g.renewed.begin(), g.renewed.end(), 1);
}

// The same where the rows of stage s + 1 are kept: only those with an input that is not what it was last.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::renew(int s) {
  Frame &f = frames_[s], &g = frames_[s + 1];
  const Stage& st = *f.stage;
  Kept& kept = g.kept;
  const auto look = [&](int u) {
    const int piece = f.piece[u];
    const int last = kept.piece[u];
    if (last == piece && !f.renewed[st.max ? st.offsets[u] + piece : u]) return;
    kept.piece[u] = piece;
    if (last >= 0 && f.drops(u, last) && f.drops(u, piece)) return;
    feed_.clear();
    push(s, u);
    kept.put(*g.stage, u, feed_.count ? feed_.numbers.data() : nullptr);
  };
  if (f.base_ready) {
    for (int u : f.split_units) look(u);
  } else {
    for (int u = 0; u < st.units; ++u) look(u);
    std::fill(f.renewed.begin(), f.renewed.end(), 0);
    f.base_ready = true;
  }
  for (const int i : kept.rows) g.forget_zeros(i);
  kept.make(*g.stage, g.z.data(), g.renewed.data());
}

}  // namespace linregions
