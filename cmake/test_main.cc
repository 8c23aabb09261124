#include <gtest/gtest.h>

#if defined(__SANITIZE_ADDRESS__)
// DuckDB's library is not instrumented: containers that cross into it carry no annotations, and memory it allocated is
// freed by inline code of ours.
extern "C" const char* __asan_default_options() {
  return "detect_container_overflow=0:alloc_dealloc_mismatch=0:detect_leaks=0:detect_stack_use_after_return=0";
}
#endif

#ifdef __SANITIZE_THREAD__
// DuckDB's library is not instrumented: the sanitizer does not see its locks, and takes what they guard for races.
extern "C" const char* __tsan_default_suppressions() { return "race:libduckdb.so\n"; }
#endif

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
