// The story of a schedule in words: numbers of the kernel's by their names.
#pragma once

#include <cstdint>
#include <string>

#include "abi/io_uring_abi.h"

// "read: slot 3 generation 1 IO_LINK ASYNC".
std::string words_of(const ringcore::abi::io_uring_sqe& sqe);
std::string words_of_user_data(uint64_t user_data);
std::string words_of_cqe_flags(uint32_t flags);
// "512", "-125 (Operation canceled)".
std::string words_of_result(int32_t result);
