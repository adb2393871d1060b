// The search by linear programs against the search by vertices, and its parts on their own.
#include <cmath>
#include <set>

#include "check.hpp"
#include "lp_run.hpp"
#include "lp_search.hpp"
#include "nets.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

Int random_int(Random& random, int limbs) {
  std::uint64_t digits[8];
  for (auto& d : digits) d = random();
  return Int::from_limbs(random() % 2 != 0, digits, 1 + random() % limbs);
}

void exact_quotients() {
  Random random(1);
  for (int k = 0; k < 20000; ++k) {
    Int a = random_int(random, 6), b = random_int(random, 4);
    if (random() % 3 == 0) a = Int(integer(random, 1000));
    if (random() % 3 == 0) b = Int(integer(random, 1000));
    if (b.is_zero()) continue;
    if (random() % 4 == 0) b.shift_left(static_cast<long>(random() % 130));
    CHECK(exact_quotient(a * b, b) == a);
  }
}

// The float program against the integer one: the same sign of the optimum wherever it is not tiny.
void programs_agree() {
  Random random(2);
  for (int trial = 0; trial < 3000; ++trial) {
    const int size = 1 + static_cast<int>(random() % 6), rows = 1 + static_cast<int>(random() % 9);
    std::vector<ExactProgram::Row> exact(rows);
    std::vector<const ExactProgram::Row*> chosen;
    Dictionary d;
    d.clear(size);
    for (int i = 0; i < rows; ++i) {
      std::vector<double> g(size);
      double square = 0, offset = 0;
      for (int k = 0; k < size; ++k) {
        exact[i].numbers.emplace_back(integer(random, 6));
        g[k] = static_cast<double>(exact[i].numbers.back().small());
        square += g[k] * g[k];
      }
      exact[i].numbers.emplace_back(integer(random, 5) - 2);
      offset = static_cast<double>(exact[i].numbers.back().small());
      const double length = std::sqrt(std::fmax(square, 1.0));
      for (double& v : g) v /= length;
      d.add_row(g.data(), offset / length);
      if (i == 0 && random() % 2) CHECK(d.solve(-1e300) == Dictionary::Status::optimal);
    }
    for (const auto& row : exact) chosen.push_back(&row);
    CHECK(d.solve(-1e300) == Dictionary::Status::optimal);
    const int sign = ExactProgram(size, -1, nullptr).solve(chosen);
    if (d.value() > 1e-9) CHECK(sign > 0);
    if (d.value() < -1e-9) CHECK(sign < 0 || sign == 0);
    double sum = 0;
    for (int i = 0; i < rows; ++i) sum += d.multiplier(i);
    CHECK(std::fabs(sum - 1) < 1e-9);
  }
}

struct Found {
  std::uint64_t regions;
  std::set<std::vector<std::uint8_t>> patterns;
};

Found search(const Net& net, const Domain& domain, int threads = 1) {
  LpRun run(net.stages, domain);
  run.prepare();
  while (!run.wait(1)) {
  }
  CHECK(run.prepared() == DomainState::ready);
  Options o;
  o.mode = Mode::list;
  o.threads = threads;
  run.start(o);
  while (!run.wait(1)) {
  }
  CHECK(run.shared.error.empty() && run.shared.stop == 0 && run.shared.doubtful == 0);
  Found out{run.shared.regions, {}};
  const auto bytes = static_cast<std::size_t>(run.shared.model.pattern_bytes);
  for (const auto& part : run.shared.outputs)
    for (std::size_t i = 0; part && i < part->regions; ++i)
      out.patterns.emplace(part->patterns.begin() + i * bytes, part->patterns.begin() + (i + 1) * bytes);
  CHECK(out.patterns.size() == out.regions);
  return out;
}

Domain bare(Domain d) {  // the corners say it all
  d.rows.clear();
  return d;
}

void same_as_cells() {
  Random random(3);
  for (int trial = 0; trial < 12; ++trial) {
    const int dim = 1 + trial % 4;
    Net net;
    const Function& f = trial % 3 == 0 ? kClip : trial % 3 == 1 ? kRelu : kAbs;
    if (trial % 2) {
      net.add_random(random, 4, dim, f);
      net.add_random(random, 3, 4, f);
    } else {  // small integers: parallel, repeated and touching
      std::vector<double> w(4 * dim), v(12), b(4), c(3);
      for (auto* numbers : {&w, &v, &b, &c})
        for (double& x : *numbers) x = static_cast<double>(integer(random, 1));
      net.add(w, b, f);
      net.add(v, c, f);
    }
    CHECK(search(net, box(dim, -2, 1)).regions == count(net, box(dim, -2, 1)));
    CHECK(search(net, bare(box(dim, -2, 1))).regions == count(net, box(dim, -2, 1)));
    CHECK(search(net, polyhedron(dim)).regions == count(net, polyhedron(dim)));
  }
  Net groups;
  groups.add_max({1, 0, 0, 1, 1, 1, 1, 0, 2, 1, -1, 3}, {0, 0, 0, 0, 1, 0}, {0, 3, 6});
  CHECK(search(groups, box(2, -2, 2)).regions == count(groups, box(2, -2, 2)));
}

void many_dimensions() {
  const int dim = 12;
  Net net;
  std::vector<double> w(dim * dim, 0.0);
  for (int k = 0; k < dim; ++k) w[k * dim + k] = 1;
  net.add(w, std::vector<double>(dim, 0.0));
  const auto one = search(net, bare(box(dim, -1, 1))), two = search(net, bare(box(dim, -1, 1)), 2);
  CHECK(one.regions == 4096 && two.patterns == one.patterns);
  // Nothing of full dimension lies between x0 > 0 and x0 < 0, and nearly nothing between x0 > 0 and x0 < 2^-1000.
  Net thin;
  std::vector<double> v(2 * dim, 0.0);
  v[0] = v[dim] = 1;
  thin.add(v, {0.0, -0x1p-1000});
  CHECK(search(thin, bare(box(dim, -1, 1))).regions == 3);
}

void flat_and_empty() {
  Net net;
  net.add({1, 1}, {0});
  const auto state = [&](const std::vector<std::vector<std::int64_t>>& rows) {
    LpRun run(net.stages, polyhedron(2, rows));
    run.prepare();
    while (!run.wait(1)) {
    }
    return run.prepared();
  };
  CHECK(state({{1, 0, 0}, {-1, 0, -1}}) == DomainState::empty);
  CHECK(state({{1, 0, 0}, {-1, 0, 0}}) == DomainState::flat);
  CHECK(state({{0, 0, -1}}) == DomainState::empty);
  CHECK(state({{0, 0, 0}, {1, 0, 5}}) == DomainState::ready);
}

void exact_points() {
  Random random(4);
  Net net;
  net.add_random(random, 5, 3);
  net.add_random(random, 3, 5);
  for (const Domain& domain : {bare(box(3, -1, 1)), polyhedron(3)}) {
    LpRun run(net.stages, domain);
    int found = 0;
    for (int code = 0; code < 256; ++code) {
      std::vector<int> pieces(8);
      for (int u = 0; u < 8; ++u) pieces[u] = code >> u & 1;
      const RegionShape shape = run.replay(pieces);
      found += shape.found;
      if (shape.found) CHECK(shape.exact.size() == 1 && shape.exact[0].size() == 4 && shape.exact[0][3].sign() > 0);
    }
    CHECK(static_cast<std::uint64_t>(found) == count(net, domain.box ? box(3, -1, 1) : domain));
  }
}

}  // namespace

int main() {
  exact_quotients();
  programs_agree();
  same_as_cells();
  many_dimensions();
  flat_and_empty();
  exact_points();
  return 0;
}
