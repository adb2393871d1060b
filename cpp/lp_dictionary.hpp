// Maximise t over u in [-1, 1]^size and t <= row_i(u): a dense dual simplex with bounded variables.  Every row is tight or
// has a line in the dictionary, so its size is the number of rows, whatever the number of variables, and one more row keeps
// it dual feasible.  Numbers are plain float64: what it finds is a proposal that others prove.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace linregions {

class Dictionary {
 public:
  enum class Status { optimal, below, failed };

  void clear(int size) {
    size_ = size;
    rows_ = lines_ = 0;
    sound_ = true;
  }
  void copy(const Dictionary& other) {
    size_ = other.size_;
    rows_ = other.rows_;
    lines_ = other.lines_;
    sound_ = other.sound_;
    const std::size_t n = static_cast<std::size_t>(lines_) * (size_ + 1);
    if (lines_data_.size() < n) lines_data_.resize(n + size_ + 1);
    std::copy_n(other.lines_data_.begin(), n, lines_data_.begin());
    beta_.assign(other.beta_.begin(), other.beta_.begin() + lines_);
    basic_.assign(other.basic_.begin(), other.basic_.begin() + lines_);
    at_ = other.at_;
    column_ = other.column_;
    where_ = other.where_;
  }
  int rows() const { return rows_; }
  double value() const { return beta_[0]; }
  bool sound() const { return sound_; }  // it was solved, or what it was made of was

  // The next row: scaled . u + offset >= t.
  void add_row(const double* g, double offset) {
    if (rows_ == 0) {
      start(g, offset);
      return;
    }
    grow();
    const int columns = size_ + 1;
    double* line = this->line(lines_);
    for (int j = 0; j < columns; ++j) line[j] = -this->line(0)[j];
    double beta = offset - beta_[0];
    for (int k = 0; k < size_; ++k) {
      if (g[k] == 0.0) continue;
      if (where_[k] >= 0) {
        line[where_[k]] += g[k];
        beta += g[k] * at_[where_[k]];
      } else {
        const double* other = this->line(~where_[k]);
        for (int j = 0; j < columns; ++j) line[j] += g[k] * other[j];
        beta += g[k] * beta_[~where_[k]];
      }
    }
    beta_[lines_] = beta;
    basic_[lines_] = size_ + rows_;
    where_.push_back(~lines_);
    ++lines_;
    ++rows_;
  }

  // Stops at the optimum, or as soon as t is known to stay below `limit`.
  Status solve(double limit) {
    const Status out = run(limit);
    sound_ = out != Status::failed;
    return out;
  }

  void point(double* u) const {
    for (int k = 0; k < size_; ++k) u[k] = where_[k] >= 0 ? at_[where_[k]] : beta_[~where_[k]];
  }
  // Multiplier of row i; they sum to one.
  double multiplier(int i) const {
    const int at = where_[size_ + i];
    return at >= 0 ? std::fmax(0.0, -line(0)[at]) : 0.0;
  }

 private:
  static constexpr double kFeasible = 1e-12, kPivot = 1e-9;

  double* line(int i) { return lines_data_.data() + static_cast<std::size_t>(i) * (size_ + 1); }
  const double* line(int i) const { return lines_data_.data() + static_cast<std::size_t>(i) * (size_ + 1); }

  void grow() {
    const std::size_t need = static_cast<std::size_t>(lines_ + 1) * (size_ + 1);
    if (lines_data_.size() < need) lines_data_.resize(need);
    if (static_cast<int>(beta_.size()) <= lines_) {
      beta_.resize(lines_ + 1);
      basic_.resize(lines_ + 1);
    }
  }

  // t = g . u + offset - s_0
  void start(const double* g, double offset) {
    grow();
    where_.clear();
    column_.clear();
    at_.clear();
    beta_[0] = offset;
    basic_[0] = -1;
    for (int k = 0; k < size_; ++k) {
      line(0)[k] = g[k];
      where_.push_back(k);
      column_.push_back(k);
      at_.push_back(g[k] >= 0 ? 1.0 : -1.0);
      beta_[0] += std::fabs(g[k]);
    }
    line(0)[size_] = -1;
    where_.push_back(size_);
    column_.push_back(size_);
    at_.push_back(0.0);
    rows_ = lines_ = 1;
  }

  Status run(double limit) {
    for (int steps = 0; steps < 50 * (size_ + rows_) + 500; ++steps) {
      if (!(std::fabs(beta_[0]) < 1e100)) return Status::failed;
      if (beta_[0] < limit) return Status::below;
      const int leaving = worst_line();
      if (leaving < 0) return Status::optimal;
      if (!step(leaving)) return Status::failed;
    }
    return Status::failed;
  }

  int worst_line() const {
    int out = -1;
    double most = kFeasible;
    for (int i = 1; i < lines_; ++i) {
      const double excess = basic_[i] < size_ ? std::fabs(beta_[i]) - 1 : -beta_[i];
      if (excess > most) {
        most = excess;
        out = i;
      }
    }
    return out;
  }

  // Bring line r back to its bound: flip variables from one end to the other while that is not enough, then exchange.
  bool step(int r) {
    const bool slack = basic_[r] >= size_;
    const bool up = slack || beta_[r] < 0;
    const double bound = slack ? 0.0 : up ? -1.0 : 1.0;
    double missing = std::fabs(bound - beta_[r]);
    const double* row = line(r);
    const double* cost = line(0);
    candidates_.clear();
    flips_.clear();
    for (int j = 0; j <= size_; ++j) {
      const double effect = up ? row[j] : -row[j];
      const double direction = at_[j] > 0 ? -1.0 : 1.0;  // a slack rests at 0, a coordinate at -1 or 1
      if (effect * direction > kPivot) candidates_.push_back({std::fabs(cost[j]), std::fabs(row[j]), j});
    }
    // Smallest ratio of cost to entry first; among equal ones the largest entry, for the sake of accuracy.
    const auto later = [](const Candidate& a, const Candidate& b) {
      const double left = a.cost * b.entry, right = b.cost * a.entry;
      return left > right || (left == right && a.entry < b.entry);
    };
    std::make_heap(candidates_.begin(), candidates_.end(), later);
    while (!candidates_.empty()) {
      const Candidate& next = candidates_.front();
      const int j = next.column;
      if (column_[j] >= size_ || 2 * next.entry >= missing) {
        flip();
        exchange(r, j, bound);
        return true;
      }
      missing -= 2 * next.entry;
      flips_.push_back(j);
      std::pop_heap(candidates_.begin(), candidates_.end(), later);
      candidates_.pop_back();
    }
    return false;
  }

  void flip() {
    if (flips_.empty()) return;
    for (int i = 0; i < lines_; ++i) {
      const double* entry = line(i);
      double change = 0;
      for (const int j : flips_) change += entry[j] * at_[j];
      beta_[i] -= 2 * change;
    }
    for (const int j : flips_) at_[j] = -at_[j];
  }

  void exchange(int r, int j, double bound) {
    double* row = line(r);
    const double pivot = row[j], step = (bound - beta_[r]) / pivot;
    const double entered = at_[j] + step;
    for (int i = 0; i < lines_; ++i) beta_[i] += line(i)[j] * step;
    const int columns = size_ + 1;
    const double inverse = 1 / pivot;
    for (int k = 0; k < columns; ++k) row[k] *= -inverse;
    row[j] = inverse;
    for (int i = 0; i < lines_; ++i) {
      if (i == r) continue;
      double* other = line(i);
      const double factor = other[j];
      if (factor == 0.0) continue;
      other[j] = 0;
      for (int k = 0; k < columns; ++k) other[k] += factor * row[k];
    }
    const int out = basic_[r], in = column_[j];
    basic_[r] = in;
    where_[in] = ~r;
    beta_[r] = entered;
    column_[j] = out;
    where_[out] = j;
    at_[j] = bound;
  }

  struct Candidate {
    double cost, entry;
    int column;
  };
  int size_ = 0, rows_ = 0, lines_ = 0;
  bool sound_ = true;
  std::vector<double> lines_data_, beta_, at_;  // line 0 is t
  std::vector<int> basic_, column_, where_;     // variables: coordinates, then one slack per row
  std::vector<Candidate> candidates_;
  std::vector<int> flips_;
};

}  // namespace linregions
