// A small test harness: TEST bodies run in the order of the file, CHECKs report and go on, the output is TAP
// 14 and the exit code says whether all is well. A program has one source file that includes this, which
// brings main().
//
//   TEST("probe: knows its own NOP") {
//     if (!usable) SKIP("no io_uring here");
//     CHECK(probe.has(0));
//     CHECK_EQ(probe.last_opcode, 62u);
//   }
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <concepts>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace check {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test> tests;
// Of the test that runs now.
inline std::string failures;
inline std::string skip_reason;

struct Registration {
  Registration(const char* name, void (*body)()) { tests.push_back({name, body}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  failures += std::string(file) + ":" + std::to_string(line) + ": " + what + "\n";
}

// An integer as std::cmp_equal takes it: no bool, no character.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

inline std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const unsigned char c : text) {
    char escape[8];
    std::snprintf(escape, sizeof(escape), c < ' ' ? "\\x%02x" : "%c", c);
    result += escape;
  }
  return result + '"';
}

template <class T>
std::string describe(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return describe(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_pointer_v<T> && !std::is_convertible_v<T, const char*>) {
    char text[32];
    std::snprintf(text, sizeof(text), "%p", static_cast<const void*>(value));
    return text;
  } else if constexpr (std::is_null_pointer_v<T>) {
    return "nullptr";
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return quoted(value);
  } else {
    return "(a value)";
  }
}

template <class A, class B>
bool equal(const A& a, const B& b) {
  if constexpr (Integer<A> && Integer<B>) {
    return std::cmp_equal(a, b);  // -1 is not 4294967295
  } else if constexpr (std::is_enum_v<A> && !std::is_same_v<A, B>) {
    return equal(static_cast<std::underlying_type_t<A>>(a), b);
  } else if constexpr (std::is_enum_v<B> && !std::is_same_v<A, B>) {
    return equal(a, static_cast<std::underlying_type_t<B>>(b));
  } else if constexpr (std::is_convertible_v<A, std::string_view> &&
                       std::is_convertible_v<B, std::string_view>) {
    return std::string_view(a) == std::string_view(b);
  } else {
    return a == b;
  }
}

template <class A, class B>
bool check_equal(const A& actual, const B& expected, const char* text, const char* file, int line) {
  if (equal(actual, expected)) return true;
  fail(file, line, std::string(text) + ": " + describe(actual) + " instead of " + describe(expected));
  return false;
}

// Compares memory and tells of the first byte that differs.
inline bool check_bytes(const void* actual, const void* expected, size_t bytes, const char* file, int line) {
  const auto* a = static_cast<const unsigned char*>(actual);
  const auto* b = static_cast<const unsigned char*>(expected);
  for (size_t i = 0; i < bytes; i++) {
    if (a[i] == b[i]) continue;
    char text[64];
    std::snprintf(text, sizeof(text), "byte %zu is 0x%02x instead of 0x%02x", i, a[i], b[i]);
    fail(file, line, text);
    return false;
  }
  return true;
}

struct Death {
  bool aborted;        // by SIGABRT
  std::string output;  // what it wrote to stderr
};

// Runs `body` in a child process and says how that ended: for assertions, which end the process.
template <class Body>
Death death(Body body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(ends[1], STDERR_FILENO);
    body();
    _exit(0);
  }
  close(ends[1]);
  Death result{false, {}};
  char chunk[512];
  for (ssize_t got; (got = read(ends[0], chunk, sizeof(chunk))) > 0;) {
    result.output.append(chunk, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  const bool ended = waitpid(child, &status, 0) == child;
  result.aborted = ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return result;
}

// Prints a test point. The output is flushed at once, so that a crash shows which test it was.
inline void report(size_t number, const char* name) {
  const bool ok = failures.empty();
  std::printf("%sok %zu - %s", ok ? "" : "not ", number, name);
  if (ok && !skip_reason.empty()) std::printf(" # SKIP %s", skip_reason.c_str());
  std::printf("\n");
  if (!ok) {
    std::printf("  ---\n  message: |\n");
    for (size_t start = 0; start < failures.size();) {
      const size_t end = failures.find('\n', start);
      std::printf("    %s\n", failures.substr(start, end - start).c_str());
      start = end + 1;
    }
    std::printf("  ...\n");
  }
  std::fflush(stdout);
}

// Runs the tests whose name contains `filter`.
inline int run(const char* filter) {
  std::printf("TAP version 14\n");
  size_t number = 0;
  size_t failed = 0;
  for (const Test& test : tests) {
    if (std::strstr(test.name, filter) == nullptr) continue;
    failures.clear();
    skip_reason.clear();
    test.body();
    report(++number, test.name);
    if (!failures.empty()) failed++;
  }
  std::printf("1..%zu\n", number);
  return failed == 0 && number > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace check

#define CHECK_CONCAT_(a, b) a##b
#define CHECK_NAME_(prefix, line) CHECK_CONCAT_(prefix, line)

#define TEST(name)                                                                                           \
  static void CHECK_NAME_(test_, __LINE__)();                                                                \
  static const check::Registration CHECK_NAME_(registration_, __LINE__)(name, CHECK_NAME_(test_, __LINE__)); \
  static void CHECK_NAME_(test_, __LINE__)()

// Each gives whether it held, so that a loop can stop at its first failure.
#define CHECK(condition) \
  ((condition) || (check::fail(__FILE__, __LINE__, #condition " does not hold"), false))
#define CHECK_EQ(actual, expected) check::check_equal(actual, expected, #actual, __FILE__, __LINE__)
#define CHECK_BYTES(actual, expected, bytes) check::check_bytes(actual, expected, bytes, __FILE__, __LINE__)
// For what the rest of the body needs: ends the test when it fails.
#define REQUIRE(condition)         \
  do {                             \
    if (!CHECK(condition)) return; \
  } while (0)
#define SKIP(reason)               \
  do {                             \
    check::skip_reason = (reason); \
    return;                        \
  } while (0)

int main(int argc, char** argv) { return check::run(argc > 1 ? argv[1] : ""); }
