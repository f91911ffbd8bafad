// native/op: which file systems may keep an open or a stat waiting.
#include "op/mounts.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "abi/io_uring_abi.h"
#include "abi/syscalls.h"
#include "check.h"

using namespace ringcore;

namespace {

MountKind kind_of(std::string_view file_system) {
  const auto mounts = Mounts::parse("1 2 3:4 / / rw - " + std::string(file_system) + " none rw");
  return mounts.size() == 1 ? mounts[0].kind : MountKind::kUnlisted;
}

}  // namespace

TEST("the table, its optional fields, and a last line without an end") {
  const auto mounts = Mounts::parse(
      "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
      "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n"
      "28 27 0:30 / /mnt/a\\040-\\040b rw - nfs4 server:/ rw\n"
      "\n"
      "no mount - ext4\n"
      "227 27 0:31 / /merged rw - overlay overlay rw,lowerdir=/a - ext4 b");
  REQUIRE(mounts.size() == 4);
  CHECK_EQ(mounts[0].id, uint64_t{22});
  CHECK_EQ(mounts[0].kind, MountKind::kLocal);
  CHECK_EQ(mounts[1].kind, MountKind::kLocal);
  CHECK_EQ(mounts[2].id, uint64_t{28});
  CHECK_EQ(mounts[2].kind, MountKind::kRemote);
  CHECK_EQ(mounts[3].id, uint64_t{227});
  CHECK_EQ(mounts[3].kind, MountKind::kLayered);
  CHECK(Mounts::parse("").empty());
}

TEST("what is not known to be local is remote") {
  for (const char* name : {"nfs", "nfs4", "fuse", "fuse.sshfs", "virtiofs", "ext", "ext44", ""}) {
    if (!CHECK_EQ(kind_of(name), MountKind::kRemote)) check::failures += std::string(name) + "\n";
  }
  for (const char* name : {"9p", "cifs", "smb3"}) {
    if (!CHECK_EQ(kind_of(name), MountKind::kInsistent)) check::failures += std::string(name) + "\n";
  }
  for (const char* name : {"ext4", "xfs", "btrfs", "f2fs", "proc", "devtmpfs"}) {
    if (!CHECK_EQ(kind_of(name), MountKind::kLocal)) check::failures += std::string(name) + "\n";
  }
  CHECK_EQ(kind_of("tmpfs"), MountKind::kMemory);
}

TEST("the mount of an open file") {
  const int fd = open("/proc/self", O_PATH | O_CLOEXEC);
  REQUIRE(fd >= 0);
  abi::kernel_statx status;
  REQUIRE(abi::statx(fd, "", AT_EMPTY_PATH, abi::kStatxMntId, &status) == 0);
  close(fd);
  Mounts mounts;
  for (int round = 0; round < 3; round++) {
    mounts.new_turn();
    CHECK_EQ(mounts.kind(status.stx_mnt_id), MountKind::kLocal);
    CHECK_EQ(mounts.kind(1ULL << 40), MountKind::kUnlisted);
  }
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
