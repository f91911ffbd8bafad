#include "op/cached.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/syscalls.h"

namespace ringcore {
namespace {

int open_cached(const char* path, bool follow) {
  abi::open_how how{};
  // O_PATH finds the file and does not open it: no device notices, nothing waits, and no right to read is
  // needed.
  how.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  how.resolve = abi::kResolveCached;
  return abi::openat2(AT_FDCWD, path, how);
}

// What the path itself is to blame for: the ring would say the same.
bool is_final(int error) {
  switch (-error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case ELOOP:
    case ENAMETOOLONG:
      return true;
    default:
      return false;
  }
}

}  // namespace

// A seccomp filter may refuse openat2 with any error at all, ENOENT included: it has to work once.
bool CachedStat::usable() {
  if (openat2_ == Openat2::kUnknown) {
    const int fd = open_cached("/", true);
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -EINTR) return false;
    openat2_ = fd >= 0 ? Openat2::kWorks : Openat2::kRefused;
    if (fd >= 0) ::close(fd);
  }
  return openat2_ == Openat2::kWorks;
}

int CachedStat::stat(const char* path, bool follow, abi::kernel_statx* out) {
  if (!usable()) return kAskTheRing;
  const int fd = open_cached(path, follow);
  if (fd < 0) return is_final(fd) ? fd : kAskTheRing;
  const int result = answer(fd, true, out);
  ::close(fd);
  return result;
}

int CachedStat::fstat(int fd, abi::kernel_statx* out) {
  // Of a path nothing comes this far on a file system that insists on asking: those revalidate names, and
  // don't do that from memory. A descriptor may be open anywhere.
  if (mounts_.any_insistent()) return kAskTheRing;
  return answer(fd, false, out);
}

int CachedStat::answer(int fd, bool is_path, abi::kernel_statx* out) {
  constexpr unsigned kMask = abi::kStatxBasicStats | abi::kStatxBtime | abi::kStatxMntId;
  // With this flag a network file system gives what it has in memory, be it old. A local one does not care.
  const int error = abi::statx(fd, "", AT_EMPTY_PATH | abi::kAtStatxDontSync, kMask, out);
  if (error < 0) return error == -EBADF && !is_path ? error : kAskTheRing;
  switch (mounts_.kind(out->stx_mnt_id)) {
    case MountKind::kLocal:
    case MountKind::kMemory:
      return 0;
    case MountKind::kLayered:
      // The layers below are local as a rule, and can't be seen from here. Without the flag it's right on
      // any.
      return abi::statx(fd, "", AT_EMPTY_PATH, kMask, out) < 0 ? kAskTheRing : 0;
    case MountKind::kUnlisted:
      // Pipes and sockets are on mounts of the kernel's own.
      return !is_path && (S_ISFIFO(out->stx_mode) || S_ISSOCK(out->stx_mode)) ? 0 : kAskTheRing;
    default:
      return kAskTheRing;
  }
}

int read_cached(int fd, void* memory, uint32_t bytes, int64_t position, bool buffered) {
  if (!buffered) {
    // RWF_NOWAIT does not keep a direct read from waiting for the device, only from waiting for locks.
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_DIRECT)) return kAskTheRing;
  }
  auto* data = static_cast<uint8_t*>(memory);
  uint32_t done = 0;
  while (done < bytes) {
    const int64_t at = position < 0 ? position : position + done;
    const int got = abi::pread2(fd, data + done, bytes - done, at, abi::kRwfNowait);
    if (got == 0) break;
    if (got < 0) {
      // The rest is not in memory, or it's no file that can say so.
      if (position < 0 && done > 0) ::lseek(fd, -static_cast<off_t>(done), SEEK_CUR);
      return kAskTheRing;
    }
    done += static_cast<uint32_t>(got);
  }
  return static_cast<int>(done);
}

}  // namespace ringcore
