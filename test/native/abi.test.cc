// The ABI as written down in native/abi: layouts as bytes, and set-up, entering and the opcodes against the
// running kernel. opcode_abi.test.cc and register_abi.test.cc go on with operations and registration.
#include <sys/eventfd.h>

#include <climits>
#include <ctime>
#include <new>

#include "abi/io_uring_abi.h"
#include "abi/syscalls.h"
#include "check.h"
#include "files.h"
#include "raw_ring.h"

// ---- Layouts, without a kernel ----------------------------------------------------------------------------

TEST("sqe: zero-initialised, all 64 bytes are zero") {
  alignas(abi::io_uring_sqe) unsigned char memory[64];
  std::memset(memory, 0xff, sizeof(memory));
  new (memory) abi::io_uring_sqe{};
  const unsigned char zeros[64] = {};
  CHECK_BYTES(memory, zeros, 64);
}

TEST("sqe: a read's members lie where the kernel reads them") {
  abi::io_uring_sqe sqe{};
  sqe.opcode = 0x16;
  sqe.flags = 0x01;
  sqe.ioprio = 0x0302;
  sqe.fd = 0x07060504;
  sqe.off = 0x1716151413121110;
  sqe.addr = 0x2726252423222120;
  sqe.len = 0x33323130;
  sqe.rw_flags = 0x43424140;
  sqe.user_data = 0x5756555453525150;
  sqe.buf_index = 0x6160;
  sqe.personality = 0x7170;
  sqe.file_index = 0x03828180;
  sqe.addr3 = 0x1796959493929190;
  sqe.__pad2[0] = 0x27a6a5a4a3a2a1a0;
  const unsigned char expected[64] = {
      0x16, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
      0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x30, 0x31, 0x32, 0x33, 0x40, 0x41, 0x42, 0x43,
      0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x60, 0x61, 0x70, 0x71, 0x80, 0x81, 0x82, 0x03,
      0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x17, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0x27,
  };
  CHECK_BYTES(&sqe, expected, 64);
}

TEST("sqe: a socket command's members overlay offset, address and the tail") {
  abi::io_uring_sqe sqe{};
  sqe.cmd_op = 0x11111111;
  sqe.level = 0x22222222;
  sqe.optname = 0x33333333;
  sqe.optlen = 0x44444444;
  sqe.optval = 0x5555555555555555;
  CHECK_EQ(sqe.off, 0x11111111u);
  CHECK_EQ(sqe.addr, 0x3333333322222222u);
  CHECK_EQ(sqe.file_index, 0x44444444u);
  CHECK_EQ(sqe.addr3, 0x5555555555555555u);
  sqe.addr_len = 0x6666;
  CHECK_EQ(sqe.splice_fd_in, 0x44446666);
}

TEST("sqe: every name of the flags word is the same word") {
  abi::io_uring_sqe sqe{};
  sqe.rw_flags = 0x01020304;
  const uint32_t words[] = {
      sqe.fsync_flags,    sqe.poll32_events,   sqe.sync_range_flags, sqe.msg_flags,      sqe.timeout_flags,
      sqe.accept_flags,   sqe.cancel_flags,    sqe.open_flags,       sqe.statx_flags,    sqe.fadvise_advice,
      sqe.splice_flags,   sqe.rename_flags,    sqe.unlink_flags,     sqe.hardlink_flags, sqe.xattr_flags,
      sqe.waitid_flags,   sqe.futex_flags,     sqe.install_fd_flags, sqe.nop_flags,      sqe.pipe_flags,
      sqe.msg_ring_flags, sqe.uring_cmd_flags,
  };
  for (const uint32_t word : words) CHECK_EQ(word, 0x01020304u);
}

TEST("cqe: members lie where the kernel writes them") {
  const unsigned char bytes[16] = {1, 0, 0, 0, 0, 0, 0, 2, 0xfb, 0xff, 0xff, 0xff, 3, 0, 4, 0};
  abi::io_uring_cqe cqe;
  std::memcpy(&cqe, bytes, sizeof(cqe));
  CHECK_EQ(cqe.user_data, 0x0200000000000001u);
  CHECK_EQ(cqe.res, -5);
  CHECK_EQ(cqe.flags & 0xffff, abi::IORING_CQE_F_BUFFER | abi::IORING_CQE_F_MORE);
  CHECK_EQ(cqe.flags >> abi::IORING_CQE_BUFFER_SHIFT, 4u);
}

// ---- Set-up and entering ----------------------------------------------------------------------------------

TEST("system calls: an error comes back as -errno") {
  OPEN_RAW_RING(ring);
  abi::io_uring_params params{};
  CHECK_EQ(abi::io_uring_setup(0, &params), -EINVAL);
  CHECK_EQ(abi::io_uring_enter(-1, 0, 0, 0, nullptr, 0), -EBADF);
  CHECK_EQ(abi::io_uring_register(INT_MAX, abi::IORING_REGISTER_PROBE, nullptr, 0), -EBADF);
  params.resv[2] = 1;  // proves where the reserved words end
  CHECK_EQ(abi::io_uring_setup(1, &params), -EINVAL);
}

TEST("setup: sizes, masks and features are where the offsets say") {
  OPEN_RAW_RING(ring, 8);
  CHECK_EQ(ring.params.sq_entries, 8u);
  CHECK_EQ(ring.params.cq_entries, 16u);
  CHECK_EQ(*ring.sq_entries(), 8u);
  CHECK_EQ(*ring.sq_mask(), 7u);
  CHECK_EQ(*ring.cq_entries(), 16u);
  CHECK_EQ(*ring.cq_mask(), 15u);
  constexpr struct {
    uint32_t feature;
    int version;
  } kFeatures[] = {
      {abi::IORING_FEAT_SINGLE_MMAP, 504},     {abi::IORING_FEAT_NODROP, 505},
      {abi::IORING_FEAT_SUBMIT_STABLE, 505},   {abi::IORING_FEAT_RW_CUR_POS, 506},
      {abi::IORING_FEAT_CUR_PERSONALITY, 506}, {abi::IORING_FEAT_FAST_POLL, 507},
      {abi::IORING_FEAT_POLL_32BITS, 509},     {abi::IORING_FEAT_SQPOLL_NONFIXED, 511},
      {abi::IORING_FEAT_EXT_ARG, 511},         {abi::IORING_FEAT_NATIVE_WORKERS, 512},
      {abi::IORING_FEAT_RSRC_TAGS, 513},       {abi::IORING_FEAT_CQE_SKIP, 517},
      {abi::IORING_FEAT_LINKED_FILE, 517},     {abi::IORING_FEAT_REG_REG_RING, 603},
      {abi::IORING_FEAT_RECVSEND_BUNDLE, 610}, {abi::IORING_FEAT_MIN_TIMEOUT, 612},
      {abi::IORING_FEAT_RW_ATTR, 614},         {abi::IORING_FEAT_NO_IOWAIT, 615},
  };
  for (const auto& [feature, version] : kFeatures) {
    if (kernel_version() >= version) CHECK_EQ(ring.params.features & feature, feature);
  }
}

TEST("setup: the flags that this kernel's version has are taken") {
  OPEN_RAW_RING(ring);
  using namespace ringcore::abi;
  constexpr struct {
    uint32_t flags;
    int version;
  } kSets[] = {
      {IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, 506},
      {IORING_SETUP_R_DISABLED, 510},
      {IORING_SETUP_SUBMIT_ALL, 518},
      {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, 519},
      {IORING_SETUP_SQE128 | IORING_SETUP_CQE32, 519},
      {IORING_SETUP_SINGLE_ISSUER, 600},
      {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG, 601},
      {IORING_SETUP_NO_SQARRAY, 606},
      {IORING_SETUP_IOPOLL | IORING_SETUP_HYBRID_IOPOLL, 613},
      {IORING_SETUP_CQE_MIXED, 618},
  };
  for (const auto& [flags, version] : kSets) {
    if (kernel_version() < version) continue;
    io_uring_params params{};
    params.flags = flags;
    params.cq_entries = flags & IORING_SETUP_CQSIZE ? 1u << 30 : 0;
    const int fd = io_uring_setup(4, &params);
    if (fd == -ENOMEM) continue;  // the flags were fine, the user's limit of locked memory is reached
    if (!CHECK(fd >= 0)) continue;
    CHECK_EQ(params.flags & flags, flags);
    close(fd);
  }
}

TEST("setup: attaching to another ring's workers takes wq_fd") {
  OPEN_RAW_RING(ring);
  abi::io_uring_params params{};
  params.flags = abi::IORING_SETUP_ATTACH_WQ;
  params.wq_fd = static_cast<uint32_t>(ring.fd);
  const int attached = abi::io_uring_setup(4, &params);
  CHECK(attached >= 0);
  if (attached >= 0) close(attached);
  params = {};
  params.flags = abi::IORING_SETUP_ATTACH_WQ;
  params.wq_fd = 0xffff;
  CHECK_EQ(abi::io_uring_setup(4, &params), -ENXIO);
}

TEST("nop: one round trip brings user_data back") {
  OPEN_RAW_RING(ring);
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.opcode = abi::IORING_OP_NOP;
  sqe.user_data = 0x1122334455667788;
  CHECK_EQ(ring.submit(1), 1);
  const abi::io_uring_cqe cqe = ring.complete();
  CHECK_EQ(cqe.user_data, 0x1122334455667788u);
  CHECK_EQ(cqe.res, 0);
  CHECK_EQ(cqe.flags, 0u);
  CHECK(!ring.peek());
}

TEST("nop: an injected result comes back") {
  NEEDS_KERNEL(610, "IORING_NOP_INJECT_RESULT");
  OPEN_RAW_RING(ring);
  abi::io_uring_sqe& sqe = ring.sqe();
  sqe.nop_flags = abi::IORING_NOP_INJECT_RESULT;
  sqe.len = static_cast<uint32_t>(-EXDEV);
  CHECK_EQ(ring.complete().res, -EXDEV);
}

TEST("sqe flags: link cancels, hardlink goes on, skip-success is silent") {
  OPEN_RAW_RING(ring);
  const auto fill = [&](uint8_t flags, bool fails, uint64_t user_data) {
    abi::io_uring_sqe& sqe = ring.sqe();
    sqe.opcode = fails ? abi::IORING_OP_FSYNC : abi::IORING_OP_NOP;
    sqe.fd = -1;
    sqe.flags = flags;
    sqe.user_data = user_data;
  };
  fill(abi::IOSQE_IO_LINK, true, 1);
  fill(0, false, 2);
  fill(abi::IOSQE_IO_HARDLINK, true, 3);
  fill(abi::IOSQE_CQE_SKIP_SUCCESS, false, 4);
  CHECK_EQ(ring.submit(3), 4);
  int results[5] = {1, 1, 1, 1, 1};
  while (auto cqe = ring.peek()) results[cqe->user_data] = cqe->res;
  CHECK_EQ(results[1], -EBADF);
  CHECK_EQ(results[2], -ECANCELED);
  CHECK_EQ(results[3], -EBADF);
  CHECK_EQ(results[4], 1);
}

TEST("enter: a wait ends at its timespec") {
  OPEN_RAW_RING(ring);
  const abi::kernel_timespec limit{0, 20'000'000};
  abi::io_uring_getevents_arg arg{};
  arg.ts = address(&limit);
  const double start = now_ms();
  CHECK_EQ(abi::io_uring_enter(ring.fd, 0, 1, abi::IORING_ENTER_GETEVENTS | abi::IORING_ENTER_EXT_ARG, &arg,
                               sizeof(arg)),
           -ETIME);
  CHECK(now_ms() - start >= 19);
  CHECK(now_ms() - start < 5000);
}

TEST("eventfd: a completion signals it, unless it is disabled in the CQ's flags") {
  OPEN_RAW_RING(ring);
  const int signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  REQUIRE(signal >= 0);
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_EVENTFD, &signal, 1), 0);
  *ring.cq_flags() = abi::IORING_CQ_EVENTFD_DISABLED;
  ring.sqe();
  CHECK_EQ(ring.complete().res, 0);
  eventfd_t count = 0;
  CHECK_EQ(eventfd_read(signal, &count), -1);
  *ring.cq_flags() = 0;
  ring.sqe();
  CHECK_EQ(ring.complete().res, 0);
  CHECK_EQ(eventfd_read(signal, &count), 0);
  CHECK_EQ(count, 1u);
  CHECK_EQ(ring.register_resource(abi::IORING_UNREGISTER_EVENTFD, nullptr, 0), 0);
  close(signal);
}

// ---- Probe ------------------------------------------------------------------------------------------------

TEST("probe: the kernel has the opcodes of its version") {
  OPEN_RAW_RING(ring);
  constexpr unsigned kMost = 256;
  alignas(abi::io_uring_probe) unsigned char
      memory[sizeof(abi::io_uring_probe) + kMost * sizeof(abi::io_uring_probe_op)] = {};
  auto* probe = new (memory) abi::io_uring_probe{};
  REQUIRE(CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_PROBE, probe, kMost), 0));
  CHECK(probe->ops_len > abi::IORING_OP_SENDMSG_ZC);
  CHECK_EQ(probe->ops_len, probe->last_op + 1);
  constexpr struct {
    unsigned last_opcode;  // of those that came with the version, or before
    int version;
  } kVersions[] = {
      {abi::IORING_OP_POLL_REMOVE, 501},    {abi::IORING_OP_SYNC_FILE_RANGE, 502},
      {abi::IORING_OP_RECVMSG, 503},        {abi::IORING_OP_TIMEOUT, 504},
      {abi::IORING_OP_CONNECT, 505},        {abi::IORING_OP_EPOLL_CTL, 506},
      {abi::IORING_OP_REMOVE_BUFFERS, 507}, {abi::IORING_OP_TEE, 508},
      {abi::IORING_OP_UNLINKAT, 511},       {abi::IORING_OP_LINKAT, 515},
      {abi::IORING_OP_MSG_RING, 518},       {abi::IORING_OP_URING_CMD, 519},
      {abi::IORING_OP_SEND_ZC, 600},        {abi::IORING_OP_SENDMSG_ZC, 601},
      {abi::IORING_OP_FUTEX_WAITV, 607},    {abi::IORING_OP_FIXED_FD_INSTALL, 608},
      {abi::IORING_OP_FTRUNCATE, 609},      {abi::IORING_OP_LISTEN, 611},
      {abi::IORING_OP_WRITEV_FIXED, 615},   {abi::IORING_OP_PIPE, 616},
  };
  // Left out of a kernel by its configuration: no epoll, no futexes, no zero-copy receive.
  const auto optional = [](unsigned opcode) {
    return opcode == abi::IORING_OP_EPOLL_CTL || opcode == abi::IORING_OP_EPOLL_WAIT ||
           opcode == abi::IORING_OP_RECV_ZC ||
           (opcode >= abi::IORING_OP_FUTEX_WAIT && opcode <= abi::IORING_OP_FUTEX_WAITV);
  };
  unsigned opcode = 0;
  for (const auto& [last_opcode, version] : kVersions) {
    for (; opcode <= last_opcode; opcode++) {
      if (kernel_version() < version || optional(opcode)) continue;
      const abi::io_uring_probe_op& op = probe->ops()[opcode];
      CHECK_EQ(op.op, opcode);
      if (!CHECK(op.flags & abi::IO_URING_OP_SUPPORTED)) std::fprintf(stderr, "opcode %u\n", opcode);
    }
  }
  CHECK_EQ(opcode, static_cast<unsigned>(abi::IORING_OP_LAST));
}

TEST("probe: 6.18 has these opcodes and no more") {
  if (kernel_version() != 618) SKIP("for 6.18 itself");
  OPEN_RAW_RING(ring);
  abi::io_uring_probe probe{};
  REQUIRE(CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_PROBE, &probe, 0), 0));
  CHECK_EQ(probe.last_op + 1, static_cast<int>(abi::IORING_OP_LAST));
  // One past the last register call is unknown, the last one is not.
  CHECK_EQ(ring.register_resource(abi::IORING_REGISTER_LAST, nullptr, 0), -EINVAL);
}
