// The polyhedral complex: its tables, its faces in general position and not, and the same for every number of threads.
#include <map>
#include <numeric>
#include <set>

#include "nets.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

void tables() {
  Random random(1);
  for (const int words : {1, 2, 5}) {
    KeyTable table(words);
    std::map<std::vector<std::uint64_t>, std::uint32_t> seen;
    for (int i = 0; i < 3000; ++i) {
      std::vector<std::uint64_t> key(words);
      for (auto& v : key) v = random() % 6;
      const auto [expected, fresh] = seen.try_emplace(key, static_cast<std::uint32_t>(seen.size()));
      CHECK(table.insert(key.data()) == std::make_pair(expected->second, fresh));
      CHECK(std::equal(key.begin(), key.end(), table.key(expected->second)));
    }
    CHECK(table.size() == seen.size());
  }
  SetTable sets;
  std::map<std::vector<std::uint32_t>, std::uint32_t> seen;
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::uint32_t> set;
    for (std::uint32_t v = 0; v < 6; ++v)
      if (random() % 2) set.push_back(v + 10 * (static_cast<std::uint32_t>(random()) % 20));
    const auto [expected, fresh] = seen.try_emplace(set, static_cast<std::uint32_t>(seen.size()));
    CHECK(sets.insert(set.data(), set.size()) == std::make_pair(expected->second, fresh));
    CHECK(std::vector<std::uint32_t>(sets.begin(expected->second), sets.end(expected->second)) == set);
  }
  CHECK(sets.size() == seen.size());
}

void maximal_sets() {
  Random random(2);
  MaximalSets maximal;
  for (int round = 0; round < 300; ++round) {
    const int words = 1 + round % 3, count = static_cast<int>(random() % 12);
    std::vector<std::uint64_t> sets(static_cast<std::size_t>(count) * words);
    for (auto& w : sets) w = random() & random() & 0x2100000000000117u;
    const auto inside = [&](int a, int b) {
      for (int w = 0; w < words; ++w)
        if (sets[a * words + w] & ~sets[b * words + w]) return false;
      return true;
    };
    std::set<std::vector<std::uint64_t>> expected, found;
    const auto row = [&](int i) { return std::vector<std::uint64_t>(sets.begin() + i * words, sets.begin() + (i + 1) * words); };
    for (int i = 0; i < count; ++i) {
      bool keep = row(i) != std::vector<std::uint64_t>(words, 0);
      for (int j = 0; j < count; ++j) keep = keep && (inside(j, i) || !inside(i, j));
      if (keep) expected.insert(row(i));
    }
    for (const int i : maximal.of(sets, count, words)) CHECK(found.insert(row(i)).second);
    CHECK(found == expected);
  }
}

ComplexArrays complex_of(Run& run, int threads) {
  Options o;
  o.mode = Mode::complex;
  o.witnesses = false;
  o.threads = threads;
  finish(run, o);
  CHECK(run.shared.error.empty() && run.shared.stop == 0 && run.shared.root_cell);
  std::vector<std::unique_ptr<CellList>> lists;
  for (auto& out : run.shared.outputs)
    if (out) lists.push_back(std::move(out->cells));
  ComplexArrays c = join_cells(std::move(lists), run.shared.layout, run.shared.domain.dim, [] {});
  CHECK(c.regions.indptr.size() == run.shared.regions + 1);
  return c;
}

CsrView view(const Csr& c) { return {c.indptr.data(), c.items.data(), static_cast<std::int64_t>(c.indptr.size()) - 1}; }

Csr facets_of_regions(const ComplexArrays& c) {
  std::vector<std::vector<std::int64_t>> of(c.regions.indptr.size() - 1);
  for (std::size_t i = 0; i < c.facet_regions.size(); ++i)
    if (c.facet_regions[i] >= 0) of[c.facet_regions[i]].push_back(static_cast<std::int64_t>(i / 2));
  Csr out;
  for (const auto& list : of) {
    out.items.insert(out.items.end(), list.begin(), list.end());
    out.indptr.push_back(static_cast<std::int64_t>(out.items.size()));
  }
  return out;
}

struct Numbers {
  std::vector<std::int64_t> all, bounded;
};

Numbers f_vector(const ComplexArrays& c, int dim) {
  Numbers out{std::vector<std::int64_t>(dim + 1), std::vector<std::int64_t>(dim + 1)};
  const auto tally = [&](int k, const Csr& faces) {
    out.all[k] = static_cast<std::int64_t>(faces.indptr.size()) - 1;
    for (std::int64_t i = 0; i < out.all[k]; ++i) {
      bool bounded = true;
      for (std::int64_t at = faces.indptr[i]; at < faces.indptr[i + 1]; ++at) bounded = bounded && !c.far[faces.items[at]];
      out.bounded[k] += bounded;
    }
  };
  tally(dim, c.regions);
  tally(dim - 1, c.facets);
  const Csr own = facets_of_regions(c);
  Csr upper = c.facets;
  std::vector<std::int64_t> region;
  for (std::size_t i = 0; i < c.facet_regions.size(); i += 2) region.push_back(c.facet_regions[i]);
  for (int k = dim - 2; k >= 0; --k) {
    FaceLevel level = lower_faces(view(c.regions), view(own), view(c.facets), view(upper), region.data(), ~std::size_t{0}, [] {});
    CHECK(level.boundary.indptr.size() == upper.indptr.size());
    tally(k, level.faces);
    upper = std::move(level.faces);
    region = std::move(level.region);
  }
  return out;
}

std::int64_t alternating(const std::vector<std::int64_t>& f) {
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < f.size(); ++k) sum += k % 2 ? -f[k] : f[k];
  return sum;
}

std::int64_t choose(int n, int k) {
  if (k < 0 || k > n) return 0;
  std::int64_t out = 1;
  for (int i = 0; i < k; ++i) out = out * (n - i) / (i + 1);
  return out;
}

void general_position() {
  Random random(3);
  for (const auto& [n, m] : std::vector<std::pair<int, int>>{{1, 4}, {2, 4}, {2, 9}, {3, 5}, {3, 7}, {4, 6}, {5, 6}}) {
    Net net;
    net.add_random(random, m, n);
    Run run(net.stages, polyhedron(n));
    prepare(run);
    const Numbers f = f_vector(complex_of(run, 1), n);
    for (int k = 0; k <= n; ++k) {
      std::int64_t sum = 0;
      for (int j = 0; j <= k; ++j) sum += choose(m - n + k, j);
      CHECK(f.all[k] == choose(m, n - k) * sum);
      CHECK(f.bounded[k] == choose(m, n - k) * choose(m - n + k - 1, k));
    }
  }
}

void same(const Csr& a, const Csr& b) { CHECK(a.indptr == b.indptr && a.items == b.items); }

void check(const Net& net, const Domain& domain, std::int64_t euler) {
  Run run(net.stages, domain);
  CHECK(prepare(run) == DomainState::ready);
  const ComplexArrays one = complex_of(run, 1), many = complex_of(run, 3);
  same(one.regions, many.regions);
  same(one.facets, many.facets);
  same(one.facet_columns, many.facet_columns);
  CHECK(one.keys == many.keys && one.points == many.points && one.far == many.far && one.facet_regions == many.facet_regions);
  const Numbers f = f_vector(one, domain.dim);
  CHECK(alternating(f.all) == euler);
  CHECK(alternating(f.bounded) == (f.all[0] > 0));
  CHECK(f.all[0] == one.vertices - std::accumulate(one.far.begin(), one.far.end(), std::int64_t{0}));
  CHECK(static_cast<std::uint64_t>(f.all[domain.dim]) == count(run));
}

void euler() {
  for (std::uint64_t seed = 0; seed < 6; ++seed)
    for (const Function& function : {kRelu, kClip, kAbs}) {
      Random random(seed);
      for (int dim = 1; dim <= 4; ++dim) {
        Net net, whole;
        net.add_random(random, dim < 3 ? 8 : 5, dim, function);
        net.add_random(random, 4, dim < 3 ? 8 : 5, function);
        check(net, box(dim, -1, 1), 1);
        if (dim < 4) check(net, polyhedron(dim), dim % 2 ? -1 : 1);
        for (int k = 0; k < 2; ++k) {  // small integers: much for the exact layer
          std::vector<double> w(std::size_t(4) * (k ? 4 : dim)), b(4);
          for (double& v : w) v = static_cast<double>(integer(random, 2));
          for (double& v : b) v = static_cast<double>(integer(random, 1));
          whole.add(w, b, function);
        }
        check(whole, box(dim, -1, 1), 1);
        if (dim < 4) check(whole, polyhedron(dim), dim % 2 ? -1 : 1);
      }
    }
}

void special() {
  Net line;
  line.add({1, 2}, {3});
  check(line, polyhedron(2), 1);
  check(line, polyhedron(2, {{1, 0, 0}}), 0);                // a half-plane
  check(line, polyhedron(2, {{1, 0, 0}, {-1, 0, 1}}), -1);   // a strip
  Net maxima;
  Random random(5);
  std::vector<double> w(24), b(12);
  for (double& v : w) v = static_cast<double>(integer(random, 2));
  for (double& v : b) v = static_cast<double>(integer(random, 1));
  maxima.add_max(w, b, {0, 3, 7, 11, 12});
  maxima.add_random(random, 3, 4);
  check(maxima, box(2, -1, 1), 1);
  check(maxima, polyhedron(2), 1);
  Net affine;
  affine.add({1, 2}, {3}, kIdentity);
  check(affine, box(2, -1, 1), 1);
}

// A polygon with more sides than one word of a mask can name.
void wide() {
  Net net;
  std::vector<double> w, b;
  for (int i = 0; i < 90; ++i) {
    const double t = 6.283185307179586 * (i * 37 % 90 + 0.3) / 90;
    w.insert(w.end(), {std::round(1048576 * std::cos(t)), std::round(1048576 * std::sin(t))});
    b.push_back(1048576);
  }
  net.add(w, b);
  check(net, box(2, -2, 2), 1);
}

void limits() {
  Random random(7);
  Net net;
  net.add_random(random, 16, 3);
  Run run(net.stages, box(3, -1, 1));
  prepare(run);
  Options o;
  o.mode = Mode::complex;
  o.max_bytes = 10000;
  finish(run, o);
  CHECK(run.shared.error == "the polyhedral complex does not fit into memory" && run.shared.stop == 4);
  const ComplexArrays c = complex_of(run, 2);
  const Csr own = facets_of_regions(c);
  std::vector<std::int64_t> region;
  for (std::size_t i = 0; i < c.facet_regions.size(); i += 2) region.push_back(c.facet_regions[i]);
  bool refused = false;
  try {
    lower_faces(view(c.regions), view(own), view(c.facets), view(c.facets), region.data(), 1000, [] {});
  } catch (const std::length_error&) {
    refused = true;
  }
  CHECK(refused);
}

}  // namespace

int main() {
  tables();
  maximal_sets();
  general_position();
  euler();
  special();
  wide();
  limits();
}
