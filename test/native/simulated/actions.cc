// What a program may do to its executor.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "operations.h"
#include "program.h"

using namespace ringcore;

namespace {

constexpr int kSomeFile = 900;

// Beside an operation's inline storage at times, and at times filling it, so that what comes next lies
// outside.
std::string path(Random& random) {
  return "/" + std::string(random.pick({8u, 8u, 135u, 400u}), static_cast<char>('a' + random.below(26)));
}

}  // namespace

// Returns null when the table is full.
template <class Shape, class Make>
Started* Program::start(Make make, uint32_t sqe_flags) {
  Op* op = executor_->begin<Shape>();
  if (op == nullptr) {
    if (executor_->table().free_slots() > 0 && !executor_->closing()) broken("a free slot is refused");
    return nullptr;
  }
  if (handlers_[op->slot] != nullptr) broken("slot %u is given to two", op->slot);
  handlers_[op->slot] = std::make_unique<Started>();
  Started& started = *handlers_[op->slot];
  started.user_data = op->user_data(CqeTag::kOperation);
  started.kind = op->kind;
  started.owned = op->owned = random_.chance(500);
  started.timed = random_.chance(200);
  const Shape shape = make(*op, started);
  if (started.multishot) started.timed = false;
  if (random_.chance(100) && !started.multishot) sqe_flags |= abi::IOSQE_ASYNC;
  started_by_kind_[op->kind]++;
  const double timeout_ms = started.timed ? random_.pick({0.001, 0.05, 1.0, 20.0}) : 0;
  executor_->start(*op, shape, static_cast<uint8_t>(sqe_flags), timeout_ms);
  return &started;
}

uint8_t* Program::give(Started& started, uint32_t bytes) {
  started.memory.push_back(world_.memory.give(bytes));
  return started.memory.back();
}

// Memory to be written from, with content that tells whose it is.
Bytes Program::source(Started& started) {
  const uint32_t bytes = random_.pick({1u, 100u, 5000u});
  uint8_t* memory = give(started, bytes);
  for (uint32_t i = 0; i < bytes; i++) memory[i] = pattern(started.user_data, i);
  return {memory, bytes};
}

Bytes Program::target(Started& started) {
  started.bytes = random_.pick({1u, 100u, 5000u});
  started.into = give(started, started.bytes);
  started.content = started.user_data;
  return {started.into, started.bytes};
}

Vectors Program::halves(Op& op, Bytes memory) {
  auto* vectors = static_cast<iovec*>(op.storage.allocate(2 * sizeof(iovec)));
  const size_t half = memory.size / 2;
  vectors[0] = {memory.data, half};
  vectors[1] = {static_cast<uint8_t*>(memory.data) + half, memory.size - half};
  return {vectors, 2};
}

Started* Program::start_one(uint32_t flags) {
  const auto message = [this](Op& op, Bytes memory) {
    msghdr header{};
    const Vectors vectors = halves(op, memory);
    header.msg_iov = vectors.data;
    header.msg_iovlen = vectors.count;
    return op.storage.store(header);
  };
  switch (random_.below(22)) {
    case 0:
      return start<Nop>([](Op&, Started&) { return Nop{}; }, flags);
    case 1:
    case 2:
      return start<Read>(
          [&](Op&, Started& started) {
            const Bytes memory = target(started);
            started.content = 0;
            started.position = random_.below(1 << 20);
            return Read{kSomeFile, memory, started.position, 0};
          },
          flags);
    case 3:
    case 4:
      return start<Write>([&](Op&, Started& started) { return Write{{kSomeFile, source(started), 0, 0}}; },
                          flags);
    case 5:
      return start<Readv>(
          [&](Op& op, Started& started) { return Readv{kSomeFile, halves(op, target(started)), 0, 0}; },
          flags);
    case 6:
      return start<Writev>(
          [&](Op& op, Started& started) { return Writev{{kSomeFile, halves(op, source(started)), 0, 0}}; },
          flags);
    case 7:
    case 8:
      return start<Openat>(
          [&](Op& op, Started&) {
            return Openat{AT_FDCWD, op.storage.store_string(path(random_)), O_RDONLY, 0};
          },
          flags);
    case 9:
      return start<Statx>(
          [&](Op& op, Started& started) {
            uint8_t* out = give(started, sizeof(abi::kernel_statx));
            return Statx{
                AT_FDCWD, op.storage.store_string(path(random_)), 0, 0, {out, sizeof(abi::kernel_statx)}};
          },
          flags);
    case 10:
      return start<Accept>([](Op&, Started&) { return Accept{kSomeFile, 0, -1}; }, flags);
    case 11:
      return start<Connect>(
          [](Op& op, Started&) {
            sockaddr address{};
            address.sa_family = AF_INET;
            return Connect{{kSomeFile, {op.storage.store(address), sizeof(address)}}};
          },
          flags);
    case 12:
      return start<Send>([&](Op&, Started& started) { return Send{kSomeFile, source(started), 0}; }, flags);
    case 13:
    case 14:
      return start<SendZc>([&](Op&, Started& started) { return SendZc{{kSomeFile, source(started), 0}}; },
                           flags);
    case 15:
      return start<Sendmsg>(
          [&](Op& op, Started& started) { return Sendmsg{kSomeFile, message(op, source(started)), 0}; },
          flags);
    case 16:
      return start<Recv>([&](Op&, Started& started) { return Recv{kSomeFile, target(started), 0}; }, flags);
    case 17:
      return start<Recvmsg>(
          [&](Op& op, Started& started) { return Recvmsg{kSomeFile, message(op, target(started)), 0}; },
          flags);
    case 18:
      return start<Poll>([](Op&, Started&) { return Poll{kSomeFile, 1}; }, flags);
    case 19:
      return start<Timeout>(
          [&](Op& op, Started&) {
            const double ms = random_.pick({0.01, 1.0, 50.0, 100'000.0});
            return Timeout{op.storage.store(timespec_of(ms)), 0, 0};
          },
          flags);
    case 20:
      return start<Pipe>(
          [&](Op& op, Started& started) {
            started.into = give(started, 2 * sizeof(int32_t));
            started.owned = op.owned = false;  // two descriptors: nobody asks for that
            return Pipe{{started.into, 2 * sizeof(int32_t)}, 0, -1};
          },
          flags);
    default:
      return start<Socket>([](Op&, Started&) { return Socket{AF_INET, 0, 0, -1}; }, flags);
  }
}

void Program::start_chain() {
  const uint32_t count = random_.between(2, 5);
  const int begun = executor_->begin_chain(count);
  const bool fits = count <= executor_->ring().sq.entries() / 2 && count <= executor_->table().capacity();
  if ((begun == -2) == fits) broken("a chain that fits is refused, or one that does not is let in");
  if (begun != 0) return;
  const uint32_t link = random_.chance(300) ? abi::IOSQE_IO_HARDLINK : abi::IOSQE_IO_LINK;
  auto state = std::make_shared<ChainState>();
  state->hard = link == abi::IOSQE_IO_HARDLINK;
  state->results.resize(count, ChainState::kUnsettled);
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t flags = i + 1 < count ? link : 0;
    Started* started = nullptr;
    if (random_.chance(40)) {
      // Its arguments are found wanting when it's too late, as lib/core's chains do it.
      executor_->abandon(*executor_->begin<Nop>());
      started = start<Close>([](Op&, Started&) { return Close{-1}; }, flags);
    } else {
      started = start_one(flags);
    }
    if (started == nullptr) broken("a chain was promised %u slots", count);
    started->chain = state;
    started->member = i;
  }
}

void Program::start_stream() {
  if (group_ < 0 || held_.empty()) return;
  const size_t index = random_.below(static_cast<uint32_t>(held_.size()));
  const Held held = held_[index];
  const Started* started = start<RecvMultishot>([&](Op&, Started& started) {
    started.multishot = true;
    started.held = held;
    return RecvMultishot{held.fd, static_cast<uint16_t>(group_), 0, 0};
  });
  if (started != nullptr) held_.erase(held_.begin() + static_cast<ptrdiff_t>(index));
}

void Program::read_file() {
  Op* op = executor_->begin<ReadFileKind>();
  if (op == nullptr) return;
  handlers_[op->slot] = std::make_unique<Started>();
  Started& started = *handlers_[op->slot];
  started.user_data = op->user_data(CqeTag::kOperation);
  started.kind = op->kind;
  started.owned = op->owned = random_.chance(500);
  started_by_kind_[op->kind]++;
  executor_->start_read_file(*op, op->storage.store_string(path(random_)),
                             random_.pick({0u, uint32_t{O_SYNC}}));
}

void Program::start_close(const Held& held) {
  start<Close>([&](Op&, Started& started) {
    started.held = held;
    return Close{held.fd};
  });
}

void Program::close_one() {
  if (held_.empty()) return;
  const size_t index = random_.below(static_cast<uint32_t>(held_.size()));
  const Held held = held_[index];
  if (random_.chance(300)) {
    held_.erase(held_.begin() + static_cast<ptrdiff_t>(index));
    close_directly(held);
  } else if (executor_->table().free_slots() > 0) {
    held_.erase(held_.begin() + static_cast<ptrdiff_t>(index));
    start_close(held);
  }
}

Started* Program::any_started() {
  const auto first = random_.below(static_cast<uint32_t>(handlers_.size()));
  for (size_t i = 0; i < handlers_.size(); i++) {
    const auto& one = handlers_[(first + i) % handlers_.size()];
    if (one != nullptr) return one.get();
  }
  return nullptr;
}

void Program::start_timeout_change() {
  const Started* one = any_started();
  if (one == nullptr) return;
  const uint64_t target = executor_->user_data_of(static_cast<uint32_t>(slot_of(*one)));
  switch (random_.below(3)) {
    case 0:
      start<TimeoutRemove>([&](Op&, Started&) { return TimeoutRemove{target}; });
      break;
    case 1:
      start<TimeoutUpdate>([&](Op& op, Started&) {
        return TimeoutUpdate{target, op.storage.store(timespec_of(random_.pick({0.1, 10.0}))), 0};
      });
      break;
    default:
      start<CancelOperation>([&](Op&, Started&) { return CancelOperation{target}; });
  }
}

void Program::send_message() {
  if (peer == nullptr || peer->closed()) return;
  const uint32_t number = random_.below(1000);
  start<MsgRing>([&](Op&, Started&) { return MsgRing{peer->ring_fd_, number * 3, number}; });
}

void Program::act() {
  if (executor_ == nullptr || executor_->closing() || winding_down_ || !running_) return;
  const uint32_t what = random_.below(100);
  Started* one = any_started();
  const auto slot = one == nullptr ? 0 : static_cast<uint32_t>(slot_of(*one));
  if (what < 40) {
    tell("program: an operation");
    start_one(0);
  } else if (what < 50) {
    tell("program: a chain");
    start_chain();
  } else if (what < 55) {
    tell("program: a multishot receive");
    start_stream();
  } else if (what < 58) {
    tell("program: a multishot accept");
    start<AcceptMultishot>([](Op&, Started& started) {
      started.multishot = true;
      return AcceptMultishot{kSomeFile, 0, false};
    });
  } else if (what < 60) {
    tell("program: a multishot poll");
    start<PollMultishot>([](Op&, Started& started) {
      started.multishot = true;
      return PollMultishot{kSomeFile, 1};
    });
  } else if (what < 61) {
    tell("program: a multishot timeout");
    start<TimeoutMultishot>([&](Op& op, Started& started) {
      started.multishot = true;
      return TimeoutMultishot{op.storage.store(timespec_of(0.3)), random_.between(1, 4)};
    });
  } else if (what < 66) {
    tell("program: readFile");
    read_file();
  } else if (what < 73) {
    tell("program: a descriptor is closed");
    close_one();
  } else if (what < 75) {
    tell("program: a timeout is changed, or an operation cancelled by another");
    start_timeout_change();
  } else if (what < 77) {
    tell("program: a message to the other ring");
    send_message();
  } else if (what < 85 && one != nullptr) {
    tell("program: slot %u is cancelled", slot);
    one->aborted = true;
    executor_->cancel(slot);
  } else if (what < 88 && one != nullptr) {
    tell("program: slot %u is cancelled now", slot);
    const uint64_t user_data = one->user_data;
    // One that waits behind others may have to be asked again.
    const bool alone = one->chain == nullptr && one->kind != kKindOf<ReadFileKind>;
    one->aborted = true;
    if (executor_->cancel_now(slot) && alone && !executor_->ring().sqpoll()) {
      ring()->for_each_request([user_data](const Request& request) {
        if (request.sqe.user_data != user_data || request.state != RequestState::kArmed) return;
        broken("operation %u waits on although it was cancelled now", request.sqe.opcode);
      });
    }
  } else if (what < 91 && one != nullptr) {
    const Op& op = executor_->operation(slot);
    if (op.state == OpState::kDelivered) return;
    one->referenced = !one->referenced;
    tell("program: slot %u is %s", slot, one->referenced ? "referenced" : "unreferenced");
    executor_->set_referenced(slot, one->referenced);
  } else if (what < 93) {
    tell("program: submit");
    executor_->submit();
  } else if (what < 96) {
    tell("program: submit, if there is little to do");
    executor_->submit_eagerly();
  } else if (what < 97) {
    tell("program: an answer is to be given");
    answers_due_ = true;
    executor_->expect_answers();
  } else if (!lent_.empty()) {
    tell("program: a buffer is given back");
    provide(lent_.back());
    lent_.pop_back();
  }
}

void Program::cancel_all() {
  if (executor_ == nullptr || executor_->closing()) return;
  for (size_t slot = 0; slot < handlers_.size(); slot++) {
    if (handlers_[slot] == nullptr) continue;
    handlers_[slot]->aborted = true;
    executor_->cancel(static_cast<uint32_t>(slot));
  }
}
