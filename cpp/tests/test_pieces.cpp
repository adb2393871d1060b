// Pieces: their numbers are the same for every number of threads, together they are the whole run in its order, and what was
// handed over stays when a run is stopped or starts again with wider masks.
#include <map>

#include "nets.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

Options pieced(Mode mode, int depth, std::vector<std::size_t> pieces, int threads = 1) {
  Options o;
  o.mode = mode;
  o.pieced = true;
  o.depth = depth;
  o.threads = threads;
  o.pieces = std::move(pieces);
  return o;
}

Frontier survey(Run& run, Mode mode, int depth) {
  finish(run, pieced(mode, depth, {}));
  CHECK(run.shared.error.empty() && run.shared.finished.empty() && run.shared.regions == 0);
  return run.shared.frontier;
}

bool same(const Frontier& a, const Frontier& b) {
  return a.pieces == b.pieces && a.digest == b.digest && a.exact_decisions == b.exact_decisions && a.doubtful == b.doubtful;
}

std::map<std::size_t, Finished> collect(Run& run) {
  std::map<std::size_t, Finished> out;
  for (Finished& f : run.shared.finished) {
    CHECK(!out.count(f.id));
    out[f.id] = std::move(f);
  }
  run.shared.finished.clear();
  return out;
}

Net mixed(std::uint64_t seed, std::vector<int> widths) {
  Random random(seed);
  Net net;
  for (std::size_t k = 0; k + 1 < widths.size(); ++k)
    net.add_random(random, widths[k + 1], widths[k], k % 3 == 2 ? kClip : k % 3 == 1 ? kAbs : kRelu);
  return net;
}

Net winners() {
  Random random(7);
  Net net;
  net.add_random(random, 6, 2);
  std::vector<double> w(12 * 6), b(12);
  for (double& v : w) v = static_cast<double>(integer(random, 64));
  for (double& v : b) v = static_cast<double>(integer(random, 64));
  net.add_max(w, b, {0, 3, 6, 10, 12});
  return net;
}

// All pieces in three runs of different threads, against one whole run.
void whole_from_pieces(const Net& net, const Domain& domain) {
  for (const Mode mode : {Mode::count, Mode::list})
    for (const int depth : {0, 2, 7, 10, 13}) {
      Run run(net.stages, domain);
      prepare(run);
      std::vector<std::uint8_t> patterns, together;
      std::uint64_t regions = 0, decisions = 0, n = 0, sum = 0;
      if (mode == Mode::list) {
        n = list(run).size();
        for (const auto& o : run.shared.outputs) patterns.insert(patterns.end(), o->patterns.begin(), o->patterns.end());
      } else {
        n = count(run);
      }
      decisions = run.shared.exact_decisions;
      const Frontier frontier = survey(run, mode, depth);
      CHECK(frontier.pieces >= 1);
      std::map<std::size_t, Finished> all;
      for (std::size_t part = 0; part < 3; ++part) {
        std::vector<std::size_t> mine;
        for (std::size_t i = 0; i < frontier.pieces; ++i)
          if (i * 7 % 3 == part) mine.push_back(i);
        finish(run, pieced(mode, depth, mine, static_cast<int>(part) + 1));
        CHECK(run.shared.stop == 0 && same(run.shared.frontier, frontier));
        auto found = collect(run);
        CHECK(found.size() == mine.size());
        for (const std::size_t id : mine) CHECK(found.count(id));
        all.merge(found);
      }
      for (auto& [id, piece] : all) {
        regions += piece.regions;
        sum += piece.exact_decisions;
        if (mode == Mode::list) {
          CHECK(piece.output->regions == piece.regions);
          together.insert(together.end(), piece.output->patterns.begin(), piece.output->patterns.end());
        }
      }
      CHECK(regions == n && sum + frontier.exact_decisions == decisions && together == patterns);
    }
}

void limits() {
  const Net net = mixed(9, {2, 16, 16});
  Run run(net.stages, box(2, -1, 1));
  prepare(run);
  const std::uint64_t all = count(run);
  const Frontier frontier = survey(run, Mode::list, 10);
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < frontier.pieces; ++i) left.push_back(i);
  std::uint64_t regions = 0;
  int runs = 0;
  for (; !left.empty(); ++runs) {  // a limit is met by whole pieces, so every run gets further
    Options o = pieced(Mode::list, 10, left, 1 + runs % 2);
    o.max_regions = 20;
    finish(run, o);
    const auto found = collect(run);
    CHECK(!found.empty());
    std::uint64_t now = 0;
    for (const auto& [id, piece] : found) now += piece.regions;
    CHECK(now >= 20 || found.size() == left.size());
    regions += now;
    std::erase_if(left, [&](std::size_t id) { return found.count(id) != 0; });
  }
  CHECK(runs > 3 && regions == all);
  run.start(pieced(Mode::list, 10, {0, 1, 2, 3, 4, 5, 6}));
  run.stop();
  while (!run.wait(1)) {
  }
  for (const auto& [id, piece] : collect(run)) CHECK(id < 7 && piece.output->regions == piece.regions);
}

// Some pieces are done before a cell has more facets than one word can name.
void wider_masks() {
  Net net;
  std::vector<double> w, b;
  for (int i = 0; i < 100; ++i) {
    const double t = 6.283185307179586 * (i * 37 % 100 + 0.3) / 100;
    w.insert(w.end(), {std::round(1048576 * std::cos(t)), std::round(1048576 * std::sin(t))});
    b.push_back(1048576);
  }
  net.add(w, b);
  net.add(std::vector<double>(100, 1.0), {1.0});
  const std::uint64_t expected = count(net, box(2, -2, 2), 2);
  for (const int threads : {1, 3}) {
    Run run(net.stages, box(2, -2, 2));
    prepare(run);
    const Frontier frontier = survey(run, Mode::list, 12);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < frontier.pieces; ++i) all.push_back(i);
    finish(run, pieced(Mode::list, 12, all, threads));
    const auto found = collect(run);
    std::uint64_t regions = 0;
    for (const auto& [id, piece] : found) regions += piece.regions;
    CHECK(found.size() == frontier.pieces && regions == expected && run.shared.regions == expected);
  }
}

}  // namespace

int main() {
  const std::vector<std::vector<int>> shapes = {{1, 8, 6}, {2, 8, 8, 4}, {3, 8, 6}, {4, 6, 4}, {2, 12}};
  for (std::size_t k = 0; k < shapes.size(); ++k) whole_from_pieces(mixed(k + 1, shapes[k]), box(shapes[k][0], -1, 1));
  whole_from_pieces(winners(), box(2, -1, 1));
  whole_from_pieces(mixed(3, {2, 6, 5}), polyhedron(2));
  Net flat;
  flat.add({1, 2}, {3}, kIdentity);
  whole_from_pieces(flat, box(2, -1, 1));
  Net zero;  // lines through one point, twice: much for the exact layer
  zero.add({1, 2, 3, -1, 1, 2, -2, 5, 0, 0}, {0, 0, 0, 0, 0});
  zero.add({1, -1, 1, 0, 2, 1, 1, 1, -1, 0}, {0, 0});
  whole_from_pieces(zero, box(2, -1, 1));
  limits();
  wider_masks();
}
