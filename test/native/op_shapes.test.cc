// native/op: each operation's shape, from arguments to the SQE, against the place in which the kernel's
// preparation of that opcode reads each value. A member left out of an expectation must be zero: the kernel
// refuses what it does not know with -EINVAL.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "check.h"
#include "op/op_kinds.h"
#include "scripted_args.h"

namespace {

using namespace ringcore;
using Values = std::vector<ScriptedArgs::Value>;

// An SQE by its words, each under the one name that it has here.
struct Words {
  int32_t fd = 0;
  uint64_t off = 0;
  uint64_t addr = 0;
  uint32_t len = 0;
  uint32_t op_flags = 0;
  uint16_t ioprio = 0;
  uint8_t flags = 0;
  uint16_t buf = 0;
  uint32_t index = 0;
  uint64_t addr3 = 0;
};

bool covered[Kinds::kCount];

// Fills an SQE of this shape; storage keeps what it points to.
template <class Shape>
io_uring_sqe filled(OpStorage& storage, Values values) {
  covered[kKindOf<Shape>] = true;
  ScriptedArgs args(storage, std::move(values));
  const Shape shape = Shape::from(args);
  CHECK(args.used_up());
  io_uring_sqe sqe{};
  sqe.opcode = Shape::kOpcode;
  shape.fill(sqe);
  return sqe;
}

void check_words(const io_uring_sqe& sqe, const char* name, uint8_t opcode, const Words& words,
                 int line = __builtin_LINE()) {
  io_uring_sqe expected{};
  expected.opcode = opcode;
  expected.flags = words.flags;
  expected.ioprio = words.ioprio;
  expected.fd = words.fd;
  expected.off = words.off;
  expected.addr = words.addr;
  expected.len = words.len;
  expected.rw_flags = static_cast<int32_t>(words.op_flags);
  expected.buf_index = words.buf;
  expected.file_index = words.index;
  expected.addr3 = words.addr3;
  if (!check::check_bytes(&sqe, &expected, sizeof(sqe), __FILE__, line)) check::fail(__FILE__, line, name);
}

// For shapes whose SQE holds nothing that lies in the storage.
template <class Shape>
void expect(Values values, uint8_t opcode, const Words& words, int line = __builtin_LINE()) {
  LocalStorage storage;
  check_words(filled<Shape>(storage, std::move(values)), Shape::kName, opcode, words, line);
  storage.release();
}

const char* text_at(uint64_t address) { return reinterpret_cast<const char*>(address); }

template <class T>
const T& at(uint64_t address) {
  return *reinterpret_cast<const T*>(address);
}

constexpr uint64_t kOwnPosition = ~uint64_t{0};  // -1

char memory[64];
const Bytes kMemory{memory, sizeof(memory)};
const uint64_t kMemoryAt = address_of(memory);

}  // namespace

// ---- Files ------------------------------------------------------------------------------------------------

TEST("shapes: read and write") {
  expect<Read>({3, kMemory, 4096, 8}, abi::IORING_OP_READ,
               {.fd = 3, .off = 4096, .addr = kMemoryAt, .len = 64, .op_flags = 8});
  expect<Read>({3, kMemory, -1, 0}, abi::IORING_OP_READ,
               {.fd = 3, .off = kOwnPosition, .addr = kMemoryAt, .len = 64});
  expect<Write>({3, kMemory, int64_t{1} << 40, 2}, abi::IORING_OP_WRITE,
                {.fd = 3, .off = uint64_t{1} << 40, .addr = kMemoryAt, .len = 64, .op_flags = 2});
  expect<ReadFixed>({3, 7, kMemory, 4096, 8}, abi::IORING_OP_READ_FIXED,
                    {.fd = 3, .off = 4096, .addr = kMemoryAt, .len = 64, .op_flags = 8, .buf = 7});
  expect<WriteFixed>({3, 7, kMemory, -1, 0}, abi::IORING_OP_WRITE_FIXED,
                     {.fd = 3, .off = kOwnPosition, .addr = kMemoryAt, .len = 64, .buf = 7});
  expect<ReadMultishot>({3, 9, -1}, abi::IORING_OP_READ_MULTISHOT,
                        {.fd = 3, .off = kOwnPosition, .flags = abi::IOSQE_BUFFER_SELECT, .buf = 9});
}

TEST("shapes: readv and writev take a list that is held") {
  const auto check = [](const io_uring_sqe& sqe, const char* name, uint8_t opcode) {
    check_words(sqe, name, opcode, {.fd = 3, .off = 10, .addr = sqe.addr, .len = 2, .op_flags = 4});
    const auto* list = &at<iovec>(sqe.addr);
    CHECK_EQ(list[0].iov_base, static_cast<void*>(memory));
    CHECK_EQ(list[1].iov_base, static_cast<void*>(memory + 32));
    CHECK_EQ(list[1].iov_len, 32u);
  };
  LocalStorage storage;
  check(filled<Readv>(storage, {3, kMemory, 10, 4}), Readv::kName, abi::IORING_OP_READV);
  check(filled<Writev>(storage, {3, kMemory, 10, 4}), Writev::kName, abi::IORING_OP_WRITEV);
  storage.release();
}

TEST("shapes: an open file's size and caching") {
  expect<Fsync>({3, abi::IORING_FSYNC_DATASYNC}, abi::IORING_OP_FSYNC, {.fd = 3, .op_flags = 1});
  expect<SyncFileRange>({3, 100, 200, 2}, abi::IORING_OP_SYNC_FILE_RANGE,
                        {.fd = 3, .off = 100, .len = 200, .op_flags = 2});
  const int64_t large = int64_t{5} << 32;
  expect<Fallocate>({3, 1, 100, large}, abi::IORING_OP_FALLOCATE,
                    {.fd = 3, .off = 100, .addr = uint64_t{5} << 32, .len = 1});
  expect<Ftruncate>({3, large}, abi::IORING_OP_FTRUNCATE, {.fd = 3, .off = uint64_t{5} << 32});
  expect<Fadvise>({3, 100, 200, 4}, abi::IORING_OP_FADVISE, {.fd = 3, .off = 100, .len = 200, .op_flags = 4});
  // Whole pages only.
  const auto page = static_cast<uint32_t>(::sysconf(_SC_PAGESIZE));
  expect<Madvise>({Bytes{memory, 3 * page - 1}, 4}, abi::IORING_OP_MADVISE,
                  {.fd = -1, .addr = kMemoryAt, .len = 2 * page, .op_flags = 4});
}

TEST("shapes: splice and tee") {
  expect<Splice>({4, 100, 5, 200, 300, 1}, abi::IORING_OP_SPLICE,
                 {.fd = 5, .off = 200, .addr = 100, .len = 300, .op_flags = 1, .index = 4});
  expect<Splice>(
      {4, -1, 5, -1, 300, int64_t{abi::SPLICE_F_FD_IN_FIXED}}, abi::IORING_OP_SPLICE,
      {.fd = 5, .off = kOwnPosition, .addr = kOwnPosition, .len = 300, .op_flags = 1u << 31, .index = 4});
  expect<Tee>({4, 5, 300, 2}, abi::IORING_OP_TEE, {.fd = 5, .len = 300, .op_flags = 2, .index = 4});
}

TEST("shapes: closing, by descriptor and by slot") {
  expect<Close>({3}, abi::IORING_OP_CLOSE, {.fd = 3});
  expect<CloseDirect>({0}, abi::IORING_OP_CLOSE, {.index = 1});
  expect<CloseDirect>({6}, abi::IORING_OP_CLOSE, {.index = 7});
  expect<FixedFdInstall>({6}, abi::IORING_OP_FIXED_FD_INSTALL, {.fd = 6, .flags = abi::IOSQE_FIXED_FILE});
}

TEST("shapes: extended attributes of an open file") {
  LocalStorage storage;
  const io_uring_sqe get = filled<Fgetxattr>(storage, {3, "user.a", kMemory});
  check_words(get, "fgetxattr", abi::IORING_OP_FGETXATTR,
              {.fd = 3, .off = kMemoryAt, .addr = get.addr, .len = 64});
  CHECK_EQ(text_at(get.addr), "user.a");
  const io_uring_sqe set = filled<Fsetxattr>(storage, {3, "user.b", kMemory, 1});
  check_words(set, "fsetxattr", abi::IORING_OP_FSETXATTR,
              {.fd = 3, .off = kMemoryAt, .addr = set.addr, .len = 64, .op_flags = 1});
  CHECK_EQ(text_at(set.addr), "user.b");
  storage.release();
}

// ---- Paths ------------------------------------------------------------------------------------------------

TEST("shapes: a new descriptor is an ordinary one, a free slot, or a slot") {
  CHECK_EQ(file_index_field(-1), 0u);
  CHECK_EQ(file_index_field(-2), abi::IORING_FILE_INDEX_ALLOC);
  CHECK_EQ(file_index_field(0), 1u);
  CHECK_EQ(file_index_field(41), 42u);
}

TEST("shapes: openat and openat2") {
  LocalStorage storage;
  const io_uring_sqe open = filled<Openat>(storage, {AT_FDCWD, "dir/file", O_RDWR | O_CREAT, 0640, -2});
  check_words(open, "openat", abi::IORING_OP_OPENAT,
              {.fd = AT_FDCWD, .addr = open.addr, .len = 0640, .op_flags = O_RDWR | O_CREAT, .index = ~0u});
  CHECK_EQ(text_at(open.addr), "dir/file");
  const io_uring_sqe open2 =
      filled<Openat2>(storage, {7, "name", O_RDONLY, 0, int64_t{abi::kResolveBeneath}, 3});
  check_words(open2, "openat2", abi::IORING_OP_OPENAT2,
              {.fd = 7, .off = open2.off, .addr = open2.addr, .len = sizeof(abi::open_how), .index = 4});
  CHECK_EQ(text_at(open2.addr), "name");
  const auto& how = at<abi::open_how>(open2.off);
  CHECK_EQ(how.flags, static_cast<uint64_t>(O_RDONLY));
  CHECK_EQ(how.mode, 0u);
  CHECK_EQ(how.resolve, abi::kResolveBeneath);
  storage.release();
}

TEST("shapes: statx writes to the caller's 256 bytes") {
  static char out[256];
  LocalStorage storage;
  const io_uring_sqe sqe =
      filled<Statx>(storage, {AT_FDCWD, "file", AT_SYMLINK_NOFOLLOW, 0x7ff, Bytes{out, sizeof(out)}});
  check_words(sqe, "statx", abi::IORING_OP_STATX,
              {.fd = AT_FDCWD, .off = address_of(out), .addr = sqe.addr, .len = 0x7ff, .op_flags = 0x100});
  CHECK_EQ(text_at(sqe.addr), "file");
  storage.release();
}

TEST("shapes: two paths") {
  LocalStorage storage;
  const auto check = [](const io_uring_sqe& sqe, const char* name, uint8_t opcode, uint32_t flags) {
    check_words(sqe, name, opcode, {.fd = 3, .off = sqe.off, .addr = sqe.addr, .len = 4, .op_flags = flags});
    CHECK_EQ(text_at(sqe.addr), "old");
    CHECK_EQ(text_at(sqe.off), "new");
  };
  check(filled<Renameat>(storage, {3, "old", 4, "new", 1}), "renameat", abi::IORING_OP_RENAMEAT, 1);
  check(filled<Linkat>(storage, {3, "old", 4, "new", 0x400}), "linkat", abi::IORING_OP_LINKAT, 0x400);
  // The same directory for both, as the usual call has it: the second one's -100 travels in an unsigned word.
  const io_uring_sqe here = filled<Renameat>(storage, {AT_FDCWD, "old", AT_FDCWD, "new", 0});
  CHECK_EQ(static_cast<int32_t>(here.len), AT_FDCWD);
  const io_uring_sqe symlink = filled<Symlinkat>(storage, {"target", 4, "name"});
  check_words(symlink, "symlinkat", abi::IORING_OP_SYMLINKAT,
              {.fd = 4, .off = symlink.off, .addr = symlink.addr});
  CHECK_EQ(text_at(symlink.addr), "target");
  CHECK_EQ(text_at(symlink.off), "name");
  storage.release();
}

TEST("shapes: one path") {
  LocalStorage storage;
  const io_uring_sqe unlink = filled<Unlinkat>(storage, {3, "name", AT_REMOVEDIR});
  check_words(unlink, "unlinkat", abi::IORING_OP_UNLINKAT, {.fd = 3, .addr = unlink.addr, .op_flags = 0x200});
  const io_uring_sqe mkdir = filled<Mkdirat>(storage, {3, "name", 0755});
  check_words(mkdir, "mkdirat", abi::IORING_OP_MKDIRAT, {.fd = 3, .addr = mkdir.addr, .len = 0755});
  const io_uring_sqe get = filled<Getxattr>(storage, {"path", "user.a", kMemory});
  check_words(get, "getxattr", abi::IORING_OP_GETXATTR,
              {.off = kMemoryAt, .addr = get.addr, .len = 64, .addr3 = get.addr3});
  const io_uring_sqe set = filled<Setxattr>(storage, {"path", "user.a", kMemory, 2});
  check_words(set, "setxattr", abi::IORING_OP_SETXATTR,
              {.off = kMemoryAt, .addr = set.addr, .len = 64, .op_flags = 2, .addr3 = set.addr3});
  for (const io_uring_sqe& sqe : {unlink, mkdir}) CHECK_EQ(text_at(sqe.addr), "name");
  for (const io_uring_sqe& sqe : {get, set}) {
    CHECK_EQ(text_at(sqe.addr), "user.a");
    CHECK_EQ(text_at(sqe.addr3), "path");
  }
  storage.release();
}

// ---- Sockets ----------------------------------------------------------------------------------------------

TEST("shapes: making and naming a socket") {
  expect<Socket>({AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 6, -1}, abi::IORING_OP_SOCKET,
                 {.fd = AF_INET6, .off = SOCK_STREAM | SOCK_CLOEXEC, .len = 6});
  expect<Listen>({3, 511}, abi::IORING_OP_LISTEN, {.fd = 3, .len = 511});
  expect<Shutdown>({3, SHUT_WR}, abi::IORING_OP_SHUTDOWN, {.fd = 3, .len = 1});
  LocalStorage storage;
  const Bytes name{memory, 16};
  const auto check = [](const io_uring_sqe& sqe, const char* shape, uint8_t opcode) {
    check_words(sqe, shape, opcode, {.fd = 3, .off = 16, .addr = sqe.addr});
    CHECK(sqe.addr != kMemoryAt);  // a copy
    CHECK_BYTES(text_at(sqe.addr), memory, 16);
  };
  std::memset(memory, 0x5a, sizeof(memory));
  check(filled<Bind>(storage, {3, name}), "bind", abi::IORING_OP_BIND);
  check(filled<Connect>(storage, {3, name}), "connect", abi::IORING_OP_CONNECT);
  storage.release();
}

TEST("shapes: accept, once and again and again") {
  expect<Accept>({3, SOCK_CLOEXEC, -1}, abi::IORING_OP_ACCEPT, {.fd = 3, .op_flags = SOCK_CLOEXEC});
  expect<Accept>({3, 0, 5}, abi::IORING_OP_ACCEPT, {.fd = 3, .index = 6});
  expect<AcceptMultishot>({3, SOCK_CLOEXEC, 0}, abi::IORING_OP_ACCEPT,
                          {.fd = 3, .op_flags = SOCK_CLOEXEC, .ioprio = abi::IORING_ACCEPT_MULTISHOT});
  expect<AcceptMultishot>({3, 0, 1}, abi::IORING_OP_ACCEPT,
                          {.fd = 3, .ioprio = abi::IORING_ACCEPT_MULTISHOT, .index = ~0u});
}

TEST("shapes: send and receive") {
  const Words words{.fd = 3, .addr = kMemoryAt, .len = 64, .op_flags = MSG_DONTWAIT};
  expect<Send>({3, kMemory, MSG_DONTWAIT, 0}, abi::IORING_OP_SEND, words);
  expect<SendZc>({3, kMemory, MSG_DONTWAIT}, abi::IORING_OP_SEND_ZC, words);
  expect<Recv>({3, kMemory, MSG_DONTWAIT}, abi::IORING_OP_RECV, words);
  expect<RecvMultishot>({3, 9, MSG_TRUNC, 65536}, abi::IORING_OP_RECV,
                        {.fd = 3,
                         .op_flags = MSG_TRUNC,
                         .ioprio = abi::IORING_RECV_MULTISHOT,
                         .flags = abi::IOSQE_BUFFER_SELECT,
                         .buf = 9,
                         .index = 65536});
}

TEST("shapes: a send's bytes are copied if that is asked for") {
  for (const uint32_t size : {0u, 1u, 160u, 161u, 4096u}) {
    LocalStorage storage;
    std::vector<unsigned char> memory(size, 7);
    const io_uring_sqe sqe = filled<Send>(storage, {3, Bytes{memory.data(), size}, 0, 1});
    std::fill(memory.begin(), memory.end(), 0);
    CHECK(sqe.len == size);
    const auto* copy = reinterpret_cast<const unsigned char*>(sqe.addr);
    CHECK(static_cast<uint32_t>(std::count(copy, copy + size, 7)) == size);
    storage.release();
  }
}

TEST("shapes: messages carry their vectors and an address") {
  LocalStorage storage;
  const io_uring_sqe send = filled<Sendmsg>(storage, {3, kMemory, Bytes{memory, 28}, MSG_NOSIGNAL});
  check_words(send, "sendmsg", abi::IORING_OP_SENDMSG,
              {.fd = 3, .addr = send.addr, .len = 1, .op_flags = MSG_NOSIGNAL});
  const auto& sent = at<msghdr>(send.addr);
  CHECK_EQ(sent.msg_iovlen, 2u);
  CHECK_EQ(sent.msg_iov[1].iov_base, static_cast<void*>(memory + 32));
  CHECK_EQ(sent.msg_namelen, 28u);
  CHECK_BYTES(sent.msg_name, memory, 28);
  CHECK(sent.msg_control == nullptr);

  static char name[128];
  const io_uring_sqe receive = filled<Recvmsg>(storage, {3, kMemory, Bytes{name, sizeof(name)}, MSG_PEEK});
  check_words(receive, "recvmsg", abi::IORING_OP_RECVMSG,
              {.fd = 3, .addr = receive.addr, .len = 1, .op_flags = MSG_PEEK});
  auto& received = const_cast<msghdr&>(at<msghdr>(receive.addr));
  CHECK_EQ(received.msg_name, static_cast<void*>(name));  // the caller's own: the kernel writes it
  CHECK_EQ(received.msg_namelen, 128u);
  received.msg_namelen = 16;
  received.msg_flags = MSG_TRUNC;
  CHECK_EQ(Recvmsg::aux(&received), 16 | MSG_TRUNC << 16);

  const io_uring_sqe nameless = filled<Sendmsg>(storage, {3, kMemory, Bytes{}, 0});
  CHECK(at<msghdr>(nameless.addr).msg_name == nullptr);
  CHECK_EQ(at<msghdr>(nameless.addr).msg_namelen, 0u);
  storage.release();
}

TEST("shapes: socket options are commands") {
  const auto words = [](uint64_t command) {
    return Words{.fd = 3,
                 .off = command,
                 .addr = static_cast<uint64_t>(SO_KEEPALIVE) << 32 | SOL_SOCKET,
                 .index = 64,
                 .addr3 = kMemoryAt};
  };
  expect<Getsockopt>({3, SOL_SOCKET, SO_KEEPALIVE, kMemory}, abi::IORING_OP_URING_CMD, words(2));
  expect<Setsockopt>({3, SOL_SOCKET, SO_KEEPALIVE, kMemory}, abi::IORING_OP_URING_CMD, words(3));
}

TEST("shapes: pipe") {
  expect<Pipe>({kMemory, O_CLOEXEC, -1}, abi::IORING_OP_PIPE, {.addr = kMemoryAt, .op_flags = O_CLOEXEC});
  expect<Pipe>({kMemory, 0, -2}, abi::IORING_OP_PIPE, {.addr = kMemoryAt, .index = ~0u});
}

// ---- Time, cancellation, readiness ------------------------------------------------------------------------

TEST("timespec_of: milliseconds with their fraction, never out of range") {
  const auto check = [](double ms, int64_t seconds, int64_t nanoseconds) {
    const abi::kernel_timespec time = timespec_of(ms);
    CHECK_EQ(time.tv_sec, seconds);
    CHECK_EQ(time.tv_nsec, nanoseconds);
  };
  check(0, 0, 0);
  check(0.5, 0, 500'000);
  check(999, 0, 999'000'000);
  check(1000, 1, 0);
  check(1500.25, 1, 500'250'000);
  check(86'400'000, 86'400, 0);
  check(2147483647, 2147483, 647'000'000);
  for (int second = 1; second < 200'000; second++) {
    const double below = std::nextafter(second * 1000.0, 0);
    const abi::kernel_timespec time = timespec_of(below);
    if (!CHECK(time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000 && time.tv_sec < second)) break;
  }
}

TEST("shapes: timeouts hold their timespec") {
  LocalStorage storage;
  const auto check = [](const io_uring_sqe& sqe, const char* name, uint32_t count, uint32_t flags) {
    check_words(sqe, name, abi::IORING_OP_TIMEOUT,
                {.fd = -1, .off = count, .addr = sqe.addr, .len = 1, .op_flags = flags});
    CHECK_EQ(at<abi::kernel_timespec>(sqe.addr).tv_sec, 1);
    CHECK_EQ(at<abi::kernel_timespec>(sqe.addr).tv_nsec, 500'000'000);
  };
  check(filled<Timeout>(storage, {1500.0, 3, abi::IORING_TIMEOUT_BOOTTIME}), "timeout", 3, 4);
  check(filled<TimeoutMultishot>(storage, {1500.0, 10}), "timeoutMultishot", 10, 1u << 6);
  const io_uring_sqe update = filled<TimeoutUpdate>(storage, {77, 1500.0, abi::IORING_TIMEOUT_ABS});
  check_words(update, "timeoutUpdate", abi::IORING_OP_TIMEOUT_REMOVE,
              {.fd = -1, .off = update.off, .addr = 77, .op_flags = 3});
  CHECK_EQ(at<abi::kernel_timespec>(update.off).tv_nsec, 500'000'000);
  storage.release();
  expect<TimeoutRemove>({77}, abi::IORING_OP_TIMEOUT_REMOVE, {.fd = -1, .addr = 77});

  abi::kernel_timespec time{1, 0};
  io_uring_sqe link{};
  link.opcode = LinkTimeout::kOpcode;
  LinkTimeout{&time}.fill(link);
  covered[kKindOf<LinkTimeout>] = true;
  check_words(link, "linkTimeout", abi::IORING_OP_LINK_TIMEOUT,
              {.fd = -1, .addr = address_of(&time), .len = 1});
}

TEST("shapes: cancellation") {
  const int64_t target = 0x0100'0002'0000'0003;
  expect<CancelOperation>({target}, abi::IORING_OP_ASYNC_CANCEL, {.fd = -1, .addr = 0x0100'0002'0000'0003});
  expect<CancelDescriptor>({3, 0, 0}, abi::IORING_OP_ASYNC_CANCEL, {.fd = 3, .op_flags = 2});
  expect<CancelDescriptor>({3, 1, 0}, abi::IORING_OP_ASYNC_CANCEL, {.fd = 3, .op_flags = 2 | 1});
  expect<CancelDescriptor>({3, 1, 1}, abi::IORING_OP_ASYNC_CANCEL, {.fd = 3, .op_flags = 2 | 1 | 8});
  expect<CancelAll>({}, abi::IORING_OP_ASYNC_CANCEL, {.fd = -1, .op_flags = 4 | 1});
}

TEST("shapes: readiness") {
  expect<Nop>({}, abi::IORING_OP_NOP, {.fd = -1});
  expect<Poll>({3, POLLIN | POLLRDHUP}, abi::IORING_OP_POLL_ADD, {.fd = 3, .op_flags = POLLIN | POLLRDHUP});
  expect<PollMultishot>({3, POLLOUT}, abi::IORING_OP_POLL_ADD, {.fd = 3, .len = 1, .op_flags = POLLOUT});
  LocalStorage storage;
  const io_uring_sqe sqe =
      filled<EpollCtl>(storage, {3, EPOLL_CTL_MOD, 5, int64_t{EPOLLIN} | int64_t{EPOLLET}, 0x1234'5678'9abc});
  check_words(sqe, "epollCtl", abi::IORING_OP_EPOLL_CTL, {.fd = 3, .off = 5, .addr = sqe.addr, .len = 3});
  epoll_event event;
  std::memcpy(&event, text_at(sqe.addr), sizeof(event));
  const uint32_t events = event.events;  // a packed struct: no reference to its members
  const uint64_t data = event.data.u64;
  CHECK_EQ(events, EPOLLIN | EPOLLET);
  CHECK_EQ(data, 0x1234'5678'9abcu);
  storage.release();
}

TEST("shapes: other threads and processes") {
  expect<MsgRing>({9, 0xfedcba98, -5}, abi::IORING_OP_MSG_RING,
                  {.fd = 9, .off = uint64_t{4} << 56 | 0xfedcba98, .len = static_cast<uint32_t>(-5)});
  CHECK(CqeTag{4} == CqeTag::kMessage);
  static char info[128];
  expect<Waitid>({P_PID, 4242, Bytes{info, sizeof(info)}, WEXITED}, abi::IORING_OP_WAITID,
                 {.fd = 4242, .off = address_of(info), .len = P_PID, .index = WEXITED});
  const Bytes word{memory, 4};
  const int futex_flags = abi::kFutex2SizeU32 | abi::kFutex2Private;
  expect<FutexWait>({word, 5}, abi::IORING_OP_FUTEX_WAIT,
                    {.fd = futex_flags, .off = 5, .addr = kMemoryAt, .addr3 = abi::kFutexBitsetMatchAny});
  expect<FutexWake>({word, 2}, abi::IORING_OP_FUTEX_WAKE,
                    {.fd = futex_flags, .off = 2, .addr = kMemoryAt, .addr3 = abi::kFutexBitsetMatchAny});
}

// ---- The list ---------------------------------------------------------------------------------------------

TEST("kinds: every one but the composite has its expectation above") {
  for (size_t kind = 0; kind < Kinds::kCount; kind++) {
    if (kind == kKindOf<ReadFileKind>) continue;
    if (!covered[kind])
      check::fail(__FILE__, __LINE__, std::string("not covered: ") + Kinds::kInfo[kind].name);
  }
}

TEST("kinds: names are unique, opcodes known, and the table agrees with the shapes") {
  std::vector<std::string_view> names;
  for (size_t kind = 0; kind < Kinds::kCount; kind++) {
    const KindInfo& info = Kinds::kInfo[kind];
    for (const std::string_view name : names) CHECK(name != info.name);
    names.push_back(info.name);
    CHECK(info.opcode < abi::IORING_OP_LAST);
    CHECK_EQ(Kinds::kOpcodes[kind], info.opcode);
  }
  CHECK_EQ(Kinds::kInfo[kKindOf<Read>].name, "read");
  CHECK(Kinds::kInfo[kKindOf<Recv>].counts == Counts::kBytesRead);
  CHECK(Kinds::kInfo[kKindOf<Write>].counts == Counts::kBytesWritten);
  CHECK(Kinds::kInfo[kKindOf<Nop>].counts == Counts::kNothing);
  CHECK(Kinds::kInfo[kKindOf<Openat>].makes_descriptor);
  CHECK(!Kinds::kInfo[kKindOf<Close>].makes_descriptor);
  CHECK(Kinds::kInfo[kKindOf<Recvmsg>].aux != nullptr);
  CHECK(Kinds::kInfo[kKindOf<Sendmsg>].aux == nullptr);
  size_t seen = 0;
  Kinds::for_each([&]<class Shape>() { CHECK_EQ(kKindOf<Shape>, seen++); });
  CHECK_EQ(seen, Kinds::kCount);
}
