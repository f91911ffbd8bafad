// What the running kernel can do: asked once, before the ring is restricted.
#pragma once

#include <bitset>
#include <cstdint>

#include "abi/io_uring_abi.h"

namespace ringcore {

struct Probe {
  std::bitset<256> opcodes;
  unsigned last_opcode = 0;

  bool has(unsigned opcode) const { return opcode < opcodes.size() && opcodes.test(opcode); }
  // Asks by IORING_REGISTER_PROBE (5.6). Returns 0 or -errno.
  int ask(int ring_fd);
};

}  // namespace ringcore
