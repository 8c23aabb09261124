#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <duckdb/common/types/value.hpp>

#include "base/result.h"
#include "base/strong_int.h"
#include "columnar/schema.h"
#include "runtime/managed_table.h"

namespace sluice::runtime {

/// The tables in which a pipeline keeps what did not become rows of a dataset: `sluice.dead_letters` (input that could
/// not be read), `sluice.errors` (rows that could not be evaluated), `sluice.quarantine` (rows that a rule set aside)
/// and `sluice.quality` (how many rows met each rule). They are outputs of the epoch like any dataset: same intent,
/// same transaction identifier. A table is made when its first row comes. Owned by one worker.
class SideOutputs {
 public:
  enum class Kind : std::size_t { DeadLetters, Errors, Quarantine, Quality };
  static constexpr std::size_t kKindCount = 4;

  /// "sluice.dead_letters", …
  static const std::string& key(Kind kind);
  static const columnar::Schema& schema(Kind kind);

  /// A row for `sluice.dead_letters`.
  struct DeadLetter {
    std::string dataset;
    std::string file;
    std::int64_t line = 0;         ///< From 1.
    std::int64_t byte_offset = 0;  ///< Of the line's first byte.
    std::string code;              ///< SLUnnnn.
    std::string message;
    std::string content;  ///< The bytes, perhaps cut.
  };

  void begin_epoch(Epoch epoch);
  void add(const DeadLetter& letter);
  void add_error(const std::string& dataset, const std::string& key, const std::string& expression,
                 const std::string& message, std::int64_t weight);
  void add_quarantined(const std::string& dataset, const std::string& expectation, const std::string& row,
                       std::int64_t weight);
  /// Adds to the counts of the epoch.
  void count(const std::string& dataset, const std::string& expectation, const std::string& action, std::int64_t passed,
             std::int64_t failed);

  /// How often a row of the epoch did not meet a rule.
  std::uint64_t violation_count() const;
  /// Rows of the epoch so far.
  std::size_t row_count(Kind kind) const;
  /// Writes the epoch's rows to the table.
  Status write(Kind kind, ManagedTable& table);

 private:
  struct Count {
    std::string action;
    std::int64_t passed = 0;
    std::int64_t failed = 0;
  };
  std::vector<duckdb::Value> quality_row(const std::pair<std::string, std::string>& rule, const Count& count) const;

  Epoch epoch_;
  std::vector<std::vector<duckdb::Value>> rows_[kKindCount];
  std::map<std::pair<std::string, std::string>, Count> counts_;  ///< By dataset and expectation.
};

}  // namespace sluice::runtime
