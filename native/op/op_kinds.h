// All operations: the one list from which the kinds, their names, the binding's functions and the
// restrictions of the ring are made.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "op/control_ops.h"
#include "op/file_ops.h"
#include "op/path_ops.h"
#include "op/socket_ops.h"

namespace ringcore {

// What the executor has to know of a kind when a completion comes.
struct KindInfo {
  const char* name = "";
  uint8_t opcode = 0;
  Counts counts = Counts::kNothing;
  bool makes_descriptor = false;
  Effect effect = Effect::kNone;
  int32_t (*aux)(const void* out) = nullptr;
};

template <class Shape>
constexpr KindInfo kind_info() {
  KindInfo info{Shape::kName, Shape::kOpcode};
  if constexpr (requires { Shape::kBytes; }) info.counts = Shape::kBytes;
  if constexpr (requires { Shape::kMakesDescriptor; }) info.makes_descriptor = Shape::kMakesDescriptor;
  if constexpr (requires { Shape::kEffect; }) info.effect = Shape::kEffect;
  if constexpr (requires { Shape::aux(nullptr); }) info.aux = &Shape::aux;
  return info;
}

template <class... Shapes>
struct OpKinds {
  static constexpr size_t kCount = sizeof...(Shapes);
  static constexpr std::array<KindInfo, kCount> kInfo = {kind_info<Shapes>()...};
  static constexpr std::array<uint8_t, kCount> kOpcodes = {Shapes::kOpcode...};

  template <class Shape>
  static constexpr uint8_t kind_of() {
    uint8_t index = 0;
    const bool found = ((std::is_same_v<Shape, Shapes> ? true : (index++, false)) || ...);
    return found ? index : static_cast<uint8_t>(kCount);
  }

  template <class Each>
  static void for_each(Each each) {
    (each.template operator()<Shapes>(), ...);
  }
};

// A composite operation (executor/read_file.h): several SQEs, one completion.
struct ReadFileKind {
  static constexpr const char* kName = "readFile";
  static constexpr uint8_t kOpcode = abi::IORING_OP_OPENAT;
};

using Kinds =
    OpKinds<Nop, Read, Write, ReadFixed, WriteFixed, Readv, Writev, ReadMultishot, Openat, Openat2, Close,
            CloseDirect, Statx, Fsync, SyncFileRange, Fallocate, Ftruncate, Fadvise, Madvise, Renameat,
            Unlinkat, Mkdirat, Symlinkat, Linkat, Getxattr, Fgetxattr, Setxattr, Fsetxattr, Splice, Tee, Pipe,
            Socket, Bind, Listen, Accept, AcceptMultishot, Connect, Send, SendZc, Sendmsg, Recv, Recvmsg,
            RecvMultishot, Shutdown, Getsockopt, Setsockopt, Poll, PollMultishot, Timeout, TimeoutMultishot,
            TimeoutUpdate, TimeoutRemove, LinkTimeout, CancelOperation, CancelDescriptor, CancelAll, MsgRing,
            Waitid, FutexWait, FutexWake, EpollCtl, FixedFdInstall, ReadFileKind>;

template <class Shape>
inline constexpr uint8_t kKindOf = Kinds::kind_of<Shape>();

}  // namespace ringcore
