// The addon's exports: rings, and what sockets and errors need beside them. lib/core/binding.ts is its only
// user.
#include <fcntl.h>
#include <napi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "abi/io_uring_abi.h"
#include "abi/syscalls.h"
#include "binding/args.h"
#include "binding/errors.h"
#include "binding/ring_wrap.h"
#include "op/address.h"

namespace ringcore {
namespace {

// encodeAddress(family, hostOrPath, port): the sockaddr's bytes, or -errno.
Napi::Value encode_address_for_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string host_or_path;
  text_of(env, info[1], &host_or_path);
  SocketAddress address;
  const int result =
      encode_address(info[0].As<Napi::Number>().Int32Value(), host_or_path,
                     static_cast<uint16_t>(info[2].As<Napi::Number>().Uint32Value()), &address);
  if (result < 0) return Napi::Number::New(env, result);
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(&address.bytes), address.size);
}

// decodeAddress(bytes): { family, address, port }, { path }, or undefined.
Napi::Value decode_address_for_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  uint8_t* data = nullptr;
  size_t size = 0;
  DecodedAddress decoded;
  if (!view_of(env, info[0], &data, &size) || !decode_address(data, size, &decoded)) return env.Undefined();
  Napi::Object answer = Napi::Object::New(env);
  if (decoded.family == AF_UNIX) {
    answer.Set("path", decoded.host_or_path);
  } else {
    answer.Set("address", decoded.host_or_path);
    answer.Set("family", decoded.family == AF_INET ? "IPv4" : "IPv6");
    answer.Set("port", decoded.port);
  }
  return answer;
}

// The system calls below never wait: going through the ring would cost more and complete later.

// A result that is 0 or more, or -errno.
Napi::Value outcome(const Napi::CallbackInfo& info, int result) {
  return Napi::Number::New(info.Env(), result < 0 ? -errno : result);
}

int integer(const Napi::CallbackInfo& info, size_t index) {
  return info[index].As<Napi::Number>().Int32Value();
}

// getsockname(fd), getpeername(fd): the sockaddr's bytes, or -errno.
template <int (*Call)(int, sockaddr*, socklen_t*)>
Napi::Value socket_name(const Napi::CallbackInfo& info) {
  SocketAddress address;
  address.size = sizeof(address.bytes);
  const int result = Call(integer(info, 0), reinterpret_cast<sockaddr*>(&address.bytes), &address.size);
  if (result < 0) return outcome(info, result);
  return Napi::Buffer<uint8_t>::Copy(info.Env(), reinterpret_cast<const uint8_t*>(&address.bytes),
                                     address.size);
}

// Thin, since glibc declares the address as a union that is no template argument.
int own_name(int fd, sockaddr* address, socklen_t* size) { return ::getsockname(fd, address, size); }
int peer_name(int fd, sockaddr* address, socklen_t* size) { return ::getpeername(fd, address, size); }

// socket(domain, type, protocol): close-on-exec.
Napi::Value open_socket(const Napi::CallbackInfo& info) {
  return outcome(info, ::socket(integer(info, 0), integer(info, 1) | SOCK_CLOEXEC, integer(info, 2)));
}

// bind(fd, sockaddr).
Napi::Value bind_socket(const Napi::CallbackInfo& info) {
  uint8_t* data = nullptr;
  size_t size = 0;
  if (!view_of(info.Env(), info[1], &data, &size)) return Napi::Number::New(info.Env(), -EINVAL);
  const auto* address = reinterpret_cast<const sockaddr*>(data);
  return outcome(info, ::bind(integer(info, 0), address, static_cast<socklen_t>(size)));
}

// listen(fd, backlog).
Napi::Value listen_on(const Napi::CallbackInfo& info) {
  return outcome(info, ::listen(integer(info, 0), integer(info, 1)));
}

// sendNow(fd, view, offset): what the kernel has room for; how many bytes, or -errno.
Napi::Value send_now(const Napi::CallbackInfo& info) {
  uint8_t* data = nullptr;
  size_t size = 0;
  const auto offset = static_cast<size_t>(integer(info, 2));
  if (!view_of(info.Env(), info[1], &data, &size) || offset >= size) return Napi::Number::New(info.Env(), 0);
  return outcome(info, static_cast<int>(::send(integer(info, 0), data + offset, size - offset,
                                               MSG_DONTWAIT | MSG_NOSIGNAL)));
}

// shutdown(fd, how).
Napi::Value shut_down(const Napi::CallbackInfo& info) {
  return outcome(info, ::shutdown(integer(info, 0), integer(info, 1)));
}

// setsockopt(fd, level, name, value): the value an int32, or bytes.
Napi::Value set_option(const Napi::CallbackInfo& info) {
  uint8_t* data = nullptr;
  size_t size = 0;
  int value = 0;
  if (!view_of(info.Env(), info[3], &data, &size)) {
    value = integer(info, 3);
    data = reinterpret_cast<uint8_t*>(&value);
    size = sizeof(value);
  }
  return outcome(info, ::setsockopt(integer(info, 0), integer(info, 1), integer(info, 2), data,
                                    static_cast<socklen_t>(size)));
}

// getsockopt(fd, level, name): an option that is an int, never negative; or -errno.
Napi::Value get_option(const Napi::CallbackInfo& info) {
  int value = 0;
  socklen_t size = sizeof(value);
  const int result = ::getsockopt(integer(info, 0), integer(info, 1), integer(info, 2), &value, &size);
  return outcome(info, result < 0 ? result : value);
}

// The beginning of the kernel's struct tcp_info, as of 4.1: glibc's ends before the counters.
struct TcpInfo {
  uint8_t tcpi_state;
  uint8_t others[119];
  uint64_t tcpi_bytes_acked;
  uint64_t tcpi_bytes_received;
};
static_assert(offsetof(TcpInfo, tcpi_bytes_acked) == 120 && sizeof(TcpInfo) == 136);

int read_tcp_info(int fd, TcpInfo* info) {
  socklen_t size = sizeof(*info);
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size);
}

// acknowledged(fd): how many bytes the peer of a TCP connection has confirmed, exact up to 2^53; or -errno.
Napi::Value bytes_acknowledged(const Napi::CallbackInfo& info) {
  TcpInfo state{};
  const int result = read_tcp_info(integer(info, 0), &state);
  if (result < 0) return outcome(info, result);
  return Napi::Number::New(info.Env(), static_cast<double>(state.tcpi_bytes_acked));
}

// wasReset(fd, received): whether a TCP connection of which so many bytes were received has ended without the
// peer's FIN.
Napi::Value was_reset(const Napi::CallbackInfo& info) {
  const int fd = integer(info, 0);
  TcpInfo state{};
  int unread = 0;
  if (read_tcp_info(fd, &state) < 0 || ::ioctl(fd, FIONREAD, &unread) < 0) {
    return Napi::Boolean::New(info.Env(), false);
  }
  // The kernel counts a FIN as one byte more.
  const double received = info[1].As<Napi::Number>().DoubleValue() + unread;
  const bool reset =
      state.tcpi_state == TCP_CLOSE && static_cast<double>(state.tcpi_bytes_received) == received;
  return Napi::Boolean::New(info.Env(), reset);
}

// lseek(fd, offset, whence): the position, exact up to 2^53.
Napi::Value seek(const Napi::CallbackInfo& info) {
  const off_t result = ::lseek(integer(info, 0), info[1].As<Napi::Number>().Int64Value(), integer(info, 2));
  return Napi::Number::New(info.Env(), static_cast<double>(result < 0 ? -errno : result));
}

// pipe(bytes): both ends of a pipe that holds at least so many bytes, the reading one first; or -errno.
Napi::Value open_pipe(const Napi::CallbackInfo& info) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return outcome(info, -1);
  if (::fcntl(ends[1], F_SETPIPE_SZ, integer(info, 0)) < 0) {
    const Napi::Value failed = outcome(info, -1);
    ::close(ends[0]);
    ::close(ends[1]);
    return failed;
  }
  Napi::Array both = Napi::Array::New(info.Env(), 2);
  both.Set(0u, ends[0]);
  both.Set(1u, ends[1]);
  return both;
}

// describe(fd, out): the type and permissions, and the size, as far as they are known without asking a
// server; 0 or -errno.
Napi::Value describe_file(const Napi::CallbackInfo& info) {
  abi::kernel_statx status{};
  constexpr unsigned kFlags = AT_EMPTY_PATH | abi::kAtStatxDontSync;
  const int result = abi::statx(integer(info, 0), "", kFlags, abi::kStatxBasicStats, &status);
  auto out = info[1].As<Napi::Float64Array>();
  out[0] = status.stx_mode;
  out[1] = static_cast<double>(status.stx_size);
  return Napi::Number::New(info.Env(), result);
}

// openFlags(fd): the O_* flags that can change, such as O_APPEND; or -errno.
Napi::Value open_flags(const Napi::CallbackInfo& info) {
  return outcome(info, ::fcntl(integer(info, 0), F_GETFL));
}

// setBlocking(fd): of a socket. None of the other flags that this clears means anything to one that is new.
Napi::Value set_blocking(const Napi::CallbackInfo& info) {
  return outcome(info, ::fcntl(integer(info, 0), F_SETFL, 0));
}

// duplicate(fd): another descriptor of the same open file, close-on-exec and above the standard streams; or
// -errno.
Napi::Value duplicate_descriptor(const Napi::CallbackInfo& info) {
  return outcome(info, ::fcntl(integer(info, 0), F_DUPFD_CLOEXEC, 3));
}

// closeDescriptor(fd): for sockets and pipes on which nothing is in flight.
Napi::Value close_descriptor(const Napi::CallbackInfo& info) {
  return outcome(info, ::close(integer(info, 0)));
}

// keepFreedMemory(): glibc's malloc, by its own rule, takes the size of the largest mapping that was freed,
// up to 32 MiB, as the size from which on it maps memory, and returns no less than twice that to the system.
Napi::Value keep_freed_memory(const Napi::CallbackInfo& info) {
  constexpr size_t kLargest = 32 * 1024 * 1024;
  void* volatile memory = std::malloc(kLargest - 64 * 1024);  // volatile: not optimized away
  std::free(memory);
  return info.Env().Undefined();
}

// useHugePages(view): for memory that nothing has been written to yet. Only whole pages of it.
Napi::Value use_huge_pages(const Napi::CallbackInfo& info) {
  uint8_t* data = nullptr;
  size_t size = 0;
  if (!view_of(info.Env(), info[0], &data, &size)) return Napi::Number::New(info.Env(), -EINVAL);
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + page - 1) & ~(page - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + size) & ~(page - 1);
  if (begin >= end) return Napi::Number::New(info.Env(), 0);
  return outcome(info, ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
}

Napi::Value name_of_error(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), errno_name(integer(info, 0)));
}

Napi::Value text_of_error(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), std::strerror(-integer(info, 0)));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("openRing", &RingWrap::open);
  add("encodeAddress", &encode_address_for_js);
  add("decodeAddress", &decode_address_for_js);
  add("getsockname", &socket_name<&own_name>);
  add("getpeername", &socket_name<&peer_name>);
  add("socket", &open_socket);
  add("bind", &bind_socket);
  add("listen", &listen_on);
  add("sendNow", &send_now);
  add("shutdown", &shut_down);
  add("setsockopt", &set_option);
  add("getsockopt", &get_option);
  add("acknowledged", &bytes_acknowledged);
  add("wasReset", &was_reset);
  add("pipe", &open_pipe);
  add("describe", &describe_file);
  add("openFlags", &open_flags);
  add("setBlocking", &set_blocking);
  add("duplicate", &duplicate_descriptor);
  add("closeDescriptor", &close_descriptor);
  add("lseek", &seek);
  add("keepFreedMemory", &keep_freed_memory);
  add("useHugePages", &use_huge_pages);
  add("errorName", &name_of_error);
  add("errorText", &text_of_error);
  return exports;
}

}  // namespace

NODE_API_MODULE(ringcore, initialize)

}  // namespace ringcore
