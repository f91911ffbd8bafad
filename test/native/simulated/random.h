// The dice of a schedule: splitmix64, the same on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t value = state_ += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
  }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(next() % limit); }
  uint32_t between(uint32_t least, uint32_t most) { return least + below(most - least + 1); }
  bool chance(uint32_t of_thousand) { return below(1000) < of_thousand; }
  template <class T>
  T pick(std::initializer_list<T> from) {
    return from.begin()[below(static_cast<uint32_t>(from.size()))];
  }

 private:
  uint64_t state_;
};
