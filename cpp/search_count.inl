// Counting the pieces into which hyperplanes cut a polytope, without making them (deletion-restriction):
// 1 + the sum over the hyperplanes of the pieces of its section, cut by the earlier ones.
#pragma once

namespace linregions {

inline int count_bits(const std::uint64_t* bits, int words) {
  int n = 0;
  for (int w = 0; w < words; ++w) n += bit_count(bits[w]);
  return n;
}

// How many of the items differ, by sorting around one of them at a time: linear where all are the same.
template <class T, class Compare>
std::uint64_t count_different(T* begin, T* end, const Compare& compare) {
  std::uint64_t n = 0;
  while (begin != end) {
    std::swap(*begin, begin[(end - begin) / 2]);
    T *less = begin, *more = end, *at = begin + 1;  // [begin, less) < *less = [less, at) < [more, end)
    while (at != more) {
      const int s = compare(*at, *less);
      if (s < 0)
        std::swap(*less++, *at++);
      else if (s > 0)
        std::swap(*at, *--more);
      else
        ++at;
    }
    ++n;
    n += count_different(begin, less, compare);
    begin = more;
  }
  return n;
}

// Pieces of the section of `cell` by cut c under the cuts below c; 0 if an earlier cut has the same section.
template <int D, int W, bool Inf>
std::uint64_t Search<D, W, Inf>::count_on_cut(const C& cell, const Block& b, const std::uint64_t* cuts, int c,
                                              int k) {
  const int words = b.words;
  const auto mark = arena_.mark();
  const std::size_t pool = pool_.size();
  auto* below = arena_.take<std::uint64_t>(words);
  auto* pos = arena_.take<std::uint64_t>(words);
  auto* neg = arena_.take<std::uint64_t>(words);
  for (int w = 0; w < words; ++w)
    below[w] = w < c / 64 ? cuts[w] : w > c / 64 ? 0 : cuts[w] & ((std::uint64_t{1} << (c % 64)) - 1);
  const Crossing x = cross(cell, b, c, below);
  const C section = child(cell, b, x, c, 0);
  summarize(section, words, pos, neg);
  bool repeated = false;
  for (int w = 0; w < words; ++w) {
    repeated = repeated || (below[w] & ~(pos[w] | neg[w]));
    below[w] &= pos[w] & neg[w];
  }
  const std::uint64_t total = repeated && shared_.options.exact ? 0 : count_cuts(section, b, below, k - 1);
  arena_.release(mark);
  pool_.resize(std::min(pool, pool_.size()));
  return total;
}

template <int D, int W, bool Inf>
std::uint64_t Search<D, W, Inf>::count_cuts(const C& cell, const Block& b, const std::uint64_t* cuts, int k) {
  const int n = count_bits(cuts, b.words);
  if (n == 0 || cell.count < 2) return 1;
  if (n == 1) return 2;
  if (cell.count == 2) return count_on_segment(cell, b, cuts);
  if (n <= 64 && k >= 2) {
    // Many sections let errors grow far; a few need good vertices only where they fail.
    if (n >= kManyCuts) sharpen(cell, kSharpRadius);
    for (bool again = true; again; again = sharpen(cell, kSharpestRadius)) {
      const auto mark = arena_.mark();
      const std::uint64_t found = count_in_floats(cell, b, cuts, n, k);
      arena_.release(mark);
      if (found) return found;
    }
  }
  if (k == 2) {
    const auto mark = arena_.mark();
    const std::uint64_t found = count_in_polygon(cell, b, cuts, n);
    arena_.release(mark);
    if (found) return found;
  }
  std::uint64_t total = 1;
  bool first = true;
  for (int w = 0; w < b.words; ++w)
    for (std::uint64_t rest = cuts[w]; rest; rest &= rest - 1) {
      total += first ? 1 : count_on_cut(cell, b, cuts, 64 * w + std::countr_zero(rest), k);
      first = false;
      if (stopped()) return total;
    }
  return total;
}

// Where cut c meets the line of an edge with an end x + q M at infinity: x + t q, since the line has the direction q and
// goes through x unless the edge lies on the infinite box itself.  The error is infinite where nothing is certain.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::place_on_ray(const Block& b, int c, const V& p, const V& n, double& t, double& error) const {
  t = 0;
  error = std::numeric_limits<double>::infinity();
  if constexpr (Inf) {
    const Mask<W> common = p.mask & n.mask;
    if (common.word[0] & ((std::uint64_t{1} << (2 * dim())) - 1)) return;
    const V& end = p.far ? p : n;
    const Value f = value_at(b.z, b.filter, b.stride, c, end);
    double slope = 0;
    for (int k = 0; k < dim(); ++k) slope += b.z[k * b.stride + c] * end.q[k];
    const double room = (b.filter[b.stride + c] * end.qmax + b.filter[c] * end.qradius) * (1 + 1e-9) + 1e-300;
    const double safe = std::fabs(slope) - room;
    if (!(safe > 0.5 * std::fabs(slope))) return;
    const double where = -f.value / slope;
    const double reach = (f.error + std::fabs(where) * room) / safe + 8 * kUnit * std::fabs(where) + 1e-300;
    if (!(std::fabs(where) + reach < 1e200)) return;
    t = where;
    error = reach * (1 + 1e-9);
  }
}

// 1 + the number of different points at which the cuts, each with opposite signs at the two ends, meet the segment.
template <int D, int W, bool Inf>
std::uint64_t Search<D, W, Inf>::count_on_segment(const C& cell, const Block& b, const std::uint64_t* cuts) {
  struct Point {
    double t, error;
    int cut;
  };
  V &p = cell.vertex[0], &q = cell.vertex[1];
  const bool far = Inf && (p.far || q.far);
  const auto mark = arena_.mark();
  auto* point = arena_.take<Point>(count_bits(cuts, b.words));
  int n = 0;
  for (int w = 0; w < b.words; ++w)
    for (std::uint64_t rest = cuts[w]; rest; rest &= rest - 1) {
      Point& at = point[n++];
      at.cut = 64 * w + std::countr_zero(rest);
      if (far) {
        place_on_ray(b, at.cut, p, q, at.t, at.error);
        continue;
      }
      const Value fp = value_at(b.z, b.filter, b.stride, at.cut, p), fq = value_at(b.z, b.filter, b.stride, at.cut, q);
      const double d = std::fabs(fp.value) + std::fabs(fq.value);
      const double safe = d - fp.error - fq.error;
      at.t = std::fabs(fp.value) / d;
      at.error = safe > 0.5 * d ? (fp.error * (1 - at.t) + fq.error * at.t) / safe + 8 * kUnit : 2.0;
      if ((fp.value > 0) == (fq.value > 0) || !(at.t >= 0 && at.t <= 1)) {
        at.t = 0.5;
        at.error = 2.0;
      }
    }
  // By the lower ends: a point that is hardly known at all may be any of those before and after it.
  std::sort(point, point + n, [](const Point& a, const Point& c) { return a.t - a.error < c.t - c.error; });
  std::uint64_t different = 0;
  const auto row = [&](const Point& a) -> const IntRow& {
    return exact_.facet_row(facet_id(b.level, b.cut ? b.cut[a.cut] : a.cut));
  };
  for (int i = 0; i < n;) {
    int j = i + 1;
    double reach = point[i].t + point[i].error;
    while (j < n && !(point[j].t - point[j].error > reach)) reach = larger(reach, point[j].t + point[j].error), ++j;
    if (j - i == 1) {
      ++different;
    } else if (!shared_.options.exact) {
      doubtful_ += j - i - 1;
      different += 1;
      std::sort(point + i, point + j, [](const Point& a, const Point& c) { return a.t < c.t; });
      for (int k = i + 1; k < j; ++k) different += point[k].t > point[k - 1].t;
    } else {
      // A copy of the end points' rows: making cut rows never touches them, but the pool may move.
      const IntRow a = exact_vertex(p, cell.facet), c = exact_vertex(q, cell.facet);
      different += count_different(point + i, point + j, [&](const Point& u, const Point& v) {
        ++exact_decisions_;
        return exact_.compare_on_segment(row(u), row(v), a, c);
      });
    }
    i = j;
  }
  arena_.release(mark);
  return 1 + different;
}

// The last stage of a counting run.  Above the sharing depth the sections are dealt out one by one.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::count_last(const C& cell, int s, int depth) {
  const Block b = block(s);
  auto* all = arena_.take<std::uint64_t>(b.words);
  for (int w = 0; w < b.words; ++w) all[w] = 0;
  for (int c = 0; c < b.count; ++c) all[c / 64] |= std::uint64_t{1} << (c % 64);
  if (inside_ && depth > 0) {
    add_regions(count_cuts(cell, b, all, dim()));
    return;
  }
  const bool outer = inside_;
  if (outer || take()) {
    inside_ = true;
    add_regions(b.count ? 2 : 1);
    inside_ = outer;
  }
  const bool segment = cell.count == 2;
  if (segment && b.count > 1 && (outer || take())) {
    add_regions(count_on_segment(cell, b, all) - 2);
  } else if (!segment) {
    Polygon polygon;
    const bool chords = dim() == 2 && b.count > kManyCuts && open_polygon(cell, b, all, b.count, polygon);
    for (int c = 1; c < b.count && !stopped(); ++c) {
      if (!(outer || take())) continue;
      inside_ = true;
      add_regions(chords ? count_on_chord(cell, b, all, polygon, c) : count_on_cut(cell, b, all, c, dim()));
      inside_ = outer;
      flush();
      shared_.progress += (std::uint64_t{1} << (40 - depth)) / b.count;
    }
  }
}

}  // namespace linregions
