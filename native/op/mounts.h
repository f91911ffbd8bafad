// Which file systems may keep even an open(2) of a cached name waiting: those whose files somebody else
// serves, over a network or from a process (FUSE). The kernel's own attempt at an IORING_OP_OPENAT, made
// while it is submitted, waits for them like any open.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ringcore {

class Mounts {
 public:
  // Reads the mount table. Where /proc can't be read, everything may wait.
  Mounts();
  ~Mounts() { close(); }
  Mounts(const Mounts&) = delete;
  Mounts& operator=(const Mounts&) = delete;

  void close();

  // What was mounted or unmounted since the last turn of the event loop is noticed by the next open.
  void new_turn() { fresh_ = false; }
  // Whether opening `path` with these O_* flags may wait, though its name may be cached. True for a file of
  // such a file system; false where the kernel makes no attempt on the submitting thread anyhow.
  bool open_may_wait(int dirfd, const char* path, uint64_t open_flags);

  // The devices (major << 32 | minor) in a /proc/self/mountinfo whose file systems are not known to be local.
  static std::vector<uint64_t> waiting_devices(std::string_view mountinfo);

 private:
  void refresh();
  void read_table();

  int fd_;
  bool fresh_ = true;
  bool unknown_ = false;
  std::vector<uint64_t> waiting_;
};

}  // namespace ringcore
