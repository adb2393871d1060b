// The network and the domain as the engine sees them: float64 with error bounds beside exact integers.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "integer.hpp"

namespace linregions {

constexpr double kUnit = 1.1102230246251565e-16;  // 2^-53
constexpr int kMaxDim = 8;

// A continuous piecewise-linear function: piece p is slopes[p] * z + intercept_p, pieces split at the breakpoints.
struct Function {
  std::vector<double> breakpoints, slopes;
  double value = 0;  // at the first breakpoint, or at 0
  int pieces() const { return static_cast<int>(slopes.size()); }
  bool identity() const { return slopes.size() == 1 && slopes[0] == 1.0 && value == 0.0; }
};

// A place where a stage can split a cell: row - threshold = 0, or row - other = 0 in a max group.
struct Cut {
  int row = 0;
  int other = -1;
  int unit = 0;
  int level = 0;  // index of the breakpoint within its unit
};

struct StageInput {  // what the caller describes, in original units
  int rows = 0, inputs = 0;
  bool dense = true;
  const double* weight = nullptr;  // dense, row-major
  std::vector<std::int64_t> indptr, indices;
  std::vector<double> data;
  std::vector<double> bias, divisor;  // divisor empty: all one
  bool max = false;
  std::vector<std::int64_t> offsets;  // max groups
  std::vector<Function> functions;
  std::vector<int> function_of;  // per unit
};

struct Stage {
  int rows = 0, inputs = 0, units = 0, padded = 0;
  bool max = false, dense = true, simple = true;  // simple: cut i is row i with threshold 0
  // Float side: row i is scaled by 2^scale[i], so that numbers stay near one.
  std::vector<double> columns;  // dense: (inputs, padded)
  std::vector<int> column_ptr, column_row;
  std::vector<double> column_value;
  std::vector<int> entry_ptr, entry_column;  // the same, row after row
  std::vector<double> entry_value;
  std::vector<double> bias;
  std::vector<int> row_scale, unit_scale;
  double gamma = 0;  // relative error of one accumulated coefficient
  bool underflow = false;  // some scaled weight is too small for a relative error: it is off by up to 5e-324
  std::vector<Cut> cuts;
  std::vector<double> threshold;                // scaled, per cut
  std::vector<int> cut_begin;                   // per unit, units + 1 entries
  std::vector<int> function_of;                 // per unit
  std::vector<Function> functions;
  std::vector<int> offsets;                     // max groups, units + 1 entries
  std::vector<int> unit_of;                     // max groups: per row
  std::vector<int> pieces;                      // per unit
  // What a piece does to its row, per function and piece: nothing left, the row itself, or slope and intercept.
  enum class Action : std::uint8_t { drop, keep, affine };
  std::vector<std::vector<Action>> action;
  bool plain = false;  // ReLUs alone: piece 0 leaves nothing, piece 1 the row itself
  // Exact side, original units.
  std::vector<double> weight_rows;              // dense, row-major
  std::vector<int> row_ptr, row_column;         // sparse
  std::vector<double> row_value, raw_bias;
  long weight_power = 0;                        // weights and biases times 2^weight_power are integers
  std::vector<Int> row_factor;                  // from the divisors
  long slope_power = 0;                         // slopes and intercepts times 2^slope_power are integers
  std::vector<std::vector<Int>> slopes_int, intercepts_int;  // per function and piece
  Int input_scale, row_scale_int;               // exact state of the previous stage and of this one's rows is scaled so
  std::vector<int> field_shift, field_bits;     // packed pattern, per unit (bits = 0: not stored)
};

struct Model {
  int inputs = 0;
  std::vector<Stage> stages;  // up to the last one that can split
  int total_units = 0;        // units with more than one piece in the whole network
  int pattern_bytes = 0;
};

// Half-spaces a.t + c >= 0 as integers, and the embedding of the domain into the inputs (empty: the identity).
struct Domain {
  int dim = 0;
  bool box = false;                      // finite box given by corners
  std::vector<double> lower, upper;
  std::vector<IntRow> rows;              // dim + 1 each
  std::vector<IntRow> embedding;         // inputs rows of dim + 1; times 1 / scale
  Int scale = 1;
};

inline int exponent_of(double v) {
  int e;
  std::frexp(v, &e);
  return e;
}

// The smallest p such that v * 2^p is an integer.
inline long fraction_bits(double v) {
  if (v == 0.0) return std::numeric_limits<int>::min();
  int e;
  const double m = std::frexp(v, &e);
  auto mantissa = static_cast<std::int64_t>(std::ldexp(m, 53));
  return 53 - e - __builtin_ctzll(static_cast<std::uint64_t>(mantissa));
}

inline double clamp_ldexp(double v, long e) {
  return std::ldexp(v, static_cast<int>(std::clamp<long>(e, -4000, 4000)));
}

// a / b as a double with relative error below 2^-50, times 2^shift.
inline double quotient(const Int& a, const Int& b, long shift = 0) {
  long ea, eb;
  const double ma = a.approximate(ea), mb = b.approximate(eb);
  if (ma == 0.0) return 0.0;
  return clamp_ldexp(ma / mb, ea - eb + shift);
}

inline Int gcd(Int a, Int b) {  // binary, for positive odd parts; slow and rarely used
  if (a.sign() < 0) a.negate();
  if (b.sign() < 0) b.negate();
  while (!a.is_zero() && !b.is_zero()) {
    a.shift_right_exact(a.trailing_zeros());
    b.shift_right_exact(b.trailing_zeros());
    Int d = a - b;
    if (d.sign() >= 0) {
      a = d;
    } else {
      d.negate();
      b = d;
    }
  }
  return a.is_zero() ? b : a;
}

// Exact quotient of positive integers by schoolbook binary division; used once per distinct divisor.
inline Int divide_exact(const Int& a, const Int& b) {
  Int rest = a, out;
  while (rest.sign() > 0) {
    long ea, eb;
    rest.approximate(ea);
    b.approximate(eb);
    long shift = ea - eb;
    Int step = b;
    step.shift_left(shift);
    while ((rest - step).sign() < 0 && shift > 0) {
      --shift;
      step = b;
      step.shift_left(shift);
    }
    rest -= step;
    Int one(1);
    one.shift_left(shift);
    out += one;
  }
  return out;
}

Model build_model(const std::vector<StageInput>& stages, const Domain& domain);

}  // namespace linregions
