// What a schedule takes place in: dice, a clock, memory that JavaScript holds, descriptors. One at a time, so
// that the system calls and libuv's functions, which are given no context, find it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "random.h"

// Says what does not hold, and ends the process: whoever runs the schedule tells which seed it was.
[[noreturn]] __attribute__((format(printf, 1, 2))) void broken(const char* format, ...);

// One line of what happens, when a single schedule is looked at.
extern bool verbose;
__attribute__((format(printf, 1, 2))) void tell(const char* format, ...);

// Memory that the kernel may touch as long as JavaScript holds it. A registry, since freed memory looks well
// for a while.
class Memory {
 public:
  ~Memory();
  uint8_t* give(size_t bytes);
  void take_back(uint8_t* memory);
  void expect_held(const void* memory, size_t bytes, const char* why) const;
  size_t count() const { return blocks_.size(); }

 private:
  std::map<const uint8_t*, size_t> blocks_;
};

struct File {
  enum class Kind : uint8_t { kRegular, kDirectory, kPipe } kind = Kind::kRegular;
  uint64_t bytes = 0;
  bool open = false;
  uint64_t serial = 0;
  uint64_t received = 0;  // of its stream: how many bytes the kernel has given away
};

// Descriptors in numbers above those of this process. A number that was closed comes back soon, mostly.
class Descriptors {
 public:
  static constexpr int kFirst = 1000;

  explicit Descriptors(Random& random) : random_(random) {}
  int open();
  void close(int fd);
  bool is_open(int fd) const { return find(fd) != nullptr; }
  bool is_open(int fd, uint64_t serial) const { return is_open(fd) && find(fd)->serial == serial; }
  File& file(int fd);
  size_t count() const { return count_; }

 private:
  const File* find(int fd) const;

  Random& random_;
  std::vector<File> files_;
  size_t count_ = 0;
  uint64_t serials_ = 0;
};

class Kernel;

struct World {
  explicit World(uint64_t seed);
  ~World();
  World(const World&) = delete;

  // Time passes, and with it what the kernel does by itself.
  void pass(uint64_t ns);

  Random random;
  uint64_t now_ns = 1'000'000'000;
  Memory memory;
  Descriptors descriptors{random};
  std::unique_ptr<Kernel> kernel;
};

extern World* world;
