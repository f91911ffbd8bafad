// The ABI as written down in native/abi: each struct of io_uring_register is handed to the kernel, and what
// comes back is what its members should say.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string_view>

#include "abi/io_uring_abi.h"
#include "abi/syscalls.h"
#include "check.h"
#include "files.h"
#include "raw_ring.h"

namespace {

// Entry by entry, never the whole struct: `resv` of entry 0 is the ring's tail.
void provide(abi::io_uring_buf_ring* ring, unsigned entries, uint16_t id, void* memory, uint32_t bytes) {
  const uint16_t tail = ring->tail;
  abi::io_uring_buf& entry = ring->bufs()[tail & (entries - 1)];
  entry.addr = address(memory);
  entry.len = bytes;
  entry.bid = id;
  std::atomic_ref<uint16_t>(ring->tail).store(static_cast<uint16_t>(tail + 1), std::memory_order_release);
}

constexpr unsigned kBufferRingEntries = 4;

int register_buffer_ring(RawRing& ring, void* memory, uint16_t group, uint16_t flags) {
  abi::io_uring_buf_reg registration{};
  registration.ring_addr = address(memory);
  registration.ring_entries = kBufferRingEntries;
  registration.bgid = group;
  registration.flags = flags;
  return ring.register_resource(abi::IORING_REGISTER_PBUF_RING, &registration, 1);
}

void fill_read_selected(RawRing& ring, int fd, uint16_t group, uint64_t user_data) {
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_READ;
  sqe.flags = abi::IOSQE_BUFFER_SELECT;
  sqe.fd = fd;
  sqe.off = ~uint64_t{0};
  sqe.buf_group = group;
  sqe.user_data = user_data;
}

}  // namespace

TEST("restrictions: what they do not allow is refused with -EACCES") {
  OPEN_RAW_RING(ring, 8, abi::IORING_SETUP_R_DISABLED);
  CHECK_EQ(ring.submit(), -EBADFD);  // still disabled
  abi::io_uring_restriction rules[3] = {};
  rules[0].opcode = abi::IORING_RESTRICTION_SQE_OP;
  rules[0].sqe_op = abi::IORING_OP_NOP;
  rules[1].opcode = abi::IORING_RESTRICTION_REGISTER_OP;
  rules[1].register_op = abi::IORING_REGISTER_PROBE;
  rules[2].opcode = abi::IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  rules[2].sqe_flags = abi::IOSQE_ASYNC;
  REQUIRE(CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_RESTRICTIONS, rules, 3), 0));
  REQUIRE(CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_ENABLE_RINGS, nullptr, 0), 0));

  const auto run = [&](uint8_t opcode, uint8_t flags) {
    abi::io_uring_sqe& sqe = ring.sqe();
    sqe.opcode = opcode;
    sqe.flags = flags;
    return ring.complete().res;
  };
  CHECK_EQ(run(abi::IORING_OP_NOP, 0), 0);
  CHECK_EQ(run(abi::IORING_OP_NOP, abi::IOSQE_ASYNC), 0);
  CHECK_EQ(run(abi::IORING_OP_NOP, abi::IOSQE_IO_DRAIN), -EACCES);
  CHECK_EQ(run(abi::IORING_OP_FSYNC, 0), -EACCES);
  abi::io_uring_probe probe{};
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_PROBE, &probe, 0), 0);
  unsigned workers[2] = {0, 0};
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2), -EACCES);
}

TEST("buffer ring: delivers the buffers in order, with their ids") {
  OPEN_RAW_RING(ring);
  Pages pages(sysconf(_SC_PAGESIZE));
  auto* buffers = static_cast<abi::io_uring_buf_ring*>(pages.memory);
  REQUIRE(CHECK_EQ(register_buffer_ring(ring, buffers, 3, 0), 0));
  std::array<char, 32> memory{};
  provide(buffers, kBufferRingEntries, 11, memory.data(), 16);
  provide(buffers, kBufferRingEntries, 12, memory.data() + 16, 16);
  Pipe pipe;
  REQUIRE(pipe.ok);
  for (const unsigned id : {11u, 12u}) {
    REQUIRE(pipe.write(id == 11 ? "first" : "second"));
    fill_read_selected(ring, pipe.reader(), 3, id);
    const abi::io_uring_cqe cqe = ring.complete();
    CHECK_EQ(cqe.res, id == 11 ? 5 : 6);
    CHECK_EQ(cqe.flags & 0xffff, abi::IORING_CQE_F_BUFFER);
    CHECK_EQ(cqe.flags >> abi::IORING_CQE_BUFFER_SHIFT, id);
  }
  CHECK_EQ(std::string_view(memory.data()), "first");
  CHECK_EQ(std::string_view(memory.data() + 16), "second");
  fill_read_selected(ring, pipe.reader(), 3, 0);
  REQUIRE(pipe.write("third"));
  CHECK_EQ(ring.complete().res, -ENOBUFS);
  if (kernel_version() >= 608) {
    abi::io_uring_buf_status status{};
    status.buf_group = 3;
    CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_PBUF_STATUS, &status, 1), 0);
    CHECK_EQ(status.head, 2u);
  }
  abi::io_uring_buf_reg registration{};
  registration.bgid = 3;
  CHECK_EQ(ring.register_resource(abi::IORING_UNREGISTER_PBUF_RING, &registration, 1), 0);
  CHECK_EQ(ring.register_resource(abi::IORING_UNREGISTER_PBUF_RING, &registration, 1), -ENOENT);
}

TEST("buffer ring: the kernel's own memory is mapped at its group's offset") {
  NEEDS_KERNEL(604, "IOU_PBUF_RING_MMAP");
  OPEN_RAW_RING(ring);
  REQUIRE(CHECK_EQ(register_buffer_ring(ring, static_cast<void*>(nullptr), 5, abi::IOU_PBUF_RING_MMAP), 0));
  const auto offset = abi::IORING_OFF_PBUF_RING | uint64_t{5} << abi::IORING_OFF_PBUF_SHIFT;
  const size_t bytes = kBufferRingEntries * sizeof(abi::io_uring_buf);
  void* mapped =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, static_cast<off_t>(offset));
  REQUIRE(mapped != MAP_FAILED);
  char memory[16] = {};
  provide(static_cast<abi::io_uring_buf_ring*>(mapped), kBufferRingEntries, 9, memory, sizeof(memory));
  Pipe pipe;
  REQUIRE(pipe.ok && pipe.write("mapped"));
  fill_read_selected(ring, pipe.reader(), 5, 0);
  CHECK_EQ(ring.complete().flags >> abi::IORING_CQE_BUFFER_SHIFT, 9u);
  CHECK_EQ(std::string_view(memory), "mapped");
  munmap(mapped, bytes);
}

TEST("buffer ring: an incremental one fills a buffer piece by piece") {
  NEEDS_KERNEL(612, "IOU_PBUF_RING_INC");
  OPEN_RAW_RING(ring);
  Pages pages(sysconf(_SC_PAGESIZE));
  auto* buffers = static_cast<abi::io_uring_buf_ring*>(pages.memory);
  REQUIRE(CHECK_EQ(register_buffer_ring(ring, buffers, 0, abi::IOU_PBUF_RING_INC), 0));
  char memory[9] = {};
  provide(buffers, kBufferRingEntries, 2, memory, 8);
  Pipe pipe;
  REQUIRE(pipe.ok);
  for (const std::string_view text : {"abc", "def", "gh"}) {
    REQUIRE(pipe.write(text));
    fill_read_selected(ring, pipe.reader(), 0, 0);
    const abi::io_uring_cqe cqe = ring.complete();
    CHECK_EQ(cqe.res, text.size());
    const uint32_t more = text == "gh" ? 0 : abi::IORING_CQE_F_BUF_MORE;
    CHECK_EQ(cqe.flags & 0xffff, abi::IORING_CQE_F_BUFFER | more);
    CHECK_EQ(cqe.flags >> abi::IORING_CQE_BUFFER_SHIFT, 2u);
  }
  CHECK_EQ(std::string_view(memory), "abcdefgh");
}

TEST("buffer ring: a multishot recvmsg begins with io_uring_recvmsg_out") {
  OPEN_RAW_RING(ring);
  Pages pages(sysconf(_SC_PAGESIZE));
  auto* buffers = static_cast<abi::io_uring_buf_ring*>(pages.memory);
  REQUIRE(CHECK_EQ(register_buffer_ring(ring, buffers, 1, 0), 0));
  alignas(8) unsigned char memory[64] = {};
  provide(buffers, kBufferRingEntries, 0, memory, sizeof(memory));
  SocketPair pair(SOCK_DGRAM);
  REQUIRE(pair.ok && send(pair.ends[1], "datagram", 8, 0) == 8);
  msghdr message{};
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_RECVMSG;
  sqe.flags = abi::IOSQE_BUFFER_SELECT;
  sqe.ioprio = abi::IORING_RECV_MULTISHOT;
  sqe.fd = pair.ends[0];
  sqe.addr = address(&message);
  sqe.len = 1;
  sqe.buf_group = 1;
  const abi::io_uring_cqe cqe = ring.complete();
  CHECK_EQ(cqe.res, sizeof(abi::io_uring_recvmsg_out) + 8);
  CHECK_EQ(cqe.flags & abi::IORING_CQE_F_MORE, abi::IORING_CQE_F_MORE);
  abi::io_uring_recvmsg_out out;
  std::memcpy(&out, memory, sizeof(out));
  CHECK_EQ(out.namelen, 0u);
  CHECK_EQ(out.controllen, 0u);
  CHECK_EQ(out.payloadlen, 8u);
  CHECK_BYTES(memory + sizeof(out), "datagram", 8);
}

TEST("registered files: a sparse table, an update, a range for the kernel's choice") {
  OPEN_RAW_RING(ring);
  Pipe pipe;
  REQUIRE(pipe.ok && pipe.write("fixed"));
  abi::io_uring_rsrc_register table{};
  table.nr = 8;
  table.flags = abi::IORING_RSRC_REGISTER_SPARSE;
  REQUIRE(CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_FILES2, &table, sizeof(table)), 0));

  const int descriptors[2] = {abi::IORING_REGISTER_FILES_SKIP, pipe.reader()};
  abi::io_uring_rsrc_update2 update{};
  update.offset = 2;
  update.data = address(descriptors);
  update.nr = 2;
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_FILES_UPDATE2, &update, sizeof(update)), 2);

  char memory[8] = {};
  const auto read = [&](int slot) {
    abi::io_uring_sqe& sqe = ring.sqe();
    sqe.opcode = abi::IORING_OP_READ;
    sqe.flags = abi::IOSQE_FIXED_FILE;
    sqe.fd = slot;
    sqe.off = ~uint64_t{0};
    sqe.addr = address(memory);
    sqe.len = sizeof(memory);
    return ring.complete().res;
  };
  CHECK_EQ(read(2), -EBADF);
  CHECK_EQ(read(3), 5);

  const int gone = -1;
  abi::io_uring_rsrc_update older{};
  older.offset = 3;
  older.data = address(&gone);
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_FILES_UPDATE, &older, 1), 1);
  CHECK_EQ(read(3), -EBADF);

  abi::io_uring_file_index_range range{};
  range.off = 5;
  range.len = 2;
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0), 0);
  const auto open = [&](uint32_t file_index) {
    abi::io_uring_sqe& sqe = ring.sqe();
    sqe.opcode = abi::IORING_OP_OPENAT;
    sqe.fd = AT_FDCWD;
    sqe.addr = address("/dev/null");
    sqe.open_flags = O_RDONLY;
    sqe.file_index = file_index;
    return ring.complete().res;
  };
  CHECK_EQ(open(abi::IORING_FILE_INDEX_ALLOC), 5);
  CHECK_EQ(open(abi::IORING_FILE_INDEX_ALLOC), 6);
  CHECK_EQ(open(abi::IORING_FILE_INDEX_ALLOC), -ENFILE);
  CHECK_EQ(open(1), 0);  // slot 0
  CHECK_EQ(read(0), 0);  // /dev/null: the end
  if (kernel_version() >= 608) {
    abi::io_uring_sqe& sqe = ring.sqe();
    sqe.opcode = abi::IORING_OP_FIXED_FD_INSTALL;
    sqe.flags = abi::IOSQE_FIXED_FILE;
    sqe.fd = 5;
    sqe.install_fd_flags = abi::IORING_FIXED_FD_NO_CLOEXEC;
    const int fd = ring.complete().res;
    CHECK(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    close(fd);
  }
}

TEST("registered buffers: a sparse table, an update, a fixed read") {
  OPEN_RAW_RING(ring);
  Pipe pipe;
  REQUIRE(pipe.ok && pipe.write("buffer"));
  abi::io_uring_rsrc_register table{};
  table.nr = 4;
  table.flags = abi::IORING_RSRC_REGISTER_SPARSE;
  REQUIRE(CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_BUFFERS2, &table, sizeof(table)), 0));
  Pages pages(sysconf(_SC_PAGESIZE));
  const iovec memory{pages.memory, pages.bytes};
  abi::io_uring_rsrc_update2 update{};
  update.offset = 1;
  update.data = address(&memory);
  update.nr = 1;
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_BUFFERS_UPDATE, &update, sizeof(update)), 1);
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_READ_FIXED;
  sqe.fd = pipe.reader();
  sqe.off = ~uint64_t{0};
  sqe.addr = address(pages.memory);
  sqe.len = 6;
  sqe.buf_index = 1;
  CHECK_EQ(ring.complete().res, 6);
  CHECK_BYTES(pages.memory, "buffer", 6);
}

TEST("ring descriptor: entered and registered through its registered index") {
  OPEN_RAW_RING(ring);
  abi::io_uring_rsrc_update self{};
  self.offset = ~0u;
  self.data = static_cast<uint64_t>(ring.fd);
  REQUIRE(CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_RING_FDS, &self, 1), 1));
  const auto index = static_cast<int>(self.offset);
  CHECK(index >= 0 && index < 16);
  CHECK_EQ(abi::io_uring_enter(index, 0, 0, abi::IORING_ENTER_REGISTERED_RING, nullptr, 0), 0);
  if (kernel_version() >= 603) {
    abi::io_uring_probe probe{};
    const unsigned opcode = abi::IORING_REGISTER_PROBE | abi::IORING_REGISTER_USE_REGISTERED_RING;
    CHECK_EQ(abi::io_uring_register(index, opcode, &probe, 0), 0);
  }
  self.data = 0;
  CHECK_EQ(ring.register_resource(abi::IORING_UNREGISTER_RING_FDS, &self, 1), 1);
}

TEST("sync cancel: cancels and waits in one call") {
  OPEN_RAW_RING(ring);
  Pipe pipe;
  REQUIRE(pipe.ok);
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_POLL_ADD;
  sqe.fd = pipe.reader();
  sqe.poll32_events = POLLIN;
  sqe.user_data = 42;
  CHECK_EQ(ring.submit(), 1);
  abi::io_uring_sync_cancel_reg cancel{};
  cancel.addr = 42;
  cancel.timeout = {-1, -1};
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_SYNC_CANCEL, &cancel, 1), 0);
  CHECK_EQ(ring.complete().res, -ECANCELED);
  cancel.addr = 43;
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_SYNC_CANCEL, &cancel, 1), -ENOENT);
}

TEST("io-wq: the limits of both kinds of workers are set and told") {
  OPEN_RAW_RING(ring);
  unsigned workers[2];
  workers[abi::IO_WQ_BOUND] = 3;
  workers[abi::IO_WQ_UNBOUND] = 5;
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2), 0);
  workers[0] = workers[1] = 0;  // 0 leaves the limits and tells them
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2), 0);
  CHECK_EQ(workers[abi::IO_WQ_BOUND], 3u);
  CHECK_EQ(workers[abi::IO_WQ_UNBOUND], 5u);
}
