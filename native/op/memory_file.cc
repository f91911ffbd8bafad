#include "op/memory_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cstring>

#include "abi/syscalls.h"

namespace ringcore {
namespace {

// Cutting off a file frees its pages, here and now.
constexpr uint64_t kLargestReplaced = 1024 * 1024;
constexpr uint32_t kLargestCopied = 64 * 1024;
constexpr uint32_t kPermissions = 07777;
constexpr unsigned kMask = abi::kStatxBasicStats | abi::kStatxMntId;
constexpr unsigned kStatFlags = AT_SYMLINK_NOFOLLOW | abi::kAtStatxDontSync;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool is_plain_name(const char* name) {
  return *name != '\0' && std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0;
}

// The directory of the last component, looked up in memory only; -errno.
int open_parent(const char* path, const char* slash) {
  char parent[4096] = ".";
  if (slash != nullptr) {
    // Of "/name" it is "/".
    const size_t length = slash == path ? 1 : static_cast<size_t>(slash - path);
    if (length >= sizeof(parent)) return -ENAMETOOLONG;
    std::memcpy(parent, path, length);
    parent[length] = '\0';
  }
  abi::open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = abi::kResolveCached;
  return abi::openat2(AT_FDCWD, parent, how);
}

// A name in a directory that is in memory.
class Name {
 public:
  explicit Name(const char* path)
      : slash_(std::strrchr(path, '/')),
        name_(slash_ == nullptr ? path : slash_ + 1),
        directory_(is_plain_name(name_) ? open_parent(path, slash_) : -1) {}
  bool found() const { return directory_.get() >= 0; }
  int directory() const { return directory_.get(); }
  const char* get() const { return name_; }

  // Whether the directory is on a file system that stays in memory.
  bool in_memory(Mounts& mounts) const {
    abi::kernel_statx status;
    const int error = abi::statx(directory(), "", AT_EMPTY_PATH | kStatFlags, kMask, &status);
    return error == 0 && mounts.kind(status.stx_mnt_id) == MountKind::kMemory;
  }

  // What has taken the name meanwhile is not waited for.
  int open(int flags, uint32_t mode) const {
    abi::open_how how{};
    how.flags = static_cast<unsigned>(flags) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    how.mode = flags & O_CREAT ? mode : 0;
    how.resolve = abi::kResolveNoXdev;
    return abi::openat2(directory(), name_, how);
  }

 private:
  const char* slash_;
  const char* name_;
  Descriptor directory_;
};

// 0, or -errno. The file is there and open: from here on there is nothing to leave to the ring.
int write_all(int fd, const void* data, uint32_t bytes) {
  uint32_t done = 0;
  while (done < bytes) {
    const ssize_t put = ::write(fd, static_cast<const uint8_t*>(data) + done, bytes - done);
    if (put > 0) {
      done += static_cast<uint32_t>(put);
    } else if (put == 0 || errno != EINTR) {
      return put == 0 || errno == EAGAIN ? -EIO : -errno;
    }
  }
  return 0;
}

bool is_plain(int flags) {
  constexpr int kKnown = O_WRONLY | O_CREAT | O_TRUNC | O_EXCL;
  constexpr int kNeeded = O_WRONLY | O_TRUNC;
  return (flags & ~kKnown) == 0 && (flags & kNeeded) == kNeeded;
}

// Whether the name is free, or a file's that may be replaced: nothing whose opening could wait or do
// something. The directory first: elsewhere even to look a name up may wait, for a server or a device.
bool is_replaceable(const Name& name, Mounts& mounts) {
  if (!name.in_memory(mounts)) return false;
  abi::kernel_statx file;
  const int error = abi::statx(name.directory(), name.get(), kStatFlags, kMask, &file);
  if (error < 0) return error == -ENOENT;
  return S_ISREG(file.stx_mode) && mounts.kind(file.stx_mnt_id) == MountKind::kMemory &&
         file.stx_size <= kLargestReplaced && file.stx_blocks * 512 <= kLargestReplaced;
}

// Pages of tmpfs can be out only where there is something to be swapped to.
bool may_be_swapped_out() {
  struct sysinfo system;
  return ::sysinfo(&system) < 0 || system.totalswap != 0;
}

// All of a small file that is in memory: its size, and its mode; kAskTheRing if it's anything else.
int read_small(Mounts& mounts, const char* path, uint8_t* memory, uint32_t room, uint16_t* mode) {
  if (mounts.open_may_wait(AT_FDCWD, path, O_RDONLY)) return kAskTheRing;
  abi::open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = abi::kResolveCached;
  const Descriptor file(abi::openat2(AT_FDCWD, path, how));
  abi::kernel_statx status;
  if (file.get() < 0) return kAskTheRing;
  if (abi::statx(file.get(), "", AT_EMPTY_PATH | kStatFlags, kMask, &status) < 0) return kAskTheRing;
  if (!S_ISREG(status.stx_mode) || status.stx_size > room) return kAskTheRing;
  const MountKind kind = mounts.kind(status.stx_mnt_id);
  const bool in_memory = kind == MountKind::kMemory && !may_be_swapped_out();
  if (!in_memory && kind != MountKind::kLocal) return kAskTheRing;
  *mode = status.stx_mode;
  const auto size = static_cast<uint32_t>(status.stx_size);
  if (size == 0) return 0;
  const int got = abi::pread2(file.get(), memory, size, 0, in_memory ? 0 : abi::kRwfNowait);
  return got == static_cast<int>(size) ? got : kAskTheRing;
}

// The umask has taken some of the permissions away, or a default ACL.
int set_mode(int fd, uint32_t mode) {
  abi::kernel_statx made;
  const int error = abi::statx(fd, "", AT_EMPTY_PATH | kStatFlags, kMask, &made);
  if (error < 0) return error;
  return (made.stx_mode & kPermissions) == mode || ::fchmod(fd, mode) == 0 ? 0 : -errno;
}

}  // namespace

int write_memory_file(Mounts& mounts, const char* path, int flags, uint32_t mode, const void* data,
                      uint32_t bytes) {
  if (!is_plain(flags)) return kAskTheRing;
  const Name name(path);
  if (!name.found() || !is_replaceable(name, mounts)) return kAskTheRing;
  const Descriptor file(name.open(flags, mode));
  if (file.get() < 0) return kAskTheRing;
  const int error = write_all(file.get(), data, bytes);
  return error < 0 ? error : static_cast<int>(bytes);
}

int copy_to_memory_file(Mounts& mounts, const char* source, const char* dest, uint32_t* bytes) {
  const Name name(dest);
  if (!name.found() || !name.in_memory(mounts)) return kAskTheRing;
  uint8_t memory[kLargestCopied];
  uint16_t mode = 0;
  const int size = read_small(mounts, source, memory, sizeof(memory), &mode);
  if (size < 0) return kAskTheRing;
  const uint32_t permissions = mode & kPermissions;
  const Descriptor file(name.open(O_WRONLY | O_CREAT | O_EXCL, permissions));
  if (file.get() < 0) return kAskTheRing;
  *bytes = static_cast<uint32_t>(size);
  int error = set_mode(file.get(), permissions);
  if (error == 0) error = write_all(file.get(), memory, *bytes);
  if (error == 0) return mode;
  ::unlinkat(name.directory(), name.get(), 0);
  return error;
}

}  // namespace ringcore
