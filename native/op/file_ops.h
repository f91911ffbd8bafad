// Operations on an open file.
#pragma once

#include <unistd.h>

#include "op/op.h"
#include "ring/assert.h"

namespace ringcore {

// read(2) and pread(2); an offset of all ones means the file's own position.
struct Read {
  static constexpr const char* kName = "read";
  static constexpr uint8_t kOpcode = abi::IORING_OP_READ;
  static constexpr Counts kBytes = Counts::kBytesRead;
  int32_t fd;
  Bytes buffer;
  uint64_t offset;
  uint32_t rw_flags;

  template <class Args>
  static Read from(Args& args) {
    return {args.i32(), args.bytes(), args.u64(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(buffer.data);
    sqe.len = buffer.size;
    sqe.off = offset;
    sqe.rw_flags = static_cast<int>(rw_flags);
  }
};

struct Write : Read {
  static constexpr const char* kName = "write";
  static constexpr uint8_t kOpcode = abi::IORING_OP_WRITE;
  static constexpr Counts kBytes = Counts::kBytesWritten;
  static constexpr Effect kEffect = Effect::kFile;

  template <class Args>
  static Write from(Args& args) {
    return {Read::from(args)};
  }
};

// As read, into memory that was registered: the kernel neither maps nor pins it anew.
struct ReadFixed {
  static constexpr const char* kName = "readFixed";
  static constexpr uint8_t kOpcode = abi::IORING_OP_READ_FIXED;
  static constexpr Counts kBytes = Counts::kBytesRead;
  int32_t fd;
  uint32_t buffer_index;
  Bytes buffer;
  uint64_t offset;
  uint32_t rw_flags;

  template <class Args>
  static ReadFixed from(Args& args) {
    const int32_t fd = args.i32();
    const uint32_t index = args.u32();
    return {fd, index, args.registered_bytes(index), args.u64(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(buffer.data);
    sqe.len = buffer.size;
    sqe.off = offset;
    sqe.buf_index = static_cast<uint16_t>(buffer_index);
    sqe.rw_flags = static_cast<int>(rw_flags);
  }
};

struct WriteFixed : ReadFixed {
  static constexpr const char* kName = "writeFixed";
  static constexpr uint8_t kOpcode = abi::IORING_OP_WRITE_FIXED;
  static constexpr Counts kBytes = Counts::kBytesWritten;
  static constexpr Effect kEffect = Effect::kFile;

  template <class Args>
  static WriteFixed from(Args& args) {
    return {ReadFixed::from(args)};
  }
};

// readv(2), preadv2(2).
struct Readv {
  static constexpr const char* kName = "readv";
  static constexpr uint8_t kOpcode = abi::IORING_OP_READV;
  static constexpr Counts kBytes = Counts::kBytesRead;
  int32_t fd;
  Vectors vectors;
  uint64_t offset;
  uint32_t rw_flags;

  template <class Args>
  static Readv from(Args& args) {
    return {args.i32(), args.vectors(), args.u64(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(vectors.data);
    sqe.len = vectors.count;
    sqe.off = offset;
    sqe.rw_flags = static_cast<int>(rw_flags);
  }
};

struct Writev : Readv {
  static constexpr const char* kName = "writev";
  static constexpr uint8_t kOpcode = abi::IORING_OP_WRITEV;
  static constexpr Counts kBytes = Counts::kBytesWritten;
  static constexpr Effect kEffect = Effect::kFile;

  template <class Args>
  static Writev from(Args& args) {
    return {Readv::from(args)};
  }
};

// 6.7: a read that repeats itself on a pipe or the like, into provided buffers.
struct ReadMultishot {
  static constexpr const char* kName = "readMultishot";
  static constexpr uint8_t kOpcode = abi::IORING_OP_READ_MULTISHOT;
  static constexpr Counts kBytes = Counts::kBytesRead;
  int32_t fd;
  uint16_t buffer_group;
  uint64_t offset;

  template <class Args>
  static ReadMultishot from(Args& args) {
    return {args.i32(), args.u16(), args.u64()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.off = offset;
    sqe.flags |= abi::IOSQE_BUFFER_SELECT;
    sqe.buf_group = buffer_group;
  }
};

// fsync(2), fdatasync(2) with IORING_FSYNC_DATASYNC.
struct Fsync {
  static constexpr const char* kName = "fsync";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FSYNC;
  static constexpr Effect kEffect = Effect::kFile;
  int32_t fd;
  uint32_t fsync_flags;

  template <class Args>
  static Fsync from(Args& args) {
    return {args.i32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.fsync_flags = fsync_flags;
  }
};

// sync_file_range(2).
struct SyncFileRange {
  static constexpr const char* kName = "syncFileRange";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SYNC_FILE_RANGE;
  static constexpr Effect kEffect = Effect::kFile;
  int32_t fd;
  uint64_t offset;
  uint32_t bytes;
  uint32_t flags;

  template <class Args>
  static SyncFileRange from(Args& args) {
    return {args.i32(), args.u64(), args.u32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.off = offset;
    sqe.len = bytes;
    sqe.sync_range_flags = flags;
  }
};

// fallocate(2): the mode travels in len, the length in addr.
struct Fallocate {
  static constexpr const char* kName = "fallocate";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FALLOCATE;
  static constexpr Effect kEffect = Effect::kFile;
  int32_t fd;
  uint32_t mode;
  uint64_t offset;
  uint64_t bytes;

  template <class Args>
  static Fallocate from(Args& args) {
    return {args.i32(), args.u32(), args.u64(), args.u64()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.len = mode;
    sqe.off = offset;
    sqe.addr = bytes;
  }
};

// 6.9: ftruncate(2).
struct Ftruncate {
  static constexpr const char* kName = "ftruncate";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FTRUNCATE;
  static constexpr Effect kEffect = Effect::kFile;
  int32_t fd;
  uint64_t bytes;

  template <class Args>
  static Ftruncate from(Args& args) {
    return {args.i32(), args.u64()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.off = bytes;
  }
};

// posix_fadvise(2). Before 6.9 the kernel takes only 32 bits of length, so we stay within them.
struct Fadvise {
  static constexpr const char* kName = "fadvise";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FADVISE;
  int32_t fd;
  uint64_t offset;
  uint32_t bytes;
  uint32_t advice;

  template <class Args>
  static Fadvise from(Args& args) {
    return {args.i32(), args.u64(), args.u32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.off = offset;
    sqe.len = bytes;
    sqe.fadvise_advice = advice;
  }
};

// madvise(2).
struct Madvise {
  static constexpr const char* kName = "madvise";
  static constexpr uint8_t kOpcode = abi::IORING_OP_MADVISE;
  Bytes memory;
  uint32_t advice;

  template <class Args>
  static Madvise from(Args& args) {
    return {args.bytes(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = -1;
    sqe.addr = address_of(memory.data);
    // The kernel would round up, and drop what stands behind the memory.
    sqe.len = memory.size & ~(static_cast<uint32_t>(::sysconf(_SC_PAGESIZE)) - 1);
    sqe.fadvise_advice = advice;
  }
};

// splice(2): moves bytes between two descriptors of which one is a pipe. An offset of all ones means none.
struct Splice {
  static constexpr const char* kName = "splice";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SPLICE;
  static constexpr Counts kBytes = Counts::kBytesWritten;
  int32_t fd_in;
  uint64_t offset_in;
  int32_t fd_out;
  uint64_t offset_out;
  uint32_t bytes;
  uint32_t flags;

  template <class Args>
  static Splice from(Args& args) {
    return {args.i32(), args.u64(), args.i32(), args.u64(), args.u32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.splice_fd_in = fd_in;
    sqe.splice_off_in = offset_in;
    sqe.fd = fd_out;
    sqe.off = offset_out;
    sqe.len = bytes;
    sqe.splice_flags = flags;
  }
};

// tee(2): copies bytes from pipe to pipe without consuming them.
struct Tee {
  static constexpr const char* kName = "tee";
  static constexpr uint8_t kOpcode = abi::IORING_OP_TEE;
  int32_t fd_in;
  int32_t fd_out;
  uint32_t bytes;
  uint32_t flags;

  template <class Args>
  static Tee from(Args& args) {
    return {args.i32(), args.i32(), args.u32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.splice_fd_in = fd_in;
    sqe.fd = fd_out;
    sqe.len = bytes;
    sqe.splice_flags = flags;
  }
};

// close(2).
struct Close {
  static constexpr const char* kName = "close";
  static constexpr uint8_t kOpcode = abi::IORING_OP_CLOSE;
  static constexpr Effect kEffect = Effect::kFile;
  int32_t fd;

  template <class Args>
  static Close from(Args& args) {
    return {args.i32()};
  }
  void fill(io_uring_sqe& sqe) const { sqe.fd = fd; }
};

// Empties a slot of the table of direct descriptors.
struct CloseDirect {
  static constexpr const char* kName = "closeDirect";
  static constexpr uint8_t kOpcode = abi::IORING_OP_CLOSE;
  int32_t file_index;

  template <class Args>
  static CloseDirect from(Args& args) {
    return {args.file_index()};
  }
  void fill(io_uring_sqe& sqe) const {
    RINGCORE_ASSERT(file_index >= 0, "with no slot named, this would close standard input");
    sqe.file_index = file_index_field(file_index);
  }
};

// 6.8: an ordinary descriptor (close-on-exec) for a direct one.
struct FixedFdInstall {
  static constexpr const char* kName = "fixedFdInstall";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FIXED_FD_INSTALL;
  static constexpr bool kMakesDescriptor = true;
  int32_t source;

  template <class Args>
  static FixedFdInstall from(Args& args) {
    return {args.i32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = source;
    sqe.flags |= abi::IOSQE_FIXED_FILE;
  }
};

// fgetxattr(2): the result is the value's length.
struct Fgetxattr {
  static constexpr const char* kName = "fgetxattr";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FGETXATTR;
  int32_t fd;
  const char* name;
  Bytes value;

  template <class Args>
  static Fgetxattr from(Args& args) {
    return {args.i32(), args.path(), args.bytes()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(name);
    sqe.addr2 = address_of(value.data);
    sqe.len = value.size;
  }
};

// fsetxattr(2).
struct Fsetxattr {
  static constexpr const char* kName = "fsetxattr";
  static constexpr uint8_t kOpcode = abi::IORING_OP_FSETXATTR;
  static constexpr Effect kEffect = Effect::kFile;
  int32_t fd;
  const char* name;
  Bytes value;
  uint32_t flags;

  template <class Args>
  static Fsetxattr from(Args& args) {
    return {args.i32(), args.path(), args.bytes(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(name);
    sqe.addr2 = address_of(value.data);
    sqe.len = value.size;
    sqe.xattr_flags = flags;
  }
};

}  // namespace ringcore
