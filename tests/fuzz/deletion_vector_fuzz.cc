// A stored deletion vector is read or refused; what is read marks the same rows after it is written and read.

#include "base/check.h"
#include "delta/deletion_vector.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto vector = sluice::delta::DeletionVector::deserialize(sluice::fuzz::text_of(data, size));
  if (!vector) return 0;
  const auto again = sluice::delta::DeletionVector::deserialize(vector->serialize());
  SLUICE_CHECK(again && *again == *vector, "a deletion vector changes when it is written and read");
  return 0;
}
