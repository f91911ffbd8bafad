// One io_uring instance: set up, mapped, restricted, enabled; and torn down. It knows nothing of operations.
#pragma once

#include <memory>
#include <span>

#include "abi/io_uring_abi.h"
#include "ring/completion_queue.h"
#include "ring/probe.h"
#include "ring/submission_queue.h"

namespace ringcore {

struct RingOptions {
  unsigned entries = 256;
  unsigned cq_entries = 4096;
  unsigned sqpoll_idle_ms = 0;  // 0: no kernel thread; we submit by io_uring_enter
  bool iopoll = false;
  // io-wq threads for work that would block: on regular files (bounded) and on everything else. The kernel's
  // own limit for the second kind is RLIMIT_NPROC: tens of thousands of threads.
  unsigned bounded_workers = 32;
  unsigned unbounded_workers = 64;
  unsigned direct_descriptors = 0;
  unsigned registered_buffers = 0;
};

// Which step of the set-up failed, and with which negative errno.
struct SetupError {
  int error = 0;
  const char* step = "";
};

class Ring {
 public:
  // `opcodes`: the operations that will be used; the ring is restricted to those that the kernel has. Must be
  // called on the thread that will use the ring: with SINGLE_ISSUER the kernel refuses every other. Null on
  // failure.
  static std::unique_ptr<Ring> open(const RingOptions& options, std::span<const uint8_t> opcodes,
                                    SetupError* error);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // io_uring_enter: the count of consumed SQEs, or -errno.
  int enter(unsigned to_submit, unsigned min_complete, unsigned flags,
            const abi::kernel_timespec* timeout = nullptr);
  // io_uring_register: 0 or more, or -errno. After set-up only the calls that open() allowed; the others give
  // -EACCES.
  int register_resource(unsigned opcode, const void* argument, unsigned count);
  // Cancels what is in flight under `user_data`, or all that is: at once, where an SQE would wait behind a
  // barrier (IOSQE_IO_DRAIN). What itself waits behind one, or in a chain, isn't found, nor what the workers
  // of an SQPOLL thread have. How many were found, or -errno.
  int cancel(uint64_t user_data);
  int cancel_all();

  SubmissionQueue sq;
  CompletionQueue cq;
  Probe probe;

  int fd() const { return fd_; }
  int eventfd() const { return eventfd_; }
  unsigned direct_descriptors() const { return direct_descriptors_; }
  unsigned features() const { return features_; }
  unsigned setup_flags() const { return setup_flags_; }
  bool sqpoll() const { return setup_flags_ & abi::IORING_SETUP_SQPOLL; }
  bool iopoll() const { return setup_flags_ & abi::IORING_SETUP_IOPOLL; }

  // Task work waits to run, or completions wait in the kernel's overflow list: io_uring_enter(GETEVENTS) is
  // due.
  bool wants_enter() const {
    return sq.kernel_flags() & (abi::IORING_SQ_TASKRUN | abi::IORING_SQ_CQ_OVERFLOW);
  }
  bool sqpoll_sleeps() const { return sq.kernel_flags() & abi::IORING_SQ_NEED_WAKEUP; }

 private:
  Ring() = default;
  bool set_up(const RingOptions& options, std::span<const uint8_t> opcodes, SetupError* error);
  int create(const RingOptions& options, abi::io_uring_params* params);
  int map(const abi::io_uring_params& params);
  int restrict_to(std::span<const uint8_t> opcodes);
  int cancel_matching(uint64_t user_data, uint32_t flags);

  int fd_ = -1;
  int eventfd_ = -1;
  int registered_fd_ = -1;  // index in the task's table of registered rings: spares io_uring_enter an fdget
  unsigned direct_descriptors_ = 0;  // as many as the process may have descriptors, at most
  unsigned features_ = 0;
  unsigned setup_flags_ = 0;
  void* rings_ = nullptr;
  size_t rings_bytes_ = 0;
  void* sqes_ = nullptr;
  size_t sqes_bytes_ = 0;
};

}  // namespace ringcore
