// Baseline: reads small files whole, again and again, and prints one line of JSON.
//
//   read_files --list FILE --bytes 4096 [--depth 1] [--warmup-ms 0] [--duration-ms 1000]
//
// FILE holds one path a line. Depth 1: open, fstat, read, close by system calls. Above: so many at a time by
// io_uring (open; then fstat; then read linked to close). The first 4 bytes of each file must be its number
// in the list, the last 4 the same inverted: see bench/harness/data.ts.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "measure.h"
#include "mini_ring.h"
#include "options.h"

using namespace bench;

namespace {

struct Work {
  std::vector<std::string> paths;
  size_t bytes = 0;
  int64_t warm_ns = 0;
  int64_t end_ns = 0;
  uint64_t all = 0;
  uint64_t measured = 0;
  uint64_t errors = 0;
  int64_t begin_ns = 0;
  int64_t last_ns = 0;

  bool over() const { return last_ns >= end_ns; }

  void count(size_t index, const char* data, long result) {
    uint32_t first = 0, last = 0;
    if (result == static_cast<long>(bytes)) {
      std::memcpy(&first, data, sizeof(first));
      std::memcpy(&last, data + bytes - sizeof(last), sizeof(last));
    }
    if (result != static_cast<long>(bytes) || first != index || last != ~first) errors++;
    all++;
    last_ns = now_ns();
    if (begin_ns != 0) {
      measured++;
    } else if (last_ns >= warm_ns) {
      begin_ns = last_ns;
    }
  }
};

void read_by_system_calls(Work& work) {
  std::vector<char> buffer(work.bytes);
  for (size_t i = 0; !work.over(); i = (i + 1) % work.paths.size()) {
    const int fd = open(work.paths[i].c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    long result = -1;
    if (fd >= 0 && fstat(fd, &status) == 0 && static_cast<size_t>(status.st_size) == work.bytes) {
      result = read(fd, buffer.data(), work.bytes);
    }
    if (fd >= 0) close(fd);
    work.count(i, buffer.data(), result);
  }
}

class RingReads {
 public:
  RingReads(Work& work, unsigned depth) : work_(work), ring_(2 * depth + 2, 4 * depth + 4), slots_(depth) {
    for (unsigned i = 0; i < depth; i++) {
      slots_[i].buffer.resize(work.bytes);
      open(i);
    }
  }

  void run() {
    while (active_ > 0) {
      ring_.enter(1);
      ring_.drain([&](const abi::io_uring_cqe& cqe) { complete(cqe); });
    }
  }

 private:
  enum class Step : uint8_t { kOpen, kRead, kClose };
  struct Slot {
    std::vector<char> buffer;
    size_t file = 0;
    long result = -1;
  };

  static uint64_t tag(Step step, unsigned slot) { return static_cast<uint64_t>(step) << 32 | slot; }

  void open(unsigned slot) {
    active_++;
    slots_[slot].file = next_file_++ % work_.paths.size();
    slots_[slot].result = -1;
    auto& sqe = ring_.next(abi::IORING_OP_OPENAT, AT_FDCWD, tag(Step::kOpen, slot));
    sqe.addr = reinterpret_cast<uint64_t>(work_.paths[slots_[slot].file].c_str());
    sqe.open_flags = O_RDONLY | O_CLOEXEC;
  }

  void opened(unsigned slot, int fd) {
    struct stat status{};
    if (fd < 0) return closed(slot);
    const bool expected = fstat(fd, &status) == 0 && static_cast<size_t>(status.st_size) == work_.bytes;
    ring_.reserve(2);
    if (expected) {
      auto& sqe = ring_.next(abi::IORING_OP_READ, fd, tag(Step::kRead, slot));
      sqe.flags = abi::IOSQE_IO_HARDLINK;  // the close runs whatever the read's result
      sqe.addr = reinterpret_cast<uint64_t>(slots_[slot].buffer.data());
      sqe.len = static_cast<uint32_t>(work_.bytes);
    }
    ring_.next(abi::IORING_OP_CLOSE, fd, tag(Step::kClose, slot));
  }

  void closed(unsigned slot) {
    active_--;
    work_.count(slots_[slot].file, slots_[slot].buffer.data(), slots_[slot].result);
    if (!work_.over()) open(slot);
  }

  void complete(const abi::io_uring_cqe& cqe) {
    const auto slot = static_cast<unsigned>(cqe.user_data & 0xffff'ffff);
    switch (static_cast<Step>(cqe.user_data >> 32)) {
      case Step::kOpen:
        return opened(slot, cqe.res);
      case Step::kRead:
        slots_[slot].result = cqe.res;
        return;
      case Step::kClose:
        return closed(slot);
    }
  }

  Work& work_;
  MiniRing ring_;
  std::vector<Slot> slots_;
  size_t next_file_ = 0;
  unsigned active_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options(argc, argv);
  Work work;
  std::ifstream list(options.text("list", ""));
  for (std::string path; std::getline(list, path);) work.paths.push_back(path);
  work.bytes = static_cast<size_t>(options.number("bytes", 4096));
  const auto depth = static_cast<unsigned>(options.number("depth", 1));
  const long warmup_ms = std::min(options.number("warmup-ms", 0), 60'000L);
  const long duration_ms = std::min(options.number("duration-ms", 1000), 60'000L);
  options.done();
  if (work.paths.empty() || work.bytes < 8 || depth == 0)
    fail("--list, --bytes (8 or more) and --depth are needed");

  work.warm_ns = now_ns() + warmup_ms * kNsPerMs;
  work.end_ns = work.warm_ns + duration_ms * kNsPerMs;
  const CpuTime begin = cpu_time(getpid());
  if (depth == 1) {
    read_by_system_calls(work);
  } else {
    RingReads(work, depth).run();
  }
  const double seconds = static_cast<double>(work.last_ns - work.begin_ns) / 1e9;
  const double share = static_cast<double>(work.measured) / static_cast<double>(work.all);
  const CpuTime cpu = cpu_time(getpid()) - begin;
  std::printf("{\"exchanges\":%llu,\"allExchanges\":%llu,\"errors\":%llu,\"seconds\":%.6f,\"perSecond\":%.1f",
              static_cast<unsigned long long>(work.measured), static_cast<unsigned long long>(work.all),
              static_cast<unsigned long long>(work.errors), seconds,
              seconds > 0 ? static_cast<double>(work.measured) / seconds : 0.0);
  // CPU time is taken over the warm-up too, which does the same work: the measured part's share of it.
  std::printf(",\"serverCpuSeconds\":%.6f}\n", static_cast<double>(cpu.used_ns) / 1e9 * share);
  return work.errors > 0 || work.measured == 0 ? 1 : 0;
}
