// A file of statements is accepted, or every mistake in it has a number and a place in the file.

#include "base/check.h"
#include "sql/compile.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(sluice::fuzz::text_of(data, size));
  for (const sluice::Error& error : sluice::sql::check({{"fuzz.sql", text}}, {})) {
    SLUICE_CHECK(error.number() != 0, "a mistake without a number: " + error.message());
    SLUICE_CHECK(error.location() && error.location()->file == "fuzz.sql",
                 "a mistake without a place: " + error.message());
  }
  return 0;
}
