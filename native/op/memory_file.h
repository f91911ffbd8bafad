// Writing a whole file where nothing ever waits for a device: tmpfs and ramfs.
#pragma once

#include <cstdint>

#include "op/cached.h"

namespace ringcore {

// As open(path, flags, mode), write of all of it, and close. The bytes written; kAskTheRing, and nothing has
// changed; or -errno of the write. Only with O_TRUNC: the pages of what stays could have been swapped out.
int write_memory_file(Mounts& mounts, const char* path, int flags, uint32_t mode, const void* data,
                      uint32_t bytes);

// As copyfile(source, dest), where `dest` is free, and the source is small and in memory. The source's mode,
// and how many bytes there were; kAskTheRing, and nothing has changed; or -errno of the write, and there is
// no `dest`.
int copy_to_memory_file(Mounts& mounts, const char* source, const char* dest, uint32_t* bytes);

}  // namespace ringcore
