// A whole file as one operation: open, size, read, close, with one completion for JavaScript at the end.
#pragma once

#include <cstdint>

#include "op/op_table.h"

namespace ringcore {

class Executor;

// Lives in its operation's storage.
struct ReadFile {
  // Numbers that JavaScript turns into the name of the system call that failed.
  enum class Stage : uint8_t { kOpen, kStat, kRead, kClose };

  Stage stage = Stage::kOpen;
  bool begun = false;
  bool opened_at_once = false;
  bool waits = false;       // opening it may wait for a server
  bool last_chunk = false;  // this read is hard-linked to the close
  int fd = -1;
  const char* path = nullptr;
  uint32_t open_flags = 0;
  uint8_t* buffer = nullptr;  // JavaScript's, kept alive there until the completion
  uint64_t size = 0;
  uint64_t done = 0;
  uint32_t chunk = 0;       // bytes asked for
  int32_t read_result = 0;  // of the last chunk, while the close is due

  static void start(Executor& executor, Op& op, const char* path, uint32_t open_flags);
  // Reads a small file that is in memory, if that is to be tried; or else submits the first step.
  static void begin(Executor& executor, Op& op, bool try_at_once);
  // A CQE of this operation: the next step, or the end.
  static void advance(Executor& executor, Op& op, int32_t result, CqeTag tag);
};

}  // namespace ringcore
