// Operations on sockets.
#pragma once

#include "op/op.h"

namespace ringcore {

// 5.19: socket(2).
struct Socket {
  static constexpr const char* kName = "socket";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SOCKET;
  static constexpr bool kMakesDescriptor = true;
  int32_t domain;
  uint32_t type;
  uint32_t protocol;
  int32_t file_index;

  template <class Args>
  static Socket from(Args& args) {
    return {args.i32(), args.u32(), args.u32(), args.i32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = domain;
    sqe.off = type;
    sqe.len = protocol;
    sqe.file_index = file_index_field(file_index);
  }
};

// 6.11: bind(2).
struct Bind {
  static constexpr const char* kName = "bind";
  static constexpr uint8_t kOpcode = abi::IORING_OP_BIND;
  int32_t fd;
  Address address;

  template <class Args>
  static Bind from(Args& args) {
    return {args.i32(), args.address()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(address.data);
    sqe.addr2 = address.size;
  }
};

// connect(2): laid out as bind.
struct Connect : Bind {
  static constexpr const char* kName = "connect";
  static constexpr uint8_t kOpcode = abi::IORING_OP_CONNECT;

  template <class Args>
  static Connect from(Args& args) {
    return {Bind::from(args)};
  }
};

// 6.11: listen(2).
struct Listen {
  static constexpr const char* kName = "listen";
  static constexpr uint8_t kOpcode = abi::IORING_OP_LISTEN;
  int32_t fd;
  uint32_t backlog;

  template <class Args>
  static Listen from(Args& args) {
    return {args.i32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.len = backlog;
  }
};

// accept4(2). The peer's address is asked of the socket when somebody wants it.
struct Accept {
  static constexpr const char* kName = "accept";
  static constexpr uint8_t kOpcode = abi::IORING_OP_ACCEPT;
  static constexpr bool kMakesDescriptor = true;
  int32_t fd;
  uint32_t accept_flags;
  int32_t file_index;

  template <class Args>
  static Accept from(Args& args) {
    return {args.i32(), args.u32(), args.i32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.accept_flags = accept_flags;
    sqe.file_index = file_index_field(file_index);
  }
};

// 5.19: one accept that completes once a connection. The multishot flag of an accept stands in ioprio.
struct AcceptMultishot {
  static constexpr const char* kName = "acceptMultishot";
  static constexpr uint8_t kOpcode = abi::IORING_OP_ACCEPT;
  static constexpr bool kMakesDescriptor = true;
  int32_t fd;
  uint32_t accept_flags;
  bool direct;

  template <class Args>
  static AcceptMultishot from(Args& args) {
    return {args.i32(), args.u32(), args.boolean()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.accept_flags = accept_flags;
    sqe.ioprio = abi::IORING_ACCEPT_MULTISHOT;
    sqe.file_index = direct ? abi::IORING_FILE_INDEX_ALLOC : 0;
  }
};

// send(2).
struct Send {
  static constexpr const char* kName = "send";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SEND;
  static constexpr Counts kBytes = Counts::kBytesWritten;
  int32_t fd;
  Bytes buffer;
  uint32_t msg_flags;

  template <class Args>
  static Send from(Args& args) {
    Send send{args.i32(), args.bytes(), args.u32()};
    // A copy: the caller's memory is used again before the kernel reads it.
    if (args.boolean()) send.buffer = args.copy(send.buffer);
    return send;
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(buffer.data);
    sqe.len = buffer.size;
    sqe.msg_flags = msg_flags;
  }
};

// 6.0: send(2) from the caller's pages. Two CQEs: the count, and later the notification that the pages are
// free.
struct SendZc : Send {
  static constexpr const char* kName = "sendZc";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SEND_ZC;

  template <class Args>
  static SendZc from(Args& args) {
    return {{args.i32(), args.bytes(), args.u32()}};
  }
};

// recv(2).
struct Recv {
  static constexpr const char* kName = "recv";
  static constexpr uint8_t kOpcode = abi::IORING_OP_RECV;
  static constexpr Counts kBytes = Counts::kBytesRead;
  int32_t fd;
  Bytes buffer;
  uint32_t msg_flags;

  template <class Args>
  static Recv from(Args& args) {
    return {args.i32(), args.bytes(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(buffer.data);
    sqe.len = buffer.size;
    sqe.msg_flags = msg_flags;
  }
};

// 6.0: one receive that completes whenever data came, into provided buffers: an idle connection holds no
// memory.
struct RecvMultishot {
  static constexpr const char* kName = "recvMultishot";
  static constexpr uint8_t kOpcode = abi::IORING_OP_RECV;
  static constexpr Counts kBytes = Counts::kBytesRead;
  int32_t fd;
  uint16_t buffer_group;
  uint32_t msg_flags;
  uint32_t most_bytes;  // 6.17: it ends when so many have come; 0: no limit

  template <class Args>
  static RecvMultishot from(Args& args) {
    return {args.i32(), args.u16(), args.u32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.ioprio = abi::IORING_RECV_MULTISHOT;
    sqe.flags |= abi::IOSQE_BUFFER_SELECT;
    sqe.buf_group = buffer_group;
    sqe.msg_flags = msg_flags;
    sqe.optlen = most_bytes;
  }
};

// sendmsg(2).
struct Sendmsg {
  static constexpr const char* kName = "sendmsg";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SENDMSG;
  static constexpr Counts kBytes = Counts::kBytesWritten;
  int32_t fd;
  msghdr* message;
  uint32_t msg_flags;

  template <class Args>
  static Sendmsg from(Args& args) {
    const int32_t fd = args.i32();
    const Vectors vectors = args.vectors();
    const Address address = args.address();
    msghdr message{};
    message.msg_iov = vectors.data;
    message.msg_iovlen = vectors.count;
    message.msg_name = address.data;
    message.msg_namelen = address.size;
    return {fd, args.store(message), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(message);
    sqe.len = 1;
    sqe.msg_flags = msg_flags;
  }
};

// recvmsg(2). The sender's address goes to the caller's memory; its length and the message's flags are the
// `aux` of the completion: msg_namelen | msg_flags << 16.
struct Recvmsg {
  static constexpr const char* kName = "recvmsg";
  static constexpr uint8_t kOpcode = abi::IORING_OP_RECVMSG;
  static constexpr Counts kBytes = Counts::kBytesRead;
  int32_t fd;
  msghdr* out;
  uint32_t msg_flags;

  template <class Args>
  static Recvmsg from(Args& args) {
    const int32_t fd = args.i32();
    const Vectors vectors = args.vectors();
    const Bytes address = args.optional_view();
    msghdr message{};
    message.msg_iov = vectors.data;
    message.msg_iovlen = vectors.count;
    message.msg_name = address.data;
    message.msg_namelen = address.size;
    return {fd, args.store(message), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.addr = address_of(out);
    sqe.len = 1;
    sqe.msg_flags = msg_flags;
  }
  const void* written_to() const { return out; }
  static int32_t aux(const void* out) {
    const auto* message = static_cast<const msghdr*>(out);
    return static_cast<int32_t>(message->msg_namelen | static_cast<uint32_t>(message->msg_flags) << 16);
  }
};

// shutdown(2).
struct Shutdown {
  static constexpr const char* kName = "shutdown";
  static constexpr uint8_t kOpcode = abi::IORING_OP_SHUTDOWN;
  int32_t fd;
  uint32_t how;

  template <class Args>
  static Shutdown from(Args& args) {
    return {args.i32(), args.u32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.len = how;
  }
};

// 6.7: getsockopt(2) and setsockopt(2), commands of the socket.
template <uint32_t Command>
struct SocketOption {
  static constexpr const char* kName =
      Command == abi::SOCKET_URING_OP_GETSOCKOPT ? "getsockopt" : "setsockopt";
  static constexpr uint8_t kOpcode = abi::IORING_OP_URING_CMD;
  int32_t fd;
  uint32_t level;
  uint32_t name;
  Bytes value;

  template <class Args>
  static SocketOption from(Args& args) {
    return {args.i32(), args.u32(), args.u32(), args.view(0)};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.fd = fd;
    sqe.cmd_op = Command;
    sqe.level = level;
    sqe.optname = name;
    sqe.optval = address_of(value.data);
    sqe.optlen = value.size;
  }
};
using Getsockopt = SocketOption<abi::SOCKET_URING_OP_GETSOCKOPT>;
using Setsockopt = SocketOption<abi::SOCKET_URING_OP_SETSOCKOPT>;

// 6.16: pipe2(2); the two descriptors are written to the caller's memory.
struct Pipe {
  static constexpr const char* kName = "pipe";
  static constexpr uint8_t kOpcode = abi::IORING_OP_PIPE;
  static constexpr bool kMakesDescriptor = true;
  Bytes out;  // two int32
  uint32_t flags;
  int32_t file_index;

  template <class Args>
  static Pipe from(Args& args) {
    return {args.view(2 * sizeof(int32_t)), args.u32(), args.i32()};
  }
  void fill(io_uring_sqe& sqe) const {
    sqe.addr = address_of(out.data);
    sqe.pipe_flags = flags;
    sqe.file_index = file_index_field(file_index);
  }
  const void* written_to() const { return out.data; }
};

}  // namespace ringcore
