// Puts load on a server on 127.0.0.1 and prints one line of JSON. Every reply is verified.
//
//   echo_load --port N [--mode echo|accept|http] [--connections 1] [--bytes 64] [--body TEXT] [--warmup-ms 0]
//             [--duration-ms 1000] [--count 0] [--rate 0] [--wait spin|sleep] [--pid 0] [--cpu N]
//
// echo: send, wait for the same bytes. accept: connect, one echo, close. http: GET / on a kept-alive
// connection, answered by the body TEXT. --rate: an open loop of so many exchanges a second over all
// connections. --wait: whether the client asks epoll again and again or lets it sleep. --pid: measure this
// process's CPU time over the same time.
// --cpu: the processor that the process is pinned to, to see whether others used it.
// The exit code is 0 when every reply was right.
#include "load.h"
#include "loopback.h"
#include "options.h"

using namespace bench;

namespace {

constexpr long kLongestMs = 60'000;

void print(const LoadResult& result, const Histogram& latency) {
  const double seconds = static_cast<double>(result.elapsed_ns) / 1e9;
  std::printf("{\"exchanges\":%llu,\"allExchanges\":%llu,\"errors\":%llu,\"stalled\":%u,\"seconds\":%.6f",
              static_cast<unsigned long long>(result.exchanges),
              static_cast<unsigned long long>(result.all_exchanges),
              static_cast<unsigned long long>(result.errors), result.stalled, seconds);
  std::printf(",\"perSecond\":%.1f", seconds > 0 ? static_cast<double>(result.exchanges) / seconds : 0.0);
  for (const double percent : {10.0, 50.0, 90.0, 99.0, 99.9})
    std::printf(",\"p%gUs\":%.2f", percent, latency.percentile_us(percent));
  std::printf(",\"idlePolls\":%.4f", result.idle_polls);
  const auto seconds_of = [](int64_t ns) { return static_cast<double>(ns) / 1e9; };
  std::printf(",\"serverCpuSeconds\":%.6f", seconds_of(result.server_cpu.used_ns));
  std::printf(",\"disturbedSeconds\":%.6f", seconds_of(result.disturbed_ns));
  // Our own texts and strerror's: nothing in them needs escaping.
  if (!result.first_error.empty()) std::printf(",\"firstError\":\"%s\"", result.first_error.c_str());
  std::printf("}\n");
}

template <class Kind>
int run(const LoadOptions& options, const Kind& exchange) {
  Load load(options, exchange);
  const LoadResult result = load.run();
  print(result, load.latency());
  return result.errors > 0 || result.exchanges == 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options(argc, argv);
  LoadOptions load;
  load.port = static_cast<int>(options.number("port", 0));
  load.connections = static_cast<unsigned>(options.number("connections", 1));
  load.warmup_ns = std::min(options.number("warmup-ms", 0), kLongestMs) * kNsPerMs;
  load.duration_ns = std::min(options.number("duration-ms", 1000), kLongestMs) * kNsPerMs;
  load.count = static_cast<uint64_t>(options.number("count", 0));
  load.rate = static_cast<double>(options.number("rate", 0));
  load.server_pid = static_cast<int>(options.number("pid", 0));
  const std::string cpu = options.text("cpu", "");
  if (!cpu.empty()) load.server_cpu = std::atoi(cpu.c_str());
  const std::string wait = options.text("wait", "spin");
  const std::string mode = options.text("mode", "echo");
  const auto bytes = static_cast<size_t>(options.number("bytes", 64));
  const std::string body = options.text("body", "hello world\n");
  options.done();
  if (load.port == 0 || load.connections == 0 || bytes == 0)
    fail("--port, --connections and --bytes must not be 0");
  if (wait != "spin" && wait != "sleep") fail("--wait: spin or sleep");
  load.spin = wait == "spin";
  load.reconnect = mode == "accept";
  // Should whoever started us have gone and taken the pipe along, no endless run remains.
  alarm(static_cast<unsigned>((load.warmup_ns + load.duration_ns) / 1'000'000'000 + 10));
  raise_descriptor_limit();
  if (mode == "http") return run(load, HttpExchange(body));
  if (mode == "echo" || mode == "accept") return run(load, EchoExchange(bytes));
  fail("--mode: echo, accept or http");
}
