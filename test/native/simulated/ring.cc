// A ring's queues: SQEs come, CQEs go, and io_uring_enter lies between.
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "kernel.h"
#include "operations.h"
#include "ring/atomics.h"
#include "words.h"

using ringcore::load_acquire;
using ringcore::load_relaxed;
using ringcore::store_release;

namespace {

// Where the words of the queues stand; anywhere will do.
constexpr uint32_t kSqHead = 0, kSqTail = 64, kSqFlags = 128, kCqHead = 192, kCqTail = 256, kCqFlags = 320,
                   kCqOverflow = 324, kCqes = 512;

uint8_t* map(int fd, size_t bytes, uint64_t offset) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (memory == MAP_FAILED) broken("no memory for a simulated ring");
  return static_cast<uint8_t*>(memory);
}

constexpr uint64_t kMillisecond = 1'000'000;

}  // namespace

SimulatedRing::SimulatedRing(World& world, unsigned entries, abi::io_uring_params* params)
    : world_(world), random_(world.random), allowed_(256) {
  params->sq_entries = std::bit_ceil(entries);
  params->cq_entries = std::bit_ceil(params->cq_entries);
  params->features = abi::IORING_FEAT_SINGLE_MMAP | abi::IORING_FEAT_NODROP | abi::IORING_FEAT_EXT_ARG;
  params->sq_off = {};
  params->sq_off.head = kSqHead;
  params->sq_off.tail = kSqTail;
  params->sq_off.flags = kSqFlags;
  params->cq_off = {};
  params->cq_off.head = kCqHead;
  params->cq_off.tail = kCqTail;
  params->cq_off.flags = kCqFlags;
  params->cq_off.overflow = kCqOverflow;
  params->cq_off.cqes = kCqes;
  const uint32_t array = kCqes + params->cq_entries * static_cast<uint32_t>(sizeof(abi::io_uring_cqe));
  params->sq_off.array = params->flags & abi::IORING_SETUP_NO_SQARRAY ? 0 : array;
  params_ = *params;
  // A file in place of the kernel's memory, so that the executor's mmap() finds what it expects.
  fd_ = memfd_create("ring", MFD_CLOEXEC);
  const size_t sqes_bytes = params_.sq_entries * sizeof(abi::io_uring_sqe);
  if (ftruncate(fd_, static_cast<off_t>(abi::IORING_OFF_SQES + sqes_bytes)) != 0) broken("ftruncate");
  memory_ = map(fd_, array + params_.sq_entries * sizeof(uint32_t), abi::IORING_OFF_SQ_RING);
  sqes_ = reinterpret_cast<abi::io_uring_sqe*>(map(fd_, sqes_bytes, abi::IORING_OFF_SQES));
}

SimulatedRing::~SimulatedRing() {
  const uint32_t array = kCqes + params_.cq_entries * static_cast<uint32_t>(sizeof(abi::io_uring_cqe));
  munmap(memory_, array + params_.sq_entries * sizeof(uint32_t));
  munmap(sqes_, params_.sq_entries * sizeof(abi::io_uring_sqe));
}

unsigned SimulatedRing::waiting_sqes() const { return load_acquire(word(kSqTail)) - *word(kSqHead); }

unsigned SimulatedRing::free_cqes() const {
  return params_.cq_entries - (*word(kCqTail) - load_acquire(word(kCqHead)));
}

int SimulatedRing::enter(unsigned to_submit, unsigned min_complete, unsigned flags, const void* argument) {
  if (!enabled_) return -EBADFD;
  enters++;
  if (++idle_enters_ > 20'000) broken("io_uring_enter is called again and again, and nothing happens");
  world_.pass(random_.between(200, 5000));
  if (polls()) {
    if (flags & abi::IORING_ENTER_SQ_WAKEUP) {
      ringcore::fetch_and(word(kSqFlags), ~abi::IORING_SQ_NEED_WAKEUP);
      thread_next_ns_ = world_.now_ns;
      thread_sleeps_at_ns_ = world_.now_ns + params_.sq_thread_idle * kMillisecond;
    }
    to_submit = 0;
  }
  if (to_submit > 0 && random_.chance(world_.kernel->faults.refuse)) {
    const int error = random_.pick({EINTR, EAGAIN, EBUSY, EBADR});
    if (error != EINTR) refused++;
    return -error;
  }
  const unsigned taken = submit(to_submit);
  if (taken < to_submit) return static_cast<int>(taken);
  int result = 0;
  if (flags & abi::IORING_ENTER_GETEVENTS) {
    run_tasks(min_complete == 0 && random_.chance(800));
    flush_overflow();
    result = wait(min_complete, flags & abi::IORING_ENTER_EXT_ARG ? argument : nullptr);
  }
  haunt();
  return taken > 0 ? static_cast<int>(taken) : result;
}

int SimulatedRing::wait(unsigned min_complete, const void* argument) {
  uint64_t until_ns = kNever;
  if (argument != nullptr) {
    const auto* given = static_cast<const abi::io_uring_getevents_arg*>(argument);
    const auto* time = reinterpret_cast<const abi::kernel_timespec*>(given->ts);
    until_ns = time->tv_sec < 0 ? 0
                                : world_.now_ns + static_cast<uint64_t>(time->tv_sec) * 1'000'000'000 +
                                      static_cast<uint64_t>(time->tv_nsec);
  }
  while (params_.cq_entries - free_cqes() < min_complete) {
    if (!tasks_.empty()) {
      run_tasks(false);
      flush_overflow();
      continue;
    }
    if (world_.now_ns >= until_ns) return -ETIME;
    if (random_.chance(world_.kernel->faults.refuse)) return -EINTR;
    const uint64_t next_ns = std::min(world_.kernel->next_event_ns(), until_ns);
    if (next_ns == kNever) broken("io_uring_enter waits, and nothing will ever wake it");
    world_.kernel->run_until(next_ns);
  }
  return 0;
}

// --- submission

unsigned SimulatedRing::submit(unsigned count) {
  if (count > waiting_sqes()) broken("more SQEs are announced than there are");
  unsigned taken = 0;
  while (taken < count) {
    Request* head = nullptr;
    Request* last = nullptr;
    Request* refused = nullptr;
    bool linked = true;
    while (linked && taken < count) {
      Request* request = take_sqe();
      taken++;
      linked = request->sqe.flags & (abi::IOSQE_IO_LINK | abi::IOSQE_IO_HARDLINK);
      if (request->sqe.opcode == abi::IORING_OP_LINK_TIMEOUT && last == nullptr) {
        broken("a link timeout bounds nothing");
      }
      if (head == nullptr) head = request;
      if (last != nullptr) last->next = request;
      last = request;
      if (refused == nullptr && may_be_refused(request->sqe) && random_.chance(world_.kernel->faults.deny)) {
        refused = request;
      }
    }
    if (linked) broken("a chain is torn apart, or its last link leads nowhere");
    begin_chain(head, refused);
    if (random_.chance(world_.kernel->faults.refuse / 4)) break;  // no memory for more
  }
  return taken;
}

Request* SimulatedRing::take_sqe() {
  const uint32_t mask = params_.sq_entries - 1;
  uint32_t index = *word(kSqHead) & mask;
  if (params_.sq_off.array != 0) index = word(params_.sq_off.array)[index];
  requests_.push_back(std::make_unique<Request>());
  Request* request = requests_.back().get();
  taken++;
  request->ring = this;
  request->sqe = sqes_[index];
  if (!allowed_[request->sqe.opcode]) broken("operation %u is outside the restrictions", request->sqe.opcode);
  request->arguments = digest_arguments(request->sqe);
  if (verbose) tell("SQE %s", words_of(request->sqe).c_str());
  // Whoever fills the next one too early is noticed.
  std::memset(&sqes_[index], 0xee, sizeof(abi::io_uring_sqe));
  store_release(word(kSqHead), *word(kSqHead) + 1);
  idle_enters_ = 0;
  return request;
}

// The thread of an SQPOLL ring.
void SimulatedRing::poll_thread() {
  if (world_.now_ns < thread_next_ns_) return;
  if (const unsigned waiting = waiting_sqes()) {
    submit(waiting);
    thread_sleeps_at_ns_ = world_.now_ns + params_.sq_thread_idle * kMillisecond;
  } else if (world_.now_ns >= thread_sleeps_at_ns_) {
    std::atomic_ref<uint32_t>(*word(kSqFlags)).fetch_or(abi::IORING_SQ_NEED_WAKEUP);
    thread_next_ns_ = kNever;
    return;
  }
  thread_next_ns_ = world_.now_ns + random_.between(1000, 100'000);
}

// --- completion

void SimulatedRing::later(std::function<void()> task) {
  tasks_.push_back(std::move(task));
  if (polls() || announced_) return;
  announced_ = true;
  std::atomic_ref<uint32_t>(*word(kSqFlags)).fetch_or(abi::IORING_SQ_TASKRUN);
  signal();
}

// All of it, or as much as one call does at least.
void SimulatedRing::run_tasks(bool all) {
  announced_ = false;
  ringcore::fetch_and(word(kSqFlags), ~abi::IORING_SQ_TASKRUN);
  while (!tasks_.empty()) {
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    if (!all && random_.chance(300)) break;
  }
  announced_ = !tasks_.empty() && random_.chance(500);
  if (tasks_.empty() || polls()) return;
  std::atomic_ref<uint32_t>(*word(kSqFlags)).fetch_or(abi::IORING_SQ_TASKRUN);
}

void SimulatedRing::post(uint64_t user_data, int32_t result, uint32_t flags) {
  idle_enters_ = 0;
  if (verbose) {
    tell("CQE %s: %s%s", words_of_user_data(user_data).c_str(), words_of_result(result).c_str(),
         words_of_cqe_flags(flags).c_str());
  }
  if (!overflow_.empty() || free_cqes() == 0) {
    overflow_.push_back({user_data, result, flags});
    std::atomic_ref<uint32_t>(*word(kSqFlags)).fetch_or(abi::IORING_SQ_CQ_OVERFLOW);
    return;
  }
  const uint32_t tail = *word(kCqTail);
  auto* cqes = reinterpret_cast<abi::io_uring_cqe*>(memory_ + kCqes);
  cqes[tail & (params_.cq_entries - 1)] = {user_data, result, flags};
  store_release(word(kCqTail), tail + 1);
  posted++;
  signal();
}

void SimulatedRing::flush_overflow() {
  std::deque<abi::io_uring_cqe> waiting;
  waiting.swap(overflow_);
  ringcore::fetch_and(word(kSqFlags), ~abi::IORING_SQ_CQ_OVERFLOW);
  for (const abi::io_uring_cqe& cqe : waiting) post(cqe.user_data, cqe.res, cqe.flags);
}

void SimulatedRing::signal() {
  if (load_relaxed(word(kCqFlags)) & abi::IORING_CQ_EVENTFD_DISABLED) return;
  signalled = true;
  const uint64_t one = 1;
  if (::write(eventfd, &one, sizeof(one)) != sizeof(one)) broken("the eventfd");
}

// A completion of long ago, whose slot may be another operation's.
void SimulatedRing::haunt() {
  if (ended.empty() || !random_.chance(world_.kernel->faults.ghosts)) return;
  const uint64_t user_data = ended[random_.below(static_cast<uint32_t>(ended.size()))];
  ghosts++;
  post(user_data, random_.pick({0, 7, 1000, -ECANCELED, -EIO}),
       random_.pick({0u, 0u, 0u, abi::IORING_CQE_F_MORE, abi::IORING_CQE_F_NOTIF}));
}

bool SimulatedRing::neglected() const {
  const bool sees = params_.cq_entries != free_cqes() || !overflow_.empty() || (!tasks_.empty() && !polls());
  if (!polls()) return sees || waiting_sqes() > 0;
  return sees || (waiting_sqes() > 0 && (load_relaxed(word(kSqFlags)) & abi::IORING_SQ_NEED_WAKEUP));
}

void SimulatedRing::work() {
  if (polls() && enabled_) poll_thread();
  std::vector<Request*> due;
  for (const auto& request : requests_) {
    if (request->due_ns <= world_.now_ns) due.push_back(request.get());
  }
  for (Request* request : due) fire(*request);
  if (polls()) run_tasks(true);
}

uint64_t SimulatedRing::next_event_ns() const {
  uint64_t next_ns = polls() && enabled_ ? thread_next_ns_ : kNever;
  for (const auto& request : requests_) next_ns = std::min(next_ns, request->due_ns);
  return next_ns;
}

void SimulatedRing::deliver_message(const abi::io_uring_cqe& cqe) {
  later([this, cqe] { post(cqe.user_data, cqe.res, cqe.flags); });
}

// --- registered resources

int SimulatedRing::register_resource(unsigned opcode, const void* argument, unsigned count) {
  if (!enabled_ && ++register_calls_ == world_.kernel->faults.setup_call) return -EPERM;
  switch (opcode) {
    case abi::IORING_REGISTER_PROBE: {
      auto* probe = const_cast<abi::io_uring_probe*>(static_cast<const abi::io_uring_probe*>(argument));
      probe->last_op = abi::IORING_OP_LAST - 1;
      probe->ops_len = abi::IORING_OP_LAST;
      for (uint8_t i = 0; i < abi::IORING_OP_LAST; i++)
        probe->ops()[i] = {i, 0, abi::IO_URING_OP_SUPPORTED, 0};
      return 0;
    }
    case abi::IORING_REGISTER_EVENTFD:
      eventfd = *static_cast<const int*>(argument);
      return 0;
    case abi::IORING_REGISTER_RING_FDS:
      return -EINVAL;  // the executor does without
    case abi::IORING_REGISTER_RESTRICTIONS:
      for (unsigned i = 0; i < count; i++) {
        const auto& rule = static_cast<const abi::io_uring_restriction*>(argument)[i];
        if (rule.opcode == abi::IORING_RESTRICTION_SQE_OP) allowed_[rule.sqe_op] = true;
      }
      return 0;
    case abi::IORING_REGISTER_ENABLE_RINGS:
      enabled_ = true;
      thread_sleeps_at_ns_ = world_.now_ns + params_.sq_thread_idle * kMillisecond;
      return 0;
    case abi::IORING_REGISTER_PBUF_RING: {
      const auto* wanted = static_cast<const abi::io_uring_buf_reg*>(argument);
      const bool incremental = wanted->flags & abi::IOU_PBUF_RING_INC;
      if (incremental && world_.kernel->faults.old) return -EINVAL;
      if (buffers_.size() <= wanted->bgid) buffers_.resize(wanted->bgid + 1u);
      buffers_[wanted->bgid] = {reinterpret_cast<abi::io_uring_buf_ring*>(wanted->ring_addr),
                                static_cast<uint16_t>(wanted->ring_entries), 0, incremental, true};
      return 0;
    }
    case abi::IORING_UNREGISTER_PBUF_RING:
      buffers_[static_cast<const abi::io_uring_buf_reg*>(argument)->bgid].registered = false;
      return 0;
    default:
      return 0;
  }
}

uint8_t* SimulatedRing::take_buffer(uint16_t group, uint32_t* bytes, uint32_t* flags) {
  if (group >= buffers_.size() || !buffers_[group].registered) return nullptr;
  Buffers& buffers = buffers_[group];
  if (load_acquire(&buffers.ring->tail) == buffers.head) return nullptr;
  abi::io_uring_buf& entry = buffers.ring->bufs()[buffers.head & (buffers.entries - 1)];
  auto* memory = reinterpret_cast<uint8_t*>(entry.addr);
  *bytes = std::min(*bytes, entry.len);
  *flags = abi::IORING_CQE_F_BUFFER | static_cast<uint32_t>(entry.bid) << abi::IORING_CQE_BUFFER_SHIFT;
  if (buffers.incremental && *bytes < entry.len) {
    entry.addr += *bytes;
    entry.len -= *bytes;
    *flags |= abi::IORING_CQE_F_BUF_MORE;
  } else {
    buffers.head++;
  }
  return memory;
}
