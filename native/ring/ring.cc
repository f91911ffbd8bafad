#include "ring/ring.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "abi/syscalls.h"

namespace ringcore {
namespace {

// Flags newer than the floor (6.1), newest first: dropped one by one until the kernel takes the set.
constexpr unsigned kOptionalFlags[] = {abi::IORING_SETUP_NO_SQARRAY /* 6.6 */};

unsigned wanted_flags(const RingOptions& options) {
  unsigned flags = abi::IORING_SETUP_CQSIZE | abi::IORING_SETUP_CLAMP | abi::IORING_SETUP_SUBMIT_ALL |
                   abi::IORING_SETUP_R_DISABLED | abi::IORING_SETUP_SINGLE_ISSUER |
                   abi::IORING_SETUP_NO_SQARRAY;
  if (options.sqpoll_idle_ms > 0) {
    flags |= abi::IORING_SETUP_SQPOLL;  // DEFER_TASKRUN and TASKRUN_FLAG make no sense with it: EINVAL
  } else {
    flags |= abi::IORING_SETUP_DEFER_TASKRUN | abi::IORING_SETUP_TASKRUN_FLAG;
  }
  if (options.iopoll) flags |= abi::IORING_SETUP_IOPOLL;
  return flags;
}

void* map_shared(int fd, size_t bytes, off_t offset) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
  // A forked child must not share the queues.
  if (memory != MAP_FAILED) madvise(memory, bytes, MADV_DONTFORK);
  return memory;
}

}  // namespace

std::unique_ptr<Ring> Ring::open(const RingOptions& options, std::span<const uint8_t> opcodes,
                                 SetupError* error) {
  std::unique_ptr<Ring> ring(new Ring());
  if (!ring->set_up(options, opcodes, error)) return nullptr;
  return ring;
}

bool Ring::set_up(const RingOptions& options, std::span<const uint8_t> opcodes, SetupError* error) {
  const auto failed = [&](const char* step, int result) {
    if (result >= 0) return false;
    *error = {result, step};
    return true;
  };

  abi::io_uring_params params{};
  fd_ = create(options, &params);
  if (failed("io_uring_setup", fd_)) return false;
  features_ = params.features;
  setup_flags_ = params.flags;
  if (failed("mmap", map(params))) return false;
  if (failed("IORING_REGISTER_PROBE", probe.ask(fd_))) return false;

  eventfd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (eventfd_ < 0) return !failed("eventfd", -errno);
  if (failed("IORING_REGISTER_EVENTFD", register_resource(abi::IORING_REGISTER_EVENTFD, &eventfd_, 1)))
    return false;

  unsigned workers[2] = {options.bounded_workers, options.unbounded_workers};
  if (failed("IORING_REGISTER_IOWQ_MAX_WORKERS",
             register_resource(abi::IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2))) {
    return false;
  }
  abi::io_uring_rsrc_register sparse{};
  sparse.flags = abi::IORING_RSRC_REGISTER_SPARSE;
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  direct_descriptors_ =
      static_cast<unsigned>(std::min<rlim_t>(options.direct_descriptors, descriptors.rlim_cur));
  if ((sparse.nr = direct_descriptors_) > 0 &&
      failed("IORING_REGISTER_FILES2",
             register_resource(abi::IORING_REGISTER_FILES2, &sparse, sizeof(sparse)))) {
    return false;
  }
  if ((sparse.nr = options.registered_buffers) > 0 &&
      failed("IORING_REGISTER_BUFFERS2",
             register_resource(abi::IORING_REGISTER_BUFFERS2, &sparse, sizeof(sparse)))) {
    return false;
  }
  if (!sqpoll()) {
    abi::io_uring_rsrc_update self{};
    self.offset = ~0U;  // any free index
    self.data = static_cast<uint64_t>(fd_);
    // Saves a little on each enter; a task may register 16 rings at most, so a failure is no reason to give
    // up.
    if (register_resource(abi::IORING_REGISTER_RING_FDS, &self, 1) == 1)
      registered_fd_ = static_cast<int>(self.offset);
  }
  if (failed("IORING_REGISTER_RESTRICTIONS", restrict_to(opcodes))) return false;
  // The thread that enables the ring becomes its single issuer.
  if (failed("IORING_REGISTER_ENABLE_RINGS",
             register_resource(abi::IORING_REGISTER_ENABLE_RINGS, nullptr, 0))) {
    return false;
  }
  // A seccomp profile may allow one of the three system calls and not another.
  return !failed("io_uring_enter", enter(0, 0, abi::IORING_ENTER_GETEVENTS));
}

int Ring::create(const RingOptions& options, abi::io_uring_params* params) {
  // Without CAP_IPC_LOCK a ring is charged to RLIMIT_MEMLOCK, and the kernel gives back what closed rings
  // took a little later: programs that come and go with their workers can see ENOMEM in passing.
  constexpr int kMemoryAttempts = 5;
  constexpr useconds_t kMemoryWaitMicroseconds = 5000;
  int memory_attempts = 0;
  unsigned flags = wanted_flags(options);
  for (size_t dropped = 0;;) {
    *params = {};
    params->flags = flags;
    params->cq_entries = std::max(options.cq_entries, options.entries);  // fewer are refused
    params->sq_thread_idle = options.sqpoll_idle_ms;
    // Two at least: an operation and its link timeout are submitted in one piece.
    const int result = abi::io_uring_setup(options.entries == 1 ? 2 : options.entries, params);
    if (result == -ENOMEM && ++memory_attempts < kMemoryAttempts) {
      usleep(kMemoryWaitMicroseconds);
    } else if (result == -EINVAL && dropped < std::size(kOptionalFlags)) {
      flags &= ~kOptionalFlags[dropped++];
    } else {
      return result;
    }
  }
}

int Ring::map(const abi::io_uring_params& params) {
  if (!(params.features & abi::IORING_FEAT_SINGLE_MMAP)) return -EOPNOTSUPP;  // 5.4, far below the floor
  const size_t sq_bytes = params.flags & abi::IORING_SETUP_NO_SQARRAY
                              ? 0
                              : params.sq_off.array + params.sq_entries * sizeof(unsigned);
  const size_t cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(abi::io_uring_cqe);
  rings_bytes_ = std::max(sq_bytes, cq_bytes);
  rings_ = map_shared(fd_, rings_bytes_, abi::IORING_OFF_SQ_RING);
  if (rings_ == MAP_FAILED) {
    rings_ = nullptr;
    return -errno;
  }
  sqes_bytes_ = params.sq_entries * sizeof(abi::io_uring_sqe);
  sqes_ = map_shared(fd_, sqes_bytes_, abi::IORING_OFF_SQES);
  if (sqes_ == MAP_FAILED) {
    sqes_ = nullptr;
    return -errno;
  }
  sq = SubmissionQueue(rings_, params, static_cast<abi::io_uring_sqe*>(sqes_));
  cq = CompletionQueue(rings_, params);
  return 0;
}

int Ring::restrict_to(std::span<const uint8_t> opcodes) {
  std::vector<abi::io_uring_restriction> rules;
  const auto allow = [&](uint16_t rule, uint8_t what) {
    abi::io_uring_restriction entry{};
    entry.opcode = rule;
    entry.sqe_op = what;  // register_op and sqe_flags share its place
    rules.push_back(entry);
  };
  std::vector<uint8_t> unique(opcodes.begin(), opcodes.end());
  std::sort(unique.begin(), unique.end());
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  for (const uint8_t opcode : unique) {
    if (probe.has(opcode)) allow(abi::IORING_RESTRICTION_SQE_OP, opcode);
  }
  allow(abi::IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
        abi::IOSQE_FIXED_FILE | abi::IOSQE_IO_DRAIN | abi::IOSQE_IO_LINK | abi::IOSQE_IO_HARDLINK |
            abi::IOSQE_ASYNC | abi::IOSQE_BUFFER_SELECT | abi::IOSQE_CQE_SKIP_SUCCESS);
  // What is still registered while the ring works.
  for (const uint8_t call :
       {abi::IORING_REGISTER_PBUF_RING, abi::IORING_UNREGISTER_PBUF_RING, abi::IORING_REGISTER_BUFFERS_UPDATE,
        abi::IORING_UNREGISTER_RING_FDS, abi::IORING_REGISTER_SYNC_CANCEL}) {
    allow(abi::IORING_RESTRICTION_REGISTER_OP, call);
  }
  return register_resource(abi::IORING_REGISTER_RESTRICTIONS, rules.data(),
                           static_cast<unsigned>(rules.size()));
}

int Ring::enter(unsigned to_submit, unsigned min_complete, unsigned flags,
                const abi::kernel_timespec* timeout) {
  int fd = fd_;
  if (registered_fd_ >= 0) {
    fd = registered_fd_;
    flags |= abi::IORING_ENTER_REGISTERED_RING;
  }
  if (timeout == nullptr) return abi::io_uring_enter(fd, to_submit, min_complete, flags, nullptr, 0);
  abi::io_uring_getevents_arg argument{};
  argument.ts = reinterpret_cast<uint64_t>(timeout);
  return abi::io_uring_enter(fd, to_submit, min_complete, flags | abi::IORING_ENTER_EXT_ARG, &argument,
                             sizeof(argument));
}

int Ring::register_resource(unsigned opcode, const void* argument, unsigned count) {
  return abi::io_uring_register(fd_, opcode, argument, count);
}

int Ring::cancel(uint64_t user_data) { return cancel_matching(user_data, 0); }

int Ring::cancel_all() { return cancel_matching(0, abi::IORING_ASYNC_CANCEL_ANY); }

int Ring::cancel_matching(uint64_t user_data, uint32_t flags) {
  abi::io_uring_sync_cancel_reg request{};
  request.addr = user_data;
  // ALL: it counts what it finds, and waits for nothing.
  request.flags = flags | abi::IORING_ASYNC_CANCEL_ALL;
  return register_resource(abi::IORING_REGISTER_SYNC_CANCEL, &request, 1);
}

Ring::~Ring() {
  if (registered_fd_ >= 0) {
    // The task's table holds a reference: without this the ring would live on until the thread ends.
    abi::io_uring_rsrc_update self{};
    self.offset = static_cast<unsigned>(registered_fd_);
    register_resource(abi::IORING_UNREGISTER_RING_FDS, &self, 1);
  }
  if (sqes_ != nullptr) munmap(sqes_, sqes_bytes_);
  if (rings_ != nullptr) munmap(rings_, rings_bytes_);
  if (fd_ >= 0) close(fd_);
  if (eventfd_ >= 0) close(eventfd_);
}

}  // namespace ringcore
