// io_uring's system calls, with faults by a seeded plan (plan.h). Everything is a thing that a kernel may do:
//
// - fail: the SQE becomes a read of no file, and the completion says the errno: nothing is done, links are
//   severed as usual.
// - shorten: the SQE asks for a part only, unless that would have to sever a link and could not.
// - worker: the SQE gets IOSQE_ASYNC: it completes later, and out of order.
// - delay: the last completions are not shown yet; TASKRUN and the eventfd say that there is something to do.
// - reorder: completions of unrelated operations change places.
// - duplicate: a last completion comes once more, when its slot is free or another operation's.
// - enter: io_uring_enter fails and has done nothing.
//
// A close is done and then said to have failed, since a descriptor is closed whatever close() says.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

// The real ones, under other names.
#define io_uring_setup real_setup
#define io_uring_enter real_enter
#define io_uring_register real_register
#include "abi/syscalls.cc"
#undef io_uring_setup
#undef io_uring_enter
#undef io_uring_register

#include "op/op_table.h"
#include "plan.h"
#include "ring/atomics.h"

namespace ringcore::abi {
namespace {

constexpr u8 kLinks = IOSQE_IO_LINK | IOSQE_IO_HARDLINK;

FaultPlan* load_plan() {
  const char* path = std::getenv("RINGCORE_FAULTS");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    std::fprintf(stderr, "RINGCORE_FAULTS names no plan\n");
    std::abort();
  }
  void* memory = mmap(nullptr, sizeof(FaultPlan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return static_cast<FaultPlan*>(memory);
}

FaultPlan& plan() {
  static FaultPlan* loaded = load_plan();
  return *loaded;
}

u64 mixed(u64 value) {  // splitmix64
  value += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

// The queues of a ring as the kernel sees them: a second mapping.
class View {
 public:
  explicit View(int fd, const io_uring_params& params) : fd(fd), params_(params) {
    bytes_ = std::max<size_t>(params.sq_off.array + params.sq_entries * sizeof(u32),
                              params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
    base_ = map(bytes_, IORING_OFF_SQ_RING);
    sqes_ = reinterpret_cast<io_uring_sqe*>(map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
  }
  ~View() {
    munmap(base_, bytes_);
    munmap(sqes_, params_.sq_entries * sizeof(io_uring_sqe));
  }
  View(const View&) = delete;

  u32* sq_head() { return word(params_.sq_off.head); }
  u32* sq_tail() { return word(params_.sq_off.tail); }
  u32* sq_flags() { return word(params_.sq_off.flags); }
  u32* cq_head() { return word(params_.cq_off.head); }
  u32* cq_tail() { return word(params_.cq_off.tail); }
  io_uring_sqe& sqe(u32 index) { return sqes_[index & (params_.sq_entries - 1)]; }
  io_uring_cqe& cqe(u32 index) {
    auto* cqes = reinterpret_cast<io_uring_cqe*>(base_ + params_.cq_off.cqes);
    return cqes[index & (params_.cq_entries - 1)];
  }
  u32 setup_flags() const { return params_.flags; }
  u32 sq_entries() const { return params_.sq_entries; }

  const int fd;

 private:
  unsigned char* map(size_t bytes, u64 offset) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (memory == MAP_FAILED) std::abort();
    madvise(memory, bytes, MADV_DONTFORK);
    return static_cast<unsigned char*>(memory);
  }
  u32* word(u32 offset) { return reinterpret_cast<u32*>(base_ + offset); }

  io_uring_params params_;
  size_t bytes_;
  unsigned char* base_;
  io_uring_sqe* sqes_;
};

// A ring of our own, from which completions are sent to the faulty one: a message is a CQE with any content.
class Postman {
 public:
  Postman() : params_{}, fd_(real_setup(4, &params_)), view_(fd_, params_) {}
  ~Postman() { ::close(fd_); }

  void send(int target, const io_uring_cqe& cqe) {
    const u32 tail = load_relaxed(view_.sq_tail());
    io_uring_sqe& sqe = view_.sqe(tail);
    sqe = {};
    sqe.opcode = IORING_OP_MSG_RING;
    sqe.fd = target;
    sqe.addr = IORING_MSG_DATA;
    sqe.len = static_cast<u32>(cqe.res);
    sqe.off = cqe.user_data;
    if (!(params_.flags & IORING_SETUP_NO_SQARRAY))
      array()[tail & (params_.sq_entries - 1)] = tail & (params_.sq_entries - 1);
    store_release(view_.sq_tail(), tail + 1);
    real_enter(fd_, 1, 0, IORING_ENTER_GETEVENTS, nullptr, 0);
    store_release(view_.cq_head(), load_acquire(view_.cq_tail()));
  }

 private:
  u32* array() {
    return reinterpret_cast<u32*>(reinterpret_cast<unsigned char*>(view_.sq_tail()) - params_.sq_off.tail +
                                  params_.sq_off.array);
  }
  io_uring_params params_;
  int fd_;
  View view_;
};

class FaultyRing {
 public:
  FaultyRing(int fd, const io_uring_params& params) : view_(fd, params) {}

  int enter(int fd, u32 to_submit, u32 min_complete, u32 flags, const void* arg, std::size_t arg_size) {
    if (plan().epoch != epoch_) begin_again();
    show_all();
    if (!plan().enabled) return enter_quietly(fd, to_submit, min_complete, flags, arg, arg_size);
    if (to_submit > 0 && chance(plan().enter)) {
      plan().refused++;
      constexpr int kErrors[] = {EINTR, EAGAIN, EBUSY};
      return -kErrors[next() % std::size(kErrors)];
    }
    disturb_submissions(to_submit);
    const int result = real_enter(fd, to_submit, min_complete, flags, arg, arg_size);
    const int error = errno;
    // Only there does little but io_uring_enter move the tail.
    if (view_.setup_flags() & IORING_SETUP_DEFER_TASKRUN) disturb_completions();
    errno = error;
    return result;
  }

  int fd() const { return view_.fd; }
  int registered = -1;
  int eventfd = -1;

 private:
  // What was made to fail before may end only now.
  int enter_quietly(int fd, u32 to_submit, u32 min_complete, u32 flags, const void* arg,
                    std::size_t arg_size) {
    const int result = real_enter(fd, to_submit, min_complete, flags, arg, arg_size);
    const int error = errno;
    if (!failing_.empty()) look_at_arrivals();
    errno = error;
    return result;
  }

  u64 next() { return state_ = mixed(state_); }
  bool chance(u32 of_thousand) { return next() % 1000 < of_thousand; }
  // The same for the n-th operation of a kind, whatever happens beside it.
  bool chance_of(u32 of_thousand, u32 what, u32 opcode, u32 count) {
    return draw(what, opcode, count) % 1000 < of_thousand;
  }
  u64 draw(u32 what, u32 opcode, u32 count) const {
    return mixed(mixed(u64{plan().seed} << 32 | what << 16 | opcode) + count);
  }

  void begin_again() {
    epoch_ = plan().epoch;
    state_ = plan().seed;
    std::fill(std::begin(counts_), std::end(counts_), 0);
  }

  // --- submission

  void disturb_submissions(u32 count) {
    const u32 head = load_acquire(view_.sq_head());
    bool linked = false;
    for (u32 i = head; i != head + count; i++) {
      io_uring_sqe& sqe = view_.sqe(i);
      const bool member = linked || (sqe.flags & kLinks) != 0;
      linked = (sqe.flags & kLinks) != 0;
      // Those that the kernel did not take the last time have had their turn.
      if (seen_any_ && static_cast<s32>(i - seen_to_) < 0) continue;
      in_flight_[sqe.user_data] = {sqe.opcode, member};
      disturb(sqe, i + 1 == head + count ? nullptr : &view_.sqe(i + 1));
    }
    if (count > 0) {
      seen_to_ = head + count;
      seen_any_ = true;
    }
  }

  void disturb(io_uring_sqe& sqe, const io_uring_sqe* behind) {
    const u32 opcode = sqe.opcode & 63;
    const u32 count = counts_[opcode]++;
    plan().seen[opcode]++;
    const FaultPlan& wanted = plan();
    if (wanted.once_opcode == opcode + 1 &&
        (count == wanted.once_after || (wanted.once_and_after && count > wanted.once_after))) {
      return replace(sqe, wanted.once_errno);
    }
    if (wanted.spared[opcode]) return;
    if (const int error = error_of(opcode, draw(1, opcode, count));
        error != 0 && chance_of(wanted.fail, 2, opcode, count)) {
      return fail(sqe, error);
    }
    if (chance_of(wanted.shorten, 3, opcode, count)) shorten(sqe, behind, draw(4, opcode, count));
    if (may_go_to_worker(opcode) && chance_of(wanted.worker, 5, opcode, count)) {
      sqe.flags |= IOSQE_ASYNC;
      plan().to_worker++;
    }
  }

  void replace(io_uring_sqe& sqe, u32 by) {
    if (by < FaultPlan::kForeign) return fail(sqe, static_cast<int>(by));
    sqe.opcode = static_cast<u8>(by - FaultPlan::kForeign);
    plan().failed++;
  }

  // 0: it is not made to fail.
  static int error_of(u32 opcode, u64 random) {
    const auto one_of = [random](auto... errors) {
      const int all[] = {errors...};
      return all[random % sizeof...(errors)];
    };
    switch (opcode) {
      case IORING_OP_READ:
      case IORING_OP_READV:
      case IORING_OP_READ_FIXED:
        return one_of(EIO, EINTR, EAGAIN, ENOMEM);
      case IORING_OP_WRITE:
      case IORING_OP_WRITEV:
      case IORING_OP_WRITE_FIXED:
        return one_of(ENOSPC, EIO, EINTR, EDQUOT);
      case IORING_OP_OPENAT:
      case IORING_OP_OPENAT2:
        return one_of(EMFILE, EACCES, EINTR, ENOMEM);
      case IORING_OP_STATX:
      case IORING_OP_UNLINKAT:
      case IORING_OP_RENAMEAT:
      case IORING_OP_MKDIRAT:
      case IORING_OP_SYMLINKAT:
      case IORING_OP_LINKAT:
        return one_of(EACCES, EIO, ENOMEM);
      case IORING_OP_FSYNC:
      case IORING_OP_FALLOCATE:
      case IORING_OP_FTRUNCATE:
        return one_of(EIO, ENOSPC, EINTR);
      case IORING_OP_SPLICE:
      case IORING_OP_TEE:
        return one_of(EINVAL, EIO, EINTR, ENOMEM);
      case IORING_OP_SEND:
      case IORING_OP_SENDMSG:
      case IORING_OP_SEND_ZC:
        return one_of(ECONNRESET, EPIPE, EINTR, ENOBUFS);
      case IORING_OP_RECV:
      case IORING_OP_RECVMSG:
        return one_of(ECONNRESET, EINTR, EAGAIN, ENOBUFS);
      case IORING_OP_ACCEPT:
        return one_of(ECONNABORTED, EMFILE, EINTR, ENOMEM);
      case IORING_OP_CONNECT:
        return one_of(ECONNREFUSED, ETIMEDOUT, EINTR);
      case IORING_OP_SOCKET:
        return one_of(EMFILE, ENOBUFS);
      case IORING_OP_CLOSE:
        return one_of(EIO, EINTR);
      case IORING_OP_ASYNC_CANCEL:
        return ENOENT;  // it was not found, though it is there: as with a link whose turn has not come
      default:
        return 0;
    }
  }

  void fail(io_uring_sqe& sqe, int error) {
    if (sqe.opcode == IORING_OP_CLOSE) {
      if (sqe.flags & kLinks) return;  // what is linked to it would run all the same
      failing_.insert({sqe.user_data, {0, error}});
      plan().failed++;
      return;
    }
    // One that nobody waits for, and one that looks for more than one operation.
    if (sqe.opcode == IORING_OP_ASYNC_CANCEL && sqe.cancel_flags != 0) return;
    const u64 user_data = sqe.user_data;
    const u8 flags = sqe.flags & static_cast<u8>(~(IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE));
    // A read of no file: it fails on every kernel, and so ends its chain; the errno is put in when it has.
    sqe = {};
    sqe.opcode = IORING_OP_READ;
    sqe.flags = flags;
    sqe.fd = -1;
    sqe.user_data = user_data;
    failing_.insert({user_data, {-EBADF, error}});
    plan().failed++;
  }

  void shorten(io_uring_sqe& sqe, const io_uring_sqe* behind, u64 random) {
    // A short transfer ends a chain: the kernel would not know that this one is short.
    if (sqe.flags & IOSQE_IO_LINK) {
      const bool timed = behind != nullptr && behind->opcode == IORING_OP_LINK_TIMEOUT;
      if (!timed || (behind->flags & IOSQE_IO_LINK)) return;
    }
    u32 least = 1;
    switch (sqe.opcode) {
      case IORING_OP_READ:
      case IORING_OP_WRITE:
      case IORING_OP_READ_FIXED:
      case IORING_OP_WRITE_FIXED:
        // O_DIRECT: whole blocks.
        if (sqe.len % 512 == 0 && sqe.addr % 512 == 0) least = 512;
        break;
      case IORING_OP_RECV:
        if (sqe.flags & IOSQE_BUFFER_SELECT) return;
        break;
      case IORING_OP_READV:
      case IORING_OP_WRITEV:
        return shorten_vectors(sqe, random);
      case IORING_OP_SEND:
      case IORING_OP_SEND_ZC:
      case IORING_OP_SPLICE:
        break;
      case IORING_OP_SENDMSG: {
        auto* message = reinterpret_cast<msghdr*>(sqe.addr);
        if (message->msg_iovlen < 2) return;
        message->msg_iovlen = 1 + random % (message->msg_iovlen - 1);
        sqe.flags &= static_cast<u8>(~IOSQE_CQE_SKIP_SUCCESS);
        plan().shortened++;
        return;
      }
      default:
        return;
    }
    if (sqe.len < 2 * least) return;
    sqe.len = static_cast<u32>((1 + random % (sqe.len / least - 1)) * least);
    sqe.flags &= static_cast<u8>(~IOSQE_CQE_SKIP_SUCCESS);  // that it is short must be told
    plan().shortened++;
  }

  // In the middle of one of them.
  void shorten_vectors(io_uring_sqe& sqe, u64 random) {
    auto* vectors = reinterpret_cast<iovec*>(sqe.addr);
    const u32 last = random % sqe.len;
    iovec& vector = vectors[last];
    const bool aligned = vector.iov_len % 512 == 0 && reinterpret_cast<u64>(vector.iov_base) % 512 == 0;
    const std::size_t least = aligned ? 512 : 1;
    if (vector.iov_len < 2 * least) return;
    vector.iov_len = (1 + random % (vector.iov_len / least - 1)) * least;
    sqe.len = last + 1;
    sqe.flags &= static_cast<u8>(~IOSQE_CQE_SKIP_SUCCESS);
    plan().shortened++;
  }

  static bool may_go_to_worker(u32 opcode) {
    switch (opcode) {
      case IORING_OP_READ:
      case IORING_OP_WRITE:
      case IORING_OP_OPENAT:
      case IORING_OP_CLOSE:
      case IORING_OP_FSYNC:
        return true;
      default:
        return false;
    }
  }

  // --- completion

  // What the last call held back. Not where the kernel has moved on: before 6.2 its workers do, at any time.
  void show_all() {
    if (held_) move_tail(shown_, tail_);
    held_ = false;
  }

  bool move_tail(u32 from, u32 to) {
    return std::atomic_ref<u32>(*view_.cq_tail()).compare_exchange_strong(from, to);
  }

  void look_at_arrivals() {
    const u32 head = load_acquire(view_.cq_head());
    const u32 tail = load_acquire(view_.cq_tail());
    for (u32 i = std::max(head, handled_to_); static_cast<s32>(i - tail) < 0; i++) arrived(view_.cqe(i));
    handled_to_ = tail;
  }

  void disturb_completions() {
    look_at_arrivals();
    const u32 head = load_acquire(view_.cq_head());
    const u32 tail = handled_to_;
    for (u32 i = head; static_cast<s32>(i + 1 - tail) < 0; i++) {
      if (!chance(plan().reorder)) continue;
      io_uring_cqe& one = view_.cqe(i);
      io_uring_cqe& two = view_.cqe(i + 1);
      if (!independent(one, two)) continue;
      std::swap(one, two);
      plan().reordered++;
    }
    u32 shown = tail;
    if (tail != head && chance(plan().delay)) shown -= 1 + static_cast<u32>(next() % (tail - head));
    for (u32 i = head; i != shown; i++) twice(view_.cqe(i));
    if (shown != tail) hold(shown, tail);
  }

  void arrived(io_uring_cqe& cqe) {
    const auto found = failing_.find(cqe.user_data);
    if (found == failing_.end()) return;
    if (cqe.res == found->second.result) cqe.res = -found->second.error;
    failing_.erase(found);
  }

  // Of one operation, of one chain, or of one ring of buffers they come in order.
  bool independent(const io_uring_cqe& one, const io_uring_cqe& two) const {
    if (static_cast<u32>(one.user_data) == static_cast<u32>(two.user_data)) return false;
    if ((one.flags & IORING_CQE_F_BUFFER) && (two.flags & IORING_CQE_F_BUFFER)) return false;
    if (Op::tag_of(one.user_data) == CqeTag::kMessage || Op::tag_of(two.user_data) == CqeTag::kMessage) {
      return false;
    }
    return !linked(one) || !linked(two);
  }

  bool linked(const io_uring_cqe& cqe) const {
    const auto found = in_flight_.find(cqe.user_data);
    return found != in_flight_.end() && found->second.linked;
  }

  void twice(const io_uring_cqe& cqe) {
    if (Op::tag_of(cqe.user_data) != CqeTag::kOperation || (cqe.flags & IORING_CQE_F_MORE)) return;
    const auto found = in_flight_.find(cqe.user_data);
    if (found == in_flight_.end()) return;
    const Submitted submitted = found->second;
    in_flight_.erase(found);
    // It would come in between where a slot's operation has several, as one with a timeout, or readFile's.
    if (submitted.linked || submitted.opcode == IORING_OP_OPENAT || submitted.opcode == IORING_OP_READ)
      return;
    if (!chance(plan().duplicate)) return;
    thread_local Postman postman;
    postman.send(view_.fd, cqe);
    plan().duplicated++;
  }

  void hold(u32 shown, u32 tail) {
    if (!move_tail(tail, shown)) return;
    held_ = true;
    shown_ = shown;
    tail_ = tail;
    plan().delayed += tail - shown;
    std::atomic_ref<u32>(*view_.sq_flags()).fetch_or(IORING_SQ_TASKRUN);
    const u64 one = 1;
    [[maybe_unused]] const ssize_t written = ::write(eventfd, &one, sizeof(one));
  }

  View view_;
  u32 epoch_ = 0;
  u64 state_ = 0;
  u32 counts_[64] = {};
  bool seen_any_ = false;
  u32 seen_to_ = 0;     // submissions before this one have had their turn
  u32 handled_to_ = 0;  // completions before this one have been seen
  bool held_ = false;
  u32 shown_ = 0;  // the tail while completions are held back
  u32 tail_ = 0;   // and the kernel's
  struct Submitted {
    u8 opcode = 0;
    bool linked = false;
  };
  std::unordered_map<u64, Submitted> in_flight_;
  struct Failing {
    int result;  // what it has by itself
    int error;   // what it is to have
  };
  std::unordered_map<u64, Failing> failing_;
};

thread_local std::vector<std::unique_ptr<FaultyRing>> rings;
thread_local u32 registered_calls = 0;

bool setup_fails(u32 call) { return plan().setup_call == call && plan().setup_errno != 0; }

template <class Wanted>
FaultyRing* find(Wanted wanted) {
  const auto found = std::find_if(rings.begin(), rings.end(), [&](auto& ring) { return wanted(*ring); });
  return found == rings.end() ? nullptr : found->get();
}

}  // namespace

int io_uring_setup(unsigned entries, io_uring_params* params) {
  registered_calls = 0;
  if (setup_fails(1)) return -static_cast<int>(plan().setup_errno);
  const int fd = real_setup(entries, params);
  if (fd < 0) return fd;
  std::erase_if(rings, [fd](auto& ring) { return ring->fd() == fd; });
  rings.push_back(std::make_unique<FaultyRing>(fd, *params));
  return fd;
}

int io_uring_enter(int fd, unsigned to_submit, unsigned min_complete, unsigned flags, const void* arg,
                   std::size_t arg_size) {
  if (setup_fails(100)) return -static_cast<int>(plan().setup_errno);
  const bool registered = flags & IORING_ENTER_REGISTERED_RING;
  FaultyRing* ring =
      find([&](FaultyRing& one) { return registered ? one.registered == fd : one.fd() == fd; });
  if (ring == nullptr) return real_enter(fd, to_submit, min_complete, flags, arg, arg_size);
  return ring->enter(fd, to_submit, min_complete, flags, arg, arg_size);
}

int io_uring_register(int fd, unsigned opcode, const void* arg, unsigned nr_args) {
  if (setup_fails(1 + ++registered_calls)) return -static_cast<int>(plan().setup_errno);
  const int result = real_register(fd, opcode, arg, nr_args);
  FaultyRing* ring = find([fd](FaultyRing& one) { return one.fd() == fd; });
  if (ring == nullptr) return result;
  if (opcode == IORING_REGISTER_EVENTFD) ring->eventfd = *static_cast<const int*>(arg);
  if (opcode == IORING_REGISTER_RING_FDS && result == 1) {
    ring->registered = static_cast<int>(static_cast<const io_uring_rsrc_update*>(arg)->offset);
  }
  // The ring is about to be closed: a mapping would keep it.
  if (opcode == IORING_UNREGISTER_RING_FDS) {
    std::erase_if(rings, [fd](auto& one) { return one->fd() == fd; });
  }
  return result;
}

}  // namespace ringcore::abi
