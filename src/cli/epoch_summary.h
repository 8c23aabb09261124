#pragma once

#include <chrono>
#include <string>

#include "base/log.h"
#include "runtime/pipeline_runner.h"

namespace sluice::cli {

/// Returns what an epoch did, as lines for a person.
std::string to_text(const runtime::EpochReport& report, std::chrono::milliseconds took);

/// Returns what an epoch did as one JSON object on one line, with its line break. docs/operations.md names the keys.
std::string to_json(const runtime::EpochReport& report, std::chrono::milliseconds took);

/// Logs what an epoch did: the epoch and each table it changed as info; each file it took, and each table it left as it
/// was, as debug.
void log_epoch(Logger& log, const runtime::EpochReport& report, std::chrono::milliseconds took);

}  // namespace sluice::cli
