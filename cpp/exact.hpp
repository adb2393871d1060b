// The exact layer: vertices as solutions of integer systems, signs of exact rows at them.
// A row or vertex may be scaled by any positive number, since only signs are asked.
#pragma once
#include <bit>
#include <cstdint>
#include <vector>

#include "exact_rows.hpp"

namespace linregions {

class Exact {
 public:
  Exact(const Model& model, const Domain& domain, std::vector<Frame>& frames)
      : rows_(model, domain, frames), dim_(domain.dim) {
    for (unsigned s = 0; s < (2u << dim_); ++s) by_size_[std::popcount(s)].push_back(s);
    minors_.resize(std::size_t{2} << dim_);
    next_.resize(std::size_t{2} << dim_);
  }

  const IntRow& facet_row(FacetId f) { return rows_.facet_row(f); }
  const IntRow& cut_row(int s, int c) { return rows_.cut_row(s, c); }

  // Homogeneous coordinates [X..., w], w > 0, of the point on `n` facets; on an infinite box also the parts that grow
  // with M: [X..., w, Y...], the point (X + Y M) / w.
  IntRow vertex(const FacetId* facets, int n) {
    IntRow out;
    chosen_.clear();
    minors_[0] = 1;
    int size = 0;
    for (int i = 0; i < n && size < dim_; ++i)
      if (add_row(facets[i], size, false)) {
        chosen_.push_back(facets[i]);
        ++size;
      }
    if (size < dim_) return out;  // not a vertex; cannot happen in exact runs
    out.resize(dim_ + 1);
    read_solution(out, 0);
    bool infinite = false;
    for (FacetId f : chosen_) infinite = infinite || facet_level(f) == kInfinityLevel;
    if (infinite) {
      minors_[0] = 1;
      for (int i = 0; i < dim_; ++i) add_row(chosen_[i], i, true);
      out.resize(2 * dim_ + 1);
      IntRow growth(dim_ + 1);
      read_solution(growth, 0);
      for (int k = 0; k < dim_; ++k) out[dim_ + 1 + k] = growth[k];
    }
    make_primitive(out);
    return out;
  }

  // Sign of a row at a vertex; where both have parts that grow with M, those decide first.
  int sign(const IntRow& row, const IntRow& vertex) {
    const auto [growth, fixed] = values(row, vertex);
    return growth.sign() != 0 ? growth.sign() : fixed.sign();
  }

  // Order of the points where two rows vanish on the segment from a (where both > 0 or both < 0 after `flip`) to b.
  // Each row has strictly opposite signs at a and b.  Returns the sign of t1 - t2, t = |f(a)| / (|f(a)| + |f(b)|).
  int compare_on_segment(const IntRow& row1, const IntRow& row2, const IntRow& a, const IntRow& b) {
    auto a1 = values(row1, a), b1 = values(row1, b), a2 = values(row2, a), b2 = values(row2, b);
    const int s1 = sign_of(a1), s2 = sign_of(a2);
    // t1 - t2 has the sign of f1(a) f2(b) - f2(a) f1(b) up to the signs of the rows: with g = s f positive at a,
    // t = g(a) / (g(a) - g(b)), and t1 > t2 iff g1(a) (-g2(b)) > g2(a) (-g1(b)).
    Int top = a2.first * b1.first - a1.first * b2.first;
    Int middle = a2.first * b1.second + a2.second * b1.first - a1.first * b2.second - a1.second * b2.first;
    Int low = a2.second * b1.second - a1.second * b2.second;
    const int flip = s1 * s2;
    const int s = top.sign() ? top.sign() : middle.sign() ? middle.sign() : low.sign();
    return s * flip;
  }

 private:
  // (coefficient of M, the rest)
  std::pair<Int, Int> values(const IntRow& row, const IntRow& v) const {
    Int fixed, growth;
    for (int k = 0; k <= dim_; ++k) fixed.add_mul(row[k], v[k]);
    if (static_cast<int>(v.size()) > dim_ + 1)
      for (int k = 0; k < dim_; ++k) growth.add_mul(row[k], v[dim_ + 1 + k]);
    return {std::move(growth), std::move(fixed)};
  }
  static int sign_of(const std::pair<Int, Int>& v) { return v.first.sign() ? v.first.sign() : v.second.sign(); }

  // Extend the minors of `size` rows by one more; false (and nothing changed) if its normal depends on theirs.
  bool add_row(FacetId f, int size, bool growth) {
    const unsigned last = 1u << dim_;
    unit_.assign(dim_ + 1, Int());
    const IntRow* row = &unit_;
    if (facet_level(f) == kInfinityLevel) {
      const auto index = facet_index(f);
      unit_[index / 2] = index % 2 == 0 ? 1 : -1;
      if (growth) unit_[dim_] = 1;
    } else if (growth) {
      const IntRow& r = facet_row(f);
      for (int k = 0; k < dim_; ++k) unit_[k] = r[k];
    } else {
      row = &facet_row(f);
    }
    bool independent = false;
    for (unsigned set : by_size_[size + 1]) {
      Int sum;
      int position = 0;
      for (unsigned rest = set; rest; rest &= rest - 1, ++position) {
        const int j = std::countr_zero(rest);
        const Int& minor = minors_[set & ~(1u << j)];
        if ((size + position) % 2 == 0) {
          sum.add_mul((*row)[j], minor);
        } else {
          sum.sub_mul((*row)[j], minor);
        }
      }
      if (!(set & last) && !sum.is_zero()) independent = true;
      next_[set] = std::move(sum);
    }
    if (!independent) return false;
    for (unsigned set : by_size_[size + 1]) std::swap(minors_[set], next_[set]);
    return true;
  }

  // Cramer's rule: x_k = -(-1)^(dim-1-k) minor(without k) / minor(without the offset).
  void read_solution(IntRow& out, int at) {
    const unsigned all = (2u << dim_) - 1;
    const Int& det = minors_[all & ~(1u << dim_)];
    const bool flip = det.sign() < 0;
    for (int k = 0; k < dim_; ++k) {
      out[at + k] = minors_[all & ~(1u << k)];
      if (((dim_ - 1 - k) % 2 == 0) != flip) out[at + k].negate();
    }
    out[at + dim_] = det;
    if (flip) out[at + dim_].negate();
  }

  ExactRows rows_;
  int dim_;
  std::vector<unsigned> by_size_[kMaxDim + 2];
  std::vector<Int> minors_, next_;
  IntRow unit_;
  std::vector<FacetId> chosen_;
};

}  // namespace linregions
