#include "across.hpp"

#include <cstring>

namespace linregions {

RowTable::RowTable(const std::uint8_t* rows, std::size_t count, std::size_t bytes)
    : rows_(rows), bytes_(bytes), factor_(bytes), hash_(count), row_(bytes) {
  std::uint64_t state = 0x243f6a8885a308d3u;
  for (auto& f : factor_) {  // splitmix64
    std::uint64_t v = state += 0x9e3779b97f4a7c15u;
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
    f = v ^ (v >> 31);
  }
  std::size_t size = 16;
  while (size < 2 * count) size *= 2;
  slot_.assign(size, -1);
  for (std::size_t i = 0; i < count; ++i) {
    hash_[i] = hash(rows_ + i * bytes_);
    std::size_t at = place(hash_[i]);
    while (slot_[at] >= 0) at = (at + 1) & (size - 1);
    slot_[at] = static_cast<std::int64_t>(i);
  }
}

std::uint64_t RowTable::hash(const std::uint8_t* row) const {
  std::uint64_t h = 0;
  for (std::size_t k = 0; k < bytes_; ++k) h += row[k] * factor_[k];
  return h;
}

std::int64_t RowTable::changed(std::size_t i, std::int64_t bit, std::int64_t width, std::uint64_t value) {
  const std::uint8_t* own = rows_ + i * bytes_;
  std::uint64_t h = hash_[i];
  const std::int64_t first = bit / 8, last = (bit + width - 1) / 8;
  for (std::int64_t k = first; k <= last; ++k) row_[k - first] = own[k];
  for (std::int64_t b = bit; b < bit + width; ++b) {
    const auto one = static_cast<std::uint8_t>(1u << (b % 8));
    std::uint8_t& byte = row_[b / 8 - first];
    byte = static_cast<std::uint8_t>((byte & ~one) | (value >> (b - bit) & 1 ? one : 0));
  }
  for (std::int64_t k = first; k <= last; ++k) h += (std::uint64_t{row_[k - first]} - own[k]) * factor_[k];
  const auto from = static_cast<std::size_t>(first), to = static_cast<std::size_t>(last) + 1;
  for (std::size_t at = place(h); slot_[at] >= 0; at = (at + 1) & (slot_.size() - 1)) {
    const auto j = static_cast<std::size_t>(slot_[at]);
    if (hash_[j] != h) continue;
    const std::uint8_t* other = rows_ + j * bytes_;
    if (std::memcmp(other, own, from) == 0 && std::memcmp(other + from, row_.data(), to - from) == 0 &&
        std::memcmp(other + to, own + to, bytes_ - to) == 0)
      return slot_[at];
  }
  return -1;
}

}  // namespace linregions
