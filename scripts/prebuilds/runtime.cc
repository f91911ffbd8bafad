// What the prebuilt addon takes from libstdc++ and from a newer glibc, so that it needs neither: it then
// loads with any glibc from 2.28 (what node 20 needs itself) and with musl, whatever C++ runtime the process
// has. The addon is compiled without exceptions, so what would throw ends the process, as it does with
// libstdc++.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "ringcore: %s\n", what);
  std::abort();
}

void* allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) fail("out of memory");
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return std::malloc(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return std::malloc(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace std {

// libstdc++'s containers call these.
void __throw_bad_alloc() { fail("out of memory"); }
void __throw_bad_array_new_length() { fail("an array is too long"); }
void __throw_length_error(const char* what) { fail(what); }
void __throw_logic_error(const char* what) { fail(what); }
void __throw_out_of_range_fmt(const char* what, ...) { fail(what); }

}  // namespace std

extern "C" {

[[noreturn]] void __cxa_pure_virtual() { fail("a pure virtual function was called"); }

// A function of its own only since glibc 2.33. On these architectures struct stat is the kernel's.
int fstat(int fd, struct stat* status) noexcept { return static_cast<int>(syscall(SYS_fstat, fd, status)); }
}
