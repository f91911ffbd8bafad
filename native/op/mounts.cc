#include "op/mounts.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>

#include "abi/io_uring_abi.h"
#include "abi/syscalls.h"

namespace ringcore {
namespace {

using std::string_view;

// Opening a file and asking for its attributes look at memory, once the inode is there. Others may be the
// same, but are not known to be. (An automount point is in no name that RESOLVE_CACHED finds.)
constexpr string_view kLocal[] = {
    "autofs",   "bcachefs", "binfmt_misc", "bpf",       "btrfs",   "cgroup",     "cgroup2",    "configfs",
    "debugfs",  "devpts",   "devtmpfs",    "efivarfs",  "erofs",   "exfat",      "ext2",       "ext3",
    "ext4",     "f2fs",     "fusectl",     "hugetlbfs", "iso9660", "jfs",        "mqueue",     "msdos",
    "nsfs",     "ntfs3",    "proc",        "pstore",    "rootfs",  "rpc_pipefs", "securityfs", "selinuxfs",
    "squashfs", "sysfs",    "tracefs",     "udf",       "vfat",    "xfs",        "zfs",
};

// Their getattr does not look at AT_STATX_DONT_SYNC: it takes a cluster's lock, or asks.
constexpr string_view kInsistent[] = {"9p",       "cifs", "smb3",   "gfs2",  "ocfs2",
                                      "orangefs", "coda", "vboxsf", "hostfs"};

template <size_t N>
bool contains(const string_view (&list)[N], string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

MountKind kind_of(string_view file_system) {
  if (file_system == "tmpfs" || file_system == "ramfs") return MountKind::kMemory;
  if (file_system == "overlay") return MountKind::kLayered;
  if (contains(kLocal, file_system)) return MountKind::kLocal;
  return contains(kInsistent, file_system) ? MountKind::kInsistent : MountKind::kRemote;
}

bool is_remote(MountKind kind) { return kind == MountKind::kRemote || kind == MountKind::kInsistent; }

// Cuts off and gives what stands before `end`; all of it, if that is not there.
string_view take(string_view& text, string_view end) {
  const size_t at = std::min(text.find(end), text.size());
  const string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + end.size(), text.size()));
  return taken;
}

}  // namespace

// "36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/sda rw": spaces within a field are written "\040".
std::vector<Mount> Mounts::parse(string_view table) {
  std::vector<Mount> mounts;
  while (!table.empty()) {
    string_view line = take(table, "\n");
    uint64_t id = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), id).ec != std::errc()) continue;
    take(line, " - ");
    mounts.push_back({id, kind_of(take(line, " "))});
  }
  return mounts;
}

Mounts::Mounts() : fd_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) { read_table(); }

void Mounts::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

// One poll(2) in each turn that asks something.
void Mounts::refresh() {
  if (fresh_ || fd_ < 0) return;
  fresh_ = true;
  pollfd state{fd_, POLLPRI, 0};
  // POLLERR | POLLPRI, once for each change.
  if (::poll(&state, 1, 0) > 0) read_table();
}

void Mounts::read_table() {
  std::string table;
  if (fd_ >= 0) {
    ::lseek(fd_, 0, SEEK_SET);
    char piece[4096];
    ssize_t bytes = 0;
    while ((bytes = ::read(fd_, piece, sizeof(piece))) > 0) table.append(piece, static_cast<size_t>(bytes));
  }
  mounts_ = parse(table);
  const auto any = [this](auto predicate) {
    // Without a table nothing is known to be local.
    return mounts_.empty() || std::any_of(mounts_.begin(), mounts_.end(), predicate);
  };
  any_remote_ = any([](const Mount& mount) { return is_remote(mount.kind); });
  any_insistent_ = any([](const Mount& mount) { return mount.kind == MountKind::kInsistent; });
}

MountKind Mounts::kind(uint64_t id) {
  refresh();
  for (const Mount& mount : mounts_) {
    if (mount.id == id) return mount.kind;
  }
  return MountKind::kUnlisted;
}

bool Mounts::any_insistent() {
  refresh();
  return any_insistent_;
}

bool Mounts::open_may_wait(int dirfd, const char* path, uint64_t open_flags) {
  // The kernel leaves these to a worker by itself.
  if (open_flags & (O_CREAT | O_TRUNC)) return false;
  refresh();
  if (!any_remote_) return false;
  // The name only: this waits for nobody.
  abi::open_how how{};
  how.flags = O_PATH | O_CLOEXEC | (open_flags & O_NOFOLLOW);
  how.resolve = abi::kResolveCached;
  const int fd = abi::openat2(dirfd, path, how);
  // EAGAIN: not in memory, as the kernel will find. Another error is what the open itself will say.
  if (fd < 0) return fd == -ENOSYS;
  const MountKind found = kind_of_file(fd);
  ::close(fd);
  return is_remote(found) || found == MountKind::kUnlisted;
}

// What is on no mount of the table is a pipe or a socket, which wait without a worker.
bool Mounts::file_may_wait(int fd) {
  refresh();
  return any_remote_ && is_remote(kind_of_file(fd));
}

MountKind Mounts::kind_of_file(int fd) {
  abi::kernel_statx status{};
  const int error = abi::statx(fd, "", AT_EMPTY_PATH | abi::kAtStatxDontSync, abi::kStatxMntId, &status);
  return error < 0 ? MountKind::kUnlisted : kind(status.stx_mnt_id);
}

}  // namespace ringcore
