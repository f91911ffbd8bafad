#include "ring/probe.h"

#include <vector>

#include "abi/syscalls.h"

namespace ringcore {

int Probe::ask(int ring_fd) {
  constexpr unsigned kOps = 256;
  std::vector<unsigned char> memory(sizeof(abi::io_uring_probe) + kOps * sizeof(abi::io_uring_probe_op));
  const int result = abi::io_uring_register(ring_fd, abi::IORING_REGISTER_PROBE, memory.data(), kOps);
  if (result < 0) return result;
  const auto* answer = reinterpret_cast<const abi::io_uring_probe*>(memory.data());
  const auto* ops = reinterpret_cast<const abi::io_uring_probe_op*>(answer + 1);
  last_opcode = answer->last_op;
  for (unsigned i = 0; i < answer->ops_len; i++) {
    if (ops[i].flags & abi::IO_URING_OP_SUPPORTED) opcodes.set(ops[i].op);
  }
  return 0;
}

}  // namespace ringcore
