// Time, cancellation, readiness, processes, other threads.
#pragma once

#include <sys/epoll.h>

#include "op/op.h"
#include "op/op_table.h"

namespace ringcore {

struct Nop {
  static constexpr const char* kName = "nop";
  static constexpr uint8_t kOpcode = abi::IORING_OP_NOP;

  template <class Args>
  static Nop from(Args&) {
    return {};
  }
  void fill(io_uring_sqe& sqe) const { sqe.fd = -1; }
};

// Completes with -ETIME when the time is over, or with 0 when `count` other operations completed before.
struct Timeout {
  static constexpr const char* kName = "timeout";
  static constexpr uint8_t kOpcode = abi::IORING_OP_TIMEOUT;
  abi::kernel_timespec* time;
  uint32_t count;
  uint32_t flags;

  template <class Args>
  static Timeout from(Args& args) {
    return {args.store(timespec_of(args.f64())), args.u32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = -1;
    sqe.addr = address_of(time);
    sqe.len = 1;
    sqe.off = count;
    sqe.timeout_flags = flags;
  }
};

// 6.4: fires again and again; 0 repeats means for ever.
struct TimeoutMultishot {
  static constexpr const char* kName = "timeoutMultishot";
  static constexpr uint8_t kOpcode = abi::IORING_OP_TIMEOUT;
  abi::kernel_timespec* time;
  uint32_t repeats;

  template <class Args>
  static TimeoutMultishot from(Args& args) {
    return {args.store(timespec_of(args.f64())), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const { Timeout{time, repeats, abi::IORING_TIMEOUT_MULTISHOT}.fill(sqe); }
};

// Gives a timeout in flight a new time.
struct TimeoutUpdate {
  static constexpr const char* kName = "timeoutUpdate";
  static constexpr uint8_t kOpcode = abi::IORING_OP_TIMEOUT_REMOVE;
  uint64_t target;
  abi::kernel_timespec* time;
  uint32_t flags;

  template <class Args>
  static TimeoutUpdate from(Args& args) {
    return {args.operation(), args.store(timespec_of(args.f64())), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = -1;
    sqe.addr = target;
    sqe.addr2 = address_of(time);
    sqe.timeout_flags = flags | abi::IORING_TIMEOUT_UPDATE;
  }
};

struct TimeoutRemove {
  static constexpr const char* kName = "timeoutRemove";
  static constexpr uint8_t kOpcode = abi::IORING_OP_TIMEOUT_REMOVE;
  uint64_t target;

  template <class Args>
  static TimeoutRemove from(Args& args) {
    return {args.operation()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = -1;
    sqe.addr = target;
  }
};

// Bounds the operation linked before it: that one is cancelled when the time is over. Made by the executor,
// behind an operation that has a timeout, and never on its own.
struct LinkTimeout {
  static constexpr const char* kName = "linkTimeout";
  static constexpr uint8_t kOpcode = abi::IORING_OP_LINK_TIMEOUT;
  abi::kernel_timespec* time;

  void fill(io_uring_sqe& sqe) const {
    sqe.fd = -1;
    sqe.addr = address_of(time);
    sqe.len = 1;
  }
};

// Cancels one operation: 0, -ENOENT when it's done already, -EALREADY when it runs and can't be stopped.
struct CancelOperation {
  static constexpr const char* kName = "cancelOperation";
  static constexpr uint8_t kOpcode = abi::IORING_OP_ASYNC_CANCEL;
  uint64_t target;

  template <class Args>
  static CancelOperation from(Args& args) {
    return {args.operation()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = -1;
    sqe.addr = target;
  }
};

// 5.19: cancels one or all operations on a descriptor; with ALL the result is their number.
struct CancelDescriptor {
  static constexpr const char* kName = "cancelDescriptor";
  static constexpr uint8_t kOpcode = abi::IORING_OP_ASYNC_CANCEL;
  int32_t fd;
  bool all;
  bool direct;

  template <class Args>
  static CancelDescriptor from(Args& args) {
    return {args.i32(), args.boolean(), args.boolean()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.cancel_flags = abi::IORING_ASYNC_CANCEL_FD | (all ? abi::IORING_ASYNC_CANCEL_ALL : 0) |
                       (direct ? abi::IORING_ASYNC_CANCEL_FD_FIXED : 0);
  }
};

// 5.19: cancels everything on this ring; the result is the number of operations found.
struct CancelAll {
  static constexpr const char* kName = "cancelAll";
  static constexpr uint8_t kOpcode = abi::IORING_OP_ASYNC_CANCEL;

  template <class Args>
  static CancelAll from(Args&) {
    return {};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = -1;
    sqe.cancel_flags = abi::IORING_ASYNC_CANCEL_ANY | abi::IORING_ASYNC_CANCEL_ALL;
  }
};

// poll(2) for one descriptor; multishot (5.13) completes at every event.
template <bool Multishot>
struct PollAdd {
  static constexpr const char* kName = Multishot ? "pollMultishot" : "poll";
  static constexpr uint8_t kOpcode = abi::IORING_OP_POLL_ADD;
  int32_t fd;
  uint32_t events;

  template <class Args>
  static PollAdd from(Args& args) {
    return {args.i32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.poll32_events = events;
    sqe.len = Multishot ? abi::IORING_POLL_ADD_MULTI : 0;
  }
};
using Poll = PollAdd<false>;
using PollMultishot = PollAdd<true>;

// 5.18: posts a completion to another ring, maybe of another thread: `result` and a value of 32 bits.
struct MsgRing {
  static constexpr const char* kName = "msgRing";
  static constexpr uint8_t kOpcode = abi::IORING_OP_MSG_RING;
  int32_t ring_fd;
  uint32_t value;
  uint32_t result;

  template <class Args>
  static MsgRing from(Args& args) {
    return {args.i32(), args.u32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = ring_fd;
    sqe.addr = abi::IORING_MSG_DATA;
    sqe.len = result;
    // The receiver's table must not take it for a completion of its own.
    sqe.off = value | static_cast<uint64_t>(CqeTag::kMessage) << 56;
  }
};

// 6.7: waitid(2); the siginfo is written to the caller's memory.
struct Waitid {
  static constexpr const char* kName = "waitid";
  static constexpr uint8_t kOpcode = abi::IORING_OP_WAITID;
  uint32_t id_type;
  uint32_t id;
  Bytes out;  // 128 bytes
  uint32_t options;

  template <class Args>
  static Waitid from(Args& args) {
    return {args.u32(), args.u32(), args.view(128), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = static_cast<int32_t>(id);
    sqe.len = id_type;
    sqe.file_index = options;  // waitid's options stand here, its flags (none yet) in waitid_flags
    sqe.addr2 = address_of(out.data);
  }
};

// 6.7: futex_wait(2) on a word of shared memory.
struct FutexWait {
  static constexpr const char* kName = "futexWait";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FUTEX_WAIT;
  Bytes word;
  uint32_t expected;

  template <class Args>
  static FutexWait from(Args& args) {
    return {args.word(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = kFutexFlags;
    sqe.addr = address_of(word.data);
    sqe.addr2 = expected;
    sqe.addr3 = ~0U;  // any waker's bit set
  }
  static constexpr int32_t kFutexFlags = 0x02 /* FUTEX2_SIZE_U32 */ | 128 /* FUTEX2_PRIVATE */;
};

// 6.7: futex_wake(2): the result is the number woken.
struct FutexWake {
  static constexpr const char* kName = "futexWake";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FUTEX_WAKE;
  Bytes word;
  uint32_t count;

  template <class Args>
  static FutexWake from(Args& args) {
    return {args.word(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = FutexWait::kFutexFlags;
    sqe.addr = address_of(word.data);
    sqe.addr2 = count;
    sqe.addr3 = ~0U;
  }
};

// epoll_ctl(2).
struct EpollCtl {
  static constexpr const char* kName = "epollCtl";
  static constexpr uint8_t kOpcode = abi::IORING_OP_EPOLL_CTL;
  int32_t epoll_fd;
  uint32_t action;
  int32_t fd;
  epoll_event* event;

  template <class Args>
  static EpollCtl from(Args& args) {
    const int32_t epoll_fd = args.i32();
    const uint32_t action = args.u32();
    const int32_t fd = args.i32();
    const uint32_t events = args.u32();
    epoll_event event{};
    event.events = events;
    event.data.u64 = args.u64();
    return {epoll_fd, action, fd, args.store(event)};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = epoll_fd;
    sqe.len = action;
    sqe.off = static_cast<uint64_t>(fd);
    sqe.addr = address_of(event);
  }
};

}  // namespace ringcore
