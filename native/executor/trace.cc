#include "executor/trace.h"

#include <algorithm>
#include <cstring>

namespace ringcore {

void Trace::start(Reader* reader, TraceRecord* records, uint32_t capacity, uint32_t* counts) {
  reader_ = reader;
  records_ = records;
  capacity_ = capacity;
  counts_ = counts;
  on_ = true;
}

void Trace::finish() {
  for (TraceSpan* span = innermost_; span != nullptr; span = span->outer_) span->write();
  stop();
}

TraceRecord* Trace::next() {
  if (counts_[0] == capacity_) reader_->trace_is_full();
  // Nobody could take them: JavaScript is ending, or threw.
  if (counts_[0] == capacity_) {
    counts_[1]++;
    return nullptr;
  }
  TraceRecord* record = &records_[counts_[0]++];
  std::memset(record, 0, sizeof(*record));
  return record;
}

void Trace::add_operation(TraceEvent event, const Op& op, uint8_t kind, int32_t result) {
  TraceRecord* record = next();
  if (record == nullptr) return;
  record->begin_ns = record->end_ns = LoopWatcher::now_ns();
  record->first = op.slot;
  record->second = op.generation;
  record->third = op.fd;
  record->result = result;
  record->event = static_cast<uint8_t>(event);
  record->kind = kind;
  if (event != TraceEvent::kSubmitted || op.path == nullptr) return;
  // A path's end says more than its beginning.
  const size_t length = std::strlen(op.path);
  const size_t kept = std::min(length, sizeof(record->text));
  std::memcpy(record->text, op.path + length - kept, kept);
  record->text_bytes = static_cast<uint8_t>(kept);
  record->text_cut = kept < length;
}

void Trace::span(TraceEvent event, uint64_t begin_ns, uint32_t first, uint32_t second, int32_t result) {
  if (!on_) return;
  const uint64_t end_ns = LoopWatcher::now_ns();
  TraceRecord* record = next();
  if (record == nullptr) return;
  record->begin_ns = begin_ns;
  record->end_ns = end_ns;
  record->first = first;
  record->second = second;
  record->result = result;
  record->event = static_cast<uint8_t>(event);
}

void TraceSpan::begin() {
  outer_ = trace_.innermost_;
  trace_.innermost_ = this;
  begin_ns_ = LoopWatcher::now_ns();
}

void TraceSpan::end() {
  trace_.innermost_ = outer_;
  write();
}

}  // namespace ringcore
