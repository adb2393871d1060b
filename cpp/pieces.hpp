// The pieces of a polytope under at most 64 cuts, counted in floating point with error bounds, or not at all: this is the
// fast way, and the caller has an exact one.  A vertex is known by the values of the cuts, which is all that sections
// need; no coordinates are made.
#pragma once
#include <atomic>

#include "arena.hpp"
#include "chords.hpp"

namespace linregions {

template <int W>
struct ValueTable {
  int dim = 0, count = 0;
  int width = 8;                                  // numbers in a row, a multiple of 8
  Mask<W>* mask = nullptr;                        // facets of a vertex: dim of them, besides those that all share
  double* value = nullptr;                        // a row for every vertex
  double* error = nullptr;                        // of a vertex's values
  std::uint64_t *pos = nullptr, *neg = nullptr;   // of a vertex: cuts with certified signs
  std::uint8_t* far = nullptr;                    // null on a bounded polytope
  double* base = nullptr;                         // values at a point of the affine hull, where some vertex is far
  double base_error = 0, base_most = 0;
  double most = 0;                                // bounds all values at vertices

  const double* row(int i) const { return value + static_cast<std::size_t>(i) * width; }
  bool edge(int i, int j) const {  // of a simple polytope: all facets but one are shared
    int n = 0;
    for (int w = 0; w < W; ++w) {
      const std::uint64_t x = mask[i].word[w] & ~mask[j].word[w];
      if (x & (x - 1)) return false;
      n += x != 0;
    }
    return n == 1;
  }
};

template <int W>
class Pieces {
 public:
  using Table = ValueTable<W>;
  Pieces(Arena& arena, const std::atomic<int>& stop) : arena_(arena), stop_(stop) {}

  // The number of pieces, a lower bound if the run is stopped; 0 where floating point cannot tell.
  // Every cut takes both signs, and all signs at the vertices are known.
  std::uint64_t count(const Table& t, std::uint64_t cuts) {
    if ((cuts & (cuts - 1)) == 0) return cuts ? 2 : 1;
    if (t.dim == 2) return count_chords(t, cuts);
    std::uint64_t total = 2, below = cuts & (~cuts + 1);
    for (std::uint64_t rest = cuts & (cuts - 1); rest; rest &= rest - 1) {
      const int c = std::countr_zero(rest);
      const auto mark = arena_.mark();
      const std::uint64_t n = count_on_cut(t, c, below);
      arena_.release(mark);
      if (n == 0) return 0;
      total += n;
      below |= std::uint64_t{1} << c;
      if (stop_.load(std::memory_order_relaxed)) return total;
    }
    return total;
  }

 private:
  std::uint64_t count_on_cut(const Table& t, int c, std::uint64_t below) {
    auto* side = arena_.template take<int>(t.count);
    int p = 0, n = t.count;
    for (int i = 0; i < t.count; ++i) {
      if (t.pos[i] >> c & 1)
        side[p++] = i;
      else
        side[--n] = i;
    }
    auto* ends = arena_.template take<int>(static_cast<std::size_t>(2) * p * (t.count - p));
    int edges = 0;
    for (int i = 0; i < p; ++i)
      for (int j = p; j < t.count; ++j)
        if (t.edge(side[i], side[j])) {
          ends[2 * edges] = side[i];
          ends[2 * edges + 1] = side[j];
          ++edges;
        }
    Table section;
    std::uint64_t active;
    if (!cut_edges(t, c, below, ends, edges, section, active)) return 0;
    return count(section, active);
  }

  // The section by cut c from the edges that it cuts, and the cuts of `below` that take both signs there; false where a sign
  // is not certain.
  bool cut_edges(const Table& t, int c, std::uint64_t below, const int* ends, int edges, Table& s,
                 std::uint64_t& active) {
    s.dim = t.dim - 1;
    s.count = edges;
    s.width = (c + 7) / 8 * 8;
    s.most = t.most;
    s.mask = arena_.template take<Mask<W>>(edges);
    s.value = arena_.template take<double>(static_cast<std::size_t>(edges) * s.width);
    s.error = arena_.template take<double>(edges);
    s.pos = arena_.template take<std::uint64_t>(edges);
    s.neg = arena_.template take<std::uint64_t>(edges);
    if (t.far) s.far = arena_.template take<std::uint8_t>(edges);
    std::uint64_t sure = below, pos = 0, neg = 0;
    bool far = false;
    for (int k = 0; k < edges; ++k) {
      const int u = ends[2 * k], v = ends[2 * k + 1];
      const ChordEnd at = end_on_edge(t.row(u), t.row(v), larger(t.error[u], t.error[v]), t.most, c);
      s.mask[k] = t.mask[u] & t.mask[v];
      s.error[k] = at.error;
      if (t.far) far |= (s.far[k] = t.far[u] && t.far[v]);
      kernels().mix(s.width, at.row0, at.w0, at.row1, at.w1, at.error, s.value + static_cast<std::size_t>(k) * s.width,
                    s.pos + k, s.neg + k);
      sure &= s.pos[k] | s.neg[k];
      pos |= s.pos[k];
      neg |= s.neg[k];
    }
    active = below & pos & neg;
    return sure == below && (!far || move_base(t, c, s));
  }

  // A point of the section's affine hull, from that of the polytope.
  bool move_base(const Table& t, int c, Table& s) {
    int best = -1;
    for (int i = 0; i < t.count; ++i)
      if (t.far[i] && (best < 0 || std::fabs(t.row(i)[c]) > std::fabs(t.row(best)[c]))) best = i;
    const ChordEnd at = end_on_ray(t.base, t.base_error, t.base_most, t.row(best), t.error[best], t.most, c);
    s.base = arena_.template take<double>(s.width);
    std::uint64_t pos, neg;
    kernels().mix(s.width, at.row0, at.w0, at.row1, at.w1, at.error, s.base, &pos, &neg);
    s.base_error = at.error;
    s.base_most = (t.base_most + std::fabs(at.w1) * t.most) * 1.001;
    return s.base_most < std::numeric_limits<double>::infinity();
  }

  // In a polygon, chord after chord.
  std::uint64_t count_chords(const Table& t, std::uint64_t cuts) {
    std::uint64_t total = 2, below = cuts & (~cuts + 1);
    for (std::uint64_t rest = cuts & (cuts - 1); rest; rest &= rest - 1) {
      const int c = std::countr_zero(rest);
      ChordEnd end[2];
      if (!find_ends(t, c, end)) return 0;
      const int n = (c + 7) / 8 * 8;
      std::uint64_t met = 0;
      if (end[0].far && end[1].far) {
        int best = -1;
        for (int i = 0; i < t.count; ++i)
          if (t.far[i] && (best < 0 || std::fabs(t.row(i)[c]) > std::fabs(t.row(best)[c]))) best = i;
        const ChordEnd middle =
            end_on_ray(t.base, t.base_error, t.base_most, t.row(best), t.error[best], t.most, c);
        if (!meet(n, middle, end[0], below, met) || !meet(n, middle, end[1], below, met)) return 0;
      } else if (!meet(n, end[0], end[1], below, met)) {
        return 0;
      }
      total += 1 + static_cast<std::uint64_t>(bit_count(met));
      below |= std::uint64_t{1} << c;
    }
    return total;
  }

  bool find_ends(const Table& t, int c, ChordEnd* end) const {
    int found = 0;
    for (int i = 0; i < t.count; ++i) {
      if (!(t.pos[i] >> c & 1)) continue;
      for (int j = 0; j < t.count; ++j) {
        if (!(t.neg[j] >> c & 1) || !t.edge(i, j)) continue;
        if (found == 2) return false;
        end[found] = end_on_edge(t.row(i), t.row(j), larger(t.error[i], t.error[j]), t.most, c);
        end[found++].far = t.far && t.far[i] && t.far[j];
      }
    }
    return found == 2;
  }

  // Adds the lines of `below` that meet the chord from p to q; false where they or the order of their points are not
  // certain.
  bool meet(int n, const ChordEnd& p, const ChordEnd& q, std::uint64_t below, std::uint64_t& met) const {
    double t[64], room[64];
    std::uint64_t cross, doubt;
    lines_across(n, p, q, t, room, &cross, &doubt);
    if (doubt & below) return false;
    cross &= below;
    met |= cross;
    return (cross & (cross - 1)) == 0 || apart(cross, t, room);
  }

  Arena& arena_;
  const std::atomic<int>& stop_;
};

}  // namespace linregions
