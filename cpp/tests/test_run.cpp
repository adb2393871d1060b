// Whole runs on networks whose number of regions is known, in every mode.
#include <set>

#include "nets.hpp"
#include "volume.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

struct Line {
  std::int64_t a, b, c;
};

// Pieces of the square [-side, side]^2 (0: of the plane) cut by lines of which no three meet: 1 + lines + crossings.
std::uint64_t pieces_of_square(const std::vector<Line>& lines, std::int64_t side) {
  std::uint64_t total = 1;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line& l = lines[i];
    total += side == 0 || std::abs(l.c) < side * (std::abs(l.a) + std::abs(l.b));
    for (std::size_t j = 0; j < i; ++j) {
      const Line& m = lines[j];
      const std::int64_t det = l.a * m.b - m.a * l.b, x = l.b * m.c - m.b * l.c, y = l.c * m.a - m.c * l.a;
      const std::int64_t reach = side * std::abs(det);
      total += side == 0 ? det != 0 : std::abs(x) < reach && std::abs(y) < reach;
    }
  }
  return total;
}

Net net_of(const std::vector<Line>& lines) {
  std::vector<double> w, b;
  for (const Line& l : lines) {
    w.push_back(static_cast<double>(l.a));
    w.push_back(static_cast<double>(l.b));
    b.push_back(static_cast<double>(l.c));
  }
  Net net;
  net.add(w, b);
  return net;
}

// Tangents of the circle of radius 1, with 20 bits.
std::vector<Line> tangents(int n) {
  std::vector<Line> lines;
  for (int i = 0; i < n; ++i) {
    const double t = 6.283185307179586 * (i + 0.3) / n, size = 1 << 20;
    lines.push_back({std::llround(size * std::cos(t)), std::llround(size * std::sin(t)), 1 << 20});
  }
  return lines;
}

void lines_in_a_square() {
  Random random(1);
  for (int n = 1; n <= 80; n += 1 + n / 4) {
    std::vector<Line> lines;
    for (int i = 0; i < n; ++i)
      lines.push_back({integer(random, 1 << 20), integer(random, 1 << 20), integer(random, 1 << 21)});
    for (const std::int64_t side : {0, 1, 2, 5}) {
      const Domain domain = side ? box(2, static_cast<int>(-side), static_cast<int>(side)) : polyhedron(2);
      CHECK(count(net_of(lines), domain) == pieces_of_square(lines, side));
    }
  }
}

void arrangements_of_space() {
  for (int d = 1; d <= 5; ++d) {  // Boolean: 2^d
    Net net;
    std::vector<double> w(d * d, 0.0);
    for (int k = 0; k < d; ++k) w[k * d + k] = 1;
    net.add(w, std::vector<double>(d, 0.0));
    CHECK(count(net, polyhedron(d)) == std::uint64_t{1} << d);
    CHECK(count(net, box(d, -1, 1)) == std::uint64_t{1} << d);
    CHECK(count(net, box(d, 0, 1)) == 1);
  }
  Random random(2);
  for (int d = 1; d <= 4; ++d)  // general position: the sum of binomials
    for (int n = 1; n <= 7; ++n) {
      Net net;
      net.add_random(random, n, d);
      std::uint64_t expected = 0, binomial = 1;
      for (int k = 0; k <= d; ++k) {
        expected += binomial;
        binomial = binomial * static_cast<std::uint64_t>(n - k) / static_cast<std::uint64_t>(k + 1);
        if (k >= n) break;
      }
      CHECK(count(net, polyhedron(d)) == expected);
    }
  Net central;  // 12 lines through a point
  std::vector<double> w;
  for (int i = 0; i < 12; ++i) w.insert(w.end(), {i + 1.0, 7.0 - i * i});
  central.add(w, std::vector<double>(12, 0.0));
  CHECK(count(central, polyhedron(2)) == 24);
  CHECK(count(central, box(2, -1, 1)) == 24);
}

void activations() {
  Net clip;
  clip.add({1, 0, 0, 1}, {0, 0}, kClip);
  CHECK(count(clip, box(2, -2, 2)) == 9);
  CHECK(count(clip, polyhedron(2)) == 9);
  CHECK(count(clip, box(2, 0, 1)) == 1);
  Net winner;
  winner.add_max({1, 0, 0, 1, -1, -1}, {0, 0, 0}, {0, 3});
  CHECK(count(winner, box(2, -1, 1)) == 3);
  CHECK(count(winner, polyhedron(2)) == 3);
  Net losers;  // the middle row wins nowhere
  losers.add_max({1, 0, 0.5, 0, -1, 0, 0, 1}, {0, -1, 0, -9}, {0, 3, 4});
  CHECK(count(losers, box(2, -1, 1)) == 2);
  Net ties;  // the same row twice: one winner
  ties.add_max({1, 0, 1, 0, 0, 1}, {0, 0, 0}, {0, 3});
  CHECK(count(ties, box(2, -1, 1)) == 2);
  Net groups;  // max(x, -x), max(y, 0), and the ReLU of their difference
  groups.add_max({1, 0, -1, 0, 0, 1, 0, 0}, {0, 0, 0, 0}, {0, 2, 4});
  groups.add({1, -1}, {0});
  CHECK(count(groups, box(2, -1, 1)) == 6);
  Net identity;
  identity.add({1, 2}, {3}, kIdentity);
  CHECK(count(identity, box(2, -1, 1)) == 1);
  CHECK(count(identity, polyhedron(2)) == 1);
}

void duplicates() {
  Random random(3);
  Net once;
  once.add_random(random, 9, 3);
  const std::uint64_t expected = count(once, box(3, -1, 1));
  std::vector<double> w, b;
  for (int i = 0; i < 9; ++i)
    for (const double factor : {1.0, -1.0, 3.0, 0.0, -0x1p-40}) {  // again, turned, longer, dead, tiny
      for (int k = 0; k < 3; ++k) w.push_back(factor * once.weights[0][i * 3 + k]);
      b.push_back(factor * once.stages[0].bias[i]);
    }
  Net many;
  many.add(w, b);
  CHECK(count(many, box(3, -1, 1)) == expected);
  many.add(std::vector<double>(45, 1.0), {1.0});  // always on
  CHECK(count(many, box(3, -1, 1)) == expected);
  Run run(many.stages, box(3, -1, 1));
  prepare(run);
  CHECK(list(run).size() == expected);
}

// The tent map folds [0, 1] in two, so n of them in 2^n pieces.
void tents() {
  for (int n = 1; n <= 10; ++n) {
    Net net;  // relu(2 t) and relu(4 t - 2), where t is the difference of the two units before
    for (int i = 0; i < n; ++i) net.add(i ? std::vector<double>{2, -2, 4, -4} : std::vector<double>{2, 4}, {0, -2});
    CHECK(count(net, box(1, 0, 1)) == std::uint64_t{1} << n);
    CHECK(count(net, box(1, 0, 1), 2) == std::uint64_t{1} << n);
  }
}

Net random_net(std::uint64_t seed, std::vector<int> widths) {
  Random random(seed);
  Net net;
  for (std::size_t k = 0; k + 1 < widths.size(); ++k)
    net.add_random(random, widths[k + 1], widths[k], k % 3 == 2 ? kClip : k % 3 == 1 ? kAbs : kRelu);
  return net;
}

// Pieces of all units at x, in float64.
std::vector<int> pattern_at(const Net& net, std::vector<double> x) {
  std::vector<int> out;
  for (const StageInput& s : net.stages) {
    std::vector<double> y(s.rows);
    for (int i = 0; i < s.rows; ++i) {
      double z = s.bias[i];
      for (int j = 0; j < s.inputs; ++j) z += s.weight[i * s.inputs + j] * x[j];
      const Function& f = s.functions[0];
      int piece = 0;
      while (piece < static_cast<int>(f.breakpoints.size()) && z > f.breakpoints[piece]) ++piece;
      out.push_back(piece);
      y[i] = f.slopes.size() == 3 ? std::fmin(std::fmax(z, 0), 1) : f.slopes[piece] * z;
    }
    x = y;
  }
  return out;
}

// One answer from counting and listing, one thread and two; the patterns differ, hold at their witnesses, and their
// cells fill the box.
void modes_agree() {
  const std::vector<std::vector<int>> shapes = {{1, 8, 6}, {2, 8, 8, 4}, {2, 6, 5, 5, 5},
                                                {3, 8, 6}, {4, 6, 4},    {5, 5, 3}};
  for (std::size_t k = 0; k < shapes.size(); ++k) {
    const Net net = random_net(k + 1, shapes[k]);
    const int dim = shapes[k][0];
    Run run(net.stages, box(dim, -1, 1));
    CHECK(prepare(run) == DomainState::ready);
    const std::uint64_t n = count(run);
    CHECK(n > 10 && count(run, 2) == n && count(run, 3) == n);
    const auto one = list(run), two = list(run, 2);
    CHECK(one.size() == n && two.size() == n);
    std::set<std::vector<int>> first, second;
    for (const auto& r : one) first.insert(r.pieces);
    for (const auto& r : two) second.insert(r.pieces);
    CHECK(first.size() == n && first == second);
    double total = 0;
    for (const auto& r : one) {
      CHECK(r.certified && pattern_at(net, r.witness) == r.pieces);
      const RegionShape shape = run.replay(r.pieces, total == 0 ? Shared::Precision::exact : Shared::Precision::quick);
      CHECK(shape.found);
      const double part = volume(shape, 1e6);  // the error bound is loose; the sum below is the test
      CHECK(part > 0);
      total += part;
    }
    CHECK(std::fabs(total - (1 << dim)) < 1e-9);
    CHECK(count(net, polyhedron(dim)) >= n);
    CHECK(list(run, 2).size() == n);  // also after replays
  }
}

void budget() {
  const Net net = random_net(9, {2, 16, 16});
  Run run(net.stages, box(2, -1, 1));
  prepare(run);
  const std::uint64_t all = count(run);
  for (const int threads : {1, 2})
    for (const Mode mode : {Mode::count, Mode::list}) {
      Options o;
      o.threads = threads;
      o.mode = mode;
      o.max_regions = 20;
      finish(run, o);
      CHECK(run.shared.stop == 2 && run.shared.regions >= 20 && run.shared.regions < all);
    }
  run.start({});
  run.stop();
  while (!run.wait(1)) {
  }
  CHECK(run.shared.regions <= all);
  CHECK(count(run) == all);
  run.start({});  // and is left while it runs
}

// Cells with more facets than one word of a mask can name.
void many_facets() {
  const auto lines = tangents(100);
  const std::uint64_t expected = pieces_of_square(lines, 2);
  Net net = net_of(lines);
  CHECK(count(net, box(2, -2, 2)) == expected);
  CHECK(count(net, polyhedron(2)) == pieces_of_square(lines, 0));
  net.add(std::vector<double>(100, 1.0), {1.0});  // always on, but every cell has to be made
  for (const int threads : {1, 2}) {
    CHECK(count(net, box(2, -2, 2), threads) == expected);
    Run run(net.stages, box(2, -2, 2));
    prepare(run);
    const auto regions = list(run, threads);
    CHECK(regions.size() == expected);
    if (threads == 1) continue;
    Run fresh(net.stages, box(2, -2, 2));
    prepare(fresh);
    std::vector<int> middle(101, 1);  // all tangents see the centre on their positive side
    const RegionShape shape = fresh.replay(middle, Shared::Precision::exact);
    CHECK(shape.found && shape.facets.size() == 100);
    CHECK(std::fabs(volume(shape, 1.0) - 100 * std::tan(3.141592653589793 / 100)) < 1e-3);
  }
  std::vector<std::vector<std::int64_t>> rows;
  for (const Line& l : lines) rows.push_back({l.a, l.b, l.c});
  Net half;
  half.add({1, 0}, {0});
  CHECK(count(half, polyhedron(2, rows)) == 2);
}

void domains() {
  Net half;
  half.add({1, 1}, {0});
  const auto state = [&](const std::vector<std::vector<std::int64_t>>& rows) {
    Run run(half.stages, polyhedron(2, rows));
    return prepare(run);
  };
  CHECK(state({{1, 0, -1}, {-1, 0, 0}}) == DomainState::empty);
  CHECK(state({{1, 0, 0}, {-1, 0, 0}}) == DomainState::flat);
  CHECK(state({{0, 0, -1}}) == DomainState::empty);
  CHECK(state({{0, 0, 1}, {1, 0, 0}}) == DomainState::ready);
  CHECK(state({{1, 0, 0}, {0, 1, 0}, {-1, -1, 0}}) == DomainState::flat);
  CHECK(count(half, polyhedron(2, {{1, 0, 0}, {0, 1, 1}})) == 2);            // x >= 0, y >= -1
  CHECK(count(half, polyhedron(2, {{1, 0, 0}, {0, 1, 0}})) == 1);            // touches the line at a corner
  CHECK(count(half, polyhedron(2, {{1, 1, 1}, {-1, -1, 1}, {1, 1, 5}})) == 2);  // a strip along the line
}

}  // namespace

int main() {
  lines_in_a_square();
  arrangements_of_space();
  activations();
  duplicates();
  tents();
  modes_agree();
  budget();
  many_facets();
  domains();
}
