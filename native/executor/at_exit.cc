// The end of the process, and of a worker: what was started on files is done before it, as libuv's threads do
// what they were given (uv_library_shutdown, which joins them, is a destructor of the library). What may be
// waited for without end, reads and sockets, is left to the kernel, which cancels it; a write to a pipe is
// waited for like others. No JavaScript runs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "abi/syscalls.h"
#include "executor/executor.h"

namespace ringcore {

// Trivial, since exit() destroys a thread's other variables before it calls at_exit().
thread_local Executor* Executor::first_of_thread = nullptr;

namespace {

// For all that the end of a thread waits for. A page cache takes what was written in far less; longer it
// takes where a server or a disk does not answer. Whoever stops a process (docker, after 10 s; systemd) kills
// it if it takes its time: before that, it is to have ended with the code that it wanted.
constexpr uint64_t kLongestNs = 5'000'000'000;

thread_local uint64_t deadline_ns = 0;

bool time_is_over() {
  const uint64_t now = LoopWatcher::now_ns();
  if (deadline_ns == 0) deadline_ns = now + kLongestNs;
  return now >= deadline_ns;
}

// Without asking a server. The descriptor may have been closed meanwhile.
bool is_file(int fd) {
  abi::kernel_statx status{};
  constexpr unsigned kFlags = AT_EMPTY_PATH | abi::kAtStatxDontSync;
  if (abi::statx(fd, "", kFlags, abi::kStatxBasicStats, &status) < 0) return false;
  return S_ISREG(status.stx_mode) || S_ISDIR(status.stx_mode) || S_ISBLK(status.stx_mode);
}

// Whether to open it for writing takes no waiting for a reader, as a FIFO does. What is not in memory is
// taken for a file.
bool opens_file(const char* path) {
  abi::open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = abi::kResolveCached;
  const int fd = abi::openat2(AT_FDCWD, path, how);
  if (fd < 0) return true;
  const bool answer = is_file(fd);
  ::close(fd);
  return answer;
}

}  // namespace

// exit() on the main thread, where node destroys no environment. Of other threads, if there are any still,
// nothing is known; and a ring takes submissions of its own thread alone.
void Executor::at_exit() {
  for (Executor* executor = first_of_thread; executor != nullptr; executor = executor->next_of_thread_) {
    if (executor->closing_) continue;
    executor->closing_ = true;
    executor->trace_.stop();  // JavaScript takes its records
    executor->begin_deferred();
    executor->finish_files();
  }
}

bool Executor::lasts(const Op& op) const {
  if (!op.lasts || op.state != OpState::kSubmitted) return false;
  switch (Kinds::kInfo[op.kind].effect) {
    case Effect::kNone:
      return false;
    case Effect::kNames:
    case Effect::kFile:
      return true;
    case Effect::kOpens:
      return opens_file(op.path);
  }
  return false;
}

void Executor::finish_files() {
  std::vector<uint64_t> awaited;
  table_.for_each_in_flight([&](const Op& op) {
    if (lasts(op)) awaited.push_back(op.user_data(CqeTag::kOperation));
  });
  while (!awaited.empty()) {
    if (table_.find(awaited.back()) == nullptr) {
      awaited.pop_back();
    } else {
      if (time_is_over()) return;
      wait_at_end();
    }
  }
}

int32_t Executor::result_at_exit(uint32_t slot) {
  submit_all();
  reap();
  while (table_.active(slot) != nullptr && !time_is_over()) wait_at_end();
  return result_now(slot);
}

bool Executor::make_room_at_exit() {
  finish_files();
  // Others may end, too: for as long as some do.
  for (;;) {
    const uint32_t before = table_.free_slots();
    for (const Completion& completion : ready_) {
      close_unclaimed(completion);
      if (completion.slot < 0 || !(completion.flags & kCompletionTerminal)) continue;
      table_.release(*table_.at(static_cast<uint32_t>(completion.slot)));
    }
    ready_.clear();
    if (table_.free_slots() > before) return true;
    if (time_is_over()) return false;
    wait_at_end();
    if (ready_.empty()) return false;
  }
}

}  // namespace ringcore
