#include "op/mounts.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>

#include "abi/syscalls.h"
#include "op/op.h"

namespace ringcore {
namespace {

// File systems of which the kernel itself has every answer, from memory or from a device of this machine.
// What is not here may be anybody's. (An automount point is in no name that RESOLVE_CACHED finds.)
constexpr std::string_view kLocal[] = {
    "autofs",   "bcachefs", "binfmt_misc", "bpf",        "btrfs",     "cgroup",     "cgroup2",
    "configfs", "debugfs",  "devpts",      "devtmpfs",   "efivarfs",  "erofs",      "exfat",
    "ext2",     "ext3",     "ext4",        "f2fs",       "fusectl",   "hugetlbfs",  "iso9660",
    "jfs",      "mqueue",   "msdos",       "nsfs",       "ntfs3",     "overlay",    "proc",
    "pstore",   "ramfs",    "rootfs",      "rpc_pipefs", "selinuxfs", "securityfs", "squashfs",
    "sysfs",    "tmpfs",    "tracefs",     "udf",        "vfat",      "xfs",        "zfs",
};

// The field behind `count` spaces.
std::string_view field(std::string_view line, int count) {
  for (; count > 0; count--) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

uint64_t device(uint32_t major, uint32_t minor) { return static_cast<uint64_t>(major) << 32 | minor; }

}  // namespace

// `36 35 98:0 /root /mount/point options optional… - type source options`: proc_pid_mountinfo(5).
std::vector<uint64_t> Mounts::waiting_devices(std::string_view mountinfo) {
  std::vector<uint64_t> devices;
  while (!mountinfo.empty()) {
    const size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    const std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    const size_t separator = line.find(" - ");
    if (separator == std::string_view::npos) continue;
    const std::string_view type = field(line.substr(separator + 3), 0);
    if (std::find(std::begin(kLocal), std::end(kLocal), type) != std::end(kLocal)) continue;
    const std::string_view numbers = field(line, 2);
    uint32_t major = 0;
    uint32_t minor = 0;
    const auto colon = std::from_chars(numbers.begin(), numbers.end(), major).ptr;
    if (colon != numbers.end()) std::from_chars(colon + 1, numbers.end(), minor);
    devices.push_back(device(major, minor));
  }
  return devices;
}

Mounts::Mounts() : fd_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) { read_table(); }

void Mounts::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

// One poll(2) in each turn that opens something.
void Mounts::refresh() {
  if (fresh_ || fd_ < 0) return;
  fresh_ = true;
  pollfd state{fd_, POLLPRI, 0};
  // POLLERR | POLLPRI, once for each change. Nothing is polled for that could wait.
  if (::poll(&state, 1, 0) > 0) read_table();
}

void Mounts::read_table() {
  std::string table;
  ssize_t bytes = fd_ < 0 ? -1 : 0;
  if (fd_ >= 0) {
    char piece[4096];
    ::lseek(fd_, 0, SEEK_SET);
    while ((bytes = ::read(fd_, piece, sizeof(piece))) > 0) table.append(piece, static_cast<size_t>(bytes));
  }
  unknown_ = bytes < 0;
  waiting_ = waiting_devices(table);
}

bool Mounts::open_may_wait(int dirfd, const char* path, uint64_t open_flags) {
  // The kernel leaves these to a worker by itself.
  if (open_flags & (O_CREAT | O_TRUNC)) return false;
  refresh();
  if (!unknown_ && waiting_.empty()) return false;
  if (unknown_) return true;
  // Names only: this waits for nobody.
  abi::open_how how{};
  how.flags = O_PATH | O_CLOEXEC | (open_flags & O_NOFOLLOW);
  how.resolve = abi::kResolveCached;
  const int fd = abi::openat2(dirfd, path, &how);
  // EAGAIN: not cached; so finds the kernel. Another error is what the open itself will say.
  if (fd < 0) return fd == -ENOSYS;
  abi::kernel_statx status{};
  const int result = abi::statx(fd, "", AT_EMPTY_PATH | abi::kAtStatxDontSync, 0, &status);
  ::close(fd);
  if (result < 0) return true;
  return std::find(waiting_.begin(), waiting_.end(), device(status.stx_dev_major, status.stx_dev_minor)) !=
         waiting_.end();
}

}  // namespace ringcore
