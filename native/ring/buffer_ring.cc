#include "ring/buffer_ring.h"

#include <sys/mman.h>

#include <cerrno>

#include "ring/assert.h"
#include "ring/atomics.h"

namespace ringcore {

std::unique_ptr<BufferRing> BufferRing::create(Ring& ring, uint16_t group, unsigned entries, bool incremental,
                                               int* error) {
  std::unique_ptr<BufferRing> made(new BufferRing(ring, group, entries));
  const size_t bytes = entries * sizeof(abi::io_uring_buf);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    *error = -errno;
    return nullptr;
  }
  // The kernel has these pages pinned: a fork's copy-on-write would leave us writing to others.
  madvise(memory, bytes, MADV_DONTFORK);
  made->memory_ = static_cast<abi::io_uring_buf_ring*>(memory);

  abi::io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uint64_t>(memory);
  registration.ring_entries = entries;
  registration.bgid = group;
  registration.flags = incremental ? abi::IOU_PBUF_RING_INC : 0;
  *error = ring.register_resource(abi::IORING_REGISTER_PBUF_RING, &registration, 1);
  if (*error < 0) return nullptr;
  made->registered_ = true;
  made->incremental_ = incremental;
  made->buffers_.resize(entries);
  return made;
}

void BufferRing::provide(uint16_t buffer_id, void* memory, uint32_t bytes) {
  RINGCORE_ASSERT(buffer_id < entries_, "a buffer id beyond the ring's entries");
  RINGCORE_ASSERT(!buffers_[buffer_id].with_kernel,
                  "a second buffer under an id would overwrite an entry in use");
  buffers_[buffer_id] = {0, true};
  out_--;
  // Member by member: entry 0 shares its last bytes with the ring's tail.
  abi::io_uring_buf& entry = reinterpret_cast<abi::io_uring_buf*>(memory_)[tail_ & (entries_ - 1)];
  entry.addr = reinterpret_cast<uint64_t>(memory);
  entry.len = bytes;
  entry.bid = buffer_id;
  // Release: the kernel must see the entry before the tail that covers it.
  store_release(&memory_->tail, ++tail_);
}

uint32_t BufferRing::consume(uint16_t buffer_id, uint32_t bytes, bool more) {
  RINGCORE_ASSERT(buffer_id < entries_, "the kernel named a buffer that it was never given");
  Buffer& buffer = buffers_[buffer_id];
  const uint32_t offset = buffer.used;
  buffer.used += bytes;
  // Without a byte taken the buffer stays where it is. (Before 7.0 the kernel says otherwise by its flag.)
  const bool used_up = !incremental_ || (!more && bytes > 0);
  if (used_up && buffer.with_kernel) out_++;
  buffer.with_kernel = !used_up;
  return offset;
}

int BufferRing::unregister() {
  if (!registered_) return 0;
  abi::io_uring_buf_reg registration{};
  registration.bgid = group_;
  const int result = ring_.register_resource(abi::IORING_UNREGISTER_PBUF_RING, &registration, 1);
  if (result >= 0) registered_ = false;
  return result;
}

BufferRing::~BufferRing() {
  unregister();  // should it fail, unmapping is safe all the same: the kernel holds its own reference to the
                 // pages
  if (memory_ != nullptr) munmap(memory_, entries_ * sizeof(abi::io_uring_buf));
}

}  // namespace ringcore
