// Opcodes and each operation's own flags. Part of io_uring_abi.h, which says what the version numbers mean.
#pragma once

#include "abi/kernel_types.h"

namespace ringcore::abi {

enum io_uring_op : u8 {
  IORING_OP_NOP = 0,                // 5.1
  IORING_OP_READV = 1,              // 5.1
  IORING_OP_WRITEV = 2,             // 5.1
  IORING_OP_FSYNC = 3,              // 5.1
  IORING_OP_READ_FIXED = 4,         // 5.1
  IORING_OP_WRITE_FIXED = 5,        // 5.1
  IORING_OP_POLL_ADD = 6,           // 5.1
  IORING_OP_POLL_REMOVE = 7,        // 5.1
  IORING_OP_SYNC_FILE_RANGE = 8,    // 5.2
  IORING_OP_SENDMSG = 9,            // 5.3
  IORING_OP_RECVMSG = 10,           // 5.3
  IORING_OP_TIMEOUT = 11,           // 5.4
  IORING_OP_TIMEOUT_REMOVE = 12,    // 5.5
  IORING_OP_ACCEPT = 13,            // 5.5
  IORING_OP_ASYNC_CANCEL = 14,      // 5.5
  IORING_OP_LINK_TIMEOUT = 15,      // 5.5
  IORING_OP_CONNECT = 16,           // 5.5
  IORING_OP_FALLOCATE = 17,         // 5.6
  IORING_OP_OPENAT = 18,            // 5.6
  IORING_OP_CLOSE = 19,             // 5.6
  IORING_OP_FILES_UPDATE = 20,      // 5.6
  IORING_OP_STATX = 21,             // 5.6
  IORING_OP_READ = 22,              // 5.6
  IORING_OP_WRITE = 23,             // 5.6
  IORING_OP_FADVISE = 24,           // 5.6
  IORING_OP_MADVISE = 25,           // 5.6
  IORING_OP_SEND = 26,              // 5.6
  IORING_OP_RECV = 27,              // 5.6
  IORING_OP_OPENAT2 = 28,           // 5.6
  IORING_OP_EPOLL_CTL = 29,         // 5.6
  IORING_OP_SPLICE = 30,            // 5.7
  IORING_OP_PROVIDE_BUFFERS = 31,   // 5.7
  IORING_OP_REMOVE_BUFFERS = 32,    // 5.7
  IORING_OP_TEE = 33,               // 5.8
  IORING_OP_SHUTDOWN = 34,          // 5.11
  IORING_OP_RENAMEAT = 35,          // 5.11
  IORING_OP_UNLINKAT = 36,          // 5.11
  IORING_OP_MKDIRAT = 37,           // 5.15
  IORING_OP_SYMLINKAT = 38,         // 5.15
  IORING_OP_LINKAT = 39,            // 5.15
  IORING_OP_MSG_RING = 40,          // 5.18
  IORING_OP_FSETXATTR = 41,         // 5.19
  IORING_OP_SETXATTR = 42,          // 5.19
  IORING_OP_FGETXATTR = 43,         // 5.19
  IORING_OP_GETXATTR = 44,          // 5.19
  IORING_OP_SOCKET = 45,            // 5.19
  IORING_OP_URING_CMD = 46,         // 5.19
  IORING_OP_SEND_ZC = 47,           // 6.0
  IORING_OP_SENDMSG_ZC = 48,        // 6.1
  IORING_OP_READ_MULTISHOT = 49,    // 6.7
  IORING_OP_WAITID = 50,            // 6.7
  IORING_OP_FUTEX_WAIT = 51,        // 6.7
  IORING_OP_FUTEX_WAKE = 52,        // 6.7
  IORING_OP_FUTEX_WAITV = 53,       // 6.7
  IORING_OP_FIXED_FD_INSTALL = 54,  // 6.8
  IORING_OP_FTRUNCATE = 55,         // 6.9
  IORING_OP_BIND = 56,              // 6.11
  IORING_OP_LISTEN = 57,            // 6.11
  IORING_OP_RECV_ZC = 58,           // 6.15
  IORING_OP_EPOLL_WAIT = 59,        // 6.15
  IORING_OP_READV_FIXED = 60,       // 6.15
  IORING_OP_WRITEV_FIXED = 61,      // 6.15
  IORING_OP_PIPE = 62,              // 6.16
  IORING_OP_LAST = 63,              // one past what this header knows; a later kernel has more
};

// NOP (nop_flags); the result to inject stands in `len`
inline constexpr u32 IORING_NOP_INJECT_RESULT = 1u << 0;  // 6.10
inline constexpr u32 IORING_NOP_FILE = 1u << 1;           // 6.13
inline constexpr u32 IORING_NOP_FIXED_FILE = 1u << 2;     // 6.13
inline constexpr u32 IORING_NOP_FIXED_BUFFER = 1u << 3;   // 6.13
inline constexpr u32 IORING_NOP_TW = 1u << 4;             // 6.16: completes from task work
inline constexpr u32 IORING_NOP_CQE32 = 1u << 5;          // 6.18

// FSYNC (fsync_flags)
inline constexpr u32 IORING_FSYNC_DATASYNC = 1u << 0;  // 5.1: fdatasync

// READ, WRITE and relatives with attr_ptr (attr_type_mask)
inline constexpr u64 IORING_RW_ATTR_FLAG_PI = 1u << 0;  // 6.14

// TIMEOUT, TIMEOUT_REMOVE, LINK_TIMEOUT (timeout_flags)
inline constexpr u32 IORING_TIMEOUT_ABS = 1u << 0;            // 5.5
inline constexpr u32 IORING_TIMEOUT_UPDATE = 1u << 1;         // 5.11: TIMEOUT_REMOVE changes the timeout
inline constexpr u32 IORING_TIMEOUT_BOOTTIME = 1u << 2;       // 5.15
inline constexpr u32 IORING_TIMEOUT_REALTIME = 1u << 3;       // 5.15
inline constexpr u32 IORING_LINK_TIMEOUT_UPDATE = 1u << 4;    // 5.15: the same for a link timeout
inline constexpr u32 IORING_TIMEOUT_ETIME_SUCCESS = 1u << 5;  // 5.16: expiry does not break a link
inline constexpr u32 IORING_TIMEOUT_MULTISHOT = 1u << 6;      // 6.4
inline constexpr u32 IORING_TIMEOUT_CLOCK_MASK = IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME;
inline constexpr u32 IORING_TIMEOUT_UPDATE_MASK = IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE;

// SPLICE, TEE (splice_flags), beside splice(2)'s
inline constexpr u32 SPLICE_F_FD_IN_FIXED = 1u << 31;  // 5.7: splice_fd_in is an index

// POLL_ADD, POLL_REMOVE (len; poll32_events holds the mask)
inline constexpr u32 IORING_POLL_ADD_MULTI = 1u << 0;         // 5.13
inline constexpr u32 IORING_POLL_UPDATE_EVENTS = 1u << 1;     // 5.13
inline constexpr u32 IORING_POLL_UPDATE_USER_DATA = 1u << 2;  // 5.13
inline constexpr u32 IORING_POLL_ADD_LEVEL = 1u << 3;         // 6.0

// ASYNC_CANCEL (cancel_flags)
inline constexpr u32 IORING_ASYNC_CANCEL_ALL = 1u << 0;       // 5.19: all that match; res counts them
inline constexpr u32 IORING_ASYNC_CANCEL_FD = 1u << 1;        // 5.19: match the descriptor
inline constexpr u32 IORING_ASYNC_CANCEL_ANY = 1u << 2;       // 5.19: match everything
inline constexpr u32 IORING_ASYNC_CANCEL_FD_FIXED = 1u << 3;  // 6.0: the descriptor is an index
inline constexpr u32 IORING_ASYNC_CANCEL_USERDATA = 1u << 4;  // 6.6: match user_data, beside the other keys
inline constexpr u32 IORING_ASYNC_CANCEL_OP = 1u << 5;        // 6.6: match the opcode in `len`

// ACCEPT (ioprio)
inline constexpr u16 IORING_ACCEPT_MULTISHOT = 1u << 0;   // 5.19
inline constexpr u16 IORING_ACCEPT_DONTWAIT = 1u << 1;    // 6.10
inline constexpr u16 IORING_ACCEPT_POLL_FIRST = 1u << 2;  // 6.10

// SEND, SENDMSG, RECV, RECVMSG and the _ZC ones (ioprio)
inline constexpr u16 IORING_RECVSEND_POLL_FIRST = 1u << 0;   // 5.19: poll without a first attempt
inline constexpr u16 IORING_RECV_MULTISHOT = 1u << 1;        // 6.0
inline constexpr u16 IORING_RECVSEND_FIXED_BUF = 1u << 2;    // 6.0: registered buffer buf_index
inline constexpr u16 IORING_SEND_ZC_REPORT_USAGE = 1u << 3;  // 6.2: the notification says whether it copied
inline constexpr u16 IORING_RECVSEND_BUNDLE = 1u << 4;       // 6.10: several provided buffers at once
inline constexpr u16 IORING_SEND_VECTORIZED = 1u << 5;       // 6.17: addr is an iovec array
// io_uring_cqe::res of a notification, with IORING_SEND_ZC_REPORT_USAGE
inline constexpr u32 IORING_NOTIF_USAGE_ZC_COPIED = 1u << 31;  // 6.2

// MSG_RING (addr: the command; msg_ring_flags)
enum io_uring_msg_ring_command : u64 {
  IORING_MSG_DATA = 0,     // 5.18: the target gets a CQE, res = len, user_data = off
  IORING_MSG_SEND_FD = 1,  // 6.0: a direct descriptor goes to the target's table
};
inline constexpr u32 IORING_MSG_RING_CQE_SKIP = 1u << 0;    // 6.0: IORING_MSG_SEND_FD without a CQE there
inline constexpr u32 IORING_MSG_RING_FLAGS_PASS = 1u << 1;  // 6.3: file_index becomes the CQE's flags

// FIXED_FD_INSTALL (install_fd_flags)
inline constexpr u32 IORING_FIXED_FD_NO_CLOEXEC = 1u << 0;  // 6.8

// Operations that make a direct descriptor (file_index)
inline constexpr u32 IORING_FILE_INDEX_ALLOC = ~0u;  // 5.19: the kernel picks a free slot and returns it

// URING_CMD (uring_cmd_flags)
inline constexpr u32 IORING_URING_CMD_FIXED = 1u << 0;  // 6.1: registered buffer buf_index

// URING_CMD on a socket (cmd_op)
enum io_uring_socket_op : u32 {
  SOCKET_URING_OP_SIOCINQ = 0,       // 6.5
  SOCKET_URING_OP_SIOCOUTQ = 1,      // 6.5
  SOCKET_URING_OP_GETSOCKOPT = 2,    // 6.7
  SOCKET_URING_OP_SETSOCKOPT = 3,    // 6.7
  SOCKET_URING_OP_TX_TIMESTAMP = 4,  // 6.17
};

}  // namespace ringcore::abi
