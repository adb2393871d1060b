// Rows kept from cell to cell: after any changes of the inputs the bits of a fresh start, and those of the sum by columns.
#include <cmath>
#include <cstring>
#include <vector>

#include "check.hpp"
#include "frame.hpp"

using namespace linregions;
using namespace linregions::test;

namespace {

Stage random_stage(Random& random, int rows, int inputs, int density) {
  StageInput in;
  in.rows = rows;
  in.inputs = inputs;
  in.dense = false;
  in.indptr.push_back(0);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < inputs; ++j) {
      if (static_cast<int>(random() % 8) >= density) continue;
      in.indices.push_back(j);
      in.data.push_back(real(random));
    }
    in.indptr.push_back(static_cast<std::int64_t>(in.indices.size()));
    in.bias.push_back(i % 3 ? real(random) : -0.0);
  }
  in.functions = {{{0.0}, {0.0, 1.0}, 0.0}};
  in.function_of.assign(rows, 0);
  std::vector<StageInput> stages(1, in);
  Domain domain;
  domain.dim = inputs;
  return build_model(stages, domain).stages[0];
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), sizeof(double) * a.size()) == 0;
}

// The first `rows` numbers of every column.
std::vector<double> rows_of(const Stage& s, int cols, const std::vector<double>& z) {
  std::vector<double> out;
  for (int c = 0; c < cols; ++c)
    for (int i = 0; i < s.rows; ++i) out.push_back(z[static_cast<std::size_t>(c) * s.padded + i]);
  return out;
}

}  // namespace

int main() {
  Random random(1);
  std::size_t few = 0, many = 0;
  for (int round = 0; round < 200; ++round) {
    const int dim = 1 + static_cast<int>(random() % kMaxDim), cols = dim + 3;
    const int rows = 1 + static_cast<int>(random() % 60), inputs = 1 + static_cast<int>(random() % 40);
    const Stage stage = random_stage(random, rows, inputs, 1 + static_cast<int>(random() % 8));
    Kept kept;
    kept.init(stage, dim);
    CHECK(kept.on);
    std::vector<double> z(static_cast<std::size_t>(cols) * stage.padded, 0.0);
    std::vector<std::vector<double>> now(inputs);
    for (int step = 0; step < 20; ++step) {
      const int changes = step % 5 ? static_cast<int>(random() % 4) : inputs;
      for (int k = 0; k < changes; ++k) {
        const int j = static_cast<int>(random() % inputs);
        now[j].clear();
        if (random() % 2)
          for (int c = 0; c < cols; ++c) now[j].push_back(c > dim ? std::fabs(real(random)) * 1e-15 : real(random));
        kept.put(stage, j, now[j].empty() ? nullptr : now[j].data());
      }
      std::vector<char> renewed(rows, 0);
      const std::size_t marked = kept.rows.size();
      (marked == static_cast<std::size_t>(rows) ? many : few) += marked > 0;
      const std::vector<double> before = rows_of(stage, cols, z);
      kept.make(stage, z.data(), renewed.data());
      const std::vector<double> after = rows_of(stage, cols, z);
      for (std::size_t at = 0; at < after.size(); ++at)
        CHECK(renewed[at % rows] || std::memcmp(&before[at], &after[at], sizeof(double)) == 0);

      Kept fresh;
      fresh.init(stage, dim);
      Feed feed;
      for (int j = 0; j < inputs; ++j) {
        if (now[j].empty()) continue;
        fresh.put(stage, j, now[j].data());
        std::copy(now[j].begin(), now[j].end(), feed.next(j, dim));
        ++feed.count;
      }
      std::vector<double> again(z.size(), 0.0), columns(z.size(), 0.0);
      fresh.make(stage, again.data(), renewed.data());
      start_rows(stage, dim, columns.data());
      feed.add_to(stage, dim, columns.data());
      CHECK(same(after, rows_of(stage, cols, again)));
      CHECK(same(after, rows_of(stage, cols, columns)));
    }
  }
  CHECK(few > 1000 && many > 200);  // else this compares nothing
}
