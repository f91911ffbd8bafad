#include "op/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace ringcore {
namespace {

// inet_pton() reads up to a zero byte: what comes behind one would be ignored.
bool has_zero(std::string_view text) { return text.find('\0') != std::string_view::npos; }

int encode_ipv4(std::string_view host, uint16_t port, SocketAddress* out) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (has_zero(host) || inet_pton(AF_INET, std::string(host).c_str(), &address.sin_addr) != 1) return -EINVAL;
  std::memcpy(&out->bytes, &address, out->size = sizeof(address));
  return 0;
}

int encode_ipv6(std::string_view host, uint16_t port, SocketAddress* out) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  if (has_zero(host)) return -EINVAL;
  std::string text(host);
  if (const size_t percent = text.find('%'); percent != std::string::npos) {
    const std::string scope = text.substr(percent + 1);
    text.resize(percent);
    address.sin6_scope_id = if_nametoindex(scope.c_str());
    if (address.sin6_scope_id == 0) address.sin6_scope_id = static_cast<uint32_t>(std::atoi(scope.c_str()));
    if (address.sin6_scope_id == 0) return -EINVAL;
  }
  if (inet_pton(AF_INET6, text.c_str(), &address.sin6_addr) != 1) return -EINVAL;
  std::memcpy(&out->bytes, &address, out->size = sizeof(address));
  return 0;
}

int encode_unix(std::string_view path, SocketAddress* out) {
  if (path.empty()) return -EINVAL;  // the kernel would choose an abstract name
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool abstract = path[0] == '\0';
  // A path in the file system needs room for its closing zero.
  if (path.size() + (abstract ? 0 : 1) > sizeof(address.sun_path)) return -ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  out->size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  std::memcpy(&out->bytes, &address, sizeof(address));
  return 0;
}

}  // namespace

int encode_address(int family, std::string_view host_or_path, uint16_t port, SocketAddress* out) {
  switch (family) {
    case AF_INET:
      return encode_ipv4(host_or_path, port, out);
    case AF_INET6:
      return encode_ipv6(host_or_path, port, out);
    case AF_UNIX:
      return encode_unix(host_or_path, out);
    default:
      return -EAFNOSUPPORT;
  }
}

bool decode_address(const void* bytes, size_t size, DecodedAddress* out) {
  sockaddr_storage storage{};
  if (size < sizeof(sa_family_t) || size > sizeof(storage)) return false;
  std::memcpy(&storage, bytes, size);
  out->family = storage.ss_family;
  char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
  switch (storage.ss_family) {
    case AF_INET: {
      const auto* address = reinterpret_cast<const sockaddr_in*>(&storage);
      inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
      out->host_or_path = text;
      out->port = ntohs(address->sin_port);
      return true;
    }
    case AF_INET6: {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(&storage);
      inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof(text));
      out->host_or_path = text;
      char name[IF_NAMESIZE];
      // A scope belongs to link-local addresses alone.
      if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr) &&
          if_indextoname(address->sin6_scope_id, name) != nullptr) {
        out->host_or_path += std::string("%") + name;
      }
      out->port = ntohs(address->sin6_port);
      return true;
    }
    case AF_UNIX: {
      const auto* address = reinterpret_cast<const sockaddr_un*>(&storage);
      size_t length = size - offsetof(sockaddr_un, sun_path);
      if (size <= offsetof(sockaddr_un, sun_path)) length = 0;
      if (length > 0 && address->sun_path[0] != '\0') length = strnlen(address->sun_path, length);
      out->host_or_path.assign(address->sun_path, length);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace ringcore
