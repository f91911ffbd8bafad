// System calls that answer from memory, or say that they can't: without waiting for a device, a server or
// anybody else. What they can't answer is the ring's.
#pragma once

#include <cerrno>
#include <cstdint>

#include "abi/io_uring_abi.h"
#include "op/mounts.h"

namespace ringcore {

// The answer of a call that has none to give. It has changed nothing; the ring is to be asked.
inline constexpr int kAskTheRing = -EAGAIN;

class CachedStat {
 public:
  explicit CachedStat(Mounts& mounts) : mounts_(mounts) {}
  // As stat(2), or lstat(2) if links are not followed, of a path that starts in the working directory. 0, or
  // -errno, or kAskTheRing.
  int stat(const char* path, bool follow, abi::kernel_statx* out);
  // As fstat(2).
  int fstat(int fd, abi::kernel_statx* out);

 private:
  bool usable();
  int answer(int fd, bool is_path, abi::kernel_statx* out);

  Mounts& mounts_;
  enum class Openat2 : uint8_t { kUnknown, kWorks, kRefused } openat2_ = Openat2::kUnknown;
};

// As pread(2), or read(2) if the position is -1, of what is in the page cache: all that was asked for, or all
// that there is up to the end of the file. A count, or kAskTheRing, with the position where it was; the
// memory may have been written to. `buffered`: the caller knows that the file is not open for O_DIRECT.
int read_cached(int fd, void* memory, uint32_t bytes, int64_t position, bool buffered);

}  // namespace ringcore
