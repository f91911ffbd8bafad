// native/op: the table of operations, and what an operation stores. The last test drives a real ring with it.
#include "op/op_table.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "check.h"
#include "op/op_kinds.h"
#include "ring/ring.h"

namespace {

using namespace ringcore;

uint64_t user_data(const Op& op) { return op.user_data(CqeTag::kOperation); }

void finish(OpTable& table, Op& op) {
  table.deliver(op);
  table.release(op);
}

// What the process says when `body` breaks one of the table's rules.
template <class Body>
bool dies(Body body) {
  const check::Death death = check::death([&] {
    OpTable table(4);
    body(table);
  });
  return death.aborted && death.output.find("does not hold") != std::string::npos;
}

}  // namespace

// ---- Slots and generations --------------------------------------------------------------------------------

TEST("table: slots are handed out up to the capacity, then none") {
  OpTable table(3);
  CHECK_EQ(table.capacity(), 3u);
  std::set<uint32_t> slots;
  std::vector<Op*> ops;
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(table.free_slots(), 3u - i);
    Op* op = table.acquire(0);
    REQUIRE(op != nullptr);
    CHECK(op->state == OpState::kSubmitted);
    slots.insert(op->slot);
    ops.push_back(op);
  }
  CHECK(slots == (std::set<uint32_t>{0, 1, 2}));
  CHECK_EQ(table.in_flight(), 3u);
  CHECK(table.acquire(0) == nullptr);
  finish(table, *ops[1]);
  CHECK_EQ(table.acquire(0)->slot, 1u);
  CHECK(table.acquire(0) == nullptr);
  for (uint32_t slot = 0; slot < 3; slot++) finish(table, *table.at(slot));
  CHECK_EQ(table.free_slots(), 3u);
  CHECK_EQ(table.in_flight(), 0u);
}

TEST("table: a new tenant starts afresh, in a new generation") {
  OpTable table(1);
  Op* op = table.acquire(7);
  CHECK_EQ(op->kind, 7);
  const uint32_t generation = op->generation;
  op->referenced = false;
  op->timed_out = true;
  op->cqes_due = 2;
  op->aux = 5;
  op->out = op;
  op->storage.store(1);
  finish(table, *op);
  Op* next = table.acquire(8);
  CHECK_EQ(next, op);
  CHECK_EQ(next->kind, 8);
  CHECK_EQ(next->generation, generation + 1);
  CHECK(next->referenced);
  CHECK(!next->timed_out);
  CHECK_EQ(next->cqes_due, 1);
  CHECK_EQ(next->aux, 0);
  CHECK(next->out == nullptr);
  CHECK(next->read_file == nullptr);
  finish(table, *next);
}

TEST("user_data: slot, generation and tag are told apart") {
  Scratchpad scratchpad;
  Op op(0x12345678, scratchpad);
  op.generation = 0xabcdef;
  const uint64_t value = op.user_data(CqeTag::kLinkTimeout);
  CHECK_EQ(value, 0x01abcdef12345678u);
  CHECK(Op::tag_of(value) == CqeTag::kLinkTimeout);
  CHECK(Op::tag_of(op.user_data(CqeTag::kOperation)) == CqeTag::kOperation);
}

TEST("find: the tenant by any tag, nobody else") {
  OpTable table(4);
  Op* op = table.acquire(0);
  CHECK_EQ(table.find(user_data(*op)), op);
  CHECK_EQ(table.find(op->user_data(CqeTag::kLinkTimeout)), op);
  CHECK(table.find(user_data(*op) + 1) == nullptr);                    // a slot never used
  CHECK(table.find(user_data(*op) + (uint64_t{1} << 32)) == nullptr);  // a generation to come
  CHECK(table.find((uint64_t{1} << 32) - 1) == nullptr);               // beyond the table
  CHECK(table.find(~uint64_t{0}) == nullptr);
  table.cancelling(*op);
  CHECK_EQ(table.find(user_data(*op)), op);
  const uint64_t stale = user_data(*op);
  table.deliver(*op);
  CHECK(table.find(stale) == nullptr);  // a second final CQE would be a stale one
  table.release(*op);
  CHECK(table.find(stale) == nullptr);
  Op* next = table.acquire(0);
  CHECK_EQ(next, op);
  CHECK(table.find(stale) == nullptr);
  CHECK_EQ(table.find(user_data(*next)), next);
  finish(table, *next);
}

TEST("find: stale user_data is recognised over many tenants of a slot") {
  OpTable table(1);
  std::vector<uint64_t> past;
  for (int i = 0; i < 1000; i++) {
    Op* op = table.acquire(0);
    for (const uint64_t stale : past) {
      if (!CHECK(table.find(stale) == nullptr)) return;
    }
    past.push_back(user_data(*op));
    finish(table, *op);
  }
}

TEST("generation: wraps within its 24 bits and leaves the tag alone") {
  OpTable table(1);
  Op* op = table.acquire(0);
  finish(table, *op);
  op->generation = 0xffffff;
  op = table.acquire(0);
  CHECK_EQ(op->generation, 0u);
  CHECK(Op::tag_of(user_data(*op)) == CqeTag::kOperation);
  CHECK_EQ(table.find(user_data(*op)), op);
  finish(table, *op);
}

TEST("active: only what the kernel still has") {
  OpTable table(4);
  CHECK(table.active(0) == nullptr);
  CHECK(table.active(4) == nullptr);
  Op* op = table.acquire(0);
  CHECK_EQ(table.active(op->slot), op);
  table.cancelling(*op);
  CHECK_EQ(table.active(op->slot), op);
  table.deliver(*op);
  CHECK(table.active(op->slot) == nullptr);
  table.release(*op);
  CHECK(table.active(op->slot) == nullptr);
}

TEST("delivered: the slot stays taken until its result was seen") {
  OpTable table(1);
  Op* op = table.acquire(0);
  table.deliver(*op);
  CHECK_EQ(table.in_flight(), 0u);
  CHECK_EQ(table.free_slots(), 0u);
  CHECK(table.acquire(0) == nullptr);
  table.release(*op);
  CHECK_EQ(table.free_slots(), 1u);
}

TEST("abandon: gives the slot back, and its user_data is stale") {
  OpTable table(1);
  Op* op = table.acquire(0);
  const uint64_t stale = user_data(*op);
  op->storage.store_string(std::string(1000, 'x'));
  table.abandon(*op);
  CHECK_EQ(table.in_flight(), 0u);
  CHECK_EQ(table.free_slots(), 1u);
  CHECK(table.find(stale) == nullptr);
}

TEST("for_each_in_flight: submitted and cancelling ones, each once") {
  OpTable table(8);
  std::vector<Op*> ops;
  for (int i = 0; i < 5; i++) ops.push_back(table.acquire(0));
  table.cancelling(*ops[1]);
  table.deliver(*ops[2]);
  finish(table, *ops[3]);
  std::string seen;
  table.for_each_in_flight([&](Op& op) { seen += std::to_string(op.slot); });
  CHECK_EQ(seen, "014");
  table.release(*ops[2]);
  for (const int i : {0, 1, 4}) finish(table, *ops[i]);
}

// ---- Rules: breaking one ends the process -----------------------------------------------------------------

TEST("rules: a full life breaks none") {
  CHECK(!dies([](OpTable& table) {
    Op* op = table.acquire(0);
    table.cancelling(*op);
    finish(table, *op);
  }));
}

TEST("rules: what was cancelled is not cancelled again") {
  CHECK(dies([](OpTable& table) {
    Op* op = table.acquire(0);
    table.cancelling(*op);
    table.cancelling(*op);
  }));
}

TEST("rules: nothing is cancelled after its final CQE") {
  CHECK(dies([](OpTable& table) {
    Op* op = table.acquire(0);
    table.deliver(*op);
    table.cancelling(*op);
  }));
}

TEST("rules: a final CQE comes once") {
  CHECK(dies([](OpTable& table) {
    Op* op = table.acquire(0);
    table.deliver(*op);
    table.deliver(*op);
  }));
  CHECK(dies([](OpTable& table) {
    Op* op = table.acquire(0);
    finish(table, *op);
    table.deliver(*op);
  }));
}

TEST("rules: a slot is not released while the kernel has its operation, nor twice") {
  CHECK(dies([](OpTable& table) { table.release(*table.acquire(0)); }));
  CHECK(dies([](OpTable& table) {
    Op* op = table.acquire(0);
    finish(table, *op);
    table.release(*op);
  }));
}

TEST("rules: only what was never submitted is abandoned") {
  CHECK(dies([](OpTable& table) {
    Op* op = table.acquire(0);
    table.deliver(*op);
    table.abandon(*op);
  }));
}

TEST("rules: the table outlives what is in flight") {
  CHECK(dies([](OpTable& table) {
    table.acquire(0);
    table.~OpTable();
  }));
}

// ---- Storage ----------------------------------------------------------------------------------------------

TEST("storage: memory is zeroed, aligned and apart, small and large") {
  LocalStorage storage;
  std::map<unsigned char*, size_t> blocks;
  for (const size_t bytes : {1, 7, 8, 100, 24, 5000, 16, 0, 128, 64 * 1024}) {
    auto* memory = static_cast<unsigned char*>(storage.allocate(bytes));
    CHECK_EQ(reinterpret_cast<uintptr_t>(memory) % 8, 0u);
    for (size_t i = 0; i < bytes; i++) {
      if (!CHECK_EQ(memory[i], 0)) break;
    }
    std::memset(memory, 0xff, bytes);
    if (bytes > 0) blocks[memory] = bytes;
  }
  const unsigned char* end = nullptr;
  for (const auto& [memory, bytes] : blocks) {
    CHECK(memory >= end);
    end = memory + bytes;
  }
  storage.release();
}

TEST("storage: released memory is reused, and zeroed again") {
  LocalStorage storage;
  auto* first = static_cast<unsigned char*>(storage.allocate(32));
  std::memset(first, 0xff, 32);
  storage.release();
  auto* second = static_cast<unsigned char*>(storage.allocate(32));
  CHECK_EQ(first, second);
  const unsigned char zeros[32] = {};
  CHECK_BYTES(second, zeros, 32);
  storage.release();
  storage.release();  // has nothing left to do
}

TEST("storage: a string is closed by a zero, whatever its length") {
  LocalStorage storage;
  for (const size_t length : {0, 1, 7, 8, 100, 159, 160, 4095}) {
    const std::string text(length, 'p');
    CHECK_EQ(storage.store_string(text), text);
  }
  storage.release();
}

// ---- With a ring ------------------------------------------------------------------------------------------

TEST("100,000 operations on a ring of 64 entries: each completes once, in its generation") {
  constexpr uint32_t kCount = 100'000;
  constexpr uint32_t kSlots = 256;
  SetupError error;
  const uint8_t opcodes[] = {Nop::kOpcode, Timeout::kOpcode};
  const auto ring = Ring::open(RingOptions{.entries = 64, .cq_entries = 128}, opcodes, &error);
  if (ring == nullptr) SKIP(std::string(error.step) + ": " + std::strerror(-error.error));
  OpTable table(kSlots);
  std::vector<uint8_t> completions(kCount);
  std::vector<uint32_t> number_of(kSlots);
  uint64_t last_user_data = ~uint64_t{0};
  uint32_t started = 0;
  uint32_t finished = 0;
  uint32_t stale = 0;
  uint32_t batch = 1;
  const abi::kernel_timespec limit{10, 0};

  // A fault shows as a count that is missing at the end, not as a test without an end.
  for (uint32_t round = 0; finished < kCount && round < kCount; round++) {
    // Batches from 1 to more than both queues hold, and a linked pair now and then.
    batch = (batch * 7 + 3) % 300;
    for (uint32_t i = 0; i < batch && started < kCount && table.free_slots() >= 2; i++) {
      const bool linked = started % 11 == 0 && started + 1 < kCount;
      if (linked) ring->sq.reserve(2);
      for (int part = 0; part < (linked ? 2 : 1); part++) {
        Op* op = table.acquire(kKindOf<Nop>);
        number_of[op->slot] = started++;
        abi::io_uring_sqe& sqe = ring->sq.next();
        sqe.opcode = Nop::kOpcode;
        sqe.flags = linked && part == 0 ? abi::IOSQE_IO_LINK : 0;
        sqe.user_data = op->user_data(CqeTag::kOperation);
        Nop{}.fill(sqe);
      }
    }
    const unsigned count = ring->sq.publish();
    const int taken = ring->enter(count, table.in_flight() > 0 ? 1 : 0, abi::IORING_ENTER_GETEVENTS, &limit);
    if (taken < 0 && taken != -EINTR && taken != -EBUSY && taken != -EAGAIN) {
      CHECK_EQ(taken, 0);
      break;
    }
    ring->cq.drain([&](const abi::io_uring_cqe& cqe) {
      Op* op = table.find(cqe.user_data);
      if (op == nullptr) {
        stale++;
        return;
      }
      if (cqe.res != 0) CHECK_EQ(cqe.res, 0);
      completions[number_of[op->slot]]++;
      finished++;
      if (table.find(last_user_data) != nullptr) CHECK(!"an operation that is done was found");
      finish(table, *op);
      last_user_data = cqe.user_data;
    });
  }
  CHECK_EQ(finished, kCount);
  CHECK_EQ(stale, 0u);
  CHECK_EQ(table.in_flight(), 0u);
  CHECK(ring->sq.spilled() > 0);  // the backlog had its part
  CHECK_EQ(ring->cq.dropped(), 0u);
  for (uint32_t i = 0; i < kCount; i++) {
    if (!CHECK_EQ(completions[i], 1)) break;
  }
  // Should the loop have ended early, let go of what is left.
  table.for_each_in_flight([&](Op& op) { table.deliver(op); });
}
