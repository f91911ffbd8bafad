// JavaScript, as the executor sees it: starts operations, chains and cancellations when the dice say so,
// holds memory until the terminal completion, closes what it was given; and knows what it has been promised.
#pragma once

#include <memory>
#include <vector>

#include "binding/owned_descriptors.h"
#include "executor/executor.h"
#include "kernel.h"
#include "world.h"

// A descriptor that JavaScript has.
struct Held {
  int fd = -1;
  uint64_t serial = 0;  // numbers come back, these do not
  bool owned = false;
};

// One that JavaScript has started and not seen the end of.
struct Started {
  uint64_t user_data = 0;
  uint8_t kind = 0;
  bool aborted = false;  // nobody waits for it: a descriptor that it brings is to be closed
  bool owned = false;
  bool referenced = true;
  bool multishot = false;
  bool timed = false;
  Held held;  // that it closes, or whose stream it receives
  std::vector<uint8_t*> memory;
  uint8_t* into = nullptr;  // what it reads goes there
  uint32_t bytes = 0;
  uint64_t content = 0;  // which content that is
  uint64_t position = 0;
  bool answered = false;  // a zero-copy send has told its count, a multishot something
  int32_t result = 0;
  std::shared_ptr<struct ChainState> chain;
  size_t member = 0;
};

// Members of a chain run in turn; of a soft one each only if all before it succeeded.
struct ChainState {
  bool hard = false;
  std::vector<int32_t> results;  // kUnsettled, or what came of the member
  static constexpr int32_t kUnsettled = INT32_MIN;
};

class Program final : public ringcore::Executor::Client {
 public:
  Program(World& world, uv_loop_t* loop, const ringcore::ExecutorOptions& options);
  ~Program();
  Program(const Program&) = delete;

  bool opened() const { return executor_ != nullptr; }
  bool closed() const { return executor_ == nullptr; }
  const ringcore::SetupError& error() const { return error_; }
  // Something, anything.
  void act();
  void read_file();
  void cancel_all();
  // What must hold at any time that no code of the executor runs.
  void check() const;
  // The loop is about to sleep.
  void expect_nothing_to_do() const;
  // The user has had enough: no more is started, and what waits is cancelled.
  void wind_down() { winding_down_ = true; }
  // ring.close(); the end of the environment; its termination in the middle of a batch.
  void close();
  void end();
  bool running() const { return running_; }
  bool idle() const { return executor_ == nullptr || executor_->table().in_flight() == 0; }
  // When all is over: nothing is left of anything.
  void expect_nothing_left();

  Program* peer = nullptr;  // of another ring
  bool close_in_batch = false, end_in_batch = false;
  uint64_t settled = 0;

 private:
  void dispatch(const ringcore::Completion* completions, uint32_t count) override;
  void give_answers() override;
  uint8_t* allocate(uint32_t slot, uint64_t bytes) override;
  void descriptor_arrived(int fd) override { owned_.insert(fd); }
  bool descriptor_leaves(int fd) override { return owned_.erase(fd); }

  void complete(const ringcore::Completion& completion);
  void take_result(Started& started, const ringcore::Completion& completion);
  void take_descriptor(const Started& started, int fd);
  void take_piece(Started& started, const ringcore::Completion& completion);
  void settle_member(const Started& started, int32_t result);

  template <class Shape, class Make>
  Started* start(Make make, uint32_t sqe_flags = 0);
  Started* start_one(uint32_t sqe_flags);
  void start_chain();
  void start_stream();
  void start_close(const Held& held);
  void start_timeout_change();
  void send_message();
  Started* any_started();
  int32_t slot_of(const Started& started) const { return static_cast<int32_t>(started.user_data); }
  uint8_t* give(Started& started, uint32_t bytes);
  ringcore::Bytes source(Started& started);
  ringcore::Bytes target(Started& started);
  ringcore::Vectors halves(ringcore::Op& op, ringcore::Bytes memory);
  void close_one();
  void close_directly(const Held& held);
  void open_buffers();
  void provide(uint16_t id);
  void forget_memory();
  SimulatedRing* ring() const { return world_.kernel->ring(ring_fd_); }
  bool loop_is_held() const;
  static void on_closed(void* data);

  World& world_;
  Random& random_;
  ringcore::SetupError error_;
  std::unique_ptr<ringcore::Executor> executor_;
  uv_loop_t* loop_;
  int ring_fd_ = -1;
  std::vector<std::unique_ptr<Started>> handlers_;  // by slot
  ringcore::OwnedDescriptors owned_;
  std::vector<Held> held_;
  std::vector<uint64_t> received_;  // by descriptor: of its stream
  int group_ = -1;
  bool incremental_ = false;
  std::vector<uint8_t*> slabs_;
  std::vector<uint16_t> lent_;  // buffers that JavaScript has not given back yet
  uint64_t bytes_read_ = 0, bytes_written_ = 0;
  uint64_t started_by_kind_[ringcore::Kinds::kCount] = {};
  bool answers_due_ = false;
  bool winding_down_ = false;
  bool running_ = true;
  bool ending_ = false;
  bool wait_in_ring_ = false;
};
