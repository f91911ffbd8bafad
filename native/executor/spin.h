// An adaptive spin: looks at the queue in user space for a few microseconds before the loop sleeps, as long
// as that pays. A peer that answers within 20 us saves the sleep and the wake-up; one that does not costs
// ever rarer attempts.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ring/atomics.h"

namespace ringcore {

class AdaptiveSpin {
 public:
  explicit AdaptiveSpin(uint32_t microseconds) : limit_ns_(uint64_t{microseconds} * 1000) {}

  void new_turn() { left_ns_ = kTurnBudgetNs; }

  // Waits until `ready()`; false when it did not come, or was not worth waiting for. `last_ns`: the last
  // completion.
  template <class Ready, class Clock>
  bool wait(Ready ready, Clock now_ns, uint64_t last_ns) {
    if (limit_ns_ == 0) return false;
    const uint64_t start = now_ns();
    if (start - last_ns > kRecentNs) return false;
    if (skip_ > 0) {
      skip_--;
      return false;
    }
    const uint64_t end = start + std::min(limit_ns_, left_ns_);
    for (uint64_t now = start; now < end; now = now_ns()) {
      for (int i = 0; i < kLooksPerClock; i++) {
        if (ready()) {
          left_ns_ -= std::min(left_ns_, now - start);
          misses_ = 0;
          next_skip_ = kFirstSkip;
          return true;
        }
        cpu_relax();
      }
    }
    left_ns_ = 0;
    if (++misses_ >= kMissesBeforeSkip) {
      skip_ = next_skip_;
      next_skip_ = std::min(next_skip_ * 2, kLongestSkip);
    }
    return false;
  }

 private:
  static constexpr uint64_t kTurnBudgetNs = 500'000;  // of all spins before one sleep
  static constexpr uint64_t kRecentNs = 200'000;      // an idle ring is not worth a spin
  static constexpr int kLooksPerClock = 8;
  static constexpr uint32_t kMissesBeforeSkip = 4;
  static constexpr uint32_t kFirstSkip = 4;
  static constexpr uint32_t kLongestSkip = 128;

  uint64_t limit_ns_;
  uint64_t left_ns_ = kTurnBudgetNs;
  uint32_t misses_ = 0;
  uint32_t skip_ = 0;
  uint32_t next_skip_ = kFirstSkip;
};

}  // namespace ringcore
