// The loads and stores that the rings share with the kernel. Each caller says which guarantee it relies on.
#pragma once

#include <atomic>

namespace ringcore {

template <class T>
inline T load_acquire(const T* shared) {
  return std::atomic_ref<T>(*const_cast<T*>(shared)).load(std::memory_order_acquire);
}

template <class T>
inline T load_relaxed(const T* shared) {
  return std::atomic_ref<T>(*const_cast<T*>(shared)).load(std::memory_order_relaxed);
}

template <class T>
inline void store_release(T* shared, T value) {
  std::atomic_ref<T>(*shared).store(value, std::memory_order_release);
}

template <class T>
inline void store_relaxed(T* shared, T value) {
  std::atomic_ref<T>(*shared).store(value, std::memory_order_relaxed);
}

// What it was before.
template <class T>
inline T fetch_and(T* shared, T mask) {
  return std::atomic_ref<T>(*shared).fetch_and(mask, std::memory_order_seq_cst);
}

template <class T>
inline void fetch_or(T* shared, T bits) {
  std::atomic_ref<T>(*shared).fetch_or(bits, std::memory_order_seq_cst);
}

inline void full_fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }

inline void cpu_relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace ringcore
