#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/delta_schema.h"
#include "delta/live_files.h"
#include "delta/table_properties.h"

namespace sluice::delta {

/// A condition on rows, in a form that can be decided for whole files: exactly by their partition values, within limits
/// by their statistics. Three-valued as in SQL: a comparison with NULL is neither true nor false. Plain data; constants
/// are texts as partition_value.h reads them, of the column's type. What a caller cannot say in this form is Opaque.
struct FilePredicate {
  enum class Kind {
    Always,  ///< True for every row.
    Opaque,  ///< Anything: may be true, false or NULL for any row.
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    IsNull,
    Not,  ///< Of one child.
    And,  ///< Of its children; of none: true.
    Or,   ///< Of its children; of none: false.
  };

  Kind kind = Kind::Always;
  std::vector<std::string> column;  ///< Comparisons and IsNull: logical names from the top.
  std::string constant;             ///< Comparisons: the right side; the column is the left one.
  std::vector<FilePredicate> children;

  static FilePredicate compare(std::vector<std::string> column, Kind comparison, std::string constant);
  static FilePredicate equal(std::string column, std::string constant);
  static FilePredicate is_null(std::string column);
  static FilePredicate negation(FilePredicate of);
  static FilePredicate conjunction(std::vector<FilePredicate> of);
  static FilePredicate disjunction(std::vector<FilePredicate> of);

  friend bool operator==(const FilePredicate&, const FilePredicate&) = default;
};

/// How many of a file's rows a predicate can be true for.
enum class FileMatch {
  None,  ///< For certain no row.
  Some,  ///< Not known: none, some or all.
  All,   ///< For certain every row.
};

/// Decides by the file's partition values and statistics. Never a wrong None or All: what is missing, rounded or not
/// readable counts as Some, and so do the bounds of floating-point columns, of which NaN may be missing.
FileMatch match_file(const FilePredicate& predicate, const DataType& schema, ColumnMappingMode mode,
                     const std::vector<std::string>& partition_columns, const AddFile& file);

/// Decides a predicate for many files as match_file() does: finds columns and reads constants once, and reads of a file
/// only what the predicate asks for. Used by one thread at a time.
class FileMatcher {
 public:
  /// Takes what it needs of the arguments.
  FileMatcher(const FilePredicate& predicate, const DataType& schema, ColumnMappingMode mode,
              const std::vector<std::string>& partition_columns);
  ~FileMatcher();
  FileMatcher(const FileMatcher&) = delete;
  FileMatcher& operator=(const FileMatcher&) = delete;

  FileMatch match(const AddFile& file);
  /// Returns those of the numbers whose files may have a row that the predicate is true for, in the same order. Cost:
  /// about 0.5 µs for each that statistics decide on.
  std::vector<std::size_t> select(const LiveFiles::Numbered& files, std::span<const std::size_t> numbers);

 private:
  class Judge;
  std::unique_ptr<Judge> judge_;
};

/// Ok if every column is one of the schema and every constant of its type; InvalidArgument, naming it, if not.
Status check_predicate(const FilePredicate& predicate, const DataType& schema);

/// True if the predicate asks for partition columns only, so that it is None or All for every file whose partition
/// values can be read. Not of Opaque ones.
bool is_partition_predicate(const FilePredicate& predicate, const std::vector<std::string>& partition_columns);

}  // namespace sluice::delta
