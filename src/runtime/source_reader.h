#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "columnar/change_batch.h"
#include "connect/files/file_system.h"
#include "plan/pipeline.h"
#include "runtime/dead_letters.h"
#include "runtime/epoch_records.h"

namespace sluice::connect {
class FileSource;
}  // namespace sluice::connect

namespace sluice::runtime {

/// One source of the pipeline: what of its input is taken, what is pending, and what its columns are.
///
///     create ─ restore? ─┬─ look ─ read ─ next_state ─ advance ─┐
///                        └──────────────────────────────────────┘
///
/// Owned by one worker.
class SourceReader {
 public:
  using BatchSink = std::function<Status(columnar::ChangeBatch&)>;
  using DeadLetterSink = std::function<Status(DeadLetter)>;

  /// `files` and `clock` must outlive the reader.
  static Result<std::unique_ptr<SourceReader>> create(connect::FileSystem& files, Clock& clock,
                                                      const plan::Source& source,
                                                      std::chrono::milliseconds settle_time);
  ~SourceReader();

  /// Goes on from where an earlier run stood. Corruption if the texts are not ours.
  Status restore(const SourceState& state);
  /// Starts anew with the columns that an earlier run found. Corruption if the text is not ours.
  Status restore_columns(const SourceState& state);
  /// Returns the files of an earlier run's position that are not pending, sorted. Corruption if the text is not ours.
  Result<std::vector<std::string>> find_gone(const SourceState& state) const;
  /// Looks for input that is not taken yet and at its columns. Keeps what is pending if something is.
  /// Errors: those of connect::FileSource.
  Status look(const std::stop_token& stop);

  /// What it reads.
  const plan::Source& source() const { return source_; }

  /// Returns how long to wait for input that stands still not yet long enough to be taken; zero if there is none.
  std::chrono::milliseconds settling_time() const;

  /// True if there is input to take; for tracked files: if they are not those of the last epoch.
  bool has_pending() const;
  std::vector<std::string> pending_paths() const;
  /// For the offset plan.
  std::string pending_text() const;
  /// Columns, with what is pending taken into account.
  const columnar::Schema& schema() const;
  /// Returns what came up since the last call that a user should know: files that changed after they were read, or
  /// went.
  std::vector<std::string> take_notes();

  /// Reads exactly the pending input. Unavailable if a file is not what was planned: the epoch must be given up.
  Status read_pending(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink& dead_letters);
  /// Reads all tracked files: the pending ones if some are, else those taken last. Gives only the dead letters of files
  /// that were not taken before. Errors as read_pending().
  Status read_all(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink& dead_letters);

  /// The state after the epoch that takes the pending input. A reader that starts anew says its position whole in its
  /// first epoch, so that nothing recorded before counts as taken.
  SourceState next_state(bool whole_position) const;
  /// All input taken, in stored form.
  std::string position() const;
  /// The epoch is committed: what was pending is taken.
  void advance();

  /// Returns the position that follows from a whole one and what later epochs added to it.
  static Result<std::string> merge_positions(const std::string& whole, const std::vector<std::string>& added);

 private:
  SourceReader(plan::Source source, std::unique_ptr<connect::FileSource> files);

  plan::Source source_;
  std::unique_ptr<connect::FileSource> files_;
  bool recorded_ = false;  ///< The manifests say where it stands.
};

}  // namespace sluice::runtime
