#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "columnar/parquet_writer.h"
#include "columnar/row_codec.h"
#include "columnar/schema.h"
#include "delta/actions.h"
#include "delta/delta_schema.h"
#include "delta/partition_value.h"
#include "delta/statistics_accumulator.h"
#include "delta/table_properties.h"
#include "store/object_store.h"

namespace sluice::delta {

/// What the data files of a table are like.
struct DataFileOptions {
  columnar::Schema schema;  ///< Boundary types, as the table has them after the commit.
  /// The table's schema if it has column mapping: whose physical names and ids the files get.
  std::optional<DataType> mapped_schema;
  std::vector<std::string> partition_columns;  ///< Names of columns of `schema`, in the table's order.
  TableProperties properties;                  ///< The table's after the commit.
  std::string folder;                          ///< Where the files go, with its slash; "": the table folder.
  std::string name_prefix = "part";            ///< How the names of files begin.
  /// Rows of open files held in memory; beyond, the largest file is closed.
  std::uint64_t buffered_bytes_max = 256 * 1024 * 1024;

  /// Returns what files of the table with this metadata are like. Corruption if its schema cannot be read;
  /// InvalidArgument, naming it, if a property cannot.
  static Result<DataFileOptions> of_table(const Metadata& metadata);
};

/// Where a row went: a file by number, in the order in which they were begun, and the row in it.
struct NewPlace {
  std::uint32_t file = 0;
  std::uint64_t position = 0;
};

/// Writes rows into data files, one open per combination of partition values, each closed when it has its target size.
/// They hold the columns without the partition columns, and come with statistics as Spark writes them.
/// Memory: at most `buffered_bytes_max`, and kFilesOpenMax open files; beyond that the largest closes early.
/// Owned by one worker.
class DataFileWriter {
 public:
  static constexpr std::size_t kFilesOpenMax = 64;

  /// The references must outlive the writer. InvalidArgument if a partition column is missing or nested.
  static Result<std::unique_ptr<DataFileWriter>> create(store::ObjectStore& store, Clock& clock, Random& random,
                                                        columnar::ParquetContext& context, DataFileOptions options);

  /// Makes '' and empty BLOBs in partition columns NULL, which is all that Delta can store of them.
  void normalise(duckdb::DataChunk& rows) const;

  /// Writes rows of all the table's columns, normalised. If `places` is given, appends each row's place to it.
  Status write(duckdb::DataChunk& rows, std::vector<NewPlace>* places);
  /// Closes all files. Returns an action per file, by number; all are durable. Then comes keep() or discard().
  Result<std::vector<AddFile>> finish();
  /// The files belong to the table now; begins anew.
  void keep();
  /// Forgets the files and removes those that were closed, where that succeeds; begins anew.
  void discard();

  std::uint64_t row_count() const { return row_count_; }
  std::uint64_t buffered_bytes() const;

 private:
  /// A file being written.
  struct OpenFile {
    std::uint32_t number;
    std::string key;
    PartitionValues partition_values;
    std::unique_ptr<columnar::ParquetWriter> parquet;
    StatisticsAccumulator statistics;
    std::uint64_t row_count = 0;
  };
  using OpenFiles = std::map<std::string, OpenFile>;  // by encoded partition values

  DataFileWriter(store::ObjectStore& store, Clock& clock, Random& random, columnar::ParquetContext& context,
                 DataFileOptions options);

  /// Finds what columns are called in files and in the log.
  Status name_columns();
  Status write_unpartitioned(duckdb::DataChunk& rows, std::vector<NewPlace>* places);
  Status write_partitioned(duckdb::DataChunk& rows, std::vector<NewPlace>* places);
  /// Returns the open file for the partition values of a row, begun if need be.
  Result<OpenFiles::iterator> file_for(const std::string& partition, const duckdb::DataChunk& rows, std::size_t row);
  /// Appends rows, which have the file's columns; closes the file if it is large enough.
  Status append(OpenFiles::iterator file, duckdb::DataChunk& rows);
  /// Gives the rows' columns their names in the file.
  Status write_physical(columnar::ParquetWriter& parquet, duckdb::DataChunk& rows);
  Status close(OpenFiles::iterator file);
  Status close_largest();

  store::ObjectStore& store_;
  Clock& clock_;
  Random& random_;
  columnar::ParquetContext& context_;
  const DataFileOptions options_;
  std::vector<columnar::ColumnIndex> partition_columns_;
  std::vector<columnar::ColumnIndex> file_columns_;
  std::vector<std::string> partition_names_;  // in paths and actions
  columnar::Schema file_schema_;
  columnar::Schema physical_schema_;  // file_schema_ under the names in the file
  std::vector<columnar::FieldIds> field_ids_;
  DataType file_delta_schema_;
  std::optional<columnar::RowCodec> partition_codec_;  // absent: not partitioned

  OpenFiles open_;
  std::vector<AddFile> closed_;    // by number; an empty path while the file is open
  std::vector<std::string> keys_;  // of files that are or may be in the store
  std::uint64_t row_count_ = 0;
};

}  // namespace sluice::delta
