#pragma once

#include <unistd.h>

#include <cstddef>
#include <vector>

namespace ringcore {

// A set of descriptors: a bit each, since the kernel gives out the smallest numbers.
class OwnedDescriptors {
 public:
  void insert(int fd) {
    if (fd < 0) return;
    const auto index = static_cast<size_t>(fd);
    if (index >= owned_.size()) owned_.resize(index + 1);
    owned_[index] = true;
  }

  // Whether it was there.
  bool erase(int fd) {
    if (!has(fd)) return false;
    owned_[static_cast<size_t>(fd)] = false;
    return true;
  }

  bool has(int fd) const {
    return fd >= 0 && static_cast<size_t>(fd) < owned_.size() && owned_[static_cast<size_t>(fd)];
  }

  void clear() { owned_.clear(); }

  void close_all() {
    for (size_t fd = 0; fd < owned_.size(); fd++) {
      if (owned_[fd]) ::close(static_cast<int>(fd));
    }
    owned_.clear();
  }

 private:
  std::vector<bool> owned_;
};

}  // namespace ringcore
