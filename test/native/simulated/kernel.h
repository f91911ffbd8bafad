// io_uring as the executor may meet it: takes SQEs from the mapped queue, keeps requests in flight, and
// completes them when and how the dice say, within what a kernel may do. What each operation does is in
// operations.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "abi/io_uring_abi.h"
#include "world.h"

namespace abi = ringcore::abi;

class SimulatedRing;

inline constexpr uint64_t kNever = ~uint64_t{0};

// How bad a day it is, of a thousand.
struct Faults {
  uint32_t fail = 80;      // operations that complete with an errno
  uint32_t shorten = 100;  // transfers that move a part
  uint32_t refuse = 20;    // calls of io_uring_enter: EINTR, EAGAIN, EBUSY, EBADR
  uint32_t ghosts = 50;    // calls after which a completion of long ago comes once more
  uint32_t deny = 10;      // SQEs that are refused before their chain begins
  bool old = false;        // a 6.1: without NO_SQARRAY and incremental buffer rings
  bool level = false;      // epoll does not become edge-triggered
  int setup_call =
      -1;  // of a set-up: 0 io_uring_setup fails, n the n-th io_uring_register; 100 io_uring_enter
};

enum class RequestState : uint8_t {
  kLinked,    // behind another, whose turn it is: nobody finds it
  kArmed,     // waits: for readiness, for time, for a worker. Can be cancelled
  kWorking,   // a worker has it: can't be stopped any more
  kLeaving,   // its completion is on its way: nobody finds it, or it's too late
  kNotified,  // a zero-copy send that has told its count, while the network has its memory
};

struct Request {
  SimulatedRing* ring = nullptr;
  abi::io_uring_sqe sqe{};
  RequestState state = RequestState::kLinked;
  uint64_t due_ns = kNever;
  uint64_t arguments = 0;      // a digest of what its pointers point to, which must stay so to the end
  Request* next = nullptr;     // linked behind it
  Request* timeout = nullptr;  // bounds it
  Request* bounded = nullptr;  // of a link timeout
  bool cancelled = false;
  int32_t shots = 0;  // of a multishot: how many are left
};

// What came of an operation.
struct Outcome {
  int32_t result = 0;
  uint32_t flags = 0;    // of its CQE
  bool complete = true;  // all that was asked for: a link goes on
};

class SimulatedRing {
 public:
  SimulatedRing(World& world, unsigned entries, abi::io_uring_params* params);
  ~SimulatedRing();
  SimulatedRing(const SimulatedRing&) = delete;

  int enter(unsigned to_submit, unsigned min_complete, unsigned flags, const void* argument);
  int register_resource(unsigned opcode, const void* argument, unsigned count);

  // Whatever is due now happens.
  void work();
  uint64_t next_event_ns() const;
  // The loop sleeps: is there anything that it should have seen?
  bool neglected() const;
  unsigned waiting_cqes() const { return params_.cq_entries - free_cqes(); }
  // A completion that another ring sends.
  void deliver_message(const abi::io_uring_cqe& cqe);

  int fd() const { return fd_; }
  bool enabled() const { return enabled_; }
  template <class Each>
  void for_each_request(Each each) const {
    for (const auto& request : requests_) each(*request);
  }

  // Provided buffers: memory for at most `bytes`, or null.
  uint8_t* take_buffer(uint16_t group, uint32_t* bytes, uint32_t* flags);

  int eventfd = -1;
  bool edge = false;
  bool signalled = false;  // since the loop last looked
  uint64_t enters = 0;
  uint64_t refused = 0;
  uint64_t ghosts = 0;
  uint64_t posted = 0;
  uint64_t taken = 0;
  std::vector<uint64_t> ended;  // user_data of operations that are over: for ghosts

 private:
  friend class Operations;
  struct Buffers {
    abi::io_uring_buf_ring* ring;
    uint16_t entries, head;
    bool incremental, registered;
  };

  uint32_t* word(uint32_t offset) { return reinterpret_cast<uint32_t*>(memory_ + offset); }
  const uint32_t* word(uint32_t offset) const { return reinterpret_cast<uint32_t*>(memory_ + offset); }
  bool polls() const { return params_.flags & abi::IORING_SETUP_SQPOLL; }
  unsigned waiting_sqes() const;
  unsigned free_cqes() const;

  unsigned submit(unsigned count);
  Request* take_sqe();
  void begin_chain(Request* head, Request* refused);
  void issue(Request& request);
  void fire(Request& request);
  void arm_timeout(Request& request);
  void finish(Request& request, const Outcome& outcome);
  void fail_links(Request* head);
  void remove(Request& request);
  void shoot(Request& request);
  void timed_out(Request& timeout);
  void release(Request& request);
  int32_t cancel(const abi::io_uring_sqe& sqe);
  int32_t cancel_one(Request& request);
  void let_go(Request& request);
  int32_t update_timeout(const abi::io_uring_sqe& sqe);

  // Task work: runs when the ring is entered, or by the thread of an SQPOLL ring.
  void later(std::function<void()> task);
  void run_tasks(bool all);
  void post(uint64_t user_data, int32_t result, uint32_t flags);
  void flush_overflow();
  void signal();
  void haunt();
  int wait(unsigned min_complete, const void* argument);
  void poll_thread();

  World& world_;
  Random& random_;
  abi::io_uring_params params_;
  int fd_;
  uint8_t* memory_;
  abi::io_uring_sqe* sqes_;
  bool enabled_ = false;
  bool announced_ = false;  // task work: the next to come need not signal
  int register_calls_ = 0;
  unsigned idle_enters_ = 0;
  uint64_t thread_sleeps_at_ns_ = kNever;
  uint64_t thread_next_ns_ = 0;
  std::vector<std::unique_ptr<Request>> requests_;
  std::deque<std::function<void()>> tasks_;
  std::deque<abi::io_uring_cqe> overflow_;
  std::vector<bool> allowed_;
  std::vector<Buffers> buffers_;
};

class Kernel {
 public:
  explicit Kernel(World& world) : world_(world) {}

  Faults faults;
  // Files on which an open or a read may wait for somebody: of a thousand.
  uint32_t remote = 50;

  void run_until(uint64_t ns);
  uint64_t next_event_ns() const;
  SimulatedRing* ring(int fd) const;
  int set_up(unsigned entries, abi::io_uring_params* params);
  void close_ring(int fd);
  size_t rings() const { return rings_.size(); }

  bool signalled(int eventfd) const;
  void notice(int eventfd);
  bool refuses_edges() const { return faults.level; }
  void edge_triggered(int eventfd);

 private:
  SimulatedRing* by_eventfd(int eventfd) const;

  World& world_;
  std::vector<std::unique_ptr<SimulatedRing>> rings_;
};
