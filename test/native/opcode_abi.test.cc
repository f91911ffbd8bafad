// The ABI as written down in native/abi: operations whose arguments are structs or flags of the kernel, by
// their effect.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <memory>

#include "abi/io_uring_abi.h"
#include "check.h"
#include "files.h"
#include "raw_ring.h"

TEST("timeout: its timespec is respected") {
  OPEN_RAW_RING(ring);
  const abi::kernel_timespec after{0, 15'000'000};
  const double start = now_ms();
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_TIMEOUT;
  sqe.addr = address(&after);
  sqe.len = 1;
  CHECK_EQ(ring.complete().res, -ETIME);
  CHECK(now_ms() - start >= 14);
  CHECK(now_ms() - start < 5000);
}

TEST("timeout: multishot fires as often as asked") {
  NEEDS_KERNEL(604, "IORING_TIMEOUT_MULTISHOT");
  OPEN_RAW_RING(ring);
  const abi::kernel_timespec after{0, 1'000'000};
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_TIMEOUT;
  sqe.addr = address(&after);
  sqe.len = 1;
  sqe.off = 3;
  sqe.timeout_flags = abi::IORING_TIMEOUT_MULTISHOT | abi::IORING_TIMEOUT_BOOTTIME;
  for (const uint32_t more : {abi::IORING_CQE_F_MORE, abi::IORING_CQE_F_MORE, 0u}) {
    const abi::io_uring_cqe cqe = ring.complete();
    CHECK_EQ(cqe.res, -ETIME);
    CHECK_EQ(cqe.flags, more);
  }
}

TEST("cancel: by user_data, by descriptor, all") {
  OPEN_RAW_RING(ring);
  Pipe pipe;
  REQUIRE(pipe.ok);
  const auto poll = [&](uint64_t user_data) {
    abi::io_uring_sqe& sqe = ring.sqe();
    sqe.opcode = abi::IORING_OP_POLL_ADD;
    sqe.fd = pipe.reader();
    sqe.poll32_events = POLLIN;
    sqe.user_data = user_data;
  };
  const auto cancel = [&](uint32_t flags, uint64_t target) {
    abi::io_uring_sqe& sqe = ring.sqe();
    sqe.opcode = abi::IORING_OP_ASYNC_CANCEL;
    sqe.fd = flags & abi::IORING_ASYNC_CANCEL_FD ? pipe.reader() : 0;
    sqe.addr = target;
    sqe.cancel_flags = flags;
    sqe.user_data = 100;
  };
  for (uint64_t i = 1; i <= 4; i++) poll(i);
  constexpr uint32_t kByFd = abi::IORING_ASYNC_CANCEL_FD;
  const struct {
    uint32_t flags;
    uint64_t target;
    int result;
    unsigned cancelled;
  } steps[] = {
      {0, 2, 0, 1},
      {kByFd, 0, 0, 1},
      {kByFd | abi::IORING_ASYNC_CANCEL_ALL, 0, 2, 2},
      {kByFd | abi::IORING_ASYNC_CANCEL_ALL, 0, 0, 0},
  };
  // One call a step: the kernel counts what it has cancelled, but not completed yet, again.
  for (const auto& step : steps) {
    cancel(step.flags, step.target);
    ring.submit(1 + step.cancelled);
    for (unsigned i = 0; i <= step.cancelled; i++) {
      const abi::io_uring_cqe cqe = ring.complete();
      CHECK_EQ(cqe.res, cqe.user_data == 100 ? step.result : -ECANCELED);
      if (step.target != 0 && cqe.user_data != 100) CHECK_EQ(cqe.user_data, step.target);
    }
    CHECK(!ring.peek());
  }
}

TEST("openat2: open_how is read, kResolveNoSymlinks and all") {
  OPEN_RAW_RING(ring);
  const auto open = [&](const char* path, uint64_t resolve) {
    abi::open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC;
    how.resolve = resolve;
    abi::io_uring_sqe& sqe = ring.sqe();
    sqe.opcode = abi::IORING_OP_OPENAT2;
    sqe.fd = AT_FDCWD;
    sqe.addr = address(path);
    sqe.off = address(&how);
    sqe.len = sizeof(how);
    const int fd = ring.complete().res;
    if (fd >= 0) close(fd);
    return fd;
  };
  CHECK(open("/proc/self/exe", 0) >= 0);
  CHECK_EQ(open("/proc/self/exe", abi::kResolveNoMagiclinks), -ELOOP);
  CHECK_EQ(open("/proc/self", abi::kResolveNoSymlinks), -ELOOP);
  CHECK_EQ(open("/proc/self", abi::kResolveBeneath), -EXDEV);
}

TEST("statx: kernel_statx says what stat() says") {
  OPEN_RAW_RING(ring);
  const char path[] = "/proc/self/exe";
  auto out = std::make_unique<abi::kernel_statx>();
  std::memset(out.get(), 0xff, sizeof(*out));
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_STATX;
  sqe.fd = AT_FDCWD;
  sqe.addr = address(path);
  sqe.addr2 = address(out.get());
  sqe.len = abi::kStatxBasicStats | abi::kStatxBtime;
  CHECK_EQ(ring.complete().res, 0);
  struct stat expected{};
  REQUIRE(stat(path, &expected) == 0);
  CHECK_EQ(out->stx_mask & abi::kStatxBasicStats, abi::kStatxBasicStats);
  CHECK_EQ(out->stx_size, expected.st_size);
  CHECK_EQ(out->stx_ino, expected.st_ino);
  CHECK_EQ(out->stx_mode, expected.st_mode);
  CHECK_EQ(out->stx_nlink, expected.st_nlink);
  CHECK_EQ(out->stx_uid, expected.st_uid);
  CHECK_EQ(out->stx_gid, expected.st_gid);
  CHECK_EQ(out->stx_blksize, expected.st_blksize);
  CHECK_EQ(out->stx_blocks, expected.st_blocks);
  CHECK_EQ(out->stx_mtime.tv_sec, expected.st_mtim.tv_sec);
  CHECK_EQ(out->stx_mtime.tv_nsec, expected.st_mtim.tv_nsec);
  CHECK_EQ(out->stx_ctime.tv_sec, expected.st_ctim.tv_sec);
  CHECK_EQ(out->__spare3[7], 0u);
}

TEST("futex: waiting for a value that is not there ends at once") {
  NEEDS_KERNEL(607, "IORING_OP_FUTEX_WAITV");
  OPEN_RAW_RING(ring);
  uint32_t words[2] = {5, 6};
  abi::futex_waitv waits[2] = {};
  for (int i = 0; i < 2; i++) {
    waits[i].val = 5;  // not what the second word holds
    waits[i].uaddr = address(&words[i]);
    waits[i].flags = abi::kFutex2SizeU32 | abi::kFutex2Private;
  }
  abi::io_uring_sqe& vector = ring.sqe();
  vector.opcode = abi::IORING_OP_FUTEX_WAITV;
  vector.addr = address(waits);
  vector.len = 2;
  CHECK_EQ(ring.complete().res, -EAGAIN);
  // A wait, then a wake that finds it.
  abi::io_uring_sqe& wait = ring.sqe();
  wait.opcode = abi::IORING_OP_FUTEX_WAIT;
  wait.fd = abi::kFutex2SizeU32 | abi::kFutex2Private;
  wait.addr = address(&words[0]);
  wait.addr2 = 5;
  wait.addr3 = abi::kFutexBitsetMatchAny;
  wait.user_data = 1;
  abi::io_uring_sqe& wake = ring.sqe();
  wake.opcode = abi::IORING_OP_FUTEX_WAKE;
  wake.fd = abi::kFutex2SizeU32 | abi::kFutex2Private;
  wake.addr = address(&words[0]);
  wake.addr2 = 1;
  wake.addr3 = abi::kFutexBitsetMatchAny;
  wake.user_data = 2;
  CHECK_EQ(ring.submit(2), 2);
  int results[3] = {-1, -1, -1};
  while (auto cqe = ring.peek()) results[cqe->user_data] = cqe->res;
  CHECK_EQ(results[1], 0);
  CHECK_EQ(results[2], 1);
}

TEST("socket command: getsockopt reads level, name and value") {
  NEEDS_KERNEL(607, "SOCKET_URING_OP_GETSOCKOPT");
  OPEN_RAW_RING(ring);
  SocketPair pair(SOCK_SEQPACKET);
  REQUIRE(pair.ok);
  int value = 0;
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_URING_CMD;
  sqe.fd = pair.ends[0];
  sqe.cmd_op = abi::SOCKET_URING_OP_GETSOCKOPT;
  sqe.level = SOL_SOCKET;
  sqe.optname = SO_TYPE;
  sqe.optval = address(&value);
  sqe.optlen = sizeof(value);
  CHECK_EQ(ring.complete().res, sizeof(value));
  CHECK_EQ(value, static_cast<int>(SOCK_SEQPACKET));
}

TEST("msg_ring: result, user_data and flags reach the other ring") {
  OPEN_RAW_RING(ring);
  OPEN_RAW_RING(target);
  const bool flags_pass = kernel_version() >= 603;
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_MSG_RING;
  sqe.fd = target.fd;
  sqe.addr = abi::IORING_MSG_DATA;
  sqe.len = 77;
  sqe.off = 0x123456789a;
  if (flags_pass) {
    sqe.msg_ring_flags = abi::IORING_MSG_RING_FLAGS_PASS;
    sqe.file_index = 1u << 20;
  }
  CHECK_EQ(ring.complete().res, 0);
  const abi::io_uring_cqe cqe = target.complete();
  CHECK_EQ(cqe.res, 77);
  CHECK_EQ(cqe.user_data, 0x123456789au);
  CHECK_EQ(cqe.flags, flags_pass ? 1u << 20 : 0u);
}

TEST("send_zc: the result, then the notification with its usage report") {
  NEEDS_KERNEL(602, "IORING_SEND_ZC_REPORT_USAGE");
  OPEN_RAW_RING(ring);
  TcpPair tcp;
  if (tcp.ends[1] < 0) SKIP("no TCP over 127.0.0.1");
  const char text[] = "zero copy";
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_SEND_ZC;
  sqe.fd = tcp.ends[0];
  sqe.addr = address(text);
  sqe.len = sizeof(text);
  sqe.ioprio = abi::IORING_SEND_ZC_REPORT_USAGE;
  const abi::io_uring_cqe sent = ring.complete();
  CHECK_EQ(sent.res, sizeof(text));
  CHECK_EQ(sent.flags, abi::IORING_CQE_F_MORE);
  char received[sizeof(text)];
  CHECK_EQ(recv(tcp.ends[1], received, sizeof(received), MSG_WAITALL), static_cast<ssize_t>(sizeof(text)));
  const abi::io_uring_cqe notification = ring.complete();
  CHECK_EQ(notification.flags, abi::IORING_CQE_F_NOTIF);
  CHECK_EQ(static_cast<uint32_t>(notification.res), abi::IORING_NOTIF_USAGE_ZC_COPIED);  // loop-back copies
}

TEST("pipe: two descriptors come back") {
  NEEDS_KERNEL(616, "IORING_OP_PIPE");
  OPEN_RAW_RING(ring);
  int ends[2] = {-1, -1};
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_PIPE;
  sqe.addr = address(ends);
  sqe.pipe_flags = O_CLOEXEC;
  CHECK_EQ(ring.complete().res, 0);
  CHECK_EQ(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
  close(ends[0]);
  close(ends[1]);
}
