// The only file that knows Python.
#include "arrangement.hpp"
#include "bind_complex.hpp"
#include "bind_parse.hpp"
#include "bind_patterns.hpp"
#include "bind_polygons.hpp"
#include "run.hpp"
#include "volume.hpp"

namespace nb = nanobind;
using namespace linregions;
using namespace linregions::python;

namespace {

class Engine {
 public:
  Engine(nb::list stages, nb::dict domain) {
    std::vector<Array> weights;
    auto inputs = parse_stages(stages, weights);
    run_ = std::make_unique<Run>(std::move(inputs), parse_domain(domain, kMaxDim));
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
  bool unbounded() const { return run_->shared.root.infinite; }
  int pattern_bytes() const { return run_->shared.model.pattern_bytes; }

  // `polygons`: bytes that polygons may take, 0: none are listed.
  // Without `pieces` the whole tree.  With them (numbers of pieces of the frontier at `depth`) only these, each handed over
  // by `finished` as soon as it is done.
  void start(bool list, bool exact, int threads, std::uint64_t max_regions, nb::object pieces, int depth, std::size_t polygons) {
    Options o;
    o.mode = list ? Mode::list : Mode::count;
    o.exact = exact;
    o.threads = threads;
    o.max_regions = max_regions;
    o.polygons = polygons > 0;
    o.max_bytes = polygons;
    polygons_.reset();
    o.pieced = !pieces.is_none();
    o.depth = checked_depth(depth);
    if (o.pieced)
      for (const std::int64_t id : integers(pieces)) {
        if (id < 0 || id >= kMostPieces) throw std::invalid_argument("a piece's number is out of range");
        o.pieces.push_back(static_cast<std::size_t>(id));
      }
    nb::gil_scoped_release release;
    run_->start(std::move(o));
  }

  // List the regions with their vertices and facets: `wait`, then `complex`.
  void start_complex(int threads, std::size_t max_bytes) {
    Options o;
    o.mode = Mode::complex;
    o.witnesses = false;
    o.threads = threads;
    o.max_bytes = max_bytes;
    nb::gil_scoped_release release;
    run_->start(std::move(o));
  }
  nb::dict complex() { return take_complex(run_->shared); }

  // Number the pieces of the frontier: `wait`, then `frontier`.
  void start_survey(bool list, bool exact, int depth) {
    Options o;
    o.mode = list ? Mode::list : Mode::count;
    o.exact = exact;
    o.pieced = true;
    o.depth = checked_depth(depth);
    nb::gil_scoped_release release;
    run_->start(std::move(o));
  }
  // (pieces, digest, exact decisions, doubtful ones) of the frontier after a run over pieces or a survey that was not stopped.
  nb::tuple frontier() const {
    const Frontier& f = run_->shared.frontier;
    return nb::make_tuple(f.pieces, f.digest, f.exact_decisions, f.doubtful);
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

  // Pieces that were finished since the last call: a table (piece, regions, exact decisions, doubtful ones), and in list mode
  // (patterns, witnesses, witness_ok) of the table's pieces one after another.
  nb::tuple finished() {
    std::vector<Finished> pieces;
    {
      std::lock_guard<std::mutex> guard(run_->shared.lock);
      pieces.swap(run_->shared.finished);
    }
    auto* table = new std::int64_t[std::max<std::size_t>(1, 4 * pieces.size())];
    nb::capsule own(table, [](void* p) noexcept { delete[] static_cast<std::int64_t*>(p); });
    std::vector<std::unique_ptr<Output>> outputs;
    std::size_t at = 0;
    for (Finished& p : pieces) {
      table[at++] = static_cast<std::int64_t>(p.id);
      table[at++] = static_cast<std::int64_t>(p.regions);
      table[at++] = static_cast<std::int64_t>(p.exact_decisions);
      table[at++] = static_cast<std::int64_t>(p.doubtful);
      outputs.push_back(std::move(p.output));
    }
    const std::size_t n = pieces.size();
    return nb::make_tuple(nb::ndarray<nb::numpy, std::int64_t>(table, {n, std::size_t{4}}, own), columns(outputs, run_->shared));
  }

  // (patterns, witnesses, witness_ok) of a finished listing, in the order of the search.
  nb::tuple collect() {
    polygons_ = take_polygons(run_->shared);
    return columns(run_->shared.outputs, run_->shared);
  }
  // The polygons of the listing that was collected, or None; they are given up.
  nb::object polygons() {
    if (!polygons_) return nb::none();
    return polygon_arrays(std::move(polygons_));
  }

  // The vertices of the region with the given pieces (all units of all splitting stages), or None.
  nb::object replay(std::vector<int> pieces, bool exact) {
    RegionShape shape;
    {
      nb::gil_scoped_release release;
      shape = run_->replay(pieces, exact ? Shared::Precision::exact : Shared::Precision::fine);
    }
    if (!shape.found) return nb::none();
    nb::dict out;
    nb::list facets, exact_rows, far;
    for (const auto& ids : shape.facets) {
      nb::list one;
      for (FacetId f : ids) one.append(f);
      facets.append(one);
    }
    for (const IntRow& row : shape.exact) {
      nb::list one;
      for (const Int& v : row) one.append(format(v));
      exact_rows.append(one);
    }
    for (std::uint8_t f : shape.far) far.append(f != 0);
    out["vertices"] = shape.vertices;
    out["directions"] = shape.directions;
    out["far"] = far;
    out["facets"] = facets;
    out["exact"] = exact_rows;
    bool bounded = true;
    for (std::uint8_t f : shape.far) bounded = bounded && !f;
    out["simplices"] = bounded ? triangulate(shape) : std::vector<std::vector<int>>{};
    return out;
  }

  // Volumes of many regions, `pieces` (regions, units of all splitting stages).
  nb::object volumes(nb::ndarray<const std::int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu> pieces) {
    const std::size_t n = pieces.shape(0), units = pieces.shape(1);
    auto* out = new double[std::max<std::size_t>(1, n)];
    nb::capsule own(out, [](void* p) noexcept { delete[] static_cast<double*>(p); });
    const double box = run_->bounding_volume();
    for (std::size_t i = 0; i < n; ++i) {
      if (i % 256 == 0 && PyErr_CheckSignals() != 0) throw nb::python_error();
      const std::int32_t* row = pieces.data() + i * units;
      const std::vector<int> one(row, row + units);
      out[i] = volume(run_->replay(one, Shared::Precision::quick), box);
      if (std::isnan(out[i])) out[i] = volume(run_->replay(one, Shared::Precision::fine), box);
    }
    return nb::cast(nb::ndarray<nb::numpy, double>(out, {n}, own));
  }

 private:
  static constexpr std::int64_t kMostPieces = std::int64_t{1} << 32;
  static int checked_depth(int depth) {
    if (depth < 0 || depth > 30) throw std::invalid_argument("the frontier's depth is 0 to 30");
    return depth;
  }
  std::unique_ptr<Run> run_;
  std::unique_ptr<PolygonList> polygons_;
};

// Counts an arrangement; the same verbs as Engine, so one loop watches both.
class Hyperplanes {
 public:
  Hyperplanes(nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu> rows) {
    run_ = std::make_unique<ArrangementRun>(std::vector<std::int64_t>(rows.data(), rows.data() + rows.size()),
                                            static_cast<int>(rows.shape(1)) - 1);
  }
  void prepare() {}
  std::string prepared() const { return "ready"; }
  void start(bool, bool, int threads, std::uint64_t max_regions) {
    nb::gil_scoped_release release;
    run_->start(threads, max_regions);
  }
  void start_whitney(int threads) {
    nb::gil_scoped_release release;
    run_->start(threads, 0, true);
  }
  nb::list whitney() const {
    nb::list out;
    for (const auto n : run_->whitney()) out.append(n);
    return out;
  }
  bool wait(double seconds) {
    nb::gil_scoped_release release;
    return run_->wait(seconds);
  }
  void stop() { run_->stop(1); }
  nb::dict state() const {
    nb::dict out;
    out["regions"] = run_->regions();
    out["progress"] = run_->progress();
    out["exact_decisions"] = 0;
    out["doubtful"] = 0;
    out["stop"] = run_->stopped();
    out["error"] = std::string();
    return out;
  }

 private:
  std::unique_ptr<ArrangementRun> run_;
};

}  // namespace

void bind_lp(nb::module_& m);

NB_MODULE(_core, m) {
  m.doc() = "The compiled kernels of linregions.";
  m.attr("max_dim") = kMaxDim;
  bind_complex(m);
  bind_polygons(m);
  nb::class_<Engine>(m, "Engine")
      .def(nb::init<nb::list, nb::dict>())
      .def("prepare", &Engine::prepare)
      .def("prepared", &Engine::prepared)
      .def("unbounded", &Engine::unbounded)
      .def("pattern_bytes", &Engine::pattern_bytes)
      .def("start", &Engine::start, nb::arg("list"), nb::arg("exact"), nb::arg("threads"), nb::arg("max_regions"),
           nb::arg("pieces") = nb::none(), nb::arg("depth") = 10, nb::arg("polygons") = 0)
      .def("start_complex", &Engine::start_complex, nb::arg("threads"), nb::arg("max_bytes"))
      .def("complex", &Engine::complex)
      .def("start_survey", &Engine::start_survey, nb::arg("list"), nb::arg("exact"), nb::arg("depth") = 10)
      .def("frontier", &Engine::frontier)
      .def("finished", &Engine::finished)
      .def("wait", &Engine::wait)
      .def("stop", &Engine::stop)
      .def("state", &Engine::state)
      .def("collect", &Engine::collect)
      .def("polygons", &Engine::polygons)
      .def("replay", &Engine::replay)
      .def("volumes", &Engine::volumes);
  nb::class_<Hyperplanes>(m, "Hyperplanes")
      .def(nb::init<nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>>())
      .def("prepare", &Hyperplanes::prepare)
      .def("prepared", &Hyperplanes::prepared)
      .def("start", &Hyperplanes::start)
      .def("start_whitney", &Hyperplanes::start_whitney)
      .def("whitney", &Hyperplanes::whitney)
      .def("wait", &Hyperplanes::wait)
      .def("stop", &Hyperplanes::stop)
      .def("state", &Hyperplanes::state);
  bind_lp(m);
  bind_patterns(m);
}
