// Which sides of a cut a cell reaches: by its known points, by a ray from one of them, by a linear program.
#include "lp_search.hpp"

namespace linregions {

int LpSearch::sign_of(int s, int c, std::size_t point) const {
  const int words = frames_[s].words;
  const std::uint64_t* p = state_[s].signs.data() + 2 * words * point;
  return static_cast<int>(p[c / 64] >> (c % 64) & 1) - static_cast<int>(p[words + c / 64] >> (c % 64) & 1);
}

// Certified signs of a point at all compact cuts of the stage.
void LpSearch::evaluate(int s, std::size_t point) {
  const Frame& f = frames_[s];
  auto& signs = state_[s].signs;
  const std::size_t at = 2 * static_cast<std::size_t>(f.words) * point;
  if (signs.size() < at + 2 * f.words) signs.resize(2 * (at + 2 * f.words));
  double top = 0;
  for (int k = 0; k < geometry_.dim; ++k) top = std::fmax(top, std::fabs(x(point)[k]));
  const int count = f.count ? f.padded : 0;
  for (int w = 0; w < 2 * f.words; ++w) signs[at + w] = 0;
  if (count)
    kernels().signs(count, geometry_.dim, f.cut_z.data(), f.cut_filter.data(), f.padded, x(point), top, 0.0, true,
                    signs.data() + at, signs.data() + at + f.words);
}

std::size_t LpSearch::add_point(int s, const double* at) {
  const std::size_t id = points_++;
  if (xs_.size() < points_ * geometry_.dim) {
    xs_.resize(2 * points_ * geometry_.dim);
    us_.resize(2 * points_ * geometry_.size);
  }
  std::copy_n(at, geometry_.dim, xs_.data() + id * geometry_.dim);
  geometry_.coordinates(at, us_.data() + id * geometry_.size);
  if (s >= 0) evaluate(s, id);
  return id;
}

void LpSearch::push_cut(int s, int c, int side) {
  const Frame& f = frames_[s];
  const int cut = f.cut[c];
  rows_.push(facet_id(s + 1, cut), side, f.cuts_z(), f.cuts_filter(), f.all_padded, cut, homogeneous_[s]);
}

// The cell's dictionary with all of its rows.
const Dictionary& LpSearch::complete(Cell& cell, int level) {
  if (cell.base && cell.base->rows() == rows_.count()) return *cell.base;
  Dictionary& own = slot(3 * level);
  if (cell.base)
    own.copy(*cell.base);
  else
    own.clear(geometry_.size);
  for (int i = own.rows(); i < rows_.count(); ++i) own.add_row(rows_.scaled(i), rows_.scaled_offset(i));
  cell.base = &own;
  return own;
}

// Decisions near the root are taken by every thread and counted once.
Prover::Verdict LpSearch::decide(Dictionary& d, double* x) {
  const auto exact = prover_.exact_decisions, doubtful = prover_.doubtful;
  const auto verdict = prover_.decide(d, shared_.options.exact, x);
  if (!inside_ && thread_ != 0) {
    prover_.exact_decisions = exact;
    prover_.doubtful = doubtful;
  }
  return verdict;
}

// From the nearest known point across the cut, along its normal in steps that each wall of the box shortens: if that leaves
// the cell no earlier, a point between the cut and the next wall is on the other side.
bool LpSearch::shoot(int s, int c, int side, Cell& cell) {
  push_cut(s, c, side);
  const int target = rows_.count() - 1;
  const double* g = rows_.scaled(target);
  const int size = geometry_.size;
  double nearest = -std::numeric_limits<double>::infinity();
  std::size_t from = 0;
  for (std::size_t i = 0; i < cell.count; ++i) {
    const double* p = u(ids_[cell.begin + i]);
    double v = rows_.scaled_offset(target);
    for (int k = 0; k < size; ++k) v += g[k] * p[k];
    if (v > nearest) {
      nearest = v;
      from = ids_[cell.begin + i];
    }
  }
  const double* p = u(from);
  double rate = 0, top = 0;
  for (int k = 0; k < size; ++k) {
    direction_[k] = g[k] * (1 - (g[k] > 0 ? p[k] : -p[k]));
    rate += g[k] * direction_[k];
    top = std::fmax(top, std::fabs(g[k]));
  }
  const double crossing = -nearest / rate;
  double end = 1 / top;
  for (int i = 0; i < target && crossing < end; ++i) {
    const double* row = rows_.scaled(i);
    double v = rows_.scaled_offset(i), slope = 0;
    for (int k = 0; k < size; ++k) {
      v += row[k] * p[k];
      slope += row[k] * direction_[k];
    }
    if (slope < 0) end = std::fmin(end, v / -slope);
  }
  bool found = false;
  if (crossing < end && crossing >= 0) {
    const double step = crossing + (end - crossing) / 2;
    for (int k = 0; k < size; ++k) middle_[k] = p[k] + step * direction_[k];
    found = geometry_.point(middle_.data(), fresh_.data()) && prover_.inside(fresh_.data(), false);
  }
  rows_.release(target);
  return found;
}

// Whether the part of the cell on this side of the cut has full dimension; a point of it joins the cell's.
bool LpSearch::test_side(int s, int c, int side, Cell& cell, int level) {
  if (cell.count > 0 && shoot(s, c, side, cell)) {
    ids_.push_back(add_point(s, fresh_.data()));
    ++cell.count;
    return true;
  }
  const int way = side > 0;
  Dictionary& d = slot(3 * level + 1 + way);
  d.copy(complete(cell, level));
  push_cut(s, c, side);
  const int last = rows_.count() - 1;
  d.add_row(rows_.scaled(last), rows_.scaled_offset(last));
  const auto verdict = decide(d, fresh_.data());
  rows_.release(last);
  if (verdict == Prover::Verdict::empty) return false;
  if (d.sound()) cell.child[way] = &d;
  if (verdict == Prover::Verdict::point) {
    ids_.push_back(add_point(s, fresh_.data()));
    ++cell.count;
  }
  return true;
}

// kNegative | kPositive.  The cut is no constant zero, so one empty side leaves the other.
int LpSearch::sides(int s, int c, Cell& cell, int level) {
  cell.child[0] = cell.child[1] = nullptr;
  int seen = 0;
  for (std::size_t i = 0; i < cell.count && seen != 3; ++i) {
    const int sign = sign_of(s, c, ids_[cell.begin + i]);
    seen |= sign > 0 ? kPositive : sign < 0 ? kNegative : 0;
  }
  if (seen == 3) return 3;
  if (!(seen & kNegative)) {
    if (!test_side(s, c, -1, cell, level)) return kPositive;
    seen |= kNegative;
  }
  if (!(seen & kPositive)) {
    if (!test_side(s, c, 1, cell, level)) return kNegative;
    seen |= kPositive;
  }
  return seen;
}

}  // namespace linregions
