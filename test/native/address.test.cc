// native/op: socket addresses as bytes, from and to text.
#include "op/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "check.h"

namespace {

using namespace ringcore;

SocketAddress encoded(int family, std::string_view text, uint16_t port) {
  SocketAddress address;
  CHECK_EQ(encode_address(family, text, port, &address), 0);
  return address;
}

int refused(int family, std::string_view text) {
  SocketAddress address;
  return encode_address(family, text, 1, &address);
}

DecodedAddress decoded(const SocketAddress& address) {
  DecodedAddress result;
  CHECK(decode_address(&address.bytes, address.size, &result));
  return result;
}

void check_round_trip(int family, std::string_view text, uint16_t port) {
  const DecodedAddress back = decoded(encoded(family, text, port));
  CHECK_EQ(back.family, family);
  CHECK_EQ(back.host_or_path, text);
  CHECK_EQ(back.port, port);
}

}  // namespace

TEST("address: IPv4 as the kernel has it") {
  const SocketAddress address = encoded(AF_INET, "127.0.0.1", 8080);
  CHECK_EQ(address.size, sizeof(sockaddr_in));
  const unsigned char expected[8] = {AF_INET, 0, 0x1f, 0x90, 127, 0, 0, 1};
  CHECK_BYTES(&address.bytes, expected, sizeof(expected));
}

TEST("address: there and back") {
  check_round_trip(AF_INET, "0.0.0.0", 0);
  check_round_trip(AF_INET, "255.255.255.255", 65535);
  check_round_trip(AF_INET6, "::", 1);
  check_round_trip(AF_INET6, "2001:db8::ff00:42:8329", 443);
  check_round_trip(AF_INET6, "::ffff:127.0.0.1", 80);
  check_round_trip(AF_UNIX, "/run/some.sock", 0);
  check_round_trip(AF_UNIX, std::string_view("\0abstract", 9), 0);
  check_round_trip(AF_UNIX, std::string_view("\0with\0zero", 10), 0);
}

TEST("address: the longest paths") {
  constexpr size_t kRoom = sizeof(sockaddr_un::sun_path);
  check_round_trip(AF_UNIX, std::string(kRoom - 1, 'p'), 0);
  CHECK_EQ(refused(AF_UNIX, std::string(kRoom, 'p')), -ENAMETOOLONG);
  const std::string abstract = '\0' + std::string(kRoom - 1, 'a');
  check_round_trip(AF_UNIX, abstract, 0);
  CHECK_EQ(refused(AF_UNIX, abstract + 'a'), -ENAMETOOLONG);
}

TEST("address: a scope by name and by number") {
  const unsigned loopback = if_nametoindex("lo");
  if (loopback == 0) SKIP("no interface lo");
  const DecodedAddress by_name = decoded(encoded(AF_INET6, "fe80::1%lo", 9));
  CHECK_EQ(by_name.host_or_path, "fe80::1%lo");
  CHECK_EQ(by_name.port, 9);
  const DecodedAddress by_number = decoded(encoded(AF_INET6, "fe80::1%" + std::to_string(loopback), 9));
  CHECK_EQ(by_number.host_or_path, "fe80::1%lo");
  CHECK_EQ(refused(AF_INET6, "fe80::1%no-such-interface"), -EINVAL);
}

TEST("address: what is no literal is refused") {
  for (const std::string_view text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "256.0.0.1", "::1", "1.2.3.4 "}) {
    CHECK_EQ(refused(AF_INET, text), -EINVAL);
  }
  for (const std::string_view text : {"", "localhost", "127.0.0.1", ":::", "1:2:3:4:5:6:7:8:9", "[::1]"}) {
    CHECK_EQ(refused(AF_INET6, text), -EINVAL);
  }
  // A zero byte must not cut the text down to something valid.
  CHECK_EQ(refused(AF_INET, std::string_view("1.2.3.4\0x", 9)), -EINVAL);
  CHECK_EQ(refused(AF_INET6, std::string_view("::1\0x", 5)), -EINVAL);
  CHECK_EQ(refused(AF_UNIX, ""), -EINVAL);  // to the kernel that would be an abstract address
  CHECK_EQ(refused(AF_APPLETALK, "1"), -EAFNOSUPPORT);
}

TEST("address: bytes of any length decode or are refused, nothing is read beyond them") {
  DecodedAddress result;
  CHECK(!decode_address("", 0, &result));
  CHECK(!decode_address("\1", 1, &result));
  const std::string huge(sizeof(sockaddr_storage) + 1, 1);
  CHECK(!decode_address(huge.data(), huge.size(), &result));
  const sa_family_t unknown = AF_APPLETALK;
  CHECK(!decode_address(&unknown, sizeof(unknown), &result));
  const sa_family_t unnamed = AF_UNIX;  // what accept() gives for a client that has no name
  CHECK(decode_address(&unnamed, sizeof(unnamed), &result));
  CHECK_EQ(result.host_or_path, "");
}
