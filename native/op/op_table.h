// The table of operations that the kernel may still touch. user_data names a slot and the generation of its
// tenant, never an address, so that a completion that comes too late is recognised, not believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "op/storage.h"

namespace ringcore {

// free -> submitted -> (cancelling ->) delivered -> free
enum class OpState : uint8_t {
  kFree,        // on the free list
  kSubmitted,   // its SQE is filled: it belongs to the queue or to the kernel
  kCancelling,  // as above, and a cancellation was asked for; the operation may succeed all the same
  kDelivered,   // its last CQE came; the slot is kept until JavaScript has seen the result
};

// What a CQE is about, beside the slot: the highest byte of user_data.
enum class CqeTag : uint8_t {
  kOperation,    // the operation itself
  kLinkTimeout,  // the IORING_OP_LINK_TIMEOUT behind it
  kClose,        // the close at the end of a composite operation
  kIgnored,      // a cancellation that nobody waits for
  kMessage,      // from another ring's IORING_OP_MSG_RING
  kCancelTimer,  // the executor's own: time to repeat a cancellation
  kLoopPoll,     // the executor's own poll on libuv's epoll
};

struct ReadFile;

struct Op {
  Op(uint32_t number, Scratchpad& scratchpad) : slot(number), storage(scratchpad) {}

  const uint32_t slot;
  uint32_t next_free = 0;  // on the free list: the slot behind it
  uint32_t generation = 0;
  OpState state = OpState::kFree;
  uint8_t kind = 0;
  uint8_t cqes_due = 0;           // final CQEs still to come: the operation's, its link timeout's
  bool referenced = true;         // keeps the event loop alive
  bool timed_out = false;         // its link timeout fired
  bool makes_descriptor = false;  // its result is an ordinary descriptor: closed if nobody takes it
  bool owned = false;             // the client keeps a list of what it made, from when it arrives, or closes
  bool lasts = false;             // may have an effect that the end of the process waits for
  uint16_t buffer_group = 0;
  int32_t fd = -1;     // the descriptor that it's about, if it is about one
  int32_t result = 0;  // of the operation's final CQE, while its link timeout is due
  uint32_t cqe_flags = 0;
  int32_t aux = 0;                // beside the result: a buffer offset, message flags, a stage
  const void* out = nullptr;      // what the kernel writes beside the result: a msghdr, a pipe's ends
  ReadFile* read_file = nullptr;  // the state of a composite operation
  const char* path = nullptr;     // in the storage; for those who watch
  OpStorage storage;

  uint64_t user_data(CqeTag tag) const {
    return slot | static_cast<uint64_t>(generation) << 32 | static_cast<uint64_t>(tag) << 56;
  }
  static CqeTag tag_of(uint64_t user_data) { return static_cast<CqeTag>(user_data >> 56); }
};

// Its slots come in pages, as they are needed: idle connections each keep some for as long as they last, and
// a ring that has few costs little.
class OpTable {
 public:
  explicit OpTable(uint32_t capacity) : capacity_(capacity) {}
  ~OpTable();
  OpTable(const OpTable&) = delete;
  OpTable& operator=(const OpTable&) = delete;

  // Whether `slots` can be acquired now: as a rule; not when as many are taken, or there is no memory.
  bool make_room(uint32_t slots);
  // Null when there is no room.
  Op* acquire(uint8_t kind);
  // The operation that this user_data was made for, or null if it's gone: the CQE is stale.
  Op* find(uint64_t user_data);
  // The operation in this slot if it's one that the kernel still has, or null.
  Op* active(uint32_t slot);
  // The operation in this slot whose last completion JavaScript has not seen, or null.
  Op* unseen(uint32_t slot) {
    return slot < touched_ && at(slot)->state != OpState::kFree ? at(slot) : nullptr;
  }
  // The operation in this slot, whatever its state.
  Op* at(uint32_t slot) { return reinterpret_cast<Op*>(pages_[slot / kPageSlots]->ops) + slot % kPageSlots; }
  void cancelling(Op& op);
  void deliver(Op& op);
  void release(Op& op);
  // Of an operation that was never submitted.
  void abandon(Op& op);

  uint32_t capacity() const { return capacity_; }
  uint32_t free_slots() const { return capacity_ - used_; }
  // Operations whose last CQE has not come.
  uint32_t in_flight() const { return in_flight_; }

  template <class Each>
  void for_each_in_flight(Each each) {
    for (uint32_t i = 0; i < touched_; i++) {
      if (Op* op = active(i)) each(*op);
    }
  }

 private:
  static constexpr uint32_t kGenerationMask = 0xffffff;
  static constexpr uint32_t kPageSlots = 1024;
  static constexpr uint32_t kNone = ~uint32_t{0};

  struct Page {
    alignas(Op) unsigned char ops[kPageSlots * sizeof(Op)];
    Scratchpad scratchpads[kPageSlots];
  };

  void recycle(Op& op);

  std::vector<Page*> pages_;
  uint32_t free_ = kNone;  // a stack: the slot freed last is the one in the cache
  uint32_t capacity_;
  uint32_t used_ = 0;
  uint32_t touched_ = 0;  // slots from here on were never used: their memory is not even resident
  uint32_t in_flight_ = 0;
};

}  // namespace ringcore
