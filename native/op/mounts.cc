#include "op/mounts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "abi/io_uring_abi.h"
#include "abi/syscalls.h"

namespace ringcore {
namespace {

using std::string_view;

// Their getattr looks at the inode in memory. Others may too, but have not been looked at.
constexpr string_view kLocal[] = {"ext4",    "xfs",   "btrfs",  "f2fs",     "ext2",   "ext3",    "devtmpfs",
                                  "proc",    "sysfs", "devpts", "cgroup2",  "cgroup", "tracefs", "rootfs",
                                  "iso9660", "vfat",  "exfat",  "squashfs", "erofs",  "mqueue",  "hugetlbfs"};

// Their getattr does not look at AT_STATX_DONT_SYNC: it takes a cluster's lock, or asks.
constexpr string_view kInsistent[] = {"9p",       "cifs", "smb3",   "gfs2",  "ocfs2",
                                      "orangefs", "coda", "vboxsf", "hostfs"};

template <size_t N>
bool contains(const string_view (&list)[N], string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// Cuts off and gives what stands before `end`; all of it, if that is not there.
string_view take(string_view& text, string_view end) {
  const size_t at = std::min(text.find(end), text.size());
  const string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + end.size(), text.size()));
  return taken;
}

struct Mount {
  uint64_t id = 0;
  string_view file_system;
};

// "36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/sda rw": spaces within a field are written "\040".
Mount next_mount(string_view& table) {
  string_view line = take(table, "\n");
  Mount mount;
  std::from_chars(line.data(), line.data() + line.size(), mount.id);
  take(line, " - ");
  mount.file_system = take(line, " ");
  return mount;
}

int64_t now_s() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec;
}

}  // namespace

MountKind Mounts::kind_of(string_view file_system) {
  if (file_system == "tmpfs" || file_system == "ramfs") return MountKind::kMemory;
  if (file_system == "overlay") return MountKind::kLayered;
  return contains(kLocal, file_system) ? MountKind::kLocal : MountKind::kRemote;
}

MountKind Mounts::find(string_view table, uint64_t id) {
  while (!table.empty()) {
    const Mount mount = next_mount(table);
    if (mount.id == id) return kind_of(mount.file_system);
  }
  return MountKind::kUnlisted;
}

MountKind Mounts::kind(int fd, uint64_t id, bool unique) {
  // An id that is not unique may be another mount's by now.
  if (!unique && now_s() != read_at_s_) known_.clear();
  for (const Known& known : known_) {
    if (known.id == id) return known.kind;
  }
  // The table has the ids that are not unique.
  abi::kernel_statx status;
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  if (abi::statx(fd, "", kFlags, abi::kStatxMntId, &status) < 0) return MountKind::kRemote;
  read();
  const MountKind kind = find({table_.data(), table_.size()}, status.stx_mnt_id);
  if (known_.size() == kMostKnown) known_.clear();
  known_.push_back({id, kind});
  return kind;
}

bool Mounts::any_insistent() {
  if (read_at_s_ < 0) read();
  return insistent_;
}

void Mounts::read() {
  read_at_s_ = now_s();
  table_.clear();
  const int fd = ::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    constexpr size_t kChunkBytes = 8192;
    ssize_t got = 0;
    do {
      const size_t size = table_.size();
      table_.resize(size + kChunkBytes);
      got = ::read(fd, table_.data() + size, kChunkBytes);
      table_.resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    } while (got > 0);
    ::close(fd);
  }
  // Without a table nothing is known to be local, and everything may insist.
  insistent_ = table_.empty();
  for (string_view rest{table_.data(), table_.size()}; !rest.empty();) {
    insistent_ |= contains(kInsistent, next_mount(rest).file_system);
  }
}

}  // namespace ringcore
