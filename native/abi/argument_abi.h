// Structs that an SQE points to, and flags whose kernel names are macros in some system header: those have
// names such as kRwfNowait (for RWF_NOWAIT), so that this header works before and after any other. Part of
// io_uring_abi.h, which says what the version numbers mean.
#pragma once

#include <cstddef>

#include "abi/kernel_types.h"

namespace ringcore::abi {

// struct __kernel_timespec: 64-bit on every machine, unlike the C library's.
struct kernel_timespec {
  s64 tv_sec;
  s64 tv_nsec;
};

static_assert(sizeof(kernel_timespec) == 16);
static_assert(offsetof(kernel_timespec, tv_nsec) == 8);

// OPENAT2's argument (len says how many bytes of it there are).
struct open_how {
  u64 flags;  // O_*; an unknown bit is refused
  u64 mode;
  u64 resolve;  // kResolve…
};

static_assert(sizeof(open_how) == 24);
static_assert(offsetof(open_how, mode) == 8);
static_assert(offsetof(open_how, resolve) == 16);

inline constexpr u64 kResolveNoXdev = 0x01;        // 5.6
inline constexpr u64 kResolveNoMagiclinks = 0x02;  // 5.6
inline constexpr u64 kResolveNoSymlinks = 0x04;    // 5.6
inline constexpr u64 kResolveBeneath = 0x08;       // 5.6
inline constexpr u64 kResolveInRoot = 0x10;        // 5.6
inline constexpr u64 kResolveCached = 0x20;        // 5.12: -EAGAIN rather than block

inline constexpr u32 kAtStatxDontSync = 0x4000;  // 4.11: what is known here, without asking a server

// struct statx_timestamp
struct kernel_statx_timestamp {
  s64 tv_sec;
  u32 tv_nsec;
  s32 __reserved;
};

static_assert(sizeof(kernel_statx_timestamp) == 16);
static_assert(offsetof(kernel_statx_timestamp, tv_nsec) == 8);

// struct statx: STATX writes all 256 bytes.
struct kernel_statx {
  u32 stx_mask;  // out: kStatx… that are filled
  u32 stx_blksize;
  u64 stx_attributes;
  u32 stx_nlink;
  u32 stx_uid;
  u32 stx_gid;
  u16 stx_mode;
  u16 __spare0[1];
  u64 stx_ino;
  u64 stx_size;
  u64 stx_blocks;  // of 512 bytes
  u64 stx_attributes_mask;
  kernel_statx_timestamp stx_atime;
  kernel_statx_timestamp stx_btime;
  kernel_statx_timestamp stx_ctime;
  kernel_statx_timestamp stx_mtime;
  u32 stx_rdev_major;
  u32 stx_rdev_minor;
  u32 stx_dev_major;
  u32 stx_dev_minor;
  u64 stx_mnt_id;                     // 5.8
  u32 stx_dio_mem_align;              // 6.1
  u32 stx_dio_offset_align;           // 6.1
  u64 stx_subvol;                     // 6.10
  u32 stx_atomic_write_unit_min;      // 6.11
  u32 stx_atomic_write_unit_max;      // 6.11
  u32 stx_atomic_write_segments_max;  // 6.11
  u32 stx_dio_read_offset_align;      // 6.14
  u32 stx_atomic_write_unit_max_opt;  // 6.16
  u32 __spare2[1];
  u64 __spare3[8];
};

static_assert(sizeof(kernel_statx) == 256);
static_assert(offsetof(kernel_statx, stx_mask) == 0x00);
static_assert(offsetof(kernel_statx, stx_blksize) == 0x04);
static_assert(offsetof(kernel_statx, stx_attributes) == 0x08);
static_assert(offsetof(kernel_statx, stx_nlink) == 0x10);
static_assert(offsetof(kernel_statx, stx_uid) == 0x14);
static_assert(offsetof(kernel_statx, stx_gid) == 0x18);
static_assert(offsetof(kernel_statx, stx_mode) == 0x1c);
static_assert(offsetof(kernel_statx, stx_ino) == 0x20);
static_assert(offsetof(kernel_statx, stx_size) == 0x28);
static_assert(offsetof(kernel_statx, stx_blocks) == 0x30);
static_assert(offsetof(kernel_statx, stx_attributes_mask) == 0x38);
static_assert(offsetof(kernel_statx, stx_atime) == 0x40);
static_assert(offsetof(kernel_statx, stx_btime) == 0x50);
static_assert(offsetof(kernel_statx, stx_ctime) == 0x60);
static_assert(offsetof(kernel_statx, stx_mtime) == 0x70);
static_assert(offsetof(kernel_statx, stx_rdev_major) == 0x80);
static_assert(offsetof(kernel_statx, stx_dev_major) == 0x88);
static_assert(offsetof(kernel_statx, stx_mnt_id) == 0x90);
static_assert(offsetof(kernel_statx, stx_dio_mem_align) == 0x98);
static_assert(offsetof(kernel_statx, stx_subvol) == 0xa0);
static_assert(offsetof(kernel_statx, stx_atomic_write_unit_min) == 0xa8);
static_assert(offsetof(kernel_statx, stx_dio_read_offset_align) == 0xb4);
static_assert(offsetof(kernel_statx, stx_atomic_write_unit_max_opt) == 0xb8);
static_assert(offsetof(kernel_statx, __spare3) == 0xc0);

// STATX's mask (len)
inline constexpr u32 kStatxType = 0x1;
inline constexpr u32 kStatxMode = 0x2;
inline constexpr u32 kStatxSize = 0x200;
inline constexpr u32 kStatxBasicStats = 0x7ff;
inline constexpr u32 kStatxBtime = 0x800;
inline constexpr u32 kStatxMntId = 0x1000;          // 5.8
inline constexpr u32 kStatxDioalign = 0x2000;       // 6.1
inline constexpr u32 kStatxMntIdUnique = 0x4000;    // 6.8
inline constexpr u32 kStatxSubvol = 0x8000;         // 6.10
inline constexpr u32 kStatxWriteAtomic = 0x10000;   // 6.11
inline constexpr u32 kStatxDioReadAlign = 0x20000;  // 6.14

// READ, WRITE and relatives (rw_flags)
inline constexpr s32 kRwfHipri = 0x1;       // 4.6
inline constexpr s32 kRwfDsync = 0x2;       // 4.7
inline constexpr s32 kRwfSync = 0x4;        // 4.7
inline constexpr s32 kRwfNowait = 0x8;      // 4.14
inline constexpr s32 kRwfAppend = 0x10;     // 4.16
inline constexpr s32 kRwfNoappend = 0x20;   // 6.9
inline constexpr s32 kRwfAtomic = 0x40;     // 6.11
inline constexpr s32 kRwfDontcache = 0x80;  // 6.14
inline constexpr s32 kRwfNosignal = 0x100;  // 6.18: no SIGPIPE

// FUTEX_WAITV's array (6.7)
struct futex_waitv {
  u64 val;
  u64 uaddr;
  u32 flags;  // kFutex2…
  u32 __reserved;
};

static_assert(sizeof(futex_waitv) == 24);
static_assert(offsetof(futex_waitv, uaddr) == 8);
static_assert(offsetof(futex_waitv, flags) == 16);

// FUTEX_WAIT, FUTEX_WAKE (fd holds them)
inline constexpr u32 kFutex2SizeU32 = 0x02;
inline constexpr u32 kFutex2Private = 128;
inline constexpr u64 kFutexBitsetMatchAny = 0xffff'ffff;

}  // namespace ringcore::abi
