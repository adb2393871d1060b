#include "model.hpp"

namespace linregions {
namespace {

template <class F>
void each_in_row(const StageInput& in, int i, F&& f) {
  if (in.dense) {
    const double* row = in.weight + static_cast<std::size_t>(i) * in.inputs;
    for (int j = 0; j < in.inputs; ++j)
      if (row[j] != 0.0) f(j, row[j]);
  } else {
    for (std::int64_t k = in.indptr[i]; k < in.indptr[i + 1]; ++k) f(static_cast<int>(in.indices[k]), in.data[k]);
  }
}

// Powers of two that bring every row near one, given those of the stage's inputs.
void choose_scales(const StageInput& in, const std::vector<int>& input_scale, Stage& s) {
  s.row_scale.assign(in.rows, 0);
  for (int i = 0; i < in.rows; ++i) {
    int top = std::numeric_limits<int>::min();
    each_in_row(in, i, [&](int j, double w) { top = std::max(top, exponent_of(w) - input_scale[j]); });
    if (in.bias[i] != 0.0) top = std::max(top, exponent_of(in.bias[i]));
    if (top == std::numeric_limits<int>::min()) top = 0;
    if (!in.divisor.empty()) top -= exponent_of(in.divisor[i]);
    s.row_scale[i] = std::clamp(-top, -100000, 100000);
  }
  s.unit_scale.assign(s.units, 0);
  for (int u = 0; u < s.units; ++u) {
    if (!s.max) {
      s.unit_scale[u] = s.row_scale[u];
      continue;
    }
    int lowest = s.row_scale[s.offsets[u]];
    for (int i = s.offsets[u]; i < s.offsets[u + 1]; ++i) lowest = std::min(lowest, s.row_scale[i]);
    for (int i = s.offsets[u]; i < s.offsets[u + 1]; ++i) s.row_scale[i] = lowest;
    s.unit_scale[u] = lowest;
  }
}

// The rows of a sparse stage, columns ascending, from its columns.
void build_entries(Stage& s) {
  s.entry_ptr.assign(s.rows + 1, 0);
  for (const int i : s.column_row) ++s.entry_ptr[i + 1];
  for (int i = 0; i < s.rows; ++i) s.entry_ptr[i + 1] += s.entry_ptr[i];
  s.entry_column.resize(s.column_row.size());
  s.entry_value.resize(s.column_row.size());
  std::vector<int> at = s.entry_ptr;
  for (int j = 0; j < s.inputs; ++j)
    for (int k = s.column_ptr[j]; k < s.column_ptr[j + 1]; ++k) {
      const int to = at[s.column_row[k]]++;
      s.entry_column[to] = j;
      s.entry_value[to] = s.column_value[k];
    }
}

void build_float(const StageInput& in, const std::vector<int>& input_scale, Stage& s) {
  s.padded = (s.rows + 7) / 8 * 8;
  s.bias.assign(s.padded, 0.0);
  const auto scaled = [&](int i, double w, int from) {
    if (!in.divisor.empty()) {
      // Divide mantissas only, so that nothing under- or overflows before the scale is applied.
      int ew, ed;
      const double mw = std::frexp(w, &ew), md = std::frexp(in.divisor[i], &ed);
      return clamp_ldexp(mw / md, static_cast<long>(ew) - ed + s.row_scale[i] - from);
    }
    return clamp_ldexp(w, static_cast<long>(s.row_scale[i]) - from);
  };
  const auto weight = [&](int i, double w, int from) {
    const double value = scaled(i, w, from);
    if (std::fabs(value) < 1e-300) s.underflow = true;
    return value;
  };
  for (int i = 0; i < s.rows; ++i) s.bias[i] = scaled(i, in.bias[i], 0) + 0.0;  // never -0.0
  s.dense = in.dense;
  int widest = 0;
  if (s.dense) {
    s.columns.assign(static_cast<std::size_t>(s.inputs) * s.padded, 0.0);
    for (int i = 0; i < s.rows; ++i)
      each_in_row(in, i, [&](int j, double w) {
        s.columns[static_cast<std::size_t>(j) * s.padded + i] = weight(i, w, input_scale[j]);
      });
    widest = s.inputs;
  } else {
    std::vector<int> count(s.inputs + 1, 0);
    for (int i = 0; i < s.rows; ++i) {
      int terms = 0;
      each_in_row(in, i, [&](int j, double) { ++count[j + 1], ++terms; });
      widest = std::max(widest, terms);
    }
    for (int j = 0; j < s.inputs; ++j) count[j + 1] += count[j];
    s.column_ptr = count;
    s.column_row.resize(count[s.inputs]);
    s.column_value.resize(count[s.inputs]);
    for (int i = 0; i < s.rows; ++i)
      each_in_row(in, i, [&](int j, double w) {
        const int at = count[j]++;
        s.column_row[at] = i;
        s.column_value[at] = weight(i, w, input_scale[j]);
      });
    build_entries(s);
  }
  s.gamma = (widest + 8) * kUnit * 1.01;
}

void build_cuts(const StageInput& in, Stage& s) {
  s.cut_begin.assign(1, 0);
  for (int u = 0; u < s.units; ++u) {
    if (s.max) {
      const int a = s.offsets[u], b = s.offsets[u + 1];
      s.unit_of.insert(s.unit_of.end(), b - a, u);
      s.pieces.push_back(b - a);
      for (int i = a; i < b; ++i)
        for (int j = i + 1; j < b; ++j) {
          s.cuts.push_back({i, j, u, 0});
          s.threshold.push_back(0.0);
        }
    } else {
      const Function& f = in.functions[in.function_of[u]];
      s.pieces.push_back(f.pieces());
      for (int k = 0; k < f.pieces() - 1; ++k) {
        s.cuts.push_back({u, -1, u, k});
        s.threshold.push_back(clamp_ldexp(f.breakpoints[k], s.row_scale[u]));
      }
    }
    s.cut_begin.push_back(static_cast<int>(s.cuts.size()));
  }
  s.simple = !s.max && static_cast<int>(s.cuts.size()) == s.rows;
  for (std::size_t c = 0; s.simple && c < s.cuts.size(); ++c)
    s.simple = s.cuts[c].row == static_cast<int>(c) && s.threshold[c] == 0.0 &&
               in.functions[in.function_of[c]].breakpoints[0] == 0.0;
}

void build_exact(const StageInput& in, Stage& s, Int& scale) {
  long power = 0;
  for (int i = 0; i < s.rows; ++i) {
    each_in_row(in, i, [&](int, double w) { power = std::max(power, fraction_bits(w)); });
    power = std::max(power, fraction_bits(in.bias[i]));
  }
  s.weight_power = power;
  s.raw_bias = in.bias;
  if (s.dense) {
    s.weight_rows.assign(in.weight, in.weight + static_cast<std::size_t>(s.rows) * s.inputs);
  } else {
    s.row_ptr.assign(in.indptr.begin(), in.indptr.end());
    s.row_column.assign(in.indices.begin(), in.indices.end());
    s.row_value = in.data;
  }
  s.input_scale = scale;
  scale.shift_left(power);
  if (!in.divisor.empty()) {
    // Row i divides by odd_i * 2^e_i; with L = lcm(odd) it is multiplied by L / odd_i * 2^(E - e_i) instead, E = max e.
    std::vector<Int> odd(s.rows);
    std::vector<long> twos(s.rows);
    Int lcm = 1;
    long top = std::numeric_limits<int>::min();
    std::vector<Int> seen;
    for (int i = 0; i < s.rows; ++i) {
      twos[i] = -fraction_bits(in.divisor[i]);
      odd[i] = Int::from_double(in.divisor[i], -twos[i]);
      top = std::max(top, twos[i]);
      if (std::find(seen.begin(), seen.end(), odd[i]) == seen.end()) {
        seen.push_back(odd[i]);
        lcm = divide_exact(lcm * odd[i], gcd(lcm, odd[i]));
      }
    }
    std::vector<Int> factor(seen.size());
    for (std::size_t k = 0; k < seen.size(); ++k) factor[k] = divide_exact(lcm, seen[k]);
    s.row_factor.resize(s.rows);
    for (int i = 0; i < s.rows; ++i) {
      const auto k = std::find(seen.begin(), seen.end(), odd[i]) - seen.begin();
      s.row_factor[i] = factor[k];
      s.row_factor[i].shift_left(top - twos[i]);
    }
    scale = scale * lcm;
    if (top > 0) {
      scale.shift_left(top);
    } else if (top < 0) {
      // Multiply everything by 2^-top instead of dividing the scale.
      for (Int& f : s.row_factor) f.shift_left(-top);
    }
  }
  s.row_scale_int = scale;
  if (s.max) return;
  long slope_power = 0;
  for (const Function& f : in.functions) {
    for (double v : f.slopes) slope_power = std::max(slope_power, fraction_bits(v));
    slope_power = std::max(slope_power, fraction_bits(f.value));
    for (double t : f.breakpoints)
      for (double v : f.slopes) slope_power = std::max(slope_power, fraction_bits(t) + std::max(0L, fraction_bits(v)));
  }
  s.slope_power = slope_power;
  for (const Function& f : in.functions) {
    std::vector<Int> slopes, intercepts;
    for (double v : f.slopes) slopes.push_back(Int::from_double(v, slope_power));
    // intercept_0 = value - slope_0 * t_0;  intercept_{p+1} = intercept_p + (slope_p - slope_{p+1}) * t_p
    Int now = Int::from_double(f.value, slope_power);
    const auto product = [&](double slope, double t) {
      if (slope == 0.0 || t == 0.0) return Int();
      const long a = std::max(0L, fraction_bits(slope));
      const long b = slope_power - a;
      return Int::from_double(slope, a) * Int::from_double(t, b);
    };
    if (!f.breakpoints.empty()) now -= product(f.slopes[0], f.breakpoints[0]);
    intercepts.push_back(now);
    for (std::size_t p = 0; p + 1 < f.slopes.size(); ++p) {
      now += product(f.slopes[p], f.breakpoints[p]);
      now -= product(f.slopes[p + 1], f.breakpoints[p]);
      intercepts.push_back(now);
    }
    std::vector<Stage::Action> actions;
    for (std::size_t p = 0; p < f.slopes.size(); ++p)
      actions.push_back(!intercepts[p].is_zero() ? Stage::Action::affine
                        : f.slopes[p] == 0.0     ? Stage::Action::drop
                        : f.slopes[p] == 1.0     ? Stage::Action::keep
                                                 : Stage::Action::affine);
    s.action.push_back(actions);
    s.slopes_int.push_back(slopes);
    s.intercepts_int.push_back(intercepts);
  }
  scale.shift_left(slope_power);
  s.plain = s.simple;
  for (const auto& a : s.action)
    s.plain = s.plain && a.size() == 2 && a[0] == Stage::Action::drop && a[1] == Stage::Action::keep;
}

}  // namespace

Model build_model(const std::vector<StageInput>& stages, const Domain& domain) {
  Model model;
  model.inputs = stages.front().inputs;
  std::size_t last = 0;
  for (std::size_t k = 0; k < stages.size(); ++k) {
    const StageInput& in = stages[k];
    bool splits = false;
    if (in.max) {
      for (std::size_t g = 0; g + 1 < in.offsets.size(); ++g) splits = splits || in.offsets[g + 1] - in.offsets[g] > 1;
    } else {
      for (int f : in.function_of) splits = splits || in.functions[f].pieces() > 1;
    }
    if (splits) last = k + 1;
  }
  std::vector<int> input_scale(model.inputs, 0);
  Int scale = domain.embedding.empty() ? Int(1) : domain.scale;
  int bit = 0;
  for (std::size_t k = 0; k < last; ++k) {
    const StageInput& in = stages[k];
    Stage s;
    s.rows = in.rows;
    s.inputs = in.inputs;
    s.max = in.max;
    s.functions = in.functions;
    s.function_of = in.function_of;
    s.offsets.assign(in.offsets.begin(), in.offsets.end());
    s.units = in.max ? static_cast<int>(in.offsets.size()) - 1 : in.rows;
    choose_scales(in, input_scale, s);
    build_float(in, input_scale, s);
    build_cuts(in, s);
    build_exact(in, s, scale);
    s.field_shift.assign(s.units, 0);
    s.field_bits.assign(s.units, 0);
    for (int u = 0; u < s.units; ++u) {
      if (s.pieces[u] < 2) continue;
      int bits = 1;
      while ((1 << bits) < s.pieces[u]) ++bits;
      s.field_shift[u] = bit;
      s.field_bits[u] = bits;
      bit += bits;
      ++model.total_units;
    }
    input_scale = s.unit_scale;
    model.stages.push_back(std::move(s));
  }
  model.pattern_bytes = (bit + 7) / 8;
  return model;
}

}  // namespace linregions
