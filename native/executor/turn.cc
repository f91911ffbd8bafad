// A turn of the event loop, as the executor takes part in it: work until nothing is due, then let libuv
// sleep. docs/architecture.md draws it.
#include <poll.h>

#include "executor/executor.h"

namespace ringcore {

thread_local int Executor::rings_on_thread = 0;

bool Executor::turn_is_over() const {
  return turn_bytes_ >= kTurnBytes || LoopWatcher::now_ns() - turn_start_ns_ > kTurnNs;
}

void Executor::on_prepare() {
  prepare();
  if (trace_.on()) poll_begin_ns_ = LoopWatcher::now_ns();
}

void Executor::prepare() {
  TraceSpan span(trace_, TraceEvent::kPrepare);
  sleep_allowed_ = false;
  answer_bytes_ = 0;
  if (answers_due_) {
    answers_due_ = false;
    client_->give_answers();
    if (closing_) return;
    update_loop_reference();
  }
  spin_.new_turn();
  turn_start_ns_ = LoopWatcher::now_ns();
  mounts_.new_turn();
  // What the check phase before has handled counts too: timers and others come between.
  const bool used_up = turn_bytes_ >= kTurnBytes;
  for (int round = 0; round < kMaxRounds && !used_up; round++) {
    begin_deferred();
    if (due()) enter(true);
    reap();
    if (dispatch_ready()) {
      if (closing_) return;
      if (turn_is_over()) break;
      continue;
    }
    if (due() || !deferred_.empty()) {
      if (turn_is_over()) break;
      continue;
    }
    // One turn, one answer to whoever asks again: others are to have theirs in between.
    if (answers_due_) break;
    const int timeout_ms = watcher_->timeout_ms();
    // 0 may also mean that libuv has descriptors to add to epoll first, and will sleep then.
    if (waits_in_ring() && timeout_ms != 0) return wait_in_ring(timeout_ms);
    if (timeout_ms != 0 && spin_pays() && spin()) {
      stats_.spin_hits++;
      watcher_->update_time();
      continue;
    }
    if (may_sleep()) return;
  }
  // The turn is used up, and work remains: let libuv look after the others without sleeping, and come back.
  if (ring_->sq.pending() > 0 && turn_bytes_ < kTurnBytes) enter(false);
  watcher_->keep_awake(true);
}

// With few operations in flight each is worth waiting for: the peer that we answered is about to answer. With
// many, a completion comes within any spin, and the loop would never sleep, even at half its capacity.
bool Executor::spin_pays() const {
  constexpr uint32_t kFew = 8;
  return table_.in_flight() > 0 && table_.in_flight() <= kFew;
}

bool Executor::spin() {
  TraceSpan span(trace_, TraceEvent::kSpin);
  span.result = spin_.wait([this] { return ring_->wants_enter() || !ring_->cq.empty(); },
                           &LoopWatcher::now_ns, last_completion_ns_);
  return span.result;
}

// From here on completions signal the eventfd. One that came just before did not: so look once more.
bool Executor::may_sleep() {
  ring_->cq.unmask_eventfd();
  // Full fence: the unmasking must be visible to the kernel before our last look at its side.
  full_fence();
  // An SQPOLL thread consumes without our knowing: what it has still to take must not keep the loop alive for
  // longer than that.
  const bool only_pending = referenced_ == 0 && ring_->sq.pending() > 0;
  if (due() || !ring_->cq.empty() || only_pending) {
    ring_->cq.mask_eventfd();
    return false;
  }
  sleep_allowed_ = true;
  update_loop_reference();
  return true;
}

// A barrier would wait for the poll on the loop's epoll, too: to the kernel that is an operation like others.
bool Executor::waits_in_ring() {
  if (draining()) {
    if (loop_poll_armed_) ring_->cancel(own_user_data(CqeTag::kLoopPoll));
    return false;
  }
  return options_.wait_in_ring && rings_on_thread == 1;
}

void Executor::wait_in_ring(int timeout_ms) {
  if (!loop_poll_armed_) {
    // libuv's other descriptors end the wait through its epoll.
    queue_own(Poll{watcher_->backend_fd(), POLLIN}, CqeTag::kLoopPoll);
    loop_poll_armed_ = true;
  }
  const abi::kernel_timespec timeout = timespec_of(timeout_ms);
  wait(timeout_ms < 0 ? nullptr : &timeout);
  watcher_->update_time();
  update_loop_reference();
  watcher_->keep_awake(
      true);  // libuv now polls its own descriptors without waiting; on_check() does the rest
}

// It has woken the loop; libuv's check phase comes next.
void Executor::on_readable() { ring_->cq.mask_eventfd(); }

void Executor::on_check() {
  if (trace_.on() && poll_begin_ns_ != 0) trace_.span(TraceEvent::kPoll, poll_begin_ns_, 0, 0, 0);
  TraceSpan span(trace_, TraceEvent::kCheck);
  turn_bytes_ = 0;
  sleep_allowed_ = false;
  watcher_->keep_awake(false);
  ring_->cq.mask_eventfd();
  if (due()) enter(true);
  reap();
  dispatch_ready();
}

}  // namespace ringcore
