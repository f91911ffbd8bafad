// What is mounted, and what may be asked of it without waiting: a file system of this machine answers from
// memory what it has there; one of the network, or of a user's program (FUSE), may ask whoever serves it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ringcore {

enum class MountKind : uint8_t {
  kUnlisted,   // not in /proc/self/mountinfo: the kernel's own (pipes, sockets), or detached, or not ours
  kRemote,     // of the network, of a user-space program, or not known to us
  kInsistent,  // remote, and even a statx with AT_STATX_DONT_SYNC asks
  kLocal,      // statx looks at memory, once the inode is there
  kMemory,     // local, and what is written stays in memory: tmpfs, ramfs
  kLayered,    // overlayfs: passes a statx on to whatever lies below
};

struct Mount {
  uint64_t id;  // stx_mnt_id
  MountKind kind;
};

class Mounts {
 public:
  // Reads the mount table. Where /proc can't be read, everything may wait.
  Mounts();
  ~Mounts() { close(); }
  Mounts(const Mounts&) = delete;
  Mounts& operator=(const Mounts&) = delete;

  void close();

  // What was mounted or unmounted since the last turn of the event loop is noticed by the next question.
  void new_turn() { fresh_ = false; }
  // Of the mount with this stx_mnt_id.
  MountKind kind(uint64_t id);
  bool any_insistent();
  // Whether opening `path` with these O_* flags may wait, though its name may be in memory: the open itself
  // asks the server. So does the attempt at an IORING_OP_OPENAT that the kernel makes while it is submitted.
  // False where it makes none.
  bool open_may_wait(int dirfd, const char* path, uint64_t open_flags);

  // Whether to read or write this open file may wait for a server.
  bool file_may_wait(int fd);

  // The mounts of a /proc/self/mountinfo.
  static std::vector<Mount> parse(std::string_view table);

 private:
  MountKind kind_of_file(int fd);
  void refresh();
  void read_table();

  int fd_;
  bool fresh_ = true;
  bool any_remote_ = true;
  bool any_insistent_ = true;
  std::vector<Mount> mounts_;
};

}  // namespace ringcore
