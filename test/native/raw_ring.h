// A ring by nothing but the ABI and system calls, for tests that look at the kernel directly or at another
// layer's ring from outside. One thread, no restrictions, flags as asked.
#pragma once

#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>

#include "abi/io_uring_abi.h"
#include "abi/syscalls.h"

namespace abi = ringcore::abi;

// The running kernel as 618 for 6.18.
inline int kernel_version() {
  utsname names{};
  int major = 0;
  int minor = 0;
  if (uname(&names) != 0 || std::sscanf(names.release, "%d.%d", &major, &minor) != 2) return 0;
  return major * 100 + minor;
}

inline double now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

class RawRing {
 public:
  explicit RawRing(unsigned entries = 8, unsigned flags = 0) {
    params.flags = flags;
    fd = abi::io_uring_setup(entries, &params);
    if (fd < 0) return;
    const size_t sq_bytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    const size_t cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(abi::io_uring_cqe);
    sq_ = map(sq_bytes, abi::IORING_OFF_SQ_RING);
    // Of its own, to prove the offset: with IORING_FEAT_SINGLE_MMAP the one above would do.
    cq_ = map(cq_bytes, abi::IORING_OFF_CQ_RING);
    sqes_ = map(params.sq_entries * sizeof(abi::io_uring_sqe), abi::IORING_OFF_SQES);
    for (unsigned i = 0; i < params.sq_entries; i++) word(sq_, params.sq_off.array)[i] = i;
    tail_ = *word(sq_, params.sq_off.tail);
  }

  ~RawRing() {
    for (const Mapping& mapping : {sq_, cq_, sqes_}) {
      if (mapping.memory != nullptr) munmap(mapping.memory, mapping.bytes);
    }
    if (fd >= 0) close(fd);
  }

  RawRing(const RawRing&) = delete;
  RawRing& operator=(const RawRing&) = delete;

  // Why a test can't run here, or an empty string. Only for what a system may forbid or lack: an -EINVAL or
  // -EFAULT would be ours, and is to fail.
  std::string unavailable() const {
    if (fd != -ENOSYS && fd != -EPERM && fd != -EACCES && fd != -ENOMEM && fd != -EOPNOTSUPP) return {};
    return std::string("io_uring_setup: ") + std::strerror(-fd);
  }

  abi::io_uring_sqe& sqe() {
    auto& entry = static_cast<abi::io_uring_sqe*>(sqes_.memory)[tail_++ & (params.sq_entries - 1)];
    entry = abi::io_uring_sqe{};
    return entry;
  }

  // Hands over what was filled since the last call and waits for `wait` completions; five seconds at most, so
  // that a test fails instead of hanging.
  int submit(unsigned wait = 0) {
    std::atomic_ref<unsigned> tail(*word(sq_, params.sq_off.tail));
    const unsigned filled = tail_ - tail.load(std::memory_order_relaxed);
    tail.store(tail_, std::memory_order_release);
    const abi::kernel_timespec limit{5, 0};
    abi::io_uring_getevents_arg arg{};
    arg.ts = reinterpret_cast<uint64_t>(&limit);
    return abi::io_uring_enter(fd, filled, wait, abi::IORING_ENTER_GETEVENTS | abi::IORING_ENTER_EXT_ARG,
                               &arg, sizeof(arg));
  }

  std::optional<abi::io_uring_cqe> peek() {
    std::atomic_ref<unsigned> head(*word(cq_, params.cq_off.head));
    std::atomic_ref<unsigned> tail(*word(cq_, params.cq_off.tail));
    const unsigned at = head.load(std::memory_order_relaxed);
    if (tail.load(std::memory_order_acquire) == at) return std::nullopt;
    const auto* cqes = reinterpret_cast<abi::io_uring_cqe*>(word(cq_, params.cq_off.cqes));
    const abi::io_uring_cqe cqe = cqes[at & (params.cq_entries - 1)];
    head.store(at + 1, std::memory_order_release);
    return cqe;
  }

  // The next completion, waited for. Its res is -ETIME and its user_data ~0 when none came.
  abi::io_uring_cqe complete() {
    if (auto cqe = peek()) return *cqe;
    submit(1);
    if (auto cqe = peek()) return *cqe;
    return {~uint64_t{0}, -ETIME, 0};
  }

  int register_resource(unsigned opcode, const void* argument, unsigned count) {
    return abi::io_uring_register(fd, opcode, argument, count);
  }

  unsigned* cq_flags() { return word(cq_, params.cq_off.flags); }
  unsigned* sq_flags() { return word(sq_, params.sq_off.flags); }
  unsigned* sq_mask() { return word(sq_, params.sq_off.ring_mask); }
  unsigned* cq_mask() { return word(cq_, params.cq_off.ring_mask); }
  unsigned* sq_entries() { return word(sq_, params.sq_off.ring_entries); }
  unsigned* cq_entries() { return word(cq_, params.cq_off.ring_entries); }

  int fd = -1;
  abi::io_uring_params params{};

 private:
  struct Mapping {
    void* memory = nullptr;
    size_t bytes = 0;
  };

  Mapping map(size_t bytes, uint64_t offset) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (memory == MAP_FAILED) {
      std::perror("mmap of the ring");
      std::abort();
    }
    return {memory, bytes};
  }

  static unsigned* word(const Mapping& mapping, unsigned offset) {
    return reinterpret_cast<unsigned*>(static_cast<unsigned char*>(mapping.memory) + offset);
  }

  Mapping sq_, cq_, sqes_;
  unsigned tail_ = 0;
};

// The setting of most tests: a ring, or the test is skipped.
#define OPEN_RAW_RING(ring, ...)                             \
  RawRing ring{__VA_ARGS__};                                 \
  if (!ring.unavailable().empty()) SKIP(ring.unavailable()); \
  REQUIRE(ring.fd >= 0)
#define NEEDS_KERNEL(version, what) \
  if (kernel_version() < (version)) SKIP(what " is newer than this kernel")
