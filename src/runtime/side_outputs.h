#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong_int.h"
#include "columnar/change_batch.h"
#include "columnar/schema.h"

namespace sluice::runtime {

/// The tables in which a pipeline keeps what did not become rows of a dataset: `sluice.dead_letters` (input that could
/// not be read), `sluice.errors` (rows that could not be evaluated), `sluice.quarantine` (rows that a rule set aside)
/// and `sluice.quality` (how many rows met each rule). They are outputs of the epoch like any dataset: same intent,
/// same transaction identifier. A table is made when its first row comes.
///
/// All but dead letters are changes: the weights of `errors` and `quarantine`, summed over the epochs, say what there
/// is now, and so do the counts of `quality`. Within an epoch rows are summed, so what comes and goes leaves no trace.
/// A dataset that is computed anew gives everything it has; the tables get the difference to what they hold of it. Dead
/// letters stay: what is read again adds only those that are not there yet.
///
///     begin_epoch ─ add*, replace* ─ settle (each kind) ─ row_count, for_each_batch ─ applied
///
/// Owned by one worker. State: what the tables hold of datasets that are computed anew, once they were.
class SideOutputs {
 public:
  enum class Kind : std::size_t { DeadLetters, Errors, Quarantine, Quality };
  static constexpr std::size_t kKindCount = 4;

  /// Takes rows of a table.
  using BatchSink = std::function<Status(columnar::ChangeBatch&)>;
  /// Passes all rows of a side table to the sink; empty if there is no such table.
  using ScanTable = std::function<Status(const BatchSink&)>;

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
  /// Says that what the dataset gives in this epoch is all it has.
  void replace(const std::string& dataset) { replaced_.insert(dataset); }
  /// Forgets the errors, quarantined rows and counts that the dataset gave in this epoch.
  void retract(const std::string& dataset);

  /// Decides what the kind's table gets. Reads the table, at most once per process and dataset, if a dataset was
  /// replaced. Errors: those of the scan.
  Status settle(Kind kind, const ScanTable& scan);

  // After settle():
  /// Rows that the table gets.
  std::size_t row_count(Kind kind) const;
  /// How many dead letters, row errors or quarantined rows came in this epoch: those that go are not counted.
  std::uint64_t arrived_count(Kind kind) const;
  /// How often a row of the epoch did not meet a rule.
  std::uint64_t violation_count() const;
  /// Passes the rows, with the schema's columns, to the sink.
  Status for_each_batch(Kind kind, const BatchSink& sink) const;

  /// The epoch is committed.
  void applied();
  /// Forgets everything; the next epoch reads the tables again.
  void clear();

 private:
  /// What makes a row of a side table another one than its neighbour; its dataset apart.
  struct Row {
    std::vector<std::string> texts;  ///< In the schema's order.
    std::int64_t line = 0;
    std::int64_t byte_offset = 0;

    friend auto operator<=>(const Row&, const Row&) = default;
  };
  /// How many copies of a row (`first`), or how many rows passed (`first`) and failed a rule.
  struct Sum {
    std::int64_t first = 0;
    std::int64_t second = 0;

    bool none() const { return first == 0 && second == 0; }
  };
  using Rows = std::map<Row, Sum>;
  using ByDataset = std::map<std::string, Rows>;

  void add(Kind kind, const std::string& dataset, Row row, Sum sum);
  Status load_standing(Kind kind, const ScanTable& scan);

  Epoch epoch_;
  std::set<std::string> replaced_;
  std::array<ByDataset, kKindCount> given_;     ///< In this epoch.
  std::array<ByDataset, kKindCount> standing_;  ///< What the tables hold of datasets that were replaced before.
  std::array<ByDataset, kKindCount> settled_;   ///< What the tables get in this epoch.
};

}  // namespace sluice::runtime
