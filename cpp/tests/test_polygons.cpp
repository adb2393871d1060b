// Polygons of listings: closed, counter-clockwise, of the domain's area in all, and two edges to a section; rows that differ
// in one field.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "across.hpp"
#include "nets.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

PolygonList polygons_of(Run& run, int threads) {
  Options o;
  o.mode = Mode::list;
  o.threads = threads;
  o.polygons = true;
  finish(run, o);
  CHECK(run.shared.error.empty() && run.shared.stop == 0 && !run.shared.polygons_left_out);
  PolygonList all;
  for (const auto& out : run.shared.outputs) {
    if (!out) continue;
    const PolygonList& one = *out->polygons;
    CHECK(one.size.size() == out->regions && one.area.size() == out->regions && one.area_error.size() == out->regions);
    CHECK(one.points.size() == 2 * one.radii.size() && one.facet.size() == one.radii.size());
    CHECK(one.split.size() == one.radii.size());
    all.size.insert(all.size.end(), one.size.begin(), one.size.end());
    all.points.insert(all.points.end(), one.points.begin(), one.points.end());
    all.radii.insert(all.radii.end(), one.radii.begin(), one.radii.end());
    all.area.insert(all.area.end(), one.area.begin(), one.area.end());
    all.area_error.insert(all.area_error.end(), one.area_error.begin(), one.area_error.end());
    all.facet.insert(all.facet.end(), one.facet.begin(), one.facet.end());
    all.split.insert(all.split.end(), one.split.begin(), one.split.end());
  }
  return all;
}

void check(const PolygonList& list, double area) {
  double total = 0, error = 1e-12;
  std::size_t at = 0;
  std::map<std::uint64_t, std::vector<std::array<double, 4>>> sections;
  for (std::size_t i = 0; i < list.size.size(); ++i) {
    const std::size_t n = list.size[i];
    CHECK(n >= 3);
    CHECK(list.area[i] >= 0 && list.area_error[i] <= std::max(1e-6 * list.area[i], 1e-11 * area));
    total += list.area[i];
    error += list.area_error[i];
    for (std::size_t k = 0; k < n; ++k) {
      const double* p = list.points.data() + 2 * (at + k);
      const double* q = list.points.data() + 2 * (at + (k + 1) % n);
      const double* r = list.points.data() + 2 * (at + (k + 2) % n);
      const double turn = (q[0] - p[0]) * (r[1] - q[1]) - (q[1] - p[1]) * (r[0] - q[0]);
      CHECK(turn >= -1e-7);
      CHECK((facet_level(list.facet[at + k]) == 0) == (list.split[at + k] == 0));
      if (list.split[at + k]) sections[list.split[at + k]].push_back({p[0], p[1], q[0], q[1]});
    }
    at += n;
  }
  CHECK(at == list.radii.size());
  CHECK(std::fabs(total - area) <= error);
  // The edges of a section go along it to and fro, equally often and equally far.
  for (const auto& [split, edges] : sections) {
    CHECK(edges.size() % 2 == 0);
    double x = 0, y = 0;
    for (const auto& e : edges) {
      x += e[2] - e[0];
      y += e[3] - e[1];
    }
    CHECK(std::fabs(x) < 1e-6 && std::fabs(y) < 1e-6);
  }
}

void nets() {
  Random random(1);
  for (int round = 0; round < 40; ++round) {
    Net net;
    const bool general = round % 2 == 0;
    int inputs = 2;
    for (const int width : {5, 6, 4}) {
      if (general) {
        net.add_random(random, width, inputs, round % 4 ? kRelu : kClip);
      } else {
        std::vector<double> w(static_cast<std::size_t>(width) * inputs), b(width);
        for (double& v : w) v = static_cast<double>(integer(random, 1));
        for (double& v : b) v = static_cast<double>(integer(random, 1)) * (round % 3);
        if (round % 5 == 0 && width == 6)
          net.add_max(std::move(w), std::move(b), {0, 2, 5, 6});
        else
          net.add(std::move(w), std::move(b), round % 4 == 1 ? kAbs : kRelu);
      }
      inputs = net.stages.back().max ? 3 : width;
    }
    const Domain domain = round % 3 ? box(2, -1, 1) : polyhedron(2, {{1, 1, 2}, {-1, 0, 1}, {0, -1, 1}, {-2, -2, 9}});
    Run run(net.stages, domain);
    CHECK(prepare(run) == DomainState::ready);
    const PolygonList one = polygons_of(run, 1), four = polygons_of(run, 4);
    check(one, round % 3 ? 4 : 8);
    check(four, round % 3 ? 4 : 8);
    CHECK(one.size == four.size && one.facet == four.facet);
  }
}

void memory() {
  Random random(2);
  Net net;
  net.add_random(random, 12, 2);
  net.add_random(random, 12, 12);
  Run run(net.stages, box(2, -1, 1));
  CHECK(prepare(run) == DomainState::ready);
  Options o;
  o.mode = Mode::list;
  o.polygons = true;
  o.max_bytes = 100;
  finish(run, o);
  CHECK(run.shared.error.empty() && run.shared.polygons_left_out && run.shared.regions == list(run).size());
}

void rows() {
  Random random(3);
  for (const std::size_t bytes : {1, 3, 20}) {
    std::vector<std::uint8_t> all;
    std::map<std::vector<std::uint8_t>, std::int64_t> known;
    for (int i = 0; i < 200; ++i) {
      std::vector<std::uint8_t> row(bytes);
      for (auto& v : row) v = static_cast<std::uint8_t>(bytes == 1 ? random() : random() & random() & random() & random());
      if (!known.try_emplace(row, static_cast<std::int64_t>(known.size())).second) continue;
      all.insert(all.end(), row.begin(), row.end());
    }
    RowTable table(all.data(), known.size(), bytes);
    for (int i = 0; i < 4000; ++i) {
      const std::size_t own = random() % known.size();
      const auto width = static_cast<std::int64_t>(1 + random() % 4);
      const auto bit = static_cast<std::int64_t>(random() % (8 * bytes - width + 1));
      const std::uint64_t value = random() % (std::uint64_t{1} << width);
      std::vector<std::uint8_t> row(all.begin() + own * bytes, all.begin() + (own + 1) * bytes);
      for (std::int64_t b = 0; b < width; ++b) {
        const auto one = static_cast<std::uint8_t>(1u << ((bit + b) % 8));
        std::uint8_t& byte = row[(bit + b) / 8];
        byte = static_cast<std::uint8_t>((byte & ~one) | (value >> b & 1 ? one : 0));
      }
      const auto found = known.find(row);
      CHECK(table.changed(own, bit, width, value) == (found == known.end() ? -1 : found->second));
    }
  }
}

}  // namespace

int main() {
  rows();
  nets();
  memory();
}
