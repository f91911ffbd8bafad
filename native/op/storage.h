// Memory that one operation's SQE points to: paths, socket addresses, iovecs, timespecs, message headers.
// Held until the final CQE, since the kernel may read it at any time before (io-wq does so late). Most
// operations' fits into a scratchpad, which lies apart: those that need none (a receive of an idle
// connection) do not make it resident.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace ringcore {

struct Scratchpad {
  alignas(8) unsigned char bytes[160];
};

class OpStorage {
 public:
  // `scratchpad` outlives it.
  explicit OpStorage(Scratchpad& scratchpad) : scratchpad_(scratchpad) {}

  // Zeroed memory, aligned for any of the kernel's structs.
  void* allocate(size_t bytes) { return std::memset(reserve(bytes), 0, bytes); }

  void* store_bytes(const void* data, size_t bytes) {
    void* memory = reserve(bytes);
    return bytes == 0 ? memory : std::memcpy(memory, data, bytes);
  }

  template <class T>
  T* store(const T& value) {
    return static_cast<T*>(store_bytes(&value, sizeof(T)));
  }

  const char* store_string(std::string_view text) {
    auto* memory = static_cast<char*>(reserve(text.size() + 1));
    std::memcpy(memory, text.data(), text.size());
    memory[text.size()] = '\0';
    return memory;
  }

  void release() {
    while (blocks_ != nullptr) {
      Block* next = blocks_->next;
      std::free(blocks_);
      blocks_ = next;
    }
    used_ = 0;
  }

 private:
  struct Block {
    Block* next;
    uint64_t padding;  // what follows is aligned to 16
  };

  void* reserve(size_t bytes) {
    bytes = (bytes + 7) & ~size_t{7};
    if (used_ + bytes <= sizeof(scratchpad_.bytes)) {
      void* memory = scratchpad_.bytes + used_;
      used_ += static_cast<uint32_t>(bytes);
      return memory;
    }
    auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + bytes));
    if (block == nullptr) std::abort();  // as node does when it is out of memory
    block->next = blocks_;
    blocks_ = block;
    return block + 1;
  }

  Scratchpad& scratchpad_;
  Block* blocks_ = nullptr;
  uint32_t used_ = 0;
};

// With a scratchpad of its own.
class LocalStorage : private Scratchpad, public OpStorage {
 public:
  LocalStorage() : OpStorage(static_cast<Scratchpad&>(*this)) {}
};

}  // namespace ringcore
