// The shape of an operation: a struct whose members are what the SQE says. Each has
//   kName, kOpcode   as the kernel calls it
//   from(args)       reads the members from the caller's arguments; what the kernel will read later (paths,
//   addresses,
//                    iovecs, timespecs) is copied into the operation's storage, held until the final CQE
//   fill(sqe)        fills an SQE: nowhere else is one filled
// and, where they apply, kBytes (what the result counts), kMakesDescriptor (a result that nobody takes must
// be closed), kEffect (what others see of it) and a member buffer_group. Buffers of the caller are not copied
// (unless a send asks for it): JavaScript keeps them alive until the final CQE.
//
// `args` is a template parameter so that shapes know nothing of JavaScript, and tests can build them by hand.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cmath>
#include <cstdint>

#include "abi/io_uring_abi.h"
#include "op/storage.h"

namespace ringcore {

using abi::io_uring_sqe;

struct Bytes {
  void* data = nullptr;
  uint32_t size = 0;
};

struct Vectors {
  iovec* data = nullptr;
  uint32_t count = 0;
};

struct Address {
  sockaddr* data = nullptr;
  socklen_t size = 0;
};

// What others see of an operation when the process has ended: then the end waits for it.
enum class Effect : uint8_t {
  kNone,   // or one that may be waited for without end: a read, a socket's
  kNames,  // on paths
  kFile,   // on what is open as `fd`
  kOpens,  // on a path, if it makes or empties a file
};

// What the result of an operation counts.
enum class Counts : uint8_t { kNothing, kBytesRead, kBytesWritten };

inline uint64_t address_of(const void* memory) { return reinterpret_cast<uint64_t>(memory); }

// A fractional number of milliseconds as a timespec.
inline abi::kernel_timespec timespec_of(double ms) {
  const double seconds = std::floor(ms / 1000);
  return {static_cast<int64_t>(seconds), static_cast<int64_t>((ms - seconds * 1000) * 1e6)};
}

// Where a new descriptor goes: -1 an ordinary one, -2 a free slot of the table of direct descriptors, else
// that slot.
inline uint32_t file_index_field(int32_t file_index) {
  if (file_index == -1) return 0;
  return file_index == -2 ? abi::IORING_FILE_INDEX_ALLOC : static_cast<uint32_t>(file_index) + 1;
}

}  // namespace ringcore
