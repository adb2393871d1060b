// The rows of a sparse stage, kept from one cell to the next, which mostly differs in few inputs.  A row is always the sum
// of its bias and of all its inputs, columns ascending, an input that is off as zeros: what it is on a cell does not depend
// on the cells before.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels.hpp"
#include "model.hpp"

namespace linregions {

struct Kept {
  bool on = false;
  int cols = 0, wide = 8;          // numbers of an input, and their room: a multiple of 8
  std::vector<double> numbers;     // per input of the stage: what it was last
  std::vector<int> piece;          // and the piece it was last on; -1 before the first cell
  std::vector<char> marked;        // per row: an input changed
  std::vector<int> rows;           // those rows
  std::vector<char> block;         // per eight rows: one was made anew
  std::vector<double> mask, sum;
  std::vector<int> begin, end;

  void init(const Stage& s, int dim) {
    on = !s.dense && !s.underflow;  // a weight that underflowed is paid for by all rows
    if (!on) return;
    cols = dim + 3;
    wide = (cols + 7) / 8 * 8;
    numbers.assign(static_cast<std::size_t>(s.inputs) * wide, 0.0);
    piece.assign(s.inputs, -1);
    marked.assign(s.rows, 1);
    rows.resize(s.rows);
    for (int i = 0; i < s.rows; ++i) rows[i] = i;
    block.assign(s.padded / 8, 1);
    mask.assign(wide, 0.0);
    for (int c = dim + 1; c < cols; ++c) mask[c] = -0.0;
  }

  // Input j is now `now` (null: nothing).  Its rows are marked even where the numbers stay, since what they stand for may
  // have changed.
  void put(const Stage& s, int j, const double* now) {
    double* y = numbers.data() + static_cast<std::size_t>(j) * wide;
    for (int c = 0; c < cols; ++c) y[c] = now ? now[c] : 0.0;
    for (int at = s.column_ptr[j]; at < s.column_ptr[j + 1]; ++at) {
      const int i = s.column_row[at];
      if (marked[i]) continue;
      marked[i] = 1;
      rows.push_back(i);
    }
  }

  // Make the marked rows, and say so in `renewed`.
  void make(const Stage& s, double* z, char* renewed) {
    const std::size_t p = s.padded, n = rows.size();
    const int dim = cols - 3;
    if (n == 0) return;
    begin.resize(n);
    end.resize(n);
    sum.resize(8 * n);
    for (std::size_t q = 0; q < n; ++q) {
      begin[q] = s.entry_ptr[rows[q]];
      end[q] = s.entry_ptr[rows[q] + 1];
    }
    for (int from = 0; from < cols; from += 8) {
      const int some = cols - from < 8 ? cols - from : 8;
      std::fill(sum.begin(), sum.end(), 0.0);
      for (int c = dim; c < cols; ++c) {
        if (c < from || c >= from + some) continue;
        for (std::size_t q = 0; q < n; ++q) sum[8 * q + c - from] = start(s.bias[rows[q]], s.gamma, c - dim);
      }
      kernels().gather(static_cast<int>(n), begin.data(), end.data(), s.entry_column.data(), s.entry_value.data(),
                       numbers.data() + from, wide, mask.data() + from, sum.data());
      for (int c = 0; c < some; ++c)
        for (std::size_t q = 0; q < n; ++q) z[(from + c) * p + rows[q]] = sum[8 * q + c];
    }
    for (const int i : rows) {
      marked[i] = 0;
      renewed[i] = 1;
      block[i / 8] = 1;
    }
    rows.clear();
  }

 private:
  // A row before any input is added: its bias, and the bounds of slopes' and offset's error, as in start_rows.
  static double start(double bias, double gamma, int what) {
    return what == 0 ? bias : what == 1 ? 1e-300 : gamma * std::fabs(bias) + 1e-300;
  }
};

}  // namespace linregions
