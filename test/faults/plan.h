// What the fault layer is told, and what it tells: a file of 32-bit words that the test maps or writes, named
// by RINGCORE_FAULTS. plan.ts is the other side of it.
#pragma once

#include <cstdint>

struct FaultPlan {
  static constexpr uint32_t kForeign = 0x10000;

  uint32_t enabled;
  uint32_t seed;
  uint32_t epoch;  // a new one: begin again with this seed
  // How many of a thousand.
  uint32_t fail;       // operations that complete with an errno, and are not done
  uint32_t shorten;    // transfers of which only a part is asked for
  uint32_t worker;     // operations that go to a kernel worker
  uint32_t delay;      // calls of io_uring_enter behind which completions are held back
  uint32_t reorder;    // neighbours in the completion queue that are swapped
  uint32_t duplicate;  // last completions that come a second time
  uint32_t enter;      // calls of io_uring_enter that fail: EINTR, EAGAIN, EBUSY
  // The n-th operation of a kind: opcode + 1, how many of it to let pass, the errno; or kForeign plus the
  // opcode that it becomes.
  uint32_t once_opcode;
  uint32_t once_after;
  uint32_t once_errno;
  uint32_t once_and_after;  // not 0: all that follow it, too
  // Of a ring that is being opened: 1 io_uring_setup, 1 + n the n-th io_uring_register; 100 io_uring_enter.
  // The errno.
  uint32_t setup_call;
  uint32_t setup_errno;
  // What was done.
  uint32_t failed;
  uint32_t shortened;
  uint32_t to_worker;
  uint32_t delayed;
  uint32_t reordered;
  uint32_t duplicated;
  uint32_t refused;
  uint32_t unused_counters[9];
  uint32_t spared[64];  // by opcode: not to be failed
  uint32_t seen[64];    // by opcode: how many were submitted
};

static_assert(sizeof(FaultPlan) == 160 * 4);
