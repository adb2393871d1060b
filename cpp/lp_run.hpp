// A run of the search by linear programs, watched from outside; the same verbs as Run.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "shared.hpp"

namespace linregions {

class LpRun {
 public:
  LpRun(std::vector<StageInput> stages, Domain domain);
  ~LpRun();
  // Whether the domain has an interior, in the background: `wait`, then `prepared`.
  void prepare();
  DomainState prepared() const { return state_; }
  void start(Options options);
  bool wait(double seconds);
  void stop() { halt(1); }
  // A region again, by its pieces of all units: an exact point strictly inside.
  RegionShape replay(const std::vector<int>& pieces);
  // Memory that one thread takes before it starts, in bytes.
  double bytes_per_thread() const;

  Shared shared;

 private:
  void halt(int reason) {
    int none = 0;
    shared.stop.compare_exchange_strong(none, reason);
  }
  void launch(const std::function<void()>& work);
  void join();
  DomainState state_ = DomainState::stopped;
  std::vector<std::thread> threads_;
  std::mutex lock_;
  std::condition_variable changed_;
  int running_ = 0;
};

}  // namespace linregions
