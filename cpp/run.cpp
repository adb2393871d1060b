#include "run.hpp"

#include <chrono>
#include <stdexcept>

#include "cell.hpp"

namespace linregions {
namespace {

using Runner = void (*)(Shared&, int);

Runner choose(int dim, bool wide, bool infinite) {
  if (infinite) return wide ? run_search<0, 16, true> : run_search<0, 1, true>;
  if (wide) return run_search<0, 16, false>;
  switch (dim) {
    case 1: return run_search<1, 1, false>;
    case 2: return run_search<2, 1, false>;
    case 3: return run_search<3, 1, false>;
    case 4: return run_search<4, 1, false>;
    case 5: return run_search<5, 1, false>;
    case 6: return run_search<6, 1, false>;
    case 7: return run_search<7, 1, false>;
    default: return run_search<8, 1, false>;
  }
}

}  // namespace

Run::Run(std::vector<StageInput> stages, Domain domain) {
  shared.model = build_model(stages, domain);
  if (shared.model.stages.size() + 1 >= kInfinityLevel) throw std::runtime_error("more than 1,000 layers");
  for (const Stage& s : shared.model.stages)
    if (s.cuts.size() > kMaxIndex) throw std::runtime_error("a layer with more than 4,194,303 places to split");
  shared.domain = std::move(domain);
}

Run::~Run() {
  stop();
  join();
}

void Run::join() {
  for (auto& t : threads_) t.join();
  threads_.clear();
}

void Run::prepare() {
  join();
  cancelled_ = false;
  shared.options = Options{};
  shared.reset();
  state_ = DomainState::stopped;
  running_ = 1;
  threads_.emplace_back([this] {
    try {
      state_ = build_root();
    } catch (const Stopped&) {
    } catch (const std::exception& e) {
      shared.error = e.what();
    }
    std::lock_guard<std::mutex> guard(lock_);
    --running_;
    changed_.notify_all();
  });
}

DomainState Run::build_root() {
  const Domain& d = shared.domain;
  if (!d.box) {
    try {
      return clip_polyhedron(shared);
    } catch (const MaskOverflow&) {
      throw std::runtime_error("the domain has more than 1,024 facets");
    }
  }
  shared.root = Root{};
  for (int corner = 0; corner < (1 << d.dim); ++corner) {
    Root::Point p;
    for (int k = 0; k < d.dim; ++k) {
      const int upper = corner >> k & 1;
      p.x[k] = upper ? d.upper[k] : d.lower[k];
      p.facets.push_back(facet_id(0, static_cast<std::uint32_t>(2 * k + upper)));
    }
    shared.root.points.push_back(std::move(p));
  }
  return DomainState::ready;
}

void Run::start(Options options) {
  join();
  cancelled_ = false;
  shared.options = std::move(options);
  if (shared.domain.dim != 2 || shared.root.infinite || shared.options.mode != Mode::list || shared.options.pieced)
    shared.options.polygons = false;
  shared.forget_pieces();
  launch();
}

void Run::launch() {
  shared.layout = SignLayout(shared.model, shared.domain, shared.root.infinite);
  shared.reset();
  const int threads = shared.options.threads;
  running_ = threads;
  for (int t = 0; t < threads; ++t) threads_.emplace_back([this, t] { work(t); });
}

void Run::work(int thread) {
  try {
    choose(shared.domain.dim, wide_, shared.root.infinite)(shared, thread);
  } catch (const MaskOverflow&) {
    shared.overflow = true;
    halt(3);
  } catch (const std::exception& e) {
    std::lock_guard<std::mutex> guard(shared.lock);
    if (shared.error.empty()) shared.error = e.what();
    halt(4);
  }
  std::lock_guard<std::mutex> guard(lock_);
  --running_;
  changed_.notify_all();
}

// True once all threads are done.  A run that met a cell with too many facets starts again with wider masks.
bool Run::wait(double seconds) {
  {
    std::unique_lock<std::mutex> guard(lock_);
    if (!changed_.wait_for(guard, std::chrono::duration<double>(seconds), [this] { return running_ == 0; })) return false;
  }
  join();
  if (!shared.overflow) return true;
  if (wide_) {
    if (shared.error.empty()) shared.error = "a cell has more than 1,024 facets";
    return true;
  }
  if (cancelled_) {
    shared.stop = 1;
    return true;
  }
  wide_ = true;
  launch();
  return false;
}

double Run::bounding_volume() const {
  if (shared.root.infinite) return std::numeric_limits<double>::infinity();
  double product = 1;
  for (int k = 0; k < shared.domain.dim; ++k) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Root::Point& p : shared.root.points) {
      low = std::min(low, p.x[k]);
      high = std::max(high, p.x[k]);
    }
    product *= high - low;
  }
  return product;
}

RegionShape Run::replay(const std::vector<int>& pieces, Shared::Precision precision) {
  RegionShape shape;
  std::vector<std::vector<int>> target;
  std::size_t at = 0;
  for (const Stage& s : shared.model.stages) {
    target.emplace_back(pieces.begin() + at, pieces.begin() + at + s.units);
    at += s.units;
  }
  shared.options = Options{};
  shared.reset();
  shared.options.mode = Mode::replay;
  shared.shape = &shape;
  shared.precision = precision;
  shared.target = target.data();
  for (bool again = true; again;) {
    again = false;
    try {
      choose(shared.domain.dim, wide_, shared.root.infinite)(shared, 0);
    } catch (const MaskOverflow&) {
      if (wide_) {
        shared.target = nullptr;
        throw std::runtime_error("a cell has more than 1,024 facets");
      }
      wide_ = again = true;
    }
  }
  shared.target = nullptr;
  return shape;
}

}  // namespace linregions
