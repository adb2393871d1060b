// The only file that knows Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "arrangement.hpp"
#include "bind_complex.hpp"
#include "run.hpp"
#include "volume.hpp"

namespace nb = nanobind;
using namespace linregions;

namespace {

using Array = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using Index = nb::ndarray<const std::int64_t, nb::c_contig, nb::device::cpu>;

Int parse(const std::string& text) {  // hexadecimal, with an optional sign
  const bool negative = !text.empty() && text[0] == '-';
  std::vector<std::uint64_t> limbs;
  std::size_t end = text.size();
  const std::size_t begin = negative ? 1 : 0;
  while (end > begin) {
    const std::size_t from = end - begin > 16 ? end - 16 : begin;
    limbs.push_back(std::stoull(text.substr(from, end - from), nullptr, 16));
    end = from;
  }
  return Int::from_limbs(negative, limbs.data(), limbs.size());
}

std::string format(const Int& v) {
  static const char* digit = "0123456789abcdef";
  std::string out;
  for (const std::uint64_t limb : v.magnitude())
    for (int k = 0; k < 64; k += 4) out.insert(out.begin(), digit[limb >> k & 15]);
  if (out.empty()) out = "0";
  return v.sign() < 0 ? "-" + out : out;
}

IntRow parse_row(nb::handle row) {
  IntRow out;
  for (nb::handle v : row) out.push_back(parse(nb::cast<std::string>(v)));
  return out;
}

std::vector<double> doubles(nb::handle array) {
  auto a = nb::cast<Array>(array);
  return {a.data(), a.data() + a.size()};
}

std::vector<std::int64_t> integers(nb::handle array) {
  auto a = nb::cast<Index>(array);
  return {a.data(), a.data() + a.size()};
}

class Engine {
 public:
  Engine(nb::list stages, nb::dict domain) {
    std::vector<StageInput> inputs;
    for (nb::handle h : stages) {
      nb::dict d = nb::cast<nb::dict>(h);
      StageInput s;
      s.rows = nb::cast<int>(d["rows"]);
      s.inputs = nb::cast<int>(d["inputs"]);
      s.bias = doubles(d["bias"]);
      if (!d["divisor"].is_none()) s.divisor = doubles(d["divisor"]);
      if (d.contains("indptr")) {
        s.dense = false;
        s.indptr = integers(d["indptr"]);
        s.indices = integers(d["indices"]);
        s.data = doubles(d["data"]);
      } else {
        weights_.push_back(nb::cast<Array>(d["weight"]));
        s.weight = weights_.back().data();
      }
      s.max = nb::cast<bool>(d["max"]);
      if (s.max) {
        s.offsets = integers(d["offsets"]);
      } else {
        for (std::int64_t i : integers(d["index"])) s.function_of.push_back(static_cast<int>(i));
        for (nb::handle f : d["functions"]) {
          auto t = nb::cast<nb::tuple>(f);
          Function fn;
          fn.breakpoints = nb::cast<std::vector<double>>(t[0]);
          fn.slopes = nb::cast<std::vector<double>>(t[1]);
          fn.value = nb::cast<double>(t[2]);
          s.functions.push_back(std::move(fn));
        }
      }
      inputs.push_back(std::move(s));
    }
    Domain d;
    d.dim = nb::cast<int>(domain["dim"]);
    if (d.dim < 1 || d.dim > kMaxDim) throw std::invalid_argument("dimension out of range");
    for (nb::handle row : domain["rows"]) d.rows.push_back(parse_row(row));
    if (!domain["embedding"].is_none())
      for (nb::handle row : domain["embedding"]) d.embedding.push_back(parse_row(row));
    d.scale = parse(nb::cast<std::string>(domain["scale"]));
    if (!domain["lower"].is_none()) {
      d.box = true;
      d.lower = doubles(domain["lower"]);
      d.upper = doubles(domain["upper"]);
    }
    run_ = std::make_unique<Run>(std::move(inputs), std::move(d));
    weights_.clear();
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

  // Without `pieces` the whole tree.  With them (numbers of pieces of the frontier at `depth`) only these, each handed over
  // by `finished` as soon as it is done.
  void start(bool list, bool exact, int threads, std::uint64_t max_regions, nb::object pieces, int depth) {
    Options o;
    o.mode = list ? Mode::list : Mode::count;
    o.exact = exact;
    o.threads = threads;
    o.max_regions = max_regions;
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
    return nb::make_tuple(nb::ndarray<nb::numpy, std::int64_t>(table, {n, std::size_t{4}}, own), columns(outputs));
  }

  // (patterns, witnesses, witness_ok) of a finished listing, in the order of the search.
  nb::tuple collect() { return columns(run_->shared.outputs); }

  nb::tuple columns(std::vector<std::unique_ptr<Output>>& outputs) const {
    const Shared& s = run_->shared;
    std::uint64_t n = 0;
    for (const auto& o : outputs) n += o ? o->regions : 0;
    const auto bytes = static_cast<std::size_t>(s.model.pattern_bytes), dim = static_cast<std::size_t>(s.domain.dim);
    auto* patterns = new std::uint8_t[std::max<std::size_t>(1, n * bytes)];
    nb::capsule own_patterns(patterns, [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
    auto* witnesses = new double[std::max<std::size_t>(1, n * dim)];
    nb::capsule own_witnesses(witnesses, [](void* p) noexcept { delete[] static_cast<double*>(p); });
    auto* ok = new std::uint8_t[std::max<std::size_t>(1, n)];
    nb::capsule own_ok(ok, [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
    std::size_t at = 0;
    for (auto& o : outputs) {
      if (!o) continue;
      std::copy(o->patterns.begin(), o->patterns.end(), patterns + at * bytes);
      std::copy(o->witnesses.begin(), o->witnesses.end(), witnesses + at * dim);
      std::copy(o->witness_ok.begin(), o->witness_ok.end(), ok + at);
      at += o->regions;
      o.reset();
    }
    outputs.clear();
    return nb::make_tuple(nb::ndarray<nb::numpy, std::uint8_t>(patterns, {n, bytes}, own_patterns),
                          nb::ndarray<nb::numpy, double>(witnesses, {n, dim}, own_witnesses),
                          nb::ndarray<nb::numpy, std::uint8_t>(ok, {n}, own_ok));
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
  std::vector<Array> weights_;
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

NB_MODULE(_core, m) {
  m.doc() = "The compiled kernels of linregions.";
  m.attr("max_dim") = kMaxDim;
  bind_complex(m);
  nb::class_<Engine>(m, "Engine")
      .def(nb::init<nb::list, nb::dict>())
      .def("prepare", &Engine::prepare)
      .def("prepared", &Engine::prepared)
      .def("unbounded", &Engine::unbounded)
      .def("pattern_bytes", &Engine::pattern_bytes)
      .def("start", &Engine::start, nb::arg("list"), nb::arg("exact"), nb::arg("threads"), nb::arg("max_regions"),
           nb::arg("pieces") = nb::none(), nb::arg("depth") = 10)
      .def("start_complex", &Engine::start_complex, nb::arg("threads"), nb::arg("max_bytes"))
      .def("complex", &Engine::complex)
      .def("start_survey", &Engine::start_survey, nb::arg("list"), nb::arg("exact"), nb::arg("depth") = 10)
      .def("frontier", &Engine::frontier)
      .def("finished", &Engine::finished)
      .def("wait", &Engine::wait)
      .def("stop", &Engine::stop)
      .def("state", &Engine::state)
      .def("collect", &Engine::collect)
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
}
