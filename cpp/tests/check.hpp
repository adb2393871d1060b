// What every test uses: a check that says where it failed, and integers from random bits.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                      \
    }                                                                                    \
  } while (0)

namespace linregions::test {

using Random = std::mt19937_64;

// Uniform in [-limit, limit].
inline std::int64_t integer(Random& random, std::int64_t limit) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * limit + 1)) - limit;
}

// Uniform in [-1, 1).
inline double real(Random& random) { return static_cast<double>(static_cast<std::int64_t>(random())) * 0x1p-63; }

}  // namespace linregions::test
