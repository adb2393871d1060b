// What the threads of one run share: who takes which subtree, when to stop, and where results go.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exact.hpp"
#include "model.hpp"

namespace linregions {

enum class Mode { count, list, replay };

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
  std::uint64_t max_regions = 0;  // 0: no limit
};

// Regions of one subtree, in the order of the search.
struct Output {
  std::uint64_t regions = 0;
  std::vector<std::uint8_t> patterns;
  std::vector<double> witnesses;
  std::vector<std::uint8_t> witness_ok;
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
  std::vector<std::unique_ptr<Output>> outputs;  // by claim, list mode
  std::string error;

  // replay
  const std::vector<int>* target = nullptr;  // piece per unit of every stage in the model, all units
  RegionShape* shape = nullptr;
  enum class Precision { quick, fine, exact } precision = Precision::quick;

  void reset() {
    stop = 0;
    overflow = false;
    regions = exact_decisions = doubtful = progress = 0;
    if (options.threads > 1)
      for (std::size_t i = 0; i < kClaims; ++i) claimed[i] = 0;
    outputs.clear();
    error.clear();
  }

  // Subtree number `id` is taken by exactly one thread.
  bool claim(std::size_t id, int thread) {
    if (options.threads <= 1) return true;
    if (id >= kClaims) return static_cast<int>(id % options.threads) == thread;
    return claimed[id].exchange(1, std::memory_order_relaxed) == 0;
  }

  Output* output(std::size_t id) {
    std::lock_guard<std::mutex> guard(lock);
    if (outputs.size() <= id) outputs.resize(id + 1);
    if (!outputs[id]) outputs[id] = std::make_unique<Output>();
    return outputs[id].get();
  }
};

}  // namespace linregions
