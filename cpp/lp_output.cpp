// What surrounds the tree of lp_search.cpp: the domain, the composition of stages, what a region leaves behind.
#include "lp_search.hpp"

namespace linregions {

void LpSearch::build_domain_rows() {
  const int dim = geometry_.dim;
  const std::size_t n = (domain_.rows.size() + 7) / 8 * 8;
  domain_stride_ = n;
  domain_z_.assign((dim + 3) * n, 0.0);
  domain_filter_.assign(3 * n, 0.0);
  for (std::size_t i = 0; i < domain_.rows.size(); ++i) {
    long top = std::numeric_limits<long>::min(), e;
    for (const Int& v : domain_.rows[i])
      if (v.approximate(e) != 0.0) top = std::max(top, e);
    double size = 0;
    for (int k = 0; k <= dim; ++k) {
      const double m = domain_.rows[i][k].approximate(e);
      const double value = m == 0.0 ? 0.0 : clamp_ldexp(m, e - top);
      domain_z_[k * n + i] = value;
      if (k < dim) size = std::fmax(size, std::fabs(value));
    }
    domain_z_[(dim + 1) * n + i] = 8 * kUnit * size + 1e-300;
    domain_z_[(dim + 2) * n + i] = 8 * kUnit * std::fabs(domain_z_[dim * n + i]) + 1e-300;
  }
  if (n)
    kernels().finalize(static_cast<int>(n), dim, (dim + 4) * kUnit * 1.01, domain_z_.data(), n, domain_filter_.data());
}

// The domain's half-spaces that say something; false where one of them holds nowhere.
bool LpSearch::push_domain() {
  const int dim = geometry_.dim;
  rows_.release(0);
  if (geometry_.cone) rows_.push_infinity();
  for (std::size_t i = 0; i < domain_.rows.size(); ++i) {
    const IntRow& row = domain_.rows[i];
    bool constant = true;
    for (int k = 0; k < dim; ++k) constant = constant && row[k].is_zero();
    if (constant && row[dim].sign() < 0) return false;
    if (constant) continue;
    rows_.push(facet_id(0, static_cast<std::uint32_t>(i)), 1, domain_z_.data(), domain_filter_.data(), domain_stride_, i,
               row[dim].is_zero());
  }
  return true;
}

DomainState LpSearch::check_domain() {
  if (geometry_.size <= 0 || !push_domain()) return DomainState::empty;
  if (rows_.count() == 0) return DomainState::ready;
  if (prover_.decide_exactly({}, nullptr, nullptr) != Prover::Verdict::empty) return DomainState::ready;
  return prover_.closed_has_point() ? DomainState::flat : DomainState::empty;
}

LpSearch::Cell LpSearch::root_cell() {
  push_domain();
  Cell cell;
  if (rows_.count() == 0) {
    std::copy(geometry_.centre.begin(), geometry_.centre.end(), fresh_.begin());
    ids_.push_back(add_point(-1, fresh_.data()));
    cell.count = 1;
    return cell;
  }
  Dictionary& d = slot(0);
  d.clear(geometry_.size);
  for (int i = 0; i < rows_.count(); ++i) d.add_row(rows_.scaled(i), rows_.scaled_offset(i));
  const auto verdict = decide(d, fresh_.data());
  if (d.sound()) cell.base = &d;
  if (verdict == Prover::Verdict::point) {
    ids_.push_back(add_point(-1, fresh_.data()));
    cell.count = 1;
  }
  return cell;
}

void LpSearch::compose_root() {
  const Stage& st = model_.stages[0];
  Frame& f = frames_[0];
  const int dim = geometry_.dim;
  start_rows(st, dim, f.z.data());
  const auto& rows = domain_.embedding;
  if (rows.empty()) {  // the stage's own weights
    const std::size_t p = st.padded;
    for (int j = 0; j < st.inputs; ++j) {
      double* z = f.z.data() + j * p;
      if (st.dense) {
        std::copy_n(st.columns.data() + j * p, p, z);
      } else {
        for (int at = st.column_ptr[j]; at < st.column_ptr[j + 1]; ++at) z[st.column_row[at]] = st.column_value[at];
      }
      double* error = f.z.data() + (dim + 1) * p;
      for (std::size_t i = 0; i < p; ++i) error[i] = std::fmax(error[i], 1e-300 + st.gamma * std::fabs(z[i]));
    }
    return;
  }
  feed_.clear();
  for (int j = 0; j < st.inputs; ++j) {
    double* y = feed_.next(j, dim);
    double slope_error = 0, offset_error = 0;
    for (int k = 0; k <= dim; ++k) {
      y[k] = quotient(rows[j][k], domain_.scale);
      (k < dim ? slope_error : offset_error) += 16 * kUnit * std::fabs(y[k]) + (rows[j][k].is_zero() ? 0.0 : 1e-300);
    }
    feed_.done(y, dim, slope_error, offset_error, st.gamma);
  }
  feed_.add_to(st, dim, f.z.data());
}

// The rows of stage s + 1 on the cell whose pieces stage s has now.
void LpSearch::compose(int s) {
  const int dim = geometry_.dim;
  const Stage& next = model_.stages[s + 1];
  Frame &f = frames_[s], &g = frames_[s + 1];
  if (!f.base_ready) {
    f.base.resize(static_cast<std::size_t>(dim + 3) * next.padded);
    start_rows(next, dim, f.base.data());
    feed_.clear();
    for (int u = 0; u < f.stage->units; ++u)
      if (!f.split[u]) push_unit<0>(f, u, f.piece[u], next.gamma, feed_);
    feed_.add_to(next, dim, f.base.data());
    f.base_ready = true;
  }
  std::copy(f.base.begin(), f.base.end(), g.z.begin());
  feed_.clear();
  for (int u : f.split_units) push_unit<0>(f, u, f.piece[u], next.gamma, feed_);
  feed_.add_to(next, dim, g.z.data());
}

// The next subtree (numbered alike in all threads): whether this thread does it.
bool LpSearch::take() {
  const std::size_t id = next_claim_++;
  if (!shared_.claim(id, thread_)) return false;
  if (shared_.options.mode == Mode::list) output_ = shared_.output(id);
  return true;
}

void LpSearch::flush() {
  if (found_) {
    const auto total = shared_.regions.fetch_add(found_, std::memory_order_relaxed) + found_;
    found_ = 0;
    if (shared_.options.max_regions && total >= shared_.options.max_regions) {
      int none = 0;
      shared_.stop.compare_exchange_strong(none, 2);
    }
  }
  shared_.exact_decisions += prover_.exact_decisions;
  shared_.doubtful += prover_.doubtful;
  prover_.exact_decisions = prover_.doubtful = 0;
}

void LpSearch::done(double share) {
  shared_.progress += static_cast<std::uint64_t>(share * 0x1p40);
  flush();
}

void LpSearch::emit(const Cell& cell, double share) {
  if (shape_) {
    IntRow point;
    if (rows_.count() == 0) {
      std::copy(geometry_.centre.begin(), geometry_.centre.end(), fresh_.begin());
      long shift = 0;
      for (double v : fresh_) shift = std::max(shift, fraction_bits(v));
      for (double v : fresh_) point.push_back(Int::from_double(v, shift));
      point.push_back(1);
      point.back().shift_left(shift);
    } else if (prover_.decide_exactly({}, nullptr, &point) == Prover::Verdict::empty) {
      return;
    }
    shape_->found = true;
    shape_->dim = geometry_.dim;
    shape_->exact = {point};
    return;
  }
  const bool outer = inside_;
  if (!outer && !take()) return;
  inside_ = true;
  if (shared_.options.mode == Mode::list) {
    Output& out = *output_;
    const std::size_t at = out.patterns.size();
    out.patterns.resize(at + model_.pattern_bytes, 0);
    std::uint8_t* packed = out.patterns.data() + at;
    for (int s = 0; s <= last_; ++s)
      for (int u = 0; u < model_.stages[s].units; ++u) {
        unsigned piece = static_cast<unsigned>(frames_[s].piece[u]);
        for (int bit = model_.stages[s].field_shift[u]; piece; ++bit, piece >>= 1)
          packed[bit / 8] |= static_cast<std::uint8_t>((piece & 1) << (bit % 8));
      }
    const double* chosen = nullptr;
    for (std::size_t i = 0; i < cell.count && !chosen; ++i) {
      chosen = x(ids_[cell.begin + i]);
      for (int k = 0; k < geometry_.dim && chosen && !geometry_.cone; ++k)
        if (!(chosen[k] > geometry_.lower[k] && chosen[k] < geometry_.upper[k])) chosen = nullptr;
    }
    out.witness_ok.push_back(chosen != nullptr);
    for (int k = 0; k < geometry_.dim; ++k) out.witnesses.push_back(chosen ? chosen[k] : 0.0);
    ++out.regions;
  }
  ++found_;
  if (splits_ < kShareLevel) done(share);
  if (found_ >= 1024 || shared_.options.max_regions) flush();
  inside_ = outer;
}

}  // namespace linregions
