// io_uring_enter: when it is due, with what, and what its errors mean.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "executor/executor.h"

namespace ringcore {

namespace {

// No retry mends it: a seccomp filter was installed behind the ring, for example. What is in flight can't be
// waited for, nor its memory given back.
[[noreturn]] void cannot_enter(int result) {
  std::fprintf(stderr, "ringcore: io_uring_enter: %s\n", std::strerror(-result));
  std::abort();
}

}  // namespace

bool Executor::due() const {
  if (ring_->wants_enter() || (ring_->iopoll() && table_.in_flight() > 0)) return true;
  // An SQPOLL thread takes what was published by itself, unless it sleeps.
  if (ring_->sqpoll())
    return ring_->sq.has_unpublished() || (ring_->sqpoll_sleeps() && ring_->sq.pending() > 0);
  return ring_->sq.pending() > 0;
}

void Executor::enter(bool get_events) {
  if (ring_->sq.kernel_flags() & abi::IORING_SQ_CQ_OVERFLOW) {
    stats_.cq_overflows++;
    get_events = true;  // moves them from the kernel's list to the queue
  }
  ring_->sq.publish();
  const unsigned count =
      ring_->sqpoll() ? 0 : ring_->sq.within(kTurnBytes - std::min(turn_bytes_, kTurnBytes));
  enter_until_taken(count, get_events);
  if (get_events) links_queued_ = 0;
  update_loop_reference();
}

void Executor::enter_until_taken(unsigned count, bool get_events) {
  constexpr int kAttempts = 8;
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    unsigned flags = get_events || ring_->iopoll() ? abi::IORING_ENTER_GETEVENTS : 0;
    if (ring_->sqpoll()) {
      if (!ring_->wants_enter() && !ring_->iopoll()) flags = 0;
      // Full fence: the tail must be visible before the flag is read, or the thread may fall asleep unseen.
      full_fence();
      if (ring_->sqpoll_sleeps()) flags |= abi::IORING_ENTER_SQ_WAKEUP;
      if (flags == 0) return;
    }
    const bool has_work = (flags & abi::IORING_ENTER_GETEVENTS) && ring_->sq.clear_taskrun();
    // The next link of a chain is task work of the one before, and the kernel runs such work until it has the
    // wanted number of completions: so a whole chain that does not wait needs one call. One that does is not
    // waited for.
    // (A time in the past: with zero the kernel would add the thread's timer slack, 50 us.)
    const abi::kernel_timespec at_once{-1, 0};
    const bool run_links = links_queued_ > 0 && (flags & abi::IORING_ENTER_GETEVENTS);
    const int result =
        run_links ? enter_kernel(count, links_queued_, flags, &at_once) : enter_kernel(count, 0, flags);
    // Refused, or it has not taken all: then it has not come to its events.
    const bool cut_short = result != static_cast<int>(count) && result != -ETIME;
    if (has_work && cut_short) ring_->sq.restore_taskrun();
    if (result >= 0) return;
    switch (-result) {
      case EINTR:
        break;
      case ETIME:  // a chain waits
        return;
      case EAGAIN:  // no memory for a request
      case EBUSY:   // completions wait in the kernel's overflow list
      case EBADR:   // and some could not even wait there
        // Make room: our own list takes what the queue holds.
        stats_.retries++;
        enter_kernel(0, 0, abi::IORING_ENTER_GETEVENTS);
        reap();
        break;
      default:
        cannot_enter(result);
    }
  }
  // What is pending stays so: the next turn tries again.
}

// Submits what waits, and sleeps in the kernel until there is a completion; null: however long that takes.
void Executor::wait(const abi::kernel_timespec* timeout) {
  const unsigned count = ring_->sq.publish();
  unsigned flags = abi::IORING_ENTER_GETEVENTS;
  // Awake or not: a thread that is about to fall asleep looks at the queue once more when it's woken.
  if (ring_->sqpoll() && ring_->sq.pending() > 0) flags |= abi::IORING_ENTER_SQ_WAKEUP;
  const int result = enter_kernel(count, 1, flags, timeout);
  switch (-result) {
    case EINTR:
    case ETIME:
    case EAGAIN:
    case EBUSY:
    case EBADR:
      return;
    default:
      if (result < 0) cannot_enter(result);
  }
}

int Executor::enter_kernel(unsigned to_submit, unsigned min_complete, unsigned flags,
                           const abi::kernel_timespec* timeout) {
  stats_.enters++;
  if (!trace_.on()) return ring_->enter(to_submit, min_complete, flags, timeout);
  TraceSpan span(trace_, TraceEvent::kEnter);
  const uint64_t consumed = ring_->sq.consumed();
  const unsigned posted = ring_->cq.posted();
  span.result = ring_->enter(to_submit, min_complete, flags, timeout);
  span.first = static_cast<uint32_t>(ring_->sq.consumed() - consumed);
  span.second = ring_->cq.posted() - posted;
  return span.result;
}

}  // namespace ringcore
