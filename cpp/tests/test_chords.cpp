// Points on a chord: the kernel's certainties against long double, the buckets against sorting, and counts of many lines.
#include <algorithm>
#include <cmath>
#include <limits>

#include "chords.hpp"
#include "nets.hpp"
#include "search.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

double unit(Random& random) { return static_cast<double>(integer(random, std::int64_t{1} << 53)) * 0x1p-53; }

// The chosen instruction set gives the bits that the baseline gives.
void same_bits() {
  Random random(4);
  const Kernels &one = kBaselineKernels, &two = kernels();
  for (int round = 0; round < 300; ++round) {
    const int n = 8 * static_cast<int>(1 + random() % 8);
    std::vector<double> row[4];
    for (auto& r : row)
      for (int j = 0; j < n; ++j) r.push_back(random() % 20 ? unit(random) : 0.0);
    const double* rows[4] = {row[0].data(), row[1].data(), row[2].data(), row[3].data()};
    const double w[4] = {unit(random), unit(random), unit(random), unit(random)};
    std::vector<double> t(n), room(n), other_t(n), other_room(n);
    std::uint64_t bits[4];
    one.crossings(n, rows, w, 1e-3, t.data(), room.data(), bits, bits + 1);
    two.crossings(n, rows, w, 1e-3, other_t.data(), other_room.data(), bits + 2, bits + 3);
    CHECK(bits[0] == bits[2] && bits[1] == bits[3]);
    for (int j = 0; j < n; ++j)
      if (bits[0] >> j & 1) CHECK(t[j] == other_t[j] && room[j] == other_room[j]);
    std::vector<std::int32_t> at(n), other_at(n);
    one.buckets(n, t.data(), room.data(), 1000.5, 777.0, 1023, at.data());
    two.buckets(n, t.data(), room.data(), 1000.5, 777.0, 1023, other_at.data());
    CHECK(at == other_at);
    std::vector<std::uint64_t> set(4), lost(4), other_lost(4);
    std::vector<std::int32_t> bucket(256);
    for (auto& k : bucket) k = static_cast<std::int32_t>(random() % 512);
    for (auto& word : set) word = random() & random();
    if (round % 4 == 0) bucket[random() % 256] = -1;
    bool known = true;
    std::vector<std::uint32_t> names(512, 7), other_names(512, 7), expected(512, 7);
    for (std::size_t j = 0; j < 256; ++j) {
      if (!(set[j / 64] >> (j % 64) & 1)) continue;
      known = known && bucket[j] >= 0;
      if (bucket[j] >= 0) expected[static_cast<std::size_t>(bucket[j])] = 1000 + static_cast<std::uint32_t>(j);
    }
    CHECK(one.place(256, bucket.data(), set.data(), 1000, names.data()) == known);
    CHECK(two.place(256, bucket.data(), set.data(), 1000, other_names.data()) == known);
    if (known) {
      CHECK(names == expected && other_names == expected);
      one.replaced(256, bucket.data(), set.data(), 1000, names.data(), lost.data());
      two.replaced(256, bucket.data(), set.data(), 1000, names.data(), other_lost.data());
      CHECK(lost == other_lost);
      for (std::size_t j = 0; j < 256; ++j) {
        const bool in = set[j / 64] >> (j % 64) & 1, gone = lost[j / 64] >> (j % 64) & 1;
        CHECK(gone == (in && names[static_cast<std::size_t>(bucket[j])] != 1000 + j));
      }
    }
    one.mix(n, rows[0], w[0], rows[1], w[1], 1e-3, t.data(), bits, bits + 1);
    two.mix(n, rows[0], w[0], rows[1], w[1], 1e-3, other_t.data(), bits + 2, bits + 3);
    CHECK(t == other_t && bits[0] == bits[2] && bits[1] == bits[3]);
  }
}

// Every certain bit holds for all true values within the error, and t is as near as `room` says.
void certainties() {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    const int n = 8 * static_cast<int>(1 + random() % 9);
    std::vector<double> row[4];
    const double error = std::ldexp(1.0, -static_cast<int>(random() % 40));
    for (auto& r : row)
      for (int j = 0; j < n; ++j) r.push_back(unit(random) * (random() % 4 ? 1 : 4 * error));
    const double t = (1 + unit(random)) / 2;
    const ChordEnd p{row[0].data(), row[1].data(), 1 - t, t, error, false};
    const ChordEnd q{row[2].data(), row[3].data(), t, 1 - t, error / 2, false};
    std::vector<double> at(n), room(n);
    std::uint64_t cross[2], doubt[2];
    lines_across(n, p, q, at.data(), room.data(), cross, doubt);
    for (int j = 0; j < n; ++j) {
      const bool crosses = cross[j / 64] >> (j % 64) & 1, open = doubt[j / 64] >> (j % 64) & 1;
      CHECK(!(crosses && open));
      if (open) continue;
      for (int k = 0; k < 8; ++k) {
        const long double off = error, w[4] = {p.w0, p.w1, q.w0, q.w1};
        const long double a = w[0] * row[0][j] + w[1] * row[1][j] + (k & 1 ? off : -off);
        const long double b = w[2] * row[2][j] + w[3] * row[3][j] + (k & 2 ? off : -off);
        CHECK((a > 0) != (b > 0) ? crosses : !crosses);
        if (crosses) CHECK(std::fabs((double)(a / (a - b) - (long double)at[j])) <= room[j] + kChordRoom);
      }
    }
  }
}

// Whether points of a chord are called certainly different, and whether they are; the first also where nothing is known.
bool sure_of(Buckets& buckets, const std::vector<double>& t, const std::vector<double>& room,
             const std::vector<std::uint64_t>& cross, bool& apart) {
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j < t.size(); ++j)
    if (cross[j / 64] >> (j % 64) & 1) order.push_back(j);
  apart = true;
  for (const std::size_t a : order)
    for (const std::size_t b : order)
      apart = apart && (a == b || std::fabs(t[a] - t[b]) > room[a] + room[b] + 2 * kChordRoom);
  buckets.reset(t.size());
  std::copy(t.begin(), t.end(), buckets.t());
  std::copy(room.begin(), room.end(), buckets.room());
  std::copy(cross.begin(), cross.end(), buckets.cross());
  return buckets.add(0, static_cast<int>(t.size())) && buckets.differ(t.size());
}

// Points anywhere, and points of which many share a few buckets; two of them, near or far in the order, may be equal.
void buckets_against_sorting(double spread) {
  Random random(2);
  Buckets buckets;
  int same = 0, different = 0, lost = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::size_t n = 64 * static_cast<std::size_t>(1 + random() % 4);
    std::vector<double> t(n), room(n);
    std::vector<std::uint64_t> cross(n / 64);
    for (std::size_t j = 0; j < n; ++j) {
      t[j] = 0.6 + spread * unit(random);
      room[j] = random() % 50 ? 1e-15 : 1e-3 * spread / static_cast<double>(n * n);
      if (random() % 8) cross[j / 64] |= std::uint64_t{1} << (j % 64);
    }
    if (random() % 2) t[random() % n] = t[random() % n] + 1e-15 * unit(random);
    bool apart;
    const bool sure = sure_of(buckets, t, room, cross, apart);
    CHECK(!sure || apart);  // certain only where it is so
    same += !apart;
    different += sure;
    lost += apart && !sure;  // a point at the end of a bucket may spoil it
  }
  CHECK(same > 100 && different > 1000 && lost < 100);
}

void equal_items() {
  Random random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<int> items;
    for (int k = 0, n = static_cast<int>(random() % 40); k < n; ++k) items.push_back(static_cast<int>(random() % 9));
    std::vector<int> sorted = items;
    std::sort(sorted.begin(), sorted.end());
    const auto n = static_cast<std::uint64_t>(std::unique(sorted.begin(), sorted.end()) - sorted.begin());
    CHECK(count_different(items.data(), items.data() + items.size(), [](int a, int b) { return a - b; }) == n);
  }
}

Net lines_net(const std::vector<std::vector<std::int64_t>>& lines) {
  std::vector<double> w, b;
  for (const auto& l : lines) {
    w.push_back(static_cast<double>(l[0]));
    w.push_back(static_cast<double>(l[1]));
    b.push_back(static_cast<double>(l[2]));
  }
  Net net;
  net.add(w, b);
  return net;
}

void families() {
  std::vector<std::vector<std::int64_t>> lines;
  for (std::int64_t k = -60; k <= 60; ++k) lines.push_back({64, 0, k});
  for (std::int64_t k = -60; k <= 60; ++k) lines.push_back({0, 64, k});
  CHECK(count(lines_net(lines), box(2, -1, 1)) == 122 * 122);
  CHECK(count(lines_net(lines), polyhedron(2), 2) == 122 * 122);
  // The diagonals x - y = k / 64 go through the grid's points: each adds 1 + its inner points.
  std::uint64_t expected = 122 * 122;
  for (std::int64_t k = -100; k <= 100; ++k) {
    lines.push_back({64, -64, k});
    std::vector<double> points;  // x 64 of the crossings inside
    for (std::int64_t j = -60; j <= 60; ++j) {
      points.push_back(static_cast<double>(j));
      points.push_back(static_cast<double>(j + k));
    }
    std::sort(points.begin(), points.end());
    points.erase(std::unique(points.begin(), points.end()), points.end());
    const auto inside = [&](double x) { return std::fabs(x) < 64 && std::fabs(x - static_cast<double>(k)) < 64; };
    expected += 1 + static_cast<std::uint64_t>(std::count_if(points.begin(), points.end(), inside));
  }
  for (const int threads : {1, 2, 3}) CHECK(count(lines_net(lines), box(2, -1, 1), threads) == expected);
  std::vector<std::vector<std::int64_t>> star;
  for (std::int64_t k = 0; k < 150; ++k) star.push_back({k + 1, 7 - k * k, 0});
  CHECK(count(lines_net(star), box(2, -1, 1)) == 300);
  CHECK(count(lines_net(star), polyhedron(2)) == 300);
}

}  // namespace

int main() {
  same_bits();
  certainties();
  for (const double spread : {0.4, 1e-2, 1e-3, 1e-4, 1e-7}) buckets_against_sorting(spread);
  equal_items();
  families();
}
