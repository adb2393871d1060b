// The same linear program in integers, fraction-free: it decides what floating point cannot.
#pragma once
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "integer.hpp"

namespace linregions {

struct LpStopped {};

// a / b where b divides a: limb by limb from the low end, multiplying by the inverse of b modulo 2^64.
inline Int exact_quotient(Int a, Int b) {
  if (a.is_zero()) return a;
  if (a.is_small() && b.is_small()) return Int(a.small() / b.small());
  const long twos = b.trailing_zeros();
  a.shift_right_exact(twos);
  b.shift_right_exact(twos);
  const bool negative = a.sign() * b.sign() < 0;
  std::vector<std::uint64_t> rest = a.magnitude();
  const std::vector<std::uint64_t> by = b.magnitude();
  const std::size_t n = rest.size() - by.size() + 1;
  std::uint64_t inverse = by[0];  // right to 3 bits; every step doubles them
  for (int k = 0; k < 5; ++k) inverse *= 2 - by[0] * inverse;
  std::vector<std::uint64_t> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = rest[i] * inverse;
    unsigned __int128 borrow = 0;
    for (std::size_t j = 0; i + j < n && (j < by.size() || borrow); ++j) {
      borrow += j < by.size() ? static_cast<unsigned __int128>(out[i]) * by[j] : 0;
      const std::uint64_t low = static_cast<std::uint64_t>(borrow);
      borrow = (borrow >> 64) + (rest[i + j] < low);
      rest[i + j] -= low;
    }
  }
  return Int::from_limbs(negative, out.data(), n);
}

// Maximise t over u in [low, 1]^size with row_i(u) >= w_i t, w_i 0 or 1 and w_0 = 1.  A dual simplex on integer lines over
// one common denominator; after some steps by the largest violation it goes by Bland's rule, which ends.
class ExactProgram {
 public:
  struct Row {
    IntRow numbers;  // size coefficients and the constant
    bool weighted = true;
  };

  ExactProgram(int size, int low, const std::atomic<int>* stop) : size_(size), low_(low), stop_(stop) {}

  // Sign of the optimal t.  It ends early where t is not positive, unless asked not to.
  int solve(const std::vector<const Row*>& rows) {
    start(rows);
    for (long steps = 0;; ++steps) {
      if (stop_ && stop_->load(std::memory_order_relaxed)) throw LpStopped{};
      const int sign = value(0).sign();
      if (sign <= 0) return sign;
      int direction = 0;
      const int r = leaving(steps > 60, direction);
      if (r < 0) return sign;
      const int j = entering(r, direction);
      if (j < 0) return -1;  // no point satisfies the rows without weight
      exchange(r, j, direction);
    }
  }

  // Numerators of u over the positive denominator.
  IntRow point() const {
    IntRow out(size_ + 1);
    for (int k = 0; k < size_; ++k) {
      if (where_[k] >= 0) {
        out[k].add_mul(Int(at_[where_[k]]), denominator_);
      } else {
        out[k] = value(~where_[k]);
      }
    }
    out[size_] = denominator_;
    return out;
  }

 private:
  bool coordinate(int variable) const { return variable < size_; }

  void start(const std::vector<const Row*>& rows) {
    const int columns = size_ + 1;
    lines_.clear();
    basic_.assign(1, -1);
    column_.clear();
    at_.clear();
    where_.clear();
    denominator_ = 1;
    const IntRow& first = rows[0]->numbers;
    IntRow line = first;  // t = first(u) - s_0; columns: coordinates, s_0, constant
    line.insert(line.begin() + size_, Int(-1));
    for (int k = 0; k < columns; ++k) {
      column_.push_back(k);
      where_.push_back(k);
      at_.push_back(k < size_ ? (first[k].sign() >= 0 ? 1 : low_) : 0);
    }
    lines_.push_back(line);
    for (std::size_t i = 1; i < rows.size(); ++i) {
      IntRow next = rows[i]->numbers;
      next.insert(next.begin() + size_, Int());
      if (rows[i]->weighted)
        for (int k = 0; k <= columns; ++k) next[k] -= line[k];
      where_.push_back(~static_cast<int>(lines_.size()));
      basic_.push_back(size_ + static_cast<int>(i));
      lines_.push_back(std::move(next));
    }
  }

  // Numerator of the variable of line i.
  Int value(int i) const {
    const IntRow& line = lines_[i];
    Int out = line[size_ + 1];
    for (int j = 0; j <= size_; ++j) {
      if (at_[j] > 0) out += line[j];
      if (at_[j] < 0) out -= line[j];
    }
    return out;
  }

  // A line outside its bounds; direction +1 if it must rise.  By Bland's rule the one whose variable comes first.
  int leaving(bool bland, int& direction) const {
    int out = -1;
    Int most;
    for (std::size_t i = 1; i < lines_.size(); ++i) {
      const Int v = value(static_cast<int>(i));
      Int below = -v;
      int side = 1;
      if (coordinate(basic_[i])) {
        if (low_ != 0) below -= denominator_;
        const Int above = v - denominator_;
        if (above.sign() > 0) {
          below = above;
          side = -1;
        }
      }
      if (below.sign() <= 0) continue;
      if (out < 0 || (bland ? basic_[i] < basic_[out] : (below - most).sign() > 0)) {
        most = below;
        out = static_cast<int>(i);
        direction = side;
      }
    }
    return out;
  }

  int entering(int r, int direction) const {
    int best = -1;
    for (int j = 0; j <= size_; ++j) {
      const int effect = lines_[r][j].sign() * direction;
      const bool rises = coordinate(column_[j]) ? at_[j] == low_ : true;
      if (effect == 0 || (effect > 0) != rises) continue;
      if (best < 0) {
        best = j;
        continue;
      }
      // |cost_j| / |entry_j| against the best so far
      Int left = lines_[0][j] * lines_[r][best], right = lines_[0][best] * lines_[r][j];
      if (left.sign() < 0) left.negate();
      if (right.sign() < 0) right.negate();
      const int order = (left - right).sign();
      if (order < 0 || (order == 0 && column_[j] < column_[best])) best = j;
    }
    return best;
  }

  void exchange(int r, int j, int direction) {
    IntRow& row = lines_[r];
    Int pivot = row[j];
    const bool flip = pivot.sign() < 0;
    if (flip) pivot.negate();
    // x_j = (den x_r - rest) / pivot, over the new denominator |pivot|
    IntRow fresh(size_ + 2);
    for (int k = 0; k < size_ + 2; ++k) {
      fresh[k] = row[k];
      if (!flip) fresh[k].negate();
    }
    fresh[j] = flip ? -denominator_ : denominator_;
    const bool whole = denominator_ == Int(1);
    for (int i = 0; i < static_cast<int>(lines_.size()); ++i) {
      if (i == r) continue;
      IntRow& other = lines_[i];
      const Int factor = other[j];
      for (int k = 0; k < size_ + 2; ++k) {
        if (k == j) continue;
        Int v = other[k] * pivot;
        v.add_mul(factor, fresh[k]);
        other[k] = whole ? std::move(v) : exact_quotient(std::move(v), denominator_);
      }
      if (flip) other[j].negate();
    }
    row = std::move(fresh);
    denominator_ = pivot;
    const int out = basic_[r], in = column_[j];
    basic_[r] = in;
    where_[in] = ~r;
    column_[j] = out;
    where_[out] = j;
    at_[j] = coordinate(out) ? (direction > 0 ? low_ : 1) : 0;
  }

  int size_, low_;
  const std::atomic<int>* stop_;
  std::vector<IntRow> lines_;  // line 0 is t
  std::vector<int> basic_, column_, where_, at_;
  Int denominator_ = 1;
};

}  // namespace linregions
