// Certified signs: the filter first, the exact layer where it cannot say.
#pragma once

namespace linregions {

template <int D, int W, bool Inf>
void Search<D, W, Inf>::build_domain_rows() {
  const auto& rows = shared_.domain.rows;
  const std::size_t n = (rows.size() + 7) / 8 * 8;
  domain_z_.assign((dim() + 3) * n, 0.0);
  domain_filter_.assign(3 * n, 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    domain_cut_.push_back(static_cast<int>(i));
    long top = std::numeric_limits<long>::min();
    for (const Int& v : rows[i]) {
      long e;
      if (v.approximate(e) != 0.0) top = std::max(top, e);
    }
    double size = 0;
    for (int k = 0; k <= dim(); ++k) {
      long e;
      const double m = rows[i][k].approximate(e);
      const double value = m == 0.0 ? 0.0 : clamp_ldexp(m, e - top);
      domain_z_[k * n + i] = value;
      if (k < dim()) size = larger(size, std::fabs(value));
    }
    domain_z_[(dim() + 1) * n + i] = 8 * kUnit * size + 1e-300;
    domain_z_[(dim() + 2) * n + i] = 8 * kUnit * std::fabs(domain_z_[dim() * n + i]) + 1e-300;
  }
  kernels().finalize(static_cast<int>(n), dim(), (dim() + 4) * kUnit * 1.01, domain_z_.data(), n,
                     domain_filter_.data());
}

template <int D, int W, bool Inf>
const IntRow& Search<D, W, Inf>::exact_vertex(V& v, const FacetId* facet) {
  if (v.exact_id && v.exact < pool_.size() && pool_[v.exact].id == v.exact_id) return pool_[v.exact].row;
  FacetId ids[kBits];
  const int n = list_facets(v.mask, facet, ids);
  pool_.push_back({next_id_, exact_.vertex(ids, n)});
  v.exact = static_cast<std::uint32_t>(pool_.size() - 1);
  v.exact_id = next_id_++;
  return pool_.back().row;
}

template <int D, int W, bool Inf>
void Search<D, W, Inf>::raw_signs(int count, const double* z, const double* filter, std::size_t stride, const V& v,
                                  std::uint64_t* pos, std::uint64_t* neg) const {
  const int n = (count + 7) / 8 * 8;
  if (Inf && v.far)
    kernels().signs(n, dim(), z, filter, stride, v.q, v.qmax, v.qradius, false, pos, neg);
  else
    kernels().signs(n, dim(), z, filter, stride, v.x, v.xmax, v.radius, true, pos, neg);
}

// Solve for a vertex from `dim` of its facets in float64, with a rigorous radius.  With R an approximate inverse of their
// normals H and x an approximate solution, |x - exact| <= |R| |H x - h| / (1 - ||I - R H||), all bounds including the
// errors of the rows.  Ends the growth of the radius along chains of interpolations; false where R is too poor.
template <int D, int W, bool Inf>
bool Search<D, W, Inf>::polish(V& v, const FacetId* facet) {
  v.polished = true;
  const int d = dim();
  double h[N][N], rhs[N], slope_error[N], r[N][2 * N];
  bool infinite[N], far = false;
  const double *row_z[N], *row_filter[N];
  std::size_t row_stride[N];
  int row_at[N];
  int n = 0;
  for (int w = 0; w < W && n < d; ++w)
    for (std::uint64_t rest = v.mask.word[w]; rest && n < d; rest &= rest - 1) {
      const FacetId id = facet[64 * w + std::countr_zero(rest)];
      const auto level = facet_level(id);
      const int at = static_cast<int>(facet_index(id));
      infinite[n] = Inf && level == kInfinityLevel;
      if (infinite[n]) {  // +-x_k = -M
        far = true;
        for (int k = 0; k < d; ++k) h[n][k] = 0;
        h[n][at / 2] = at % 2 == 0 ? 1.0 : -1.0;
        rhs[n] = slope_error[n] = 0;
        ++n;
        continue;
      }
      const double* z;
      std::size_t stride;
      if (level == 0) {
        z = domain_z_.data();
        stride = (shared_.domain.rows.size() + 7) / 8 * 8;
        row_filter[n] = domain_filter_.data();
      } else {
        const Frame& f = frames_[level - 1];
        z = f.cuts_z();
        stride = f.all_padded;
        row_filter[n] = f.cuts_filter();
      }
      for (int k = 0; k < d; ++k) h[n][k] = z[k * stride + at];
      rhs[n] = -z[d * stride + at];
      slope_error[n] = z[(d + 1) * stride + at];
      row_z[n] = z;
      row_stride[n] = stride;
      row_at[n] = at;
      ++n;
    }
  if (n < d) return false;
  // Gauss-Jordan with partial pivoting on [H | I].
  for (int i = 0; i < d; ++i)
    for (int k = 0; k < d; ++k) {
      r[i][k] = h[i][k];
      r[i][d + k] = i == k ? 1.0 : 0.0;
    }
  for (int c = 0; c < d; ++c) {
    int pivot = c;
    for (int i = c + 1; i < d; ++i)
      if (std::fabs(r[i][c]) > std::fabs(r[pivot][c])) pivot = i;
    if (!(std::fabs(r[pivot][c]) > 0)) return false;
    if (pivot != c)
      for (int k = 0; k < 2 * d; ++k) std::swap(r[c][k], r[pivot][k]);
    const double inverse = 1.0 / r[c][c];
    for (int k = 0; k < 2 * d; ++k) r[c][k] *= inverse;
    for (int i = 0; i < d; ++i) {
      if (i == c || r[i][c] == 0.0) continue;
      const double factor = r[i][c];
      for (int k = 0; k < 2 * d; ++k) r[i][k] -= factor * r[c][k];
    }
  }
  V w;
  for (int i = 0; i < d; ++i) {
    w.x[i] = 0;
    for (int j = 0; j < d; ++j) w.x[i] += r[i][d + j] * rhs[j];
  }
  w.radius = 0;
  measure(d, w.x, w.xmax, w.radius);
  double residual[N], growth[N];
  for (int j = 0; j < d; ++j) {
    growth[j] = 0;
    if (infinite[j]) {
      residual[j] = 0;
      for (int k = 0; k < d; ++k) residual[j] += std::fabs(h[j][k] * w.x[k]);
    } else {
      const Value f = value_at(row_z[j], row_filter[j], row_stride[j], row_at[j], w);
      residual[j] = std::fabs(f.value) + f.error;
    }
  }
  if constexpr (Inf) {
    for (int i = 0; i < d; ++i) {
      w.q[i] = 0;
      for (int j = 0; j < d; ++j)
        if (infinite[j]) w.q[i] -= r[i][d + j];
    }
    for (int j = 0; j < d; ++j) {
      double value = infinite[j] ? 1.0 : 0.0, size = value, reach = 0;
      for (int k = 0; k < d; ++k) {
        value += h[j][k] * w.q[k];
        size += std::fabs(h[j][k] * w.q[k]);
        reach += std::fabs(w.q[k]);
      }
      growth[j] = std::fabs(value) + (2 * d + 4) * kUnit * size + slope_error[j] * reach + 1e-300;
    }
  }
  double norm = 0, radius = 0, qradius = 0;
  for (int i = 0; i < d; ++i) {
    double sum = 0, reach = 0, far_reach = 0;
    for (int k = 0; k < d; ++k) {
      double g = i == k ? -1.0 : 0.0, size = 1.0;
      for (int j = 0; j < d; ++j) {
        g += r[i][d + j] * h[j][k];
        size += std::fabs(r[i][d + j] * h[j][k]);
      }
      sum += std::fabs(g) + (2 * d + 4) * kUnit * size;
    }
    for (int j = 0; j < d; ++j) {
      sum += d * std::fabs(r[i][d + j]) * slope_error[j];
      reach += std::fabs(r[i][d + j]) * residual[j];
      far_reach += std::fabs(r[i][d + j]) * growth[j];
    }
    norm = larger(norm, sum);
    radius = larger(radius, reach);
    qradius = larger(qradius, far_reach);
  }
  if (!(norm < 0.5)) return false;
  radius = radius / (1 - norm) * (1 + 1e-9) + 1e-300;
  if (!(radius < v.radius)) return false;
  for (int k = 0; k < d; ++k) v.x[k] = w.x[k];
  v.radius = radius;
  measure(d, v.x, v.xmax, v.radius);
  if constexpr (Inf) {
    v.far = far;
    v.qradius = far ? qradius / (1 - norm) * (1 + 1e-9) + 1e-300 : 0.0;
    for (int k = 0; k < d; ++k) v.q[k] = far ? w.q[k] : 0.0;
    measure(d, v.q, v.qmax, v.qradius);
  }
  return true;
}

// Replace the approximate coordinates by the exact ones, rounded.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::refresh(V& v, const FacetId* facet) {
  const IntRow& e = exact_vertex(v, facet);
  if (e.empty()) return;
  v.radius = 0;
  v.polished = true;
  const auto coordinate = [&](const Int& x, double& radius) {
    const double value = quotient(x, e[dim()]);
    radius = larger(radius, 16 * kUnit * std::fabs(value) + (x.is_zero() ? 0.0 : 1e-300));
    return value;
  };
  for (int k = 0; k < dim(); ++k) v.x[k] = coordinate(e[k], v.radius);
  measure(dim(), v.x, v.xmax, v.radius);
  if constexpr (Inf) {
    v.far = static_cast<int>(e.size()) > dim() + 1;
    v.qradius = 0;
    for (int k = 0; k < dim(); ++k) v.q[k] = v.far ? coordinate(e[dim() + 1 + k], v.qradius) : 0.0;
    measure(dim(), v.q, v.qmax, v.qradius);
  }
}

template <int D, int W, bool Inf>
int Search<D, W, Inf>::exact_sign(int level, int cut, V& v, const FacetId* facet) {
  const IntRow& row = exact_.facet_row(facet_id(level, cut));
  return exact_.sign(row, exact_vertex(v, facet));
}

template <int D, int W, bool Inf>
typename Search<D, W, Inf>::Value Search<D, W, Inf>::value_at(const double* z, const double* filter,
                                                             std::size_t stride, int c, const V& v) const {
  double s = z[dim() * stride + c];
  for (int k = 0; k < dim(); ++k) s += z[k * stride + c] * v.x[k];
  double e = filter[2 * stride + c] + filter[stride + c] * v.xmax + filter[c] * v.radius;
  e = e * (1 + 1e-9) + 1e-300;
  return {s, e};
}

// Decide the bits of `wanted` that are in neither pos nor neg: exactly, or in floating point when the run is inexact.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::fix_signs(int level, const int* cut, int count, const double* z, const double* filter,
                                  std::size_t stride, V& v, const FacetId* facet, const std::uint64_t* wanted,
                                  std::uint64_t* pos, std::uint64_t* neg) {
  const int words = (count + 63) / 64;
  const auto doubts = [&] {
    std::uint64_t n = 0;
    for (int w = 0; w < words; ++w) n += bit_count(wanted[w] & ~(pos[w] | neg[w]));
    return n;
  };
  std::uint64_t open = doubts();
  if (open == 0) return;
  const auto again = [&] {
    const std::size_t base = bits_.size();
    bits_.resize(base + 2 * words);
    std::uint64_t *p = bits_.data() + base, *q = p + words;
    raw_signs(count, z, filter, stride, v, p, q);
    for (int w = 0; w < words; ++w) {
      pos[w] |= p[w];
      neg[w] |= q[w];
    }
    bits_.resize(base);
    open = doubts();
  };
  if (!v.polished && polish(v, facet)) again();
  if (open == 0) return;
  if (!shared_.options.exact) {
    (inside_ ? doubtful_ : top_doubtful_) += open;
    for (int w = 0; w < words; ++w)
      for (std::uint64_t rest = wanted[w] & ~(pos[w] | neg[w]); rest; rest &= rest - 1) {
        const int c = 64 * w + std::countr_zero(rest);
        double s = value_at(z, filter, stride, c, v).value;
        if constexpr (Inf) {
          double direction = 0;
          for (int k = 0; k < dim(); ++k) direction += z[k * stride + c] * v.q[k];
          if (v.far && std::fabs(direction) > 1e-12) s = direction;
        }
        if (s > 0) pos[w] |= rest & (~rest + 1);
        if (s < 0) neg[w] |= rest & (~rest + 1);
      }
    return;
  }
  (inside_ ? exact_decisions_ : top_exact_decisions_) += open;
  if (!(v.exact_id && v.exact < pool_.size() && pool_[v.exact].id == v.exact_id)) {
    refresh(v, facet);
    again();
  }
  for (int w = 0; w < words; ++w)
    for (std::uint64_t rest = wanted[w] & ~(pos[w] | neg[w]); rest; rest &= rest - 1) {
      const int c = 64 * w + std::countr_zero(rest);
      const int s = exact_sign(level, cut ? cut[c] : c, v, facet);
      if (s > 0) pos[w] |= rest & (~rest + 1);
      if (s < 0) neg[w] |= rest & (~rest + 1);
    }
}

// Take the cuts of stage s that are zero on the whole cell out of `wanted`: floating point leaves them open at all vertices.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::leave_zeros(int s, const C& cell, const std::uint64_t* sign, int words, std::uint64_t* wanted) {
  if (!shared_.options.exact) return;
  Frame& f = frames_[s];
  for (int w = 0; w < words; ++w) {
    std::uint64_t open = wanted[w];
    for (int i = 0; i < cell.count && open; ++i) {
      const std::uint64_t* pos = sign + std::size_t(2) * i * words + w;
      open &= ~(pos[0] | pos[words]);
    }
    std::uint64_t zero = f.kept.on ? open & f.zero[w] : 0;
    for (std::uint64_t rest = open & ~zero; rest; rest &= rest - 1) {
      const int c = 64 * w + std::countr_zero(rest);
      const IntRow& row = exact_.facet_row(facet_id(s + 1, c));
      if (!std::all_of(row.begin(), row.end(), [](const Int& v) { return v.is_zero(); })) continue;
      zero |= rest & (~rest + 1);
      if (f.kept.on) f.set_zero(c);
    }
    wanted[w] &= ~zero;
    (inside_ ? exact_decisions_ : top_exact_decisions_) += bit_count(zero);
  }
}

}  // namespace linregions
