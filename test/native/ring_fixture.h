// A ring opened through native/ring, and the few steps that every test of it takes.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "raw_ring.h"
#include "ring/ring.h"

using ringcore::Ring;
using ringcore::RingOptions;
using ringcore::SetupError;

// What the tests' rings are restricted to.
inline constexpr uint8_t kOpcodes[] = {abi::IORING_OP_NOP, abi::IORING_OP_READ, abi::IORING_OP_POLL_ADD,
                                       abi::IORING_OP_ASYNC_CANCEL};

struct Opened {
  explicit Opened(const RingOptions& options) {
    // A user's locked memory is limited, and the kernel gives back that of a closed ring in the background.
    for (int attempt = 0; attempt < 10; attempt++) {
      error = {};
      ring = Ring::open(options, kOpcodes, &error);
      if (error.error != -ENOMEM) break;
      usleep(20'000);
    }
  }

  std::unique_ptr<Ring> ring;
  SetupError error;
};

// Why there is no ring on this system, or an empty string. What a system can't forbid or lack is not asked
// for here.
inline std::string unavailable(const Opened& opened) {
  const int error = opened.error.error;
  const bool expected =
      error == -ENOSYS || error == -EPERM || error == -EACCES || error == -ENOMEM || error == -EOPNOTSUPP;
  if (!expected) return {};
  return std::string(opened.error.step) + ": " + std::strerror(-error);
}

#define OPEN_RING(name, ...)                                                 \
  Opened opened_##name{RingOptions{__VA_ARGS__}};                            \
  if (!unavailable(opened_##name).empty()) SKIP(unavailable(opened_##name)); \
  REQUIRE(opened_##name.ring != nullptr);                                    \
  [[maybe_unused]] Ring& name = *opened_##name.ring

inline void fill_nop(Ring& ring, uint64_t user_data) {
  abi::io_uring_sqe& sqe = ring.sq.next();
  sqe.opcode = abi::IORING_OP_NOP;
  sqe.user_data = user_data;
}

// Submits what is filled, waits for `wait` completions, five seconds at most, and returns all that came.
inline std::vector<abi::io_uring_cqe> run(Ring& ring, unsigned wait) {
  std::vector<abi::io_uring_cqe> cqes;
  const abi::kernel_timespec limit{5, 0};
  do {
    const unsigned filled = ring.sq.publish();
    const int entered =
        ring.enter(filled, wait > cqes.size() && filled == 0 ? 1 : 0, abi::IORING_ENTER_GETEVENTS, &limit);
    ring.cq.drain([&](const abi::io_uring_cqe& cqe) { cqes.push_back(cqe); });
    if (entered < 0) return cqes;
  } while (ring.sq.pending() > 0 || cqes.size() < wait);
  return cqes;
}

inline int run_one(Ring& ring) {
  const auto cqes = run(ring, 1);
  return cqes.size() == 1 ? cqes[0].res : -EPROTO;
}
