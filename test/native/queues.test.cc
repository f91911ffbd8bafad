// native/ring: the arithmetic of both queues, on memory of our own, where the indices can stand just before
// their wrap-around at 2^32 and the test plays the kernel.
#include <string>
#include <vector>

#include "abi/io_uring_abi.h"
#include "check.h"
#include "ring/completion_queue.h"
#include "ring/submission_queue.h"

namespace {

namespace abi = ringcore::abi;
using ringcore::CompletionQueue;
using ringcore::SubmissionQueue;

// Both queues over plain memory, with the indices where the test wants them; the test plays the kernel.
struct FakeRing {
  static constexpr unsigned kEntries = 4;

  explicit FakeRing(unsigned start, unsigned flags = abi::IORING_SETUP_NO_SQARRAY) {
    params.flags = flags;
    params.sq_entries = params.cq_entries = kEntries;
    params.sq_off = {0, 4, 8, 12, 16, 20, 24, 0, 0};
    params.cq_off = {64, 68, 72, 76, 80, 128, 84, 0, 0};
    word(params.sq_off.head) = word(params.sq_off.tail) = start;
    word(params.cq_off.head) = word(params.cq_off.tail) = start;
    sq = SubmissionQueue(memory, params, sqes);
    cq = CompletionQueue(memory, params);
  }

  unsigned& word(unsigned offset) { return *reinterpret_cast<unsigned*>(memory + offset); }
  unsigned& sq_head() { return word(params.sq_off.head); }
  unsigned& sq_tail() { return word(params.sq_off.tail); }

  // Takes up to `count` published SQEs, as the kernel does.
  std::vector<abi::io_uring_sqe> take(unsigned count) {
    std::vector<abi::io_uring_sqe> taken;
    for (; count > 0 && sq_head() != sq_tail(); count--) taken.push_back(sqes[sq_head()++ % kEntries]);
    return taken;
  }

  void post(uint64_t user_data) {
    unsigned& tail = word(params.cq_off.tail);
    auto* cqes = reinterpret_cast<abi::io_uring_cqe*>(memory + params.cq_off.cqes);
    cqes[tail++ % kEntries] = {user_data, 0, 0};
  }

  abi::io_uring_params params{};
  alignas(64) unsigned char memory[256] = {};
  abi::io_uring_sqe sqes[kEntries] = {};
  SubmissionQueue sq;
  CompletionQueue cq;
};

void fill(SubmissionQueue& sq, uint64_t user_data, uint8_t flags = 0) {
  abi::io_uring_sqe& sqe = sq.next();
  sqe.user_data = user_data;
  sqe.flags = flags;
}

std::string ids(const std::vector<abi::io_uring_sqe>& sqes) {
  std::string text;
  for (const auto& sqe : sqes) text += std::to_string(sqe.user_data) + " ";
  return text;
}

// Just before the indices wrap.
constexpr unsigned kLate = ~0u - 1;

}  // namespace

TEST("submission queue: goes on across the wrap of its indices") {
  FakeRing fake(kLate);
  uint64_t next = 0;
  uint64_t expected = 0;
  for (int round = 0; round < 8; round++) {
    for (int i = 0; i < 3; i++) fill(fake.sq, next++);
    CHECK_EQ(fake.sq.pending(), 3u);
    CHECK_EQ(fake.sq.publish(), 3u);
    for (const auto& sqe : fake.take(4)) CHECK_EQ(sqe.user_data, expected++);
    CHECK_EQ(fake.sq.pending(), 0u);
  }
  CHECK_EQ(expected, 24u);
  CHECK_EQ(fake.sq_tail(), kLate + 24);
  CHECK_EQ(fake.sq.spilled(), 0u);
}

TEST("submission queue: an SQE is not shown before publish, and is zeroed for its next tenant") {
  FakeRing fake(0);
  fill(fake.sq, 7, abi::IOSQE_ASYNC);
  fake.sqes[0].addr3 = 99;
  CHECK_EQ(fake.sq_tail(), 0u);
  fake.sq.publish();
  CHECK_EQ(fake.sq_tail(), 1u);
  fake.take(1);
  for (int i = 0; i < 3; i++) fill(fake.sq, 0);
  const abi::io_uring_sqe zero{};
  CHECK_BYTES(&fake.sq.next(), &zero, sizeof(zero));
}

TEST("submission queue: before 6.6 the index array is the identity") {
  FakeRing fake(kLate, 0);
  for (unsigned i = 0; i < FakeRing::kEntries; i++) CHECK_EQ(fake.word(fake.params.sq_off.array + 4 * i), i);
}

TEST("submission queue: more than it holds waits in the backlog, in order") {
  FakeRing fake(kLate);
  for (uint64_t i = 0; i < 10; i++) fill(fake.sq, i);
  CHECK_EQ(fake.sq.pending(), 10u);
  CHECK_EQ(fake.sq.spilled(), 6u);
  CHECK_EQ(fake.sq.publish(), 4u);
  CHECK_EQ(ids(fake.take(3)), "0 1 2 ");
  CHECK(fake.sq.has_backlog());
  fill(fake.sq, 10);  // there is room again, but it is behind the others
  CHECK_EQ(fake.sq.publish(), 4u);
  CHECK_EQ(ids(fake.take(4)), "3 4 5 6 ");
  CHECK_EQ(fake.sq.publish(), 4u);
  CHECK_EQ(ids(fake.take(4)), "7 8 9 10 ");
  CHECK_EQ(fake.sq.publish(), 0u);
  CHECK(!fake.sq.has_backlog());
}

TEST("submission queue: a chain is published whole or not at all") {
  FakeRing fake(kLate);
  fill(fake.sq, 1);
  fill(fake.sq, 2);
  fake.sq.reserve(3);
  fill(fake.sq, 3, abi::IOSQE_IO_LINK);
  fill(fake.sq, 4, abi::IOSQE_IO_HARDLINK);
  fill(fake.sq, 5);
  fill(fake.sq, 6);
  CHECK_EQ(fake.sq.publish(), 2u);  // two places are free, the chain needs three
  CHECK_EQ(ids(fake.take(1)), "1 ");
  CHECK_EQ(fake.sq.publish(), 4u);
  CHECK_EQ(ids(fake.take(4)), "2 3 4 5 ");
  CHECK_EQ(fake.sq.publish(), 1u);
  CHECK_EQ(ids(fake.take(4)), "6 ");
}

TEST("submission queue: reserving what fits uses the queue itself") {
  FakeRing fake(0);
  fake.sq.reserve(4);
  for (uint64_t i = 0; i < 4; i++) fill(fake.sq, i);
  CHECK_EQ(fake.sq.spilled(), 0u);
  CHECK_EQ(fake.sq.publish(), 4u);
}

TEST("submission queue: a chain longer than the queue is a fault of ours") {
  const check::Death death = check::death([] {
    FakeRing fake(0);
    fake.sq.reserve(5);
  });
  CHECK(death.aborted);
  CHECK(death.output.find("longer than the submission queue") != std::string::npos);
}

TEST("submission queue: inline copying is cut at whole chains, and never to nothing") {
  FakeRing fake(kLate);
  const auto read = [&](uint32_t bytes, uint8_t flags) {
    abi::io_uring_sqe& sqe = fake.sq.next();
    sqe.opcode = abi::IORING_OP_READ;
    sqe.len = bytes;
    sqe.flags = flags;
  };
  read(100, abi::IOSQE_IO_LINK);
  read(100, 0);
  read(50, 0);
  fill(fake.sq, 0);  // a nop copies nothing
  fake.sq.publish();
  CHECK_EQ(fake.sq.within(1), 2u);
  CHECK_EQ(fake.sq.within(200), 2u);
  CHECK_EQ(fake.sq.within(249), 2u);
  CHECK_EQ(fake.sq.within(250), 4u);
}

TEST("completion queue: goes on across the wrap of its indices") {
  FakeRing fake(kLate);
  uint64_t next = 0;
  uint64_t expected = 0;
  for (int round = 0; round < 6; round++) {
    CHECK(fake.cq.empty());
    for (int i = 0; i < 4; i++) fake.post(next++);
    CHECK(!fake.cq.empty());
    const unsigned taken = fake.cq.drain([&](const abi::io_uring_cqe& cqe) {
      CHECK_EQ(cqe.user_data, expected++);
      if (expected % 8 == 0) fake.post(next++);  // what arrives meanwhile is taken too
    });
    CHECK(taken == 4 || taken == 5);
  }
  CHECK_EQ(expected, next);
  CHECK_EQ(fake.word(fake.params.cq_off.head), kLate + static_cast<unsigned>(next));
}

TEST("completion queue: an entry's place is free while it is handled") {
  FakeRing fake(0);
  fake.post(1);
  fake.cq.drain([&](const abi::io_uring_cqe&) { CHECK_EQ(fake.word(fake.params.cq_off.head), 1u); });
}

TEST("completion queue: the eventfd's mask is one bit of the flags") {
  FakeRing fake(0);
  unsigned& flags = fake.word(fake.params.cq_off.flags);
  flags = 2;
  fake.cq.mask_eventfd();
  CHECK_EQ(flags, 2 | abi::IORING_CQ_EVENTFD_DISABLED);
  fake.cq.unmask_eventfd();
  CHECK_EQ(flags, 2u);
}
