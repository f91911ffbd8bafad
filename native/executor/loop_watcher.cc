#include "executor/loop_watcher.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace ringcore {
namespace {

uv_handle_t* handle_of(void* handle) { return static_cast<uv_handle_t*>(handle); }

}  // namespace

LoopWatcher* LoopWatcher::open(uv_loop_t* loop, int eventfd, Events* events, int* error) {
  auto* watcher = new LoopWatcher(loop, eventfd, events);
  *error = uv_poll_init(loop, &watcher->poll_, eventfd);
  if (*error < 0) {
    delete watcher;
    return nullptr;
  }
  uv_prepare_init(loop, &watcher->prepare_);
  uv_check_init(loop, &watcher->check_);
  uv_idle_init(loop, &watcher->idle_);
  watcher->open_handles_ = kHandles;
  watcher->poll_.data = watcher->prepare_.data = watcher->check_.data = watcher->idle_.data = watcher;

  uv_prepare_start(&watcher->prepare_, [](uv_prepare_t* handle) {
    static_cast<LoopWatcher*>(handle->data)->events_->on_prepare();
  });
  uv_check_start(&watcher->check_,
                 [](uv_check_t* handle) { static_cast<LoopWatcher*>(handle->data)->checked(); });
  *error = uv_poll_start(&watcher->poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<LoopWatcher*>(handle->data)->readable();
  });
  // None of the four keeps the loop alive by itself: operations in flight do, through reference().
  uv_unref(handle_of(&watcher->prepare_));
  uv_unref(handle_of(&watcher->check_));
  uv_unref(handle_of(&watcher->idle_));
  uv_unref(handle_of(&watcher->poll_));
  return watcher;
}

void LoopWatcher::close(void (*closed)(void*), void* data) {
  closed_ = closed;
  closed_data_ = data;
  events_ = nullptr;
  const auto on_closed = [](uv_handle_t* handle) {
    auto* watcher = static_cast<LoopWatcher*>(handle->data);
    if (--watcher->open_handles_ > 0) return;
    if (watcher->closed_ != nullptr) watcher->closed_(watcher->closed_data_);
    delete watcher;
  };
  uv_close(handle_of(&poll_), on_closed);
  uv_close(handle_of(&prepare_), on_closed);
  uv_close(handle_of(&check_), on_closed);
  uv_close(handle_of(&idle_), on_closed);
}

void LoopWatcher::reference(bool wanted) {
  if (wanted == referenced_) return;
  referenced_ = wanted;
  if (wanted) {
    uv_ref(handle_of(&poll_));
  } else {
    uv_unref(handle_of(&poll_));
  }
}

void LoopWatcher::keep_awake(bool wanted) {
  if (wanted == awake_) return;
  awake_ = wanted;
  if (wanted) {
    uv_idle_start(&idle_, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(&idle_);
  }
}

void LoopWatcher::readable() {
  if (trigger_ != Trigger::kEdge) {
    uint64_t signals;
    [[maybe_unused]] const ssize_t bytes = read(eventfd_, &signals, sizeof(signals));
  }
  events_->on_readable();
}

void LoopWatcher::checked() {
  // libuv adds a descriptor to epoll when it polls for the first time: only now is there something to modify.
  if (trigger_ == Trigger::kUnknown) make_edge_triggered();
  events_->on_check();
}

void LoopWatcher::make_edge_triggered() {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.fd = eventfd_;  // as libuv has it
  if (epoll_ctl(uv_backend_fd(loop_), EPOLL_CTL_MOD, eventfd_, &event) == 0) {
    trigger_ = Trigger::kEdge;
  } else if (errno != ENOENT) {
    trigger_ = Trigger::kLevel;
  }
}

}  // namespace ringcore
