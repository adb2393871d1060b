// Packed patterns against one comparison a bit.
#include "patterns.hpp"

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "check.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

template <class T>
T value(Random& random) {
  switch (random() % 8) {
    case 0: return T{0};
    case 1: return -T{0};
    case 2: return std::numeric_limits<T>::quiet_NaN();
    case 3: return std::numeric_limits<T>::infinity();
    case 4: return -std::numeric_limits<T>::denorm_min();
    case 5: return std::numeric_limits<T>::denorm_min();
    default: return static_cast<T>(real(random));
  }
}

template <class T, class Code>
void one(const PatternLoops& loops, Random& random, std::size_t samples, std::size_t units, std::size_t gap, T bound) {
  const std::size_t stride = units + gap, words = (units + 63) / 64;
  // No more memory than the rows need, so that a read beyond them is seen.
  std::vector<T> z((samples - 1) * stride + units);
  for (T& each : z) each = value<T>(random);
  std::vector<Code> codes(units, Code{7});
  std::vector<std::uint64_t> rows(samples * words, ~std::uint64_t{0});
  const auto pack = loops.of(z.data(), codes.data());
  const Extremes found = pack(z.data(), samples, units, stride, bound, codes.data(), rows.data());

  std::size_t alive = 0, always = 0;
  for (std::size_t v = 0; v < units; ++v) {
    std::size_t on = 0;
    for (std::size_t s = 0; s < samples; ++s) {
      const bool bit = z[s * stride + v] > bound;
      on += bit;
      CHECK(((codes[v] >> s) & 1) == bit);
      CHECK(((rows[s * words + v / 64] >> (v % 64)) & 1) == bit);
    }
    if (samples < 8 * sizeof(Code)) CHECK(codes[v] >> samples == 0);
    alive += on > 0;
    always += on == samples;
  }
  CHECK(found.alive == alive && found.always == always);
  if (units % 64)
    for (std::size_t s = 0; s < samples; ++s) CHECK(rows[s * words + words - 1] >> (units % 64) == 0);

  std::vector<Code> again(units);
  const Extremes alone = pack(z.data(), samples, units, stride, bound, again.data(), nullptr);
  CHECK(again == codes && alone.alive == alive && alone.always == always);

  std::vector<std::int64_t> kernel(samples * samples, 3);
  loops.agree(rows.data(), samples, units, kernel.data());
  for (std::size_t a = 0; a < samples; ++a)
    for (std::size_t b = 0; b < samples; ++b) {
      std::int64_t same = 3;
      for (const Code code : codes) same += ((code >> a) & 1) == ((code >> b) & 1);
      CHECK(kernel[a * samples + b] == same);
    }
}

void tables(Random& random, int bits) {
  std::vector<std::uint8_t> all(std::size_t{1} << bits), layer(all.size());
  std::set<std::uint32_t> ever;
  for (int stamp = 1; stamp < 256; stamp += 1 + static_cast<int>(random() % 60)) {
    std::vector<std::uint32_t> codes(random() % 200);
    for (auto& code : codes) code = static_cast<std::uint32_t>(random() & (all.size() - 1));
    const std::set<std::uint32_t> here(codes.begin(), codes.end());
    const std::size_t half = codes.size() / 2;
    const auto s = static_cast<std::uint8_t>(stamp);
    std::size_t fresh = mark(codes.data(), half, all.data(), layer.data(), s);
    fresh += mark(codes.data() + half, codes.size() - half, all.data(), layer.data(), s);
    CHECK(fresh == here.size());
    ever.insert(here.begin(), here.end());
  }
  for (std::size_t code = 0; code < all.size(); ++code) CHECK(all[code] == ever.count(static_cast<std::uint32_t>(code)));
}

void check(const PatternLoops& loops) {
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    const std::size_t units = random() % 200, gap = random() % 3;
    const double bound = round % 3 ? 0.0 : real(random);
    one<float, std::uint32_t>(loops, random, 1 + random() % 32, units, gap, static_cast<float>(bound));
    one<double, std::uint32_t>(loops, random, 1 + random() % 32, units, gap, bound);
    one<float, std::uint64_t>(loops, random, 1 + random() % 64, units, gap, static_cast<float>(bound));
    one<double, std::uint64_t>(loops, random, 1 + random() % 64, units, gap, bound);
  }
  one<float, std::uint32_t>(loops, random, 32, 64, 0, 0.0f);
  one<double, std::uint64_t>(loops, random, 64, 128, 0, 0.0);
}

}  // namespace

int main() {
  check(kBaselinePatterns);
#ifdef LINREGIONS_HAVE_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) check(kAvx2Patterns);
#endif
  Random random(6);
  for (int bits = 1; bits <= 12; ++bits) tables(random, bits);
  return 0;
}
