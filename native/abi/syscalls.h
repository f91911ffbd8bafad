// System calls, raw: the three of io_uring, and those of which an old C library knows nothing or not all.
// Each returns what the kernel returns: a value >= 0, or -errno.
#pragma once

#include <cstddef>

#include "abi/kernel_types.h"

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

// 5.6
int openat2(int dirfd, const char* path, const open_how& how);

// 4.11
int statx(int dirfd, const char* path, unsigned flags, unsigned mask, kernel_statx* out);

// preadv2(2) of one piece; a position of -1 is the file's own. 4.6
int pread2(int fd, void* memory, std::size_t bytes, s64 position, int rwf_flags);

}  // namespace ringcore::abi
