// Command lines of the form `--name value`, the same for every program here.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

namespace bench {

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

[[noreturn]] inline void fail_errno(const std::string& what, int error) {
  fail(what + ": " + std::strerror(error));
}

class Options {
 public:
  Options(int argc, char** argv) {
    for (int i = 1; i < argc; i += 2) {
      if (std::strncmp(argv[i], "--", 2) != 0 || i + 1 == argc)
        fail(std::string("not an option: ") + argv[i]);
      values_[argv[i] + 2] = argv[i + 1];
    }
  }

  std::string text(const std::string& name, const std::string& otherwise) {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    const std::string value = found->second;
    values_.erase(found);
    return value;
  }

  long number(const std::string& name, long otherwise) {
    const std::string value = text(name, "");
    if (value.empty()) return otherwise;
    char* end = nullptr;
    const long result = std::strtol(value.c_str(), &end, 10);
    if (*end != '\0' || result < 0) fail("--" + name + ": not a count: " + value);
    return result;
  }

  // To be called when all options were read: a misspelt one would measure something else.
  void done() const {
    if (!values_.empty()) fail("unknown option --" + values_.begin()->first);
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace bench
