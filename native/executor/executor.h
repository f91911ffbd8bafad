// Drives one ring from libuv's event loop: when SQEs are submitted, when CQEs are reaped, when the loop may
// sleep, and how completions reach JavaScript: many in one call. docs/architecture.md draws a turn of it.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "executor/loop_watcher.h"
#include "executor/spin.h"
#include "executor/trace.h"
#include "op/cached.h"
#include "op/mounts.h"
#include "op/op_kinds.h"
#include "op/op_table.h"
#include "ring/buffer_ring.h"
#include "ring/ring.h"

namespace ringcore {

// What JavaScript gets of a completion: four int32 in a typed array.
struct Completion {
  int32_t slot;  // -1: a message from another ring, its value in `flags`
  int32_t result;
  uint32_t flags;  // the CQE's, and the three below
  int32_t aux;
};

// Bits of Completion::flags that the kernel does not use.
inline constexpr uint32_t kCompletionTerminal = 1U << 15;  // the slot is done: the kernel holds nothing of it
inline constexpr uint32_t kCompletionTimedOut = 1U << 14;  // its link timeout fired
inline constexpr uint32_t kCompletionUnsized = 1U << 13;   // readFile: `result` is an open descriptor, or -1

struct ExecutorOptions {
  RingOptions ring;
  uint32_t operations = 1 << 20;
  uint32_t spin_microseconds = 20;
  // Wait in io_uring_enter inside uv_prepare instead of in libuv's epoll: one system call less a round trip,
  // but libuv accounts no idle time, so that the event loop's utilization reads 1.
  bool wait_in_ring = false;
};

class Executor final : private LoopWatcher::Events {
 public:
  // JavaScript, as the executor sees it.
  class Client {
   public:
    // Takes every one of them.
    virtual void dispatch(const Completion* completions, uint32_t count) = 0;
    // What expect_answers() has announced. A dispatch takes care of it, too.
    virtual void give_answers() = 0;
    // Memory for a file's content that stays until the operation's completion; null when there is none.
    virtual uint8_t* allocate(uint32_t slot, uint64_t bytes) = 0;
    // Made by an operation that is `owned`, before JavaScript hears of it.
    virtual void descriptor_arrived(int fd) = 0;
    // It's being closed: from here on the number may be another file's at any time. Whether it was the
    // client's; if so, and it isn't closed after all, it arrives again.
    virtual bool descriptor_leaves(int fd) = 0;

   protected:
    ~Client() = default;
  };

  struct Stats {
    uint64_t completions = 0, enters = 0, batches = 0, cq_overflows = 0, retries = 0, stale = 0;
    uint64_t bytes_read = 0, bytes_written = 0, spin_hits = 0, eager_submits = 0, at_once = 0;
    uint64_t by_kind[Kinds::kCount] = {};
  };

  static std::unique_ptr<Executor> open(uv_loop_t* loop, const ExecutorOptions& options, Client* client,
                                        SetupError* error);
  ~Executor();

  // --- operations
  // A slot for an operation, or null when all are taken.
  template <class Shape>
  Op* begin() {
    Op* op = closing_ ? nullptr : table_.acquire(kKindOf<Shape>);
    if (op != nullptr) count_reference(1);
    return op;
  }
  // Submits it (with the next io_uring_enter), bounded by a link timeout if `timeout_ms` is positive.
  template <class Shape>
  void start(Op& op, const Shape& shape, uint8_t sqe_flags, double timeout_ms) {
    if constexpr (requires { shape.buffer_group; }) op.buffer_group = shape.buffer_group;
    if constexpr (requires { shape.buffer_index; }) use_registered_buffer(op, shape.buffer_index);
    if constexpr (requires { shape.written_to(); }) op.out = shape.written_to();
    if constexpr (requires { shape.fd; }) op.fd = shape.fd;
    if constexpr (requires { shape.path; }) op.path = shape.path;
    // The kernel would make its first attempt on this thread, and wait.
    if (may_wait(shape, sqe_flags)) sqe_flags |= abi::IOSQE_ASYNC;
    if constexpr (std::is_same_v<Shape, Close>) op.owned = client_->descriptor_leaves(shape.fd);
    if (sqe_flags & abi::IOSQE_IO_DRAIN) draining_ = true;
    note_effect(op, shape, sqe_flags);
    started(op);
    op.makes_descriptor = Kinds::kInfo[op.kind].makes_descriptor;
    if constexpr (requires { shape.file_index; }) op.makes_descriptor &= shape.file_index == -1;
    if constexpr (requires { shape.direct; }) op.makes_descriptor &= !shape.direct;
    if (timeout_ms > 0) {
      reserve(2);
      queue_sqe(op, shape, CqeTag::kOperation, sqe_flags | abi::IOSQE_IO_LINK);
      op.cqes_due = 2;
      constexpr uint8_t kLinks = abi::IOSQE_IO_LINK | abi::IOSQE_IO_HARDLINK;
      step(op, kKindOf<LinkTimeout>);
      queue_sqe(op, LinkTimeout{op.storage.store(timespec_of(timeout_ms))}, CqeTag::kLinkTimeout,
                sqe_flags & kLinks);
    } else {
      queue_sqe(op, shape, CqeTag::kOperation, sqe_flags);
    }
  }
  void start_read_file(Op& op, const char* path, uint32_t open_flags);
  // Gives back a slot whose operation can't be started after all. In a chain another one has to take its
  // place.
  void abandon(Op& op);

  // 0: the next `count` operations, with their timeouts, are submitted in one piece. -1: too few free slots.
  // -2: more than half the submission queue, or than there are slots.
  int begin_chain(uint32_t count);
  // Asks the kernel to cancel; the outcome is the operation's own completion.
  void cancel(uint32_t slot);
  // The same, and tells the kernel now, with all else that waits: an operation that was waiting for something
  // has let go of its file when this returns. False if not all of it could be submitted.
  bool cancel_now(uint32_t slot);
  // Submits all that waits. The result of the operation in `slot` if it has ended by then, handled or not;
  // else kNothingYet.
  int32_t result_now(uint32_t slot);
  static constexpr int32_t kNothingYet = INT32_MIN;
  void set_referenced(uint32_t slot, bool referenced);
  // io_uring_enter now. `submit_eagerly`: only if the completions being handled are few.
  void submit();
  void submit_eagerly();
  uint64_t user_data_of(uint32_t slot);

  // --- without the ring, and without waiting: the result, or kAskTheRing
  int stat_at_once(const char* path, bool follow, abi::kernel_statx* out);
  int fstat_at_once(int fd, abi::kernel_statx* out);
  int read_at_once(int fd, Bytes into, int64_t position, bool buffered);
  int write_file_at_once(const char* path, uint32_t open_flags, uint32_t mode, Bytes from);
  int copy_file_at_once(const char* source, const char* dest);
  // JavaScript is called for them when the loop is about to sleep: behind timers, and before the check phase.
  void expect_answers();
  // Whether this turn has time for one more of them.
  bool may_answer() const;
  // The process ends: no other turn comes, and this one has time for all.
  void begin_last_turn() { last_turn_ = true; }

  // --- buffers
  int create_buffer_ring(uint32_t entries, bool incremental);  // the group, or -errno
  int destroy_buffer_ring(uint32_t group);
  BufferRing* buffer_ring(uint32_t group);
  // With null memory: none is registered there any more, as soon as no operation in flight uses it. Until
  // then -EBUSY for another one.
  int update_registered_buffer(uint32_t index, void* memory, size_t bytes);

  // Cancels everything, waits until the kernel has let go, delivers the last completions (unless JavaScript
  // can't run any more: then descriptors that nobody takes are closed here), and unmaps. `done(data)`: libuv
  // has let go too.
  void close(bool deliver, void (*done)(void*), void* data);
  bool closing() const { return closing_; }
  // Closes the descriptor that this completion brought, if it brought one: JavaScript can't any more.
  void close_unclaimed(const Completion& completion);

  const Ring& ring() const { return *ring_; }
  const Stats& stats() const { return stats_; }
  const OpTable& table() const { return table_; }
  Trace& trace() { return trace_; }
  // The operation in this slot whose last completion is not handled yet, or null.
  const Op* unseen(uint32_t slot) { return table_.unseen(slot); }
  // In this slot, which has been an operation's.
  const Op& operation(uint32_t slot) { return *table_.at(slot); }

  // --- the end of the process
  // Submits what waits, and waits for that operation. Its result, not handled yet, or kNothingYet where the
  // time that the end may take is over.
  int32_t result_at_exit(uint32_t slot);
  // Waits for the operations on files; their results are not handled yet.
  void finish_files();
  // For operations that found no slot: waits for those on files, and gives their slots back without a word to
  // JavaScript. False if that has made no room.
  bool make_room_at_exit();

  // --- for composite operations
  // ReadFile::begin comes for it when this turn has time for it.
  void defer(const Op& op);
  Mounts& mounts() { return mounts_; }
  template <class Shape>
  void queue_sqe(Op& op, const Shape& shape, CqeTag tag, unsigned sqe_flags) {
    fill_next(shape, op.user_data(tag), sqe_flags);
    queued();
  }
  void reserve(unsigned sqes) { ring_->sq.reserve(sqes); }
  void expect_links(unsigned operations) { links_queued_ += operations; }
  void finish(Op& op, int32_t result, uint32_t flags);
  void keep_descriptor(const Op& op, int32_t result, uint32_t flags);
  bool stopping(const Op& op) const { return closing_ || op.state == OpState::kCancelling; }
  uint8_t* allocate(const Op& op, uint64_t bytes) { return client_->allocate(op.slot, bytes); }
  void count_bytes_read(uint32_t bytes) {
    stats_.bytes_read += bytes;
    turn_bytes_ += bytes;
  }

 private:
  Executor(const ExecutorOptions& options, Client* client);

  void on_prepare() override;
  void on_readable() override;
  void on_check() override;

  // Whether it may ask a server: an open, or a read or write of an open file. (A registered buffer's index is
  // looked up when the operation is issued: not by a worker, when it may be another buffer's.)
  template <class Shape>
  bool may_wait(const Shape& shape, uint8_t sqe_flags) {
    if constexpr (requires { shape.opens(); }) {
      return mounts_.open_may_wait(shape.dirfd, shape.path, shape.opens());
    } else if constexpr (requires { shape.rw_flags; } && !requires { shape.buffer_index; }) {
      return !(sqe_flags & abi::IOSQE_FIXED_FILE) && mounts_.file_may_wait(shape.fd);
    }
    return false;
  }
  enum class AtOnce : uint8_t { kStat, kFstat, kRead, kWriteFile, kCopyFile };
  // What `ask` answers; `bytes`: what that costs of the turn's.
  template <class Ask>
  int at_once(AtOnce what, uint64_t bytes, Ask ask);
  template <class Shape>
  void note_effect(Op& op, const Shape& shape, uint8_t sqe_flags) {
    Effect effect = Kinds::kInfo[kKindOf<Shape>].effect;
    if constexpr (requires { shape.opens(); }) {
      constexpr uint64_t kChanges = O_CREAT | O_TRUNC;
      if (shape.dirfd != AT_FDCWD || !(shape.opens() & kChanges)) effect = Effect::kNone;
    }
    // Behind one that may wait for ever, in a chain, the others do too.
    op.lasts = effect != Effect::kNone && !behind_waiting_;
    behind_waiting_ = !op.lasts && (sqe_flags & (abi::IOSQE_IO_LINK | abi::IOSQE_IO_HARDLINK));
  }
  void started(const Op& op);
  // An SQE of a kind of its own, on behalf of `op`.
  void step(const Op& op, uint8_t kind);
  void begin_deferred();
  bool due() const;
  void enter(bool get_events);
  void enter_until_taken(unsigned count, bool get_events);
  int enter_kernel(unsigned to_submit, unsigned min_complete, unsigned flags,
                   const abi::kernel_timespec* timeout = nullptr);
  void reap();
  void on_cqe(const abi::io_uring_cqe& cqe);
  void on_operation_cqe(Op& op, const abi::io_uring_cqe& cqe);
  void on_link_timeout_cqe(Op& op, int32_t result);
  void count_bytes(const Op& op, int32_t result, uint32_t flags);
  void use_registered_buffer(Op& op, uint32_t index);
  void release_registered_buffer(const Op& op);
  // The next SQE of the queue: the one place that sets what all have in common.
  template <class Shape>
  void fill_next(const Shape& shape, uint64_t user_data, unsigned sqe_flags = 0) {
    abi::io_uring_sqe& sqe = ring_->sq.next();
    sqe.opcode = Shape::kOpcode;
    sqe.flags = static_cast<uint8_t>(sqe_flags);
    sqe.user_data = user_data;
    shape.fill(sqe);
  }
  // One of the executor itself, which no operation owns.
  static uint64_t own_user_data(CqeTag tag) { return static_cast<uint64_t>(tag) << 56; }
  template <class Shape>
  void queue_own(const Shape& shape, CqeTag tag, unsigned sqe_flags = 0) {
    fill_next(shape, own_user_data(tag), sqe_flags);
    queued();
  }
  void submit_all();
  void ask_to_cancel(const Op& op);
  void cancel_past_barrier(uint64_t user_data);
  // What is submitted now may have to wait for what is in flight: on account of a barrier (IOSQE_IO_DRAIN),
  // and since 6.16 of one that has ended, too, for as long as the ring has not come to rest.
  bool draining() { return draining_ = draining_ && table_.in_flight() > 0; }
  void arm_cancel_timer();
  void retry_cancels();
  bool dispatch_ready();
  void prepare();
  bool turn_is_over() const;
  bool spin_pays() const;
  bool spin();
  bool may_sleep();
  bool waits_in_ring();
  void wait_in_ring(int timeout_ms);
  void wait(const abi::kernel_timespec* timeout);
  void count_reference(int change);
  void update_loop_reference();
  void queued();
  static void at_exit();
  bool lasts(const Op& op) const;
  void wait_at_end();
  void drain();
  void tear_down();

  static constexpr int kMaxRounds = 16;
  // Of one or two answers each goes out as soon as it's written; with more, one call for all of them is
  // faster.
  static constexpr uint32_t kSmallBatch = 2;
  static constexpr uint32_t kCancelAttempts = 4;
  // Inline work of one turn of the event loop: enough to keep the disk and the peers busy, little enough that
  // timers and other handles run in time.
  static constexpr uint64_t kTurnBytes = 1024 * 1024;
  static constexpr uint64_t kTurnNs = 1'000'000;

  // While one ring waits in the kernel, another's eventfd does not wake it (a completion's signal is not
  // passed on from epoll to io_uring's poll): with several rings on a loop all of them wait in epoll.
  static thread_local int rings_on_thread;
  static thread_local Executor* first_of_thread;

  ExecutorOptions options_;
  Client* client_;
  std::unique_ptr<Ring> ring_;
  OpTable table_;
  LoopWatcher* watcher_ = nullptr;
  AdaptiveSpin spin_;
  Stats stats_;
  Trace trace_;
  Mounts mounts_;
  CachedStat cached_stat_{mounts_};

  std::vector<uint64_t> deferred_;        // user_data of operations that have not begun
  std::vector<Completion> ready_;         // reaped, not yet delivered
  std::vector<Completion> delivering_;    // being delivered; their slots are not reused yet
  std::vector<uint64_t> missed_cancels_;  // user_data of operations that the kernel did not find to cancel
  std::vector<std::unique_ptr<BufferRing>> buffer_rings_;  // by group, from the first on
  struct RegisteredUse {
    uint32_t operations = 0;  // in flight
    bool leaving = false;     // unregistered, except that they use it
  };
  std::vector<RegisteredUse> registered_uses_;  // by index
  uint32_t referenced_ = 0;
  uint32_t cancel_attempts_ = 0;  // how often missed cancellations may be repeated before something completes
  double cancel_timer_ms_ = 1;
  abi::kernel_timespec cancel_timer_{};
  uint32_t batch_size_ = 0;
  uint32_t links_queued_ = 0;  // linked operations that were queued since completions were last asked for
  uint64_t turn_start_ns_ = 0;
  uint64_t turn_bytes_ = 0;
  uint64_t answer_bytes_ = 0;  // of them, what was answered at once
  uint64_t last_completion_ns_ = 0;
  uint64_t poll_begin_ns_ = 0;   // for the trace
  bool behind_waiting_ = false;  // the last operation was linked to the next, and may wait for ever
  bool dispatching_ = false;
  bool answers_due_ = false;
  bool last_turn_ = false;
  // This turn's prepare is over, and found nothing to do; or there is none: libuv calls those that are there
  // when the phase begins, and a completion of another ring may have opened this one.
  bool sleep_allowed_ = true;
  bool draining_ = false;
  bool cancel_timer_armed_ = false;
  bool loop_poll_armed_ = false;
  bool closing_ = false;
  Executor* next_of_thread_ = nullptr;
  void (*closed_)(void*) = nullptr;
  void* closed_data_ = nullptr;
};

}  // namespace ringcore
