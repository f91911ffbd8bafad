// Plays an older or a stricter kernel to one thread: a seccomp filter hands each io_uring_setup of that
// thread to a supervisor, which answers in the kernel's place.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "abi/io_uring_abi.h"

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1
#endif

// Reads the caller's params while the call waits. ThreadSanitizer can't know that the kernel keeps the two in
// order.
__attribute__((no_sanitize("thread"))) inline unsigned setup_flags_at(uint64_t address) {
  return reinterpret_cast<const volatile ringcore::abi::io_uring_params*>(address)->flags;
}

// Runs `body` on a thread whose io_uring_setup fails with the errno that `answer(flags)` gives, or goes on to
// the kernel where that is 0. False when the system does not allow it; `body` did not run then.
template <class Answer, class Body>
bool with_io_uring_setup(Answer answer, Body body) {
  std::atomic<int> listener{-1};
  std::atomic<bool> installed{false};
  std::thread thread([&] {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 425 /* io_uring_setup */, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
    int fd = -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
      fd = static_cast<int>(
          syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
    }
    listener = fd;
    installed = true;
    installed.notify_one();
    if (fd >= 0) body();
  });
  installed.wait(false);
  const int fd = listener;
  while (fd >= 0) {
    pollfd ready{fd, POLLIN, 0};
    if (poll(&ready, 1, -1) < 0) continue;
    if (!(ready.revents & POLLIN)) break;  // the thread has ended
    seccomp_notif call{};
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) continue;
    seccomp_notif_resp reply{};
    reply.id = call.id;
    reply.error = -answer(setup_flags_at(call.data.args[1]));
    if (reply.error == 0) reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &reply);
  }
  thread.join();
  if (fd >= 0) close(fd);
  return fd >= 0;
}
