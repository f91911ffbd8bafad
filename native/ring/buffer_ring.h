// A ring of provided buffers (IORING_REGISTER_PBUF_RING, 5.19): memory that the kernel picks from when data
// arrives, so that an idle receive holds none. Incremental rings (IOU_PBUF_RING_INC, 6.12) use up a large
// buffer piece by piece.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "abi/io_uring_abi.h"
#include "ring/ring.h"

namespace ringcore {

class BufferRing {
 public:
  // `entries`: a power of two, 32768 at most. Null on failure, with -errno in `error`.
  static std::unique_ptr<BufferRing> create(Ring& ring, uint16_t group, unsigned entries, bool incremental,
                                            int* error);
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  // Gives memory to the kernel under this id. The caller keeps it alive until the kernel has used it up: a
  // completion with this buffer id and without IORING_CQE_F_BUF_MORE (of an incremental ring: that brought
  // data); or until the ring is destroyed.
  void provide(uint16_t buffer_id, void* memory, uint32_t bytes);

  // Tells where in its buffer the data of this completion begins, and moves on.
  uint32_t consume(uint16_t buffer_id, uint32_t bytes, bool more);

  // Takes the memory back from the kernel. The destructor does it too; only this one tells of a failure.
  int unregister();

  unsigned entries() const { return entries_; }

  // How many buffers the kernel does not have: their data is on its way to whoever gives them back.
  unsigned out() const { return out_; }

 private:
  BufferRing(Ring& ring, uint16_t group, unsigned entries)
      : ring_(ring), group_(group), entries_(entries), out_(entries) {}

  Ring& ring_;
  uint16_t group_;
  unsigned entries_;
  unsigned out_;
  uint16_t tail_ = 0;
  bool incremental_ = false;
  bool registered_ = false;
  abi::io_uring_buf_ring* memory_ = nullptr;
  struct Buffer {
    uint32_t used = 0;  // bytes
    bool with_kernel = false;
  };
  std::vector<Buffer> buffers_;  // by id
};

}  // namespace ringcore
