// One stage on one cell: the affine maps of its rows in float64 with error bounds, the cuts that split the cell, and the
// same rows as exact integers, made only when a sign asks for them.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "kept.hpp"
#include "kernels.hpp"
#include "model.hpp"

namespace linregions {

// Columns of a float block: dim slopes, the offset, then bounds on the error of a slope and of the offset.
struct Frame {
  const Stage* stage = nullptr;
  int dim = 0;
  std::vector<double> z, filter;            // all rows: (dim + 3, padded) and (3, padded)
  std::vector<double> all_z, all_filter;    // all cuts, where these are not the rows
  int all_padded = 0;
  // The cuts that split this cell, compact.
  int count = 0, words = 1, padded = 8;
  std::vector<int> cut;                     // index into stage->cuts
  std::vector<double> cut_z, cut_filter;
  std::vector<int> piece, stable_piece;     // per unit
  std::vector<char> split;                  // per unit: some cut of it is undecided
  std::vector<int> split_units;
  bool base_ready = false;
  std::vector<double> base;                 // next stage's rows, stable units only
  std::vector<char> renewed;                // rows made anew since the next stage last looked
  Kept kept;                                // where rows are kept from cell to cell
  // The same: cuts known to be zero on the whole cell, until an input of their rows changes; and units that have some.
  std::vector<std::uint64_t> zero;
  std::vector<char> zero_in;
  // Exact rows, valid where the stamp matches.
  std::uint32_t stamp = 1;
  std::vector<std::uint32_t> row_stamp, cut_stamp;
  std::vector<IntRow> exact_rows, exact_cuts;
  struct Group {
    int unit;
    std::vector<int> rows;                  // candidates, within the group
    std::vector<int> pair;                  // compact cut of (a, b), a < b, at a * size + b
  };
  std::vector<Group> groups;

  // keep: whether the rows come from `kept`, where the stage allows it
  void init(const Stage& s, int d, bool keep = false) {
    stage = &s;
    dim = d;
    z.assign(static_cast<std::size_t>(d + 3) * s.padded, 0.0);
    filter.assign(static_cast<std::size_t>(3) * s.padded, 0.0);
    const auto cuts = s.cuts.size();
    all_padded = s.simple ? s.padded : static_cast<int>((cuts + 7) / 8 * 8);
    if (!s.simple) {
      all_z.assign(static_cast<std::size_t>(d + 3) * all_padded, 0.0);
      all_filter.assign(static_cast<std::size_t>(3) * all_padded, 0.0);
    }
    piece.assign(s.units, 0);
    stable_piece.assign(s.units, 0);
    split.assign(s.units, 0);
    row_stamp.assign(s.rows, 0);
    cut_stamp.assign(cuts, 0);
    exact_rows.assign(s.rows, {});
    exact_cuts.assign(cuts, {});
    renewed.assign(s.rows, 1);
    if (keep) kept.init(s, d);
    if (!kept.on) return;
    zero.assign((cuts + 63) / 64, 0);
    zero_in.assign(s.units, 0);
  }

  void set_zero(int c) {
    zero[c / 64] |= std::uint64_t{1} << (c % 64);
    zero_in[stage->cuts[c].unit] = 1;
  }

  // Nothing is known any more of the cuts of row i.
  void forget_zeros(int i) {
    const int u = stage->max ? stage->unit_of[i] : i;
    if (!zero_in[u]) return;
    zero_in[u] = 0;
    for (int c = stage->cut_begin[u]; c < stage->cut_begin[u + 1]; ++c) zero[c / 64] &= ~(std::uint64_t{1} << (c % 64));
  }

  // Whether unit u is constant zero on its piece.
  bool drops(int u, int p) const {
    return !stage->max && stage->action[stage->function_of[u]][p] == Stage::Action::drop;
  }

  const double* cuts_z() const { return stage->simple ? z.data() : all_z.data(); }
  const double* cuts_filter() const { return stage->simple ? filter.data() : all_filter.data(); }

  // Fill the sign filters for all cuts, from z.
  void finish() {
    const Stage& s = *stage;
    const double gamma = (dim + 4) * kUnit * 1.01;
    if (s.simple && kept.on) {  // eight rows after eight, where one was made anew
      const int blocks = s.padded / 8;
      for (int b = 0; b < blocks; ++b) {
        if (!kept.block[b]) continue;
        const int first = b;
        while (b < blocks && kept.block[b]) kept.block[b++] = 0;
        kernels().finalize(8 * (b - first), dim, gamma, z.data() + 8 * first, s.padded, filter.data() + 8 * first);
      }
      return;
    }
    if (s.simple) {
      kernels().finalize(s.padded, dim, gamma, z.data(), s.padded, filter.data());
      return;
    }
    if (!kept.on) {
      compare(0, static_cast<int>(s.cuts.size()));
      kernels().finalize(all_padded, dim, gamma, all_z.data(), all_padded, all_filter.data());
      return;
    }
    for (int b = 0, done = 0; b < s.padded / 8; ++b) {  // the cuts of units that have a row in such a block
      if (!kept.block[b]) continue;
      kept.block[b] = 0;
      const int last = std::min(8 * b + 8, s.rows) - 1;
      const int begin = std::max(done, s.cut_begin[s.max ? s.unit_of[8 * b] : 8 * b]);
      const int end = s.cut_begin[(s.max ? s.unit_of[last] : last) + 1];
      done = std::max(done, end);
      if (begin >= end) continue;
      compare(begin, end);
      const int first = begin / 8 * 8;
      kernels().finalize((end - first + 7) / 8 * 8, dim, gamma, all_z.data() + first, all_padded,
                         all_filter.data() + first);
    }
  }

  // The cuts from `begin` to `end`, where these are not the rows, from z.
  void compare(int begin, int end) {
    const Stage& s = *stage;
    const std::size_t n = all_padded, p = s.padded;
    double* a = all_z.data();
    for (int c = begin; c < end; ++c) {
      const Cut& cut_at = s.cuts[c];
      const std::size_t i = cut_at.row;
      double slope_error = z[(dim + 1) * p + i], offset_error = z[(dim + 2) * p + i];
      double offset = z[dim * p + i];
      if (cut_at.other >= 0) {
        const std::size_t j = cut_at.other;
        double size = 0;
        for (int k = 0; k < dim; ++k) {
          size = std::fmax(size, std::fmax(std::fabs(z[k * p + i]), std::fabs(z[k * p + j])));
          a[k * n + c] = z[k * p + i] - z[k * p + j];
        }
        slope_error += z[(dim + 1) * p + j] + 4 * kUnit * size;
        offset_error += z[(dim + 2) * p + j] + 4 * kUnit * (std::fabs(offset) + std::fabs(z[dim * p + j]));
        offset -= z[dim * p + j];
      } else {
        for (int k = 0; k < dim; ++k) a[k * n + c] = z[k * p + i];
        const double t = s.threshold[c];
        if (t != 0.0) {
          offset_error += 4 * kUnit * (std::fabs(offset) + std::fabs(t)) + 1e-300;
          offset -= t;
        }
      }
      a[dim * n + c] = offset;
      a[(dim + 1) * n + c] = slope_error;
      a[(dim + 2) * n + c] = offset_error;
    }
  }

  // Copy the undecided cuts (indices in `cut`) into the compact block.
  void compact() {
    count = static_cast<int>(cut.size());
    words = count ? (count + 63) / 64 : 1;
    padded = (count + 7) / 8 * 8;
    if (padded == 0) padded = 8;
    const std::size_t p = padded, n = all_padded;
    if (cut_z.size() < (dim + 1) * p) cut_z.resize((dim + 1) * p * 2);
    if (cut_filter.size() < 3 * p) cut_filter.resize(3 * p * 2);
    const double* from = cuts_z();
    const double* from_filter = cuts_filter();
    for (int k = 0; k <= dim; ++k) {
      double* to = cut_z.data() + k * p;
      for (int c = 0; c < count; ++c) to[c] = from[k * n + cut[c]];
      for (int c = count; c < padded; ++c) to[c] = 0.0;
    }
    for (int k = 0; k < 3; ++k) {
      double* to = cut_filter.data() + k * p;
      for (int c = 0; c < count; ++c) to[c] = from_filter[k * n + cut[c]];
      for (int c = count; c < padded; ++c) to[c] = 0.0;
    }
  }
};

// Rows of `stage` before any unit is added: biases and their errors.
inline void start_rows(const Stage& stage, int dim, double* z) {
  const std::size_t p = stage.padded;
  for (std::size_t i = 0; i < dim * p; ++i) z[i] = 0.0;
  for (std::size_t i = 0; i < p; ++i) {
    const double b = stage.bias[i];
    z[dim * p + i] = b;
    z[(dim + 1) * p + i] = 1e-300;
    z[(dim + 2) * p + i] = stage.gamma * std::fabs(b) + 1e-300;
  }
}

// The affine maps of some inputs of a stage, ready to be multiplied by its columns: per input dim + 3 numbers.
struct Feed {
  int count = 0;
  std::vector<int> input;
  std::vector<double> numbers;
  std::vector<const double*> column;
  std::vector<double> block;  // scratch

  void clear() { count = 0; }
  // Room for one more; the caller fills the dim slopes and the offset and then calls `done`.
  double* next(int j, int dim) {
    if (count == static_cast<int>(input.size())) {
      input.resize(2 * count + 64);
      numbers.resize(input.size() * (dim + 3));
    }
    input[count] = j;
    return numbers.data() + static_cast<std::size_t>(count) * (dim + 3);
  }
  // Errors bound |slope - exact| and |offset - exact|; gamma is the relative error of what is made of them next.
  void done(double* y, int dim, double slope_error, double offset_error, double gamma) {
    double size = 0;
    for (int k = 0; k < dim; ++k) {
      const double a = std::fabs(y[k]);
      size = size < a ? a : size;
    }
    y[dim + 1] = slope_error + gamma * size;
    y[dim + 2] = offset_error + gamma * std::fabs(y[dim]);
    ++count;
  }
  void add_to(const Stage& stage, int dim, double* z) {
    const int n = count;
    if (n == 0) return;
    const int cols = dim + 3;
    const std::size_t p = stage.padded;
    if (stage.underflow) add_underflow(stage, dim, z);
    if (stage.dense) {
      if (static_cast<int>(column.size()) < n) column.resize(input.size());
      for (int k = 0; k < n; ++k) column[k] = stage.columns.data() + static_cast<std::size_t>(input[k]) * p;
      kernels().accumulate(stage.padded, n, column.data(), numbers.data(), cols, z, p);
      return;
    }
    std::size_t entries = 0;
    for (int k = 0; k < n; ++k) entries += stage.column_ptr[input[k] + 1] - stage.column_ptr[input[k]];
    if (entries > 4 * static_cast<std::size_t>(stage.rows)) {
      scatter(stage, dim, z);
      return;
    }
    for (int k = 0; k < n; ++k) {
      const double* g = numbers.data() + static_cast<std::size_t>(k) * cols;
      for (int at = stage.column_ptr[input[k]]; at < stage.column_ptr[input[k] + 1]; ++at) {
        const std::size_t i = stage.column_row[at];
        const double w = stage.column_value[at], size = std::fabs(w);
        for (int c = 0; c <= dim; ++c) z[c * p + i] += w * g[c];
        z[(dim + 1) * p + i] += size * g[dim + 1];
        z[(dim + 2) * p + i] += size * g[dim + 2];
      }
    }
  }

 private:
  // The same for many entries, with the numbers of a row beside one another.
  void scatter(const Stage& stage, int dim, double* z) {
    const int cols = dim + 3;
    const std::size_t p = stage.padded, wide = (cols + 7) / 8 * 8;
    block.resize(stage.rows * wide);
    for (int i = 0; i < stage.rows; ++i)
      for (std::size_t c = 0; c < wide; ++c) block[i * wide + c] = c < static_cast<std::size_t>(cols) ? z[c * p + i] : 0.0;
    for (std::size_t from = 0; from < wide; from += 8) {
      double g[8], mask[8];
      for (int k = 0; k < count; ++k) {
        for (std::size_t c = 0; c < 8; ++c) {
          const std::size_t at = from + c;
          g[c] = at < static_cast<std::size_t>(cols) ? numbers[static_cast<std::size_t>(k) * cols + at] : 0.0;
          mask[c] = at > static_cast<std::size_t>(dim) ? -0.0 : 0.0;
        }
        const int first = stage.column_ptr[input[k]];
        kernels().scatter(stage.column_ptr[input[k] + 1] - first, stage.column_row.data() + first,
                          stage.column_value.data() + first, g, mask, block.data() + from, wide);
      }
    }
    for (int i = 0; i < stage.rows; ++i)
      for (int c = 0; c < cols; ++c) z[c * p + i] = block[i * wide + c];
  }

  // A weight that underflowed is off by at most 5e-324, so its row by that much of the inputs' coefficients.
  void add_underflow(const Stage& stage, int dim, double* z) const {
    const std::size_t p = stage.padded;
    double slope = 0, offset = 0;
    for (int k = 0; k < count; ++k) {
      const double* g = numbers.data() + static_cast<std::size_t>(k) * (dim + 3);
      for (int c = 0; c < dim; ++c) slope += std::fabs(g[c]);
      slope += g[dim + 1];
      offset += std::fabs(g[dim]) + g[dim + 2];
    }
    for (int i = 0; i < stage.rows; ++i) {
      z[(dim + 1) * p + i] += slope * 1e-310;
      z[(dim + 2) * p + i] += offset * 1e-310;
    }
  }
};

// The affine map of unit u of a frame after its activation, pushed into a feed for the next stage.
template <int D>
inline void push_unit(const Frame& f, int u, int piece, double next_gamma, Feed& feed) {
  const Stage& s = *f.stage;
  const std::size_t p = s.padded;
  const int dim = D > 0 ? D : f.dim;
  const auto action = s.max ? Stage::Action::keep : s.action[s.function_of[u]][piece];
  if (action == Stage::Action::drop) return;
  const std::size_t i = s.max ? s.offsets[u] + piece : u;
  const double* z = f.z.data() + i;
  double* y = feed.next(u, dim);
  for (int k = 0; k <= dim; ++k) y[k] = z[k * p];
  double slope_error = z[(dim + 1) * p], offset_error = z[(dim + 2) * p];
  if (action == Stage::Action::affine) {
    const int which = s.function_of[u];
    const double slope = s.functions[which].slopes[piece];
    const Int& intercept = s.intercepts_int[which][piece];
    double size = 0;
    for (int k = 0; k <= dim; ++k) {
      y[k] *= slope;
      if (k < dim) size = std::fmax(size, std::fabs(y[k]));
    }
    const double gain = std::fabs(slope) * (1 + 8 * kUnit);
    slope_error = slope_error * gain + 2 * kUnit * size + 1e-300;
    offset_error = offset_error * gain + 2 * kUnit * std::fabs(y[dim]) + 1e-300;
    if (!intercept.is_zero()) {
      long e;
      const double m = intercept.approximate(e);
      const double c = clamp_ldexp(m, e - s.slope_power + s.unit_scale[u]);
      offset_error += 16 * kUnit * std::fabs(c) + 4 * kUnit * std::fabs(y[dim]) + 1e-300;
      y[dim] += c;
    }
  }
  feed.done(y, dim, slope_error, offset_error, next_gamma);
}

// The same for an active ReLU.
template <int D>
inline void push_row(const Frame& f, int u, double next_gamma, Feed& feed) {
  const std::size_t p = f.stage->padded;
  const int dim = D > 0 ? D : f.dim;
  const double* z = f.z.data() + u;
  double* y = feed.next(u, dim);
  for (int k = 0; k <= dim; ++k) y[k] = z[k * p];
  feed.done(y, dim, z[(dim + 1) * p], z[(dim + 2) * p], next_gamma);
}

}  // namespace linregions
