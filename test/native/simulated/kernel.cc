// The simulated kernel's doors: the system calls that ringcore makes (in place of native/abi/syscalls.cc),
// those of the C library that concern its descriptors (by the linker's --wrap), and the mount table (in place
// of native/op/mounts.cc).
#include "kernel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>

#include "abi/syscalls.h"
#include "op/mounts.h"
#include "op/op_table.h"
#include "operations.h"

extern "C" {
int __real_close(int fd);
int __real_fstat(int fd, struct stat* status);
int __real_fcntl(int fd, int command, ...);
}

// --- rings

void Kernel::run_until(uint64_t ns) {
  for (uint64_t next_ns = next_event_ns(); next_ns <= ns; next_ns = next_event_ns()) {
    world_.now_ns = std::max(world_.now_ns, next_ns);
    for (size_t i = 0; i < rings_.size(); i++) rings_[i]->work();
  }
  world_.now_ns = std::max(world_.now_ns, ns);
}

uint64_t Kernel::next_event_ns() const {
  uint64_t next_ns = kNever;
  for (const auto& ring : rings_) next_ns = std::min(next_ns, ring->next_event_ns());
  return next_ns;
}

SimulatedRing* Kernel::ring(int fd) const {
  const auto found =
      std::find_if(rings_.begin(), rings_.end(), [fd](auto& ring) { return ring->fd() == fd; });
  return found == rings_.end() ? nullptr : found->get();
}

SimulatedRing* Kernel::by_eventfd(int eventfd) const {
  const auto found =
      std::find_if(rings_.begin(), rings_.end(), [eventfd](auto& ring) { return ring->eventfd == eventfd; });
  return found == rings_.end() ? nullptr : found->get();
}

int Kernel::set_up(unsigned entries, abi::io_uring_params* params) {
  if (faults.setup_call == 0) return -EPERM;
  if (faults.old && (params->flags & abi::IORING_SETUP_NO_SQARRAY)) return -EINVAL;
  rings_.push_back(std::make_unique<SimulatedRing>(world_, entries, params));
  return rings_.back()->fd();
}

void Kernel::close_ring(int fd) {
  SimulatedRing* closed = ring(fd);
  if (closed == nullptr) return;
  closed->for_each_request([](const Request& request) {
    // The executor's own timer and poll hold nothing of anybody's.
    if (ringcore::Op::tag_of(request.sqe.user_data) > ringcore::CqeTag::kClose) return;
    broken("the ring is closed while operation %u is in flight", request.sqe.opcode);
  });
  std::erase_if(rings_, [closed](auto& ring) { return ring.get() == closed; });
}

bool Kernel::signalled(int eventfd) const {
  const SimulatedRing* ring = by_eventfd(eventfd);
  if (ring == nullptr) return false;
  if (ring->edge) return ring->signalled;
  pollfd state{eventfd, POLLIN, 0};
  return poll(&state, 1, 0) > 0;
}

void Kernel::notice(int eventfd) {
  if (SimulatedRing* ring = by_eventfd(eventfd)) ring->signalled = false;
}

void Kernel::edge_triggered(int eventfd) {
  if (SimulatedRing* ring = by_eventfd(eventfd)) ring->edge = true;
}

// --- system calls

namespace ringcore::abi {

int io_uring_setup(unsigned entries, io_uring_params* params) {
  return world->kernel->set_up(entries, params);
}

int io_uring_enter(int fd, unsigned to_submit, unsigned min_complete, unsigned flags, const void* arg,
                   std::size_t) {
  SimulatedRing* ring = world->kernel->ring(fd);
  if (ring == nullptr) broken("io_uring_enter of a ring that is closed");
  if (world->kernel->faults.setup_call == 100) return -EPERM;
  return ring->enter(to_submit, min_complete, flags, arg);
}

int io_uring_register(int fd, unsigned opcode, const void* arg, unsigned nr_args) {
  SimulatedRing* ring = world->kernel->ring(fd);
  if (ring == nullptr) broken("io_uring_register of a ring that is closed");
  return ring->register_resource(opcode, arg, nr_args);
}

int openat2(int, const char*, const open_how&) {
  if (world->random.chance(300)) return -world->random.pick({EAGAIN, ENOENT, EMFILE});
  return open_descriptor(world->random);
}

int statx(int, const char*, unsigned, unsigned, kernel_statx*) { return -ENOSYS; }

int pread2(int fd, void* memory, std::size_t bytes, s64 position, int) {
  world->descriptors.file(fd);
  const uint32_t outcome = world->random.below(10);
  if (outcome == 0) return -EAGAIN;
  if (outcome == 1) bytes /= 2;
  fill_content(0, reinterpret_cast<u64>(memory), static_cast<u64>(position), static_cast<u32>(bytes));
  return static_cast<int>(bytes);
}

}  // namespace ringcore::abi

extern "C" int __wrap_close(int fd) {
  if (fd >= Descriptors::kFirst) {
    world->descriptors.close(fd);
    return 0;
  }
  if (fd <= STDERR_FILENO) broken("descriptor %d is closed, which is the process's own", fd);
  if (world != nullptr) world->kernel->close_ring(fd);
  return __real_close(fd);
}

extern "C" int __wrap_fstat(int fd, struct stat* status) {
  if (fd < Descriptors::kFirst) return __real_fstat(fd, status);
  const File& file = world->descriptors.file(fd);
  *status = {};
  status->st_mode = file.kind == File::Kind::kRegular     ? S_IFREG
                    : file.kind == File::Kind::kDirectory ? S_IFDIR
                                                          : S_IFIFO;
  status->st_size = static_cast<off_t>(file.bytes);
  return 0;
}

extern "C" int __wrap_fcntl(int fd, int command, ...) {
  if (fd >= Descriptors::kFirst) return world->descriptors.file(fd), 0;
  std::va_list arguments;
  va_start(arguments, command);
  const int argument = va_arg(arguments, int);
  va_end(arguments);
  return __real_fcntl(fd, command, argument);
}

// --- mounts

namespace ringcore {

Mounts::Mounts() : fd_(-1) {}
void Mounts::close() {}
MountKind Mounts::kind(uint64_t) { return MountKind::kLocal; }
bool Mounts::any_insistent() { return false; }
bool Mounts::open_may_wait(int, const char*, uint64_t) { return world->random.chance(world->kernel->remote); }
bool Mounts::file_may_wait(int) { return world->random.chance(world->kernel->remote); }

}  // namespace ringcore
