#include "executor/executor.h"

#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "executor/read_file.h"
#include "ring/assert.h"

namespace ringcore {

namespace {

// Whether a completion's result is an ordinary descriptor (if it's no error).
bool brings_descriptor(const Op& op, uint32_t flags) {
  return op.makes_descriptor || (flags & kCompletionUnsized) != 0;
}

}  // namespace

std::unique_ptr<Executor> Executor::open(uv_loop_t* loop, const ExecutorOptions& options, Client* client,
                                         SetupError* error) {
  std::unique_ptr<Executor> made(new Executor(options, client));
  made->ring_ = Ring::open(options.ring, Kinds::kOpcodes, error);
  if (made->ring_ == nullptr) return nullptr;
  if (!made->table_.make_room(1)) {
    *error = {-ENOMEM, "mmap"};
    return nullptr;
  }
  int result = 0;
  made->watcher_ = LoopWatcher::open(loop, made->ring_->eventfd(), made.get(), &result);
  if (made->watcher_ == nullptr) {
    *error = {result, "uv_poll_init"};
    return nullptr;
  }
  made->ring_->cq.mask_eventfd();
  rings_on_thread++;
  // (A variable that is initialized when control passes would need the C++ runtime, which musl's addon has
  // not.)
  static std::atomic_flag registered = ATOMIC_FLAG_INIT;
  if (!registered.test_and_set()) {
    const int failed = std::atexit(&Executor::at_exit);
    RINGCORE_ASSERT(failed == 0, "the process has memory for one more function to be called at its end");
  }
  made->next_of_thread_ = first_of_thread;
  first_of_thread = made.get();
  return made;
}

Executor::Executor(const ExecutorOptions& options, Client* client)
    : options_(options),
      client_(client),
      table_(options.operations),
      spin_(options.spin_microseconds),
      registered_uses_(options.ring.registered_buffers) {
  ready_.reserve(512);
  delivering_.reserve(512);
}

Executor::~Executor() { RINGCORE_ASSERT(watcher_ == nullptr, "closed before it's destroyed"); }

// --- operations

void Executor::started(const Op& op) {
  stats_.by_kind[op.kind]++;
  trace_.submitted(op);
}

void Executor::step(const Op& op, uint8_t kind) {
  stats_.by_kind[kind]++;
  trace_.step(op, kind);
}

void Executor::start_read_file(Op& op, const char* path, uint32_t open_flags) {
  op.path = path;
  started(op);
  ReadFile::start(*this, op, path, open_flags);
}

void Executor::defer(const Op& op) {
  deferred_.push_back(op.user_data(CqeTag::kOperation));
  queued();
}

// As many as the turn has time for; the others keep their order, and the loop awake.
void Executor::begin_deferred() {
  // A few files are read soonest by a few system calls each; for many the ring takes less.
  constexpr size_t kFew = 16;
  const bool few = deferred_.size() <= kFew;
  size_t begun = 0;
  while (begun < deferred_.size() && (closing_ || !turn_is_over())) {
    ReadFile::begin(*this, *table_.find(deferred_[begun++]), few);
  }
  if (begun == 0) return;
  deferred_.erase(deferred_.begin(), deferred_.begin() + static_cast<ptrdiff_t>(begun));
  update_loop_reference();  // they may have ended at once
}

void Executor::abandon(Op& op) {
  if (op.referenced) count_reference(-1);
  table_.abandon(op);
}

int Executor::begin_chain(uint32_t count) {
  if (count > ring_->sq.entries() / 2 || count > table_.capacity()) return -2;
  if (closing_ || !table_.make_room(count)) return -1;
  ring_->sq.reserve(count * 2);
  links_queued_ += count;
  return 0;
}

void Executor::submit_all() {
  // The kernel limits what it does in one call; others' work must not keep us here, though.
  constexpr int kMaxRounds = 64;
  for (int round = 0; round < kMaxRounds; round++) {
    enter_until_taken(ring_->sq.publish(), true);
    if (ring_->sq.pending() == 0 && !ring_->wants_enter()) break;
  }
  update_loop_reference();
}

int32_t Executor::result_now(uint32_t slot) {
  submit_all();
  int32_t result = kNothingYet;
  if (const Op* op = table_.active(slot)) {
    ring_->cq.peek([&](const abi::io_uring_cqe& cqe) {
      if (cqe.user_data == op->user_data(CqeTag::kOperation)) result = cqe.res;
    });
    return result;
  }
  const auto look_at = [&](const Completion& completion) {
    const bool ends = (completion.flags & kCompletionTerminal) != 0;
    if (ends && completion.slot == static_cast<int32_t>(slot)) result = completion.result;
  };
  for (const Completion& completion : delivering_) look_at(completion);
  for (const Completion& completion : ready_) look_at(completion);
  return result;
}

void Executor::set_referenced(uint32_t slot, bool referenced) {
  Op* op = table_.active(slot);
  if (op == nullptr || op->referenced == referenced) return;
  op->referenced = referenced;
  count_reference(referenced ? 1 : -1);
}

uint64_t Executor::user_data_of(uint32_t slot) {
  const Op* op = table_.active(slot);
  return op == nullptr ? ~uint64_t{0} : op->user_data(CqeTag::kOperation);
}

void Executor::submit() {
  begin_deferred();
  if (ring_->sq.pending() > 0) enter(false);
}

void Executor::submit_eagerly() {
  if (!dispatching_ || batch_size_ > kSmallBatch || ring_->sq.pending() == 0) return;
  stats_.eager_submits++;
  enter(false);
}

void Executor::count_reference(int change) {
  referenced_ += static_cast<uint32_t>(change);
  update_loop_reference();
}

// Unsubmitted SQEs keep the loop alive too: without a turn of it they would never reach the kernel.
void Executor::update_loop_reference() {
  if (watcher_ != nullptr)
    watcher_->reference(referenced_ > 0 || answers_due_ || !deferred_.empty() || ring_->sq.pending() > 0);
}

// Behind our prepare, another ring's may still run JavaScript, which may queue something here: libuv must not
// sleep then.
void Executor::queued() {
  if (sleep_allowed_) {
    sleep_allowed_ = false;
    watcher_->keep_awake(true);
  }
  update_loop_reference();
}

// --- buffers

namespace {
// Until 6.8 the kernel keeps a list for each of the first 64 groups as long as the ring lives, and with it
// how far a ring of buffers was used up: the next one of that number would be read from there, entries that
// are not given included. The lists of greater numbers end with their buffers.
constexpr uint32_t kFirstGroup = 64;
}  // namespace

int Executor::create_buffer_ring(uint32_t entries, bool incremental) {
  uint32_t index = 0;
  while (index < buffer_rings_.size() && buffer_rings_[index] != nullptr) index++;
  const uint32_t group = kFirstGroup + index;
  if (group > 0xffff) return -ENOSPC;
  int error = 0;
  auto made = BufferRing::create(*ring_, static_cast<uint16_t>(group), entries, incremental, &error);
  if (made == nullptr) return error;
  if (index == buffer_rings_.size()) buffer_rings_.emplace_back();
  buffer_rings_[index] = std::move(made);
  return static_cast<int>(group);
}

int Executor::destroy_buffer_ring(uint32_t group) {
  BufferRing* buffers = buffer_ring(group);
  if (buffers == nullptr) return -ENOENT;
  const int result = buffers->unregister();
  if (result >= 0) buffer_rings_[group - kFirstGroup].reset();
  return result;
}

BufferRing* Executor::buffer_ring(uint32_t group) {
  const uint32_t index = group - kFirstGroup;
  return index < buffer_rings_.size() ? buffer_rings_[index].get() : nullptr;
}

// The kernel looks the index up when an operation is issued, which in a chain may be long after its
// submission.
int Executor::update_registered_buffer(uint32_t index, void* memory, size_t bytes) {
  RegisteredUse& use = registered_uses_[index];
  if (use.operations > 0) {
    if (memory != nullptr) return -EBUSY;
    use.leaving = true;
    return 0;
  }
  iovec vector{memory, bytes};
  abi::io_uring_rsrc_update2 update{};
  update.offset = index;
  update.data = address_of(&vector);
  update.nr = 1;
  const int result = ring_->register_resource(abi::IORING_REGISTER_BUFFERS_UPDATE, &update, sizeof(update));
  return result < 0 ? result : 0;
}

void Executor::use_registered_buffer(Op& op, uint32_t index) {
  op.buffer_group = static_cast<uint16_t>(index);
  registered_uses_[index].operations++;
}

void Executor::release_registered_buffer(const Op& op) {
  if (op.kind != kKindOf<ReadFixed> && op.kind != kKindOf<WriteFixed>) return;
  RegisteredUse& use = registered_uses_[op.buffer_group];
  if (--use.operations > 0 || !use.leaving) return;
  use.leaving = false;
  update_registered_buffer(op.buffer_group, nullptr, 0);
}

// --- completion

void Executor::reap() {
  TraceSpan span(trace_, TraceEvent::kReap);
  const unsigned taken = ring_->cq.drain([this](const abi::io_uring_cqe& cqe) { on_cqe(cqe); });
  if (taken == 0) return span.cancel();
  span.first = taken;
  stats_.completions += taken;
  last_completion_ns_ = LoopWatcher::now_ns();
  retry_cancels();
}

void Executor::on_cqe(const abi::io_uring_cqe& cqe) {
  const CqeTag tag = Op::tag_of(cqe.user_data);
  switch (tag) {
    case CqeTag::kMessage:
      ready_.push_back({-1, cqe.res, static_cast<uint32_t>(cqe.user_data), 0});
      return;
    case CqeTag::kLoopPoll:
      loop_poll_armed_ = false;
      return;
    case CqeTag::kCancelTimer:
      cancel_timer_armed_ = false;
      cancel_attempts_ = std::max(cancel_attempts_, 1U);
      return;
    case CqeTag::kIgnored:
      if (cqe.res == -ENOENT && table_.find(cqe.user_data) != nullptr)
        missed_cancels_.push_back(cqe.user_data);
      return;
    default:
      break;
  }
  Op* op = table_.find(cqe.user_data);
  if (op == nullptr) {
    stats_.stale++;
    return;
  }
  if (tag == CqeTag::kLinkTimeout) return on_link_timeout_cqe(*op, cqe.res);
  if (op->read_file != nullptr) return ReadFile::advance(*this, *op, cqe.res, tag);
  on_operation_cqe(*op, cqe);
}

void Executor::on_operation_cqe(Op& op, const abi::io_uring_cqe& cqe) {
  const KindInfo& info = Kinds::kInfo[op.kind];
  count_bytes(op, cqe.res, cqe.flags);
  if (cqe.flags & abi::IORING_CQE_F_BUFFER) {
    if (BufferRing* buffers = buffer_ring(op.buffer_group)) {
      const auto id = static_cast<uint16_t>(cqe.flags >> abi::IORING_CQE_BUFFER_SHIFT);
      const uint32_t bytes = cqe.res > 0 ? static_cast<uint32_t>(cqe.res) : 0;
      op.aux = static_cast<int32_t>(buffers->consume(id, bytes, cqe.flags & abi::IORING_CQE_F_BUF_MORE));
    }
  } else if (info.aux != nullptr && op.out != nullptr) {
    op.aux = info.aux(op.out);
  }
  if (cqe.flags & abi::IORING_CQE_F_MORE) {
    keep_descriptor(op, cqe.res, cqe.flags);
    trace_.result(op, cqe.res);
    ready_.push_back({static_cast<int32_t>(op.slot), cqe.res, cqe.flags, op.aux});
    return;
  }
  op.result = cqe.res;
  op.cqe_flags = cqe.flags;
  if (--op.cqes_due == 0) finish(op, op.result, op.cqe_flags);
}

void Executor::on_link_timeout_cqe(Op& op, int32_t result) {
  // Both its CQE and the operation's must have come: the slot holds the timespec, and the outcome decides
  // what the operation's -ECANCELED means. -ECANCELED here: the operation was first. -ETIME: it fired;
  // -EALREADY: it fired, and a worker is being interrupted; a count: it fired on an operation (a futex,
  // waitid) whose cancel function counts.
  if (result == -ETIME || result == -EALREADY || result > 0) op.timed_out = true;
  if (--op.cqes_due == 0) finish(op, op.result, op.cqe_flags);
}

void Executor::finish(Op& op, int32_t result, uint32_t flags) {
  trace_.completed(op, flags & kCompletionUnsized ? 0 : result);
  keep_descriptor(op, result, flags);
  flags |= kCompletionTerminal | (op.timed_out ? kCompletionTimedOut : 0);
  ready_.push_back({static_cast<int32_t>(op.slot), result, flags, op.aux});
  cancel_attempts_ = kCancelAttempts;
  cancel_timer_ms_ = 1;
  if (op.referenced) count_reference(-1);
  release_registered_buffer(op);
  table_.deliver(op);
}

void Executor::keep_descriptor(const Op& op, int32_t result, uint32_t flags) {
  if (!op.owned) return;
  if (op.kind == kKindOf<Close>) {
    if (result == -ECANCELED) client_->descriptor_arrived(op.fd);
  } else if (result >= 0 && brings_descriptor(op, flags)) {
    client_->descriptor_arrived(result);
  }
}

void Executor::count_bytes(const Op& op, int32_t result, uint32_t flags) {
  if (result <= 0 || (flags & abi::IORING_CQE_F_NOTIF)) return;
  const auto bytes = static_cast<uint32_t>(result);
  switch (Kinds::kInfo[op.kind].counts) {
    case Counts::kBytesRead:
      stats_.bytes_read += bytes;
      break;
    case Counts::kBytesWritten:
      stats_.bytes_written += bytes;
      break;
    case Counts::kNothing:
      return;
  }
  turn_bytes_ += bytes;
}

bool Executor::dispatch_ready() {
  if (ready_.empty() || dispatching_) return false;
  dispatching_ = true;
  do {
    delivering_.swap(ready_);
    batch_size_ = static_cast<uint32_t>(delivering_.size());
    stats_.batches++;
    {
      TraceSpan span(trace_, TraceEvent::kBatch);
      span.first = batch_size_;
      answers_due_ = false;
      client_->dispatch(delivering_.data(), batch_size_);
    }
    for (const Completion& completion : delivering_) {
      if (completion.slot < 0 || !(completion.flags & kCompletionTerminal)) continue;
      table_.release(*table_.at(static_cast<uint32_t>(completion.slot)));
    }
    delivering_.clear();
  } while (!ready_.empty());
  dispatching_ = false;
  if (closing_) tear_down();
  return true;
}

// --- the end

void Executor::close(bool deliver, void (*done)(void*), void* data) {
  if (closing_) return;
  closing_ = true;
  closed_ = done;
  closed_data_ = data;
  begin_deferred();
  if (!deliver) finish_files();
  drain();
  if (!deliver) {
    for (const Completion& completion : ready_) close_unclaimed(completion);
    ready_.clear();
    return tear_down();
  }
  // Inside a dispatch the outer loop delivers the rest, and tears down behind it.
  if (!dispatching_ && !dispatch_ready()) tear_down();
}

// Memory that the kernel may write to belongs to JavaScript: there is no giving up before every operation has
// ended.
void Executor::drain() {
  while (table_.in_flight() > 0) {
    // Those for whom a barrier waits, behind which the SQE does too.
    ring_->cancel_all();
    if (!ring_->sq.has_backlog()) {
      // Without a completion of its own, which would end the wait below.
      queue_own(CancelAll{}, CqeTag::kIgnored, abi::IOSQE_CQE_SKIP_SUCCESS);
    }
    wait_at_end();
  }
}

void Executor::wait_at_end() {
  const abi::kernel_timespec timeout = timespec_of(20);
  wait(&timeout);
  reap();
}

void Executor::close_unclaimed(const Completion& completion) {
  if (completion.slot < 0 || completion.result < 0) return;
  const Op& op = *table_.at(static_cast<uint32_t>(completion.slot));
  if (op.owned || !brings_descriptor(op, completion.flags)) return;
  if (op.kind != kKindOf<Pipe>) {
    ::close(completion.result);
    return;
  }
  const auto* ends = static_cast<const int32_t*>(op.out);
  ::close(ends[0]);
  ::close(ends[1]);
}

void Executor::tear_down() {
  rings_on_thread--;
  Executor** link = &first_of_thread;
  while (*link != this) link = &(*link)->next_of_thread_;
  *link = next_of_thread_;
  buffer_rings_.clear();
  mounts_.close();
  watcher_->close(closed_, closed_data_);
  watcher_ = nullptr;
  ring_.reset();
}

}  // namespace ringcore
