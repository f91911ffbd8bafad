// Invariants that hold in release builds too. A broken one means that the kernel and we disagree about who
// owns a piece of memory: going on would corrupt data, so the process ends with the place and the reason.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ringcore {

[[noreturn]] inline void assertion_failed(const char* file, int line, const char* condition,
                                          const char* why) {
  std::fprintf(stderr, "ringcore: %s:%d: %s does not hold: %s\n", file, line, condition, why);
  std::abort();
}

}  // namespace ringcore

#define RINGCORE_ASSERT(condition, why) \
  ((condition) ? void(0) : ::ringcore::assertion_failed(__FILE__, __LINE__, #condition, why))
