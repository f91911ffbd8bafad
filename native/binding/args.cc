#include "binding/args.h"

#include <sys/uio.h>

#include <cstring>

namespace ringcore {
namespace {

size_t element_bytes(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 0;  // a kind that this version of N-API does not know: too short for anything
  }
}

napi_valuetype type_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  if (value != nullptr) napi_typeof(env, value, &type);
  return type;
}

bool is_nothing(napi_env env, napi_value value) {
  const napi_valuetype type = type_of(env, value);
  return type == napi_undefined || type == napi_null;
}

}  // namespace

bool view_of(napi_env env, napi_value value, uint8_t** data, size_t* size) {
  if (value == nullptr) return false;
  napi_typedarray_type type = napi_uint8_array;
  void* memory = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(env, value, &type, &length, &memory, nullptr, nullptr) == napi_ok) {
    *size = length * element_bytes(type);
  } else {
    bool is_data_view = false;
    napi_is_dataview(env, value, &is_data_view);
    if (!is_data_view || napi_get_dataview_info(env, value, size, &memory, nullptr, nullptr) != napi_ok)
      return false;
  }
  *data = static_cast<uint8_t*>(memory);
  return true;
}

bool text_of(napi_env env, napi_value value, std::string* out) {
  if (type_of(env, value) == napi_string) {
    char local[1024];
    size_t length = 0;
    napi_get_value_string_utf8(env, value, local, sizeof(local), &length);
    if (length < sizeof(local) - 4) {  // a character of several bytes may have been left out at the end
      out->assign(local, length);
      return true;
    }
    napi_get_value_string_utf8(env, value, nullptr, 0, &length);
    out->resize(length + 1);
    napi_get_value_string_utf8(env, value, out->data(), length + 1, &length);
    out->resize(length);
    return true;
  }
  uint8_t* data = nullptr;
  size_t size = 0;
  if (!view_of(env, value, &data, &size)) return false;
  out->assign(reinterpret_cast<char*>(data), size);
  return true;
}

int64_t Args::integer() {
  napi_value value = next();
  int64_t number = 0;
  if (value != nullptr && napi_get_value_int64(env_, value, &number) == napi_ok) return number;
  bool lossless = true;
  if (value == nullptr || napi_get_value_bigint_int64(env_, value, &number, &lossless) != napi_ok) {
    fail("an argument is not an integer");
  }
  return number;
}

int32_t Args::file_index() {
  const int64_t index = integer();
  if (index < 0 || index > INT32_MAX) fail("no direct descriptor has this index");
  return static_cast<int32_t>(index);
}

double Args::f64() {
  napi_value value = next();
  double number = 0;
  if (value == nullptr || napi_get_value_double(env_, value, &number) != napi_ok)
    fail("an argument is not a number");
  return number;
}

bool Args::boolean() {
  napi_value value = next();
  bool truth = false;
  if (value == nullptr || napi_get_value_bool(env_, value, &truth) != napi_ok)
    fail("an argument is not a boolean");
  return truth;
}

Bytes Args::slice(uint8_t* data, size_t size, uint64_t offset, uint64_t length) {
  if (offset > size || length > size - offset || length > UINT32_MAX) {
    fail("the buffer is shorter than the operation's offset and length");
    return {};
  }
  return {data + offset, static_cast<uint32_t>(length)};
}

Bytes Args::bytes() {
  napi_value value = next();
  const uint64_t offset = u64();
  const uint64_t length = u64();
  if (is_nothing(env_, value)) return {};
  uint8_t* data = nullptr;
  size_t size = 0;
  if (!view_of(env_, value, &data, &size)) fail("an argument is not a buffer");
  return slice(data, size, offset, length);
}

Bytes Args::registered_bytes(uint32_t index) {
  const uint64_t offset = u64();
  const uint64_t length = u64();
  if (index >= registered_.size() || registered_[index].data == nullptr) {
    fail("no buffer is registered under this index");
    return {};
  }
  return slice(registered_[index].data, registered_[index].size, offset, length);
}

Bytes Args::view(size_t least) {
  uint8_t* data = nullptr;
  size_t size = 0;
  if (!view_of(env_, next(), &data, &size) || size < least)
    fail("an argument is not a buffer, or it's too short");
  return slice(data, size, 0, size);
}

Bytes Args::optional_view() {
  if (position_ < count_ && is_nothing(env_, values_[position_])) {
    position_++;
    return {};
  }
  return view(0);
}

Bytes Args::word() {
  uint8_t* data = nullptr;
  size_t size = 0;
  if (!view_of(env_, next(), &data, &size)) fail("an argument is not an Int32Array");
  return slice(data, size, u64() * sizeof(int32_t), sizeof(int32_t));
}

const char* Args::path() {
  std::string text;
  if (!text_of(env_, next(), &text)) fail("an argument is neither a string nor a buffer");
  if (text.find('\0') != std::string::npos) fail("a path contains a null byte");
  return storage_.store_string(text);
}

Vectors Args::vectors() {
  napi_value list = next();
  uint32_t count = 0;
  if (list == nullptr || napi_get_array_length(env_, list, &count) != napi_ok || count > IOV_MAX) {
    fail("an argument is not a list of at most 1024 buffers");
    return {};
  }
  auto* vectors = static_cast<iovec*>(storage_.allocate(count * sizeof(iovec)));
  for (uint32_t i = 0; i < count; i++) {
    napi_value value = nullptr;
    uint8_t* data = nullptr;
    size_t size = 0;
    napi_get_element(env_, list, i, &value);
    if (!view_of(env_, value, &data, &size)) fail("a member of the list is not a buffer");
    vectors[i] = {data, size};
  }
  return {vectors, count};
}

Address Args::address() {
  const Bytes bytes = optional_view();
  if (bytes.size == 0) return {};
  return {static_cast<sockaddr*>(copy(bytes).data), static_cast<socklen_t>(bytes.size)};
}

}  // namespace ringcore
