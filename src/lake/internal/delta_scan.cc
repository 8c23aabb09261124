#include "lake/internal/delta_scan.h"

#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <duckdb.hpp>
#include <duckdb/common/multi_file/multi_file_function.hpp>
#include <duckdb/execution/execution_context.hpp>
#include <duckdb/parallel/thread_context.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/storage/statistics/node_statistics.hpp>
#include <parquet_multi_file_info.hpp>

#include "columnar/guard.h"
#include "delta/data_path.h"
#include "delta/deletion_vector.h"
#include "delta/delta_schema.h"
#include "delta/duckdb_schema.h"
#include "delta/file_statistics.h"
#include "delta/partition_value.h"

namespace sluice::lake {
namespace {

using ParquetScan = duckdb::MultiFileFunction<duckdb::ParquetMultiFileInfo>;

/// Gives the error to the query and ends DuckDB's call.
[[noreturn]] void fail(const DeltaScan& scan, Error error) {
  const std::string message = error.message();
  scan.mount().fail(std::move(error));
  throw duckdb::IOException(message);
}

/// Leaves out the rows that a deletion vector marks.
class DeletedRows final : public duckdb::DeleteFilter {
 public:
  explicit DeletedRows(delta::DeletionVector vector) : vector_(std::move(vector)) {}

  duckdb::idx_t Filter(duckdb::row_t first_row, duckdb::idx_t count, duckdb::SelectionVector& live) override {
    live.Initialize(STANDARD_VECTOR_SIZE);
    return vector_.live_rows(static_cast<std::uint64_t>(first_row), count, live.data());
  }

 private:
  const delta::DeletionVector vector_;
};

/// The files of a scan. Says "multiple" even for one, so that the row groups of a single file are read in parallel.
class DeltaFileList final : public duckdb::MultiFileList {
 public:
  explicit DeltaFileList(std::shared_ptr<const DeltaScan> scan) : scan_(std::move(scan)) {}

  duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() const override {
    duckdb::vector<duckdb::OpenFileInfo> files;
    for (std::size_t i = 0; i < scan_->files().size(); ++i) files.push_back(GetFile(i));
    return files;
  }
  duckdb::FileExpandResult GetExpandResult() const override {
    return scan_->files().empty() ? duckdb::FileExpandResult::NO_FILES : duckdb::FileExpandResult::MULTIPLE_FILES;
  }
  duckdb::idx_t GetTotalFileCount() const override { return scan_->files().size(); }
  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(duckdb::ClientContext&) const override {
    if (!scan_->row_count_estimate()) return nullptr;
    return duckdb::make_uniq<duckdb::NodeStatistics>(*scan_->row_count_estimate());
  }
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() const override { return duckdb::make_uniq<DeltaFileList>(scan_); }

 protected:
  duckdb::OpenFileInfo GetFile(duckdb::idx_t index) const override {
    return duckdb::OpenFileInfo(index < scan_->files().size() ? scan_->mount().path(index) : std::string());
  }

 private:
  const std::shared_ptr<const DeltaScan> scan_;
};

/// Tells DuckDB's Parquet scan what the log knows better than the files.
class DeltaFileReader final : public duckdb::MultiFileReader {
 public:
  explicit DeltaFileReader(std::shared_ptr<const DeltaScan> scan) : scan_(std::move(scan)) {
    function_name = "read_delta";
  }

  bool Bind(duckdb::MultiFileOptions&, duckdb::MultiFileList&, duckdb::vector<duckdb::LogicalType>& types,
            duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData& bind_data) override {
    for (const columnar::Field& field : scan_->schema().fields) {
      types.push_back(field.type);
      names.push_back(field.name);
      auto column = duckdb::MultiFileColumnDefinition::CreateFromNameAndType(field.name, field.type);
      column.identifier = duckdb::Value(field.name);
      column.default_expression = duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(field.type));
      bind_data.schema.push_back(std::move(column));
    }
    bind_data.mapping = duckdb::MultiFileColumnMappingMode::BY_NAME;
    return true;
  }

  void FinalizeBind(duckdb::MultiFileReaderData& data, const duckdb::MultiFileOptions& options,
                    const duckdb::MultiFileReaderBindData& bind_data,
                    const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
                    const duckdb::vector<duckdb::ColumnIndex>& column_ids, duckdb::ClientContext& client,
                    duckdb::optional_ptr<duckdb::MultiFileReaderGlobalState> global_state) override {
    MultiFileReader::FinalizeBind(data, options, bind_data, columns, column_ids, client, global_state);
    const delta::AddFile& file = *scan_->files()[data.reader->file_list_idx.GetIndex()];
    add_partition_values(file, column_ids, data.constant_map);
    if (!file.deletion_vector) return;
    auto vector = delta::load_deletion_vector(*scan_->table().store, *file.deletion_vector);
    if (!vector) {
      fail(*scan_, missing_as_damage(std::move(vector).error()).in(fmt::format("data file {}", file.path)));
    }
    data.reader->deletion_filter = duckdb::make_uniq<DeletedRows>(std::move(*vector));
  }

  using duckdb::MultiFileReader::CreateReader;

  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(duckdb::ClientContext& client,
                                                          duckdb::GlobalTableFunctionState& global_state,
                                                          const duckdb::OpenFileInfo& file, duckdb::idx_t index,
                                                          const duckdb::MultiFileBindData& bind_data) override {
    try {
      return MultiFileReader::CreateReader(client, global_state, file, index, bind_data);
    } catch (const std::exception& exception) {
      report_damage(duckdb::ErrorData(exception), index, /*evaluates_filters=*/false);
      throw;
    }
  }

  /// Tells the query that the file is damaged if that is what DuckDB's exception means. A scan that also evaluates
  /// filters may fail by them: then only what no expression raises counts.
  void report_damage(const duckdb::ErrorData& error, std::size_t file_index, bool evaluates_filters) const {
    using duckdb::ExceptionType;
    const ExceptionType type = error.Type();
    const bool never = type == ExceptionType::INTERRUPT || type == ExceptionType::OUT_OF_MEMORY ||
                       type == ExceptionType::INTERNAL || type == ExceptionType::FATAL;
    const bool always =
        type == ExceptionType::IO || type == ExceptionType::INVALID || type == ExceptionType::SERIALIZATION;
    if (never || (evaluates_filters && !always)) return;
    scan_->mount().fail(
        Error(ErrorCode::Corruption,
              fmt::format("data file {} cannot be read: {}", scan_->files()[file_index]->path, error.RawMessage())));
  }

  duckdb::unique_ptr<duckdb::MultiFileReader> Copy() const override {
    return duckdb::make_uniq<DeltaFileReader>(scan_);
  }

 private:
  void add_partition_values(const delta::AddFile& file, const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                            duckdb::MultiFileConstantMap& constants) const {
    for (const DeltaScan::PartitionColumn& partition : scan_->partition_columns()) {
      for (std::size_t i = 0; i < column_ids.size(); ++i) {
        if (column_ids[i].GetPrimaryIndex() != partition.column) continue;
        const auto found = file.partition_values.find(partition.key);
        const auto text = found == file.partition_values.end() ? std::nullopt : found->second;
        auto value = delta::read_partition_value(text, scan_->schema().fields[partition.column].type);
        if (!value) fail(*scan_, std::move(value).error().in(fmt::format("data file {}", file.path)));
        constants.Add(duckdb::MultiFileGlobalIndex(i), std::move(*value));
      }
    }
  }

  const std::shared_ptr<const DeltaScan> scan_;
};

/// DuckDB's scan, but what it says of a damaged file becomes Corruption that names the file.
void scan_delta(duckdb::ClientContext& client, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  try {
    ParquetScan::MultiFileScan(client, input, output);
  } catch (const std::exception& exception) {
    const auto& bind_data = input.bind_data->Cast<duckdb::MultiFileBindData>();
    const auto& global = input.global_state->Cast<duckdb::MultiFileGlobalState>();
    const auto& local = input.local_state->Cast<duckdb::MultiFileLocalState>();
    bind_data.multi_file_reader->Cast<DeltaFileReader>().report_damage(
        duckdb::ErrorData(exception), local.reader->file_list_idx.GetIndex(), global.filters != nullptr);
    throw;
  }
}

/// Returns the key of the file in the table's store.
Result<std::string> key_of_file(const delta::AddFile& file) {
  SLUICE_TRY_ASSIGN(auto path, delta::resolve_path(file.path));
  if (!path.absolute) return std::move(path.path);
  return Error(ErrorCode::Unsupported, fmt::format("data file {} lies outside the table folder", path.path));
}

/// Reads whole files, without DuckDB's planner.
class FileByFile {
 public:
  FileByFile(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan)
      : client_(client),
        scan_(scan),
        function_(delta_scan_function("read_delta")),
        bind_data_(bind_delta_scan(client, scan, types_, names_)),
        thread_(client),
        execution_(client, thread_, nullptr) {
    function_.get_virtual_columns(client, bind_data_.get());
    duckdb::vector<duckdb::column_t> columns(types_.size());
    std::iota(columns.begin(), columns.end(), duckdb::column_t{0});
    columns.push_back(duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_INDEX);
    columns.push_back(duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER);
    duckdb::TableFunctionInitInput input(bind_data_.get(), columns, {}, nullptr);
    global_ = function_.init_global(client, input);
    local_ = function_.init_local(execution_, input, global_.get());
    auto types = types_;
    types.push_back(duckdb::LogicalType::UBIGINT);
    types.push_back(duckdb::LogicalType::BIGINT);
    chunk_.Initialize(client, types);
    rows_.InitializeEmpty(types_);
  }

  Status run(const LiveRowSink& sink, const std::stop_token& stop) {
    std::vector<std::uint64_t> positions;
    while (local_) {
      if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "the scan was stopped");
      chunk_.Reset();
      duckdb::TableFunctionInput input(bind_data_.get(), local_.get(), global_.get());
      function_.function(client_, input, chunk_);
      if (chunk_.size() == 0) return ok();
      chunk_.Flatten();
      for (std::size_t i = 0; i < types_.size(); ++i) rows_.data[i].Reference(chunk_.data[i]);
      rows_.SetCardinality(chunk_.size());
      const auto file = duckdb::FlatVector::GetData<std::uint64_t>(chunk_.data[types_.size()])[0];
      const auto* numbers = duckdb::FlatVector::GetData<std::int64_t>(chunk_.data[types_.size() + 1]);
      positions.assign(numbers, numbers + chunk_.size());
      SLUICE_TRY(sink(rows_, *scan_->files()[file], positions));
    }
    return ok();
  }

 private:
  duckdb::ClientContext& client_;
  const std::shared_ptr<const DeltaScan>& scan_;
  duckdb::TableFunction function_;
  duckdb::vector<duckdb::LogicalType> types_;
  duckdb::vector<std::string> names_;
  duckdb::unique_ptr<duckdb::FunctionData> bind_data_;
  duckdb::ThreadContext thread_;
  duckdb::ExecutionContext execution_;
  duckdb::unique_ptr<duckdb::GlobalTableFunctionState> global_;
  duckdb::unique_ptr<duckdb::LocalTableFunctionState> local_;
  duckdb::DataChunk chunk_;
  duckdb::DataChunk rows_;
};

}  // namespace

Result<std::shared_ptr<const DeltaScan>> DeltaScan::create(DeltaTable table, ObjectFileSystem& files) {
  std::shared_ptr<DeltaScan> scan(new DeltaScan());
  scan->schema_ = delta::columnar_schema(table.snapshot->schema());
  for (const std::string& name : table.snapshot->metadata().partition_columns) {
    const auto column = scan->schema_.find(name);
    if (!column) return Error(ErrorCode::Corruption, fmt::format("partition column {} is not in the schema", name));
    scan->partition_columns_.push_back({*column, table.snapshot->schema().fields[*column].physical_name()});
  }
  std::vector<std::string> keys;
  scan->row_count_estimate_ = 0;
  for (const delta::AddFile& file : table.snapshot->files()) {
    SLUICE_TRY_ASSIGN(auto key, key_of_file(file));
    keys.push_back(std::move(key));
    scan->files_.push_back(&file);
    // Unreadable statistics are no reason not to read the rows.
    auto statistics = file.stats ? delta::read_statistics(*file.stats) : delta::FileStatistics();
    const auto row_count = statistics ? statistics->num_records : std::nullopt;
    if (!row_count) scan->row_count_estimate_.reset();
    if (scan->row_count_estimate_) *scan->row_count_estimate_ += static_cast<std::uint64_t>(*row_count);
  }
  scan->mount_ = files.mount(table.store, std::move(keys));
  scan->table_ = std::move(table);
  return std::shared_ptr<const DeltaScan>(std::move(scan));
}

duckdb::TableFunction delta_scan_function(const std::string& name) {
  duckdb::TableFunctionSet set = duckdb::ParquetScanFunction::GetFunctionSet();
  duckdb::TableFunction function = set.functions.front();
  function.name = name;
  function.arguments = {};
  function.named_parameters = {};
  function.bind = nullptr;
  function.function = scan_delta;
  function.statistics = nullptr;
  function.get_partition_stats = nullptr;
  function.SetSerializeCallback(nullptr);
  function.SetDeserializeCallback(nullptr);
  return function;
}

duckdb::unique_ptr<duckdb::FunctionData> bind_delta_scan(duckdb::ClientContext& client,
                                                         std::shared_ptr<const DeltaScan> scan,
                                                         duckdb::vector<duckdb::LogicalType>& types,
                                                         duckdb::vector<std::string>& names) {
  auto interface = duckdb::ParquetMultiFileInfo::CreateInterface(client);
  auto reader = duckdb::make_uniq<DeltaFileReader>(scan);
  auto files = duckdb::make_shared_ptr<DeltaFileList>(std::move(scan));
  interface->InitializeInterface(client, *reader, *files);
  auto options = interface->InitializeOptions(client, nullptr);
  // Statistics of other writers pass NaN over, which is greater than any number to DuckDB.
  options->Cast<duckdb::ParquetFileReaderOptions>().options.can_have_nan = true;
  duckdb::MultiFileOptions file_options;
  file_options.auto_detect_hive_partitioning = false;
  return ParquetScan::MultiFileBindInternal(client, std::move(reader), std::move(files), types, names,
                                            std::move(file_options), std::move(options), std::move(interface));
}

Status run_delta_scan(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan,
                      const LiveRowSink& sink, const std::stop_token& stop) {
  Status outcome = ok();
  Status ran = columnar::guard(
      [&] { client.RunFunctionInTransaction([&] { outcome = FileByFile(client, scan).run(sink, stop); }); });
  if (auto failure = scan->mount().failure()) return std::move(*failure);
  if (!ran) return ran;
  return outcome;
}

}  // namespace sluice::lake
