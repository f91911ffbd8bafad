#include "program.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "operations.h"

using namespace ringcore;

Program::Program(World& world, uv_loop_t* loop, const ExecutorOptions& options)
    : world_(world), random_(world.random), loop_(loop), handlers_(options.operations) {
  wait_in_ring_ = options.wait_in_ring;
  executor_ = Executor::open(loop, options, this, &error_);
  if (executor_ == nullptr) return;
  ring_fd_ = executor_->ring().fd();
  if (random_.chance(700)) open_buffers();
}

Program::~Program() {
  if (executor_ != nullptr) broken("the program ends with an open ring");
}

void Program::open_buffers() {
  const uint32_t entries = random_.pick({1u, 2u, 4u, 8u});
  incremental_ = random_.chance(500);
  group_ = executor_->create_buffer_ring(entries, incremental_);
  if (group_ == -EINVAL && incremental_) {
    incremental_ = false;
    group_ = executor_->create_buffer_ring(entries, false);
  }
  if (group_ < 0) broken("no buffer ring: %d", group_);
  slabs_.resize(entries);
  for (uint16_t id = 0; id < entries; id++) provide(id);
}

// Memory of its own for each: what was given before is nobody's any more.
void Program::provide(uint16_t id) {
  constexpr uint32_t kSlabBytes = 2000;
  if (slabs_[id] != nullptr) world_.memory.take_back(slabs_[id]);
  slabs_[id] = world_.memory.give(kSlabBytes);
  executor_->buffer_ring(static_cast<uint32_t>(group_))->provide(id, slabs_[id], kSlabBytes);
}

// --- completions

void Program::dispatch(const Completion* completions, uint32_t count) {
  answers_due_ = false;
  for (uint32_t i = 0; i < count; i++) {
    if (running_) {
      complete(completions[i]);
      // The thread is terminated in the middle of a handler.
      if (end_in_batch && random_.chance(300)) running_ = false;
    } else {
      executor_->close_unclaimed(completions[i]);
    }
  }
}

void Program::give_answers() {
  if (!answers_due_) broken("answers that nobody has");
  answers_due_ = false;
  if (close_in_batch && random_.chance(100)) return close();
  if (random_.chance(300)) act();
}

void Program::complete(const Completion& completion) {
  if (completion.slot < 0) {
    if (completion.flags != static_cast<uint32_t>(completion.result) * 3)
      broken("a message that nobody sent");
    return;
  }
  const auto slot = static_cast<size_t>(completion.slot);
  if (slot >= handlers_.size() || handlers_[slot] == nullptr) {
    broken("a completion of slot %zu, where nothing was started, or which has settled", slot);
  }
  Started& started = *handlers_[slot];
  const Op& op = executor_->operation(static_cast<uint32_t>(slot));
  if (op.user_data(CqeTag::kOperation) != started.user_data) broken("slot %zu is another operation's", slot);
  take_result(started, completion);
  if (completion.flags & kCompletionTerminal) {
    const std::unique_ptr<Started> over = std::move(handlers_[slot]);
    settled++;
    if (over->chain != nullptr) settle_member(*over, over->answered ? over->result : completion.result);
    for (uint8_t* memory : over->memory) world_.memory.take_back(memory);
    ring()->ended.push_back(over->user_data);
  }
  if (winding_down_) return;
  if (close_in_batch && random_.chance(300)) return close();
  if (random_.chance(300)) act();
}

void Program::take_result(Started& started, const Completion& completion) {
  const int32_t result = completion.result;
  const bool terminal = completion.flags & kCompletionTerminal;
  if ((completion.flags & kCompletionTimedOut) && !started.timed) broken("timed out without a timeout");
  if (!terminal && started.kind != kKindOf<SendZc> && !started.multishot) broken("more of what comes once");
  if (!started.answered) started.result = result;
  started.answered = !terminal;
  switch (Kinds::kInfo[started.kind].counts) {
    case Counts::kBytesRead:
      bytes_read_ += static_cast<uint64_t>(std::max(result, 0));
      break;
    case Counts::kBytesWritten:
      bytes_written_ += static_cast<uint64_t>(std::max(result, 0));
      break;
    default:
      break;
  }
  if (started.kind == kKindOf<RecvMultishot>) {
    take_piece(started, completion);
    if (terminal) held_.push_back(started.held);
  } else if (started.kind == kKindOf<Close>) {
    const bool open =
        started.held.fd >= 0 && world_.descriptors.is_open(started.held.fd, started.held.serial);
    if (result == -ECANCELED && open) {
      held_.push_back(started.held);
    } else if (open) {
      broken("descriptor %d is open after its close", started.held.fd);
    }
  } else if (started.kind == kKindOf<Pipe>) {
    if (result < 0) return;
    const auto* ends = reinterpret_cast<const int32_t*>(started.into);
    take_descriptor(started, ends[0]);
    take_descriptor(started, ends[1]);
  } else if (Kinds::kInfo[started.kind].makes_descriptor || (completion.flags & kCompletionUnsized)) {
    if (result >= 0) take_descriptor(started, result);
  } else if (started.into != nullptr && result > 0) {
    for (int32_t i = 0; i < result; i++) {
      if (started.into[i] != pattern(started.content, started.position + static_cast<uint64_t>(i))) {
        broken("byte %d of a read is not what the kernel wrote there", i);
      }
    }
    constexpr int32_t kAux = 16 | 0x20 << 16;
    if (started.kind == kKindOf<Recvmsg> && completion.aux != kAux) broken("the sender's address is lost");
  }
}

void Program::take_descriptor(const Started& started, int fd) {
  const Held held{fd, world_.descriptors.file(fd).serial, started.owned};
  if (started.owned && !executor_->closing() && !owned_.has(fd)) broken("descriptor %d is not owned", fd);
  // It came too late.
  if (started.aborted) return close_directly(held);
  held_.push_back(held);
  const auto index = static_cast<size_t>(fd);
  if (received_.size() <= index) received_.resize(index + 1);
  received_[index] = 0;
}

void Program::take_piece(Started& started, const Completion& completion) {
  if (!(completion.flags & abi::IORING_CQE_F_BUFFER)) return;
  const auto id = static_cast<uint16_t>(completion.flags >> abi::IORING_CQE_BUFFER_SHIFT);
  const uint8_t* piece = slabs_[id] + completion.aux;
  const auto bytes = static_cast<uint32_t>(completion.result);
  world_.memory.expect_held(piece, bytes, "a piece beyond its slab");
  uint64_t& position = received_[static_cast<size_t>(started.held.fd)];
  for (uint32_t i = 0; i < bytes; i++) {
    if (piece[i] != pattern(static_cast<uint64_t>(started.held.fd), position + i)) {
      broken("byte %llu of a stream is lost or in another place",
             static_cast<unsigned long long>(position + i));
    }
  }
  position += bytes;
  if (completion.flags & abi::IORING_CQE_F_BUF_MORE) return;
  if (executor_->closing()) return;
  if (random_.chance(300)) {
    lent_.push_back(id);
  } else {
    provide(id);
  }
}

void Program::settle_member(const Started& started, int32_t result) {
  auto& results = started.chain->results;
  results[started.member] = result;
  if (started.chain->hard) return;
  bool failed = false;
  for (const int32_t one : results) {
    if (one == ChainState::kUnsettled) continue;
    if (failed && one >= 0) broken("a member of a soft chain ran behind one that failed");
    failed |= one < 0;
  }
}

uint8_t* Program::allocate(uint32_t slot, uint64_t bytes) {
  if (random_.chance(50)) return nullptr;
  Started& started = *handlers_[slot];
  if (bytes > 1'000'000) broken("%llu bytes of memory are asked for", static_cast<unsigned long long>(bytes));
  return started.into = give(started, static_cast<uint32_t>(bytes));
}

// --- what must hold

bool Program::loop_is_held() const {
  const int eventfd = executor_->ring().eventfd();
  return std::any_of(loop_->polls.begin(), loop_->polls.end(),
                     [eventfd](const uv_poll_t* poll) { return poll->fd == eventfd && poll->referenced; });
}

void Program::check() const {
  if (executor_ == nullptr || executor_->closing()) return;
  const OpTable& table = executor_->table();
  uint32_t started = 0, in_flight = 0, referenced = 0;
  for (const auto& one : handlers_) {
    if (one == nullptr) continue;
    started++;
    const Op& op = executor_->operation(static_cast<uint32_t>(slot_of(*one)));
    if (op.user_data(CqeTag::kOperation) != one->user_data)
      broken("a slot has a new tenant before the old left");
    if (op.state != OpState::kSubmitted && op.state != OpState::kCancelling) continue;
    in_flight++;
    referenced += one->referenced;
  }
  if (table.in_flight() != in_flight) broken("%u in flight, not %u", table.in_flight(), in_flight);
  if (running_ && table.capacity() - table.free_slots() != started) broken("slots are lost");
  if ((referenced > 0 || answers_due_ || executor_->ring().sq.pending() > 0) && !loop_is_held()) {
    broken("the loop would end with %u operations in flight", referenced);
  }
  ring()->for_each_request([this](const Request& request) {
    const CqeTag tag = Op::tag_of(request.sqe.user_data);
    if (tag != CqeTag::kOperation && tag != CqeTag::kLinkTimeout && tag != CqeTag::kClose) return;
    const Op& op = executor_->operation(static_cast<uint32_t>(request.sqe.user_data));
    const bool has = op.state == OpState::kSubmitted || op.state == OpState::kCancelling;
    if (!has || op.user_data(tag) != request.sqe.user_data) {
      broken("operation %u is in flight, and its slot is free", request.sqe.opcode);
    }
  });
  const Executor::Stats& stats = executor_->stats();
  if (stats.enters + 1 != ring()->enters) broken("enters are miscounted");
  if (stats.completions + ring()->waiting_cqes() != ring()->posted) broken("completions are miscounted");
  if (stats.stale > ring()->ghosts) broken("an operation was taken for gone, and is not");
  if (!wait_in_ring_ && stats.retries != ring()->refused) broken("retries are miscounted");
  if (executor_->ring().sq.consumed() != ring()->taken) broken("submissions are miscounted");
  for (size_t kind = 0; kind < Kinds::kCount; kind++) {
    if (started_by_kind_[kind] > stats.by_kind[kind]) broken("%s is miscounted", Kinds::kInfo[kind].name);
  }
}

void Program::expect_nothing_to_do() const {
  if (executor_ == nullptr || executor_->closing()) return;
  if (answers_due_) broken("the loop sleeps over an answer");
  if (ring()->neglected()) broken("the loop sleeps over what is to be done");
  if (!executor_->ring().sqpoll() && executor_->ring().sq.pending() > 0) broken("the loop sleeps over SQEs");
}

void Program::expect_nothing_left() {
  for (const auto& one : handlers_) {
    if (one != nullptr && !ending_) broken("%s has never settled", Kinds::kInfo[one->kind].name);
  }
  for (const Held& held : held_) {
    const bool open = world_.descriptors.is_open(held.fd, held.serial);
    if (ending_ && held.owned && open) broken("descriptor %d outlives its environment", held.fd);
    if (!ending_ && !open) broken("descriptor %d is closed, and nobody closed it", held.fd);
    if (!open) continue;
    const auto index = static_cast<size_t>(held.fd);
    if (!ending_ && world_.descriptors.file(held.fd).received != received_[index]) {
      broken("the last bytes of a stream are lost");
    }
    ::close(held.fd);
  }
  held_.clear();
}

// --- the end

void Program::close() {
  if (executor_ == nullptr || executor_->closing()) return;
  winding_down_ = true;
  owned_.clear();
  executor_->close(true, &Program::on_closed, this);
}

// The environment's cleanup hook: when it returns, JavaScript's memory goes.
void Program::end() {
  ending_ = true;
  running_ = false;
  if (executor_ == nullptr) return;
  executor_->close(false, &Program::on_closed, this);
  for (const auto& one : handlers_) {
    // What a user, not an environment, holds is the user's to close.
    if (one != nullptr && one->held.fd >= 0) held_.push_back(one->held);
  }
  forget_memory();
}

void Program::on_closed(void* data) {
  auto& program = *static_cast<Program*>(data);
  const Executor::Stats stats = program.executor_->stats();
  program.executor_.reset();
  if (program.ending_) return program.owned_.close_all();
  program.owned_.clear();
  program.forget_memory();
  if (stats.bytes_written != program.bytes_written_) broken("bytes written are miscounted");
  if (stats.bytes_read < program.bytes_read_) broken("bytes read are miscounted");
}

void Program::forget_memory() {
  for (const auto& one : handlers_) {
    if (one == nullptr) continue;
    for (uint8_t* memory : one->memory) world_.memory.take_back(memory);
    one->memory.clear();
  }
  for (uint8_t*& slab : slabs_) {
    if (slab != nullptr) world_.memory.take_back(slab);
    slab = nullptr;
  }
}

void Program::close_directly(const Held& held) {
  owned_.erase(held.fd);
  ::close(held.fd);
}
