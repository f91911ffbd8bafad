// Descriptors and memory that tests hand to the kernel; each frees itself.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

template <class T>
inline uint64_t address(T* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

struct Pipe {
  Pipe() { ok = pipe2(ends, O_CLOEXEC) == 0; }
  ~Pipe() {
    if (!ok) return;
    close(ends[0]);
    close(ends[1]);
  }
  bool write(std::string_view text) {
    return ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }
  int reader() const { return ends[0]; }

  int ends[2];
  bool ok;
};

struct SocketPair {
  explicit SocketPair(int type) { ok = socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0; }
  ~SocketPair() {
    if (!ok) return;
    close(ends[0]);
    close(ends[1]);
  }

  int ends[2];
  bool ok;
};

// Two connected TCP sockets. The ends are -1 where there is no loop-back interface.
struct TcpPair {
  TcpPair() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&name);
    socklen_t length = sizeof(name);
    if (bind(listener, generic, length) == 0 && listen(listener, 1) == 0 &&
        getsockname(listener, generic, &length) == 0) {
      ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(ends[0], generic, length) == 0) ends[1] = accept(listener, nullptr, nullptr);
    }
    close(listener);
  }
  ~TcpPair() {
    for (const int end : ends) {
      if (end >= 0) close(end);
    }
  }

  int ends[2] = {-1, -1};
};

// Memory on a page boundary, as a buffer ring wants it.
struct Pages {
  explicit Pages(size_t bytes) : bytes(bytes) {
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  ~Pages() { munmap(memory, bytes); }

  void* memory;
  size_t bytes;
};
