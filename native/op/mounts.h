// What is mounted, and what a statx does there: a file system of this machine answers it from memory, one of
// the network may ask its server.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ringcore {

enum class MountKind : uint8_t {
  kUnlisted,  // not in /proc/self/mountinfo: the kernel's own (pipes, sockets), or detached, or not ours
  kRemote,    // of the network, of a user-space program, or not known to us
  kLocal,     // statx looks at memory, once the inode is there
  kMemory,    // local, and what is written stays in memory: tmpfs, ramfs
  kLayered,   // overlayfs: passes a statx on to whatever lies below
};

class Mounts {
 public:
  // The mount on which `fd` is open. `id` is the stx_mnt_id that identifies it; `unique`: no other mount will
  // ever have it (STATX_MNT_ID_UNIQUE, 6.8).
  MountKind kind(int fd, uint64_t id, bool unique);
  // Whether something is mounted that asks its server even with AT_STATX_DONT_SYNC. As of the last look.
  bool any_insistent();

  // For tests: the kind by the file system's name, and the entry of the table's text for an id.
  static MountKind kind_of(std::string_view file_system);
  static MountKind find(std::string_view table, uint64_t id);

 private:
  struct Known {
    uint64_t id;
    MountKind kind;
  };

  void read();

  static constexpr size_t kMostKnown = 64;

  std::vector<Known> known_;
  std::vector<char> table_;
  int64_t read_at_s_ = -1;
  bool insistent_ = false;
};

}  // namespace ringcore
