#include "lp_run.hpp"

#include <chrono>
#include <stdexcept>

#include "lp_search.hpp"

namespace linregions {

LpRun::LpRun(std::vector<StageInput> stages, Domain domain) {
  shared.model = build_model(stages, domain);
  if (shared.model.stages.size() + 1 >= kInfinityLevel) throw std::runtime_error("more than 1,000 layers");
  for (const Stage& s : shared.model.stages)
    if (s.cuts.size() > kMaxIndex) throw std::runtime_error("a layer with more than 4,194,303 places to split");
  shared.domain = std::move(domain);
}

LpRun::~LpRun() {
  stop();
  join();
}

void LpRun::join() {
  for (auto& t : threads_) t.join();
  threads_.clear();
}

double LpRun::bytes_per_thread() const {
  const double dim = shared.domain.dim + 3;
  double numbers = 0, rows = static_cast<double>(shared.domain.rows.size());
  for (const Stage& s : shared.model.stages) {
    const auto cuts = static_cast<double>(s.cuts.size());
    numbers += dim * (2.0 * s.padded + 2.0 * cuts + s.inputs);
    rows += cuts;
  }
  // A dictionary has a line per row at most; the levels below the root hold ever fewer of them.
  return 8 * (numbers + dim * rows * 4 + dim * std::min(rows, 200.0) * std::min(rows, 200.0));
}

void LpRun::launch(const std::function<void()>& work) {
  threads_.emplace_back([this, work] {
    const auto fail = [this](const char* what) {
      std::lock_guard<std::mutex> guard(shared.lock);
      if (shared.error.empty()) shared.error = what;
      halt(4);
    };
    try {
      work();
    } catch (const LpStopped&) {
    } catch (const std::bad_alloc&) {
      fail("out of memory");
    } catch (const std::exception& e) {
      fail(e.what());
    }
    std::lock_guard<std::mutex> guard(lock_);
    --running_;
    changed_.notify_all();
  });
}

void LpRun::prepare() {
  join();
  shared.options = Options{};
  shared.reset();
  state_ = DomainState::stopped;
  running_ = 1;
  launch([this] { state_ = LpSearch(shared, 0).check_domain(); });
}

void LpRun::start(Options options) {
  join();
  shared.options = std::move(options);
  shared.reset();
  running_ = shared.options.threads;
  for (int t = 0; t < shared.options.threads; ++t) launch([this, t] { LpSearch(shared, t).run(); });
}

bool LpRun::wait(double seconds) {
  {
    std::unique_lock<std::mutex> guard(lock_);
    if (!changed_.wait_for(guard, std::chrono::duration<double>(seconds), [this] { return running_ == 0; })) return false;
  }
  join();
  return true;
}

RegionShape LpRun::replay(const std::vector<int>& pieces) {
  RegionShape shape;
  std::vector<std::vector<int>> target;
  std::size_t at = 0;
  for (const Stage& s : shared.model.stages) {
    target.emplace_back(pieces.begin() + at, pieces.begin() + at + s.units);
    at += s.units;
  }
  join();
  shared.options = Options{};
  shared.reset();
  shared.options.mode = Mode::replay;
  shared.target = target.data();
  LpSearch(shared, 0).replay(shape);
  shared.target = nullptr;
  return shape;
}

}  // namespace linregions
