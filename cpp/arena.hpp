// A stack of memory for the depth-first search: take, and give back in reverse order by returning to a mark.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace linregions {

class Arena {
 public:
  struct Mark {
    std::size_t block, used;
  };
  Mark mark() const { return {block_, used_}; }
  void release(Mark m) {
    block_ = m.block;
    used_ = m.used;
  }
  template <class T>
  T* take(std::size_t n) {
    const std::size_t bytes = (n * sizeof(T) + 31) / 32 * 32;
    while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) {
      const std::size_t size = bytes > kBlock ? bytes : kBlock;
      blocks_.push_back({std::make_unique<std::byte[]>(size + 32), size});
      used_ = 0;
    }
    auto address = reinterpret_cast<std::uintptr_t>(blocks_[block_].memory.get());
    address = (address + 31) / 32 * 32 + used_;
    used_ += bytes;
    return reinterpret_cast<T*>(address);
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 18;
  struct Block {
    std::unique_ptr<std::byte[]> memory;
    std::size_t size;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0, used_ = 0;
};

}  // namespace linregions
