// Arguments for an operation's shape, written down by a test. The shapes read them through a template
// parameter (native/op/op.h), so that this stands in for the reader of JavaScript's.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "check.h"
#include "op/op.h"

class ScriptedArgs {
 public:
  // A number, a number of milliseconds, text, memory or (for an operation in flight) its user_data.
  using Value = std::variant<int64_t, double, std::string_view, ringcore::Bytes>;

  ScriptedArgs(ringcore::OpStorage& storage, std::vector<Value> values)
      : storage_(storage), values_(std::move(values)) {}

  bool used_up() const { return position_ == values_.size(); }

  int32_t i32() { return static_cast<int32_t>(integer()); }
  uint32_t u32() { return static_cast<uint32_t>(integer()); }
  uint16_t u16() { return static_cast<uint16_t>(integer()); }
  uint64_t u64() { return static_cast<uint64_t>(integer()); }
  int32_t file_index() { return i32(); }
  bool boolean() { return integer() != 0; }
  uint64_t operation() { return u64(); }
  double f64() { return next<double>(); }
  const char* path() { return storage_.store_string(next<std::string_view>()); }
  ringcore::Bytes bytes() { return next<ringcore::Bytes>(); }
  ringcore::Bytes copy(ringcore::Bytes memory) {
    return {storage_.store_bytes(memory.data, memory.size), memory.size};
  }
  ringcore::Bytes view(size_t least) {
    const auto memory = bytes();
    CHECK(memory.size >= least);
    return memory;
  }
  ringcore::Bytes optional_view() { return bytes(); }
  ringcore::Bytes word() { return bytes(); }
  ringcore::Bytes registered_bytes(uint32_t) { return bytes(); }
  // One piece of memory, as a list of two halves.
  ringcore::Vectors vectors() {
    const auto memory = bytes();
    const iovec halves[2] = {{memory.data, memory.size / 2},
                             {static_cast<char*>(memory.data) + memory.size / 2, memory.size / 2}};
    auto* list = static_cast<iovec*>(storage_.allocate(sizeof(halves)));
    std::memcpy(list, halves, sizeof(halves));
    return {list, 2};
  }
  ringcore::Address address() {
    const auto memory = bytes();
    if (memory.data == nullptr) return {};
    return {static_cast<sockaddr*>(copy(memory).data), memory.size};
  }
  template <class T>
  T* store(const T& value) {
    return storage_.store(value);
  }

 private:
  template <class T>
  T next() {
    if (position_ < values_.size()) {
      if (const T* value = std::get_if<T>(&values_[position_++])) return *value;
    }
    CHECK(!"the arguments are what the shape asks for");
    return T{};
  }
  int64_t integer() { return next<int64_t>(); }

  ringcore::OpStorage& storage_;
  std::vector<Value> values_;
  size_t position_ = 0;
};
