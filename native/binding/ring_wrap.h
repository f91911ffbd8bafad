// One ring as JavaScript sees it: an object whose functions start operations, and the way back: completions
// in a typed array, one call a batch.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "binding/args.h"
#include "binding/owned_descriptors.h"
#include "executor/executor.h"

namespace ringcore {

class RingWrap final : private Executor::Client, private Trace::Reader {
 public:
  // openRing(options, batch, dispatch, allocate): the ring's object, or a pending exception.
  static Napi::Value open(const Napi::CallbackInfo& info);

  // The function of an operation: (sqeFlags, timeoutMs, ...) => slot, or -1 when the table is full.
  template <class Shape>
  static napi_value start(napi_env env, napi_callback_info info);

  ~RingWrap() = default;

 private:
  explicit RingWrap(Napi::Env env) : env_(env) {}

  // The frame of every call: its arguments and the ring, or a pending exception and null.
  struct Call {
    static constexpr size_t kMost = 12;
    napi_value values[kMost];
    size_t count = kMost;
    RingWrap* wrap = nullptr;
    Call(napi_env env, napi_callback_info info);
  };

  Napi::Object make_object();
  void add_control_functions(Napi::Object object);
  // A system call's: a new descriptor, which is owned, or -errno.
  Napi::Value owned_result(const Napi::CallbackInfo& info, int fd);
  // statAtOnce(path, follow, out), fstatAtOnce(fd, out), readAtOnce(fd, view, offset, length, position,
  // buffered), writeFileAtOnce(path, flags, mode, view), copyFileAtOnce(source, dest): the result, or
  // kAskTheRing. expectAnswers(); mayAnswer(): whether the turn has time for one.
  void add_functions_at_once(Napi::Object object);
  static napi_value stat_at_once(napi_env env, napi_callback_info info);
  static napi_value fstat_at_once(napi_env env, napi_callback_info info);
  static napi_value read_at_once(napi_env env, napi_callback_info info);
  static napi_value write_file_at_once(napi_env env, napi_callback_info info);
  static napi_value copy_file_at_once(napi_env env, napi_callback_info info);
  static napi_value expect_answers(napi_env env, napi_callback_info info);
  static napi_value may_answer(napi_env env, napi_callback_info info);
  void dispatch(const Completion* completions, uint32_t count) override;
  void give_answers() override;
  bool dispatch_batch(uint32_t count);
  bool report_exception();
  uint8_t* allocate(uint32_t slot, uint64_t bytes) override;
  void descriptor_arrived(int fd) override { owned_.insert(fd); }
  bool descriptor_leaves(int fd) override { return owned_.erase(fd); }
  void start_trace(const Napi::CallbackInfo& info);
  void trace_is_full() override;
  void close();
  void forget_javascript();
  static void clean_up(napi_async_cleanup_hook_handle handle, void* data);
  static void closed(void* data);

  napi_env env_;
  std::unique_ptr<Executor> executor_;
  std::vector<RegisteredBuffer> registered_;
  // Descriptors that JavaScript holds, to be closed if the environment ends before it does.
  OwnedDescriptors owned_;
  Napi::ObjectReference object_;
  Napi::ObjectReference batch_;
  Napi::FunctionReference dispatch_;
  Napi::FunctionReference allocate_;
  Napi::ObjectReference trace_records_;
  Napi::FunctionReference trace_full_;
  napi_async_context async_context_ = nullptr;
  int32_t* batch_data_ = nullptr;
  uint32_t batch_capacity_ = 0;
  // Behind the last entry: how many of the batch JavaScript has begun to handle. It outlives an exception,
  // and tells whose descriptors nobody took when the thread is terminated in between.
  int32_t* cursor_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  bool ending_ = false;  // the environment is being torn down
};

}  // namespace ringcore
