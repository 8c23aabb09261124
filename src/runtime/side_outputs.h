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
#include "runtime/side_tables.h"

namespace sluice::runtime {

/// Rows for the side tables `errors`, `quarantine` and `quality`, which hold changes: the weights of the first two,
/// summed over the epochs, say what there is now, and so do the counts of `quality`. Within an epoch rows are summed, so
/// what comes and goes leaves no trace. A dataset that is computed anew gives everything it has; the tables get the
/// difference to what they hold of it.
///
///     begin_epoch ─ add*, replace* ─ settle (each table) ─ row_count, for_each_batch ─ applied
///
/// Owned by one worker. State: what the tables hold of datasets that are computed anew, once they were.
class SideOutputs {
 public:
  /// The tables it has rows for.
  static constexpr std::array kTables{SideTable::Errors, SideTable::Quarantine, SideTable::Quality};

  /// Takes rows of a table.
  using BatchSink = std::function<Status(columnar::ChangeBatch&)>;
  /// Passes all rows of a side table to the sink; empty if there is no such table.
  using ScanTable = std::function<Status(const BatchSink&)>;

  void begin_epoch(Epoch epoch);
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

  /// Decides what the table gets. Reads the table, at most once per process and dataset, if a dataset was
  /// replaced. Errors: those of the scan.
  Status settle(SideTable table, const ScanTable& scan);

  // After settle():
  /// Rows that the table gets.
  std::size_t row_count(SideTable table) const;
  /// How many rows could not be evaluated for the first time in this epoch.
  std::uint64_t error_count() const;
  /// How often a row of the epoch did not meet a rule.
  std::uint64_t violation_count() const;
  /// Passes the rows, with the schema's columns, to the sink.
  Status for_each_batch(SideTable table, const BatchSink& sink) const;

  /// The epoch is committed.
  void applied();
  /// Forgets everything; the next epoch reads the tables again.
  void clear();

 private:
  /// What makes a row of a side table another one than its neighbour; its dataset apart.
  using Row = std::vector<std::string>;  ///< Its texts, in the schema's order.
  /// How many copies of a row (`first`), or how many rows passed (`first`) and failed a rule.
  struct Sum {
    std::int64_t first = 0;
    std::int64_t second = 0;

    bool none() const { return first == 0 && second == 0; }
  };
  using Rows = std::map<Row, Sum>;
  using ByDataset = std::map<std::string, Rows>;
  using ByTable = std::array<ByDataset, kSideTables.size()>;

  void add(SideTable table, const std::string& dataset, Row row, Sum sum);
  Status load_standing(SideTable table, const ScanTable& scan);

  Epoch epoch_;
  std::set<std::string> replaced_;
  ByTable given_;     ///< In this epoch.
  ByTable standing_;  ///< What the tables hold of datasets that were replaced before.
  ByTable settled_;   ///< What the tables get in this epoch.
};

}  // namespace sluice::runtime
