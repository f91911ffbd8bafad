// What a measurement is made of: a clock, a latency histogram, the CPU time of the process under test.
#pragma once

#include <dirent.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

inline int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

inline constexpr int64_t kNsPerMs = 1'000'000;

// Log-linear: 128 buckets a power of two, so a percentile is at most 1 % too large, whatever its size.
class Histogram {
 public:
  Histogram() : counts_(64 << kSubBits) {}

  void record(int64_t ns) {
    const uint64_t value = ns > 0 ? static_cast<uint64_t>(ns) : 0;
    counts_[bucket(value)]++;
    total_++;
  }

  void reset() {
    std::fill(counts_.begin(), counts_.end(), 0);
    total_ = 0;
  }

  uint64_t total() const { return total_; }

  double percentile_us(double percent) const {
    const auto wanted = static_cast<uint64_t>(static_cast<double>(total_) * percent / 100.0);
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); i++) {
      seen += counts_[i];
      if (seen > wanted) return static_cast<double>(upper_bound(i)) / 1000.0;
    }
    return 0;
  }

 private:
  static constexpr unsigned kSubBits = 7;

  static size_t bucket(uint64_t value) {
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    if (width <= kSubBits) return value;
    const unsigned shift = width - kSubBits - 1;
    return (static_cast<size_t>(shift) << kSubBits) + (value >> shift);
  }

  static uint64_t upper_bound(size_t index) {
    if (index < (2u << kSubBits)) return index;
    const unsigned shift = static_cast<unsigned>(index >> kSubBits) - 1;
    const uint64_t mantissa = index - (static_cast<uint64_t>(shift) << kSubBits);
    return ((mantissa + 1) << shift) - 1;
  }

  std::vector<uint64_t> counts_;
  uint64_t total_ = 0;
};

// Of all threads of a process, io_uring's workers included.
struct CpuTime {
  int64_t used_ns = 0;  // on a CPU
  int64_t waited_ns =
      0;  // ready to run, while something else had the CPU; perhaps a thread of the same process
};

// /proc/PID/stat has the first in ticks of 10 ms, which is too coarse for a run of half a second.
inline CpuTime cpu_time(int pid) {
  CpuTime sum;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  DIR* directory = opendir(tasks.c_str());
  if (directory == nullptr) return sum;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    FILE* file = std::fopen((tasks + "/" + entry->d_name + "/schedstat").c_str(), "r");
    if (file == nullptr) continue;  // the thread has ended meanwhile
    long long used = 0, waited = 0;
    if (std::fscanf(file, "%lld %lld", &used, &waited) == 2) {
      sum.used_ns += used;
      sum.waited_ns += waited;
    }
    std::fclose(file);
  }
  closedir(directory);
  return sum;
}

inline CpuTime operator-(const CpuTime& a, const CpuTime& b) {
  return {a.used_ns - b.used_ns, a.waited_ns - b.waited_ns};
}

// How long a processor was busy, whoever kept it so, in ticks of 10 ms.
inline int64_t busy_ns(int cpu) {
  const std::string name = "cpu" + std::to_string(cpu);
  FILE* file = std::fopen("/proc/stat", "r");
  if (file == nullptr) return 0;
  char word[32];
  long long user, nice, system, idle, iowait, irq, softirq, steal;
  int64_t busy = 0;
  char line[512];
  while (std::fgets(line, sizeof(line), file) != nullptr) {
    const int fields = std::sscanf(line, "%31s %lld %lld %lld %lld %lld %lld %lld %lld", word, &user, &nice,
                                   &system, &idle, &iowait, &irq, &softirq, &steal);
    if (fields == 9 && name == word) busy = user + nice + system + irq + softirq + steal;
  }
  std::fclose(file);
  return busy * 10'000'000;
}

}  // namespace bench
