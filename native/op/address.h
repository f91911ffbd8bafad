// Socket addresses as bytes, from and to text.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcore {

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

// `family`: AF_INET, AF_INET6 (an IP literal, IPv6 with an optional %scope) or AF_UNIX (a path; one that
// begins with a zero byte is abstract). Returns 0 or -errno.
int encode_address(int family, std::string_view host_or_path, uint16_t port, SocketAddress* out);

struct DecodedAddress {
  int family = AF_UNSPEC;
  std::string host_or_path;
  uint16_t port = 0;
};

// False if the family is none of the three.
bool decode_address(const void* bytes, size_t size, DecodedAddress* out);

}  // namespace ringcore
