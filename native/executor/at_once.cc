// Calls that are answered from memory, while JavaScript waits for them. A turn of the event loop has time for
// so many: then callers are sent to the ring, whose answer comes when the loop has turned and others have had
// theirs.
#include <algorithm>

#include "executor/executor.h"
#include "op/memory_file.h"

namespace ringcore {
namespace {

// What an answer costs, of kTurnBytes: with the JavaScript around it about as much as copying so many bytes.
constexpr uint64_t kAnswerBytes = 2048;

// More system calls, and a new inode.
constexpr uint64_t kWrittenFileBytes = 8192;

}  // namespace

// They count as the turn's work, and have a count of their own: a turn begins to submit anew half way, behind
// its sleep, and timers run only once.
bool Executor::may_answer() const {
  return last_turn_ || (turn_bytes_ < kTurnBytes && answer_bytes_ < kTurnBytes);
}

void Executor::expect_answers() {
  answers_due_ = true;
  queued();
}

template <class Ask>
int Executor::at_once(AtOnce what, uint64_t bytes, Ask ask) {
  if (!may_answer()) return kAskTheRing;
  TraceSpan span(trace_, TraceEvent::kAtOnce);
  const int result = ask();
  if (result == kAskTheRing) {
    span.cancel();
    return result;
  }
  span.first = static_cast<uint32_t>(what);
  span.result = result;
  bytes = std::max(bytes, kAnswerBytes);
  turn_bytes_ += bytes;
  answer_bytes_ += bytes;
  stats_.at_once++;
  return result;
}

int Executor::stat_at_once(const char* path, bool follow, abi::kernel_statx* out) {
  return at_once(AtOnce::kStat, 0, [&] { return cached_stat_.stat(path, follow, out); });
}

int Executor::fstat_at_once(int fd, abi::kernel_statx* out) {
  return at_once(AtOnce::kFstat, 0, [&] { return cached_stat_.fstat(fd, out); });
}

int Executor::read_at_once(int fd, Bytes into, int64_t position, bool buffered) {
  const int result = at_once(AtOnce::kRead, into.size,
                             [&] { return read_cached(fd, into.data, into.size, position, buffered); });
  if (result > 0) stats_.bytes_read += static_cast<uint32_t>(result);
  return result;
}

int Executor::write_file_at_once(const char* path, uint32_t open_flags, uint32_t mode, Bytes from) {
  const auto flags = static_cast<int>(open_flags);
  const int result = at_once(AtOnce::kWriteFile, from.size + kWrittenFileBytes, [&] {
    return write_memory_file(mounts_, path, flags, mode, from.data, from.size);
  });
  if (result > 0) stats_.bytes_written += static_cast<uint32_t>(result);
  return result;
}

int Executor::copy_file_at_once(const char* source, const char* dest) {
  uint32_t bytes = 0;
  const int result = at_once(AtOnce::kCopyFile, 2 * kWrittenFileBytes,
                             [&] { return copy_to_memory_file(mounts_, source, dest, &bytes); });
  stats_.bytes_read += bytes;
  stats_.bytes_written += bytes;
  turn_bytes_ += 2 * uint64_t{bytes};
  answer_bytes_ += 2 * uint64_t{bytes};
  return result;
}

}  // namespace ringcore
