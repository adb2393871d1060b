#include "complex.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

namespace linregions {
namespace {

constexpr std::uint32_t kMostItems = 0xfffffff0u;

std::uint64_t mix(std::uint64_t h, std::uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15u;
  return h ^ (h >> 29);
}

int words_for(std::size_t bits) { return static_cast<int>((bits + 63) / 64); }

bool inside(const std::uint64_t* a, const std::uint64_t* b, int words) {
  for (int w = 0; w < words; ++w)
    if (a[w] & ~b[w]) return false;
  return true;
}

int count_bits(const std::uint64_t* a, int words) {
  int n = 0;
  for (int w = 0; w < words; ++w) n += std::popcount(a[w]);
  return n;
}

}  // namespace

SignLayout::SignLayout(const Model& model, const Domain& domain_, bool infinite) {
  words = 0;
  for (const Stage& s : model.stages) {
    stage.push_back(words);
    for (std::size_t c = 0; c < s.cuts.size(); ++c) bits.push_back(64 * words + static_cast<std::int64_t>(c));
    words += words_for(s.cuts.size());
  }
  domain = words;
  for (std::size_t c = 0; c < domain_.rows.size(); ++c) bits.push_back(64 * words + static_cast<std::int64_t>(c));
  words += words_for(domain_.rows.size());
  infinity = words;
  if (infinite) {
    for (int c = 0; c < 2 * domain_.dim; ++c) bits.push_back(64 * words + c);
    ++words;
  }
  words = std::max(1, words);
}

std::uint64_t KeyTable::hash(const std::uint64_t* key) const {
  std::uint64_t h = 0x243f6a8885a308d3u;
  for (int w = 0; w < words_; ++w) h = mix(h, key[w]);
  return h ^ (h >> 32);
}

std::pair<std::uint32_t, bool> KeyTable::insert(const std::uint64_t* key) {
  const std::size_t mask = slot_.size() - 1;
  std::size_t at = hash(key) & mask;
  for (; slot_[at] != kNone; at = (at + 1) & mask)
    if (std::equal(key, key + words_, this->key(slot_[at]))) return {slot_[at], false};
  if (count_ >= kMostItems) throw std::runtime_error("more than 4 * 10^9 vertices");
  keys_.insert(keys_.end(), key, key + words_);
  slot_[at] = count_++;
  if (2 * std::size_t(count_) > slot_.size()) grow();
  return {count_ - 1, true};
}

void KeyTable::grow() {
  slot_.assign(2 * slot_.size(), kNone);
  const std::size_t mask = slot_.size() - 1;
  for (std::uint32_t i = 0; i < count_; ++i) {
    std::size_t at = hash(key(i)) & mask;
    while (slot_[at] != kNone) at = (at + 1) & mask;
    slot_[at] = i;
  }
}

std::uint64_t SetTable::hash(const std::uint32_t* begin, std::size_t n) const {
  std::uint64_t h = n;
  for (std::size_t i = 0; i < n; ++i) h = mix(h, begin[i]);
  return h ^ (h >> 32);
}

std::pair<std::uint32_t, bool> SetTable::insert(const std::uint32_t* first, std::size_t n) {
  const std::size_t mask = slot_.size() - 1;
  std::size_t at = hash(first, n) & mask;
  for (; slot_[at] != kNone; at = (at + 1) & mask)
    if (std::equal(first, first + n, begin(slot_[at]), end(slot_[at]))) return {slot_[at], false};
  if (size() >= kMostItems) throw std::runtime_error("more than 4 * 10^9 faces");
  const std::uint32_t id = size();
  items_.insert(items_.end(), first, first + n);
  begin_.push_back(items_.size());
  slot_[at] = id;
  if (2 * std::size_t(size()) > slot_.size()) grow();
  return {id, true};
}

void SetTable::grow() {
  slot_.assign(2 * slot_.size(), kNone);
  const std::size_t mask = slot_.size() - 1;
  for (std::uint32_t i = 0; i < size(); ++i) {
    std::size_t at = hash(begin(i), begin_[i + 1] - begin_[i]) & mask;
    while (slot_[at] != kNone) at = (at + 1) & mask;
    slot_[at] = i;
  }
}

const std::vector<int>& MaximalSets::of(const std::vector<std::uint64_t>& sets, int count, int words) {
  size.resize(count);
  order.resize(count);
  for (int i = 0; i < count; ++i) {
    order[i] = i;
    size[i] = count_bits(sets.data() + std::size_t(i) * words, words);
  }
  std::sort(order.begin(), order.end(), [&](int a, int b) { return size[a] != size[b] ? size[a] > size[b] : a < b; });
  kept_.clear();
  for (const int i : order) {
    const std::uint64_t* s = sets.data() + std::size_t(i) * words;
    bool contained = size[i] == 0;
    for (const int k : kept_) contained = contained || inside(s, sets.data() + std::size_t(k) * words, words);
    if (!contained) kept_.push_back(i);
  }
  return kept_;
}

namespace {

// Columns that vanish on all of some vertices, as bits.
template <class Items>
void vanishing(const ComplexArrays& c, int words, const Items* first, const Items* last, std::uint64_t* out) {
  for (int w = 0; w < words; ++w) out[w] = ~std::uint64_t{0};
  for (; first != last; ++first) {
    const std::uint64_t* key = c.keys.data() + std::size_t(2) * words * static_cast<std::size_t>(*first);
    for (int w = 0; w < words; ++w) out[w] &= ~(key[w] | key[words + w]);
  }
}

void add_facet_columns(const SignLayout& layout, ComplexArrays& c, const Tick& tick) {
  const int words = layout.words;
  std::vector<std::uint64_t> here(words), there(words), common(words);
  std::vector<std::int64_t> column(std::size_t(64) * words, -1);
  for (std::size_t i = 0; i < layout.bits.size(); ++i) column[layout.bits[i]] = static_cast<std::int64_t>(i);
  std::vector<std::uint64_t> valid(words, 0);
  for (const std::int64_t bit : layout.bits) valid[bit / 64] |= std::uint64_t{1} << (bit % 64);
  const auto range = [&](const Csr& csr, std::int64_t i, std::uint64_t* out) {
    vanishing(c, words, csr.items.data() + csr.indptr[i], csr.items.data() + csr.indptr[i + 1], out);
  };
  const std::size_t n = c.facets.indptr.size() - 1;
  for (std::size_t f = 0; f < n; ++f) {
    if (f % 4096 == 4095) tick();
    range(c.facets, static_cast<std::int64_t>(f), common.data());
    range(c.regions, c.facet_regions[2 * f], here.data());
    if (c.facet_regions[2 * f + 1] >= 0) {
      range(c.regions, c.facet_regions[2 * f + 1], there.data());
      for (int w = 0; w < words; ++w) here[w] &= there[w];
    }
    for (int w = 0; w < words; ++w)
      for (std::uint64_t rest = common[w] & ~here[w] & valid[w]; rest; rest &= rest - 1)
        c.facet_columns.items.push_back(column[64 * w + std::countr_zero(rest)]);
    c.facet_columns.indptr.push_back(static_cast<std::int64_t>(c.facet_columns.items.size()));
  }
}

struct Joiner {
  const SignLayout& layout;
  int dim;
  KeyTable vertices;
  SetTable facets;
  ComplexArrays out;
  std::vector<std::uint32_t> number, cell, facet;

  Joiner(const SignLayout& l, int d) : layout(l), dim(d), vertices(2 * l.words) {}

  void add_vertices(const CellList& list) {
    number.resize(list.vertices.size());
    for (std::uint32_t i = 0; i < list.vertices.size(); ++i) {
      const auto [id, fresh] = vertices.insert(list.vertices.key(i));
      number[i] = id;
      if (!fresh) continue;
      const std::size_t at = std::size_t(i) * dim;
      out.points.insert(out.points.end(), list.points.begin() + at, list.points.begin() + at + dim);
      out.directions.insert(out.directions.end(), list.directions.begin() + at, list.directions.begin() + at + dim);
      out.radii.push_back(list.radii[i]);
      out.far.push_back(list.far[i]);
    }
  }

  void add_facet(std::int64_t region) {
    std::sort(facet.begin(), facet.end());
    const auto [id, fresh] = facets.insert(facet.data(), facet.size());
    if (fresh) {
      out.facet_regions.push_back(region);
      out.facet_regions.push_back(-1);
    } else if (out.facet_regions[2 * std::size_t(id) + 1] >= 0) {
      throw std::logic_error("a facet of three regions");
    } else {
      out.facet_regions[2 * std::size_t(id) + 1] = region;
    }
  }

  void add_cells(const CellList& list, const Tick& tick) {
    std::size_t vertex = 0, facet_at = 0, place = 0;
    for (std::size_t r = 0; r < list.cell_size.size(); ++r) {
      if (r % 4096 == 4095) tick();
      const auto region = static_cast<std::int64_t>(out.regions.indptr.size()) - 1;
      const std::uint32_t* local = list.cell_vertex.data() + vertex;
      const std::size_t n = list.cell_size[r];
      vertex += n;
      for (std::size_t k = 0; k < list.facet_count[r]; ++k) {
        facet.clear();
        for (std::size_t end = place + list.facet_size[facet_at++]; place < end; ++place)
          facet.push_back(number[local[list.facet_place[place]]]);
        add_facet(region);
      }
      cell.clear();
      for (std::size_t i = 0; i < n; ++i) cell.push_back(number[local[i]]);
      std::sort(cell.begin(), cell.end());
      out.regions.items.insert(out.regions.items.end(), cell.begin(), cell.end());
      out.regions.indptr.push_back(static_cast<std::int64_t>(out.regions.items.size()));
    }
  }
};

}  // namespace

ComplexArrays join_cells(std::vector<std::unique_ptr<CellList>> lists, const SignLayout& layout, int dim,
                         const Tick& tick) {
  Joiner join(layout, dim);
  for (auto& list : lists) {
    if (!list) continue;
    join.add_vertices(*list);
    join.add_cells(*list, tick);
    list.reset();
  }
  ComplexArrays& out = join.out;
  out.vertices = join.vertices.size();
  if (out.vertices) out.keys.assign(join.vertices.key(0), join.vertices.key(0) + out.vertices * 2 * layout.words);
  out.facets.indptr.assign(join.facets.offsets().begin(), join.facets.offsets().end());
  out.facets.items.assign(join.facets.items().begin(), join.facets.items().end());
  add_facet_columns(layout, out, tick);
  return std::move(join.out);
}

namespace {

// The facets of one region as sets of places in its list of vertices.
struct LocalRegion {
  std::vector<std::int64_t> place;  // by vertex; right for the region's own ones only
  std::vector<std::uint64_t> facets;
  int words = 0;
  std::int64_t facet_count = 0;

  void load(std::int64_t r, const CsrView& regions, const CsrView& region_facets, const CsrView& all) {
    const std::int64_t* vertex = regions.items + regions.indptr[r];
    for (std::int64_t i = 0; i < regions.size(r); ++i) {
      if (place.size() <= static_cast<std::size_t>(vertex[i])) place.resize(2 * static_cast<std::size_t>(vertex[i]) + 64);
      place[vertex[i]] = i;
    }
    words = words_for(static_cast<std::size_t>(regions.size(r)));
    facet_count = region_facets.size(r);
    facets.assign(static_cast<std::size_t>(facet_count) * words, 0);
    for (std::int64_t k = 0; k < facet_count; ++k) {
      const std::int64_t f = region_facets.items[region_facets.indptr[r] + k];
      read(all, f, facets.data() + k * words);
    }
  }

  void read(const CsrView& sets, std::int64_t i, std::uint64_t* out) const {
    for (std::int64_t at = sets.indptr[i]; at < sets.indptr[i + 1]; ++at) {
      const std::int64_t p = place[sets.items[at]];
      out[p / 64] |= std::uint64_t{1} << (p % 64);
    }
  }
};

}  // namespace

FaceLevel lower_faces(const CsrView& regions, const CsrView& region_facets, const CsrView& facets, const CsrView& upper,
                      const std::int64_t* upper_region, std::size_t max_bytes, const Tick& tick) {
  FaceLevel out;
  SetTable found;
  LocalRegion region;
  MaximalSets maximal;
  std::vector<std::uint64_t> face, cuts;
  std::vector<std::uint32_t> list;
  std::int64_t now = -1;
  for (std::int64_t g = 0; g < upper.rows; ++g) {
    if (g % 1024 == 1023) {
      tick();
      // 8 bytes for each number that is handed over, beside the table itself.
      if (found.bytes() + 8 * (found.items().size() + 3 * found.size() + out.boundary.items.size()) > max_bytes)
        throw std::length_error("the faces do not fit into memory");
    }
    if (upper_region[g] != now) region.load(now = upper_region[g], regions, region_facets, facets);
    const int words = region.words;
    face.assign(words, 0);
    region.read(upper, g, face.data());
    cuts.clear();
    int count = 0;
    for (std::int64_t k = 0; k < region.facet_count; ++k) {
      const std::uint64_t* f = region.facets.data() + k * words;
      std::uint64_t missed = 0, common = 0;
      cuts.resize(static_cast<std::size_t>(count + 1) * words);
      for (int w = 0; w < words; ++w) {
        missed |= face[w] & ~f[w];
        common |= cuts[static_cast<std::size_t>(count) * words + w] = face[w] & f[w];
      }
      count += missed && common;
    }
    const std::int64_t* vertex = regions.items + regions.indptr[now];
    for (const int i : maximal.of(cuts, count, words)) {
      list.clear();
      for (int w = 0; w < words; ++w)
        for (std::uint64_t rest = cuts[std::size_t(i) * words + w]; rest; rest &= rest - 1)
          list.push_back(static_cast<std::uint32_t>(vertex[64 * w + std::countr_zero(rest)]));
      const auto [id, fresh] = found.insert(list.data(), list.size());
      if (fresh) out.region.push_back(now);
      out.boundary.items.push_back(id);
    }
    out.boundary.indptr.push_back(static_cast<std::int64_t>(out.boundary.items.size()));
  }
  out.faces.indptr.assign(found.offsets().begin(), found.offsets().end());
  out.faces.items.assign(found.items().begin(), found.items().end());
  return out;
}

}  // namespace linregions
