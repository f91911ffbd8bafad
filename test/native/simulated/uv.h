// libuv as far as the executor knows it: an event loop in simulated time (loop.cc). It stands in for the real
// <uv.h>.
#pragma once

#include <cstdint>
#include <vector>

struct uv_loop_t;

struct uv_handle_t {
  void* data = nullptr;
  uv_loop_t* loop = nullptr;
  void (*closed)(uv_handle_t*) = nullptr;
  bool active = false;
  bool referenced = true;
};
template <class Handle>
struct uv_phase_t : uv_handle_t {
  void (*call)(Handle*) = nullptr;
};
struct uv_prepare_t : uv_phase_t<uv_prepare_t> {};
struct uv_check_t : uv_phase_t<uv_check_t> {};
struct uv_idle_t : uv_phase_t<uv_idle_t> {};
struct uv_poll_t : uv_handle_t {
  void (*call)(uv_poll_t*, int, int) = nullptr;
  int fd = -1;
};

enum { UV_READABLE = 1 };

// The timer is the program's: one is enough.
struct uv_loop_t {
  std::vector<uv_prepare_t*> prepares;
  std::vector<uv_check_t*> checks;
  std::vector<uv_idle_t*> idles;
  std::vector<uv_poll_t*> polls;
  std::vector<uv_handle_t*> closing;
  uint64_t time_ns = 0;
  uint64_t timer_ns = ~uint64_t{0};
  void (*timer)(void*) = nullptr;
  void* timer_data = nullptr;
  // Called before the loop sleeps and while it does, whenever something has happened: to say that it should
  // not.
  void (*asleep)(void*) = nullptr;

  bool alive() const;
  void turn();

 private:
  void poll(uint64_t until_ns);
  bool readable() const;
};

int uv_poll_init(uv_loop_t* loop, uv_poll_t* handle, int fd);
int uv_poll_start(uv_poll_t* handle, int events, void (*call)(uv_poll_t*, int, int));
int uv_prepare_init(uv_loop_t* loop, uv_prepare_t* handle);
int uv_prepare_start(uv_prepare_t* handle, void (*call)(uv_prepare_t*));
int uv_check_init(uv_loop_t* loop, uv_check_t* handle);
int uv_check_start(uv_check_t* handle, void (*call)(uv_check_t*));
int uv_idle_init(uv_loop_t* loop, uv_idle_t* handle);
int uv_idle_start(uv_idle_t* handle, void (*call)(uv_idle_t*));
int uv_idle_stop(uv_idle_t* handle);
void uv_ref(uv_handle_t* handle);
void uv_unref(uv_handle_t* handle);
void uv_close(uv_handle_t* handle, void (*closed)(uv_handle_t*));
int uv_backend_timeout(const uv_loop_t* loop);
int uv_backend_fd(const uv_loop_t* loop);
void uv_update_time(uv_loop_t* loop);
uint64_t uv_hrtime();
