// The executor's place in libuv's event loop: a prepare handle (before libuv sleeps), a poll handle on the
// ring's eventfd (what wakes it), a check handle (after it woke) and an idle handle (what keeps it from
// sleeping).
#pragma once

#include <uv.h>

namespace ringcore {

class LoopWatcher {
 public:
  class Events {
   public:
    virtual void on_prepare() = 0;
    virtual void on_readable() = 0;
    virtual void on_check() = 0;

   protected:
    ~Events() = default;
  };

  // Null on failure, with a negative errno in `error`.
  static LoopWatcher* open(uv_loop_t* loop, int eventfd, Events* events, int* error);

  // Ends the watching at once; the object deletes itself when libuv lets go of the handles, after
  // `closed(data)`.
  void close(void (*closed)(void*), void* data);

  // Whether the loop is kept alive.
  void reference(bool wanted);
  // Whether libuv may sleep: it polls without waiting while it's kept awake.
  void keep_awake(bool wanted);

  // What libuv would wait for: ms, 0 not at all, -1 without end.
  int timeout_ms() const { return uv_backend_timeout(loop_); }
  int backend_fd() const { return uv_backend_fd(loop_); }
  void update_time() { uv_update_time(loop_); }
  static uint64_t now_ns() { return uv_hrtime(); }

 private:
  explicit LoopWatcher(uv_loop_t* loop, int eventfd, Events* events)
      : loop_(loop), eventfd_(eventfd), events_(events) {}

  void make_edge_triggered();
  void readable();
  void checked();

  static constexpr int kHandles = 4;

  uv_loop_t* loop_;
  int eventfd_;
  Events* events_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  uv_idle_t idle_;
  uv_poll_t poll_;
  bool referenced_ = false;
  bool awake_ = false;
  // Edge-triggered, the eventfd need never be read: every signal is a new edge. Level-triggered it must be.
  enum class Trigger : unsigned char { kUnknown, kLevel, kEdge } trigger_ = Trigger::kUnknown;
  int open_handles_ = 0;
  void (*closed_)(void*) = nullptr;
  void* closed_data_ = nullptr;
};

}  // namespace ringcore
