#include "op/op_table.h"

#include <sys/mman.h>

#include <new>

#include "ring/assert.h"

namespace ringcore {
namespace {

void* reserve_memory(size_t bytes) {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  RINGCORE_ASSERT(memory != MAP_FAILED, "address space for the table of operations");
  return memory;
}

}  // namespace

OpTable::OpTable(uint32_t capacity) : capacity_(capacity) {
  // Reserved whole, resident only where touched: slots are constructed when first used.
  ops_ = static_cast<Op*>(reserve_memory(capacity * sizeof(Op)));
  scratchpads_ = static_cast<Scratchpad*>(reserve_memory(capacity * sizeof(Scratchpad)));
  free_ = static_cast<uint32_t*>(reserve_memory(capacity * sizeof(uint32_t)));
}

OpTable::~OpTable() {
  RINGCORE_ASSERT(in_flight_ == 0, "the kernel may still write to memory that these operations hold");
  for (uint32_t i = 0; i < touched_; i++) ops_[i].storage.release();
  munmap(ops_, capacity_ * sizeof(Op));
  munmap(scratchpads_, capacity_ * sizeof(Scratchpad));
  munmap(free_, capacity_ * sizeof(uint32_t));
}

Op* OpTable::acquire(uint8_t kind) {
  Op* op;
  if (free_count_ > 0) {
    op = &ops_[free_[--free_count_]];
  } else if (touched_ < capacity_) {
    op = new (&ops_[touched_]) Op(touched_, scratchpads_[touched_]);
    touched_++;
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
  const auto slot = static_cast<uint32_t>(user_data);
  if (slot >= touched_) return nullptr;
  Op& op = ops_[slot];
  if (op.generation != (user_data >> 32 & kGenerationMask)) return nullptr;
  return op.state == OpState::kSubmitted || op.state == OpState::kCancelling ? &op : nullptr;
}

Op* OpTable::active(uint32_t slot) {
  if (slot >= touched_) return nullptr;
  Op& op = ops_[slot];
  return op.state == OpState::kSubmitted || op.state == OpState::kCancelling ? &op : nullptr;
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
  free_[free_count_++] = op.slot;
}

}  // namespace ringcore
