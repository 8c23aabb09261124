#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "columnar/change_batch.h"
#include "connect/files/file_system.h"
#include "lake/lake.h"
#include "plan/pipeline.h"
#include "runtime/dead_letters.h"
#include "runtime/epoch_records.h"

namespace sluice::runtime {

/// What sources are read with. What it refers to must outlive the readers.
struct SourceEnvironment {
  connect::FileSystem& files;  ///< Relative paths start at the project folder.
  lake::Lake& lake;
  Clock& clock;
  std::string pipeline_id;  ///< Of the pipeline whose own tables are no source; empty before it has one.
};

/// One source of the pipeline: what of its input is taken, what is pending, and what its columns are.
///
///     create ─ restore? ─┬─ look ─ read_* ─ next_state ─ advance ─┐
///                        └────────────────────────────────────────┘
///
/// Owned by one worker.
class SourceReader {
 public:
  using BatchSink = std::function<Status(columnar::ChangeBatch&)>;
  using DeadLetterSink = std::function<Status(DeadLetter)>;

  /// `settle_time` is for files.
  static Result<std::unique_ptr<SourceReader>> create(const SourceEnvironment& environment, const plan::Source& source,
                                                      std::chrono::milliseconds settle_time);
  virtual ~SourceReader() = default;

  /// Goes on from where an earlier run stood. Corruption if the texts are not ours.
  virtual Status restore(const SourceState& state) = 0;
  /// Starts anew with the columns that an earlier run found. Corruption if the text is not ours.
  virtual Status restore_columns(const SourceState& state) = 0;
  /// Returns the files of an earlier run's position that are not pending, sorted. Corruption if the text is not ours.
  virtual Result<std::vector<std::string>> find_gone(const SourceState& state) const = 0;
  /// Says which columns of schema() matter from now on; behind the last entry all do. Others may be read as NULL.
  virtual void need(std::vector<bool>) {}
  /// Looks for input that is not taken yet and at its columns. Keeps what is pending if something is.
  /// Errors: those of connect::FileSource, connect::DeltaSource.
  virtual Status look(const std::stop_token& stop) = 0;
  /// Looks at the columns alone, as far as that can be done without looking for input.
  virtual Status look_at_columns(const std::stop_token& stop) { return look(stop); }

  /// What it reads.
  const plan::Source& source() const { return source_; }

  /// Returns how long to wait for input that stands still not yet long enough to be taken; zero if there is none.
  virtual std::chrono::milliseconds settling_time() const { return std::chrono::milliseconds(0); }

  /// True if there is input to take; of a tracked source: if it is not as it was at the last epoch.
  virtual bool has_pending() const = 0;
  /// Of a tracked source: read_pending() says how rows changed. If not, a dataset over it must be computed anew.
  virtual bool gives_changes() const = 0;
  /// Paths of files that are pending.
  virtual std::vector<std::string> pending_paths() const { return {}; }
  /// For the offset plan.
  virtual std::string pending_text() const = 0;
  /// Columns, with what is pending taken into account.
  virtual const columnar::Schema& schema() const = 0;
  /// Returns what came up since the last call that a user should know: files that changed after they were read, or
  /// went.
  virtual std::vector<std::string> take_notes() = 0;

  /// Reads exactly the pending input. Unavailable if it is not what was planned: the epoch must be given up.
  virtual Status read_pending(const std::stop_token& stop, const BatchSink& rows,
                              const DeadLetterSink& dead_letters) = 0;
  /// Of a tracked source: reads all there is, what is pending included. Gives only dead letters that were not given
  /// before. Errors as read_pending().
  virtual Status read_all(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink& dead_letters) = 0;
  /// Of a tracked source: reads all that was there at the last epoch. If something is pending gives_changes() must hold.
  virtual Status read_taken(const std::stop_token& stop, const BatchSink& rows) = 0;

  /// The state after the epoch that takes the pending input. A reader that starts anew says its position whole in its
  /// first epoch, so that nothing recorded before counts as taken.
  virtual SourceState next_state(bool whole_position) const = 0;
  /// All input taken, in stored form.
  virtual std::string position() const = 0;
  /// The epoch is committed: what was pending is taken.
  virtual void advance() = 0;

  /// Returns the position that follows from a whole one and what later epochs added to it.
  static Result<std::string> merge_positions(const std::string& whole, const std::vector<std::string>& added);

 protected:
  explicit SourceReader(plan::Source source) : source_(std::move(source)) {}

 private:
  plan::Source source_;
};

}  // namespace sluice::runtime
