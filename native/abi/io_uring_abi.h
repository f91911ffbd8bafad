// The io_uring ABI of Linux 6.18: what the kernel and this program agree on, written down here because system
// headers are often older than the running kernel. Names are the kernel's own. A number such as "5.19" in a
// comment is the kernel version that brought the opcode, flag or feature. What is newer than 6.1, our floor,
// is probed before use.
//
// This header holds the two entries (SQE, CQE), ring set-up and io_uring_enter. It includes the rest:
//   opcode_abi.h     opcodes and each operation's own flags
//   register_abi.h   io_uring_register: opcodes and arguments
//   argument_abi.h   structs that an SQE points to (timespec, statx, open_how, futex_waitv)
//
// Never include <linux/io_uring.h> next to it: there the same names are macros.
#pragma once

#if defined(LINUX_IO_URING_H) || defined(IORING_OFF_SQ_RING)
#error "include native/abi/io_uring_abi.h instead of <linux/io_uring.h>, not together with it"
#endif

#include <cstddef>

#include "abi/argument_abi.h"
#include "abi/kernel_types.h"
#include "abi/opcode_abi.h"
#include "abi/register_abi.h"

namespace ringcore::abi {

// ---- Submission queue entry -------------------------------------------------------------------------------

// One operation as the kernel reads it: 64 bytes. In each union the first member spans the whole union, so
// that `io_uring_sqe{}` zeroes all 64 bytes; a byte left over from an earlier operation is -EINVAL at best.
// Its anonymous structs are C's and every compiler's, though not standard C++: hence the pragma.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
struct io_uring_sqe {
  u8 opcode;   // io_uring_op
  u8 flags;    // IOSQE_*
  u16 ioprio;  // I/O priority, or flags: IORING_ACCEPT_*, IORING_RECV*, IORING_SEND*
  s32 fd;      // descriptor, or its index with IOSQE_FIXED_FILE
  union {
    u64 off;    // file offset; -1: the file's own position
    u64 addr2;  // second address: connect's length, rename's new path, statx's buffer
    struct {
      u32 cmd_op;  // URING_CMD: SOCKET_URING_OP_*
      u32 __pad1;
    };
  };
  union {
    u64 addr;           // buffer, iovec array, path, timespec, user_data to cancel
    u64 splice_off_in;  // SPLICE: offset in the source, -1: none
    struct {
      u32 level;    // URING_CMD on a socket: getsockopt/setsockopt level
      u32 optname;  // and option
    };
  };
  u32 len;  // bytes, number of iovecs, or a mode
  union {
    s32 rw_flags;          // RWF_*: kRwf… in argument_abi.h
    u32 fsync_flags;       // IORING_FSYNC_*
    u16 poll_events;       // up to 5.8
    u32 poll32_events;     // IORING_FEAT_POLL_32BITS, 5.9; halves swapped on big endian
    u32 sync_range_flags;  // SYNC_FILE_RANGE_*
    u32 msg_flags;         // MSG_*
    u32 timeout_flags;     // IORING_TIMEOUT_*
    u32 accept_flags;      // SOCK_NONBLOCK, SOCK_CLOEXEC
    u32 cancel_flags;      // IORING_ASYNC_CANCEL_*
    u32 open_flags;        // O_*
    u32 statx_flags;       // AT_*
    u32 fadvise_advice;    // POSIX_FADV_*, and MADV_* for MADVISE
    u32 splice_flags;      // SPLICE_F_*
    u32 rename_flags;      // RENAME_*
    u32 unlink_flags;      // AT_REMOVEDIR
    u32 hardlink_flags;    // AT_SYMLINK_FOLLOW
    u32 xattr_flags;       // XATTR_CREATE, XATTR_REPLACE
    u32 msg_ring_flags;    // IORING_MSG_RING_*
    u32 uring_cmd_flags;   // IORING_URING_CMD_*
    u32 waitid_flags;      // must be 0
    u32 futex_flags;       // must be 0
    u32 install_fd_flags;  // IORING_FIXED_FD_*
    u32 nop_flags;         // IORING_NOP_*
    u32 pipe_flags;        // O_CLOEXEC, O_NONBLOCK, O_DIRECT
  };
  u64 user_data;  // comes back in the CQE as it is
  union {
    u16 buf_index;  // registered buffer
    u16 buf_group;  // provided-buffer group, with IOSQE_BUFFER_SELECT
  };
  u16 personality;  // credentials registered with IORING_REGISTER_PERSONALITY
  union {
    s32 splice_fd_in;  // SPLICE, TEE: source descriptor
    u32 file_index;    // slot plus 1 or IORING_FILE_INDEX_ALLOC: direct descriptor; 0: ordinary
    u32 zcrx_ifq_idx;  // RECV_ZC
    u32 optlen;        // URING_CMD on a socket; 6.17: multishot RECV: bytes in all
    struct {
      u16 addr_len;  // SEND, SEND_ZC with an address
      u16 __pad3[1];
    };
  };
  union {
    struct {
      u64 addr3;  // xattr: path; futex: bit mask
      u64 __pad2[1];
    };
    struct {
      u64 attr_ptr;        // 6.14
      u64 attr_type_mask;  // 6.14
    };
    u64 optval;  // URING_CMD on a socket: address of the option's value
    u8 cmd[16];  // URING_CMD's own bytes (80 of them with IORING_SETUP_SQE128)
  };
};
#pragma GCC diagnostic pop

static_assert(sizeof(io_uring_sqe) == 64 && alignof(io_uring_sqe) == 8);
static_assert(offsetof(io_uring_sqe, opcode) == 0);
static_assert(offsetof(io_uring_sqe, flags) == 1);
static_assert(offsetof(io_uring_sqe, ioprio) == 2);
static_assert(offsetof(io_uring_sqe, fd) == 4);
static_assert(offsetof(io_uring_sqe, off) == 8);
static_assert(offsetof(io_uring_sqe, addr2) == 8);
static_assert(offsetof(io_uring_sqe, cmd_op) == 8);
static_assert(offsetof(io_uring_sqe, __pad1) == 12);
static_assert(offsetof(io_uring_sqe, addr) == 16);
static_assert(offsetof(io_uring_sqe, splice_off_in) == 16);
static_assert(offsetof(io_uring_sqe, level) == 16);
static_assert(offsetof(io_uring_sqe, optname) == 20);
static_assert(offsetof(io_uring_sqe, len) == 24);
static_assert(offsetof(io_uring_sqe, rw_flags) == 28);
static_assert(offsetof(io_uring_sqe, poll32_events) == 28);
static_assert(offsetof(io_uring_sqe, pipe_flags) == 28);
static_assert(offsetof(io_uring_sqe, user_data) == 32);
static_assert(offsetof(io_uring_sqe, buf_index) == 40);
static_assert(offsetof(io_uring_sqe, buf_group) == 40);
static_assert(offsetof(io_uring_sqe, personality) == 42);
static_assert(offsetof(io_uring_sqe, splice_fd_in) == 44);
static_assert(offsetof(io_uring_sqe, file_index) == 44);
static_assert(offsetof(io_uring_sqe, optlen) == 44);
static_assert(offsetof(io_uring_sqe, addr_len) == 44);
static_assert(offsetof(io_uring_sqe, addr3) == 48);
static_assert(offsetof(io_uring_sqe, attr_ptr) == 48);
static_assert(offsetof(io_uring_sqe, attr_type_mask) == 56);
static_assert(offsetof(io_uring_sqe, optval) == 48);
static_assert(offsetof(io_uring_sqe, cmd) == 48);

// io_uring_sqe::flags
inline constexpr u8 IOSQE_FIXED_FILE = 1u << 0;        // 5.1: fd is an index into the registered files
inline constexpr u8 IOSQE_IO_DRAIN = 1u << 1;          // 5.2: starts when everything before it has completed
inline constexpr u8 IOSQE_IO_LINK = 1u << 2;           // 5.3: the next SQE waits; a failure cancels it
inline constexpr u8 IOSQE_IO_HARDLINK = 1u << 3;       // 5.5: the next SQE waits and runs whatever the result
inline constexpr u8 IOSQE_ASYNC = 1u << 4;             // 5.6: to a worker at once, without an attempt inline
inline constexpr u8 IOSQE_BUFFER_SELECT = 1u << 5;     // 5.7: the kernel picks a buffer of buf_group
inline constexpr u8 IOSQE_CQE_SKIP_SUCCESS = 1u << 6;  // 5.17: no CQE on success

// ---- Completion queue entry -------------------------------------------------------------------------------

struct io_uring_cqe {
  u64 user_data;  // the SQE's
  s32 res;        // result, or -errno
  u32 flags;      // IORING_CQE_F_*; with F_BUFFER the buffer's id in the upper 16 bits
  // (16 bytes more with IORING_SETUP_CQE32, which we do not use)
};

static_assert(sizeof(io_uring_cqe) == 16 && alignof(io_uring_cqe) == 8);
static_assert(offsetof(io_uring_cqe, user_data) == 0);
static_assert(offsetof(io_uring_cqe, res) == 8);
static_assert(offsetof(io_uring_cqe, flags) == 12);

inline constexpr u32 IORING_CQE_F_BUFFER = 1u << 0;         // 5.7: a provided buffer was used
inline constexpr u32 IORING_CQE_F_MORE = 1u << 1;           // 5.13: the SQE will post further CQEs
inline constexpr u32 IORING_CQE_F_SOCK_NONEMPTY = 1u << 2;  // 5.19: recv left data in the socket
inline constexpr u32 IORING_CQE_F_NOTIF = 1u << 3;          // 6.0: the kernel is done with a SEND_ZC's memory
inline constexpr u32 IORING_CQE_F_BUF_MORE = 1u << 4;       // 6.12: the same buffer will be filled further
inline constexpr u32 IORING_CQE_F_SKIP = 1u << 5;           // 6.18: filler before a mixed CQ wraps; ignore
inline constexpr u32 IORING_CQE_F_32 = 1u << 15;            // 6.18: a 32-byte CQE in a mixed CQ
inline constexpr unsigned IORING_CQE_BUFFER_SHIFT = 16;     // 5.7

// ---- Set-up -----------------------------------------------------------------------------------------------

// Byte offsets within the mapping at IORING_OFF_SQ_RING.
struct io_sqring_offsets {
  u32 head;       // the kernel's: next entry it will take
  u32 tail;       // ours: one past the last entry we filled
  u32 ring_mask;  // entries - 1
  u32 ring_entries;
  u32 flags;    // IORING_SQ_*
  u32 dropped;  // SQEs thrown away for a bad index in `array`
  u32 array;    // SQE indices; absent with IORING_SETUP_NO_SQARRAY
  u32 resv1;
  u64 user_addr;  // IORING_SETUP_NO_MMAP: memory for the SQEs, 6.5
};

static_assert(sizeof(io_sqring_offsets) == 40);
static_assert(offsetof(io_sqring_offsets, head) == 0);
static_assert(offsetof(io_sqring_offsets, tail) == 4);
static_assert(offsetof(io_sqring_offsets, ring_mask) == 8);
static_assert(offsetof(io_sqring_offsets, ring_entries) == 12);
static_assert(offsetof(io_sqring_offsets, flags) == 16);
static_assert(offsetof(io_sqring_offsets, dropped) == 20);
static_assert(offsetof(io_sqring_offsets, array) == 24);
static_assert(offsetof(io_sqring_offsets, user_addr) == 32);

// Byte offsets within the mapping at IORING_OFF_CQ_RING (the same mapping with IORING_FEAT_SINGLE_MMAP).
struct io_cqring_offsets {
  u32 head;  // ours: next entry we will read
  u32 tail;  // the kernel's: one past the last entry it posted
  u32 ring_mask;
  u32 ring_entries;
  u32 overflow;  // CQEs lost for want of memory
  u32 cqes;
  u32 flags;  // IORING_CQ_*, 5.8
  u32 resv1;
  u64 user_addr;  // IORING_SETUP_NO_MMAP: memory for the rings, 6.5
};

static_assert(sizeof(io_cqring_offsets) == 40);
static_assert(offsetof(io_cqring_offsets, head) == 0);
static_assert(offsetof(io_cqring_offsets, tail) == 4);
static_assert(offsetof(io_cqring_offsets, ring_mask) == 8);
static_assert(offsetof(io_cqring_offsets, ring_entries) == 12);
static_assert(offsetof(io_cqring_offsets, overflow) == 16);
static_assert(offsetof(io_cqring_offsets, cqes) == 20);
static_assert(offsetof(io_cqring_offsets, flags) == 24);
static_assert(offsetof(io_cqring_offsets, user_addr) == 32);

struct io_uring_params {
  u32 sq_entries;      // out: a power of two
  u32 cq_entries;      // in with IORING_SETUP_CQSIZE; out: a power of two
  u32 flags;           // IORING_SETUP_*
  u32 sq_thread_cpu;   // with IORING_SETUP_SQ_AFF
  u32 sq_thread_idle;  // milliseconds, with IORING_SETUP_SQPOLL
  u32 features;        // out: IORING_FEAT_*
  u32 wq_fd;           // with IORING_SETUP_ATTACH_WQ
  u32 resv[3];
  io_sqring_offsets sq_off;  // out
  io_cqring_offsets cq_off;  // out
};

static_assert(sizeof(io_uring_params) == 120);
static_assert(offsetof(io_uring_params, sq_entries) == 0);
static_assert(offsetof(io_uring_params, cq_entries) == 4);
static_assert(offsetof(io_uring_params, flags) == 8);
static_assert(offsetof(io_uring_params, sq_thread_idle) == 16);
static_assert(offsetof(io_uring_params, features) == 20);
static_assert(offsetof(io_uring_params, wq_fd) == 24);
static_assert(offsetof(io_uring_params, sq_off) == 40);
static_assert(offsetof(io_uring_params, cq_off) == 80);

// io_uring_params::flags
inline constexpr u32 IORING_SETUP_IOPOLL = 1u << 0;               // 5.1: busy-wait for O_DIRECT completions
inline constexpr u32 IORING_SETUP_SQPOLL = 1u << 1;               // 5.1: a kernel thread takes SQEs
inline constexpr u32 IORING_SETUP_SQ_AFF = 1u << 2;               // 5.1: that thread runs on sq_thread_cpu
inline constexpr u32 IORING_SETUP_CQSIZE = 1u << 3;               // 5.5: cq_entries is given
inline constexpr u32 IORING_SETUP_CLAMP = 1u << 4;                // 5.6: sizes too large are clamped
inline constexpr u32 IORING_SETUP_ATTACH_WQ = 1u << 5;            // 5.6: share wq_fd's workers
inline constexpr u32 IORING_SETUP_R_DISABLED = 1u << 6;           // 5.10: starts disabled
inline constexpr u32 IORING_SETUP_SUBMIT_ALL = 1u << 7;           // 5.18: a refused SQE ends no batch
inline constexpr u32 IORING_SETUP_COOP_TASKRUN = 1u << 8;         // 5.19: no interrupt to run task work
inline constexpr u32 IORING_SETUP_TASKRUN_FLAG = 1u << 9;         // 5.19: IORING_SQ_TASKRUN tells of it
inline constexpr u32 IORING_SETUP_SQE128 = 1u << 10;              // 5.19: 128-byte SQEs
inline constexpr u32 IORING_SETUP_CQE32 = 1u << 11;               // 5.19: 32-byte CQEs
inline constexpr u32 IORING_SETUP_SINGLE_ISSUER = 1u << 12;       // 6.0: one thread submits
inline constexpr u32 IORING_SETUP_DEFER_TASKRUN = 1u << 13;       // 6.1: task work only in enter(GETEVENTS)
inline constexpr u32 IORING_SETUP_NO_MMAP = 1u << 14;             // 6.5: memory is ours
inline constexpr u32 IORING_SETUP_REGISTERED_FD_ONLY = 1u << 15;  // 6.5: a registered index in place of an fd
inline constexpr u32 IORING_SETUP_NO_SQARRAY = 1u << 16;          // 6.6: SQEs in order, no index array
inline constexpr u32 IORING_SETUP_HYBRID_IOPOLL = 1u << 17;       // 6.13: IOPOLL that sleeps first
inline constexpr u32 IORING_SETUP_CQE_MIXED = 1u << 18;           // 6.18: CQEs of both sizes

// io_uring_params::features
inline constexpr u32 IORING_FEAT_SINGLE_MMAP = 1u << 0;       // 5.4: one mapping holds both rings
inline constexpr u32 IORING_FEAT_NODROP = 1u << 1;            // 5.5: CQ overflow is kept, not dropped
inline constexpr u32 IORING_FEAT_SUBMIT_STABLE = 1u << 2;     // 5.5: SQE's arguments are read by submission
inline constexpr u32 IORING_FEAT_RW_CUR_POS = 1u << 3;        // 5.6: offset -1
inline constexpr u32 IORING_FEAT_CUR_PERSONALITY = 1u << 4;   // 5.6: credentials of who submits
inline constexpr u32 IORING_FEAT_FAST_POLL = 1u << 5;         // 5.7: sockets and pipes are polled, no worker
inline constexpr u32 IORING_FEAT_POLL_32BITS = 1u << 6;       // 5.9: poll32_events
inline constexpr u32 IORING_FEAT_SQPOLL_NONFIXED = 1u << 7;   // 5.11: SQPOLL with ordinary descriptors
inline constexpr u32 IORING_FEAT_EXT_ARG = 1u << 8;           // 5.11: io_uring_getevents_arg
inline constexpr u32 IORING_FEAT_NATIVE_WORKERS = 1u << 9;    // 5.12: workers are threads of the process
inline constexpr u32 IORING_FEAT_RSRC_TAGS = 1u << 10;        // 5.13: tags on registered resources
inline constexpr u32 IORING_FEAT_CQE_SKIP = 1u << 11;         // 5.17: IOSQE_CQE_SKIP_SUCCESS
inline constexpr u32 IORING_FEAT_LINKED_FILE = 1u << 12;      // 5.17: a link's file is looked up when it runs
inline constexpr u32 IORING_FEAT_REG_REG_RING = 1u << 13;     // 6.3: register through a registered ring fd
inline constexpr u32 IORING_FEAT_RECVSEND_BUNDLE = 1u << 14;  // 6.10
inline constexpr u32 IORING_FEAT_MIN_TIMEOUT = 1u << 15;      // 6.12: min_wait_usec
inline constexpr u32 IORING_FEAT_RW_ATTR = 1u << 16;          // 6.14: attr_ptr
inline constexpr u32 IORING_FEAT_NO_IOWAIT = 1u << 17;        // 6.15: IORING_ENTER_NO_IOWAIT

// io_sqring_offsets::flags, written by the kernel
inline constexpr u32 IORING_SQ_NEED_WAKEUP = 1u << 0;  // 5.1: the SQPOLL thread sleeps; enter(SQ_WAKEUP)
inline constexpr u32 IORING_SQ_CQ_OVERFLOW = 1u << 1;  // 5.8: CQEs wait in the kernel; enter(GETEVENTS)
inline constexpr u32 IORING_SQ_TASKRUN = 1u << 2;      // 5.19: task work waits; enter(GETEVENTS)

// io_cqring_offsets::flags, written by us
inline constexpr u32 IORING_CQ_EVENTFD_DISABLED = 1u << 0;  // 5.8: a CQE does not signal the eventfd

// mmap offsets
inline constexpr u64 IORING_OFF_SQ_RING = 0;
inline constexpr u64 IORING_OFF_CQ_RING = 0x0800'0000;
inline constexpr u64 IORING_OFF_SQES = 0x1000'0000;
inline constexpr u64 IORING_OFF_PBUF_RING = 0x8000'0000;  // 6.4: | group << IORING_OFF_PBUF_SHIFT
inline constexpr unsigned IORING_OFF_PBUF_SHIFT = 16;
inline constexpr u64 IORING_OFF_MMAP_MASK = 0xf800'0000;

// ---- io_uring_enter ---------------------------------------------------------------------------------------

inline constexpr u32 IORING_ENTER_GETEVENTS = 1u << 0;        // 5.1: run task work, wait for min_complete
inline constexpr u32 IORING_ENTER_SQ_WAKEUP = 1u << 1;        // 5.1
inline constexpr u32 IORING_ENTER_SQ_WAIT = 1u << 2;          // 5.10: wait for room in the SQ (SQPOLL)
inline constexpr u32 IORING_ENTER_EXT_ARG = 1u << 3;          // 5.11: arg is an io_uring_getevents_arg
inline constexpr u32 IORING_ENTER_REGISTERED_RING = 1u << 4;  // 5.18: fd is a registered ring's index
inline constexpr u32 IORING_ENTER_ABS_TIMER = 1u << 5;        // 6.12: ts is absolute
inline constexpr u32 IORING_ENTER_EXT_ARG_REG = 1u << 6;      // 6.13: arg is an offset in a wait region
inline constexpr u32 IORING_ENTER_NO_IOWAIT = 1u << 7;        // 6.15: not counted as waiting for I/O

struct io_uring_getevents_arg {
  u64 sigmask;  // address of the kernel's sigset, or 0
  u32 sigmask_sz;
  u32 min_wait_usec;  // 6.12; a reserved word before
  u64 ts;             // address of a kernel_timespec, or 0
};

static_assert(sizeof(io_uring_getevents_arg) == 24);
static_assert(offsetof(io_uring_getevents_arg, sigmask_sz) == 8);
static_assert(offsetof(io_uring_getevents_arg, min_wait_usec) == 12);
static_assert(offsetof(io_uring_getevents_arg, ts) == 16);

}  // namespace ringcore::abi
