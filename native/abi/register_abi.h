// io_uring_register: opcodes and arguments. Part of io_uring_abi.h, which says what the version numbers mean.
#pragma once

#include <cstddef>

#include "abi/argument_abi.h"
#include "abi/kernel_types.h"

namespace ringcore::abi {

enum io_uring_register_op : u32 {
  IORING_REGISTER_BUFFERS = 0,            // 5.1: iovec[]
  IORING_UNREGISTER_BUFFERS = 1,          // 5.1
  IORING_REGISTER_FILES = 2,              // 5.1: int[]
  IORING_UNREGISTER_FILES = 3,            // 5.1
  IORING_REGISTER_EVENTFD = 4,            // 5.2: int*
  IORING_UNREGISTER_EVENTFD = 5,          // 5.2
  IORING_REGISTER_FILES_UPDATE = 6,       // 5.5: io_uring_rsrc_update (io_uring_files_update)
  IORING_REGISTER_EVENTFD_ASYNC = 7,      // 5.6: int*
  IORING_REGISTER_PROBE = 8,              // 5.6: io_uring_probe
  IORING_REGISTER_PERSONALITY = 9,        // 5.6
  IORING_UNREGISTER_PERSONALITY = 10,     // 5.6
  IORING_REGISTER_RESTRICTIONS = 11,      // 5.10: io_uring_restriction[]
  IORING_REGISTER_ENABLE_RINGS = 12,      // 5.10
  IORING_REGISTER_FILES2 = 13,            // 5.13: io_uring_rsrc_register
  IORING_REGISTER_FILES_UPDATE2 = 14,     // 5.13: io_uring_rsrc_update2
  IORING_REGISTER_BUFFERS2 = 15,          // 5.13: io_uring_rsrc_register
  IORING_REGISTER_BUFFERS_UPDATE = 16,    // 5.13: io_uring_rsrc_update2
  IORING_REGISTER_IOWQ_AFF = 17,          // 5.14: cpu_set_t
  IORING_UNREGISTER_IOWQ_AFF = 18,        // 5.14
  IORING_REGISTER_IOWQ_MAX_WORKERS = 19,  // 5.15: uint32_t[2], indexed by io_wq_type; 0 leaves as it is
  IORING_REGISTER_RING_FDS = 20,          // 5.18: io_uring_rsrc_update[]
  IORING_UNREGISTER_RING_FDS = 21,        // 5.18
  IORING_REGISTER_PBUF_RING = 22,         // 5.19: io_uring_buf_reg
  IORING_UNREGISTER_PBUF_RING = 23,       // 5.19: io_uring_buf_reg
  IORING_REGISTER_SYNC_CANCEL = 24,       // 6.0: io_uring_sync_cancel_reg
  IORING_REGISTER_FILE_ALLOC_RANGE = 25,  // 6.0: io_uring_file_index_range
  IORING_REGISTER_PBUF_STATUS = 26,       // 6.8: io_uring_buf_status
  IORING_REGISTER_NAPI = 27,              // 6.9
  IORING_UNREGISTER_NAPI = 28,            // 6.9
  IORING_REGISTER_CLOCK = 29,             // 6.12
  IORING_REGISTER_CLONE_BUFFERS = 30,     // 6.12
  IORING_REGISTER_SEND_MSG_RING = 31,     // 6.13: an io_uring_sqe, without a ring (fd -1)
  IORING_REGISTER_ZCRX_IFQ = 32,          // 6.15
  IORING_REGISTER_RESIZE_RINGS = 33,      // 6.13: io_uring_params
  IORING_REGISTER_MEM_REGION = 34,        // 6.13
  IORING_REGISTER_QUERY = 35,             // 6.18
  IORING_REGISTER_LAST = 36,              // one past what this header knows; a later kernel has more

  IORING_REGISTER_USE_REGISTERED_RING = 1u << 31,  // 6.3: fd is a registered ring's index; or'ed in
};

// ---- Probe ------------------------------------------------------------------------------------------------

inline constexpr u16 IO_URING_OP_SUPPORTED = 1u << 0;  // 5.6

struct io_uring_probe_op {
  u8 op;
  u8 resv;
  u16 flags;  // IO_URING_OP_*
  u32 resv2;
};

static_assert(sizeof(io_uring_probe_op) == 8);
static_assert(offsetof(io_uring_probe_op, flags) == 2);

// At most 256 entries (nr_args) follow; all bytes must be zero when handed over. The kernel's struct ends in
// a flexible array, which C++ lacks: ops() gives the entries.
struct io_uring_probe {
  u8 last_op;  // out: the last opcode that the kernel knows
  u8 ops_len;  // out: entries filled
  u16 resv;
  u32 resv2[3];

  io_uring_probe_op* ops() { return reinterpret_cast<io_uring_probe_op*>(this + 1); }
  const io_uring_probe_op* ops() const { return reinterpret_cast<const io_uring_probe_op*>(this + 1); }
};

static_assert(sizeof(io_uring_probe) == 16 && alignof(io_uring_probe) == alignof(io_uring_probe_op));
static_assert(offsetof(io_uring_probe, ops_len) == 1);

// ---- Restrictions (5.10) ----------------------------------------------------------------------------------

enum io_uring_register_restriction_op : u16 {
  IORING_RESTRICTION_REGISTER_OP = 0,         // allow an io_uring_register opcode
  IORING_RESTRICTION_SQE_OP = 1,              // allow an SQE opcode
  IORING_RESTRICTION_SQE_FLAGS_ALLOWED = 2,   // allow these IOSQE_* bits
  IORING_RESTRICTION_SQE_FLAGS_REQUIRED = 3,  // demand these IOSQE_* bits
};

struct io_uring_restriction {
  u16 opcode;  // io_uring_register_restriction_op
  union {
    u8 register_op;
    u8 sqe_op;
    u8 sqe_flags;
  };
  u8 resv;
  u32 resv2[3];
};

static_assert(sizeof(io_uring_restriction) == 16);
static_assert(offsetof(io_uring_restriction, opcode) == 0);
static_assert(offsetof(io_uring_restriction, register_op) == 2);
static_assert(offsetof(io_uring_restriction, sqe_op) == 2);
static_assert(offsetof(io_uring_restriction, sqe_flags) == 2);
static_assert(offsetof(io_uring_restriction, resv2) == 4);

// ---- Registered files and buffers -------------------------------------------------------------------------

// io_uring_rsrc_register::flags
inline constexpr u32 IORING_RSRC_REGISTER_SPARSE = 1u << 0;  // 5.19: `nr` empty slots, data is 0
// In an array of descriptors: leave this slot as it is (5.12)
inline constexpr s32 IORING_REGISTER_FILES_SKIP = -2;

struct io_uring_files_update {  // the older name's layout; io_uring_rsrc_update is the same
  u32 offset;
  u32 resv;
  u64 fds;  // address of int32_t[]
};

static_assert(sizeof(io_uring_files_update) == 16);
static_assert(offsetof(io_uring_files_update, fds) == 8);

struct io_uring_rsrc_register {
  u32 nr;
  u32 flags;  // IORING_RSRC_REGISTER_*
  u64 resv2;
  u64 data;  // address of int32_t[] or iovec[]
  u64 tags;  // address of uint64_t[], or 0
};

static_assert(sizeof(io_uring_rsrc_register) == 32);
static_assert(offsetof(io_uring_rsrc_register, flags) == 4);
static_assert(offsetof(io_uring_rsrc_register, data) == 16);
static_assert(offsetof(io_uring_rsrc_register, tags) == 24);

struct io_uring_rsrc_update {
  u32 offset;  // first slot; for IORING_REGISTER_RING_FDS the index, ~0: the kernel picks
  u32 resv;
  u64 data;  // address of an array; for IORING_REGISTER_RING_FDS the ring's descriptor itself
};

static_assert(sizeof(io_uring_rsrc_update) == 16);
static_assert(offsetof(io_uring_rsrc_update, data) == 8);

struct io_uring_rsrc_update2 {
  u32 offset;
  u32 resv;
  u64 data;
  u64 tags;
  u32 nr;
  u32 resv2;
};

static_assert(sizeof(io_uring_rsrc_update2) == 32);
static_assert(offsetof(io_uring_rsrc_update2, data) == 8);
static_assert(offsetof(io_uring_rsrc_update2, tags) == 16);
static_assert(offsetof(io_uring_rsrc_update2, nr) == 24);

struct io_uring_file_index_range {  // slots that IORING_FILE_INDEX_ALLOC may take: [off, off + len)
  u32 off;
  u32 len;
  u64 resv;
};

static_assert(sizeof(io_uring_file_index_range) == 16);
static_assert(offsetof(io_uring_file_index_range, len) == 4);

// ---- Provided-buffer rings (5.19) -------------------------------------------------------------------------

struct io_uring_buf {
  u64 addr;
  u32 len;
  u16 bid;
  u16 resv;  // in entry 0 this is the ring's tail: never write it
};

static_assert(sizeof(io_uring_buf) == 16);
static_assert(offsetof(io_uring_buf, addr) == 0);
static_assert(offsetof(io_uring_buf, len) == 8);
static_assert(offsetof(io_uring_buf, bid) == 12);
static_assert(offsetof(io_uring_buf, resv) == 14);

// The head of the ring lies over entry 0. In the kernel's struct it is a union with a flexible array `bufs`:
// here bufs() gives the entries.
struct io_uring_buf_ring {
  u64 resv1;
  u32 resv2;
  u16 resv3;
  u16 tail;  // ours: stored with release, after the entries before it

  io_uring_buf* bufs() { return reinterpret_cast<io_uring_buf*>(this); }
};

static_assert(sizeof(io_uring_buf_ring) == sizeof(io_uring_buf));
static_assert(offsetof(io_uring_buf_ring, tail) == offsetof(io_uring_buf, resv));

// io_uring_buf_reg::flags
inline constexpr u16 IOU_PBUF_RING_MMAP = 1;  // 6.4: the kernel allocates; mmap at IORING_OFF_PBUF_RING
inline constexpr u16 IOU_PBUF_RING_INC = 2;   // 6.12: buffers are used up piece by piece

struct io_uring_buf_reg {
  u64 ring_addr;     // page-aligned, or 0 with IOU_PBUF_RING_MMAP
  u32 ring_entries;  // a power of two, at most 32768
  u16 bgid;
  u16 flags;  // IOU_PBUF_RING_*
  u64 resv[3];
};

static_assert(sizeof(io_uring_buf_reg) == 40);
static_assert(offsetof(io_uring_buf_reg, ring_entries) == 8);
static_assert(offsetof(io_uring_buf_reg, bgid) == 12);
static_assert(offsetof(io_uring_buf_reg, flags) == 14);
static_assert(offsetof(io_uring_buf_reg, resv) == 16);

struct io_uring_buf_status {
  u32 buf_group;  // in
  u32 head;       // out: how many buffers the kernel has taken, modulo 2^16
  u32 resv[8];
};

static_assert(sizeof(io_uring_buf_status) == 40);
static_assert(offsetof(io_uring_buf_status, head) == 4);

// Lies at the start of a provided buffer that a multishot RECVMSG filled (6.0). Behind it: name, control
// data, payload.
struct io_uring_recvmsg_out {
  u32 namelen;
  u32 controllen;
  u32 payloadlen;
  u32 flags;  // MSG_*
};

static_assert(sizeof(io_uring_recvmsg_out) == 16);
static_assert(offsetof(io_uring_recvmsg_out, controllen) == 4);
static_assert(offsetof(io_uring_recvmsg_out, payloadlen) == 8);
static_assert(offsetof(io_uring_recvmsg_out, flags) == 12);

// ---- Workers and cancellation -----------------------------------------------------------------------------

enum io_wq_type : u32 {
  IO_WQ_BOUND = 0,    // work that ends: regular files and block devices
  IO_WQ_UNBOUND = 1,  // work that may take for ever
};

// Cancels and waits, in one call (6.0).
struct io_uring_sync_cancel_reg {
  u64 addr;  // user_data to match
  s32 fd;
  u32 flags;                // IORING_ASYNC_CANCEL_*
  kernel_timespec timeout;  // both -1: wait without limit
  u8 opcode;                // 6.6
  u8 pad[7];
  u64 pad2[3];
};

static_assert(sizeof(io_uring_sync_cancel_reg) == 64);
static_assert(offsetof(io_uring_sync_cancel_reg, fd) == 8);
static_assert(offsetof(io_uring_sync_cancel_reg, flags) == 12);
static_assert(offsetof(io_uring_sync_cancel_reg, timeout) == 16);
static_assert(offsetof(io_uring_sync_cancel_reg, opcode) == 32);

}  // namespace ringcore::abi
