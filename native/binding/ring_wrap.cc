#include "binding/ring_wrap.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

constexpr const char* kStatFields[] = {"inFlight",     "submitted", "completions",  "enters",    "batches",
                                       "cqOverflows",  "sqFull",    "retries",      "stale",     "bytesRead",
                                       "bytesWritten", "spinHits",  "eagerSubmits", "cqDropped", "atOnce"};

void fill_stats(const Executor& executor, double* out) {
  const Executor::Stats& stats = executor.stats();
  const uint64_t values[] = {executor.table().in_flight(),
                             executor.ring().sq.consumed(),
                             stats.completions,
                             stats.enters,
                             stats.batches,
                             stats.cq_overflows,
                             executor.ring().sq.spilled(),
                             stats.retries,
                             stats.stale,
                             stats.bytes_read,
                             stats.bytes_written,
                             stats.spin_hits,
                             stats.eager_submits,
                             executor.ring().cq.dropped(),
                             stats.at_once};
  static_assert(std::size(values) == std::size(kStatFields));
  for (size_t i = 0; i < std::size(values); i++) out[i] = static_cast<double>(values[i]);
}

Napi::Float64Array doubles_of(const Napi::CallbackInfo& info, size_t least) {
  if (info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_float64_array) {
    auto out = info[0].As<Napi::Float64Array>();
    if (out.ElementLength() >= least) return out;
  }
  Napi::TypeError::New(info.Env(), "a Float64Array with room for every field is needed")
      .ThrowAsJavaScriptException();
  return {};
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
  Napi::Array fields = Napi::Array::New(env);
  for (const char* field : kStatFields) fields.Set(fields.Length(), field);
  object.Set("statFields", fields);
  Napi::Array names = Napi::Array::New(env);
  for (const KindInfo& info : Kinds::kInfo) names.Set(names.Length(), info.name);
  object.Set("operationNames", names);
  return object;
}

Napi::Value RingWrap::owned_result(const Napi::CallbackInfo& info, int fd) {
  if (fd < 0) return Napi::Number::New(info.Env(), -errno);
  owned_.insert(fd);
  return Napi::Number::New(info.Env(), fd);
}

void RingWrap::add_control_functions(Napi::Object object) {
  const Napi::Env env(env_);
  enum class Until : uint8_t { kClosing, kClosed };
  const auto add = [&](const char* name, auto body, Until until = Until::kClosing) {
    const auto function = [this, body, until](const Napi::CallbackInfo& info) -> Napi::Value {
      const bool over = executor_ == nullptr || (until == Until::kClosing && executor_->closing());
      return over ? info.Env().Undefined() : body(*this, info);
    };
    object.Set(name, Napi::Function::New(env, function, name));
  };
  using Info = const Napi::CallbackInfo&;
  const auto u32 = [](Info info, size_t i) { return info[i].As<Napi::Number>().Uint32Value(); };
  const auto i32 = [](Info info, size_t i) { return info[i].As<Napi::Number>().Int32Value(); };

  add("beginChain", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    return Napi::Number::New(info.Env(), wrap.executor_->begin_chain(u32(info, 0)));
  });
  add("cancel", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.executor_->cancel(u32(info, 0));
    return info.Env().Undefined();
  });
  add("cancelNow", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    return Napi::Boolean::New(info.Env(), wrap.executor_->cancel_now(u32(info, 0)));
  });
  add("resultNow", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    const int32_t result = wrap.executor_->result_now(u32(info, 0));
    if (result == Executor::kNothingYet) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), result);
  });
  add("beginLastTurn", [](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.executor_->begin_last_turn();
    return info.Env().Undefined();
  });
  add("resultAtExit", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    const int32_t result = wrap.executor_->result_at_exit(u32(info, 0));
    if (result == Executor::kNothingYet) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), result);
  });
  add("finishFiles", [](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.executor_->finish_files();
    return info.Env().Undefined();
  });
  add("makeRoomAtExit", [](RingWrap& wrap, Info info) -> Napi::Value {
    return Napi::Boolean::New(info.Env(), wrap.executor_->make_room_at_exit());
  });
  add("setRef", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.executor_->set_referenced(u32(info, 0), info[1].As<Napi::Boolean>());
    return info.Env().Undefined();
  });
  add("submit", [](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.executor_->submit();
    return info.Env().Undefined();
  });
  add("eagerSubmit", [](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.executor_->submit_eagerly();
    return info.Env().Undefined();
  });
  add("own", [i32](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.owned_.insert(i32(info, 0));
    return info.Env().Undefined();
  });
  add("owns", [i32](RingWrap& wrap, Info info) -> Napi::Value {
    return Napi::Boolean::New(info.Env(), wrap.owned_.has(i32(info, 0)));
  });
  // In one call with the system's: a thread can be terminated between two.
  add("openSocket", [i32](RingWrap& wrap, Info info) -> Napi::Value {
    return wrap.owned_result(info, ::socket(i32(info, 0), i32(info, 1) | SOCK_CLOEXEC, i32(info, 2)));
  });
  add("duplicate", [i32](RingWrap& wrap, Info info) -> Napi::Value {
    return wrap.owned_result(info, ::fcntl(i32(info, 0), F_DUPFD_CLOEXEC, 3));
  });
  // A listening socket from elsewhere may be one that waits.
  add("acceptNow", [i32](RingWrap& wrap, Info info) -> Napi::Value {
    const int flags = ::fcntl(i32(info, 0), F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(i32(info, 0), F_SETFL, flags | O_NONBLOCK);
    return wrap.owned_result(info, ::accept4(i32(info, 0), nullptr, nullptr, SOCK_CLOEXEC));
  });
  add("closeNow", [i32](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.owned_.erase(i32(info, 0));
    return Napi::Number::New(info.Env(), ::close(i32(info, 0)) < 0 ? -errno : 0);
  });
  // For who closes it in another way than by a `close` of this ring.
  add("disown", [i32](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.owned_.erase(i32(info, 0));
    return info.Env().Undefined();
  });
  add("startTrace", [](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.start_trace(info);
    return info.Env().Undefined();
  });
  add("finishTrace", [](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.executor_->trace().finish();
    return info.Env().Undefined();
  });
  // Of an operation whose last completion is not handled yet, that of a closing ring too: its kind,
  // generation, descriptor or -1, path.
  add(
      "describeOperation",
      [u32](RingWrap& wrap, Info info) -> Napi::Value {
        const Op* op = wrap.executor_->unseen(u32(info, 0));
        if (op == nullptr) return info.Env().Undefined();
        Napi::Array answer = Napi::Array::New(info.Env());
        answer.Set(0U, Kinds::kInfo[op->kind].name);
        answer.Set(1U, op->generation);
        answer.Set(2U, op->fd);
        if (op->path != nullptr) answer.Set(3U, op->path);
        return answer;
      },
      Until::kClosed);
  add("readStats", [](RingWrap& wrap, Info info) -> Napi::Value {
    auto out = doubles_of(info, std::size(kStatFields));
    if (!out.IsEmpty()) fill_stats(*wrap.executor_, out.Data());
    return info.Env().Undefined();
  });
  add("countsByKind", [](RingWrap& wrap, Info info) -> Napi::Value {
    auto out = doubles_of(info, Kinds::kCount);
    const auto& counts = wrap.executor_->stats().by_kind;
    if (!out.IsEmpty()) std::copy(std::begin(counts), std::end(counts), out.Data());
    return info.Env().Undefined();
  });
  add("probe", [](RingWrap& wrap, Info info) -> Napi::Value {
    const Probe& probe = wrap.executor_->ring().probe;
    Napi::Array opcodes = Napi::Array::New(info.Env());
    for (unsigned i = 0; i <= probe.last_opcode; i++)
      opcodes.Set(i, Napi::Boolean::New(info.Env(), probe.has(i)));
    Napi::Object answer = Napi::Object::New(info.Env());
    answer.Set("opcodes", opcodes);
    answer.Set("lastOpcode", probe.last_opcode);
    return answer;
  });
  add("createBufferRing", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    const bool incremental = info[1].As<Napi::Boolean>();
    return Napi::Number::New(info.Env(), wrap.executor_->create_buffer_ring(u32(info, 0), incremental));
  });
  add("provideBuffer", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    BufferRing* buffers = wrap.executor_->buffer_ring(u32(info, 0));
    const uint32_t id = u32(info, 1);
    uint8_t* data = nullptr;
    size_t size = 0;
    if (buffers == nullptr || id >= buffers->entries() || !view_of(info.Env(), info[2], &data, &size) ||
        size > UINT32_MAX) {
      Napi::TypeError::New(info.Env(), "no such buffer ring, id or buffer").ThrowAsJavaScriptException();
      return {};
    }
    buffers->provide(static_cast<uint16_t>(id), data, static_cast<uint32_t>(size));
    return info.Env().Undefined();
  });
  add("buffersOut", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    const BufferRing* buffers = wrap.executor_->buffer_ring(u32(info, 0));
    return Napi::Number::New(info.Env(), buffers == nullptr ? 0 : buffers->out());
  });
  add("destroyBufferRing", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    return Napi::Number::New(info.Env(), wrap.executor_->destroy_buffer_ring(u32(info, 0)));
  });
  add("updateBuffer", [u32](RingWrap& wrap, Info info) -> Napi::Value {
    const uint32_t index = u32(info, 0);
    RegisteredBuffer buffer;
    view_of(info.Env(), info[1], &buffer.data, &buffer.size);
    int result = -EINVAL;
    if (index < wrap.registered_.size()) {
      result = wrap.executor_->update_registered_buffer(index, buffer.data, buffer.size);
      if (result >= 0) wrap.registered_[index] = buffer;
    }
    return Napi::Number::New(info.Env(), result);
  });
  add("closeRing", [](RingWrap& wrap, Info info) -> Napi::Value {
    wrap.close();
    return info.Env().Undefined();
  });
}

}  // namespace ringcore
