#include "op/memory_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "abi/syscalls.h"

namespace ringcore {
namespace {

// Cutting off a file frees its pages, here and now.
constexpr uint64_t kLargestReplaced = 1024 * 1024;
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

bool is_plain_name(const char* name) {
  return *name != '\0' && std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0;
}

bool is_plain(int flags) {
  constexpr int kKnown = O_WRONLY | O_CREAT | O_TRUNC | O_EXCL;
  constexpr int kNeeded = O_WRONLY | O_TRUNC;
  return (flags & ~kKnown) == 0 && (flags & kNeeded) == kNeeded;
}

// Whether the name is free, or a file's that may be replaced: nothing whose opening could wait or do
// something.
bool is_replaceable(int directory, const char* name, uint64_t mount) {
  abi::kernel_statx file;
  const int error = abi::statx(directory, name, kStatFlags, kMask, &file);
  if (error < 0) return error == -ENOENT;
  return S_ISREG(file.stx_mode) && file.stx_mnt_id == mount && file.stx_size <= kLargestReplaced &&
         file.stx_blocks * 512 <= kLargestReplaced;
}

}  // namespace

int write_memory_file(Mounts& mounts, const char* path, int flags, uint32_t mode, const void* data,
                      uint32_t bytes) {
  const char* slash = std::strrchr(path, '/');
  const char* name = slash == nullptr ? path : slash + 1;
  if (!is_plain(flags) || !is_plain_name(name)) return kAskTheRing;
  const Descriptor directory(open_parent(path, slash));
  if (directory.get() < 0) return kAskTheRing;
  abi::kernel_statx status;
  if (abi::statx(directory.get(), "", AT_EMPTY_PATH | kStatFlags, kMask, &status) < 0) return kAskTheRing;
  if (mounts.kind(status.stx_mnt_id) != MountKind::kMemory) return kAskTheRing;
  if (!is_replaceable(directory.get(), name, status.stx_mnt_id)) return kAskTheRing;

  abi::open_how how{};
  // What has taken the name meanwhile is not waited for.
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  how.mode = flags & O_CREAT ? mode : 0;
  how.resolve = abi::kResolveNoXdev;
  const Descriptor file(abi::openat2(directory.get(), name, how));
  if (file.get() < 0) return kAskTheRing;
  uint32_t done = 0;
  while (done < bytes) {
    const ssize_t put = ::write(file.get(), static_cast<const uint8_t*>(data) + done, bytes - done);
    if (put > 0) {
      done += static_cast<uint32_t>(put);
    } else if (put == 0 || errno != EINTR) {
      // The file is there and open: from here on there is nothing to leave to the ring.
      return put == 0 || errno == EAGAIN ? -EIO : -errno;
    }
  }
  return static_cast<int>(done);
}

}  // namespace ringcore
