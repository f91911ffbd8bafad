// The functions of a ring's object that answer from memory. A call of one is over in about a microsecond.
#include <cstring>

#include "binding/ring_wrap.h"

namespace ringcore {
namespace {

// A path in memory of the stack.
class ShortPath {
 public:
  // False if it is too long: for the kernel, too.
  bool read(napi_env env, napi_value value) {
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, text_, sizeof(text_), &length) != napi_ok) {
      uint8_t* data = nullptr;
      if (!view_of(env, value, &data, &length) || length >= kRoom) return false;
      if (length > 0) std::memcpy(text_, data, length);  // an empty view has no memory
      text_[length] = '\0';
    }
    return length < kRoom && std::strlen(text_) == length;
  }
  const char* get() const { return text_; }

 private:
  static constexpr size_t kRoom = 4096;  // PATH_MAX, the zero included
  char
      text_[kRoom + 4];  // what has been cut off shows, even if it's in front of a character of several bytes
};

// A number, or a pending exception if an argument is none that TypeScript would let through.
napi_value answer(napi_env env, const Args& args, int value) {
  napi_value result = nullptr;
  if (args.fault() != nullptr) {
    napi_throw_type_error(env, "ERR_INVALID_STATE", args.fault());
  } else {
    napi_create_int32(env, value, &result);
  }
  return result;
}

}  // namespace

void RingWrap::add_functions_at_once(Napi::Object object) {
  const auto add = [&](const char* name, napi_callback body) {
    napi_value function = nullptr;
    napi_create_function(env_, name, NAPI_AUTO_LENGTH, body, this, &function);
    object.Set(name, function);
  };
  add("statAtOnce", &RingWrap::stat_at_once);
  add("fstatAtOnce", &RingWrap::fstat_at_once);
  add("readAtOnce", &RingWrap::read_at_once);
  add("writeFileAtOnce", &RingWrap::write_file_at_once);
  add("copyFileAtOnce", &RingWrap::copy_file_at_once);
  add("expectAnswers", &RingWrap::expect_answers);
  add("mayAnswer", &RingWrap::may_answer);
}

napi_value RingWrap::stat_at_once(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (call.wrap == nullptr) return nullptr;
  LocalStorage storage;
  Args args(env, call.values + 1, call.count > 0 ? call.count - 1 : 0, storage, *call.wrap->executor_,
            call.wrap->registered_);
  const bool follow = args.boolean();
  const Bytes out = args.view(sizeof(abi::kernel_statx));
  ShortPath path;
  int result = kAskTheRing;
  if (args.fault() == nullptr && path.read(env, call.values[0])) {
    abi::kernel_statx status;
    result = call.wrap->executor_->stat_at_once(path.get(), follow, &status);
    // Through a copy, since a view may begin at any address.
    if (result == 0) std::memcpy(out.data, &status, sizeof(status));
  }
  return answer(env, args, result);
}

napi_value RingWrap::fstat_at_once(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (call.wrap == nullptr) return nullptr;
  LocalStorage storage;
  Args args(env, call.values, call.count, storage, *call.wrap->executor_, call.wrap->registered_);
  const int fd = args.i32();
  const Bytes out = args.view(sizeof(abi::kernel_statx));
  int result = kAskTheRing;
  if (args.fault() == nullptr) {
    abi::kernel_statx status;
    result = call.wrap->executor_->fstat_at_once(fd, &status);
    if (result == 0) std::memcpy(out.data, &status, sizeof(status));
  }
  return answer(env, args, result);
}

napi_value RingWrap::read_at_once(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (call.wrap == nullptr) return nullptr;
  LocalStorage storage;
  Args args(env, call.values, call.count, storage, *call.wrap->executor_, call.wrap->registered_);
  const int fd = args.i32();
  const Bytes into = args.bytes();
  const auto position = static_cast<int64_t>(args.u64());
  const bool buffered = args.boolean();
  int result = kAskTheRing;
  if (args.fault() == nullptr) {
    result = call.wrap->executor_->read_at_once(fd, into, position, buffered);
  }
  return answer(env, args, result);
}

napi_value RingWrap::write_file_at_once(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (call.wrap == nullptr) return nullptr;
  LocalStorage storage;
  Args args(env, call.values + 1, call.count > 0 ? call.count - 1 : 0, storage, *call.wrap->executor_,
            call.wrap->registered_);
  const uint32_t open_flags = args.u32();
  const uint32_t mode = args.u32();
  const Bytes from = args.view(0);
  ShortPath path;
  int result = kAskTheRing;
  if (args.fault() == nullptr && path.read(env, call.values[0])) {
    result = call.wrap->executor_->write_file_at_once(path.get(), open_flags, mode, from);
  }
  return answer(env, args, result);
}

napi_value RingWrap::copy_file_at_once(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (call.wrap == nullptr) return nullptr;
  ShortPath source, dest;
  int result = kAskTheRing;
  if (call.count == 2 && source.read(env, call.values[0]) && dest.read(env, call.values[1])) {
    result = call.wrap->executor_->copy_file_at_once(source.get(), dest.get());
  }
  napi_value value = nullptr;
  napi_create_int32(env, result, &value);
  return value;
}

napi_value RingWrap::expect_answers(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (call.wrap != nullptr) call.wrap->executor_->expect_answers();
  return nullptr;
}

napi_value RingWrap::may_answer(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (call.wrap == nullptr) return nullptr;
  napi_value value = nullptr;
  napi_get_boolean(env, call.wrap->executor_->may_answer(), &value);
  return value;
}

}  // namespace ringcore
