// native/ring: rings of provided buffers, whole and incremental.
#include "ring/buffer_ring.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "check.h"
#include "raw_ring.h"
#include "ring_fixture.h"

namespace {

using ringcore::BufferRing;

abi::io_uring_cqe read_into_group(Ring& ring, int fd, uint16_t group) {
  abi::io_uring_sqe& sqe = ring.sq.next();
  sqe.opcode = abi::IORING_OP_READ;
  sqe.flags = abi::IOSQE_BUFFER_SELECT;
  sqe.fd = fd;
  sqe.off = ~uint64_t{0};
  sqe.buf_group = group;
  const auto cqes = run(ring, 1);
  return cqes.empty() ? abi::io_uring_cqe{0, -ETIME, 0} : cqes[0];
}

unsigned buffer_of(const abi::io_uring_cqe& cqe) { return cqe.flags >> abi::IORING_CQE_BUFFER_SHIFT; }

}  // namespace

TEST("buffer ring: buffers go around, each from its beginning") {
  OPEN_RING(ring);
  int error = 0;
  auto buffers = BufferRing::create(ring, 2, 4, false, &error);
  REQUIRE(CHECK_EQ(error, 0) && buffers != nullptr);
  CHECK_EQ(buffers->entries(), 4u);
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  char memory[4][16] = {};
  for (uint16_t id = 0; id < 4; id++) buffers->provide(id, memory[id], sizeof(memory[id]));
  for (int round = 0; round < 10; round++) {
    const std::string text = "round " + std::to_string(round);
    REQUIRE(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    const abi::io_uring_cqe cqe = read_into_group(ring, ends[0], 2);
    CHECK_EQ(cqe.res, text.size());
    const auto id = static_cast<uint16_t>(buffer_of(cqe));
    REQUIRE(CHECK_EQ(id, round % 4));
    CHECK_EQ(buffers->consume(id, static_cast<uint32_t>(cqe.res), false), 0u);
    CHECK_BYTES(memory[id], text.data(), text.size());
    buffers->provide(id, memory[id], sizeof(memory[id]));
  }
  CHECK_EQ(buffers->unregister(), 0);
  CHECK_EQ(buffers->unregister(), 0);  // done already
  CHECK_EQ(read_into_group(ring, ends[0], 2).res, -ENOBUFS);
  close(ends[0]);
  close(ends[1]);
}

TEST("buffer ring: an incremental one says where each chunk begins") {
  NEEDS_KERNEL(612, "IOU_PBUF_RING_INC");
  OPEN_RING(ring);
  int error = 0;
  auto buffers = BufferRing::create(ring, 0, 2, true, &error);
  REQUIRE(CHECK_EQ(error, 0) && buffers != nullptr);
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  char memory[2][8] = {};
  buffers->provide(0, memory[0], 8);
  buffers->provide(1, memory[1], 8);
  const struct {
    std::string_view text;
    unsigned id;
    unsigned offset;
  } steps[] = {{"abc", 0, 0}, {"defgh", 0, 3}, {"ij", 1, 0}, {"kl", 1, 2}, {"mnop", 1, 4}};
  for (const auto& step : steps) {
    REQUIRE(write(ends[1], step.text.data(), step.text.size()) == static_cast<ssize_t>(step.text.size()));
    const abi::io_uring_cqe cqe = read_into_group(ring, ends[0], 0);
    CHECK_EQ(cqe.res, step.text.size());
    CHECK_EQ(buffer_of(cqe), step.id);
    const bool more = cqe.flags & abi::IORING_CQE_F_BUF_MORE;
    CHECK_EQ(buffers->consume(static_cast<uint16_t>(buffer_of(cqe)), static_cast<uint32_t>(cqe.res), more),
             step.offset);
    CHECK_BYTES(memory[step.id] + step.offset, step.text.data(), step.text.size());
    if (step.text == "defgh") buffers->provide(0, memory[0], 8);  // used up: it may go in again
  }
  close(ends[0]);
  close(ends[1]);
}

TEST("buffer ring: it knows which buffers are out") {
  OPEN_RING(ring);
  int error = 0;
  char memory[2][8] = {};
  auto whole = BufferRing::create(ring, 0, 2, false, &error);
  REQUIRE(CHECK_EQ(error, 0) && whole != nullptr);
  CHECK_EQ(whole->out(), 2u);
  whole->provide(0, memory[0], 8);
  whole->provide(1, memory[1], 8);
  CHECK_EQ(whole->out(), 0u);
  whole->consume(0, 0, false);
  CHECK_EQ(whole->out(), 1u);
  whole->provide(0, memory[0], 8);
  CHECK_EQ(whole->out(), 0u);
}

TEST("buffer ring: an incremental buffer of which nothing was taken stays with the kernel") {
  NEEDS_KERNEL(612, "IOU_PBUF_RING_INC");
  OPEN_RING(ring);
  int error = 0;
  char memory[8] = {};
  auto buffers = BufferRing::create(ring, 0, 1, true, &error);
  REQUIRE(CHECK_EQ(error, 0) && buffers != nullptr);
  buffers->provide(0, memory, 8);
  CHECK_EQ(buffers->consume(0, 3, true), 0u);
  CHECK_EQ(buffers->consume(0, 0, false), 3u);
  CHECK_EQ(buffers->out(), 0u);
  CHECK_EQ(buffers->consume(0, 5, false), 3u);
  CHECK_EQ(buffers->out(), 1u);
}

TEST("buffer ring: a group that exists is refused, and free again after destruction") {
  OPEN_RING(ring);
  int error = 0;
  {
    auto first = BufferRing::create(ring, 9, 4, false, &error);
    CHECK_EQ(error, 0);
    auto second = BufferRing::create(ring, 9, 4, false, &error);
    CHECK_EQ(error, -EEXIST);
    CHECK(second == nullptr);
  }
  auto third = BufferRing::create(ring, 9, 4, false, &error);
  CHECK_EQ(error, 0);
  CHECK(third != nullptr);
  auto odd = BufferRing::create(ring, 10, 3, false, &error);
  CHECK_EQ(error, -EINVAL);
  CHECK(odd == nullptr);
}

TEST("buffer ring: an id that was never given is a fault of ours") {
  OPEN_RING(probe);
  const check::Death death = check::death([] {
    // A ring of the child's own: only the thread that enabled a ring may register anything.
    Opened opened(RingOptions{});
    if (opened.ring == nullptr) return;
    int error = 0;
    auto buffers = BufferRing::create(*opened.ring, 0, 4, false, &error);
    if (buffers != nullptr) buffers->consume(4, 1, false);
  });
  CHECK(death.aborted);
}
