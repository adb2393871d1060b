// Proofs about the open cell that a stack of rows bounds: a point strictly inside shows that it is not empty, multipliers
// show that it is, and integers decide where floating point can do neither.
#pragma once
#include <atomic>
#include <vector>

#include "lp_dictionary.hpp"
#include "lp_exact.hpp"
#include "lp_rows.hpp"

namespace linregions {

class Prover {
 public:
  Prover(const Geometry& geometry, const RowStack& rows, const std::vector<Frame>& frames, ExactRows& exact,
         const std::atomic<int>* stop)
      : geometry_(geometry), rows_(rows), frames_(frames), exact_(exact), stop_(stop) {}

  void init();  // once the geometry is known

  enum class Verdict { empty, point, thin };  // thin: not empty, but no float64 point of it is known

  // What the program over all rows of the stack says; `exact_decisions` grows where integers said it, `doubtful` where
  // nothing did.  With `point`, x is strictly inside every row.
  Verdict decide(Dictionary& d, bool exact, double* x);
  // The same by integers alone, starting from the rows named in `active`; the point also as [X..., w], w > 0.
  Verdict decide_exactly(std::vector<int> active, double* x, IntRow* homogeneous);
  // Whether x is strictly on the right side of every row: certified, or settled in integers if `exact`.
  bool inside(const double* x, bool exact);
  // Whether the closed set has a point.
  bool closed_has_point();

  std::uint64_t exact_decisions = 0, doubtful = 0;

 private:
  bool proved(const Dictionary& d, double* x, Verdict& verdict);
  bool supremum_is_negative(const Dictionary& d);
  bool rows_cancel(const Dictionary& d);
  bool units_cancel(const Dictionary& d);
  double solve(int n, std::vector<double>& y);
  int exact_sign(int row, const double* x);
  ExactProgram::Row program_row(int row);
  IntRow exact_row(int row);
  bool pulled_point(const Dictionary& d, double* x);
  IntRow domain_point(const IntRow& u) const;

  const Geometry& geometry_;
  const RowStack& rows_;
  const std::vector<Frame>& frames_;
  ExactRows& exact_;
  const std::atomic<int>* stop_;
  long shift_ = 0;                    // box: corners times 2^shift are integers
  IntRow lower_, width_;
  std::vector<int> open_, support_;
  std::vector<double> u_, sums_, matrix_, error_, inverse_;
};

}  // namespace linregions
