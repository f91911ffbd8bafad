// Operations on a path. Paths are copied into the operation's storage: io-wq may look them up late.
#pragma once

#include "op/op.h"

namespace ringcore {

// openat(2). Into the table of direct descriptors when file_index is not -1; O_CLOEXEC is refused there.
struct Openat {
  static constexpr const char* kName = "openat";
  static constexpr uint8_t kOpcode = abi::IORING_OP_OPENAT;
  static constexpr bool kMakesDescriptor = true;
  static constexpr Effect kEffect = Effect::kOpens;
  int32_t dirfd;
  const char* path;
  uint32_t open_flags;
  uint32_t mode;
  int32_t file_index = -1;

  template <class Args>
  static Openat from(Args& args) {
    return {args.i32(), args.path(), args.u32(), args.u32(), args.i32()};
  }
  uint64_t opens() const { return open_flags; }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = dirfd;
    sqe.addr = address_of(path);
    sqe.open_flags = open_flags;
    sqe.len = mode;
    sqe.file_index = file_index_field(file_index);
  }
};

// openat2(2).
struct Openat2 {
  static constexpr const char* kName = "openat2";
  static constexpr uint8_t kOpcode = abi::IORING_OP_OPENAT2;
  static constexpr bool kMakesDescriptor = true;
  static constexpr Effect kEffect = Effect::kOpens;
  int32_t dirfd;
  const char* path;
  abi::open_how* how;
  int32_t file_index;

  template <class Args>
  static Openat2 from(Args& args) {
    const int32_t dirfd = args.i32();
    const char* path = args.path();
    abi::open_how how{};
    how.flags = args.u32();
    how.mode = args.u32();
    how.resolve = args.u64();
    return {dirfd, path, args.store(how), args.i32()};
  }
  uint64_t opens() const { return how->flags; }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = dirfd;
    sqe.addr = address_of(path);
    sqe.len = sizeof(*how);
    sqe.off = address_of(how);
    sqe.file_index = file_index_field(file_index);
  }
};

// statx(2).
struct Statx {
  static constexpr const char* kName = "statx";
  static constexpr uint8_t kOpcode = abi::IORING_OP_STATX;
  int32_t dirfd;
  const char* path;
  uint32_t flags;
  uint32_t mask;
  Bytes out;  // 256 bytes

  template <class Args>
  static Statx from(Args& args) {
    return {args.i32(), args.path(), args.u32(), args.u32(), args.view(sizeof(abi::kernel_statx))};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = dirfd;
    sqe.addr = address_of(path);
    sqe.len = mask;
    sqe.off = address_of(out.data);
    sqe.statx_flags = flags;
  }
};

// renameat2(2): the new directory travels in len.
struct Renameat {
  static constexpr const char* kName = "renameat";
  static constexpr uint8_t kOpcode = abi::IORING_OP_RENAMEAT;
  static constexpr Effect kEffect = Effect::kNames;
  int32_t old_dirfd;
  const char* old_path;
  int32_t new_dirfd;
  const char* new_path;
  uint32_t flags;

  template <class Args>
  static Renameat from(Args& args) {
    return {args.i32(), args.path(), args.i32(), args.path(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = old_dirfd;
    sqe.addr = address_of(old_path);
    sqe.len = static_cast<uint32_t>(new_dirfd);
    sqe.addr2 = address_of(new_path);
    sqe.rename_flags = flags;
  }
};

// linkat(2): laid out as rename.
struct Linkat : Renameat {
  static constexpr const char* kName = "linkat";
  static constexpr uint8_t kOpcode = abi::IORING_OP_LINKAT;
  static constexpr Effect kEffect = Effect::kNames;

  template <class Args>
  static Linkat from(Args& args) {
    return {Renameat::from(args)};
  }
};

// unlinkat(2); rmdir with AT_REMOVEDIR.
struct Unlinkat {
  static constexpr const char* kName = "unlinkat";
  static constexpr uint8_t kOpcode = abi::IORING_OP_UNLINKAT;
  static constexpr Effect kEffect = Effect::kNames;
  int32_t dirfd;
  const char* path;
  uint32_t flags;

  template <class Args>
  static Unlinkat from(Args& args) {
    return {args.i32(), args.path(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = dirfd;
    sqe.addr = address_of(path);
    sqe.unlink_flags = flags;
  }
};

// mkdirat(2).
struct Mkdirat {
  static constexpr const char* kName = "mkdirat";
  static constexpr uint8_t kOpcode = abi::IORING_OP_MKDIRAT;
  static constexpr Effect kEffect = Effect::kNames;
  int32_t dirfd;
  const char* path;
  uint32_t mode;

  template <class Args>
  static Mkdirat from(Args& args) {
    return {args.i32(), args.path(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = dirfd;
    sqe.addr = address_of(path);
    sqe.len = mode;
  }
};

// symlinkat(2).
struct Symlinkat {
  static constexpr const char* kName = "symlinkat";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SYMLINKAT;
  static constexpr Effect kEffect = Effect::kNames;
  const char* target;
  int32_t dirfd;
  const char* path;

  template <class Args>
  static Symlinkat from(Args& args) {
    return {args.path(), args.i32(), args.path()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = dirfd;
    sqe.addr = address_of(target);
    sqe.addr2 = address_of(path);
  }
};

// getxattr(2): the result is the value's length.
struct Getxattr {
  static constexpr const char* kName = "getxattr";
  static constexpr uint8_t kOpcode = abi::IORING_OP_GETXATTR;
  const char* path;
  const char* name;
  Bytes value;

  template <class Args>
  static Getxattr from(Args& args) {
    return {args.path(), args.path(), args.bytes()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.addr = address_of(name);
    sqe.addr2 = address_of(value.data);
    sqe.addr3 = address_of(path);
    sqe.len = value.size;
  }
};

// setxattr(2).
struct Setxattr {
  static constexpr const char* kName = "setxattr";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SETXATTR;
  static constexpr Effect kEffect = Effect::kNames;
  const char* path;
  const char* name;
  Bytes value;
  uint32_t flags;

  template <class Args>
  static Setxattr from(Args& args) {
    return {args.path(), args.path(), args.bytes(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.addr = address_of(name);
    sqe.addr2 = address_of(value.data);
    sqe.addr3 = address_of(path);
    sqe.len = value.size;
    sqe.xattr_flags = flags;
  }
};

}  // namespace ringcore
