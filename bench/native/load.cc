#include "load.h"

#include <sys/epoll.h>

#include <algorithm>

#include "loopback.h"

namespace bench {

Load::Load(const LoadOptions& options, const Exchange& exchange) : options_(options), exchange_(exchange) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fail_errno("epoll_create1", errno);
  connections_.resize(options.connections);
}

Load::~Load() {
  for (Connection& connection : connections_) {
    if (connection.fd >= 0) ::close(connection.fd);
  }
  ::close(epoll_);
}

bool Load::open(Connection& connection) {
  connection.fd = connect_loopback(options_.port, sources_++);
  if (connection.fd < 0) {
    const int error = -connection.fd;
    connection.fd = -1;
    broken(connection, std::string("connect: ") + std::strerror(error));
    return false;
  }
  // Edge-triggered, for both directions at once: one system call for the whole life of the connection. A
  // reply that was read completely is followed by nothing until we ask again, so there is no need to read up
  // to EAGAIN.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u32 = connection.index;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) fail_errno("epoll_ctl", errno);
  alive_++;
  return true;
}

void Load::close(Connection& connection) {
  if (connection.fd < 0) return;
  ::close(connection.fd);
  connection.fd = -1;
  alive_--;
}

void Load::broken(Connection& connection, const std::string& why) {
  result_.errors++;
  if (result_.first_error.empty()) result_.first_error = why;
  close(connection);
  connection.busy = false;
}

void Load::start(Connection& connection, int64_t due_ns) {
  connection.busy = true;
  connection.due_ns = due_ns;
  if (connection.fd < 0 && !open(connection)) return;
  exchange_.prepare(connection.request, connection.index, connection.sequence++);
  connection.sent = 0;
  connection.received = 0;
  send(connection);
}

void Load::send(Connection& connection) {
  while (connection.sent < connection.request.size()) {
    const ssize_t bytes = ::send(connection.fd, connection.request.data() + connection.sent,
                                 connection.request.size() - connection.sent, MSG_NOSIGNAL);
    if (bytes < 0 && errno == EAGAIN) return;  // EPOLLOUT will tell
    if (bytes < 0) return broken(connection, std::string("send: ") + std::strerror(errno));
    connection.sent += static_cast<size_t>(bytes);
  }
}

void Load::receive(Connection& connection) {
  if (connection.reply.empty()) connection.reply.resize(exchange_.reply_capacity());
  for (;;) {
    const size_t room = connection.reply.size() - connection.received;
    const ssize_t bytes = ::recv(connection.fd, connection.reply.data() + connection.received, room, 0);
    if (bytes < 0 && errno == EAGAIN) return;
    if (bytes < 0) return broken(connection, std::string("recv: ") + std::strerror(errno));
    if (bytes == 0) return broken(connection, "the server ended the connection");
    if (!connection.busy) return broken(connection, "a reply to no request");
    connection.received += static_cast<size_t>(bytes);
    switch (exchange_.judge(connection.request, {connection.reply.data(), connection.received})) {
      case Verdict::kWrong:
        return broken(connection, "a wrong reply");
      case Verdict::kRight:
        return finish(connection);
      case Verdict::kIncomplete:
        if (static_cast<size_t>(bytes) < room) return;  // there was no more; the next edge tells of more
    }
  }
}

void Load::finish(Connection& connection) {
  const int64_t now = now_ns();
  connection.busy = false;
  result_.all_exchanges++;
  if (measuring_) {
    latency_.record(now - connection.due_ns);
    connection.measured++;
  }
  if (options_.reconnect) close(connection);
  if (looping_) return start(connection, now);
  if (connection.waiting.empty()) return;
  const int64_t due_ns = connection.waiting.front();
  connection.waiting.pop_front();
  start(connection, due_ns);
}

// Open loop: an exchange is due at its time, whether or not the server has answered the last one. Its latency
// counts from then, so a server that stalls cannot hide it by being asked less.
void Load::start_due(int64_t now) {
  while (next_due_ns_ <= static_cast<double>(now)) {
    Connection& connection = connections_[next_connection_++ % connections_.size()];
    const auto due_ns = static_cast<int64_t>(next_due_ns_);
    next_due_ns_ += 1e9 / options_.rate;
    if (connection.busy) {
      connection.waiting.push_back(due_ns);
    } else if (connection.fd >= 0 || options_.reconnect) {
      start(connection, due_ns);
    }
  }
}

void Load::begin_measuring(int64_t now) {
  measuring_ = true;
  begin_ns_ = now;
  polls_ = idle_polls_ = 0;
  latency_.reset();
  if (options_.server_pid != 0) server_cpu_ = cpu_time(options_.server_pid);
  if (options_.server_cpu >= 0) busy_ns_ = busy_ns(options_.server_cpu);
  own_cpu_ = cpu_time(getpid());
}

void Load::end_measuring(int64_t now) {
  result_.exchanges = latency_.total();
  result_.elapsed_ns = now - begin_ns_;
  if (options_.server_pid != 0) result_.server_cpu = cpu_time(options_.server_pid) - server_cpu_;
  result_.disturbed_ns = (cpu_time(getpid()) - own_cpu_).waited_ns;
  if (options_.server_cpu >= 0) {
    const int64_t others = busy_ns(options_.server_cpu) - busy_ns_ - result_.server_cpu.used_ns;
    result_.disturbed_ns = std::max(result_.disturbed_ns, others);
  }
  result_.idle_polls = polls_ > 0 ? static_cast<double>(idle_polls_) / static_cast<double>(polls_) : 0;
  for (const Connection& connection : connections_) result_.stalled += connection.measured == 0;
}

void Load::poll() {
  epoll_event events[256];
  // When we sleep, never for long: the end of the run is looked at between.
  const int ready = epoll_wait(epoll_, events, std::size(events), options_.spin ? 0 : 1);
  polls_++;
  if (ready <= 0) idle_polls_++;
  for (int i = 0; i < ready; i++) {
    Connection& connection = connections_[events[i].data.u32];
    if (connection.fd >= 0 && connection.busy && connection.sent < connection.request.size())
      send(connection);
    if (connection.fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive(connection);
  }
}

// One exchange on each connection before the clock starts. libuv accepts one connection a turn of its loop:
// under load, the last of 512 would get their first reply when a short run is over.
bool Load::greet() {
  const int64_t give_up_ns = now_ns() + 10'000 * kNsPerMs;
  for (Connection& connection : connections_) {
    connection.index = static_cast<unsigned>(&connection - connections_.data());
    if (!open(connection)) return false;
    start(connection, now_ns());
  }
  const auto busy = [](const Connection& connection) { return connection.busy; };
  while (result_.errors == 0 && std::any_of(connections_.begin(), connections_.end(), busy)) {
    if (now_ns() > give_up_ns) {
      result_.errors++;
      result_.first_error = "a connection got no reply in 10 s";
    }
    poll();
  }
  return result_.errors == 0;
}

LoadResult Load::run() {
  if (!greet()) return result_;
  int64_t now = now_ns();
  const int64_t warm_ns = now + options_.warmup_ns;
  next_due_ns_ = static_cast<double>(now);
  looping_ = options_.rate == 0;
  if (looping_) {
    for (Connection& connection : connections_) start(connection, now);
  }
  for (;;) {
    now = now_ns();
    if (!measuring_ && now >= warm_ns) begin_measuring(now);
    if (measuring_ && now - begin_ns_ >= options_.duration_ns) break;
    if (measuring_ && options_.count > 0 && latency_.total() >= options_.count) break;
    if (alive_ == 0 && result_.errors > 0) break;
    if (options_.rate > 0) start_due(now);
    poll();
  }
  end_measuring(now);
  return result_;
}

}  // namespace bench
