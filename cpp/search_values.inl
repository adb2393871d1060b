// Cells as tables of values: all that counting needs, as long as floating point can tell.
#pragma once

namespace linregions {

constexpr int kManyCuts = 6;
constexpr double kSharpRadius = 1e-10, kSharpestRadius = 1e-13;

// Solve for the vertices that are known less well than this; false where there are none.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::sharpen(const C& cell, double radius) {
  bool better = false;
  for (int i = 0; i < cell.count; ++i) {
    V& v = cell.vertex[i];
    if (!v.polished && v.radius > radius * v.xmax) better |= polish(v, cell.facet);
  }
  return better;
}

// The values of the cuts in `list` (null: the first n) at a cell's vertices, row after row, each cut in units in which it
// is off by at most 1 at the vertex that is known best, and by at most error[i] at vertex i.  On an infinite box the row
// of a far vertex holds the values of its direction, and one more row those of a point of the cell's affine hull.
template <int D, int W, bool Inf>
typename Search<D, W, Inf>::Values Search<D, W, Inf>::values_of(const C& cell, const Block& b, const int* list, int n) {
  Values out;
  out.width = std::max(8, (n + 7) / 8 * 8);
  out.row = arena_.take<double>(static_cast<std::size_t>(out.width) * (cell.count + 1));
  out.far = Inf ? arena_.take<std::uint8_t>(cell.count) : nullptr;
  out.error = arena_.take<double>(cell.count);
  const double infinity = std::numeric_limits<double>::infinity();
  double xmax = 0, radius = infinity, qmax = 0, qradius = infinity;
  const V* base = nullptr;
  for (int i = 0; i < cell.count; ++i) {
    const V& v = cell.vertex[i];
    if constexpr (Inf) {
      if ((out.far[i] = v.far)) {
        qmax = larger(qmax, v.qmax);
        qradius = std::min(qradius, v.qradius);
        if (!base || v.radius < base->radius) base = &v;
        continue;
      }
    }
    xmax = larger(xmax, v.xmax);
    radius = std::min(radius, v.radius);
  }
  if (base) {
    xmax = larger(xmax, base->xmax);
    radius = std::min(radius, base->radius);
  }
  radius = larger(radius, 4 * kUnit * xmax);
  qradius = base ? larger(qradius, 4 * kUnit * qmax) : 0;
  auto* scale = arena_.take<double>(out.width);
  for (int j = 0; j < n; ++j) {
    const int c = list ? list[j] : j;
    const double f0 = b.filter[c], f1 = b.filter[b.stride + c], f2 = b.filter[2 * b.stride + c];
    const double near = f2 + f1 * xmax + f0 * radius, away = f1 * qmax + f0 * qradius;
    scale[j] = 1.0 / (larger(near, away) * (1 + 1e-9) + 1e-300);
  }
  const auto fill = [&](double* row, const double* x, bool offset) {
    if (!list) {
      const double* z = b.z + dim() * b.stride;
      for (int j = 0; j < n; ++j) row[j] = offset ? z[j] : 0.0;
      for (int k = 0; k < dim(); ++k) {
        z = b.z + k * b.stride;
        const double xk = x[k];
        for (int j = 0; j < n; ++j) row[j] += z[j] * xk;
      }
    } else {
      for (int j = 0; j < n; ++j) {
        const double* z = b.z + list[j];
        double s = offset ? z[dim() * b.stride] : 0.0;
        for (int k = 0; k < dim(); ++k) s += z[k * b.stride] * x[k];
        row[j] = s;
      }
    }
    double most = 0;
    for (int j = 0; j < n; ++j) {
      row[j] *= scale[j];
      most = larger(most, std::fabs(row[j]));
    }
    for (int j = n; j < out.width; ++j) row[j] = 0;
    return most;
  };
  for (int i = 0; i < cell.count; ++i) {
    const V& v = cell.vertex[i];
    const bool far = Inf && v.far;
    const double most = fill(out.row + static_cast<std::size_t>(i) * out.width, far ? v.q : v.x, !far);
    out.error[i] = (larger(1, far ? v.qradius / qradius : v.radius / radius) + 4 * kUnit * most) * 1.001;
    out.most = larger(out.most, most);
  }
  if (base) {
    out.base = out.row + static_cast<std::size_t>(cell.count) * out.width;
    out.base_most = fill(out.base, base->x, true);
    out.base_error = (larger(1, base->radius / radius) + 4 * kUnit * out.base_most) * 1.001;
  }
  return out;
}

// The pieces of a cell of dimension k under at most 64 cuts in floating point; 0 where it cannot tell.
template <int D, int W, bool Inf>
std::uint64_t Search<D, W, Inf>::count_in_floats(const C& cell, const Block& b, const std::uint64_t* cuts, int n,
                                                 int k) {
  int list[64];
  int at = 0;
  for (int w = 0; w < b.words; ++w)
    for (std::uint64_t rest = cuts[w]; rest; rest &= rest - 1) list[at++] = 64 * w + std::countr_zero(rest);
  const bool whole = n == b.count;
  ValueTable<W> t;
  t.dim = k;
  t.count = cell.count;
  t.mask = arena_.take<Mask<W>>(cell.count);
  t.pos = arena_.take<std::uint64_t>(cell.count);
  t.neg = arena_.take<std::uint64_t>(cell.count);
  for (int i = 0; i < cell.count; ++i) {
    t.mask[i] = cell.vertex[i].mask;
    if (t.mask[i].count() != dim()) return 0;
    const std::uint64_t *pos = cell.sign + std::size_t(2) * i * b.words, *neg = pos + b.words;
    for (int w = 0; w < b.words; ++w)
      if (cuts[w] & ~(pos[w] | neg[w])) return 0;
    if (whole) {
      t.pos[i] = pos[0];
      t.neg[i] = neg[0];
      continue;
    }
    t.pos[i] = t.neg[i] = 0;
    for (int j = 0; j < n; ++j) {
      t.pos[i] |= (pos[list[j] / 64] >> (list[j] % 64) & 1) << j;
      t.neg[i] |= (neg[list[j] / 64] >> (list[j] % 64) & 1) << j;
    }
  }
  const Values v = values_of(cell, b, whole ? nullptr : list, n);
  t.width = v.width;
  t.value = v.row;
  t.most = v.most;
  t.far = v.base ? v.far : nullptr;
  t.base = v.base;
  t.base_error = v.base_error;
  t.base_most = v.base_most;
  t.error = v.error;
  return Pieces<W>(arena_, shared_.stop).count(t, n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1);
}

}  // namespace linregions
