// Reads a JavaScript call's arguments, one after the other, as an operation's shape asks for them (op/op.h).
//
// TypeScript has validated them already; what is checked here is what would let the kernel write outside of a
// buffer: a view may have been detached or shrunk since. The first fault is kept and the rest reads as zero.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "executor/executor.h"

namespace ringcore {

// Memory registered as a fixed buffer, by index.
struct RegisteredBuffer {
  uint8_t* data = nullptr;
  size_t size = 0;
};

// A typed array, Buffer or DataView; false for anything else.
bool view_of(napi_env env, napi_value value, uint8_t** data, size_t* size);

// Text or bytes; false for anything else.
bool text_of(napi_env env, napi_value value, std::string* out);

class Args {
 public:
  Args(napi_env env, const napi_value* values, size_t count, OpStorage& storage, Executor& executor,
       const std::vector<RegisteredBuffer>& registered)
      : env_(env),
        values_(values),
        count_(count),
        storage_(storage),
        executor_(executor),
        registered_(registered) {}

  const char* fault() const { return fault_; }

  int32_t i32() { return static_cast<int32_t>(integer()); }
  uint32_t u32() { return static_cast<uint32_t>(integer()); }
  uint16_t u16() { return static_cast<uint16_t>(integer()); }
  uint64_t u64() { return static_cast<uint64_t>(integer()); }
  // Of a direct descriptor.
  int32_t file_index();
  double f64();
  bool boolean();
  // (view, byteOffset, byteLength); a null view is no memory.
  Bytes bytes();
  // No argument: these, in the operation's storage.
  Bytes copy(Bytes bytes) { return {storage_.store_bytes(bytes.data, bytes.size), bytes.size}; }
  // (byteOffset, byteLength) within a registered buffer.
  Bytes registered_bytes(uint32_t index);
  // (view): all of it, at least `least` bytes.
  Bytes view(size_t least);
  Bytes optional_view();
  // (Int32Array, index): one word.
  Bytes word();
  // (string | Uint8Array), copied, closed by a zero.
  const char* path();
  // (Uint8Array[]), the list copied.
  Vectors vectors();
  // (Uint8Array | null), copied.
  Address address();
  // (slot): the user_data of the operation there, or one that no operation has.
  uint64_t operation() { return executor_.user_data_of(u32()); }
  template <class T>
  T* store(const T& value) {
    return storage_.store(value);
  }

 private:
  napi_value next() { return position_ < count_ ? values_[position_++] : nullptr; }
  int64_t integer();
  void fail(const char* why) {
    if (fault_ == nullptr) fault_ = why;
  }
  Bytes slice(uint8_t* data, size_t size, uint64_t offset, uint64_t length);

  napi_env env_;
  const napi_value* values_;
  size_t count_;
  size_t position_ = 0;
  OpStorage& storage_;
  Executor& executor_;
  const std::vector<RegisteredBuffer>& registered_;
  const char* fault_ = nullptr;
};

}  // namespace ringcore
