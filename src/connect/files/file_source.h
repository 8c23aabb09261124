#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "columnar/schema.h"
#include "connect/files/file_log.h"
#include "connect/files/file_system.h"
#include "connect/files/json_limits.h"
#include "connect/files/row_sink.h"
#include "plan/pipeline.h"

namespace sluice::connect {

/// Something about files that a person should know. What was said of a file or column is not said again while it stays so.
struct FileNotice {
  enum class Kind : std::uint8_t {
    ChangedAfterRead,  ///< Are not what they were when they were read; they are not read again.
    Vanished,          ///< Were read and are gone; their rows stay.
    ColumnChanged,     ///< A column that was known before has another type with what is pending.
  };
  Kind kind = Kind::ChangedAfterRead;
  /// Of the first file, in the order of paths. ColumnChanged: of the file that gave the column its type; empty if that was
  /// read before.
  std::string path;
  std::uint64_t file_count = 1;
  /// ColumnChanged only.
  struct Column {
    std::string source;  ///< The path of the read_files call.
    std::string name;    ///< "place.zip" for a struct's member, "marks[]" for a list's element.
    std::string from;
    std::string to;

    friend bool operator==(const Column&, const Column&) = default;
  };
  Column column = {};

  friend bool operator==(const FileNotice&, const FileNotice&) = default;
};
/// Returns the notice as a sentence.
std::string to_string(const FileNotice& notice);

/// A `read_files` call: which files are there, which were read, what their columns are, and their rows.
///
///     create ─ restore? ─┬─ look ─ pending ─ read_pending ─ advance ─┐
///                        └───────────────────────────────────────────┘
///
/// A streaming source takes each file once. A tracked one (plan::Source::stream is false) stands for the files as they
/// are now: its plan is always all of them, and it has something pending when they are other files than before.
/// Nothing of a file is taken unless all of it is what the plan recorded: size, time and content hash.
///
/// Columns: declared, with `_rescued_data`; else inferred by a fold over the files in the order in which they are read
/// (json: InferredSchema; parquet: the first type of each column stays, new columns are added). A tracked source's fold
/// begins anew whenever its files change; while no file holds a column, the columns are those known before.
///
/// Options honoured: maxFilesPerTrigger (1000) of streaming sources; allowOverwrites (false): a file that changed is read again; settleTime
/// (overrides what create() is given, unless that is zero): "500ms", "2s", "1 second"; schemaEvolutionMode:
/// addNewColumns (default); rescue and none keep the columns of the first files; failOnNewColumns; of these declared columns allow rescue
/// alone, which says what they do. Owned by one worker.
class FileSource {
 public:
  static constexpr std::uint64_t kFilesPerTriggerMax = 1000;

  /// `files` and `clock` must outlive the source. InvalidArgument or Unsupported, with number and location, if format,
  /// option or a declared type is not one it knows.
  static Result<std::unique_ptr<FileSource>> create(plan::Source source, FileSystem& files, Clock& clock,
                                                    std::chrono::milliseconds settle_time, JsonLimits limits = {});
  ~FileSource();

  /// Goes on from where an earlier run stood: FileLog::encode() and schema_text(). Corruption if they are not ours.
  Status restore(std::string_view position, std::string_view schema);

  /// Looks for input that was not taken and at its columns; what is pending stays pending.
  /// Errors: those of discover(), with the source's location; Unavailable (2006) if a file changes while it is looked at; InvalidArgument (2011) if
  /// failOnNewColumns forbids what was found; Cancelled. Nothing is pending then.
  /// Cost: one listing; the new files are read once, for their hash and, unless columns are declared, for their
  /// columns.
  Status look(const std::stop_token& stop);

  /// The next epoch's input. has_pending(): taking it changes what was taken so far.
  const FilePlan& pending() const;
  bool has_pending() const;
  /// Columns after what is pending; the same in stored form, empty if they are declared.
  const columnar::Schema& schema() const;
  std::string schema_text() const;
  /// Returns how long to wait until files that the last look held back may be settled; zero if it held none back.
  std::chrono::milliseconds settling_time() const;
  /// Returns what came up since the last call, also in a look() that failed.
  std::vector<FileNotice> take_notices();

  /// Gives the sink the rows of exactly the pending files, with the columns of schema(). Unavailable (2006) if a file
  /// is not what the plan recorded: what the sink got must be forgotten, and look() be called again. Other errors:
  /// those of the file system and the sink, ResourceExhausted, Cancelled.
  Status read_pending(RowSink& sink, const std::stop_token& stop);
  /// Of a tracked source: gives the sink the rows of all files, the pending ones if some are, else those taken last.
  /// Errors as read_pending().
  Status read_all(RowSink& sink, const std::stop_token& stop);

  /// What is pending is now taken. Requires has_pending() or does nothing.
  void advance();
  /// All that was taken.
  const FileLog& log() const;

 private:
  struct Impl;
  explicit FileSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::connect
