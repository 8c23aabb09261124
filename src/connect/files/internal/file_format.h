#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "columnar/schema.h"
#include "connect/files/file_log.h"
#include "connect/files/internal/hashing_stream.h"
#include "connect/files/json_limits.h"
#include "connect/files/row_sink.h"
#include "plan/pipeline.h"

namespace sluice::connect {

/// A file that is open.
struct OpenedFile {
  HashingStream& stream;  ///< The content of `file` from its beginning.
  InputFile& file;
  std::string path;  ///< FileInfo::path.
};

/// How the files of one source are looked at and read: JSON or Parquet, with declared or inferred columns.
/// Keeps the inferred columns twice: as taken, and with what is pending folded in. Owned by one worker.
class FileFormat {
 public:
  /// Unsupported or InvalidArgument, with the source's location, if format or a declared type is not known.
  static Result<std::unique_ptr<FileFormat>> create(const plan::Source& source, JsonLimits limits);
  virtual ~FileFormat() = default;

  /// Takes up columns in stored form. Corruption if they are not ours.
  virtual Status restore(std::string_view text) = 0;
  /// True if columns were found, so that there is something to keep.
  virtual bool has_columns() const = 0;
  /// Pending columns are those taken, or none if `anew`.
  virtual void begin_fold(bool anew) = 0;
  /// Folds a file into the pending columns; reads its stream to the end.
  virtual Status fold(OpenedFile& file) = 0;
  /// Pending columns are now the taken ones.
  virtual void take_fold() = 0;
  /// Pending columns, with `_rescued_data`; in stored form, empty if they are declared.
  virtual columnar::Schema schema() const = 0;
  virtual std::string schema_text() const = 0;

  /// Begins to read files into rows of schema().
  virtual Status begin_read() = 0;
  /// Gives the sink the file's rows; reads its stream to the end. Rows may be held back until end_read().
  virtual Status read(OpenedFile& file, const FileInfo& info, RowSink& sink, const std::stop_token& stop) = 0;
  virtual Status end_read(RowSink& sink) = 0;
};

}  // namespace sluice::connect
