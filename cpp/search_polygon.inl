// Polygons with many cuts: chord after chord, the points where the earlier cuts meet it.
//
// Every two cuts are looked at, a few at a time: that no three chords meet in a point cannot be known by less (it is
// as hard as finding three collinear points), and the interleaving of their ends alone would count such points twice.
#pragma once

namespace linregions {

// The values of all cuts at the corners, which are brought into order; false where the table would be too large.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::open_polygon(const C& cell, const Block& b, const std::uint64_t* cuts, int n, Polygon& out) {
  if (static_cast<double>(n) * cell.count > 3e7) return false;
  out.cut = arena_.take<int>(n);
  out.corner = arena_.take<int>(cell.count);
  int at = 0;
  for (int w = 0; w < b.words; ++w)
    for (std::uint64_t rest = cuts[w]; rest; rest &= rest - 1) out.cut[at++] = 64 * w + std::countr_zero(rest);
  auto* seen = arena_.take<std::uint8_t>(cell.count);
  if (!order_corners(cell, out.corner, seen)) return false;
  sharpen(cell, kSharpestRadius);
  out.values = values_of(cell, b, n == b.count ? nullptr : out.cut, n);
  return true;
}

// One end of chord i: on the edge from corner u to corner v, or at corner u where v is u.
template <int D, int W, bool Inf>
ChordEnd Search<D, W, Inf>::chord_end(const Polygon& p, int i, int u, int v) const {
  const Values& t = p.values;
  const double* row_u = t.row + static_cast<std::size_t>(u) * t.width;
  const double* row_v = t.row + static_cast<std::size_t>(v) * t.width;
  const double error = larger(t.error[u], t.error[v]);
  ChordEnd end = u == v ? ChordEnd{row_u, row_u, 1, 0, error, false} : end_on_edge(row_u, row_v, error, t.most, i);
  end.far = Inf && t.far[u] && t.far[v];
  return end;
}

// A point of chord i, which goes from infinity to infinity.
template <int D, int W, bool Inf>
ChordEnd Search<D, W, Inf>::chord_middle(const C& cell, const Polygon& p, int i) const {
  const Values& t = p.values;
  int best = -1;
  for (int k = 0; k < cell.count; ++k)
    if (t.far[k] && (best < 0 || std::fabs(t.row[static_cast<std::size_t>(k) * t.width + i]) >
                                     std::fabs(t.row[static_cast<std::size_t>(best) * t.width + i])))
      best = k;
  const double* direction = t.row + static_cast<std::size_t>(best) * t.width;
  return end_on_ray(t.base, t.base_error, t.base_most, direction, t.error[best], t.most, i);
}

// Which of the first i cuts meet the chord from p to q, added to `met`; those that are not certain are added to `open`.
// False where two of the points may be the same.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::meet_chord(int i, const ChordEnd& p, const ChordEnd& q, std::uint64_t& met,
                                   std::vector<int>& open) {
  constexpr int kBlock = 1024;
  std::uint64_t doubt[kBlock / 64];
  buckets_.reset(static_cast<std::size_t>(i));
  ChordEnd a = p, c = q;
  for (int from = 0; from < i; from += kBlock) {
    const int n = std::min(kBlock, i - from);
    a.row0 = p.row0 + from;
    a.row1 = p.row1 + from;
    c.row0 = q.row0 + from;
    c.row1 = q.row1 + from;
    std::uint64_t* cross = buckets_.cross() + from / 64;
    lines_across((n + 7) / 8 * 8, a, c, buckets_.t() + from, buckets_.room() + from, cross, doubt);
    if (n % 64) {
      const std::uint64_t mine = (std::uint64_t{1} << (n % 64)) - 1;
      cross[n / 64] &= mine;
      doubt[n / 64] &= mine;
    }
    for (int w = 0; 64 * w < n; ++w) {
      met += static_cast<std::uint64_t>(bit_count(cross[w]));
      for (std::uint64_t rest = doubt[w]; rest; rest &= rest - 1) open.push_back(from + 64 * w + std::countr_zero(rest));
    }
    if (!buckets_.add(static_cast<std::size_t>(from), n)) return false;
  }
  return buckets_.differ(static_cast<std::size_t>(i));
}

// Whether an edge is a whole line: both corners are far, but not on one side of the infinite box.  The point where a cut
// meets it is not far, and the corners' directions, which are opposite, do not tell where it is.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::crosses_line(const C& cell, const int (&edge)[2]) const {
  if constexpr (Inf) {
    const V &u = cell.vertex[edge[0]], &v = cell.vertex[edge[1]];
    const std::uint64_t sides = (std::uint64_t{1} << (2 * dim())) - 1;
    return edge[0] != edge[1] && u.far && v.far && !(u.mask.word[0] & v.mask.word[0] & sides);
  }
  return false;
}

// Pieces of chord i under the cuts before it; 0 if one of them has the same chord.
template <int D, int W, bool Inf>
std::uint64_t Search<D, W, Inf>::count_on_chord(const C& cell, const Block& b, const std::uint64_t* cuts,
                                                const Polygon& p, int i) {
  const int c = p.cut[i], at = c / 64, shift = c % 64;
  const auto sign = [&](int corner) {
    const std::uint64_t* s = cell.sign + std::size_t(2) * corner * b.words;
    return static_cast<int>(s[at] >> shift & 1) - static_cast<int>(s[b.words + at] >> shift & 1);
  };
  int end[2][2], found = 0, last = p.corner[cell.count - 1], before = sign(last);
  for (int k = 0; k < cell.count; ++k) {
    const int corner = p.corner[k], now = sign(corner);
    const bool on = now == 0, between = before * now < 0;
    if (on || between) {
      if (found == 2) return count_on_cut(cell, b, cuts, c, 2);
      end[found][0] = on ? corner : last;
      end[found++][1] = corner;
    }
    last = corner;
    before = now;
  }
  if (found != 2 || crosses_line(cell, end[0]) || crosses_line(cell, end[1])) return count_on_cut(cell, b, cuts, c, 2);
  const ChordEnd one = chord_end(p, i, end[0][0], end[0][1]), two = chord_end(p, i, end[1][0], end[1][1]);
  std::uint64_t met = 0;
  std::vector<int>& open = open_cuts_;
  open.clear();
  bool sure;
  if (Inf && one.far && two.far) {
    const ChordEnd middle = chord_middle(cell, p, i);
    sure = meet_chord(i, middle, one, met, open) && meet_chord(i, middle, two, met, open);
  } else {
    sure = meet_chord(i, one, two, met, open);
  }
  if (!sure || (!open.empty() && !shared_.options.exact)) return count_on_cut(cell, b, cuts, c, 2);
  if (!open.empty()) {
    std::sort(open.begin(), open.end());
    open.erase(std::unique(open.begin(), open.end()), open.end());
    const IntRow ends[2] = {exact_end(cell, b, c, end[0][0], end[0][1]), exact_end(cell, b, c, end[1][0], end[1][1])};
    exact_decisions_ += open.size();
    for (const int j : open) {
      const IntRow& row = exact_.facet_row(facet_id(b.level, b.cut ? b.cut[p.cut[j]] : p.cut[j]));
      const int first = exact_.sign(row, ends[0]), second = exact_.sign(row, ends[1]);
      if (first == 0 && second == 0) return 0;
      if (first * second < 0) return count_on_cut(cell, b, cuts, c, 2);
    }
  }
  return 1 + met;
}

// The point where cut c meets the edge from corner u to corner v (corner u itself where v is u), in integers.
template <int D, int W, bool Inf>
IntRow Search<D, W, Inf>::exact_end(const C& cell, const Block& b, int c, int u, int v) {
  FacetId ids[kBits + 1];
  int n = list_facets(cell.vertex[u].mask & cell.vertex[v].mask, cell.facet, ids);
  if (u != v) ids[n++] = facet_id(b.level, b.cut ? b.cut[c] : c);
  return exact_.vertex(ids, n);
}

template <int D, int W, bool Inf>
std::uint64_t Search<D, W, Inf>::count_in_polygon(const C& cell, const Block& b, const std::uint64_t* cuts, int n) {
  Polygon p;
  if (!open_polygon(cell, b, cuts, n, p)) return 0;
  std::uint64_t total = 2;
  for (int i = 1; i < n && !stopped(); ++i) total += count_on_chord(cell, b, cuts, p, i);
  return total;
}

}  // namespace linregions
