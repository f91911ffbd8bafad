// native/op/cached, native/op/mounts: answers from memory are those of the system calls that may wait, and
// where there is none, nothing has changed.
#include "op/cached.h"

#include <sys/stat.h>

#include <climits>
#include <string>

#include "abi/syscalls.h"
#include "check.h"
#include "files.h"

namespace {

using namespace ringcore;

// A directory that is removed with what the tests make in it.
struct Directory {
  Directory() { ok = mkdtemp(path.data()) != nullptr; }
  ~Directory() {
    for (const char* name : {"file", "link", "dangling", "loop"}) unlink(at(name).c_str());
    rmdir(path.c_str());
  }
  std::string at(const char* name) const { return path + "/" + name; }
  int make(const char* name, std::string_view text) const {
    const int fd = open(at(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? fd : -1;
  }

  std::string path = "/tmp/ringcore-cached-XXXXXX";
  bool ok;
};

int lowest_free_descriptor() {
  const int fd = dup(0);
  close(fd);
  return fd;
}

bool same(const abi::kernel_statx& a, const abi::kernel_statx& b) {
  return a.stx_ino == b.stx_ino && a.stx_size == b.stx_size && a.stx_mode == b.stx_mode &&
         a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor &&
         a.stx_mtime.tv_sec == b.stx_mtime.tv_sec && a.stx_mtime.tv_nsec == b.stx_mtime.tv_nsec &&
         a.stx_btime.tv_nsec == b.stx_btime.tv_nsec && a.stx_nlink == b.stx_nlink;
}

}  // namespace

TEST("stat: the same as statx says, with and without following links") {
  const Directory directory;
  REQUIRE(directory.ok);
  const int fd = directory.make("file", "content");
  REQUIRE(fd >= 0);
  REQUIRE(symlink("file", directory.at("link").c_str()) == 0);
  Mounts mounts;
  CachedStat cached(mounts);
  for (const char* name : {"file", "link"}) {
    const std::string path = directory.at(name);
    for (const bool follow : {true, false}) {
      abi::kernel_statx expected;
      abi::kernel_statx found;
      const int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
      REQUIRE(abi::statx(AT_FDCWD, path.c_str(), flags, abi::kStatxBasicStats | abi::kStatxBtime,
                         &expected) == 0);
      const int result = cached.stat(path.c_str(), follow, &found);
      if (result == kAskTheRing) SKIP("the directory for temporary files is on no local file system");
      CHECK_EQ(result, 0);
      CHECK(same(found, expected));
    }
  }
  abi::kernel_statx by_path;
  abi::kernel_statx by_descriptor;
  CHECK_EQ(cached.stat(directory.at("file").c_str(), true, &by_path), 0);
  const int result = cached.fstat(fd, &by_descriptor);
  CHECK(result == kAskTheRing || (result == 0 && same(by_path, by_descriptor)));
  close(fd);
}

TEST("stat: what a path is to blame for is an answer, and the rest is the ring's") {
  const Directory directory;
  REQUIRE(directory.ok);
  close(directory.make("file", ""));
  REQUIRE(symlink("loop", directory.at("loop").c_str()) == 0);
  Mounts mounts;
  CachedStat cached(mounts);
  abi::kernel_statx status;
  const auto error = [&](const std::string& path) {
    // A first look brings it in.
    abi::statx(AT_FDCWD, path.c_str(), 0, abi::kStatxBasicStats, &status);
    return cached.stat(path.c_str(), true, &status);
  };
  CHECK_EQ(error(directory.at("loop")), -ELOOP);
  CHECK_EQ(error(directory.at("absent")), -ENOENT);
  CHECK_EQ(error(""), -ENOENT);
  // Some of them the kernel finds on its slower way only.
  const int not_a_directory = error(directory.at("file/x"));
  CHECK(not_a_directory == -ENOTDIR || not_a_directory == kAskTheRing);
  const int too_long = error(directory.path + "/" + std::string(NAME_MAX + 1, 'n'));
  CHECK(too_long == -ENAMETOOLONG || too_long == kAskTheRing);
  CHECK_EQ(error("/proc/self/fd/0"),
           kAskTheRing);  // where the kernel follows such a link it may have to wait
  CHECK_EQ(cached.stat("/tmp/ringcore-nobody-has-asked-for-this-before", true, &status), kAskTheRing);
}

TEST("stat: without a free descriptor the ring is asked, now and not for good") {
  Mounts mounts;
  CachedStat cached(mounts);
  abi::kernel_statx status;
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{static_cast<rlim_t>(lowest_free_descriptor()), before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const int first = cached.stat("/proc", true, &status);
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK_EQ(first, kAskTheRing);
  CHECK_EQ(cached.stat("/proc", true, &status), 0);
}

TEST("stat: no descriptor is left open") {
  Mounts mounts;
  CachedStat cached(mounts);
  abi::kernel_statx status;
  const int before = lowest_free_descriptor();
  for (const char* path : {"/", "/proc", "/absent", "/proc/self/fd/0", "/dev/null", "/dev/tty"}) {
    cached.stat(path, true, &status);
    cached.stat(path, false, &status);
  }
  CHECK_EQ(lowest_free_descriptor(), before);
}

TEST("fstat: pipes, sockets, and no descriptor") {
  Mounts mounts;
  CachedStat cached(mounts);
  if (mounts.any_insistent()) SKIP("a file system is mounted that always asks its server");
  abi::kernel_statx status;
  const Pipe pipe;
  const SocketPair sockets(SOCK_STREAM);
  CHECK_EQ(cached.fstat(pipe.reader(), &status), 0);
  CHECK(S_ISFIFO(status.stx_mode));
  CHECK_EQ(cached.fstat(sockets.ends[0], &status), 0);
  CHECK(S_ISSOCK(status.stx_mode));
  CHECK_EQ(cached.fstat(-1, &status), -EBADF);
  CHECK_EQ(cached.fstat(1'000'000, &status), -EBADF);
}

TEST("read: all of it, up to the end of the file, and nothing behind that") {
  const Directory directory;
  REQUIRE(directory.ok);
  const int fd = directory.make("file", "0123456789");
  REQUIRE(fd >= 0);
  char memory[16] = {};
  const int first = read_cached(fd, memory, 4, 2, false);
  if (first == kAskTheRing) SKIP("the file system for temporary files can't read without waiting");
  CHECK_EQ(first, 4);
  CHECK_BYTES(memory, "2345", 5);
  CHECK_EQ(read_cached(fd, memory, 16, 7, false), 3);
  CHECK_EQ(read_cached(fd, memory, 16, 10, false), 0);
  CHECK_EQ(read_cached(fd, memory, 16, 1LL << 40, false), 0);
  CHECK_EQ(read_cached(fd, memory, 0, 0, false), 0);
  lseek(fd, 6, SEEK_SET);
  CHECK_EQ(read_cached(fd, memory, 3, -1, false), 3);
  CHECK_BYTES(memory, "678", 3);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 9);
  CHECK_EQ(read_cached(fd, memory, 3, -1, false), 1);
  CHECK_EQ(read_cached(fd, memory, 3, -1, false), 0);
  close(fd);
}

TEST("read: the position stays where it was, unless all of it is in memory") {
  const Directory directory;
  REQUIRE(directory.ok);
  const std::string text(4 << 20, 'x');
  const int fd = directory.make("file", text);
  REQUIRE(fd >= 0);
  std::string memory(text.size(), '.');
  for (int round = 0; round < 4; round++) {
    fdatasync(fd);
    posix_fadvise(fd, 1 << 20, 0, POSIX_FADV_DONTNEED);  // the first part stays
    lseek(fd, 5, SEEK_SET);
    const int got = read_cached(fd, memory.data(), 4 << 20, -1, false);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5 + std::max(got, 0));
  }
  close(fd);
}

TEST("read: what may wait is not tried") {
  char memory[4096];
  Pipe pipe;
  REQUIRE(pipe.write("kept"));
  CHECK_EQ(read_cached(pipe.reader(), memory, 4, 0, false), kAskTheRing);
  CHECK_EQ(read(pipe.reader(), memory, 4), 4);
  CHECK_EQ(read_cached(-1, memory, 4, 0, false), kAskTheRing);

  const Directory directory;
  REQUIRE(directory.ok);
  const int written = directory.make("file", std::string(4096, 'x'));
  fdatasync(written);  // a direct read past dirty pages would fail with EAGAIN anyway
  close(written);
  const int fd = open(directory.at("file").c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (fd < 0) SKIP("the file system for temporary files has no O_DIRECT");
  const Pages pages(4096);
  CHECK_EQ(read_cached(fd, pages.memory, 4096, 0, false), kAskTheRing);
  close(fd);
  const int folder = open(directory.path.c_str(), O_RDONLY | O_CLOEXEC);
  CHECK_EQ(read_cached(folder, memory, 4, 0, false), kAskTheRing);
  close(folder);
}
