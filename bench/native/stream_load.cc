// Sends blocks to a server on 127.0.0.1, as fast as it takes them, and prints one line of JSON, as echo_load
// does: an exchange is a block.
//
//   stream_load --port N [--bytes 65536] [--warmup-ms 0] [--duration-ms 1000] [--pid 0] [--cpu N]
//
// The server checks what it gets (a block holds the numbers of its 4-byte words' places, little endian),
// breaks the connection where a byte is wrong, and answers its end with how many came, 8 bytes: any other
// number is an error.
#include <endian.h>

#include <vector>

#include "loopback.h"
#include "measure.h"

using namespace bench;

namespace {

constexpr long kLongestMs = 60'000;

std::vector<uint32_t> make_block(size_t bytes) {
  std::vector<uint32_t> block(bytes / sizeof(uint32_t));
  for (size_t i = 0; i < block.size(); i++) block[i] = htole32(static_cast<uint32_t>(i * sizeof(uint32_t)));
  return block;
}

void send_block(int fd, const std::vector<uint32_t>& block) {
  const char* at = reinterpret_cast<const char*>(block.data());
  size_t left = block.size() * sizeof(uint32_t);
  while (left > 0) {
    const ssize_t bytes = send(fd, at, left, MSG_NOSIGNAL);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) fail_errno("send", errno);
    at += bytes;
    left -= static_cast<size_t>(bytes);
  }
}

// What the server has counted.
uint64_t read_count(int fd) {
  uint64_t count = 0;
  size_t received = 0;
  while (received < sizeof(count)) {
    const ssize_t bytes = recv(fd, reinterpret_cast<char*>(&count) + received, sizeof(count) - received, 0);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) fail_errno("recv", errno);
    if (bytes == 0) fail("the server ended the connection without a count");
    received += static_cast<size_t>(bytes);
  }
  return le64toh(count);
}

}  // namespace

int main(int argc, char** argv) {
  Options options(argc, argv);
  const int port = static_cast<int>(options.number("port", 0));
  const auto bytes = static_cast<size_t>(options.number("bytes", 64 * 1024));
  const int64_t warmup_ns = std::min(options.number("warmup-ms", 0), kLongestMs) * kNsPerMs;
  const int64_t duration_ns = std::min(options.number("duration-ms", 1000), kLongestMs) * kNsPerMs;
  const int pid = static_cast<int>(options.number("pid", 0));
  const std::string cpu = options.text("cpu", "");
  options.done();
  if (port == 0 || bytes == 0 || bytes % sizeof(uint32_t) != 0)
    fail("--port must not be 0, --bytes be words of 4");
  // Should whoever started us have gone, or the server not read any more, no endless run remains.
  alarm(static_cast<unsigned>((warmup_ns + duration_ns) / 1'000'000'000 + 10));
  const int fd = connect_loopback(port, 0);
  if (fd < 0) fail_errno("connect", -fd);
  fcntl(fd, F_SETFL, 0);  // it may wait
  const std::vector<uint32_t> block = make_block(bytes);

  uint64_t all_blocks = 0;
  const auto send_until = [&](int64_t end_ns) {
    for (; now_ns() < end_ns; all_blocks++) send_block(fd, block);
  };
  send_until(now_ns() + warmup_ns);
  const uint64_t warm_blocks = all_blocks;
  const CpuTime server_before = pid != 0 ? cpu_time(pid) : CpuTime{};
  const CpuTime own_before = cpu_time(getpid());
  const int64_t busy_before = cpu.empty() ? 0 : busy_ns(std::atoi(cpu.c_str()));
  const int64_t begin_ns = now_ns();
  send_until(begin_ns + duration_ns);
  const double seconds = static_cast<double>(now_ns() - begin_ns) / 1e9;
  const int64_t server_ns = pid != 0 ? (cpu_time(pid) - server_before).used_ns : 0;
  int64_t disturbed_ns = (cpu_time(getpid()) - own_before).waited_ns;
  if (!cpu.empty())
    disturbed_ns = std::max(disturbed_ns, busy_ns(std::atoi(cpu.c_str())) - busy_before - server_ns);
  shutdown(fd, SHUT_WR);
  const uint64_t counted = read_count(fd);
  if (counted != all_blocks * bytes) fail("the server has counted " + std::to_string(counted) + " bytes");

  const uint64_t blocks = all_blocks - warm_blocks;
  std::printf("{\"exchanges\":%llu,\"allExchanges\":%llu,\"seconds\":%.6f,\"perSecond\":%.1f",
              static_cast<unsigned long long>(blocks), static_cast<unsigned long long>(all_blocks), seconds,
              static_cast<double>(blocks) / seconds);
  std::printf(",\"serverCpuSeconds\":%.6f,\"disturbedSeconds\":%.6f}\n", static_cast<double>(server_ns) / 1e9,
              static_cast<double>(disturbed_ns) / 1e9);
  return 0;
}
