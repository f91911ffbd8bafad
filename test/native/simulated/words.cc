#include "words.h"

#include <cstring>
#include <initializer_list>
#include <utility>

#include "op/op_kinds.h"
#include "op/op_table.h"

using namespace ringcore;

namespace {

std::string names_of(uint32_t flags, std::initializer_list<std::pair<uint32_t, const char*>> names) {
  std::string text;
  for (const auto& [flag, name] : names) {
    if (flags & flag) text += std::string(" ") + name;
  }
  return text;
}

const char* purpose_of(CqeTag tag) {
  switch (tag) {
    case CqeTag::kOperation:
      return "";
    case CqeTag::kLinkTimeout:
      return ", its link timeout";
    case CqeTag::kClose:
      return ", its close";
    case CqeTag::kIgnored:
      return ", a cancellation of it";
    case CqeTag::kMessage:
      return ", a message";
    case CqeTag::kCancelTimer:
      return ", the timer of cancellations";
    case CqeTag::kLoopPoll:
      return ", the poll of the loop";
  }
  return ", what nobody made";
}

}  // namespace

std::string words_of_user_data(uint64_t user_data) {
  const uint64_t generation = user_data >> 32 & 0xffffff;
  return "slot " + std::to_string(static_cast<uint32_t>(user_data)) + " generation " +
         std::to_string(generation) + purpose_of(Op::tag_of(user_data));
}

std::string words_of(const abi::io_uring_sqe& sqe) {
  const char* name = "?";
  for (const KindInfo& kind : Kinds::kInfo) {
    if (kind.opcode != sqe.opcode) continue;
    name = kind.name;
    break;
  }
  return std::string(name) + ": " + words_of_user_data(sqe.user_data) +
         names_of(sqe.flags, {{abi::IOSQE_FIXED_FILE, "FIXED_FILE"},
                              {abi::IOSQE_IO_DRAIN, "IO_DRAIN"},
                              {abi::IOSQE_IO_LINK, "IO_LINK"},
                              {abi::IOSQE_IO_HARDLINK, "IO_HARDLINK"},
                              {abi::IOSQE_ASYNC, "ASYNC"},
                              {abi::IOSQE_BUFFER_SELECT, "BUFFER_SELECT"},
                              {abi::IOSQE_CQE_SKIP_SUCCESS, "CQE_SKIP_SUCCESS"}});
}

std::string words_of_cqe_flags(uint32_t flags) {
  return names_of(flags, {{abi::IORING_CQE_F_BUFFER, "BUFFER"},
                          {abi::IORING_CQE_F_MORE, "MORE"},
                          {abi::IORING_CQE_F_NOTIF, "NOTIF"},
                          {abi::IORING_CQE_F_BUF_MORE, "BUF_MORE"}});
}

std::string words_of_result(int32_t result) {
  const std::string number = std::to_string(result);
  return result < 0 ? number + " (" + std::strerror(-result) + ")" : number;
}
