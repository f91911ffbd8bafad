// native/ring: set-up, work and the end of a ring, against the kernel.
#include "ring/ring.h"

#include <dirent.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "old_kernel.h"
#include "raw_ring.h"
#include "ring/atomics.h"
#include "ring/buffer_ring.h"
#include "ring_fixture.h"

namespace {

using ringcore::BufferRing;

std::vector<std::string> open_descriptors() {
  std::vector<std::string> found;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return found;
  while (const dirent* entry = readdir(directory)) {
    char target[256];
    const std::string link = std::string("/proc/self/fd/") + entry->d_name;
    const ssize_t length = readlink(link.c_str(), target, sizeof(target));
    if (length > 0 && atoi(entry->d_name) != dirfd(directory)) {
      found.push_back(std::string(entry->d_name) + " " + std::string(target, static_cast<size_t>(length)));
    }
  }
  closedir(directory);
  std::sort(found.begin(), found.end());
  return found;
}

unsigned mapped_rings() {
  unsigned count = 0;
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return 0;
  char line[512];
  while (std::fgets(line, sizeof(line), maps) != nullptr) count += std::strstr(line, "io_uring") != nullptr;
  std::fclose(maps);
  return count;
}

}  // namespace

// ---- Set-up -----------------------------------------------------------------------------------------------

TEST("open: the sizes asked for, the measured flags, a probe") {
  OPEN_RING(ring, .entries = 64, .cq_entries = 256);
  CHECK_EQ(ring.sq.entries(), 64u);
  CHECK_EQ(ring.cq.entries(), 256u);
  const unsigned expected = abi::IORING_SETUP_SINGLE_ISSUER | abi::IORING_SETUP_DEFER_TASKRUN |
                            abi::IORING_SETUP_TASKRUN_FLAG | abi::IORING_SETUP_SUBMIT_ALL;
  CHECK_EQ(ring.setup_flags() & expected, expected);
  CHECK_EQ(ring.setup_flags() & abi::IORING_SETUP_NO_SQARRAY,
           kernel_version() >= 606 ? abi::IORING_SETUP_NO_SQARRAY : 0);
  CHECK(ring.features() & abi::IORING_FEAT_NODROP);
  CHECK(ring.probe.has(abi::IORING_OP_NOP));
  CHECK(!ring.probe.has(255));
  CHECK(!ring.probe.has(1000));
  CHECK(!ring.sqpoll());
  CHECK(!ring.iopoll());
  CHECK(ring.eventfd() >= 0);
  fill_nop(ring, 1);
  CHECK_EQ(run_one(ring), 0);
}

TEST("open: sizes beyond the kernel's limit are clamped") {
  OPEN_RING(ring, .entries = 1u << 20, .cq_entries = 1u << 22);
  CHECK_EQ(ring.sq.entries(), 32768u);
  CHECK_EQ(ring.cq.entries(), 65536u);
}

TEST("open: with sparse tables for descriptors and buffers") {
  OPEN_RING(ring, .direct_descriptors = 16, .registered_buffers = 8);
  std::array<char, 4096> memory;
  const iovec buffer{memory.data(), memory.size()};
  abi::io_uring_rsrc_update2 update{};
  update.offset = 7;
  update.data = reinterpret_cast<uint64_t>(&buffer);
  update.nr = 1;
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_BUFFERS_UPDATE, &update, sizeof(update)), 1);
}

TEST("open: a failure names its step and leaves nothing behind") {
  OPEN_RING(ring);
  const auto before = open_descriptors();
  Opened opened(RingOptions{.entries = 0});
  CHECK(opened.ring == nullptr);
  CHECK_EQ(opened.error.error, -EINVAL);
  CHECK_EQ(opened.error.step, "io_uring_setup");
  // Later than the mappings: more buffers than the kernel's limit.
  Opened late(RingOptions{.registered_buffers = 1u << 30});
  CHECK(late.ring == nullptr);
  CHECK(late.error.error < 0);
  CHECK_EQ(late.error.step, "IORING_REGISTER_BUFFERS2");
  CHECK(open_descriptors() == before);
  CHECK_EQ(mapped_rings(), 2u);  // the two mappings of `ring`
}

TEST("open: a flag newer than the kernel is dropped") {
  OPEN_RING(probe);
  int refused = 0;
  const bool allowed = with_io_uring_setup(
      [&](unsigned flags) {
        if (!(flags & abi::IORING_SETUP_NO_SQARRAY)) return 0;
        refused++;
        return EINVAL;
      },
      [] {
        Opened opened(RingOptions{.entries = 4, .cq_entries = 8});
        REQUIRE(opened.ring != nullptr);
        Ring& ring = *opened.ring;
        CHECK_EQ(ring.setup_flags() & abi::IORING_SETUP_NO_SQARRAY, 0u);
        CHECK(ring.setup_flags() & abi::IORING_SETUP_DEFER_TASKRUN);
        // Through the index array now, several times around.
        for (uint64_t i = 0; i < 30; i += 3) {
          for (uint64_t j = i; j < i + 3; j++) fill_nop(ring, j);
          const auto cqes = run(ring, 3);
          REQUIRE(CHECK_EQ(cqes.size(), 3u));
          for (uint64_t j = 0; j < 3; j++) CHECK_EQ(cqes[j].user_data, i + j);
        }
      });
  if (!allowed) SKIP("this system allows no seccomp listener");
  CHECK_EQ(refused, kernel_version() >= 606 ? 1 : 0);
}

TEST("open: what a system refuses comes back as it is") {
  OPEN_RING(probe);
  for (const int error : {EPERM, ENOSYS, ENOMEM, EINVAL}) {
    int calls = 0;
    SetupError reported;
    const bool allowed = with_io_uring_setup(
        [&](unsigned) {
          calls++;
          return error;
        },
        [&] { CHECK(Ring::open(RingOptions{}, kOpcodes, &reported) == nullptr); });
    if (!allowed) SKIP("this system allows no seccomp listener");
    CHECK_EQ(reported.error, -error);
    CHECK_EQ(reported.step, "io_uring_setup");
    // EINVAL may be a flag's, ENOMEM may pass; nothing else is worth another attempt.
    CHECK_EQ(calls, error == EINVAL ? 2 : error == ENOMEM ? 5 : 1);
  }
}

TEST("open: SQPOLL, a kernel thread takes the entries") {
  OPEN_RING(ring, .sqpoll_idle_ms = 20);
  CHECK(ring.sqpoll());
  fill_nop(ring, 5);
  ring.sq.publish();
  ringcore::full_fence();  // the tail is out before the flag is read
  if (ring.sq.kernel_flags() & abi::IORING_SQ_NEED_WAKEUP) ring.enter(0, 0, abi::IORING_ENTER_SQ_WAKEUP);
  const abi::kernel_timespec limit{5, 0};
  CHECK_EQ(ring.enter(0, 1, abi::IORING_ENTER_GETEVENTS, &limit), 0);
  CHECK_EQ(ring.cq.drain([](const abi::io_uring_cqe& cqe) { CHECK_EQ(cqe.user_data, 5u); }), 1u);
  CHECK_EQ(ring.sq.pending(), 0u);
}

TEST("open: IOPOLL") {
  OPEN_RING(ring, .iopoll = true);
  CHECK(ring.iopoll());
}

// ---- At work ----------------------------------------------------------------------------------------------

TEST("ring: batches of every size go several times around both queues") {
  OPEN_RING(ring, .entries = 8, .cq_entries = 16);
  uint64_t next = 0;
  uint64_t expected = 0;
  for (unsigned size = 1; size <= 40; size++) {
    for (unsigned i = 0; i < size; i++) fill_nop(ring, next++);
    for (const auto& cqe : run(ring, size)) {
      CHECK_EQ(cqe.res, 0);
      if (!CHECK_EQ(cqe.user_data, expected++)) return;
    }
  }
  CHECK_EQ(expected, next);
  CHECK_EQ(ring.cq.dropped(), 0u);
}

TEST("ring: a wait ends at its timeout") {
  OPEN_RING(ring);
  const abi::kernel_timespec limit{0, 10'000'000};
  CHECK_EQ(ring.enter(0, 1, abi::IORING_ENTER_GETEVENTS, &limit), -ETIME);
}

TEST("ring: an overflowing CQ is announced, and nothing is lost") {
  OPEN_RING(ring, .entries = 4, .cq_entries = 4);
  constexpr uint64_t kCount = 64;
  for (uint64_t i = 0; i < kCount; i++) {
    fill_nop(ring, i);
    if (i % 4 == 3) CHECK_EQ(ring.enter(ring.sq.publish(), 0, 0), 4);
  }
  // With DEFER_TASKRUN it is this that posts them, more than there is room for.
  ring.enter(0, 0, abi::IORING_ENTER_GETEVENTS);
  CHECK(ring.sq.kernel_flags() & abi::IORING_SQ_CQ_OVERFLOW);
  CHECK(ring.wants_enter());
  uint64_t expected = 0;
  for (int round = 0; round < 100 && expected < kCount; round++) {
    ring.cq.drain([&](const abi::io_uring_cqe& cqe) { CHECK_EQ(cqe.user_data, expected++); });
    if (ring.wants_enter()) ring.enter(0, 0, abi::IORING_ENTER_GETEVENTS);
  }
  CHECK_EQ(expected, kCount);
  CHECK(ring.cq.empty());
  CHECK(!ring.wants_enter());
  CHECK_EQ(ring.cq.dropped(), 0u);
}

TEST("ring: a refused SQE does not end the batch") {
  OPEN_RING(ring);
  fill_nop(ring, 1);
  ring.sq.next().opcode = abi::IORING_OP_FSYNC;  // not among kOpcodes
  fill_nop(ring, 3);
  const auto cqes = run(ring, 3);
  REQUIRE(CHECK_EQ(cqes.size(), 3u));
  for (const auto& cqe : cqes) CHECK_EQ(cqe.res, cqe.user_data == 0 ? -EACCES : 0);
}

TEST("ring: registering is restricted to what is needed at work") {
  OPEN_RING(ring);
  unsigned workers[2] = {1, 1};
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2), -EACCES);
  const int descriptor = 0;
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_FILES, &descriptor, 1), -EACCES);
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_RESTRICTIONS, nullptr, 0), -EACCES);
}

TEST("ring: it can't be unrestricted by enabling it again") {
  OPEN_RING(ring);
  CHECK(ring.register_resource(abi::IORING_REGISTER_ENABLE_RINGS, nullptr, 0) < 0);
}

TEST("ring: the eventfd counts completions unless it is masked") {
  OPEN_RING(ring);
  eventfd_t count = 0;
  ring.cq.mask_eventfd();
  fill_nop(ring, 1);
  CHECK_EQ(run_one(ring), 0);
  CHECK_EQ(eventfd_read(ring.eventfd(), &count), -1);
  ring.cq.unmask_eventfd();
  fill_nop(ring, 2);
  CHECK_EQ(run_one(ring), 0);
  CHECK_EQ(eventfd_read(ring.eventfd(), &count), 0);
}

TEST("ring: task work announces itself, and runs when entered") {
  OPEN_RING(ring);
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  abi::io_uring_sqe& sqe = ring.sq.next();
  sqe.opcode = abi::IORING_OP_POLL_ADD;
  sqe.fd = ends[0];
  sqe.poll32_events = POLLIN;
  CHECK_EQ(ring.enter(ring.sq.publish(), 0, abi::IORING_ENTER_GETEVENTS), 1);
  CHECK(!ring.wants_enter());
  REQUIRE(write(ends[1], "x", 1) == 1);
  CHECK(ring.wants_enter());
  CHECK(ring.cq.empty());
  ring.enter(0, 0, abi::IORING_ENTER_GETEVENTS);
  CHECK_EQ(ring.cq.drain([](const abi::io_uring_cqe& cqe) { CHECK_EQ(cqe.res, POLLIN); }), 1u);
  close(ends[0]);
  close(ends[1]);
}

// ---- The end ----------------------------------------------------------------------------------------------

TEST("close: descriptors and mappings are back where they were") {
  OPEN_RING(probe);
  opened_probe.ring.reset();
  const auto descriptors = open_descriptors();
  const unsigned mappings = mapped_rings();
  for (int i = 0; i < 40; i++) {
    Opened opened(RingOptions{.direct_descriptors = 4, .registered_buffers = 4});
    REQUIRE(opened.ring != nullptr);
    int error = 0;
    auto buffers = BufferRing::create(*opened.ring, 1, 4, false, &error);
    CHECK_EQ(error, 0);
    fill_nop(*opened.ring, 1);
    CHECK_EQ(run_one(*opened.ring), 0);
    CHECK_EQ(open_descriptors().size(), descriptors.size() + 2);  // the ring's and the eventfd
    CHECK_EQ(mapped_rings(), mappings + 2);
  }
  CHECK(open_descriptors() == descriptors);
  CHECK_EQ(mapped_rings(), mappings);
}

TEST("close: the task's table of registered rings is empty again") {
  OPEN_RING(probe);
  opened_probe.ring.reset();
  for (int i = 0; i < 20; i++) CHECK(Opened(RingOptions{}).ring != nullptr);
  // The kernel gives the lowest free index, and has 16 for a task.
  OPEN_RAW_RING(raw);
  abi::io_uring_rsrc_update self{};
  self.offset = ~0u;
  self.data = static_cast<uint64_t>(raw.fd);
  CHECK_EQ(raw.register_resource(abi::IORING_REGISTER_RING_FDS, &self, 1), 1);
  CHECK_EQ(self.offset, 0u);
  raw.register_resource(abi::IORING_UNREGISTER_RING_FDS, &self, 1);
}

TEST("close: twenty rings of one thread live side by side") {
  OPEN_RING(probe);
  std::vector<std::unique_ptr<Ring>> rings;
  for (int i = 0; i < 20; i++) rings.push_back(Opened({.entries = 4, .cq_entries = 8}).ring);
  for (const auto& ring : rings) {
    REQUIRE(ring != nullptr);
    fill_nop(*ring, 1);
    CHECK_EQ(run_one(*ring), 0);
  }
  fill_nop(probe, 1);
  CHECK_EQ(run_one(probe), 0);
}

TEST("close: with operations in flight, the kernel lets go of their files") {
  OPEN_RING(ring);
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  abi::io_uring_sqe& sqe = ring.sq.next();
  sqe.opcode = abi::IORING_OP_POLL_ADD;
  sqe.fd = ends[0];
  sqe.poll32_events = POLLIN;
  CHECK_EQ(ring.enter(ring.sq.publish(), 0, abi::IORING_ENTER_GETEVENTS), 1);
  opened_ring.ring.reset();
  close(ends[0]);
  // Nobody reads any more once the ring has let go of its end, which the kernel does in the background.
  signal(SIGPIPE, SIG_IGN);
  pollfd writer{ends[1], 0, 0};
  poll(&writer, 1, 5000);
  CHECK(writer.revents & POLLERR);
  close(ends[1]);
}

TEST("fork: a child does not share the queues") {
  OPEN_RING(ring);
  CHECK(mapped_rings() == 2);
  const check::Death death = check::death([] {
    if (mapped_rings() == 0) std::abort();
  });
  CHECK(death.aborted);
}
