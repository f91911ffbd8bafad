// A request's way: issued, waiting, cancelled, complete; and what is linked to it.
#include <algorithm>
#include <cerrno>

#include "kernel.h"
#include "operations.h"

namespace {

constexpr uint8_t kLinks = abi::IOSQE_IO_LINK | abi::IOSQE_IO_HARDLINK;

uint64_t nanoseconds(uint64_t address) {
  const auto* time = reinterpret_cast<const abi::kernel_timespec*>(address);
  return static_cast<uint64_t>(time->tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time->tv_nsec);
}

void expect_arguments(const Request& request) {
  if (digest_arguments(request.sqe) == request.arguments) return;
  broken("the arguments of operation %u were given back before its end", request.sqe.opcode);
}

}  // namespace

void SimulatedRing::begin_chain(Request* head, Request* refused) {
  if (refused == nullptr) return issue(*head);
  // The whole chain ends before it has begun: one member with its error, the others cancelled.
  while (head != nullptr) {
    Request* next = head->next;
    post(head->sqe.user_data, head == refused ? -ENOMEM : -ECANCELED, 0);
    remove(*head);
    head = next;
  }
}

void SimulatedRing::arm_timeout(Request& request) {
  Request* timeout = request.next;
  if (timeout == nullptr || timeout->sqe.opcode != abi::IORING_OP_LINK_TIMEOUT) return;
  // What is linked to the timeout runs behind the operation.
  request.next = timeout->next;
  request.sqe.flags = static_cast<uint8_t>((request.sqe.flags & ~kLinks) | (timeout->sqe.flags & kLinks));
  timeout->next = nullptr;
  request.timeout = timeout;
  timeout->bounded = &request;
  timeout->state = RequestState::kArmed;
  timeout->due_ns = world_.now_ns + nanoseconds(timeout->sqe.addr);
}

void SimulatedRing::issue(Request& request) {
  expect_arguments(request);
  arm_timeout(request);
  const abi::io_uring_sqe& sqe = request.sqe;
  const uint64_t soon_ns = world_.now_ns + random_.pick({1000u, 20'000u, 300'000u, 5'000'000u});
  switch (sqe.opcode) {
    case abi::IORING_OP_ASYNC_CANCEL:
      return finish(request, {cancel(sqe)});
    case abi::IORING_OP_TIMEOUT_REMOVE:
      return finish(request, {update_timeout(sqe)});
    case abi::IORING_OP_TIMEOUT:
      request.state = RequestState::kArmed;
      request.due_ns = world_.now_ns + nanoseconds(sqe.addr);
      request.shots = static_cast<int32_t>(sqe.off);
      return;
    default:
      break;
  }
  if (is_multishot(sqe)) {
    request.state = RequestState::kArmed;
    request.shots = static_cast<int32_t>(random_.below(8));
    request.due_ns = random_.chance(200) ? kNever : soon_ns;
    return;
  }
  const bool async = sqe.flags & abi::IOSQE_ASYNC;
  const Manner manner = manner_of(sqe);
  const bool at_once = !async && random_.chance(manner == Manner::kAtOnce ? 900 : 400);
  if (at_once && sqe.opcode != abi::IORING_OP_SEND_ZC) return finish(request, perform(*this, sqe));
  const bool works = manner != Manner::kReady && random_.chance(500);
  request.state = works ? RequestState::kWorking : RequestState::kArmed;
  request.due_ns = manner == Manner::kReady && random_.chance(300) ? kNever : soon_ns;
}

// Its time has come: from here on there is task work.
void SimulatedRing::fire(Request& request) {
  const bool notifies = request.state == RequestState::kNotified;
  const bool works = request.state == RequestState::kWorking;
  request.state = RequestState::kLeaving;
  request.due_ns = kNever;
  Request* one = &request;
  if (request.sqe.opcode == abi::IORING_OP_LINK_TIMEOUT) return later([this, one] { timed_out(*one); });
  if (is_multishot(request.sqe)) return later([this, one] { shoot(*one); });
  if (notifies) return later([this, one] { release(*one); });
  // A worker is interrupted in what waits; a close does not.
  const bool interrupted = one->cancelled && one->sqe.opcode != abi::IORING_OP_CLOSE && random_.chance(600);
  if (interrupted) return later([this, one] { finish(*one, {random_.pick({-EINTR, -ECANCELED})}); });
  if (!works) return later([this, one] { finish(*one, perform(*this, one->sqe)); });
  // What a worker does is done before anybody hears of it.
  const Outcome outcome = perform(*this, request.sqe);
  later([this, one, outcome] { finish(*one, outcome); });
}

void SimulatedRing::shoot(Request& request) {
  const bool timeout = request.sqe.opcode == abi::IORING_OP_TIMEOUT;
  const bool last = timeout ? request.shots-- == 1 : request.shots-- == 0;
  if (request.cancelled) return finish(request, {-ECANCELED});
  if (last && !timeout && random_.chance(500)) {
    const bool fails = request.sqe.opcode == abi::IORING_OP_ACCEPT || random_.chance(500);
    return finish(request, {fails ? -error_of(request.sqe.opcode, random_) : 0});
  }
  const Outcome outcome = perform(*this, request.sqe);
  // A full queue ends it too.
  if (last || (outcome.result < 0 && !timeout) || free_cqes() == 0) return finish(request, outcome);
  expect_arguments(request);
  post(request.sqe.user_data, outcome.result, outcome.flags | abi::IORING_CQE_F_MORE);
  request.state = RequestState::kArmed;
  if (timeout) {
    request.due_ns = world_.now_ns + nanoseconds(request.sqe.addr);
  } else if (!random_.chance(150)) {
    request.due_ns = world_.now_ns + random_.pick({100u, 50'000u, 2'000'000u});
  }
}

void SimulatedRing::finish(Request& request, const Outcome& outcome) {
  expect_arguments(request);
  const abi::io_uring_sqe& sqe = request.sqe;
  const bool zero_copy = sqe.opcode == abi::IORING_OP_SEND_ZC && (outcome.result >= 0 || random_.chance(500));
  const uint32_t more = zero_copy ? abi::IORING_CQE_F_MORE : 0;
  if (outcome.result < 0 || !(sqe.flags & abi::IOSQE_CQE_SKIP_SUCCESS)) {
    post(sqe.user_data, outcome.result, outcome.flags | more);
  }
  if (Request* timeout = request.timeout) {
    timeout->bounded = nullptr;
    request.timeout = nullptr;
    if (timeout->state == RequestState::kArmed) let_go(*timeout);
  }
  Request* next = request.next;
  request.next = nullptr;
  const bool severed = (outcome.result < 0 || !outcome.complete) && !(sqe.flags & abi::IOSQE_IO_HARDLINK);
  if (zero_copy) {
    request.state = RequestState::kNotified;
    request.due_ns = world_.now_ns + random_.pick({1000u, 100'000u, 10'000'000u});
  } else {
    remove(request);
  }
  if (next == nullptr) return;
  if (severed) return fail_links(next);
  later([this, next] { issue(*next); });
}

// The network has let go of the memory.
void SimulatedRing::release(Request& request) {
  world_.memory.expect_held(reinterpret_cast<void*>(request.sqe.addr), request.sqe.len,
                            "the network sends from it");
  post(request.sqe.user_data, 0, abi::IORING_CQE_F_NOTIF);
  remove(request);
}

void SimulatedRing::fail_links(Request* head) {
  while (head != nullptr) {
    Request* next = head->next;
    expect_arguments(*head);
    post(head->sqe.user_data, -ECANCELED, 0);
    remove(*head);
    head = next;
  }
}

void SimulatedRing::timed_out(Request& timeout) {
  int32_t result = -ETIME;
  if (Request* bounded = timeout.bounded) {
    bounded->timeout = nullptr;
    if (const int32_t cancelled = cancel_one(*bounded)) result = cancelled;
  } else if (random_.chance(500)) {
    result = -ENOENT;
  }
  finish(timeout, {result});
}

void SimulatedRing::remove(Request& request) {
  std::erase_if(requests_, [&](const auto& one) { return one.get() == &request; });
}

// --- cancellation

int32_t SimulatedRing::cancel(const abi::io_uring_sqe& sqe) {
  const bool all = sqe.cancel_flags & abi::IORING_ASYNC_CANCEL_ALL;
  std::vector<Request*> found;
  for (const auto& one : requests_) {
    bool matches = one->sqe.user_data == sqe.addr;
    if (sqe.cancel_flags & abi::IORING_ASYNC_CANCEL_FD) matches = one->sqe.fd == sqe.fd;
    if (sqe.cancel_flags & abi::IORING_ASYNC_CANCEL_ANY) matches = true;
    if (matches && one->sqe.opcode != abi::IORING_OP_LINK_TIMEOUT) found.push_back(one.get());
  }
  int32_t result = -ENOENT;
  int32_t count = 0;
  for (Request* request : found) {
    const int32_t outcome = cancel_one(*request);
    if (outcome == -ENOENT) continue;
    count++;
    result = outcome;
    if (!all) break;
  }
  return all ? count : result;
}

int32_t SimulatedRing::cancel_one(Request& request) {
  switch (request.state) {
    case RequestState::kLinked:
    case RequestState::kNotified:
      return -ENOENT;
    case RequestState::kLeaving:
      // One that repeats itself would go on.
      request.cancelled = is_multishot(request.sqe);
      return request.cancelled ? 0 : random_.pick({-ENOENT, -EALREADY});
    case RequestState::kWorking:
      request.cancelled = true;
      return -EALREADY;
    case RequestState::kArmed:
      let_go(request);
      return 0;
  }
  return -ENOENT;
}

void SimulatedRing::let_go(Request& request) {
  request.state = RequestState::kLeaving;
  request.due_ns = kNever;
  Request* one = &request;
  // It may have been ready just before.
  const bool ready = request.sqe.opcode != abi::IORING_OP_LINK_TIMEOUT &&
                     request.sqe.opcode != abi::IORING_OP_TIMEOUT && random_.chance(100);
  later([this, one, ready] { finish(*one, ready ? perform(*this, one->sqe) : Outcome{-ECANCELED}); });
}

int32_t SimulatedRing::update_timeout(const abi::io_uring_sqe& sqe) {
  for (const auto& one : requests_) {
    if (one->sqe.user_data != sqe.addr || one->sqe.opcode != abi::IORING_OP_TIMEOUT) continue;
    if (one->state != RequestState::kArmed) return -ENOENT;
    if (sqe.timeout_flags & abi::IORING_TIMEOUT_UPDATE) {
      one->due_ns = world_.now_ns + nanoseconds(sqe.addr2);
    } else {
      let_go(*one);
    }
    return 0;
  }
  return -ENOENT;
}
