// Baseline: the echo server of an epoll loop, with no JavaScript above it. `echo_epoll [--port 0] [--seconds
// 60]` prints {"port": N} and ends by itself after so many seconds.
#include <sys/epoll.h>

#include <vector>

#include "loopback.h"
#include "options.h"

using namespace bench;

namespace {

constexpr size_t kBufferBytes = 64 * 1024;

struct Peer {
  std::string unsent;  // what the socket's send buffer had no room for
};

class EpollEcho {
 public:
  explicit EpollEcho(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    add(listener, EPOLLIN);
  }

  [[noreturn]] void run() {
    epoll_event events[1024];
    for (;;) {
      const int ready = epoll_wait(epoll_, events, std::size(events), -1);
      for (int i = 0; i < ready; i++) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          accept_one();
        } else if (!peers_[static_cast<size_t>(fd)].unsent.empty()) {
          flush(fd);
        } else {
          echo(fd);
        }
      }
    }
  }

 private:
  void add(int fd, uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail_errno("epoll_ctl", errno);
  }

  void change(int fd, uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
  }

  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (peers_.size() <= static_cast<size_t>(fd)) peers_.resize(static_cast<size_t>(fd) + 1);
    peers_[static_cast<size_t>(fd)] = {};
    add(fd, EPOLLIN);
  }

  void echo(int fd) {
    const ssize_t got = recv(fd, buffer_, sizeof(buffer_), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      close(fd);
      return;
    }
    const ssize_t sent = send(fd, buffer_, static_cast<size_t>(got), MSG_NOSIGNAL);
    const ssize_t done = sent > 0 ? sent : 0;
    if (done == got) return;
    peers_[static_cast<size_t>(fd)].unsent.assign(buffer_ + done, static_cast<size_t>(got - done));
    change(fd, EPOLLOUT);  // and read no more until it is gone
  }

  void flush(int fd) {
    std::string& unsent = peers_[static_cast<size_t>(fd)].unsent;
    const ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      unsent.clear();
      close(fd);
      return;
    }
    if (sent > 0) unsent.erase(0, static_cast<size_t>(sent));
    if (unsent.empty()) change(fd, EPOLLIN);
  }

  int listener_;
  int epoll_;
  std::vector<Peer> peers_;
  char buffer_[kBufferBytes];
};

}  // namespace

int main(int argc, char** argv) {
  Options options(argc, argv);
  const int port = static_cast<int>(options.number("port", 0));
  alarm(static_cast<unsigned>(options.number("seconds", 60)));
  options.done();
  raise_descriptor_limit();
  auto* server = new EpollEcho(listen_loopback(port));
  server->run();
}
