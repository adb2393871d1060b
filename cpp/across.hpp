// Which packed patterns are others with one field changed: what lies behind the edges of regions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace linregions {

// Rows of `bytes` bytes, found by their content.  The hash is a sum over the bytes, so that of a changed row costs nothing.
class RowTable {
 public:
  RowTable(const std::uint8_t* rows, std::size_t count, std::size_t bytes);
  // The row that is row i but for `width` bits from `bit` on, which hold `value`; -1 where there is none.
  std::int64_t changed(std::size_t i, std::int64_t bit, std::int64_t width, std::uint64_t value);

 private:
  std::uint64_t hash(const std::uint8_t* row) const;
  std::size_t place(std::uint64_t h) const { return (h ^ (h >> 32)) & (slot_.size() - 1); }
  const std::uint8_t* rows_;
  std::size_t bytes_;
  std::vector<std::uint64_t> factor_, hash_;
  std::vector<std::int64_t> slot_;
  std::vector<std::uint8_t> row_;
};

}  // namespace linregions
