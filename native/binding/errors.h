// A failed system call as a JavaScript error, for lib/core to explain.
#pragma once

#include <napi.h>

namespace ringcore {

// 'ETIME' for -62 and the like, of which libuv knows no name; '' if we don't either.
const char* errno_name(int error);

// { code, errno, syscall }; `error` is negative.
Napi::Error system_error(Napi::Env env, int error, const char* step);

}  // namespace ringcore
