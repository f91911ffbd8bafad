#include "op/op_table.h"

#include <sys/mman.h>

#include <new>

#include "ring/assert.h"

namespace ringcore {

OpTable::~OpTable() {
  RINGCORE_ASSERT(in_flight_ == 0, "the kernel may still write to memory that these operations hold");
  for (uint32_t slot = 0; slot < touched_; slot++) at(slot)->storage.release();
  for (Page* page : pages_) munmap(page, sizeof(Page));
}

bool OpTable::make_room(uint32_t slots) {
  if (slots > free_slots()) return false;
  while (pages_.size() * kPageSlots < used_ + slots) {
    void* memory = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    pages_.push_back(static_cast<Page*>(memory));
  }
  return true;
}

Op* OpTable::acquire(uint8_t kind) {
  Op* op;
  if (free_ != kNone) {
    op = at(free_);
    free_ = op->next_free;
  } else if (make_room(1)) {
    const uint32_t slot = touched_++;
    op = new (at(slot)) Op(slot, pages_[slot / kPageSlots]->scratchpads[slot % kPageSlots]);
  } else {
    return nullptr;
  }
  RINGCORE_ASSERT(op->state == OpState::kFree, "a slot on the free list is free");
  op->state = OpState::kSubmitted;
  op->generation = (op->generation + 1) & kGenerationMask;
  op->kind = kind;
  op->cqes_due = 1;
  op->referenced = true;
  op->timed_out = false;
  op->makes_descriptor = false;
  op->owned = false;
  op->lasts = false;
  op->fd = -1;
  op->buffer_group = 0;
  op->result = 0;
  op->cqe_flags = 0;
  op->aux = 0;
  op->read_file = nullptr;
  op->path = nullptr;
  op->out = nullptr;
  used_++;
  in_flight_++;
  return op;
}

Op* OpTable::find(uint64_t user_data) {
  Op* op = active(static_cast<uint32_t>(user_data));
  return op != nullptr && op->generation == (user_data >> 32 & kGenerationMask) ? op : nullptr;
}

Op* OpTable::active(uint32_t slot) {
  if (slot >= touched_) return nullptr;
  Op* op = at(slot);
  return op->state == OpState::kSubmitted || op->state == OpState::kCancelling ? op : nullptr;
}

void OpTable::cancelling(Op& op) {
  RINGCORE_ASSERT(op.state == OpState::kSubmitted, "only what the kernel has can be cancelled, and once");
  op.state = OpState::kCancelling;
}

void OpTable::deliver(Op& op) {
  RINGCORE_ASSERT(op.state == OpState::kSubmitted || op.state == OpState::kCancelling,
                  "a final CQE comes once, for an operation that the kernel has");
  op.state = OpState::kDelivered;
  in_flight_--;
  op.storage.release();
  op.path = nullptr;
}

void OpTable::release(Op& op) {
  RINGCORE_ASSERT(op.state == OpState::kDelivered, "a slot is reused only after its result was seen");
  recycle(op);
}

void OpTable::abandon(Op& op) {
  RINGCORE_ASSERT(op.state == OpState::kSubmitted, "abandoned before its SQE was filled");
  in_flight_--;
  op.storage.release();
  recycle(op);
}

void OpTable::recycle(Op& op) {
  op.state = OpState::kFree;
  used_--;
  op.next_free = free_;
  free_ = op.slot;
}

}  // namespace ringcore
