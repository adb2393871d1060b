// The loops over bits, compiled once for each instruction set.  Comparisons and counts have one answer, so all agree.
#include <bit>

#include "patterns.hpp"

namespace linregions {

namespace {

constexpr std::size_t kWord = 64;

// 64 bytes of 0 and 1 to 64 bits, eight bytes at a time: the product brings byte k's bit to bit 56 + k.
std::uint64_t gathered(const std::uint8_t* bits) {
  std::uint64_t word = 0;
  for (std::size_t k = 0; k < 8; ++k) {
    std::uint64_t eight = 0;
    for (std::size_t j = 0; j < 8; ++j) eight |= std::uint64_t{bits[8 * k + j]} << (8 * j);
    word |= ((eight * 0x0102040810204080u) >> 56) << (8 * k);
  }
  return word;
}

// Differing bits of two rows.
std::int64_t differing(const std::uint64_t* a, const std::uint64_t* b, std::size_t words) {
  std::int64_t count = 0;
  for (std::size_t w = 0; w < words; ++w) count += std::popcount(a[w] ^ b[w]);
  return count;
}

template <class T, class Code>
Extremes pack(const T* z, std::size_t samples, std::size_t units, std::size_t stride, T bound, Code* codes,
              std::uint64_t* rows) {
  const Code full = static_cast<Code>(~Code{0} >> (8 * sizeof(Code) - samples));
  const std::size_t words = (units + kWord - 1) / kWord;
  Extremes found;
  for (std::size_t w = 0; w < words; ++w) {
    const std::size_t first = w * kWord, count = units - first < kWord ? units - first : kWord;
    Code block[kWord] = {};
    std::uint8_t bits[kWord] = {};
    for (std::size_t s = 0; s < samples; ++s) {
      const T* row = z + s * stride + first;
      if (count == kWord)  // a constant length is what compilers make vectors of
        for (std::size_t j = 0; j < kWord; ++j) block[j] |= static_cast<Code>(row[j] > bound) << s;
      else
        for (std::size_t j = 0; j < count; ++j) block[j] |= static_cast<Code>(row[j] > bound) << s;
      if (rows == nullptr) continue;
      for (std::size_t j = 0; j < kWord; ++j) bits[j] = static_cast<std::uint8_t>((block[j] >> s) & 1);
      rows[s * words + w] = gathered(bits);
    }
    for (std::size_t j = 0; j < count; ++j) {
      found.alive += block[j] != 0;
      found.always += block[j] == full;
    }
    for (std::size_t j = 0; j < count; ++j) codes[first + j] = block[j];
  }
  return found;
}

void agree(const std::uint64_t* rows, std::size_t samples, std::size_t units, std::int64_t* kernel) {
  const std::size_t words = (units + kWord - 1) / kWord;
  for (std::size_t a = 0; a < samples; ++a) {
    kernel[a * samples + a] += static_cast<std::int64_t>(units);
    for (std::size_t b = 0; b < a; ++b) {
      const std::int64_t same = static_cast<std::int64_t>(units) - differing(rows + a * words, rows + b * words, words);
      kernel[a * samples + b] += same;
      kernel[b * samples + a] += same;
    }
  }
}

constexpr PatternLoops kLoops = {pack<float, std::uint32_t>, pack<double, std::uint32_t>, pack<float, std::uint64_t>,
                                 pack<double, std::uint64_t>, agree};

}  // namespace
}  // namespace linregions
