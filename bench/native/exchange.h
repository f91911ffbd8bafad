// What is asked of the server, and which answer counts. Every byte of every reply is compared: a server that
// is fast because it answers wrongly shall not win.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bench {

enum class Verdict { kIncomplete, kRight, kWrong };

class Exchange {
 public:
  virtual ~Exchange() = default;
  // Writes the next request of a connection into `request`, which still holds its last one.
  virtual void prepare(std::string& request, unsigned connection, uint64_t sequence) const = 0;
  virtual Verdict judge(const std::string& request, std::string_view received) const = 0;
  // How much can arrive at most, and one byte more: a reply that is too long must be seen.
  virtual size_t reply_capacity() const = 0;
};

// The same bytes come back. Each message is another one: its first bytes say which of which connection it is.
class EchoExchange : public Exchange {
 public:
  explicit EchoExchange(size_t bytes) : bytes_(bytes) {}

  void prepare(std::string& request, unsigned connection, uint64_t sequence) const override {
    if (request.size() != bytes_) {
      request.resize(bytes_);
      for (size_t i = 0; i < bytes_; i++) request[i] = static_cast<char>(i * 31 + connection);
    }
    const uint64_t stamp = sequence << 16 | (connection & 0xffff);
    std::memcpy(request.data(), &stamp, std::min(bytes_, sizeof(stamp)));
  }

  Verdict judge(const std::string& request, std::string_view received) const override {
    if (received.size() < bytes_) return Verdict::kIncomplete;
    return received == request ? Verdict::kRight : Verdict::kWrong;
  }

  size_t reply_capacity() const override { return bytes_ + 1; }

 private:
  size_t bytes_;
};

// GET on a connection that is kept alive: status 200, a Content-Length, exactly the expected body.
class HttpExchange : public Exchange {
 public:
  explicit HttpExchange(std::string body) : body_(std::move(body)) {}

  void prepare(std::string& request, unsigned, uint64_t) const override {
    if (request.empty()) request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";
  }

  Verdict judge(const std::string&, std::string_view received) const override {
    const size_t end = received.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      return received.size() < kHeadLimit ? Verdict::kIncomplete : Verdict::kWrong;
    }
    const std::string_view head = received.substr(0, end + 2);
    const std::string_view body = received.substr(end + 4);
    if (!head.starts_with("HTTP/1.1 200 ") || content_length(head) != body_.size()) return Verdict::kWrong;
    if (body.size() < body_.size()) return Verdict::kIncomplete;
    return body == body_ ? Verdict::kRight : Verdict::kWrong;
  }

  size_t reply_capacity() const override { return kHeadLimit + body_.size() + 1; }

 private:
  static constexpr size_t kHeadLimit = 4096;

  static size_t content_length(std::string_view head) {
    constexpr std::string_view kName = "\r\nContent-Length: ";
    const size_t at = head.find(kName);
    size_t length = SIZE_MAX;
    if (at != std::string_view::npos) std::from_chars(head.data() + at + kName.size(), head.end(), length);
    return length;
  }

  std::string body_;
};

}  // namespace bench
