// native/op/memory_file: whole files on tmpfs, and what is not written there.
#include "op/memory_file.h"

#include <sys/stat.h>
#include <sys/statfs.h>

#include <algorithm>
#include <string>

#include "check.h"

namespace {

using namespace ringcore;

constexpr int kReplace = O_WRONLY | O_CREAT | O_TRUNC;
constexpr long kTmpfsMagic = 0x01021994;

struct Directory {
  Directory() {
    struct statfs status;
    ok = statfs("/dev/shm", &status) == 0 && status.f_type == kTmpfsMagic && mkdtemp(path.data()) != nullptr;
  }
  ~Directory() {
    for (const char* name : {"file", "link", "fifo"}) unlink(at(name).c_str());
    rmdir(path.c_str());
  }
  std::string at(const char* name) const { return path + "/" + name; }

  std::string path = "/dev/shm/ringcore-memory-XXXXXX";
  bool ok;
};

int put(const std::string& path, std::string_view text, int flags = kReplace, uint32_t mode = 0600) {
  Mounts mounts;
  return write_memory_file(mounts, path.c_str(), flags, mode, text.data(),
                           static_cast<uint32_t>(text.size()));
}

std::string content(const std::string& path) {
  char memory[64];
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const ssize_t got = read(fd, memory, sizeof(memory));
  close(fd);
  return {memory, static_cast<size_t>(std::max<ssize_t>(got, 0))};
}

}  // namespace

TEST("a file: made, replaced by a shorter one, with its mode") {
  const Directory directory;
  if (!directory.ok) SKIP("/dev/shm is no tmpfs");
  const std::string file = directory.at("file");
  CHECK_EQ(put(file, "content", kReplace, 0640 | S_ISUID), 7);
  struct stat status;
  REQUIRE(stat(file.c_str(), &status) == 0);
  CHECK_EQ(status.st_mode & 07777, 0640 | S_ISUID);
  CHECK_EQ(put(file, "new"), 3);
  CHECK_EQ(content(file), "new");
  CHECK_EQ(put(file, ""), 0);
  CHECK_EQ(content(file), "");
}

TEST("nothing happens where it is not certain that nothing waits") {
  const Directory directory;
  if (!directory.ok) SKIP("/dev/shm is no tmpfs");
  const std::string file = directory.at("file");
  REQUIRE(put(file, "old") == 3);
  CHECK_EQ(put(file, "x", kReplace | O_EXCL), kAskTheRing);
  CHECK_EQ(put(file, "x", O_WRONLY | O_CREAT | O_APPEND), kAskTheRing);
  CHECK_EQ(put(file, "x", kReplace | O_SYNC), kAskTheRing);
  CHECK_EQ(put(file, "x", O_RDWR | O_CREAT | O_TRUNC), kAskTheRing);
  CHECK_EQ(put(file, "x", kReplace, 0100600), kAskTheRing);  // openat2 refuses what is no permission
  CHECK_EQ(content(file), "old");
  REQUIRE(symlink("file", directory.at("link").c_str()) == 0);
  REQUIRE(mkfifo(directory.at("fifo").c_str(), 0600) == 0);
  const int reader = open(directory.at("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  for (const char* name : {"link", "fifo", "", ".", "..", "file/", "file/x", "absent/x"}) {
    if (!CHECK_EQ(put(directory.at(name), "x"), kAskTheRing)) check::failures += std::string(name) + "\n";
  }
  CHECK_EQ(content(file), "old");
  CHECK_EQ(content(directory.at("fifo")), "");
  close(reader);
  REQUIRE(truncate(file.c_str(), 2 << 20) == 0);
  CHECK_EQ(put(file, "x"), kAskTheRing);  // freeing many pages takes long
  for (const char* path : {"", "/", "/dev/null", "/proc/self/comm", "ringcore-no-such-file-on-a-disk"}) {
    if (!CHECK_EQ(put(path, "x"), kAskTheRing)) check::failures += std::string(path) + "\n";
  }
}

TEST("no descriptor is left open") {
  const Directory directory;
  if (!directory.ok) SKIP("/dev/shm is no tmpfs");
  const int before = dup(0);
  close(before);
  for (const char* name : {"file", "file", "link", "absent/x", ""}) put(directory.at(name), "text");
  const int after = dup(0);
  close(after);
  CHECK_EQ(after, before);
}
