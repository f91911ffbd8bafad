#include "executor/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "abi/syscalls.h"
#include "executor/executor.h"
#include "op/op_kinds.h"

namespace ringcore {
namespace {

using Stage = ReadFile::Stage;

// A warm read is done while it's submitted: larger pieces would hold up the event loop.
constexpr uint32_t kChunkBytes = 512 * 1024;
// Up to this size a file that is in memory is read without the ring.
constexpr uint64_t kSmallFile = 64 * 1024;
constexpr uint32_t kPlainFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME | O_NONBLOCK;
constexpr uint64_t kLargestFile = 0x7fffffff;  // node's kIoMaxLength

void finish(Executor& executor, Op& op, int32_t result, Stage stage, uint32_t flags = 0) {
  op.read_file = nullptr;
  op.aux = static_cast<int32_t>(stage);
  executor.finish(op, result, flags);
}

// Nothing is in flight on the descriptor, and closing one that was only read does not wait.
void close_and_finish(Executor& executor, Op& op, int32_t result, Stage stage) {
  ::close(op.read_file->fd);
  finish(executor, op, result, stage);
}

void read_chunk(Executor& executor, Op& op) {
  ReadFile& file = *op.read_file;
  file.stage = Stage::kRead;
  file.chunk = static_cast<uint32_t>(std::min<uint64_t>(file.size - file.done, kChunkBytes));
  file.last_chunk = file.done + file.chunk == file.size;
  const Read read{file.fd, {file.buffer + file.done, file.chunk}, file.done, 0};
  executor.trace().step(op, kKindOf<Read>);
  if (!file.last_chunk) {
    executor.queue_sqe(op, read, CqeTag::kOperation, 0);
    return;
  }
  // A hard link: the close runs whatever the read's outcome is.
  executor.reserve(2);
  executor.expect_links(2);
  executor.queue_sqe(op, read, CqeTag::kOperation, abi::IOSQE_IO_HARDLINK);
  executor.trace().step(op, kKindOf<Close>);
  executor.queue_sqe(op, Close{file.fd}, CqeTag::kClose, 0);
}

// From here on reads wait for their data, as the caller's flags say: O_NONBLOCK was for the open.
void wait_again(const ReadFile& file) {
  if (file.opened_at_once) ::fcntl(file.fd, F_SETFL, static_cast<int>(file.open_flags));
}

// Of a file that is open now: what there is to read. False if that ends the operation.
bool sized(Executor& executor, Op& op) {
  ReadFile& file = *op.read_file;
  // The open brought the inode in: this looks at memory, and is cheaper than a statx, which always goes to
  // io-wq.
  struct stat status;
  if (::fstat(file.fd, &status) < 0) {
    close_and_finish(executor, op, -errno, Stage::kStat);
  } else if (S_ISDIR(status.st_mode)) {
    close_and_finish(executor, op, -EISDIR, Stage::kRead);
  } else if (!S_ISREG(status.st_mode) || status.st_size == 0) {
    // Pipes, devices, and files of /proc, which say that they are empty: JavaScript reads on to the end.
    wait_again(file);
    finish(executor, op, file.fd, Stage::kRead, kCompletionUnsized);
  } else {
    file.size = static_cast<uint64_t>(status.st_size);
    if (file.size <= kLargestFile) return true;
    close_and_finish(executor, op, -EFBIG, Stage::kStat);
  }
  return false;
}

void open(Executor& executor, Op& op) {
  const ReadFile& file = *op.read_file;
  executor.trace().step(op, kKindOf<Openat>);
  executor.queue_sqe(op, Openat{AT_FDCWD, file.path, file.open_flags, 0666}, CqeTag::kOperation,
                     file.waits ? abi::IOSQE_ASYNC : 0);
}

void opened(Executor& executor, Op& op, int32_t result) {
  if (result == -EINTR && !executor.stopping(op)) return open(executor, op);
  if (result < 0) return finish(executor, op, result, Stage::kOpen);
  ReadFile& file = *op.read_file;
  file.fd = result;
  if (executor.stopping(op)) return close_and_finish(executor, op, -ECANCELED, Stage::kOpen);
  // Even its size may be somebody else's to tell.
  if (file.waits) return finish(executor, op, file.fd, Stage::kRead, kCompletionUnsized);
  if (!sized(executor, op)) return;
  file.buffer = executor.allocate(op, file.size);
  if (file.buffer == nullptr) return close_and_finish(executor, op, -ENOMEM, Stage::kStat);
  read_chunk(executor, op);
}

void chunk_read(Executor& executor, Op& op, int32_t result) {
  ReadFile& file = *op.read_file;
  if (executor.stopping(op)) return close_and_finish(executor, op, -ECANCELED, Stage::kRead);
  if (result == -EINTR || result == -EAGAIN) return read_chunk(executor, op);
  if (result < 0) return close_and_finish(executor, op, result, Stage::kRead);
  executor.count_bytes_read(static_cast<uint32_t>(result));
  file.done += static_cast<uint32_t>(result);
  // Cut off while we read it: as much as there was.
  if (result == 0) return close_and_finish(executor, op, static_cast<int32_t>(file.done), Stage::kRead);
  read_chunk(executor, op);
}

void closed(Executor& executor, Op& op, int32_t result) {
  ReadFile& file = *op.read_file;
  // The kernel refused the pair before it began: the descriptor is still ours.
  if (result == -ECANCELED) ::close(file.fd);
  const bool interrupted = file.read_result == -EINTR || file.read_result == -EAGAIN;
  if (file.read_result < 0 && !interrupted) return finish(executor, op, file.read_result, Stage::kRead);
  if (interrupted || static_cast<uint32_t>(file.read_result) != file.chunk) {
    // Less than it said, as in sysfs, or stopped half way: JavaScript opens it anew and reads to the end.
    return finish(executor, op, -1, Stage::kRead, kCompletionUnsized);
  }
  executor.count_bytes_read(file.chunk);
  finish(executor, op, static_cast<int32_t>(file.size), Stage::kClose);
}

// With system calls that do not wait: what is warm needs no completion. False: the ring has to open it.
bool read_at_once(Executor& executor, Op& op) {
  ReadFile& file = *op.read_file;
  if (file.open_flags & ~kPlainFlags) return false;
  abi::open_how how{};
  // As io_uring's own attempt opens it: a FIFO, or a file with a lease, is not waited for.
  how.flags = file.open_flags | O_NONBLOCK;
  how.resolve = abi::kResolveCached;
  const int fd = abi::openat2(AT_FDCWD, file.path, how);
  // Not in memory; or a system that does not allow this call, or does not know it.
  if (fd == -EAGAIN || fd == -ENOSYS || fd == -EPERM || fd == -EINVAL) return false;
  if (fd < 0) return finish(executor, op, fd, Stage::kOpen), true;
  file.fd = fd;
  file.opened_at_once = true;
  if (!sized(executor, op)) return true;
  file.buffer = executor.allocate(op, file.size);
  if (file.buffer == nullptr) return close_and_finish(executor, op, -ENOMEM, Stage::kStat), true;
  if (file.size <= kSmallFile) {
    const int bytes = abi::pread2(fd, file.buffer, file.size, 0, abi::kRwfNowait);
    if (bytes == static_cast<int>(file.size)) {
      executor.count_bytes_read(static_cast<uint32_t>(bytes));
      return close_and_finish(executor, op, bytes, Stage::kClose), true;
    }
  }
  wait_again(file);
  read_chunk(executor, op);
  return true;
}

}  // namespace

void ReadFile::start(Executor& executor, Op& op, const char* path, uint32_t open_flags) {
  op.read_file = op.storage.store(ReadFile{});
  op.read_file->path = path;
  op.read_file->open_flags = open_flags | O_CLOEXEC;
  executor.defer(op);
}

void ReadFile::begin(Executor& executor, Op& op, bool try_at_once) {
  ReadFile& file = *op.read_file;
  file.begun = true;
  if (executor.stopping(op)) return finish(executor, op, -ECANCELED, Stage::kOpen);
  file.waits = executor.mounts().open_may_wait(AT_FDCWD, file.path, file.open_flags);
  if (try_at_once && !file.waits && read_at_once(executor, op)) return;
  open(executor, op);
}

void ReadFile::advance(Executor& executor, Op& op, int32_t result, CqeTag tag) {
  ReadFile& file = *op.read_file;
  if (file.stage == Stage::kOpen) return opened(executor, op, result);
  if (tag == CqeTag::kClose) return closed(executor, op, result);
  if (file.last_chunk) {
    file.read_result = result;  // the close comes next, always: a hard link keeps the order
  } else {
    chunk_read(executor, op, result);
  }
}

}  // namespace ringcore
