// Networks, domains and integers between Python and the kernels; included by the bind*.cpp files alone.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared.hpp"

namespace linregions::python {

namespace nb = nanobind;

using Array = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using Index = nb::ndarray<const std::int64_t, nb::c_contig, nb::device::cpu>;

inline Int parse(const std::string& text) {  // hexadecimal, with an optional sign
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

inline std::string format(const Int& v) {
  static const char* digit = "0123456789abcdef";
  std::string out;
  for (const std::uint64_t limb : v.magnitude())
    for (int k = 0; k < 64; k += 4) out.insert(out.begin(), digit[limb >> k & 15]);
  if (out.empty()) out = "0";
  if (v.sign() < 0) out.insert(0, 1, '-');
  return out;
}

inline IntRow parse_row(nb::handle row) {
  IntRow out;
  for (nb::handle v : row) out.push_back(parse(nb::cast<std::string>(v)));
  return out;
}

inline std::vector<double> doubles(nb::handle array) {
  auto a = nb::cast<Array>(array);
  return {a.data(), a.data() + a.size()};
}

inline std::vector<std::int64_t> integers(nb::handle array) {
  auto a = nb::cast<Index>(array);
  return {a.data(), a.data() + a.size()};
}

// `weights` keeps the dense matrices alive that the stages point to.
inline std::vector<StageInput> parse_stages(nb::list stages, std::vector<Array>& weights) {
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
      weights.push_back(nb::cast<Array>(d["weight"]));
      s.weight = weights.back().data();
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
  return inputs;
}

inline Domain parse_domain(nb::dict domain, int most_dim) {
  Domain d;
  d.dim = nb::cast<int>(domain["dim"]);
  if (d.dim < 1 || d.dim > most_dim) throw std::invalid_argument("dimension out of range");
  for (nb::handle row : domain["rows"]) d.rows.push_back(parse_row(row));
  if (!domain["embedding"].is_none())
    for (nb::handle row : domain["embedding"]) d.embedding.push_back(parse_row(row));
  d.scale = parse(nb::cast<std::string>(domain["scale"]));
  if (!domain["lower"].is_none()) {
    d.box = true;
    d.lower = doubles(domain["lower"]);
    d.upper = doubles(domain["upper"]);
  }
  return d;
}

// (patterns, witnesses, witness_ok) of outputs one after another, which it empties.
inline nb::tuple columns(std::vector<std::unique_ptr<Output>>& outputs, const Shared& s) {
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

}  // namespace linregions::python
