// native/op: which file systems may keep an open waiting.
#include "op/mounts.h"

#include <fcntl.h>
#include <unistd.h>

#include "check.h"

using ringcore::Mounts;

TEST("the devices of file systems that are not known to be local") {
  const auto devices = Mounts::waiting_devices(
      "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
      "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "40 27 0:45 / /mnt/with\\040space rw,nosuid shared:2 master:1 - fuse.sshfs host:/ rw\n"
      "41 27 0:46 / /nfs rw - nfs4 server:/ rw\n"
      "42 27 259:70000 / /new rw - a_file_system_of_tomorrow none rw");
  CHECK_EQ(devices.size(), size_t{3});
  CHECK_EQ(devices[0], uint64_t{45});
  CHECK_EQ(devices[1], uint64_t{46});
  CHECK_EQ(devices[2], (uint64_t{259} << 32) + 70000);
}

TEST("a table that makes no sense") {
  CHECK(Mounts::waiting_devices("").empty());
  CHECK(Mounts::waiting_devices("\n\nno separator\n").empty());
  CHECK_EQ(Mounts::waiting_devices(" - ").size(), size_t{1});
  CHECK_EQ(Mounts::waiting_devices("1 2 x:y / / rw - fuse").size(), size_t{1});
}

TEST("local files do not wait") {
  Mounts mounts;
  CHECK(!mounts.open_may_wait(AT_FDCWD, "/proc/self/status", O_RDONLY));
  CHECK(!mounts.open_may_wait(AT_FDCWD, "/nowhere", O_RDONLY));
  CHECK(!mounts.open_may_wait(AT_FDCWD, "/nowhere", O_WRONLY | O_CREAT));
}

TEST("without its descriptor it keeps what it knew") {
  Mounts mounts;
  mounts.close();
  mounts.close();
  mounts.new_turn();
  CHECK(!mounts.open_may_wait(AT_FDCWD, "/proc/self/status", O_RDONLY));
}
