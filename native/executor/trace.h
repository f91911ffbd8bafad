// What the executor does, written down as it happens: records of a fixed size in memory that belongs to
// JavaScript, which makes a file of them (lib/core/trace_records.ts knows the same layout). Switched off,
// each place costs a look at one byte.
#pragma once

#include <cstddef>
#include <cstdint>

#include "executor/loop_watcher.h"
#include "op/op_table.h"

namespace ringcore {

enum class TraceEvent : uint8_t {
  kSubmitted,  // an operation's SQE was filled; `third` is its descriptor, the text its path
  kStep,       // another SQE on its behalf (kind: a step of readFile, its link timeout, its cancellation)
  kResult,     // a result that is not the last
  kCompleted,  // the last
  kAtOnce,     // a call that was answered from memory
  kEnter,      // io_uring_enter: `first` SQEs taken, `second` CQEs posted meanwhile
  kReap,       // `first` CQEs taken from the queue
  kBatch,      // one call into JavaScript, for `first` completions
  kPrepare,    // libuv's three phases, as far as they are ours
  kPoll,
  kCheck,
  kSpin,  // `result`: whether it paid
};

struct TraceRecord {
  uint64_t begin_ns;  // CLOCK_MONOTONIC
  uint64_t end_ns;
  uint32_t first;   // of an operation: its slot
  uint32_t second;  // and its generation
  int32_t third;
  int32_t result;
  uint8_t event;
  uint8_t kind;
  uint8_t text_bytes;
  uint8_t text_cut;  // 1: what the text says is the end of it
  char text[28];
};
static_assert(sizeof(TraceRecord) == 64);

class TraceSpan;

class Trace {
 public:
  // Who takes the records away.
  class Reader {
   public:
    virtual void trace_is_full() = 0;

   protected:
    ~Reader() = default;
  };

  // `counts`: how many records are there, which the reader sets back to 0; and how many were lost.
  void start(Reader* reader, TraceRecord* records, uint32_t capacity, uint32_t* counts);
  void stop() { on_ = false; }
  // The process ends: whatever has begun ends here as well.
  void finish();
  bool on() const { return on_; }

  void submitted(const Op& op) {
    if (on_) add_operation(TraceEvent::kSubmitted, op, op.kind, 0);
  }
  void step(const Op& op, uint8_t kind) {
    if (on_) add_operation(TraceEvent::kStep, op, kind, 0);
  }
  void result(const Op& op, int32_t result) {
    if (on_) add_operation(TraceEvent::kResult, op, op.kind, result);
  }
  void completed(const Op& op, int32_t result) {
    if (on_) add_operation(TraceEvent::kCompleted, op, op.kind, result);
  }
  void span(TraceEvent event, uint64_t begin_ns, uint32_t first, uint32_t second, int32_t result);

 private:
  void add_operation(TraceEvent event, const Op& op, uint8_t kind, int32_t result);
  // Zeroed; null when it's lost.
  TraceRecord* next();

  bool on_ = false;
  Reader* reader_ = nullptr;
  TraceRecord* records_ = nullptr;
  uint32_t capacity_ = 0;
  uint32_t* counts_ = nullptr;

  friend TraceSpan;
  TraceSpan* innermost_ = nullptr;  // of the spans that have not ended
};

// From its making to its end, if the trace is on at both.
class TraceSpan {
 public:
  TraceSpan(Trace& trace, TraceEvent event) : trace_(trace), event_(event) {
    if (trace_.on()) begin();
  }
  ~TraceSpan() {
    if (begin_ns_ != 0) end();
  }
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;
  void cancel() { cancelled_ = true; }

  uint32_t first = 0;
  uint32_t second = 0;
  int32_t result = 0;

 private:
  friend Trace;
  void begin();
  void end();
  void write() {
    if (!cancelled_) trace_.span(event_, begin_ns_, first, second, result);
  }

  Trace& trace_;
  TraceSpan* outer_ = nullptr;
  TraceEvent event_;
  bool cancelled_ = false;
  uint64_t begin_ns_ = 0;
};

}  // namespace ringcore
