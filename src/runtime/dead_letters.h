#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>

#include "base/hash.h"
#include "base/result.h"
#include "base/strong_int.h"
#include "columnar/change_batch.h"

namespace sluice::runtime {

/// Input that could not be read: a row for `sluice.dead_letters`.
struct DeadLetter {
  std::string dataset;
  std::string file;
  std::int64_t line = 0;         ///< From 1.
  std::int64_t byte_offset = 0;  ///< Of the line's first byte.
  std::string code;              ///< SLUnnnn.
  std::string message;
  std::string content;  ///< The bytes, perhaps cut.
};

/// Takes dead letters to their table as they come, so that memory is bounded however much cannot be read.
///
/// Letters stay. A dataset that is computed anew reads again what it read before: of its letters only those are added
/// that the table does not hold yet.
///
///     begin_epoch ─ computes_anew* ─ add* ─ finish
///
/// Owned by one worker. Memory: kBatchBytesMax; and, while a dataset that is computed anew gives letters, 16 bytes for
/// each letter that the table holds of such datasets.
class DeadLetters {
 public:
  /// Text in rows not written yet.
  static constexpr std::size_t kBatchBytesMax = 8 * 1024 * 1024;

  /// Takes rows of the table.
  using BatchSink = std::function<Status(columnar::ChangeBatch&)>;
  /// Passes all rows that the table held before the epoch to the sink.
  using ScanTable = std::function<Status(const BatchSink&)>;

  DeadLetters(BatchSink write, ScanTable scan) : write_(std::move(write)), scan_(std::move(scan)) {}

  void begin_epoch(Epoch epoch);
  /// Says that the dataset reads everything it has in this epoch. Before its letters.
  void computes_anew(const std::string& dataset) { anew_.insert(dataset); }
  /// Errors: those of the write and of the scan.
  Status add(const DeadLetter& letter);
  /// Passes on what was not written yet.
  Status finish();
  /// Letters added in this epoch.
  std::uint64_t count() const { return count_; }

 private:
  Status load_standing();

  const BatchSink write_;
  const ScanTable scan_;
  Epoch epoch_;
  std::set<std::string> anew_;
  std::unordered_set<Hash128> standing_;  ///< Of datasets in anew_.
  bool standing_loaded_ = false;
  std::optional<columnar::ChangeBatch> batch_;
  std::size_t batch_bytes_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace sluice::runtime
