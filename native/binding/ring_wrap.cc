#include "binding/ring_wrap.h"

#include <algorithm>
#include <cstring>

#include "binding/errors.h"

namespace ringcore {
namespace {

constexpr size_t kCompletionInts = sizeof(Completion) / sizeof(int32_t);

// 0 where nothing can be read: the thread is being terminated. (node-addon-api would end the process then.)
uint32_t number(const Napi::Object& options, const char* name) {
  napi_value value = nullptr;
  uint32_t result = 0;
  if (napi_get_named_property(options.Env(), options, name, &value) == napi_ok) {
    napi_get_value_uint32(options.Env(), value, &result);
  }
  return result;
}

ExecutorOptions options_of(const Napi::Object& from) {
  ExecutorOptions options;
  options.ring.entries = number(from, "entries");
  options.ring.cq_entries = number(from, "cqEntries");
  options.ring.sqpoll_idle_ms = number(from, "sqpollIdleMs");
  options.ring.iopoll = number(from, "iopoll") == 1;
  options.ring.bounded_workers = number(from, "boundedWorkers");
  options.ring.unbounded_workers = number(from, "unboundedWorkers");
  options.ring.direct_descriptors = number(from, "directDescriptors");
  options.ring.registered_buffers = number(from, "registeredBuffers");
  options.operations = number(from, "operations");
  options.spin_microseconds = number(from, "spinMicroseconds");
  options.wait_in_ring = number(from, "wait") == 1;
  return options;
}

}  // namespace

// --- operations

RingWrap::Call::Call(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  auto* found = static_cast<RingWrap*>(data);
  if (found->executor_ == nullptr || found->executor_->closing()) {
    napi_throw_error(env, "ERR_RINGCORE_CLOSED", "The ring is closed");
    return;
  }
  wrap = found;
}

// Beside the SQE's flags, which have 8 bits: the descriptor that comes of it is closed with the environment.
constexpr uint32_t kOwned = 1U << 8;

template <class Shape>
napi_value RingWrap::start(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (call.wrap == nullptr) return nullptr;
  RingWrap& wrap = *call.wrap;
  Executor& executor = *wrap.executor_;

  int32_t slot = -1;
  if (Op* op = executor.begin<Shape>()) {
    Args args(env, call.values, call.count, op->storage, executor, wrap.registered_);
    const uint32_t sqe_flags = args.u32();
    op->owned = (sqe_flags & kOwned) != 0;
    const double timeout_ms = args.f64();
    if constexpr (std::is_same_v<Shape, ReadFileKind>) {
      const char* path = args.path();
      const uint32_t open_flags = args.u32();
      if (args.fault() == nullptr) executor.start_read_file(*op, path, open_flags);
    } else {
      const Shape shape = Shape::from(args);
      if (args.fault() == nullptr) executor.start(*op, shape, static_cast<uint8_t>(sqe_flags), timeout_ms);
    }
    if (args.fault() != nullptr) {
      executor.abandon(*op);
      napi_throw_type_error(env, "ERR_INVALID_STATE", args.fault());
      return nullptr;
    }
    slot = static_cast<int32_t>(op->slot);
  }
  napi_value result = nullptr;
  napi_create_int32(env, slot, &result);
  return result;
}

// --- completions

void RingWrap::dispatch(const Completion* completions, uint32_t count) {
  Napi::HandleScope scope(env_);
  bool running = true;
  for (uint32_t from = 0; from < count; from += batch_capacity_) {
    const uint32_t size = std::min(count - from, batch_capacity_);
    uint32_t handled = 0;
    if (running) {
      std::memcpy(batch_data_, completions + from, size * sizeof(Completion));
      *cursor_ = 0;
      running = dispatch_batch(size);
      handled = std::min(static_cast<uint32_t>(*cursor_), size);
    }
    // The thread was terminated meanwhile: nobody will ever take these.
    for (; handled < size && !running; handled++) executor_->close_unclaimed(completions[from + handled]);
  }
}

// As a batch without completions.
void RingWrap::give_answers() {
  Napi::HandleScope scope(env_);
  *cursor_ = 0;
  dispatch_batch(0);
}

// False when JavaScript can't run any more.
bool RingWrap::dispatch_batch(uint32_t count) {
  // The scope in which node's own callbacks run: nextTicks and microtasks run when it closes. An exception
  // has to be reported while it is open, since only then does node put its stack of async ids right.
  napi_callback_scope scope = nullptr;
  if (napi_open_callback_scope(env_, object_.Value(), async_context_, &scope) != napi_ok) return false;
  bool running = true;
  napi_value argument = nullptr;
  napi_create_uint32(env_, count, &argument);
  // Each round ends the batch, or got behind an entry whose handler threw, or a nextTick between two entries
  // did. There may be any number of those: the batch is done when JavaScript says so.
  while (running) {
    if (napi_call_function(env_, object_.Value(), dispatch_.Value(), 1, &argument, nullptr) == napi_ok) break;
    running = report_exception();
  }
  napi_close_callback_scope(env_, scope);
  return running;
}

// As an exception in any callback of node's: 'uncaughtException', or the end of the process. False when there
// was none to report: the thread is being terminated.
bool RingWrap::report_exception() {
  bool pending = false;
  napi_is_exception_pending(env_, &pending);
  if (!pending) return false;
  napi_value exception = nullptr;
  napi_get_and_clear_last_exception(env_, &exception);
  return napi_fatal_exception(env_, exception) == napi_ok;
}

uint8_t* RingWrap::allocate(uint32_t slot, uint64_t bytes) {
  Napi::HandleScope scope(env_);
  napi_value arguments[2];
  napi_create_uint32(env_, slot, &arguments[0]);
  napi_create_double(env_, static_cast<double>(bytes), &arguments[1]);
  napi_value view = nullptr;
  if (napi_call_function(env_, object_.Value(), allocate_.Value(), 2, arguments, &view) != napi_ok) {
    napi_value exception = nullptr;
    napi_get_and_clear_last_exception(env_, &exception);  // no memory: the operation ends with ENOMEM
    return nullptr;
  }
  uint8_t* data = nullptr;
  size_t size = 0;
  return view_of(env_, view, &data, &size) && size >= bytes ? data : nullptr;
}

// --- watching

// startTrace(records, full): the records' memory, as 32-bit words, and behind them the two counts.
void RingWrap::start_trace(const Napi::CallbackInfo& info) {
  constexpr size_t kWords = sizeof(TraceRecord) / sizeof(uint32_t);
  auto words = info[0].As<Napi::Uint32Array>();
  trace_records_ = Napi::Persistent(words.As<Napi::Object>());
  trace_full_ = Napi::Persistent(info[1].As<Napi::Function>());
  const size_t capacity = (words.ElementLength() - 2) / kWords;
  executor_->trace().start(this, reinterpret_cast<TraceRecord*>(words.Data()),
                           static_cast<uint32_t>(capacity), words.Data() + capacity * kWords);
}

void RingWrap::trace_is_full() {
  Napi::HandleScope scope(env_);
  if (napi_call_function(env_, object_.Value(), trace_full_.Value(), 0, nullptr, nullptr) == napi_ok) return;
  napi_value exception = nullptr;
  napi_get_and_clear_last_exception(env_, &exception);  // what is lost is counted
}

// --- opening and closing

Napi::Value RingWrap::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto wrap = std::unique_ptr<RingWrap>(new RingWrap(env));
  auto batch = info[1].As<Napi::Int32Array>();
  wrap->batch_ = Napi::Persistent(batch.As<Napi::Object>());
  wrap->batch_data_ = batch.Data();
  wrap->batch_capacity_ = static_cast<uint32_t>((batch.ElementLength() - 1) / kCompletionInts);
  wrap->cursor_ = wrap->batch_data_ + batch.ElementLength() - 1;
  wrap->dispatch_ = Napi::Persistent(info[2].As<Napi::Function>());
  wrap->allocate_ = Napi::Persistent(info[3].As<Napi::Function>());

  const ExecutorOptions options = options_of(info[0].As<Napi::Object>());
  if (options.ring.entries == 0) return env.Undefined();
  wrap->registered_.resize(options.ring.registered_buffers);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  SetupError error;
  wrap->executor_ = Executor::open(loop, options, wrap.get(), &error);
  if (wrap->executor_ == nullptr) {
    system_error(env, error.error, error.step).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  napi_async_init(env, nullptr, Napi::String::New(env, "RINGCORE"), &wrap->async_context_);
  napi_add_async_cleanup_hook(env, &RingWrap::clean_up, wrap.get(), &wrap->cleanup_hook_);
  // From here on the environment owns it: its functions may be called even after close(), to throw.
  return wrap.release()->make_object();
}

void RingWrap::close() {
  owned_.clear();  // who holds these will tell another ring when it closes them
  if (executor_ != nullptr) executor_->close(true, &RingWrap::closed, this);
}

// The environment ends: a worker was terminated, or the loop ran out of work. JavaScript does not run any
// more, but its memory is still there: the kernel must have let go of it before this returns.
void RingWrap::clean_up(napi_async_cleanup_hook_handle, void* data) {
  auto* wrap = static_cast<RingWrap*>(data);
  wrap->ending_ = true;
  // libuv lets go of its handles later than the environment of its references.
  if (wrap->executor_ != nullptr) wrap->executor_->trace().stop();
  wrap->forget_javascript();
  if (wrap->executor_ == nullptr) {
    closed(wrap);
  } else {
    wrap->executor_->close(false, &RingWrap::closed, wrap);
  }
}

// All of it leads to the ring of JavaScript, which holds the table of handlers.
void RingWrap::forget_javascript() {
  trace_records_.Reset();
  trace_full_.Reset();
  object_.Reset();
  batch_.Reset();
  dispatch_.Reset();
  allocate_.Reset();
  if (async_context_ != nullptr) napi_async_destroy(env_, async_context_);
  async_context_ = nullptr;
}

void RingWrap::closed(void* data) {
  auto* wrap = static_cast<RingWrap*>(data);
  wrap->executor_.reset();
  std::vector<RegisteredBuffer>().swap(wrap->registered_);
  if (!wrap->ending_) {
    wrap->owned_.clear();  // what came at last as well
    const Napi::HandleScope scope(wrap->env_);
    wrap->forget_javascript();
    return;
  }
  // Sockets, listeners and files that this environment's JavaScript held: nothing is in flight on them any
  // more.
  wrap->owned_.close_all();
  const napi_async_cleanup_hook_handle hook = wrap->cleanup_hook_;
  delete wrap;
  napi_remove_async_cleanup_hook(hook);  // tells the environment that it may go on
}

// --- the object

Napi::Object RingWrap::make_object() {
  const Napi::Env env(env_);
  Napi::Object object = Napi::Object::New(env);
  object_ = Napi::Persistent(object);
  Kinds::for_each([&]<class Shape>() {
    if constexpr (!std::is_same_v<Shape, LinkTimeout>) {
      napi_value function = nullptr;
      napi_create_function(env_, Shape::kName, NAPI_AUTO_LENGTH, &RingWrap::start<Shape>, this, &function);
      object.Set(Shape::kName, function);
    }
  });
  add_control_functions(object);
  add_functions_at_once(object);

  const Ring& ring = executor_->ring();
  object.Set("fd", ring.fd());
  object.Set("features", ring.features());
  object.Set("setupFlags", ring.setup_flags());
  object.Set("sqEntries", ring.sq.entries());
  object.Set("cqEntries", ring.cq.entries());
  object.Set("directDescriptors", ring.direct_descriptors());
  Napi::Array names = Napi::Array::New(env);
  for (const KindInfo& info : Kinds::kInfo) names.Set(names.Length(), info.name);
  object.Set("operationNames", names);
  return object;
}

}  // namespace ringcore
