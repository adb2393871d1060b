#include "arrangement.hpp"

#include <chrono>

namespace linregions {
namespace {

template <class T>
Arrangement<T> read(const std::vector<std::int64_t>& rows, int dim) {
  std::vector<T> flat(rows.begin(), rows.end());
  const std::size_t width = static_cast<std::size_t>(dim) + 1;
  for (std::size_t at = 0; at < flat.size(); at += width) Arrangement<T>::canonical(flat.data() + at, dim + 1);
  return Arrangement<T>::distinct(std::move(flat), dim);
}

}  // namespace

ArrangementRun::ArrangementRun(std::vector<std::int64_t> rows, int dim)
    : short_(read<Checked>(rows, dim)), long_(read<Int>(rows, dim)) {
  bool central = dim > 1 && short_.size() > 0;
  for (int i = 0; i < short_.size(); ++i) central = central && short_.row(i)[dim].is_zero();
  if (central) {
    // Half of the regions of a central arrangement lie on the positive side of one of its hyperplanes, and those are the
    // regions of the others on a parallel copy of it.
    factor_ = 2;
    const int last = short_.size() - 1;
    long_ = long_.restricted(last, last, true);
    try {
      short_ = short_.restricted(last, last, true);
    } catch (const Overflow&) {
      long_only_ = true;
    }
  }
}

ArrangementRun::~ArrangementRun() {
  stop(1);
  join();
}

void ArrangementRun::join() {
  for (auto& t : threads_) t.join();
  threads_.clear();
}

void ArrangementRun::start(int threads, std::uint64_t max_regions, bool whitney) {
  join();
  by_whitney_ = whitney;
  whitney_.assign(long_.dim() + 1, 0);
  whitney_[0] = 1;
  tasks_ = long_.size();
  limit_ = max_regions;
  stop_ = 0;
  done_ = 0;
  next_ = tasks_ - 1;
  regions_ = factor_;
  running_ = threads;
  for (int t = 0; t < threads; ++t) threads_.emplace_back([this] { work(); });
}

std::uint64_t ArrangementRun::section(int i) const {
  if (long_.dim() == 1) return 1;
  if (!long_only_) {
    try {
      return short_.on_hyperplane(i, stop_);
    } catch (const Overflow&) {
    }
  }
  return long_.on_hyperplane(i, stop_);
}

std::uint64_t ArrangementRun::section_by_whitney(int i) {
  std::vector<std::uint64_t> sums(long_.dim(), 0);
  bool done = false;
  if (!long_only_) {
    try {
      short_.add_section(i, stop_, sums.data());
      done = true;
    } catch (const Overflow&) {
      std::fill(sums.begin(), sums.end(), 0);
    }
  }
  if (!done) long_.add_section(i, stop_, sums.data());
  std::lock_guard<std::mutex> guard(lock_);
  std::uint64_t total = 0;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    whitney_[k + 1] += sums[k];
    total += sums[k];
  }
  return total;
}

std::vector<std::uint64_t> ArrangementRun::whitney() const {
  std::vector<std::uint64_t> out = whitney_;
  if (factor_ == 1) return out;
  // A central arrangement's polynomial is (1 + t) times that of the parallel copy.
  out.push_back(0);
  for (std::size_t k = whitney_.size(); k > 0; --k) out[k] += whitney_[k - 1];
  return out;
}

// Hyperplanes from the last, whose sections are the largest, to the first.
void ArrangementRun::work() {
  for (int i = next_--; i >= 0 && !stop_; i = next_--) {
    const std::uint64_t n = by_whitney_ ? section_by_whitney(i) : section(i);
    const auto total = regions_.fetch_add(factor_ * n) + factor_ * n;
    ++done_;
    if (limit_ && total >= limit_) stop(2);
  }
  std::lock_guard<std::mutex> guard(lock_);
  --running_;
  changed_.notify_all();
}

bool ArrangementRun::wait(double seconds) {
  {
    std::unique_lock<std::mutex> guard(lock_);
    if (!changed_.wait_for(guard, std::chrono::duration<double>(seconds), [this] { return running_ == 0; })) return false;
  }
  join();
  return true;
}

}  // namespace linregions
