#include "operations.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace {

using abi::io_uring_sqe;

template <class T>
T* pointer(uint64_t address) {
  return reinterpret_cast<T*>(address);
}

uint64_t digest(uint64_t sum, const void* memory, size_t bytes) {
  const auto* data = static_cast<const uint8_t*>(memory);
  for (size_t i = 0; i < bytes; i++) sum = (sum ^ data[i]) * 0x100000001b3;
  return sum;
}

uint64_t digest_text(uint64_t sum, uint64_t address) {
  const auto* text = pointer<const char>(address);
  return digest(sum, text, std::strlen(text) + 1);
}

constexpr uint64_t kBegin = 0xcbf29ce484222325;

// How much of what was asked for.
uint32_t part(Random& random, uint32_t bytes) {
  if (bytes < 2 || !random.chance(world->kernel->faults.shorten)) return bytes;
  return random.chance(100) ? 0 : random.between(1, bytes - 1);
}

// What is written is what was asked to be, to the end.
void expect_content(uint64_t address, uint32_t bytes, uint64_t seed, uint64_t position) {
  const auto* memory = pointer<const uint8_t>(address);
  world->memory.expect_held(memory, bytes, "the kernel reads what is to be written");
  for (uint32_t i = 0; i < bytes; i++) {
    if (memory[i] != pattern(seed, position + i)) broken("memory has changed under a write");
  }
}

Outcome transferred(uint32_t bytes, uint32_t wanted) {
  return {static_cast<int32_t>(bytes), 0, bytes == wanted};
}

Outcome read(Random& random, const io_uring_sqe& sqe) {
  const uint32_t bytes = part(random, sqe.len);
  // A file's content depends on the place alone, a socket's on who receives.
  if (sqe.opcode == abi::IORING_OP_READ) {
    fill_content(0, sqe.addr, sqe.off, bytes);
  } else {
    fill_content(sqe.user_data, sqe.addr, 0, bytes);
  }
  return transferred(bytes, sqe.len);
}

Outcome write(Random& random, const io_uring_sqe& sqe) {
  expect_content(sqe.addr, sqe.len, sqe.user_data, 0);
  return transferred(part(random, sqe.len), sqe.len);
}

Outcome vectored(Random& random, const io_uring_sqe& sqe, const iovec* vectors, size_t count, bool writes) {
  uint32_t wanted = 0;
  for (size_t i = 0; i < count; i++) wanted += static_cast<uint32_t>(vectors[i].iov_len);
  const uint32_t bytes = part(random, wanted);
  uint32_t done = 0;
  for (size_t i = 0; i < count && done < bytes; i++) {
    const auto address = reinterpret_cast<uint64_t>(vectors[i].iov_base);
    const uint32_t piece = std::min(bytes - done, static_cast<uint32_t>(vectors[i].iov_len));
    if (writes) {
      expect_content(address, piece, sqe.user_data, done);
    } else {
      fill_content(sqe.user_data, address, done, piece);
    }
    done += piece;
  }
  return transferred(bytes, wanted);
}

Outcome message(Random& random, const io_uring_sqe& sqe) {
  auto* header = pointer<msghdr>(sqe.addr);
  const bool sends = sqe.opcode == abi::IORING_OP_SENDMSG;
  const Outcome outcome = vectored(random, sqe, header->msg_iov, header->msg_iovlen, sends);
  if (!sends) {
    header->msg_namelen = 16;
    header->msg_flags = MSG_TRUNC;
  }
  return outcome;
}

// One piece of the stream that a descriptor is.
Outcome stream(SimulatedRing& ring, Random& random, const io_uring_sqe& sqe) {
  uint32_t bytes = random.between(1, 3000);
  Outcome outcome;
  uint8_t* memory = ring.take_buffer(sqe.buf_group, &bytes, &outcome.flags);
  if (memory == nullptr) return {-ENOBUFS};
  world->memory.expect_held(memory, bytes, "the kernel writes to a provided buffer");
  File& file = world->descriptors.file(sqe.fd);
  for (uint32_t i = 0; i < bytes; i++) memory[i] = pattern(static_cast<uint64_t>(sqe.fd), file.received + i);
  file.received += bytes;
  outcome.result = static_cast<int32_t>(bytes);
  return outcome;
}

Outcome send_message(const io_uring_sqe& sqe) {
  SimulatedRing* target = world->kernel->ring(sqe.fd);
  if (target == nullptr || !target->enabled()) return {-EBADFD};
  target->deliver_message({sqe.off, static_cast<int32_t>(sqe.len), 0});
  return {0};
}

Outcome close(Random& random, int fd) {
  if (!world->descriptors.is_open(fd)) return {-EBADF};
  world->descriptors.close(fd);
  // A descriptor is closed, whatever close says.
  return {random.chance(world->kernel->faults.fail) ? -random.pick({EIO, EINTR}) : 0};
}

}  // namespace

void fill_content(uint64_t seed, uint64_t address, uint64_t position, uint32_t bytes) {
  auto* memory = pointer<uint8_t>(address);
  world->memory.expect_held(memory, bytes, "the kernel writes what was read");
  for (uint32_t i = 0; i < bytes; i++) memory[i] = pattern(seed, position + i);
}

Manner manner_of(const io_uring_sqe& sqe) {
  switch (sqe.opcode) {
    case abi::IORING_OP_NOP:
    case abi::IORING_OP_CLOSE:
    case abi::IORING_OP_SHUTDOWN:
    case abi::IORING_OP_SOCKET:
    case abi::IORING_OP_PIPE:
    case abi::IORING_OP_MSG_RING:
      return Manner::kAtOnce;
    case abi::IORING_OP_POLL_ADD:
    case abi::IORING_OP_ACCEPT:
    case abi::IORING_OP_CONNECT:
    case abi::IORING_OP_SEND:
    case abi::IORING_OP_SEND_ZC:
    case abi::IORING_OP_SENDMSG:
    case abi::IORING_OP_RECV:
    case abi::IORING_OP_RECVMSG:
      return Manner::kReady;
    default:
      return Manner::kFile;
  }
}

bool may_be_refused(const io_uring_sqe& sqe) {
  return manner_of(sqe) != Manner::kAtOnce && sqe.opcode != abi::IORING_OP_ASYNC_CANCEL &&
         sqe.opcode != abi::IORING_OP_TIMEOUT_REMOVE;
}

bool is_multishot(const io_uring_sqe& sqe) {
  switch (sqe.opcode) {
    case abi::IORING_OP_ACCEPT:
      return sqe.ioprio & abi::IORING_ACCEPT_MULTISHOT;
    case abi::IORING_OP_RECV:
      return sqe.ioprio & abi::IORING_RECV_MULTISHOT;
    case abi::IORING_OP_POLL_ADD:
      return sqe.len & abi::IORING_POLL_ADD_MULTI;
    case abi::IORING_OP_TIMEOUT:
      return sqe.timeout_flags & abi::IORING_TIMEOUT_MULTISHOT;
    default:
      return false;
  }
}

uint64_t digest_arguments(const io_uring_sqe& sqe) {
  switch (sqe.opcode) {
    case abi::IORING_OP_OPENAT:
    case abi::IORING_OP_STATX:
      return digest_text(kBegin, sqe.addr);
    case abi::IORING_OP_TIMEOUT:
    case abi::IORING_OP_LINK_TIMEOUT:
      return digest(kBegin, pointer<void>(sqe.addr), sizeof(abi::kernel_timespec));
    case abi::IORING_OP_CONNECT:
      return digest(kBegin, pointer<void>(sqe.addr), sqe.addr2);
    case abi::IORING_OP_READV:
    case abi::IORING_OP_WRITEV:
      return digest(kBegin, pointer<void>(sqe.addr), sqe.len * sizeof(iovec));
    case abi::IORING_OP_SENDMSG:
    case abi::IORING_OP_RECVMSG: {
      const auto* header = pointer<const msghdr>(sqe.addr);
      const uint64_t sum = digest(kBegin, &header->msg_iov, sizeof(header->msg_iov));
      return digest(sum, header->msg_iov, header->msg_iovlen * sizeof(iovec));
    }
    default:
      return 0;
  }
}

Outcome perform(SimulatedRing& ring, const io_uring_sqe& sqe) {
  Random& random = world->random;
  if (sqe.opcode == abi::IORING_OP_CLOSE) return close(random, sqe.fd);
  if (sqe.opcode == abi::IORING_OP_TIMEOUT) return {-ETIME, 0, false};
  if (random.chance(world->kernel->faults.fail)) {
    if (const int error = error_of(sqe.opcode, random)) return {-error};
  }
  switch (sqe.opcode) {
    case abi::IORING_OP_READ:
      return read(random, sqe);
    case abi::IORING_OP_RECV:
      return sqe.flags & abi::IOSQE_BUFFER_SELECT ? stream(ring, random, sqe) : read(random, sqe);
    case abi::IORING_OP_WRITE:
    case abi::IORING_OP_SEND:
    case abi::IORING_OP_SEND_ZC:
      return write(random, sqe);
    case abi::IORING_OP_READV:
    case abi::IORING_OP_WRITEV:
      return vectored(random, sqe, pointer<const iovec>(sqe.addr), sqe.len,
                      sqe.opcode == abi::IORING_OP_WRITEV);
    case abi::IORING_OP_SENDMSG:
    case abi::IORING_OP_RECVMSG:
      return message(random, sqe);
    case abi::IORING_OP_OPENAT:
    case abi::IORING_OP_ACCEPT:
    case abi::IORING_OP_SOCKET:
      return {open_descriptor(random)};
    case abi::IORING_OP_PIPE: {
      auto* ends = pointer<int32_t>(sqe.addr);
      world->memory.expect_held(ends, 2 * sizeof(int32_t), "a pipe's ends");
      ends[0] = world->descriptors.open();
      ends[1] = world->descriptors.open();
      return {0};
    }
    case abi::IORING_OP_STATX:
      world->memory.expect_held(pointer<void>(sqe.off), sizeof(abi::kernel_statx), "attributes");
      std::memset(pointer<void>(sqe.off), 0x5a, sizeof(abi::kernel_statx));
      return {0};
    case abi::IORING_OP_POLL_ADD:
      return {1};
    case abi::IORING_OP_MSG_RING:
      return send_message(sqe);
    default:
      return {0};
  }
}

int open_descriptor(Random& random) {
  const int fd = world->descriptors.open();
  File& file = world->descriptors.file(fd);
  file.kind = random.pick({File::Kind::kRegular, File::Kind::kRegular, File::Kind::kRegular,
                           File::Kind::kDirectory, File::Kind::kPipe});
  file.bytes = random.pick<uint64_t>({0, 10, 10, 4096, 4096, 70'000, 600'000, uint64_t{1} << 32});
  return fd;
}

int error_of(uint8_t opcode, Random& random) {
  switch (opcode) {
    case abi::IORING_OP_READ:
    case abi::IORING_OP_READV:
      return random.pick({EIO, EINTR, EAGAIN, ENOMEM});
    case abi::IORING_OP_WRITE:
    case abi::IORING_OP_WRITEV:
    case abi::IORING_OP_FSYNC:
      return random.pick({EIO, ENOSPC, EINTR});
    case abi::IORING_OP_OPENAT:
    case abi::IORING_OP_SOCKET:
    case abi::IORING_OP_PIPE:
      return random.pick({EMFILE, EINTR, ENOMEM, EACCES});
    case abi::IORING_OP_ACCEPT:
      return random.pick({ECONNABORTED, EMFILE, EINTR, ENOMEM});
    case abi::IORING_OP_SEND:
    case abi::IORING_OP_SEND_ZC:
    case abi::IORING_OP_SENDMSG:
    case abi::IORING_OP_RECV:
    case abi::IORING_OP_RECVMSG:
      return random.pick({ECONNRESET, EPIPE, EINTR, ENOMEM});
    case abi::IORING_OP_CONNECT:
      return random.pick({ECONNREFUSED, ETIMEDOUT, EINTR});
    case abi::IORING_OP_STATX:
      return random.pick({EACCES, EIO});
    case abi::IORING_OP_MSG_RING:
      return EOVERFLOW;
    default:
      return 0;
  }
}
