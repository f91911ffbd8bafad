// The functions of a ring's object beside operations: what steers them, owns descriptors, tells what has
// happened.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "binding/ring_wrap.h"

namespace ringcore {
namespace {

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
  Napi::Array fields = Napi::Array::New(env);
  for (const char* field : kStatFields) fields.Set(fields.Length(), field);
  object.Set("statFields", fields);
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
