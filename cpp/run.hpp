// A run: threads over one search, watched from outside.
#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "shared.hpp"

namespace linregions {

template <int D, int W, bool Inf>
void run_search(Shared& shared, int thread);

DomainState clip_polyhedron(Shared& shared);

class Run {
 public:
  explicit Run(std::vector<StageInput> stages, Domain domain);
  ~Run();
  // The domain's vertices, in the background: `wait`, then `prepared`.
  void prepare();
  DomainState prepared() const { return state_; }
  void start(Options options);
  bool wait(double seconds);
  // Asked for from outside; it also holds where the run would start again with wider masks.
  void stop() {
    cancelled_ = true;
    halt(1);
  }
  RegionShape replay(const std::vector<int>& pieces, Shared::Precision precision);
  // Product of the domain's extents: the volume of its bounding box; infinite where it is unbounded.
  double bounding_volume() const;

  Shared shared;

 private:
  void halt(int reason) {
    int none = 0;
    shared.stop.compare_exchange_strong(none, reason);
  }
  DomainState build_root();
  void launch();
  void work(int thread);
  void join();
  std::atomic<bool> cancelled_{false};
  DomainState state_ = DomainState::stopped;
  bool wide_ = false;
  std::vector<std::thread> threads_;
  std::mutex lock_;
  std::condition_variable changed_;
  int running_ = 0;
};

}  // namespace linregions
