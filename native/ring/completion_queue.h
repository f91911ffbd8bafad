// The completion queue: the kernel writes CQEs and moves the tail, we read them and move the head.
#pragma once

#include "abi/io_uring_abi.h"
#include "ring/atomics.h"

namespace ringcore {

class CompletionQueue {
 public:
  CompletionQueue() = default;
  CompletionQueue(void* ring, const abi::io_uring_params& params) {
    auto* base = static_cast<unsigned char*>(ring);
    const auto& off = params.cq_off;
    shared_head_ = reinterpret_cast<unsigned*>(base + off.head);
    tail_ = reinterpret_cast<unsigned*>(base + off.tail);
    flags_ = reinterpret_cast<unsigned*>(base + off.flags);
    overflow_ = reinterpret_cast<unsigned*>(base + off.overflow);
    cqes_ = reinterpret_cast<abi::io_uring_cqe*>(base + off.cqes);
    entries_ = params.cq_entries;
    mask_ = entries_ - 1;
    head_ = load_relaxed(shared_head_);
  }

  unsigned entries() const { return entries_; }

  // Acquire: a CQE that the tail covers is completely written.
  bool empty() const { return load_acquire(tail_) == head_; }

  // The kernel's count of all that it has posted, which wraps around.
  unsigned posted() const { return load_acquire(tail_); }

  // Takes every CQE that is there. `each` may drain too: a CQE is taken before it's handled.
  template <class Each>
  unsigned drain(Each each) {
    unsigned taken = 0;
    for (; !empty(); taken++) {
      const abi::io_uring_cqe cqe = cqes_[head_++ & mask_];
      // Release: our read of the CQE comes before the kernel may write the next one in its place.
      store_release(shared_head_, head_);
      each(cqe);
    }
    return taken;
  }

  // Looks at every CQE that is there, and takes none.
  template <class Each>
  void peek(Each each) const {
    for (unsigned at = head_; at != load_acquire(tail_); at++) each(cqes_[at & mask_]);
  }

  // While the loop runs it looks at the queue by itself: no eventfd signal, no wake-up of epoll.
  void mask_eventfd() { store_relaxed(flags_, load_relaxed(flags_) | abi::IORING_CQ_EVENTFD_DISABLED); }
  // The caller must issue a full fence and look at the queue once more afterwards, or it may sleep over a
  // completion.
  void unmask_eventfd() { store_relaxed(flags_, load_relaxed(flags_) & ~abi::IORING_CQ_EVENTFD_DISABLED); }

  // How many CQEs the kernel could not even keep in its overflow list (out of memory): lost.
  unsigned dropped() const { return load_relaxed(overflow_); }

 private:
  unsigned* shared_head_ = nullptr;
  unsigned* tail_ = nullptr;
  unsigned* flags_ = nullptr;
  unsigned* overflow_ = nullptr;
  abi::io_uring_cqe* cqes_ = nullptr;
  unsigned entries_ = 0;
  unsigned mask_ = 0;
  unsigned head_ = 0;
};

}  // namespace ringcore
