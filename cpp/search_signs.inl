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
      if (k < dim()) size = std::fmax(size, std::fabs(value));
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

// Replace the approximate coordinates by the exact ones, rounded.
template <int D, int W, bool Inf>
void Search<D, W, Inf>::refresh(V& v, const FacetId* facet) {
  const IntRow& e = exact_vertex(v, facet);
  if (e.empty()) return;
  v.radius = 0;
  double size = 0;
  const auto coordinate = [&](const Int& x, double& radius) {
    const double value = quotient(x, e[dim()]);
    radius = std::fmax(radius, 16 * kUnit * std::fabs(value) + (x.is_zero() ? 0.0 : 1e-300));
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
  (void)size;
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
  std::uint64_t doubts = 0;
  for (int w = 0; w < words; ++w) doubts += std::popcount(wanted[w] & ~(pos[w] | neg[w]));
  if (doubts == 0) return;
  if (!shared_.options.exact) {
    doubtful_ += doubts;
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
  exact_decisions_ += doubts;
  if (!(v.exact_id && v.exact < pool_.size() && pool_[v.exact].id == v.exact_id)) {
    refresh(v, facet);
    const std::size_t base = bits_.size();
    bits_.resize(base + 2 * words);
    std::uint64_t *p = bits_.data() + base, *q = p + words;
    if (Inf && v.far)
      kernels().signs(static_cast<int>((count + 7) / 8 * 8), dim(), z, filter, stride, v.q, v.qmax, v.qradius, false, p, q);
    else
      kernels().signs(static_cast<int>((count + 7) / 8 * 8), dim(), z, filter, stride, v.x, v.xmax, v.radius, true, p, q);
    for (int w = 0; w < words; ++w) {
      pos[w] |= p[w];
      neg[w] |= q[w];
    }
    bits_.resize(base);
  }
  for (int w = 0; w < words; ++w)
    for (std::uint64_t rest = wanted[w] & ~(pos[w] | neg[w]); rest; rest &= rest - 1) {
      const int c = 64 * w + std::countr_zero(rest);
      const int s = exact_sign(level, cut ? cut[c] : c, v, facet);
      if (s > 0) pos[w] |= rest & (~rest + 1);
      if (s < 0) neg[w] |= rest & (~rest + 1);
    }
}

}  // namespace linregions
