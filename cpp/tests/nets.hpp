// Networks, domains and runs in few words, for the tests of whole runs.
#pragma once
#include <deque>
#include <vector>

#include "check.hpp"
#include "run.hpp"

namespace linregions::test {

// The domain's vertices, waited for.
inline linregions::DomainState prepare(linregions::Run& run) {
  run.prepare();
  while (!run.wait(1)) {
  }
  return run.prepared();
}

inline const Function kRelu{{0}, {0, 1}, 0}, kIdentity{{}, {1}, 0}, kClip{{0, 1}, {0, 1, 0}, 0}, kAbs{{0}, {-1, 1}, 0};

// Stages with their weights; outlives the Run that is made of it.
struct Net {
  std::deque<std::vector<double>> weights;
  std::vector<StageInput> stages;

  StageInput& add(std::vector<double> weight, std::vector<double> bias, const Function& f = kRelu) {
    weights.push_back(std::move(weight));
    StageInput s;
    s.rows = static_cast<int>(bias.size());
    s.inputs = static_cast<int>(weights.back().size()) / s.rows;
    s.weight = weights.back().data();
    s.bias = std::move(bias);
    s.functions = {f};
    s.function_of.assign(s.rows, 0);
    stages.push_back(std::move(s));
    return stages.back();
  }
  void add_max(std::vector<double> weight, std::vector<double> bias, std::vector<std::int64_t> offsets) {
    StageInput& s = add(std::move(weight), std::move(bias));
    s.max = true;
    s.functions.clear();
    s.function_of.clear();
    s.offsets = std::move(offsets);
  }
  // Weights with 20 bits, so that chance coincidences have no weight.
  void add_random(Random& random, int rows, int inputs, const Function& f = kRelu) {
    std::vector<double> w(static_cast<std::size_t>(rows) * inputs), b(rows);
    for (double& v : w) v = static_cast<double>(integer(random, 1 << 20)) * 0x1p-20;
    for (double& v : b) v = static_cast<double>(integer(random, 1 << 18)) * 0x1p-20;
    add(std::move(w), std::move(b), f);
  }
};

inline Domain box(int dim, int lower, int upper) {
  Domain d;
  d.dim = dim;
  d.box = true;
  d.lower.assign(dim, lower);
  d.upper.assign(dim, upper);
  for (int k = 0; k < dim; ++k)
    for (int side = 0; side < 2; ++side) {
      IntRow row(dim + 1);
      row[k] = side ? -1 : 1;
      row[dim] = side ? upper : -lower;
      d.rows.push_back(row);
    }
  return d;
}

// The half-spaces a.x + c >= 0; none of them: the whole space.
inline Domain polyhedron(int dim, const std::vector<std::vector<std::int64_t>>& rows = {}) {
  Domain d;
  d.dim = dim;
  for (const auto& row : rows) d.rows.emplace_back(row.begin(), row.end());
  return d;
}

inline void finish(Run& run, Options options) {
  run.start(options);
  while (!run.wait(1)) {
  }
}

inline std::uint64_t count(Run& run, int threads = 1) {
  Options o;
  o.threads = threads;
  finish(run, o);
  CHECK(run.shared.error.empty() && run.shared.stop == 0 && run.shared.doubtful == 0);
  return run.shared.regions;
}

inline std::uint64_t count(const Net& net, const Domain& domain, int threads = 1) {
  Run run(net.stages, domain);
  CHECK(prepare(run) == DomainState::ready);
  return count(run, threads);
}

struct Listed {
  std::vector<int> pieces;  // of all units of the model
  std::vector<double> witness;
  bool certified;
};

inline std::vector<Listed> list(Run& run, int threads = 1) {
  Options o;
  o.mode = Mode::list;
  o.threads = threads;
  finish(run, o);
  CHECK(run.shared.error.empty() && run.shared.stop == 0 && run.shared.doubtful == 0);
  const Model& model = run.shared.model;
  const std::size_t bytes = model.pattern_bytes, dim = run.shared.domain.dim;
  std::vector<Listed> out;
  for (const auto& part : run.shared.outputs) {
    if (!part) continue;
    CHECK(part->patterns.size() == part->regions * bytes && part->witnesses.size() == part->regions * dim);
    CHECK(part->witness_ok.size() == part->regions);
    for (std::size_t i = 0; i < part->regions; ++i) {
      Listed region{{}, {part->witnesses.begin() + i * dim, part->witnesses.begin() + (i + 1) * dim},
                    part->witness_ok[i] != 0};
      for (const Stage& s : model.stages)
        for (int u = 0; u < s.units; ++u) {
          int piece = 0;
          for (int k = 0; k < s.field_bits[u]; ++k) {
            const int at = s.field_shift[u] + k;
            piece |= (part->patterns[i * bytes + at / 8] >> (at % 8) & 1) << k;
          }
          region.pieces.push_back(piece);
        }
      out.push_back(std::move(region));
    }
  }
  CHECK(out.size() == run.shared.regions);
  return out;
}

}  // namespace linregions::test
