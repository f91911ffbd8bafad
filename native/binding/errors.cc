#include "binding/errors.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace ringcore {

const char* errno_name(int error) {
  switch (-error) {
#define RINGCORE_NAME(code) \
  case code:                \
    return #code;
    // What io_uring's set-up and operations answer.
    RINGCORE_NAME(EPERM)
    RINGCORE_NAME(ENOENT)
    RINGCORE_NAME(EINTR)
    RINGCORE_NAME(EIO)
    RINGCORE_NAME(ENXIO)
    RINGCORE_NAME(EBADF)
    RINGCORE_NAME(EAGAIN)
    RINGCORE_NAME(ENOMEM)
    RINGCORE_NAME(EACCES)
    RINGCORE_NAME(EFAULT)
    RINGCORE_NAME(EBUSY)
    RINGCORE_NAME(EEXIST)
    RINGCORE_NAME(EINVAL)
    RINGCORE_NAME(ENFILE)
    RINGCORE_NAME(EMFILE)
    RINGCORE_NAME(ENOSPC)
    RINGCORE_NAME(EPIPE)
    RINGCORE_NAME(ENOSYS)
    RINGCORE_NAME(ECHILD)
    RINGCORE_NAME(EDEADLK)
    RINGCORE_NAME(ENODATA)
    RINGCORE_NAME(ETIME)
    RINGCORE_NAME(EBADR)
    RINGCORE_NAME(EBADFD)
    RINGCORE_NAME(EUSERS)
    RINGCORE_NAME(EOPNOTSUPP)
    RINGCORE_NAME(ENOBUFS)
    RINGCORE_NAME(EALREADY)
    RINGCORE_NAME(EINPROGRESS)
    RINGCORE_NAME(ESTALE)
    RINGCORE_NAME(EDQUOT)
    RINGCORE_NAME(ECANCELED)
    RINGCORE_NAME(EOWNERDEAD)
    RINGCORE_NAME(EUCLEAN)
    RINGCORE_NAME(EREMOTEIO)
    RINGCORE_NAME(ENOPROTOOPT)
#undef RINGCORE_NAME
    default:
      return "";
  }
}

Napi::Error system_error(Napi::Env env, int error, const char* step) {
  const std::string name = errno_name(error);
  Napi::Error made = Napi::Error::New(env, name + ": " + std::strerror(-error) + ", " + step);
  made.Set("errno", Napi::Number::New(env, error));
  made.Set("code", Napi::String::New(env, name));
  made.Set("syscall", Napi::String::New(env, step));
  return made;
}

}  // namespace ringcore
