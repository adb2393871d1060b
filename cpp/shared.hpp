// What the threads of one run share: who takes which subtree, when to stop, and where results go.
//
// A piece is a subtree below the frontier, which is the top of the search tree down to a depth.  Pieces are numbered in the
// order of the search; the number depends on the network, the domain, the mode and the depth, and on nothing else.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "complex.hpp"
#include "exact.hpp"
#include "model.hpp"
#include "polygons.hpp"

namespace linregions {

enum class Mode { count, list, complex, replay };

// The root cell: vertices with exact or well-rounded coordinates.
struct Root {
  struct Point {
    double x[kMaxDim] = {}, q[kMaxDim] = {};
    double radius = 0, qradius = 0;
    bool far = false;
    std::vector<FacetId> facets;
  };
  std::vector<Point> points;
  bool infinite = false;
};

// A run over a polyhedron can end before it starts.
enum class DomainState { ready, empty, flat, stopped };

struct Options {
  Mode mode = Mode::count;
  bool exact = true;
  bool witnesses = true;
  int threads = 1;
  std::uint64_t max_regions = 0;  // 0: no limit; with `pieced`, of regions in finished pieces
  bool pieced = false;            // search `pieces` only, and hand each over when it is done
  int depth = 10;                 // of the frontier, with `pieced`
  std::vector<std::size_t> pieces;
  std::size_t max_bytes = ~std::size_t{0};  // of the lists in complex mode, of polygons in list mode
  bool polygons = false;          // of a bounded domain of dimension 2, in list mode
};

// Regions of one subtree, in the order of the search.
struct Output {
  std::uint64_t regions = 0;
  std::vector<std::uint8_t> patterns;
  std::vector<double> witnesses;
  std::vector<std::uint8_t> witness_ok;
  std::unique_ptr<CellList> cells;  // complex mode
  std::unique_ptr<PolygonList> polygons;
};

// A piece that was searched to its end.
struct Finished {
  std::size_t id = 0;
  std::uint64_t regions = 0, exact_decisions = 0, doubtful = 0;
  std::unique_ptr<Output> output;  // list mode
};

// What a survey finds: how many pieces there are, and a digest of all decisions above them.
struct Frontier {
  std::size_t pieces = 0;
  std::uint64_t digest = 0, exact_decisions = 0, doubtful = 0;
};

// Vertices and facets of one region, for `replay`.
struct RegionShape {
  bool found = false;
  int dim = 0;
  double radius = 0;                         // of the worst vertex
  std::vector<double> vertices, directions;  // rows of dim
  std::vector<std::uint8_t> far;
  std::vector<std::vector<FacetId>> facets;
  std::vector<IntRow> exact;
};

struct Shared {
  Model model;
  Domain domain;
  Root root;
  Options options;

  std::atomic<int> stop{0};
  std::atomic<bool> overflow{false};
  std::atomic<std::uint64_t> regions{0}, exact_decisions{0}, doubtful{0};
  std::atomic<std::uint64_t> progress{0};  // in 2^-40
  static constexpr std::size_t kClaims = std::size_t{1} << 16;
  std::unique_ptr<std::atomic<std::uint8_t>[]> claimed = std::make_unique<std::atomic<std::uint8_t>[]>(kClaims);
  std::mutex lock;
  std::vector<std::unique_ptr<Output>> outputs;  // by claim, list mode without pieces
  std::string error;

  // pieces; all but `wanted` under the lock
  std::unique_ptr<std::atomic<std::uint8_t>[]> wanted;  // by number: nobody has taken it yet
  std::size_t wanted_size = 0;
  std::vector<Finished> finished;    // not yet collected
  std::vector<std::size_t> handed;   // all that were finished since the start
  Finished handed_sum;
  Frontier frontier;

  // complex mode: what the signs are of, and the domain as a complex of one cell (without signs)
  SignLayout layout;
  std::unique_ptr<CellList> root_cell;
  std::atomic<std::size_t> cell_bytes{0};

  std::atomic<std::size_t> polygon_bytes{0};
  std::atomic<bool> polygons_left_out{false};  // they took too much memory

  // replay
  const std::vector<int>* target = nullptr;  // piece per unit of every stage in the model, all units
  RegionShape* shape = nullptr;
  enum class Precision { quick, fine, exact } precision = Precision::quick;

  void reset() {
    stop = 0;
    overflow = false;
    regions = exact_decisions = doubtful = progress = 0;
    if (options.pieced)
      deal();
    else if (options.threads > 1)
      for (std::size_t i = 0; i < kClaims; ++i) claimed[i] = 0;
    outputs.clear();
    cell_bytes = polygon_bytes = 0;
    polygons_left_out = false;
    error.clear();
  }

  void forget_pieces() {
    finished.clear();
    handed.clear();
    handed_sum = Finished{};
    frontier = Frontier{};
  }

  // A run that starts again with wider masks keeps the pieces that it has finished.
  void deal() {
    wanted_size = 0;
    for (const std::size_t id : options.pieces) wanted_size = std::max(wanted_size, id + 1);
    wanted = std::make_unique<std::atomic<std::uint8_t>[]>(wanted_size);
    for (std::size_t i = 0; i < wanted_size; ++i) wanted[i] = 0;
    for (const std::size_t id : options.pieces) wanted[id] = 1;
    for (const std::size_t id : handed) wanted[id] = 0;
    regions = handed_sum.regions;
    exact_decisions = handed_sum.exact_decisions;
    doubtful = handed_sum.doubtful;
  }

  void hand_over(Finished piece) {
    std::lock_guard<std::mutex> guard(lock);
    handed.push_back(piece.id);
    handed_sum.regions += piece.regions;
    handed_sum.exact_decisions += piece.exact_decisions;
    handed_sum.doubtful += piece.doubtful;
    finished.push_back(std::move(piece));
    int none = 0;
    if (options.max_regions && handed_sum.regions >= options.max_regions) stop.compare_exchange_strong(none, 2);
  }

  // Subtree number `id` is taken by exactly one thread.
  bool claim(std::size_t id, int thread) {
    if (options.pieced) return id < wanted_size && wanted[id].exchange(0, std::memory_order_relaxed) != 0;
    if (options.threads <= 1) return true;
    if (id >= kClaims) return static_cast<int>(id % options.threads) == thread;
    return claimed[id].exchange(1, std::memory_order_relaxed) == 0;
  }

  Output* output(std::size_t id) {
    std::lock_guard<std::mutex> guard(lock);
    if (outputs.size() <= id) outputs.resize(id + 1);
    if (!outputs[id]) {
      outputs[id] = std::make_unique<Output>();
      if (options.mode == Mode::complex) outputs[id]->cells = std::make_unique<CellList>(2 * layout.words);
      if (options.polygons) outputs[id]->polygons = std::make_unique<PolygonList>();
    }
    return outputs[id].get();
  }
};

}  // namespace linregions
