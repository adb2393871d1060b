// Rows of any stage as exact integers: made only when a sign asks for them, and kept until their cell is left.
// A row may be scaled by any positive number, since only signs are asked.
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "frame.hpp"
#include "model.hpp"

namespace linregions {

// A facet is named by (level, index): level 0 a half-space of the domain, level s + 1 a cut of stage s, level 1023 a
// side of the infinite box (2k: x_k + M >= 0, 2k + 1: -x_k + M >= 0).
using FacetId = std::uint32_t;
constexpr int kIndexBits = 22;
constexpr std::uint32_t kMaxIndex = (1u << kIndexBits) - 1;
constexpr std::uint32_t kInfinityLevel = 1023;
constexpr FacetId facet_id(std::uint32_t level, std::uint32_t index) { return level << kIndexBits | index; }
constexpr std::uint32_t facet_level(FacetId f) { return f >> kIndexBits; }
constexpr std::uint32_t facet_index(FacetId f) { return f & kMaxIndex; }

// For a domain of any dimension.
class ExactRows {
 public:
  ExactRows(const Model& model, const Domain& domain, std::vector<Frame>& frames)
      : model_(model), domain_(domain), frames_(frames), dim_(domain.dim) {}

  // The integers [slopes..., offset] of a facet's functional (not for the infinite box).
  const IntRow& facet_row(FacetId f) {
    const auto level = facet_level(f), index = facet_index(f);
    return level == 0 ? domain_.rows[index] : cut_row(static_cast<int>(level) - 1, static_cast<int>(index));
  }

  const IntRow& cut_row(int s, int c) {
    Frame& f = frames_[s];
    if (f.cut_stamp[c] == f.stamp) return f.exact_cuts[c];
    const Stage& st = *f.stage;
    const Cut& cut = st.cuts[c];
    IntRow out = stage_row(s, cut.row);
    if (cut.other >= 0) {
      const IntRow& b = stage_row(s, cut.other);
      for (int k = 0; k <= dim_; ++k) out[k] -= b[k];
    } else {
      const double t = st.functions[st.function_of[cut.unit]].breakpoints[cut.level];
      if (t != 0.0) {
        const long up = std::max(0L, fraction_bits(t));
        for (Int& v : out) v.shift_left(up);
        out[dim_] -= Int::from_double(t, up) * st.row_scale_int;
      }
    }
    make_primitive(out);
    f.exact_cuts[c] = std::move(out);
    f.cut_stamp[c] = f.stamp;
    return f.exact_cuts[c];
  }

 private:
  // Row i of stage s as integers, scaled by the stage's row_scale_int.
  const IntRow& stage_row(int s, int i) {
    Frame& f = frames_[s];
    if (f.row_stamp[i] == f.stamp) return f.exact_rows[i];
    const Stage& st = *f.stage;
    IntRow out(dim_ + 1);
    const auto add = [&](int j, double w) {
      if (s == 0) {
        if (domain_.embedding.empty()) {
          out[j] += Int::from_double(w, st.weight_power);
        } else {
          for (int k = 0; k <= dim_; ++k) out[k].add_mul_double(domain_.embedding[j][k], w, st.weight_power);
        }
        return;
      }
      add_unit(s - 1, j, w, st.weight_power, out);
    };
    if (st.dense) {
      const double* row = st.weight_rows.data() + static_cast<std::size_t>(i) * st.inputs;
      for (int j = 0; j < st.inputs; ++j)
        if (row[j] != 0.0) add(j, row[j]);
    } else {
      for (int at = st.row_ptr[i]; at < st.row_ptr[i + 1]; ++at) add(st.row_column[at], st.row_value[at]);
    }
    out[dim_].add_mul_double(st.input_scale, st.raw_bias[i], st.weight_power);
    if (!st.row_factor.empty())
      for (Int& v : out) v = v * st.row_factor[i];
    f.exact_rows[i] = std::move(out);
    f.row_stamp[i] = f.stamp;
    return f.exact_rows[i];
  }

  // out += w * 2^power * (unit u of stage s after its activation)
  void add_unit(int s, int u, double w, long power, IntRow& out) {
    Frame& f = frames_[s];
    const Stage& st = *f.stage;
    if (st.max) {
      const IntRow& y = stage_row(s, st.offsets[u] + f.piece[u]);
      for (int k = 0; k <= dim_; ++k) out[k].add_mul_double(y[k], w, power);
      return;
    }
    const int fn = st.function_of[u];
    const Int& slope = st.slopes_int[fn][f.piece[u]];
    const Int& intercept = st.intercepts_int[fn][f.piece[u]];
    if (!slope.is_zero()) {
      const IntRow& y = stage_row(s, u);
      if (slope == Int(1)) {
        for (int k = 0; k <= dim_; ++k) out[k].add_mul_double(y[k], w, power);
      } else {
        const Int factor = slope * Int::from_double(w, power);
        for (int k = 0; k <= dim_; ++k) out[k].add_mul(y[k], factor);
      }
    }
    if (!intercept.is_zero()) out[dim_].add_mul_double(intercept * st.row_scale_int, w, power);
  }

  const Model& model_;
  const Domain& domain_;
  std::vector<Frame>& frames_;
  int dim_;
};

}  // namespace linregions
