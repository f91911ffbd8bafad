// The load generator: connections on one epoll, one exchange at a time on each.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "exchange.h"
#include "measure.h"

namespace bench {

struct LoadOptions {
  int port = 0;
  unsigned connections = 1;
  int64_t warmup_ns = 0;
  int64_t duration_ns = 0;
  uint64_t count = 0;  // ends after this many exchanges, if not by time; 0: by time alone
  double rate =
      0;  // exchanges a second over all connections (open loop); 0: each as soon as the last is done
  bool spin = true;        // ask epoll without waiting: the client never sleeps
  bool reconnect = false;  // a new connection for each exchange
  int server_cpu = -1;     // its processor, if it is pinned: whether others used it too
  int server_pid = 0;      // whose CPU time is measured; 0: nobody's
};

struct LoadResult {
  uint64_t exchanges = 0;
  uint64_t errors = 0;
  unsigned stalled = 0;  // connections without a single exchange in the measured time
  int64_t elapsed_ns = 0;
  CpuTime server_cpu;
  int64_t disturbed_ns = 0;  // for which something else had the server's processor, or ours
  double idle_polls =
      0;  // share of looks at epoll that found nothing: near 0 the generator itself is the limit
  uint64_t all_exchanges = 0;  // the warm-up's too
  std::string first_error;
};

class Load {
 public:
  Load(const LoadOptions& options, const Exchange& exchange);
  ~Load();
  LoadResult run();
  const Histogram& latency() const { return latency_; }

 private:
  struct Connection {
    int fd = -1;
    unsigned index = 0;
    bool busy = false;
    uint64_t sequence = 0;
    uint64_t measured = 0;
    int64_t due_ns = 0;
    std::string request;
    size_t sent = 0;
    std::string reply;
    size_t received = 0;
    std::deque<int64_t> waiting;  // open loop: exchanges that were due while another one was under way
  };

  bool open(Connection& connection);
  void close(Connection& connection);
  void start(Connection& connection, int64_t due_ns);
  void send(Connection& connection);
  void receive(Connection& connection);
  void finish(Connection& connection);
  void broken(Connection& connection, const std::string& why);
  void start_due(int64_t now);
  void begin_measuring(int64_t now);
  void end_measuring(int64_t now);
  void poll();
  bool greet();

  LoadOptions options_;
  const Exchange& exchange_;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  unsigned alive_ = 0;
  unsigned sources_ = 0;
  bool measuring_ = false;
  bool looping_ = false;  // closed loop: the next exchange follows at once
  int64_t begin_ns_ = 0;
  CpuTime server_cpu_;
  CpuTime own_cpu_;
  int64_t busy_ns_ = 0;
  double next_due_ns_ = 0;
  size_t next_connection_ = 0;
  uint64_t polls_ = 0;
  uint64_t idle_polls_ = 0;
  Histogram latency_;
  LoadResult result_;
};

}  // namespace bench
