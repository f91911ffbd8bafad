// The least of io_uring that a baseline needs, on the project's own ABI header. It is not ringcore's Ring on
// purpose: a baseline must not get slower, or faster, together with what it is compared to.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "abi/io_uring_abi.h"
#include "abi/syscalls.h"
#include "options.h"

namespace bench {

namespace abi = ringcore::abi;

class MiniRing {
 public:
  MiniRing(unsigned entries, unsigned cq_entries) {
    abi::io_uring_params params{};
    params.flags = abi::IORING_SETUP_SINGLE_ISSUER | abi::IORING_SETUP_DEFER_TASKRUN |
                   abi::IORING_SETUP_CQSIZE | abi::IORING_SETUP_SUBMIT_ALL;
    params.cq_entries = cq_entries;
    fd_ = abi::io_uring_setup(entries, &params);
    if (fd_ < 0) fail_errno("io_uring_setup", -fd_);
    const size_t sq_bytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    const size_t cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(abi::io_uring_cqe);
    char* rings = map(std::max(sq_bytes, cq_bytes), abi::IORING_OFF_SQ_RING);
    sqes_ = reinterpret_cast<abi::io_uring_sqe*>(
        map(params.sq_entries * sizeof(abi::io_uring_sqe), abi::IORING_OFF_SQES));
    sq_head_ = reinterpret_cast<unsigned*>(rings + params.sq_off.head);
    sq_tail_ = reinterpret_cast<unsigned*>(rings + params.sq_off.tail);
    cq_head_ = reinterpret_cast<unsigned*>(rings + params.cq_off.head);
    cq_tail_ = reinterpret_cast<unsigned*>(rings + params.cq_off.tail);
    cqes_ = reinterpret_cast<abi::io_uring_cqe*>(rings + params.cq_off.cqes);
    sq_entries_ = params.sq_entries;
    cq_mask_ = params.cq_entries - 1;
    auto* array = reinterpret_cast<unsigned*>(rings + params.sq_off.array);
    for (unsigned i = 0; i < sq_entries_; i++) array[i] = i;
  }

  // A zeroed SQE. When the queue is full, what is in it is submitted first.
  abi::io_uring_sqe& next(uint8_t opcode, int fd, uint64_t user_data) {
    if (tail_ - std::atomic_ref(*sq_head_).load(std::memory_order_acquire) == sq_entries_) enter(0);
    abi::io_uring_sqe& sqe = sqes_[tail_++ & (sq_entries_ - 1)];
    std::memset(&sqe, 0, sizeof(sqe));
    sqe.opcode = opcode;
    sqe.fd = fd;
    sqe.user_data = user_data;
    return sqe;
  }

  // Submits everything and waits for `wait` completions.
  void enter(unsigned wait) {
    // Release: the kernel must see the SQEs before the tail that covers them.
    std::atomic_ref(*sq_tail_).store(tail_, std::memory_order_release);
    const int result =
        abi::io_uring_enter(fd_, tail_ - submitted_, wait, abi::IORING_ENTER_GETEVENTS, nullptr, 0);
    if (result >= 0) submitted_ += static_cast<unsigned>(result);
    if (result < 0 && result != -EINTR) fail_errno("io_uring_enter", -result);
  }

  template <class Each>
  void drain(Each each) {
    unsigned head = *cq_head_;
    // Acquire: a CQE that the tail covers is completely written.
    const unsigned tail = std::atomic_ref(*cq_tail_).load(std::memory_order_acquire);
    while (head != tail) {
      const abi::io_uring_cqe cqe = cqes_[head++ & cq_mask_];
      each(cqe);
    }
    // Release: we have read the CQEs before the kernel may overwrite them.
    std::atomic_ref(*cq_head_).store(head, std::memory_order_release);
  }

  // Room in the submission queue, so that a chain of `count` is not torn apart.
  void reserve(unsigned count) {
    if (tail_ - std::atomic_ref(*sq_head_).load(std::memory_order_acquire) + count > sq_entries_) enter(0);
  }

  int fd() const { return fd_; }

 private:
  char* map(size_t bytes, uint64_t offset) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_,
                        static_cast<off_t>(offset));
    if (memory == MAP_FAILED) fail_errno("mmap", errno);
    return static_cast<char*>(memory);
  }

  int fd_;
  unsigned *sq_head_, *sq_tail_, *cq_head_, *cq_tail_;
  abi::io_uring_sqe* sqes_;
  abi::io_uring_cqe* cqes_;
  unsigned sq_entries_, cq_mask_;
  unsigned tail_ = 0;
  unsigned submitted_ = 0;
};

// Buffers of equal size that the kernel picks from when data arrives.
class BufferPool {
 public:
  BufferPool(MiniRing& ring, uint16_t group, unsigned entries, size_t bytes)
      : entries_(entries), bytes_(bytes) {
    const size_t ring_bytes = entries * sizeof(abi::io_uring_buf);
    auto* memory = static_cast<char*>(mmap(nullptr, ring_bytes + entries * bytes, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
    if (memory == MAP_FAILED) fail_errno("mmap", errno);
    ring_ = reinterpret_cast<abi::io_uring_buf_ring*>(memory);
    data_ = memory + ring_bytes;
    abi::io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uint64_t>(ring_);
    registration.ring_entries = entries;
    registration.bgid = group;
    const int error = abi::io_uring_register(ring.fd(), abi::IORING_REGISTER_PBUF_RING, &registration, 1);
    if (error < 0) fail_errno("IORING_REGISTER_PBUF_RING", -error);
    for (unsigned i = 0; i < entries; i++) give(static_cast<uint16_t>(i));
  }

  char* at(uint16_t id) { return data_ + id * bytes_; }

  void give(uint16_t id) {
    // Member by member: entry 0's last bytes are the ring's tail.
    abi::io_uring_buf& entry = ring_->bufs()[tail_++ & (entries_ - 1)];
    entry.addr = reinterpret_cast<uint64_t>(at(id));
    entry.len = static_cast<uint32_t>(bytes_);
    entry.bid = id;
    std::atomic_ref(ring_->tail).store(tail_, std::memory_order_release);
  }

 private:
  unsigned entries_;
  size_t bytes_;
  abi::io_uring_buf_ring* ring_;
  char* data_;
  uint16_t tail_ = 0;
};

}  // namespace bench
