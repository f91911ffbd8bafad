// What operations do to memory and descriptors.
#pragma once

#include "kernel.h"

// Operations that wait for a peer; those that are done at once; the others take a worker or not.
enum class Manner : uint8_t { kAtOnce, kFile, kReady };

Manner manner_of(const abi::io_uring_sqe& sqe);
// Those for which the kernel needs memory before they begin.
bool may_be_refused(const abi::io_uring_sqe& sqe);
bool is_multishot(const abi::io_uring_sqe& sqe);

// Of all that it points to and that the caller has to keep as it is.
uint64_t digest_arguments(const abi::io_uring_sqe& sqe);

// Does it.
Outcome perform(SimulatedRing& ring, const abi::io_uring_sqe& sqe);
// A new one, of a file of any kind.
int open_descriptor(Random& random);
// An errno that it may fail with.
int error_of(uint8_t opcode, Random& random);

// The bytes that the kernel writes: so that a reader knows whose they are, and that none is missing.
inline uint8_t pattern(uint64_t seed, uint64_t position) {
  return static_cast<uint8_t>((seed * 31 + position * 7 + position / 256) & 0xff);
}

// Writes a piece of it.
void fill_content(uint64_t seed, uint64_t address, uint64_t position, uint32_t bytes);
