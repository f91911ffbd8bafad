// System calls that the C library has no or only a late wrapper for, raw. Each returns what the kernel
// returns: a value >= 0, or -errno.
#pragma once

#include <cstddef>

namespace ringcore::abi {

struct io_uring_params;
struct kernel_statx;
struct open_how;

// A new ring's descriptor. `params` is read and filled in.
int io_uring_setup(unsigned entries, io_uring_params* params);

// Hands over `to_submit` SQEs, then waits for `min_complete` CQEs if `flags` has IORING_ENTER_GETEVENTS.
// The number of SQEs taken; -EINTR is not retried here, since the caller knows what to do meanwhile.
int io_uring_enter(int fd, unsigned to_submit, unsigned min_complete, unsigned flags, const void* arg,
                   std::size_t arg_size);

int io_uring_register(int fd, unsigned opcode, const void* arg, unsigned nr_args);

// A descriptor. Since 5.6.
int openat2(int dirfd, const char* path, const open_how* how);

// Since 4.11. `flags`: AT_*; `mask`: STATX_*.
int statx(int dirfd, const char* path, unsigned flags, unsigned mask, kernel_statx* out);

}  // namespace ringcore::abi
