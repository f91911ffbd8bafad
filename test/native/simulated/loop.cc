// libuv's loop in simulated time: timers, idle, prepare, poll, check, closing, in libuv's order.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "kernel.h"
#include "uv.h"
#include "world.h"

namespace {

constexpr int kBackendFd = 999;

template <class Handle, class Call>
int start(std::vector<Handle*>& list, Handle* handle, Call call) {
  handle->call = call;
  handle->active = true;
  list.insert(list.begin(), handle);  // as libuv does: the last to start is the first to run
  return 0;
}

template <class Handle>
void run(const std::vector<Handle*>& list) {
  for (Handle* handle : std::vector<Handle*>(list)) {
    if (handle->active) handle->call(handle);
  }
}

template <class Handle>
int init(uv_loop_t* loop, Handle* handle) {
  *handle = Handle();
  handle->loop = loop;
  return 0;
}

}  // namespace

bool uv_loop_t::alive() const {
  const auto counts = [](const uv_handle_t* handle) { return handle->active && handle->referenced; };
  const auto any = [&](const auto& list) { return std::any_of(list.begin(), list.end(), counts); };
  return timer_ns != ~uint64_t{0} || any(polls) || any(prepares) || any(checks) || any(idles) ||
         !closing.empty();
}

void uv_loop_t::turn() {
  uv_update_time(this);
  if (timer_ns <= time_ns) {
    timer_ns = ~uint64_t{0};
    timer(timer_data);
  }
  run(idles);
  run(prepares);
  const int timeout_ms = uv_backend_timeout(this);
  poll(timeout_ms < 0 ? ~uint64_t{0} : world->now_ns + static_cast<uint64_t>(timeout_ms) * 1'000'000);
  uv_update_time(this);
  run(checks);
  std::vector<uv_handle_t*> closed;
  closed.swap(closing);
  for (uv_handle_t* handle : closed) handle->closed(handle);
}

void uv_loop_t::poll(uint64_t until_ns) {
  while (!readable() && world->now_ns < until_ns) {
    asleep(timer_data);
    const uint64_t next_ns = world->kernel->next_event_ns();
    if (std::min(next_ns, until_ns) == ~uint64_t{0}) broken("the loop sleeps, and nothing will ever wake it");
    world->kernel->run_until(std::min(next_ns, until_ns));
  }
  for (uv_poll_t* handle : std::vector<uv_poll_t*>(polls)) {
    if (!handle->active || !world->kernel->signalled(handle->fd)) continue;
    world->kernel->notice(handle->fd);
    handle->call(handle, 0, UV_READABLE);
  }
}

bool uv_loop_t::readable() const {
  return std::any_of(polls.begin(), polls.end(), [](const uv_poll_t* handle) {
    return handle->active && world->kernel->signalled(handle->fd);
  });
}

int uv_poll_init(uv_loop_t* loop, uv_poll_t* handle, int fd) {
  init(loop, handle);
  handle->fd = fd;
  return 0;
}
int uv_poll_start(uv_poll_t* handle, int, void (*call)(uv_poll_t*, int, int)) {
  return start(handle->loop->polls, handle, call);
}
int uv_prepare_init(uv_loop_t* loop, uv_prepare_t* handle) { return init(loop, handle); }
int uv_prepare_start(uv_prepare_t* handle, void (*call)(uv_prepare_t*)) {
  return start(handle->loop->prepares, handle, call);
}
int uv_check_init(uv_loop_t* loop, uv_check_t* handle) { return init(loop, handle); }
int uv_check_start(uv_check_t* handle, void (*call)(uv_check_t*)) {
  return start(handle->loop->checks, handle, call);
}
int uv_idle_init(uv_loop_t* loop, uv_idle_t* handle) { return init(loop, handle); }
int uv_idle_start(uv_idle_t* handle, void (*call)(uv_idle_t*)) {
  return start(handle->loop->idles, handle, call);
}
int uv_idle_stop(uv_idle_t* handle) {
  handle->active = false;
  std::erase(handle->loop->idles, handle);
  return 0;
}
void uv_ref(uv_handle_t* handle) { handle->referenced = true; }
void uv_unref(uv_handle_t* handle) { handle->referenced = false; }

void uv_close(uv_handle_t* handle, void (*closed)(uv_handle_t*)) {
  uv_loop_t& loop = *handle->loop;
  handle->active = false;
  handle->closed = closed;
  const auto forget = [handle](auto& list) {
    std::erase_if(list, [handle](const uv_handle_t* one) { return one == handle; });
  };
  forget(loop.polls);
  forget(loop.prepares);
  forget(loop.checks);
  forget(loop.idles);
  loop.closing.push_back(handle);
}

int uv_backend_timeout(const uv_loop_t* loop) {
  if (!loop->alive() || !loop->idles.empty() || !loop->closing.empty()) return 0;
  if (loop->timer_ns == ~uint64_t{0}) return -1;
  if (loop->timer_ns <= loop->time_ns) return 0;
  return static_cast<int>((loop->timer_ns - loop->time_ns + 999'999) / 1'000'000);
}

int uv_backend_fd(const uv_loop_t*) { return kBackendFd; }
void uv_update_time(uv_loop_t* loop) { loop->time_ns = world->now_ns; }

uint64_t uv_hrtime() {
  world->pass(world->random.between(20, 1500));
  return world->now_ns;
}

// The only use of epoll_ctl: to make a poll handle's descriptor edge-triggered. A kernel may refuse.
extern "C" int __wrap_epoll_ctl(int, int, int fd, epoll_event*) {
  if (world->kernel->refuses_edges()) {
    errno = EPERM;
    return -1;
  }
  world->kernel->edge_triggered(fd);
  return 0;
}
