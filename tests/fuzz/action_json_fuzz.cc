// A commit of a Delta log is read or refused; what is read is written and read back equal.

#include "base/check.h"
#include "delta/action_json.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto actions = sluice::delta::read_actions(sluice::fuzz::text_of(data, size), "fuzz.json");
  if (!actions) return 0;
  for (const sluice::delta::Action& action : *actions) {
    const std::string written = sluice::delta::write_action(action);
    const auto again = sluice::delta::read_actions(written, "again.json");
    SLUICE_CHECK(again && again->size() == 1 && again->front() == action,
                 "changes when it is written and read: " + written);
  }
  return 0;
}
