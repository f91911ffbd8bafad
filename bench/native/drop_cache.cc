// Takes the content of files out of the page cache, so that the next reader gets it from the device.
//
//   drop_cache --list FILE
//
// FILE holds one path a line. Names and inodes stay in memory, and so does what other programs have read.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "options.h"

using namespace bench;

int main(int argc, char** argv) {
  Options options(argc, argv);
  std::ifstream list(options.text("list", ""));
  options.done();
  size_t files = 0;
  for (std::string path; std::getline(list, path); files++) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail_errno(path, errno);
    // Only clean pages can be dropped; the files are on one file system, and written once.
    if (files == 0 && syncfs(fd) != 0) fail_errno("syncfs", errno);
    const int error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (error != 0) fail_errno(path, error);
    close(fd);
  }
  if (files == 0) fail("--list is needed, with a path in it");
}
