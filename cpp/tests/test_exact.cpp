// The exact layer on small systems with known answers.
#include <algorithm>

#include "check.hpp"
#include "exact.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

IntRow row_of(const std::vector<std::int64_t>& v) { return {v.begin(), v.end()}; }

// a = t b for some t > 0
bool same_up_to_scale(const IntRow& a, const IntRow& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].sign() != b[i].sign()) return false;
    for (std::size_t j = 0; j < i; ++j)
      if (!(a[i] * b[j] == a[j] * b[i])) return false;
  }
  return true;
}

struct Fixture {
  Model model;
  Domain domain;
  std::vector<Frame> frames;
};

// Half-spaces through the point P / w, with normals that are random; limit 2^40 leaves 64 bits behind at once.
void vertices() {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    const int dim = 1 + round % kMaxDim;
    const std::int64_t limit = round % 3 == 0 ? std::int64_t{1} << 40 : round % 3 == 1 ? 1000 : 3;
    const std::int64_t w = 1 + static_cast<std::int64_t>(random() % 50);
    std::vector<std::int64_t> point(dim + 1);
    for (int k = 0; k < dim; ++k) point[k] = integer(random, 1000);
    point[dim] = w;
    Fixture f;
    f.domain.dim = dim;
    const auto add = [&](std::vector<Int> normal) {
      IntRow row;
      Int offset;
      for (int k = 0; k < dim; ++k) {
        row.push_back(normal[k] * Int(w));
        offset.sub_mul(normal[k], Int(point[k]));
      }
      row.push_back(offset);
      f.domain.rows.push_back(row);
    };
    // Independent: a lower triangle with a diagonal without zeros, then mixed by adding rows to each other.
    std::vector<std::vector<Int>> normals;
    for (int i = 0; i < dim; ++i) {
      std::vector<Int> normal(dim);
      for (int k = 0; k < i; ++k) normal[k] = integer(random, limit);
      normal[i] = 1 + static_cast<std::int64_t>(random() % limit);
      normals.push_back(normal);
    }
    for (int i = 0; i + 1 < dim; ++i)
      for (int k = 0; k < dim; ++k) normals[i][k] += Int(i % 2 ? 3 : -1) * normals[i + 1][k];
    std::vector<FacetId> facets;
    for (int i = 0; i < dim; ++i) {
      // Redundant ones first: the same again, and sums of earlier ones.
      add(normals[i]);
      std::vector<Int> twice = normals[i], sum = normals[i];
      for (int k = 0; k < dim; ++k) twice[k] = twice[k] * Int(-2), sum[k] += normals[i / 2][k] + normals[0][k];
      add(twice);
      add(sum);
    }
    for (std::size_t i = 0; i < f.domain.rows.size(); ++i) facets.push_back(facet_id(0, static_cast<std::uint32_t>(i)));
    if (round % 5 == 0) std::shuffle(facets.begin(), facets.end(), random);
    Exact exact(f.model, f.domain, f.frames);
    const IntRow v = exact.vertex(facets.data(), static_cast<int>(facets.size()));
    CHECK(same_up_to_scale(v, row_of(point)));
    for (FacetId id : facets) CHECK(exact.sign(exact.facet_row(id), v) == 0);
    for (int k = 0; k < 20; ++k) {
      std::vector<std::int64_t> r(dim + 1);
      std::int64_t value = 0;
      for (int j = 0; j <= dim; ++j) value += (r[j] = integer(random, 5)) * point[j];
      CHECK(exact.sign(row_of(r), v) == (value > 0) - (value < 0));
    }
    // Facets that do not meet in one point are said so.
    if (dim > 1) CHECK(exact.vertex(facets.data(), 0).empty());
    const FacetId flat[] = {facet_id(0, 0), facet_id(0, 1), facet_id(0, 0)};
    if (dim > 1) CHECK(exact.vertex(flat, 3).empty());
  }
}

// Corners of the infinite box, and points where one row meets its sides.
void infinite_box() {
  Random random(2);
  for (int dim = 1; dim <= kMaxDim; ++dim)
    for (int round = 0; round < 50; ++round) {
      Fixture f;
      f.domain.dim = dim;
      std::vector<std::int64_t> r(dim + 1);
      for (auto& v : r) v = integer(random, 9);
      const int solved = static_cast<int>(random() % dim);
      r[solved] = r[solved] ? r[solved] : 1;
      f.domain.rows.push_back(row_of(r));
      Exact exact(f.model, f.domain, f.frames);
      std::vector<FacetId> corner, facets;
      std::vector<int> side;
      for (int k = 0; k < dim; ++k) {
        side.push_back(random() % 2 ? 1 : -1);
        corner.push_back(facet_id(kInfinityLevel, static_cast<std::uint32_t>(2 * k + (side[k] > 0))));
        facets.push_back(k == solved ? facet_id(0, 0) : corner.back());
      }
      IntRow expected(2 * dim + 1);
      expected[dim] = 1;
      for (int k = 0; k < dim; ++k) expected[dim + 1 + k] = side[k];
      CHECK(exact.vertex(corner.data(), dim) == expected);

      const IntRow v = exact.vertex(facets.data(), dim);
      const bool infinite = dim > 1;
      CHECK(static_cast<int>(v.size()) == (infinite ? 2 * dim + 1 : dim + 1) && v[dim].sign() > 0);
      Int fixed = f.domain.rows[0][dim] * v[dim], growth;
      for (int k = 0; k < dim; ++k) {
        fixed.add_mul(f.domain.rows[0][k], v[k]);
        if (infinite) growth.add_mul(f.domain.rows[0][k], v[dim + 1 + k]);
        if (k != solved) CHECK(v[k].is_zero() && v[dim + 1 + k] == v[dim] * Int(side[k]));
      }
      CHECK(fixed.is_zero() && growth.is_zero());
      CHECK(exact.sign(f.domain.rows[0], v) == 0);
      IntRow above = f.domain.rows[0], steep = f.domain.rows[0];
      above[dim] += Int(1);  // parallel: only the finite part decides
      CHECK(exact.sign(above, v) == 1);
      if (!infinite) continue;
      const int other = (solved + 1) % dim;  // a slope more: the infinite part decides, whatever the offset
      steep[other] += Int(1);
      steep[dim] -= Int(1000000 * side[other]);
      CHECK(exact.sign(steep, v) == side[other]);
    }
}

// On the segment from a to b the row (x_0 - t) vanishes at t.
void order_on_segments() {
  Random random(3);
  for (int dim = 1; dim <= kMaxDim; ++dim) {
    Fixture f;
    f.domain.dim = dim;
    Exact exact(f.model, f.domain, f.frames);
    for (int round = 0; round < 200; ++round) {
      // a at x_0 = 0 and b at x_0 = 100, anywhere else in the other coordinates, with different w.
      IntRow a(dim + 1), b(dim + 1);
      a[dim] = 1 + static_cast<std::int64_t>(random() % 9);
      b[dim] = 1 + static_cast<std::int64_t>(random() % 9);
      b[0] = Int(100) * b[dim];
      for (int k = 1; k < dim; ++k) a[k] = b[k] = Int(0);
      const auto row = [&](std::int64_t t) {
        IntRow out(dim + 1);
        const std::int64_t scale = (random() % 2 ? 1 : -1) * (1 + static_cast<std::int64_t>(random() % 7));
        out[0] = scale;
        out[dim] = -scale * t;
        for (int k = 1; k < dim; ++k) out[k] = integer(random, 9);
        return out;
      };
      const std::int64_t s = 1 + static_cast<std::int64_t>(random() % 99);
      const std::int64_t t = random() % 3 ? 1 + static_cast<std::int64_t>(random() % 99) : s;
      const int order = (s > t) - (s < t);
      CHECK(exact.compare_on_segment(row(s), row(t), a, b) == order);
      CHECK(exact.compare_on_segment(row(s), row(t), b, a) == -order);
    }
    // The whole axis: from -M to M, and from a finite point to M.
    IntRow low(2 * dim + 1), high(2 * dim + 1), zero(dim + 1);
    low[dim] = high[dim] = zero[dim] = 1;
    low[dim + 1] = -1;
    high[dim + 1] = 1;
    const auto at = [&](std::int64_t t, std::int64_t scale) {
      IntRow out(dim + 1);
      out[0] = scale;
      out[dim] = -scale * t;
      return out;
    };
    for (const std::int64_t flip : {-3, 1}) {
      CHECK(exact.compare_on_segment(at(5, 2), at(7, flip), low, high) == -1);
      CHECK(exact.compare_on_segment(at(5, 2), at(7, flip), high, low) == 1);
      CHECK(exact.compare_on_segment(at(7, 2), at(7, flip), low, high) == 0);
      CHECK(exact.compare_on_segment(at(9, flip), at(7, 2), zero, high) == 1);
      CHECK(exact.compare_on_segment(at(7, flip), at(9, 2), zero, high) == -1);
      CHECK(exact.compare_on_segment(at(7, flip), at(7, 5), high, zero) == 0);
    }
  }
}

// Rows of two stages with a divisor, thresholds, slopes with intercepts and a max group, worked out by hand.
void rows_of_stages() {
  const double w0[] = {1, 0, 0, 1, 1, 1}, w1[] = {2, 1, 0, 0, 1, -1}, w2[] = {1, 0, 0, 3};
  StageInput first, second, third;
  first.rows = 3, first.inputs = 2, first.weight = w0;
  first.bias = {0.5, 0, -1};
  first.divisor = {3, 1, 2};
  first.functions = {{{0, 1}, {0, 1, 0}, 0}, {{0}, {-1, 1}, 0}, {{-2}, {0.25, 2}, 1}};  // clip, absolute value, a bend
  first.function_of = {0, 1, 2};
  second.rows = 2, second.inputs = 3, second.weight = w1;
  second.bias = {0, 1};
  second.max = true;
  second.offsets = {0, 2};
  third.rows = 4, third.inputs = 1, third.weight = w2;
  third.bias = {0, 0, 0, -1};
  third.functions = {{{0}, {0, 1}, 0}};
  third.function_of = {0, 0, 0, 0};
  Fixture f;
  f.domain.dim = 2;
  f.model = build_model({first, second, third}, f.domain);
  f.frames.resize(3);
  for (int s = 0; s < 3; ++s) f.frames[s].init(f.model.stages[s], 2);
  f.frames[0].piece = {1, 0, 1};  // (x + 1/2) / 3, -y, 1 + 2 ((x + y - 1) / 2 + 2) = x + y + 4
  f.frames[1].piece = {1};
  Exact exact(f.model, f.domain, f.frames);
  // clip cuts at 0 and 1, the absolute value at 0, the bend at -2
  CHECK(same_up_to_scale(exact.cut_row(0, 0), row_of({2, 0, 1})));
  CHECK(same_up_to_scale(exact.cut_row(0, 1), row_of({2, 0, -5})));
  CHECK(same_up_to_scale(exact.cut_row(0, 2), row_of({0, 1, 0})));
  CHECK(same_up_to_scale(exact.cut_row(0, 3), row_of({1, 1, 3})));
  // 2 (x + 1/2) / 3 - y against 1 - y - (x + y + 4): the difference is 5/3 x + y + 10/3
  CHECK(same_up_to_scale(exact.cut_row(1, 0), row_of({5, 3, 10})));
  // the winner is -x - 2 y - 3; the last row is three times it less one
  CHECK(same_up_to_scale(exact.cut_row(2, 0), row_of({-1, -2, -3})));
  CHECK(same_up_to_scale(exact.cut_row(2, 3), row_of({-3, -6, -10})));
  CHECK(same_up_to_scale(exact.cut_row(2, 1), row_of({0, 0, 0})));
  const FacetId meet[] = {facet_id(1, 2), facet_id(1, 2), facet_id(2, 0)};
  CHECK(same_up_to_scale(exact.vertex(meet, 3), row_of({-2, 0, 1})));
  // Other pieces, once the frames say that they changed.
  f.frames[0].piece = {2, 1, 0};  // 1, y, 1/4 (x + y - 1) / 2 + 3/2
  for (Frame& frame : f.frames) ++frame.stamp;
  CHECK(same_up_to_scale(exact.cut_row(1, 0), row_of({1, 1, 19})));  // 2 + y - (1 + y - third)
}

}  // namespace

int main() {
  vertices();
  infinite_box();
  order_on_segments();
  rows_of_stages();
}
