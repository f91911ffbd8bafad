#include "abi/syscalls.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "abi/io_uring_abi.h"

namespace ringcore::abi {
namespace {

// The numbers are the same on x86-64 and arm64. Written down for the same reason as the rest of the ABI:
// <sys/syscall.h> may be older than the kernel.
constexpr long kSysSetup = 425;
constexpr long kSysEnter = 426;
constexpr long kSysRegister = 427;
constexpr long kSysOpenat2 = 437;

int negative_errno(long result) { return result < 0 ? -errno : static_cast<int>(result); }

}  // namespace

int io_uring_setup(unsigned entries, io_uring_params* params) {
  return negative_errno(::syscall(kSysSetup, entries, params));
}

int io_uring_enter(int fd, unsigned to_submit, unsigned min_complete, unsigned flags, const void* arg,
                   std::size_t arg_size) {
  return negative_errno(::syscall(kSysEnter, fd, to_submit, min_complete, flags, arg, arg_size));
}

int io_uring_register(int fd, unsigned opcode, const void* arg, unsigned nr_args) {
  return negative_errno(::syscall(kSysRegister, fd, opcode, arg, nr_args));
}

int openat2(int dirfd, const char* path, const open_how& how) {
  return negative_errno(::syscall(kSysOpenat2, dirfd, path, &how, sizeof(how)));
}

int statx(int dirfd, const char* path, unsigned flags, unsigned mask, kernel_statx* out) {
  return negative_errno(::syscall(SYS_statx, dirfd, path, flags, mask, out));
}

int pread2(int fd, void* memory, std::size_t bytes, s64 position, int rwf_flags) {
  const iovec piece{memory, bytes};
  // The position comes in two halves, of which a 64-bit kernel takes the lower alone.
  return negative_errno(::syscall(SYS_preadv2, fd, &piece, 1L, position, 0L, rwf_flags));
}

}  // namespace ringcore::abi
