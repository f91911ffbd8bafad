// The submission queue: SQEs are filled in place and shown to the kernel by one store of the tail.
//
// When the mapped queue is full, entries wait in a backlog in our own memory and move over as the kernel
// consumes: filling an SQE never fails and never makes a system call. Linked entries always move together,
// since the kernel ends a chain at the end of what one io_uring_enter submits.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>

#include "abi/io_uring_abi.h"
#include "ring/assert.h"
#include "ring/atomics.h"

namespace ringcore {

class SubmissionQueue {
 public:
  SubmissionQueue() = default;
  SubmissionQueue(void* ring, const abi::io_uring_params& params, abi::io_uring_sqe* sqes) : sqes_(sqes) {
    auto* base = static_cast<unsigned char*>(ring);
    const auto& off = params.sq_off;
    head_ = reinterpret_cast<unsigned*>(base + off.head);
    shared_tail_ = reinterpret_cast<unsigned*>(base + off.tail);
    flags_ = reinterpret_cast<unsigned*>(base + off.flags);
    entries_ = params.sq_entries;
    mask_ = entries_ - 1;
    tail_ = load_relaxed(shared_tail_);
    // Before 6.6 (NO_SQARRAY) the kernel reads indices from this array. Ours is the identity, written once.
    if (!(params.flags & abi::IORING_SETUP_NO_SQARRAY)) {
      auto* array = reinterpret_cast<unsigned*>(base + off.array);
      for (unsigned i = 0; i < entries_; i++) array[i] = i;
    }
  }

  unsigned entries() const { return entries_; }

  // Entries that the next `count` calls of next() may fill without being torn apart by a submission between
  // them.
  void reserve(unsigned count) {
    RINGCORE_ASSERT(count <= entries_,
                    "a chain longer than the submission queue can't be submitted in one piece");
    if (backlog_.empty() && free_entries() < count) spill_ = true;
  }

  // A zeroed SQE to fill, valid until the next call of next() or publish().
  abi::io_uring_sqe& next() {
    if (spill_ || !backlog_.empty() || free_entries() == 0) {
      spill_ = false;
      spilled_++;
      filled_++;
      return backlog_.emplace_back();
    }
    filled_++;
    abi::io_uring_sqe& sqe = sqes_[tail_++ & mask_];
    std::memset(&sqe, 0, sizeof(sqe));
    return sqe;
  }

  // Shows what was filled to the kernel and returns how many SQEs it has not consumed yet.
  unsigned publish() {
    refill();
    // Release: the kernel must see the SQEs' contents before it sees the new tail.
    store_release(shared_tail_, tail_);
    return in_queue();
  }

  // How many of the published SQEs make up at most about `bytes` of inline copying: whole chains, at least
  // one.
  unsigned within(uint64_t bytes) const {
    const unsigned head = load_acquire(head_);
    uint64_t sum = 0;
    unsigned whole = 0;
    for (unsigned i = 0; head + i != tail_; i++) {
      const abi::io_uring_sqe& sqe = sqes_[(head + i) & mask_];
      sum += copied_bytes(sqe);
      if (sum > bytes && whole > 0) return whole;
      if (!(sqe.flags & kLinkFlags)) whole = i + 1;
    }
    return tail_ - head;
  }

  // Filled, and not consumed by the kernel: published or not, backlog included.
  size_t pending() const { return in_queue() + backlog_.size(); }
  bool has_unpublished() const { return tail_ != load_relaxed(shared_tail_) || has_backlog(); }
  bool has_backlog() const { return !backlog_.empty(); }
  uint64_t spilled() const { return spilled_; }
  uint64_t consumed() const { return filled_ - pending(); }

  unsigned kernel_flags() const { return load_relaxed(flags_); }
  // For right before an io_uring_enter(GETEVENTS), which runs all task work there is. The kernel clears the
  // flag once, at the start of that; work that a worker adds meanwhile is run too, but leaves the flag set,
  // and with nothing to do it would send us into the kernel again and again. Whether it was set.
  bool clear_taskrun() { return fetch_and(flags_, ~abi::IORING_SQ_TASKRUN) & abi::IORING_SQ_TASKRUN; }
  // The call ended before that: the kernel sets the flag for the first of the work only.
  void restore_taskrun() { fetch_or(flags_, abi::IORING_SQ_TASKRUN); }

 private:
  static constexpr uint8_t kLinkFlags = abi::IOSQE_IO_LINK | abi::IOSQE_IO_HARDLINK;

  // Reads and writes of the page cache, and sends, are done while they are submitted.
  static uint64_t copied_bytes(const abi::io_uring_sqe& sqe) {
    switch (sqe.opcode) {
      case abi::IORING_OP_READ:
      case abi::IORING_OP_WRITE:
      case abi::IORING_OP_READ_FIXED:
      case abi::IORING_OP_WRITE_FIXED:
      case abi::IORING_OP_SEND:
        return sqe.len;
      default:
        return 0;
    }
  }

  // Acquire: the kernel has finished reading the SQEs before the head that we see; they may be overwritten.
  unsigned in_queue() const { return tail_ - load_acquire(head_); }
  unsigned free_entries() const { return entries_ - in_queue(); }

  void refill() {
    while (!backlog_.empty()) {
      size_t unit = 1;
      while (unit < backlog_.size() && (backlog_[unit - 1].flags & kLinkFlags)) unit++;
      if (unit > free_entries()) return;
      for (; unit > 0; unit--) {
        sqes_[tail_++ & mask_] = backlog_.front();
        backlog_.pop_front();
      }
    }
  }

  unsigned* head_ = nullptr;
  unsigned* shared_tail_ = nullptr;
  unsigned* flags_ = nullptr;
  abi::io_uring_sqe* sqes_ = nullptr;
  unsigned entries_ = 0;
  unsigned mask_ = 0;
  unsigned tail_ = 0;
  bool spill_ = false;
  uint64_t filled_ = 0;
  uint64_t spilled_ = 0;
  std::deque<abi::io_uring_sqe> backlog_;
};

}  // namespace ringcore
