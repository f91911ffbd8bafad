// Baseline: the echo server of an io_uring loop: multishot accept, multishot receive into provided buffers,
// one io_uring_enter a batch, no JavaScript above it. `echo_uring [--port 0] [--seconds 60]` prints {"port":
// N} and ends by itself after so many seconds.
#include <deque>
#include <vector>

#include "loopback.h"
#include "mini_ring.h"
#include "options.h"

using namespace bench;

namespace {

constexpr unsigned kBuffers = 4096;
constexpr size_t kBufferBytes = 16 * 1024;
constexpr uint16_t kGroup = 0;

enum class Kind : uint8_t { kAccept, kReceive, kSend, kClose };

struct Piece {
  uint16_t buffer;
  uint32_t offset;
  uint32_t bytes;
};

struct Peer {
  std::deque<Piece> unsent;  // the first one is under way: two sends at once could overtake each other
  bool ended = false;
  bool receiving = false;
};

class UringEcho {
 public:
  explicit UringEcho(int listener)
      : listener_(listener), ring_(4096, 16384), pool_(ring_, kGroup, kBuffers, kBufferBytes) {
    accept();
  }

  [[noreturn]] void run() {
    for (;;) {
      ring_.enter(1);
      ring_.drain([&](const abi::io_uring_cqe& cqe) { complete(cqe); });
      // Receives that ended for want of buffers: by now some have come back.
      for (const int fd : starved_) {
        if (!peer(fd).ended && !peer(fd).receiving) receive(fd);
      }
      starved_.clear();
    }
  }

 private:
  static uint64_t tag(Kind kind, int fd) {
    return static_cast<uint64_t>(kind) << 32 | static_cast<uint32_t>(fd);
  }
  Peer& peer(int fd) { return peers_[static_cast<size_t>(fd)]; }

  void accept() {
    auto& sqe = ring_.next(abi::IORING_OP_ACCEPT, listener_, tag(Kind::kAccept, listener_));
    sqe.ioprio = abi::IORING_ACCEPT_MULTISHOT;
    sqe.accept_flags = SOCK_CLOEXEC;
  }

  void receive(int fd) {
    auto& sqe = ring_.next(abi::IORING_OP_RECV, fd, tag(Kind::kReceive, fd));
    sqe.ioprio = abi::IORING_RECV_MULTISHOT;
    sqe.flags = abi::IOSQE_BUFFER_SELECT;
    sqe.buf_group = kGroup;
    peer(fd).receiving = true;
  }

  void send(int fd, const Piece& piece) {
    auto& sqe = ring_.next(abi::IORING_OP_SEND, fd, tag(Kind::kSend, fd));
    sqe.addr = reinterpret_cast<uint64_t>(pool_.at(piece.buffer) + piece.offset);
    sqe.len = piece.bytes;
    sqe.msg_flags = MSG_NOSIGNAL;
  }

  void end(int fd) {
    peer(fd).ended = true;
    if (peer(fd).receiving || !peer(fd).unsent.empty()) return;
    ring_.next(abi::IORING_OP_CLOSE, fd, tag(Kind::kClose, fd));
  }

  void complete(const abi::io_uring_cqe& cqe) {
    const int fd = static_cast<int>(cqe.user_data & 0xffff'ffff);
    switch (static_cast<Kind>(cqe.user_data >> 32)) {
      case Kind::kAccept:
        if (cqe.res >= 0) accepted(cqe.res);
        if (!(cqe.flags & abi::IORING_CQE_F_MORE)) accept();
        return;
      case Kind::kReceive:
        return received(fd, cqe);
      case Kind::kSend:
        return sent(fd, cqe.res);
      case Kind::kClose:
        return;
    }
  }

  void accepted(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (peers_.size() <= static_cast<size_t>(fd)) peers_.resize(static_cast<size_t>(fd) + 1);
    peer(fd) = {};
    receive(fd);
  }

  void received(int fd, const abi::io_uring_cqe& cqe) {
    if (!(cqe.flags & abi::IORING_CQE_F_MORE)) peer(fd).receiving = false;
    if (cqe.res > 0) {
      const Piece piece = {static_cast<uint16_t>(cqe.flags >> abi::IORING_CQE_BUFFER_SHIFT), 0,
                           static_cast<uint32_t>(cqe.res)};
      peer(fd).unsent.push_back(piece);
      if (peer(fd).unsent.size() == 1) send(fd, piece);
      if (!peer(fd).receiving) receive(fd);
    } else if (cqe.res == -ENOBUFS) {
      starved_.push_back(fd);
    } else {
      end(fd);
    }
  }

  void sent(int fd, int result) {
    Piece& piece = peer(fd).unsent.front();
    if (result >= 0 && static_cast<uint32_t>(result) < piece.bytes) {
      piece.offset += static_cast<uint32_t>(result);
      piece.bytes -= static_cast<uint32_t>(result);
      return send(fd, piece);
    }
    pool_.give(piece.buffer);
    peer(fd).unsent.pop_front();
    if (!peer(fd).unsent.empty()) {
      send(fd, peer(fd).unsent.front());
    } else if (peer(fd).ended) {
      end(fd);
    }
  }

  int listener_;
  MiniRing ring_;
  BufferPool pool_;
  std::vector<Peer> peers_;
  std::vector<int> starved_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options(argc, argv);
  const int port = static_cast<int>(options.number("port", 0));
  alarm(static_cast<unsigned>(options.number("seconds", 60)));
  options.done();
  raise_descriptor_limit();
  UringEcho server(listen_loopback(port));
  server.run();
}
