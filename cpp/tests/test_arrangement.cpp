// The arrangement counter: 64-bit and long integers agree with known chamber counts and with each other.
#include <atomic>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "arrangement.hpp"
#include "check.hpp"

using namespace linregions;

namespace {

template <class T>
std::uint64_t chambers(const std::vector<std::int64_t>& rows, int dim) {
  std::vector<T> flat(rows.begin(), rows.end());
  for (std::size_t at = 0; at < flat.size(); at += dim + 1) Arrangement<T>::canonical(flat.data() + at, dim + 1);
  const std::atomic<int> stop{0};
  return Arrangement<T>::distinct(std::move(flat), dim).regions(stop);
}

std::uint64_t by_run(const std::vector<std::int64_t>& rows, int dim, int threads) {
  ArrangementRun run(rows, dim);
  run.start(threads, 0);
  while (!run.wait(1)) {
  }
  return run.regions();
}

using Numbers = std::vector<std::uint64_t>;

template <class T>
Numbers whitney(const std::vector<std::int64_t>& rows, int dim) {
  std::vector<T> flat(rows.begin(), rows.end());
  for (std::size_t at = 0; at < flat.size(); at += dim + 1) Arrangement<T>::canonical(flat.data() + at, dim + 1);
  const std::atomic<int> stop{0};
  Numbers sums(dim + 1, 0);
  Arrangement<T>::distinct(std::move(flat), dim).add_whitney(stop, sums.data());
  return sums;
}

Numbers whitney_by_run(const std::vector<std::int64_t>& rows, int dim, int threads) {
  ArrangementRun run(rows, dim);
  run.start(threads, 0, true);
  while (!run.wait(1)) {
  }
  const Numbers out = run.whitney();
  CHECK(std::accumulate(out.begin(), out.end(), std::uint64_t{0}) == run.regions());
  return out;
}

std::vector<std::int64_t> braid(int n) {
  std::vector<std::int64_t> rows;
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j) {
      std::vector<std::int64_t> row(n + 1, 0);
      row[i] = 3;  // a factor must not matter
      row[j] = -3;
      rows.insert(rows.end(), row.begin(), row.end());
    }
  return rows;
}

void test_known() {
  const std::uint64_t factorial[] = {1, 1, 2, 6, 24, 120, 720};
  for (int n = 2; n <= 6; ++n) {
    const auto rows = braid(n);
    CHECK(chambers<Checked>(rows, n) == factorial[n]);
    CHECK(chambers<Int>(rows, n) == factorial[n]);
    CHECK(by_run(rows, n, 1) == factorial[n]);
    CHECK(by_run(rows, n, 2) == factorial[n]);
  }
  // Three lines through a point, a repetition of one, and a parallel to another.
  const std::vector<std::int64_t> lines = {1, 0, 0, 0, 1, 0, 1, 1, 0, -2, -2, 0, 1, 0, -5};
  CHECK(chambers<Checked>(lines, 2) == 9);
  CHECK(chambers<Int>(lines, 2) == 9);
  // Points on a line: 1/2 twice.
  const std::vector<std::int64_t> points = {2, -1, 4, -2, -1, 0, 1, 7};
  CHECK(chambers<Checked>(points, 1) == 4);
  CHECK(by_run(points, 1, 1) == 4);
}

void test_whitney_numbers() {
  // Braid arrangements: unsigned Stirling numbers of the first kind.
  const std::vector<Numbers> stirling = {{1, 1, 0}, {1, 3, 2, 0}, {1, 6, 11, 6, 0}, {1, 10, 35, 50, 24, 0}};
  for (int n = 2; n <= 5; ++n) {
    CHECK(whitney<Checked>(braid(n), n) == stirling[n - 2]);
    CHECK(whitney<Int>(braid(n), n) == stirling[n - 2]);
    CHECK(whitney_by_run(braid(n), n, 1) == stirling[n - 2]);
    CHECK(whitney_by_run(braid(n), n, 2) == stirling[n - 2]);
  }
  const std::vector<std::int64_t> four_lines = {-1, 1, -1, 1, 0, 0, 1, 1, -1, 0, 1, 0};
  CHECK(whitney_by_run(four_lines, 2, 2) == (Numbers{1, 4, 5}));
  CHECK(whitney_by_run({2, -1, 4, -2, -1, 0}, 1, 1) == (Numbers{1, 2}));
  CHECK(whitney_by_run({}, 3, 1) == (Numbers{1, 0, 0, 0}));
  CHECK(whitney_by_run({1, 2, 3, 0}, 3, 1) == (Numbers{1, 1, 0, 0}));
}

void test_random_agree() {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<int> small(-2, 2), dims(1, 4), sizes(0, 7);
  for (int trial = 0; trial < 400; ++trial) {
    const int dim = dims(random), m = sizes(random);
    std::vector<std::int64_t> rows;
    for (int i = 0; i < m; ++i) {
      std::vector<std::int64_t> row(dim + 1);
      for (auto& v : row) v = small(random);
      bool normal = false;
      for (int k = 0; k < dim; ++k) normal = normal || row[k] != 0;
      if (normal) rows.insert(rows.end(), row.begin(), row.end());
    }
    const auto expected = chambers<Checked>(rows, dim);
    CHECK(chambers<Int>(rows, dim) == expected);
    CHECK(by_run(rows, dim, 2) == expected);
    const Numbers numbers = whitney<Checked>(rows, dim);
    CHECK(std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0}) == expected);
    CHECK(whitney<Int>(rows, dim) == numbers);
    CHECK(whitney_by_run(rows, dim, 2) == numbers);
    // Scaled so that products leave 64 bits: the long integers must not change the count.
    std::vector<std::int64_t> wide = rows;
    for (std::size_t i = 0; i < wide.size(); ++i) wide[i] *= 1 + 1000003LL * (1 + static_cast<long long>(i / (dim + 1)));
    CHECK(chambers<Int>(wide, dim) == expected);
  }
}

void test_overflow_is_noticed() {
  bool thrown = false;
  try {
    (void)(Checked(INT64_MAX) * Checked(2));
  } catch (const Overflow&) {
    thrown = true;
  }
  CHECK(thrown);
  // Generic large rows: general position, so Z(5, 3) = 26 regions, and beyond 64 bits on the way.
  std::mt19937_64 random(3);
  std::uniform_int_distribution<std::int64_t> large(-(1LL << 40), 1LL << 40);
  std::vector<std::int64_t> rows(5 * 4);
  for (auto& v : rows) v = large(random);
  CHECK(chambers<Int>(rows, 3) == 26);
  CHECK(whitney_by_run(rows, 3, 2) == (Numbers{1, 5, 10, 10}));
  thrown = false;
  try {
    CHECK(chambers<Checked>(rows, 3) == 26);
  } catch (const Overflow&) {
    thrown = true;
  }
  CHECK(thrown);
}

}  // namespace

int main() {
  test_known();
  test_whitney_numbers();
  test_random_agree();
  test_overflow_is_noticed();
  return 0;
}
