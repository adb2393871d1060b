#include "lp_prove.hpp"

namespace linregions {

namespace {
constexpr double kUp = 1 + 1e-9;
// Below this the optimum of the float program may be zero or negative.
constexpr double kSmall = 1e-7;
}  // namespace

void Prover::init() {
  const Geometry& g = geometry_;
  u_.resize(g.size);
  sums_.resize(g.size);
  if (g.cone) return;
  for (int k = 0; k < g.dim; ++k)
    shift_ = std::max({shift_, fraction_bits(g.lower[k]), fraction_bits(g.upper[k])});
  for (int k = 0; k < g.dim; ++k) {
    lower_.push_back(Int::from_double(g.lower[k], shift_));
    width_.push_back(Int::from_double(g.upper[k], shift_) - lower_.back());
  }
}

// What the solved program shows for certain, if anything.
bool Prover::proved(const Dictionary& d, double* x, Verdict& verdict) {
  if (d.value() > 0 && pulled_point(d, x) && inside(x, false)) {
    verdict = Verdict::point;
    return true;
  }
  verdict = Verdict::empty;
  return d.value() < kSmall && ((!geometry_.cone && supremum_is_negative(d)) || rows_cancel(d) || units_cancel(d));
}

Prover::Verdict Prover::decide(Dictionary& d, bool exact, double* x) {
  constexpr double kBelow = -1e-12, kNone = -std::numeric_limits<double>::infinity();
  Verdict verdict;
  if (d.solve(kBelow) == Dictionary::Status::below) {
    if (!geometry_.cone && supremum_is_negative(d)) return Verdict::empty;
    d.solve(kNone);
  }
  if (d.sound() && proved(d, x, verdict)) return verdict;
  // A long chain of exchanges may have lost too many digits.
  d.clear(geometry_.size);
  for (int i = 0; i < rows_.count(); ++i) d.add_row(rows_.scaled(i), rows_.scaled_offset(i));
  d.solve(kNone);
  if (d.sound() && proved(d, x, verdict)) return verdict;
  const bool inner = d.sound() && d.value() > 0;
  if (!exact) {
    ++doubtful;
    return inner ? Verdict::thin : Verdict::empty;
  }
  if (inner && pulled_point(d, x) && inside(x, true)) return Verdict::point;
  std::vector<int> active;
  for (int i = 0; d.sound() && i < rows_.count(); ++i)
    if (d.multiplier(i) > 1e-9) active.push_back(i);
  return decide_exactly(std::move(active), x, nullptr);
}

// The optimum of the program, halfway back to the middle of the box where the rows allow it.
bool Prover::pulled_point(const Dictionary& d, double* x) {
  d.point(u_.data());
  if (!geometry_.cone) {
    double pull = 1;
    for (int i = 0; i < rows_.count(); ++i) {
      const double* g = rows_.scaled(i);
      double v = 0;
      for (int k = 0; k < geometry_.size; ++k) v += g[k] * u_[k];
      if (v > 0) pull = std::fmin(pull, std::fmax(0.0, (v + rows_.scaled_offset(i)) / v));
    }
    for (double& v : u_) v *= 1 - pull / 2;
  } else if (!(u_[geometry_.dim] > 0)) {
    return false;
  }
  return geometry_.point(u_.data(), x);
}

bool Prover::inside(const double* x, bool exact) {
  double top = 0;
  for (int k = 0; k < geometry_.dim; ++k) {
    top = std::fmax(top, std::fabs(x[k]));
    if (!geometry_.cone && !(x[k] >= geometry_.lower[k] && x[k] <= geometry_.upper[k])) return false;
  }
  if (!(top < 1e200)) return false;
  open_.clear();
  for (int i = rows_.count(); i-- > 0;) {
    const double v = rows_.sign(i) * rows_.value(i, x);
    const double error = (rows_.factor(i) * top + rows_.constant(i)) * kUp + 1e-300;
    if (v > error) continue;
    if (-v > error || !exact) return false;
    open_.push_back(i);
  }
  if (open_.empty()) return true;
  ++exact_decisions;
  for (const int i : open_)
    if (exact_sign(i, x) != rows_.sign(i)) return false;
  return true;
}

int Prover::exact_sign(int i, const double* x) {
  if (facet_level(rows_.id(i)) == kInfinityLevel) return 1;
  const IntRow& row = exact_.facet_row(rows_.id(i));
  long shift = 0;
  for (int k = 0; k < geometry_.dim; ++k) shift = std::max(shift, fraction_bits(x[k]));
  Int sum = row[geometry_.dim];
  sum.shift_left(shift);
  for (int k = 0; k < geometry_.dim; ++k) sum.add_mul_double(row[k], x[k], shift);
  return sum.sign();
}

// With multipliers y >= 0, the largest value of sum_i y_i row_i on the box is below zero: no point has all rows positive.
bool Prover::supremum_is_negative(const Dictionary& d) {
  const Geometry& g = geometry_;
  const int m = rows_.count();
  std::fill(sums_.begin(), sums_.end(), 0.0);
  double offset = 0, error = 0;
  const double rounding = (m + g.dim + 8) * kUnit * 1.01;
  for (int i = 0; i < m; ++i) {
    const double y = d.multiplier(i) / rows_.length(i);
    if (!(y > 0)) continue;
    const double* a = rows_.slopes(i);
    const double w = rows_.sign(i) * y;
    for (int k = 0; k < g.dim; ++k) sums_[k] += w * a[k];
    offset += w * a[g.dim];
    error += y * (rows_.factor(i) * g.reach + rows_.constant(i) +
                  rounding * (rows_.sum(i) * g.reach + std::fabs(a[g.dim])) + 1e-300);
  }
  for (int k = 0; k < g.dim; ++k) offset += sums_[k] * (sums_[k] > 0 ? g.upper[k] : g.lower[k]);
  return offset + error * kUp * kUp < 0;
}

// For an n x (n + 1) matrix M with columns M_i and entries off by at most `error`: y with M_0 y_0 + ... = -M_n and a
// radius around it that holds the exact solution, infinite where the matrix is too poor.  With R an approximate inverse,
// |y - exact| <= |R| |residual| / (1 - ||I - R M||).
double Prover::solve(int n, std::vector<double>& y) {
  const std::size_t width = 2 * static_cast<std::size_t>(n), columns = n + 1;
  const double none = std::numeric_limits<double>::infinity();
  y.assign(n, 0.0);
  inverse_.assign(n * width, 0.0);
  for (int k = 0; k < n; ++k) {
    for (int i = 0; i < n; ++i) inverse_[k * width + i] = matrix_[k * columns + i];
    inverse_[k * width + n + k] = 1;
  }
  for (int c = 0; c < n; ++c) {
    int pivot = c;
    for (int i = c + 1; i < n; ++i)
      if (std::fabs(inverse_[i * width + c]) > std::fabs(inverse_[pivot * width + c])) pivot = i;
    if (!(std::fabs(inverse_[pivot * width + c]) > 0)) return none;
    if (pivot != c)
      for (std::size_t k = 0; k < width; ++k) std::swap(inverse_[c * width + k], inverse_[pivot * width + k]);
    const double by = 1.0 / inverse_[c * width + c];
    for (std::size_t k = c; k < width; ++k) inverse_[c * width + k] *= by;
    for (int i = 0; i < n; ++i) {
      const double factor = inverse_[i * width + c];
      if (i == c || factor == 0.0) continue;
      for (std::size_t k = c; k < width; ++k) inverse_[i * width + k] -= factor * inverse_[c * width + k];
    }
  }
  const auto r = [&](int i, int k) { return inverse_[i * width + n + k]; };
  double norm = 0, reach = 0, residual = 0;
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < n; ++k) y[i] -= r(i, k) * matrix_[k * columns + n];
  for (int k = 0; k < n; ++k) {
    double v = matrix_[k * columns + n], size = std::fabs(v), error = error_[k * columns + n];
    for (int i = 0; i < n; ++i) {
      const double term = matrix_[k * columns + i] * y[i];
      v += term;
      size += std::fabs(term);
      error += error_[k * columns + i] * std::fabs(y[i]);
    }
    residual = std::fmax(residual, std::fabs(v) + (n + 4) * kUnit * size + error);
  }
  for (int i = 0; i < n; ++i) {
    double sum = 0, row_reach = 0;
    for (int j = 0; j < n; ++j) {
      double v = i == j ? -1.0 : 0.0, size = 1.0;
      for (int k = 0; k < n; ++k) {
        const double term = r(i, k) * matrix_[k * columns + j];
        v += term;
        size += std::fabs(term) + std::fabs(r(i, k)) * error_[k * columns + j] / kUnit;
      }
      sum += std::fabs(v) + (n + 4) * kUnit * size;
    }
    for (int k = 0; k < n; ++k) row_reach += std::fabs(r(i, k));
    norm = std::fmax(norm, sum);
    reach = std::fmax(reach, row_reach);
  }
  return norm < 0.5 ? reach * residual / (1 - norm) * kUp + 1e-300 : none;
}

// Some y > 0 has sum_i y_i row_i = 0, exactly, for as many rows as a cell needs to be bounded by them alone.
bool Prover::rows_cancel(const Dictionary& d) {
  const Geometry& g = geometry_;
  const int n = g.size;
  support_.clear();
  int last = -1;
  for (int i = 0; i < rows_.count(); ++i) {
    const double y = d.multiplier(i);
    if (!(y > 1e-10)) continue;
    if (!g.cone && !rows_.homogeneous(i)) return false;
    support_.push_back(i);
    if (last < 0 || y > d.multiplier(support_[last])) last = static_cast<int>(support_.size()) - 1;
  }
  if (static_cast<int>(support_.size()) != n + 1) return false;
  std::swap(support_[last], support_.back());
  // Column i of M is scaled row i.  Scaling the coordinates by any positive numbers changes nothing; entries are at most
  // one, so a few units of rounding bound the scaling's.
  matrix_.resize(static_cast<std::size_t>(n) * (n + 1));
  error_.resize(matrix_.size());
  for (int i = 0; i <= n; ++i) {
    const int row = support_[i];
    const double slope = rows_.slope_error(row) / rows_.length(row), offset = rows_.offset_error(row) / rows_.length(row);
    for (int k = 0; k < n; ++k) {
      matrix_[k * (n + 1) + i] = rows_.scaled(row)[k];
      const double error = !g.cone ? slope * g.half[k] : k == g.dim ? offset : slope;
      error_[k * (n + 1) + i] = (error + 4 * kUnit) * kUp;
    }
  }
  std::vector<double> y;
  const double radius = solve(n, y);
  if (!(radius < 1.0)) return false;
  return std::all_of(y.begin(), y.end(), [&](double v) { return v > radius; });
}

// A stage of ReLUs below the rows: on the cell its active units are not negative and the others are zero.  If y >= 0 makes
// all coefficients of sum_i y_i row_i in the active units, and its constant, at most zero, the rows are not all positive.
// Coefficients that have to vanish give equations for y, as many as determine it up to a factor.
bool Prover::units_cancel(const Dictionary& d) {
  int s = -1;
  support_.clear();
  for (int i = 0; i < rows_.count(); ++i) {
    const auto level = facet_level(rows_.id(i));
    if (level == kInfinityLevel || !(d.multiplier(i) > 1e-10)) continue;
    if (static_cast<int>(level) - 1 > s) support_.clear();
    s = std::max(s, static_cast<int>(level) - 1);
    if (static_cast<int>(level) - 1 == s) support_.push_back(i);
  }
  if (s < 1 || support_.empty()) return false;
  const Stage& st = *frames_[s].stage;
  const Frame& below = frames_[s - 1];
  // Then the scaled weights are the exact ones times powers of two.
  if (!st.simple || !st.dense || !below.stage->plain || !st.row_factor.empty() || st.underflow) return false;
  const int m = static_cast<int>(support_.size()), n = m - 1;
  const auto entry = [&](int j, int i) {  // coefficient j of row i times its sign; the last one is the constant
    const int unit = static_cast<int>(facet_index(rows_.id(support_[i])));
    const double v = j < st.inputs ? st.columns[static_cast<std::size_t>(j) * st.padded + unit] : st.bias[unit];
    return rows_.sign(support_[i]) * v;
  };
  for (const int row : support_) {  // a bias may have lost digits in the scaling
    const auto unit = facet_index(rows_.id(row));
    if (st.raw_bias[unit] != 0.0 && !(std::fabs(st.bias[unit]) > 1e-290)) return false;
  }
  std::vector<int> zero, open;
  for (int j = 0; j <= st.inputs; ++j) {
    if (j < st.inputs && below.piece[j] == 0) continue;
    double sum = 0, size = 0;
    bool sign = true;
    for (int i = 0; i < m; ++i) {
      const double v = entry(j, i), y = d.multiplier(support_[i]) / rows_.length(support_[i]);
      sum += v * y;
      size += std::fabs(v) * y;
      sign = sign && v <= 0;
    }
    if (sign) continue;
    (std::fabs(sum) < 1e-9 * size ? zero : open).push_back(j);
  }
  if (static_cast<int>(zero.size()) != n) return false;
  matrix_.assign(static_cast<std::size_t>(n) * m, 0.0);
  error_.assign(matrix_.size(), 0.0);
  for (int k = 0; k < n; ++k)
    for (int i = 0; i < m; ++i) matrix_[k * m + i] = entry(zero[k], i);
  std::vector<double> y;
  const double radius = n > 0 ? solve(n, y) : 0.0;
  if (!(radius < 1.0)) return false;
  if (!std::all_of(y.begin(), y.end(), [&](double v) { return v > radius; })) return false;
  y.push_back(1.0);
  for (const int j : open) {
    double sum = 0, size = 0, spread = 0;
    for (int i = 0; i < m; ++i) {
      const double v = entry(j, i);
      sum += v * y[i];
      size += std::fabs(v * y[i]);
      spread += std::fabs(v);
    }
    if (!(sum + ((m + 4) * kUnit * size + radius * spread) * kUp + 1e-300 < 0)) return false;
  }
  return true;
}

IntRow Prover::exact_row(int i) {
  const FacetId id = rows_.id(i);
  IntRow out;
  if (facet_level(id) == kInfinityLevel) {
    out.assign(geometry_.dim + 1, Int());
    out[geometry_.dim] = 1;
  } else {
    out = exact_.facet_row(id);
  }
  if (rows_.sign(i) < 0)
    for (Int& v : out) v.negate();
  return out;
}

// In the coordinates of the integer program: [0, 1] along each side of a box, [-1, 1] for a cone.
ExactProgram::Row Prover::program_row(int i) {
  IntRow row = exact_row(i);
  if (geometry_.cone) {
    row.push_back(Int());
  } else {
    Int& constant = row[geometry_.dim];
    constant.shift_left(shift_);
    for (int k = 0; k < geometry_.dim; ++k) {
      if (row[k].is_zero()) continue;
      constant.add_mul(row[k], lower_[k]);
      row[k] = row[k] * width_[k];
    }
  }
  make_primitive(row);
  return {std::move(row), true};
}

// Homogeneous coordinates [X..., w], w > 0, in the domain, of a point in those of the integer program.
IntRow Prover::domain_point(const IntRow& u) const {
  const int dim = geometry_.dim;
  if (geometry_.cone) return IntRow(u.begin(), u.begin() + dim + 1);
  IntRow out(dim + 1);
  for (int k = 0; k < dim; ++k) {
    out[k] = lower_[k] * u[dim];
    out[k].add_mul(width_[k], u[k]);
  }
  out[dim] = u[dim];
  out[dim].shift_left(shift_);
  make_primitive(out);
  return out;
}

namespace {

int sign_at(const IntRow& row, const IntRow& u) {
  Int sum;
  for (std::size_t k = 0; k < u.size(); ++k) sum.add_mul(row[k], u[k]);
  return sum.sign();
}

}  // namespace

// Few rows decide: solve with those, and take in the ones that the solution violates.
Prover::Verdict Prover::decide_exactly(std::vector<int> active, double* x, IntRow* homogeneous) {
  ++exact_decisions;
  const int m = rows_.count();
  std::vector<ExactProgram::Row> all(m);
  for (int i = 0; i < m; ++i) all[i] = program_row(i);
  if (active.empty()) active.push_back(m - 1);
  std::vector<char> in(m, 0);
  std::vector<const ExactProgram::Row*> chosen;
  for (const int i : active) {
    in[i] = 1;
    chosen.push_back(&all[i]);
  }
  ExactProgram program(geometry_.size, geometry_.cone ? -1 : 0, stop_);
  IntRow u;
  for (bool again = true; again;) {
    if (program.solve(chosen) <= 0) return Verdict::empty;
    again = false;
    u = program.point();
    for (int i = 0; i < m; ++i) {
      if (in[i] || sign_at(all[i].numbers, u) > 0) continue;
      in[i] = 1;
      chosen.push_back(&all[i]);
      again = true;
    }
  }
  if (!geometry_.cone) {  // off the sides of the box, as far towards its middle as the rows allow
    IntRow inner;
    for (long part = 1;; part *= 2) {  // (1 - 2^-part) u + 2^-part / 2
      inner = u;
      const int dim = geometry_.dim;
      for (int k = 0; k < dim; ++k) {
        inner[k].shift_left(part + 1);
        Int twice = u[k];
        twice.shift_left(1);
        inner[k] -= twice;
        inner[k] += u[dim];
      }
      inner[dim].shift_left(part + 1);
      bool good = true;
      for (int i = 0; i < m && good; ++i) good = sign_at(all[i].numbers, inner) > 0;
      if (good) break;
      if (stop_ && stop_->load(std::memory_order_relaxed)) throw LpStopped{};
    }
    u = inner;
  }
  const IntRow p = domain_point(u);
  if (homogeneous) *homogeneous = p;
  if (!x) return Verdict::thin;
  for (int k = 0; k < geometry_.dim; ++k) {
    x[k] = quotient(p[k], p[geometry_.dim]);
    if (!geometry_.cone) x[k] = std::clamp(x[k], geometry_.lower[k], geometry_.upper[k]);
  }
  return inside(x, true) ? Verdict::point : Verdict::thin;
}

// In a cone x0 is what grows; on a box it is the constant one.
bool Prover::closed_has_point() {
  const int m = rows_.count();
  std::vector<ExactProgram::Row> all(m + 1);
  std::vector<const ExactProgram::Row*> chosen = {&all[m]};
  for (int i = 0; i < m; ++i) {
    const bool infinity = facet_level(rows_.id(i)) == kInfinityLevel;
    all[infinity ? m : i] = program_row(i);
    if (!infinity) {
      all[i].weighted = false;
      chosen.push_back(&all[i]);
    }
  }
  if (!geometry_.cone) {
    all[m].numbers.assign(geometry_.size + 1, Int());
    all[m].numbers.back() = 1;
  }
  ExactProgram program(geometry_.size, geometry_.cone ? -1 : 0, stop_);
  return program.solve(chosen) > 0;
}

}  // namespace linregions
