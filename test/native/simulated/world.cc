#include "world.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernel.h"

World* world = nullptr;

void broken(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::fputs("broken: ", stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
  std::abort();
}

bool verbose = false;

void tell(const char* format, ...) {
  if (!verbose) return;
  std::fprintf(stderr, "%12.3f us  ",
               world == nullptr ? 0.0 : static_cast<double>(world->now_ns - 1'000'000'000) / 1000);
  std::va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
}

Memory::~Memory() {
  for (const auto& [memory, bytes] : blocks_) std::free(const_cast<uint8_t*>(memory));
}

uint8_t* Memory::give(size_t bytes) {
  auto* memory = static_cast<uint8_t*>(std::malloc(bytes));
  blocks_[memory] = bytes;
  return memory;
}

void Memory::take_back(uint8_t* memory) {
  const auto found = blocks_.find(memory);
  if (found == blocks_.end()) broken("memory is given back twice");
  std::memset(memory, 0xdd, found->second);
  blocks_.erase(found);
  std::free(memory);
}

void Memory::expect_held(const void* memory, size_t bytes, const char* why) const {
  const auto* begin = static_cast<const uint8_t*>(memory);
  auto found = blocks_.upper_bound(begin);
  const bool held = found != blocks_.begin() && begin + bytes <= (--found)->first + found->second;
  if (!held && bytes > 0) broken("memory that nobody holds any more: %s", why);
}

int Descriptors::open() {
  // One just closed: whoever still means the old one gets the new.
  size_t index = 0;
  while (index < files_.size() && (files_[index].open || random_.chance(200))) index++;
  if (index == files_.size()) files_.emplace_back();
  files_[index] = {};
  files_[index].open = true;
  files_[index].serial = ++serials_;
  count_++;
  return kFirst + static_cast<int>(index);
}

const File* Descriptors::find(int fd) const {
  const auto index = static_cast<size_t>(fd - kFirst);
  return fd >= kFirst && index < files_.size() && files_[index].open ? &files_[index] : nullptr;
}

File& Descriptors::file(int fd) {
  if (find(fd) == nullptr) broken("descriptor %d is used and is not open", fd);
  return files_[static_cast<size_t>(fd - kFirst)];
}

void Descriptors::close(int fd) {
  file(fd).open = false;
  count_--;
}

World::World(uint64_t seed) : random(seed), kernel(std::make_unique<Kernel>(*this)) { world = this; }
World::~World() { world = nullptr; }

void World::pass(uint64_t ns) { kernel->run_until(now_ns + ns); }
