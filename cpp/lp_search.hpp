// Depth first over sign patterns, stage by stage, for any number of dimensions.  A cell is the domain and a stack of signed
// rows; points that are known to lie in it save most of the linear programs.
#pragma once
#include <deque>
#include <vector>

#include "lp_prove.hpp"
#include "shared.hpp"

namespace linregions {

class LpSearch {
 public:
  LpSearch(Shared& shared, int thread);
  DomainState check_domain();
  void run();
  // Follows shared.target; what it ends in has an exact point strictly inside, if it is not empty.
  void replay(RegionShape& shape);

 private:
  // Points known to lie in a cell are ids_[begin, begin + count); `base` is a dictionary of some of its rows.
  struct Cell {
    std::size_t begin = 0, count = 0;
    const Dictionary* base = nullptr;
    const Dictionary* child[2] = {nullptr, nullptr};  // with one more row, solved
  };
  static constexpr int kShareLevel = 10;  // splits above which the threads walk together
  enum : int { kNegative = 1, kPositive = 2 };

  void build_domain_rows();
  bool push_domain();
  void compose_root();
  void compose(int s);
  Cell root_cell();

  // lp_search.cpp: the tree
  void enter(int s, Cell& cell, int level, double share);
  void settle_cuts(int s);
  void prefilter(int s, Cell& cell, int level);
  void build_groups(int s);
  void node(int s, std::size_t at, Cell& cell, int level, double share);
  void split(int s, std::size_t at, Cell& cell, int level, double share);
  void max_node(int s, std::size_t group, Cell& cell, int level, double share);
  void win(int s, std::size_t group, std::size_t row, Cell& cell, int level, double share);
  void leaf(int s, Cell& cell, int level, double share);
  void emit(const Cell& cell, double share);
  bool take();
  void flush();
  void done(double share);
  bool stopped() const { return shared_.stop.load(std::memory_order_relaxed) != 0; }

  // lp_sides.cpp: which sides of a cut a cell reaches
  int sides(int s, int c, Cell& cell, int level);
  bool test_side(int s, int c, int side, Cell& cell, int level);
  bool shoot(int s, int c, int side, Cell& cell);
  const Dictionary& complete(Cell& cell, int level);
  Prover::Verdict decide(Dictionary& d, double* x);
  void push_cut(int s, int c, int side);
  int sign_of(int s, int c, std::size_t point) const;
  void evaluate(int s, std::size_t point);
  std::size_t add_point(int s, const double* x);
  Dictionary& slot(std::size_t i) {
    while (slots_.size() <= i) slots_.emplace_back();
    return slots_[i];
  }
  const double* x(std::size_t point) const { return xs_.data() + point * geometry_.dim; }
  const double* u(std::size_t point) const { return us_.data() + point * geometry_.size; }

  Shared& shared_;
  const Model& model_;
  const Domain& domain_;
  int thread_, last_;
  std::vector<Frame> frames_;
  ExactRows exact_;
  Geometry geometry_;
  RowStack rows_;
  Prover prover_;
  Feed feed_;

  std::vector<double> domain_z_, domain_filter_;
  std::size_t domain_stride_ = 0;
  std::vector<char> homogeneous_;  // per stage: its rows have no offset
  std::deque<Dictionary> slots_;   // three per level
  std::size_t points_ = 0;
  std::vector<double> xs_, us_;
  std::vector<std::size_t> ids_;
  struct StageState {
    std::vector<std::uint64_t> signs;  // per point: `words` of positive bits, `words` of negative bits
    std::vector<int> order;            // compact cuts that split the entered cell
    std::vector<std::int8_t> known;    // per cut of the stage: its sign on the box, 2 for a constant zero, 0 for undecided
    std::vector<std::int8_t> positive; // per compact cut, once decided
  };
  std::vector<StageState> state_;
  std::vector<double> fresh_, direction_, middle_;
  std::vector<std::uint64_t> bits_;

  std::uint64_t found_ = 0;
  std::size_t next_claim_ = 0;
  bool inside_ = false;
  int splits_ = 0;  // along the path
  Output* output_ = nullptr;
  RegionShape* shape_ = nullptr;
};

}  // namespace linregions
