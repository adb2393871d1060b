// The search by linear programs for Python; the same verbs as Engine, so one loop watches both.
#include "bind_parse.hpp"
#include "lp_run.hpp"

using namespace linregions;
using namespace linregions::python;
namespace nb = nanobind;

namespace {

class LpEngine {
 public:
  LpEngine(nb::list stages, nb::dict domain) {
    std::vector<Array> weights;
    auto inputs = parse_stages(stages, weights);
    run_ = std::make_unique<LpRun>(std::move(inputs), parse_domain(domain, 1 << 24));
  }

  void prepare() {
    nb::gil_scoped_release release;
    run_->prepare();
  }
  std::string prepared() const {
    switch (run_->prepared()) {
      case DomainState::ready: return "ready";
      case DomainState::empty: return "empty";
      case DomainState::flat: return "flat";
      default: return "stopped";
    }
  }
  double bytes_per_thread() const { return run_->bytes_per_thread(); }
  int pattern_bytes() const { return run_->shared.model.pattern_bytes; }

  void start(bool list, bool exact, int threads, std::uint64_t max_regions) {
    Options o;
    o.mode = list ? Mode::list : Mode::count;
    o.exact = exact;
    o.threads = threads;
    o.max_regions = max_regions;
    nb::gil_scoped_release release;
    run_->start(std::move(o));
  }
  bool wait(double seconds) {
    nb::gil_scoped_release release;
    return run_->wait(seconds);
  }
  void stop() { run_->stop(); }
  nb::dict state() const {
    const Shared& s = run_->shared;
    nb::dict out;
    out["regions"] = s.regions.load();
    out["progress"] = static_cast<double>(s.progress.load()) / static_cast<double>(std::uint64_t{1} << 40);
    out["exact_decisions"] = s.exact_decisions.load();
    out["doubtful"] = s.doubtful.load();
    out["stop"] = s.stop.load();
    out["error"] = s.error;
    return out;
  }

  // (patterns, witnesses, witness_ok) of a finished listing, in the order of the search.
  nb::tuple collect() { return columns(run_->shared.outputs, run_->shared); }

  // A rational point strictly inside the region with the given pieces, under the names that Engine gives its vertices.
  nb::object replay(std::vector<int> pieces, bool) {
    RegionShape shape;
    {
      nb::gil_scoped_release release;
      shape = run_->replay(pieces);
    }
    if (!shape.found) return nb::none();
    nb::list point, exact, far;
    for (const Int& v : shape.exact[0]) point.append(format(v));
    exact.append(point);
    far.append(false);
    nb::dict out;
    out["exact"] = exact;
    out["far"] = far;
    return out;
  }

 private:
  std::unique_ptr<LpRun> run_;
};

}  // namespace

void bind_lp(nb::module_& m) {
  nb::class_<LpEngine>(m, "LpEngine")
      .def(nb::init<nb::list, nb::dict>())
      .def("prepare", &LpEngine::prepare)
      .def("prepared", &LpEngine::prepared)
      .def("bytes_per_thread", &LpEngine::bytes_per_thread)
      .def("pattern_bytes", &LpEngine::pattern_bytes)
      .def("start", &LpEngine::start)
      .def("wait", &LpEngine::wait)
      .def("stop", &LpEngine::stop)
      .def("state", &LpEngine::state)
      .def("collect", &LpEngine::collect)
      .def("replay", &LpEngine::replay);
}
