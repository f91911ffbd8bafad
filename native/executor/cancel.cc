// Cancelling operations: by SQEs, or past a barrier that these would wait behind; and again, where the kernel
// did not find them.
#include <algorithm>
#include <vector>

#include "executor/executor.h"
#include "executor/read_file.h"

namespace ringcore {

void Executor::cancel(uint32_t slot) {
  Op* op = table_.active(slot);
  if (op == nullptr || op->state == OpState::kCancelling) return;
  table_.cancelling(*op);
  // What has not begun sees that it is to stop when it's to begin.
  if (op->read_file == nullptr || op->read_file->begun) ask_to_cancel(*op);
}

bool Executor::cancel_now(uint32_t slot) {
  cancel(slot);
  submit_all();
  return ring_->sq.pending() == 0;
}

void Executor::ask_to_cancel(const Op& op) {
  const uint64_t user_data = op.user_data(CqeTag::kIgnored);
  if (draining()) {
    cancel_past_barrier(user_data);
    // An SQPOLL thread may not have taken it yet, and its workers are not looked at.
    if (!ring_->sqpoll() || table_.find(user_data) == nullptr) return;
  }
  fill_next(CancelOperation{op.user_data(CqeTag::kOperation)}, user_data);
  step(op, kKindOf<CancelOperation>);
  queued();
}

// An SQE would wait behind the barrier, and the barrier perhaps for what is to be cancelled. What isn't found
// waits behind the barrier itself: something has to complete first, or the timer's turn has to come.
void Executor::cancel_past_barrier(uint64_t user_data) {
  if (ring_->sq.pending() > 0) submit_all();
  const Op* op = table_.find(user_data);
  if (op == nullptr) return;
  step(*op, kKindOf<CancelOperation>);
  const int found = ring_->cancel(op->user_data(CqeTag::kOperation));
  if (found > 0 || ring_->sqpoll()) return;
  missed_cancels_.push_back(user_data);
  // Behind the barrier as well, and so in time for what stands there.
  arm_cancel_timer();
}

// An operation behind the head of a link can't be found before its turn comes, which is some time after the
// one before it completed: ask again at once when something completed, and now and then as long as any is
// missing.
void Executor::retry_cancels() {
  if (missed_cancels_.empty()) return;
  if (cancel_attempts_ == 0) return arm_cancel_timer();
  cancel_attempts_--;
  std::vector<uint64_t> missed;
  missed.swap(missed_cancels_);
  for (const uint64_t user_data : missed) {
    if (const Op* op = table_.find(user_data)) ask_to_cancel(*op);
  }
}

void Executor::arm_cancel_timer() {
  if (cancel_timer_armed_) return;
  constexpr double kLongestMs = 100;
  cancel_timer_armed_ = true;
  cancel_timer_ = timespec_of(cancel_timer_ms_);
  cancel_timer_ms_ = std::min(cancel_timer_ms_ * 2, kLongestMs);
  queue_own(Timeout{&cancel_timer_, 0, 0}, CqeTag::kCancelTimer);
}

}  // namespace ringcore
