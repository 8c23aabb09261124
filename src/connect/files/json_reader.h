#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "columnar/schema.h"
#include "connect/files/file_system.h"
#include "connect/files/json_limits.h"
#include "connect/files/row_sink.h"

namespace sluice::connect {

/// How nested values meet a VARCHAR column.
enum class NestedText : std::uint8_t {
  Rescue,  ///< They do not fit: for inferred schemas, where the first kind of value decides what a column is.
  Keep,    ///< The column takes their JSON as text: for declared schemas.
};

/// Reads files of JSON lines, one object a line, into rows of a schema.
///
/// Each key fills the column of its name (with regard to case), at every depth; a missing key and null give NULL; of
/// equal keys the last wins. What fits:
/// - numbers: every numeric column that holds the value (an integral 3.0 fits BIGINT); VARCHAR, with one text per value
///   whatever the column was before (see widen)
/// - true and false: BOOLEAN and VARCHAR
/// - text: VARCHAR; every other scalar column by DuckDB's cast (dates, times, decimals, numbers in quotes)
/// - objects: STRUCT, MAP with VARCHAR keys, JSON, VARCHAR if NestedText says so; without a key that can name a member,
///   and so without a known one, they are NULL
/// - lists: LIST, JSON, VARCHAR if NestedText says so
/// A value that does not fit, and a key without a column, goes to `_rescued_data` (see kRescuedColumn) and the row
/// stays; inside a list or map the whole outermost one goes there, and its misfits are NULL in the column.
///
/// A line that is not a JSON object in valid UTF-8, or breaks a limit, becomes a dead letter. Blank lines and a byte
/// order mark are passed over; a last line without line break counts if it is whole. What becomes of one line does not
/// depend on any other. Owned by one worker. Memory: JsonLimits.
class JsonLineReader {
 public:
  /// `schema` may end with `_rescued_data`; without it what does not fit is dropped.
  /// Unsupported, naming the column, if a type cannot be read from JSON.
  static Result<std::unique_ptr<JsonLineReader>> create(const columnar::Schema& schema, NestedText nested_text,
                                                        JsonLimits limits = {});
  ~JsonLineReader();

  /// Reads the whole file. `path` names it in dead letters and rescued data. Rows may be held back for a fuller batch
  /// until the next read() or flush(). Errors: those of the stream and the sink, ResourceExhausted.
  Status read(ByteStream& stream, const std::string& path, RowSink& sink);
  /// Gives the sink what is held back.
  Status flush(RowSink& sink);

 private:
  struct Impl;
  explicit JsonLineReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::connect
