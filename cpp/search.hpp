// The depth-first search over cells, one stage after another.
#pragma once
#include <algorithm>
#include <array>

#include "cell.hpp"
#include "pieces.hpp"
#include "shared.hpp"

namespace linregions {

// D: dimension (0: known at run time only); W: words in a facet mask; Inf: whether vertices may lie at infinity.
template <int D, int W, bool Inf>
class Search {
 public:
  static constexpr int N = D > 0 ? D : kMaxDim;
  using V = Vertex<N, W, Inf>;
  using C = Cell<N, W, Inf>;
  static constexpr int kBits = 64 * W;

  Search(Shared& shared, int thread)
      : shared_(shared),
        model_(shared.model),
        dim_(shared.domain.dim),
        thread_(thread),
        frames_(shared.model.stages.size()),
        exact_(shared.model, shared.domain, frames_),
        last_(static_cast<int>(shared.model.stages.size()) - 1) {
    for (std::size_t s = 0; s < frames_.size(); ++s) frames_[s].init(model_.stages[s], dim(), s > 0);
    build_domain_rows();
  }

  void run();
  DomainState clip_domain(Root& root);

 private:
  int dim() const { return D > 0 ? D : dim_; }
  bool lists() const { return shared_.options.mode == Mode::list || shared_.options.mode == Mode::complex; }

  // search_signs.inl: certified signs
  void build_domain_rows();
  void refresh(V& v, const FacetId* facet);
  bool polish(V& v, const FacetId* facet);
  void raw_signs(int count, const double* z, const double* filter, std::size_t stride, const V& v, std::uint64_t* pos,
                 std::uint64_t* neg) const;
  void leave_zeros(int s, const C& cell, const std::uint64_t* sign, int words, std::uint64_t* wanted);
  void fix_signs(int level, const int* cut, int count, const double* z, const double* filter, std::size_t stride, V& v,
                 const FacetId* facet, const std::uint64_t* wanted, std::uint64_t* pos, std::uint64_t* neg);
  int exact_sign(int level, int cut, V& v, const FacetId* facet);
  const IntRow& exact_vertex(V& v, const FacetId* facet);
  struct Value {
    double value, error;
  };
  Value value_at(const double* z, const double* filter, std::size_t stride, int c, const V& v) const;

  // search_split.inl: splitting a cell by a cut
  struct Block {  // cuts that are being decided: a frame's compact cuts, or the domain's half-spaces
    int level, count, words;
    const int* cut;
    const double *z, *filter;
    std::size_t stride;
  };
  Block block(int s) const {
    const Frame& f = frames_[s];
    return {s + 1, f.count, f.words, f.cut.data(), f.cut_z.data(), f.cut_filter.data(), std::size_t(f.padded)};
  }
  struct Crossing {
    int count;
    V* vertex;
    std::uint64_t* sign;
    int bit;
    FacetId* facet;
    std::uint64_t* split;
  };
  Crossing cross(const C& cell, const Block& b, int c, const std::uint64_t* wanted);
  bool interpolate(const V& p, const V& n, Value fp, Value fn, V& out);
  C child(const C& cell, const Block& b, const Crossing& x, int c, int side);  // side +1, -1, or 0 for the section
  void summarize(const C& cell, int words, std::uint64_t* pos, std::uint64_t* neg) const;

  // search_count.inl: the last stage, counted without listing
  // k: the dimension of the cell, which may be a section
  std::uint64_t count_cuts(const C& cell, const Block& b, const std::uint64_t* cuts, int k);
  std::uint64_t count_on_cut(const C& cell, const Block& b, const std::uint64_t* cuts, int c, int k);
  std::uint64_t count_on_segment(const C& cell, const Block& b, const std::uint64_t* cuts);
  void place_on_ray(const Block& b, int c, const V& p, const V& n, double& t, double& error) const;
  void count_last(const C& cell, int s, int depth);

  // search_values.inl: the same in floating point, from the cuts' values at the vertices
  struct Values {
    int width = 8;
    double *row = nullptr, *error = nullptr;
    std::uint8_t* far = nullptr;
    double* base = nullptr;  // where some vertex is far
    double most = 0, base_error = 0, base_most = 0;
  };
  Values values_of(const C& cell, const Block& b, const int* list, int n);

  // search_polygon.inl: many cuts in a polygon
  struct Polygon {
    int *cut = nullptr, *corner = nullptr;  // of the block; of the cell, in order around it
    Values values;
  };
  bool open_polygon(const C& cell, const Block& b, const std::uint64_t* cuts, int n, Polygon& out);
  ChordEnd chord_end(const Polygon& p, int i, int u, int v) const;
  ChordEnd chord_middle(const C& cell, const Polygon& p, int i) const;
  bool meet_chord(int i, const ChordEnd& p, const ChordEnd& q, std::uint64_t& met, std::vector<int>& open);
  std::uint64_t count_on_chord(const C& cell, const Block& b, const std::uint64_t* cuts, const Polygon& p, int i);
  bool crosses_line(const C& cell, const int (&edge)[2]) const;
  IntRow exact_end(const C& cell, const Block& b, int c, int u, int v);
  std::uint64_t count_in_polygon(const C& cell, const Block& b, const std::uint64_t* cuts, int n);
  bool sharpen(const C& cell, double radius);
  std::uint64_t count_in_floats(const C& cell, const Block& b, const std::uint64_t* cuts, int n, int k);

  // search_compose.inl: the rows of a stage on a cell
  void compose_root();
  void push(int s, int u);
  void compose(int s);
  void renew(int s);

  // search_tree.inl: the tree itself
  void enter(int s, C cell, int depth);
  void build_groups(int s, const std::uint64_t* pos, const std::uint64_t* neg, std::vector<int>& undecided);
  // Cuts that a cell is open to, and those that it is known to lie on the positive side of.
  struct Known {
    std::uint64_t *open, *positive;
  };
  Known learn(const C& cell, const Known& before, int words);
  void node(int s, const C& cell, Known before, int depth);
  void max_node(int s, const C& cell, Known before, std::size_t group, int depth);
  void win(int s, const C& cell, Known known, std::size_t group, std::size_t row, std::size_t against, std::uint64_t split,
           int depth);
  void leaf(int s, const C& cell, int depth);
  void emit(const C& cell, int depth);
  bool take();
  std::uint64_t next_split() { return inside_ ? ++inner_splits_ : ++top_splits_; }
  void hand_over();
  void note(std::uint64_t event) { digest_ = (digest_ ^ event) * 0x9e3779b97f4a7c15u, digest_ ^= digest_ >> 29; }
  void finish(int depth);
  void add_regions(std::uint64_t n);
  void flush();
  // Asked before work is left out.
  bool stopped() {
    const bool stop = shared_.stop.load(std::memory_order_relaxed) != 0;
    cut_short_ = cut_short_ || stop;
    return stop;
  }

  // search_emit.inl
  bool witness(const C& cell, double* out);
  bool strictly_inside(const C& cell, const double* x);
  void record_shape(const C& cell);

  // search_corners.inl
  bool order_corners(const C& cell, int* corner, std::uint8_t* seen) const;
  void settle_corner(V& v, const FacetId* facet);
  double off_line(FacetId id, const double* x) const;
  Value twice_area(const C& cell, const int* corner) const;
  Value settled_area(const C& cell, const int* corner);
  int exact_orientation(const C& cell, const int* corner);
  int edge_bit(const C& cell, const V& a, const V& b) const;
  void record_polygon(const C& cell, PolygonList& list);
  void charge(PolygonList& list);

  // search_complex.inl
  void sign_block(int level, int count, const double* z, const double* filter, std::size_t stride, V& v,
                  const FacetId* facet, const std::uint64_t* wanted, std::uint64_t* pos, std::uint64_t* neg);
  void follow_winners(int s, std::uint64_t* pos, std::uint64_t* neg) const;
  void sign_vertex(V& v, const FacetId* facet, std::uint64_t* key);
  void want_columns();
  void record_point(V& v, const FacetId* facet, CellList& list);
  void record_facets(const C& cell, CellList& list);
  void record_cell(const C& cell, CellList& list);
  void record_root(const C& cell);

  Shared& shared_;
  const Model& model_;
  int dim_;
  int thread_;
  std::vector<Frame> frames_;
  Exact exact_;
  int last_;
  Arena arena_, other_arena_;
  struct Exactly {
    std::uint64_t id;
    IntRow row;
  };
  std::vector<Exactly> pool_;  // exact vertices, a stack along the search
  std::uint64_t next_id_ = 1;
  std::vector<double> domain_z_, domain_filter_;
  std::vector<int> domain_cut_;
  Feed feed_;
  std::vector<double> scratch_;
  std::vector<std::uint64_t> bits_;
  // complex mode
  std::vector<std::uint64_t> wanted_columns_, wanted_, key_, sets_;
  MaximalSets maximal_;
  // polygons: the split that is being made, and numbers of splits above and inside the subtrees that one thread takes
  std::uint64_t split_ = 0, top_splits_ = 0, inner_splits_ = 0;
  double extent_ = 0, box_ = 0;  // of the domain: its largest extent, the area of its bounding box
  // counting
  Buckets buckets_;
  std::vector<int> open_cuts_;
  std::uint64_t exact_decisions_ = 0, doubtful_ = 0, found_ = 0;
  // Decisions above the sharing depth, which all threads take alike: counted by the first thread only.
  std::uint64_t top_exact_decisions_ = 0, top_doubtful_ = 0;
  std::size_t next_claim_ = 0;
  bool inside_ = false;  // in a subtree that this thread owns
  int share_depth_ = 0, progress_depth_ = 0;
  Output* output_ = nullptr;
  // The piece that this thread is on, or has just left.
  Finished piece_;
  bool has_piece_ = false, cut_short_ = false;
  std::uint64_t digest_ = 0x243f6a8885a308d3u;  // of the frontier
};

template <int D, int W, bool Inf>
void run_search(Shared& shared, int thread) {
  Search<D, W, Inf>(shared, thread).run();
}

}  // namespace linregions

#include "search_signs.inl"
#include "search_split.inl"
#include "search_values.inl"
#include "search_polygon.inl"
#include "search_count.inl"
#include "search_compose.inl"
#include "search_tree.inl"
#include "search_emit.inl"
#include "search_corners.inl"
#include "search_complex.inl"
