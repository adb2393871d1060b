// The polyhedral complex of a partition.  A vertex is told apart by the signs of all cuts, half-spaces and sides of the
// infinite box at it; a face is the set of its vertices; so no coordinates take part.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "model.hpp"

namespace linregions {

// Where each column's bit lies in a row of signs: the cuts of a stage start at a word of their own, then come the domain's
// half-spaces and the sides of the infinite box.  A key is `words` positive words and `words` negative ones.  Both bits
// are set for two rows of a max group that both lose, so the signs of a face are the union of those of its vertices.
struct SignLayout {
  std::vector<int> stage;
  int domain = 0, infinity = 0, words = 1;
  std::vector<std::int64_t> bits;  // per column
  SignLayout() = default;
  SignLayout(const Model& model, const Domain& domain, bool infinite);
};

// Keys of fixed length, numbered in the order of their first appearance.
class KeyTable {
 public:
  explicit KeyTable(int words) : words_(words), slot_(64, kNone) {}
  // The number of a key, and whether it is new.
  std::pair<std::uint32_t, bool> insert(const std::uint64_t* key);
  std::uint32_t size() const { return count_; }
  const std::uint64_t* key(std::size_t i) const { return keys_.data() + i * words_; }
  std::size_t bytes() const { return keys_.capacity() * sizeof(std::uint64_t) + slot_.size() * sizeof(std::uint32_t); }

 private:
  static constexpr std::uint32_t kNone = 0xffffffffu;
  void grow();
  std::uint64_t hash(const std::uint64_t* key) const;
  int words_;
  std::uint32_t count_ = 0;
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint32_t> slot_;
};

// Sets of vertices as ascending lists, numbered in the order of their first appearance.
class SetTable {
 public:
  std::pair<std::uint32_t, bool> insert(const std::uint32_t* begin, std::size_t n);
  std::uint32_t size() const { return static_cast<std::uint32_t>(begin_.size() - 1); }
  const std::uint32_t* begin(std::size_t i) const { return items_.data() + begin_[i]; }
  const std::uint32_t* end(std::size_t i) const { return items_.data() + begin_[i + 1]; }
  const std::vector<std::uint32_t>& items() const { return items_; }
  const std::vector<std::size_t>& offsets() const { return begin_; }
  std::size_t bytes() const {
    return items_.capacity() * sizeof(std::uint32_t) + begin_.capacity() * sizeof(std::size_t) +
           slot_.size() * sizeof(std::uint32_t);
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffffu;
  void grow();
  std::uint64_t hash(const std::uint32_t* begin, std::size_t n) const;
  std::vector<std::uint32_t> items_, slot_ = std::vector<std::uint32_t>(64, kNone);
  std::vector<std::size_t> begin_ = {0};
};

// The cells of one subtree, in the order of the search, with the vertices that they have in common listed once.
struct CellList {
  explicit CellList(int key_words) : vertices(key_words) {}
  KeyTable vertices;
  std::vector<double> points, directions, radii;
  std::vector<std::uint8_t> far;
  std::vector<std::uint32_t> cell_size, cell_vertex;
  // Facets: how many a cell has, the size of each, and places in the cell's list of vertices.
  std::vector<std::uint16_t> facet_count, facet_size, facet_place;
  std::size_t charged = 0;  // bytes that the run knows of
  std::size_t bytes() const {
    return vertices.bytes() + sizeof(double) * (points.capacity() + directions.capacity() + radii.capacity()) +
           far.capacity() + sizeof(std::uint32_t) * (cell_size.capacity() + cell_vertex.capacity()) +
           sizeof(std::uint16_t) * (facet_count.capacity() + facet_size.capacity() + facet_place.capacity());
  }
};

// Maximal sets among some that are not the whole; sets are rows of `words` words.  Returns their places, large ones first.
// Scratch memory is the caller's, since this runs once per face.
struct MaximalSets {
  std::vector<int> order, size;
  const std::vector<int>& of(const std::vector<std::uint64_t>& sets, int count, int words);

 private:
  std::vector<int> kept_;
};

struct Csr {
  std::vector<std::int64_t> indptr = {0}, items;
};

struct ComplexArrays {
  std::int64_t vertices = 0;
  std::vector<std::uint64_t> keys;  // (vertices, 2, words)
  std::vector<double> points, directions, radii;
  std::vector<std::uint8_t> far;
  Csr regions, facets, facet_columns;
  std::vector<std::int64_t> facet_regions;  // (facets, 2)
};

// Called now and then from long loops; it may throw.
using Tick = std::function<void()>;

// Cells of all subtrees, in their order, as one complex.  The lists are given up on the way.
ComplexArrays join_cells(std::vector<std::unique_ptr<CellList>> lists, const SignLayout& layout, int dim, const Tick& tick);

// Views of arrays that somebody else owns.
struct CsrView {
  const std::int64_t *indptr, *items;
  std::int64_t rows;
  std::int64_t size(std::int64_t i) const { return indptr[i + 1] - indptr[i]; }
};

// The faces one dimension below `upper`: their vertices, the region that each was found in, and which of them lie on each
// upper face.  A face's facets are the maximal proper intersections with the facets of any region that contains it.
struct FaceLevel {
  Csr faces, boundary;
  std::vector<std::int64_t> region;
};
FaceLevel lower_faces(const CsrView& regions, const CsrView& region_facets, const CsrView& facets, const CsrView& upper,
                      const std::int64_t* upper_region, std::size_t max_bytes, const Tick& tick);

}  // namespace linregions
