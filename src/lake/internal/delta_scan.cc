#include "lake/internal/delta_scan.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <duckdb.hpp>
#include <duckdb/common/multi_file/multi_file_function.hpp>
#include <duckdb/execution/execution_context.hpp>
#include <duckdb/parallel/thread_context.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/table_filter.hpp>
#include <duckdb/storage/statistics/node_statistics.hpp>
#include <parquet_multi_file_info.hpp>

#include "columnar/guard.h"
#include "delta/column_mapping.h"
#include "delta/data_path.h"
#include "delta/deletion_vector.h"
#include "delta/delta_schema.h"
#include "delta/duckdb_schema.h"
#include "delta/file_predicate.h"
#include "delta/file_statistics.h"
#include "delta/partition_value.h"
#include "delta/row_tracking.h"
#include "lake/internal/file_columns.h"
#include "lake/internal/file_metadata.h"
#include "lake/internal/file_skipping.h"
#include "lake/internal/legacy_calendar.h"

namespace sluice::lake {
namespace {

using ParquetScan = duckdb::MultiFileFunction<duckdb::ParquetMultiFileInfo>;

/// Gives the error to the query and ends DuckDB's call.
[[noreturn]] void fail(const DeltaScan& scan, Error error) {
  const std::string message = error.message();
  scan.mount().fail(std::move(error));
  throw duckdb::IOException(message);
}

/// Leaves out the rows that a deletion vector marks, or all that one does not mark.
class RowFilter final : public duckdb::DeleteFilter {
 public:
  RowFilter(std::optional<delta::DeletionVector> only, std::optional<delta::DeletionVector> without)
      : only_(std::move(only)), without_(std::move(without)) {}

  duckdb::idx_t Filter(duckdb::row_t first_row, duckdb::idx_t count, duckdb::SelectionVector& live) override {
    live.Initialize(STANDARD_VECTOR_SIZE);
    const auto first = static_cast<std::uint64_t>(first_row);
    if (!only_) return without_->live_rows(first, count, live.data());
    duckdb::idx_t live_count = 0;
    for (duckdb::idx_t i = 0; i < count; ++i) {
      if (!only_->contains(first + i) || (without_ && without_->contains(first + i))) continue;
      live.set_index(live_count++, i);
    }
    return live_count;
  }

 private:
  const std::optional<delta::DeletionVector> only_;
  const std::optional<delta::DeletionVector> without_;  // at least one of the two is there
};

/// The files of a scan that may hold rows which the query asks for. Says "multiple" even for one, so that the row groups
/// of a single file are read in parallel.
class DeltaFileList final : public duckdb::MultiFileList {
 public:
  using Numbers = std::shared_ptr<const std::vector<std::size_t>>;

  /// `kept`: the numbers of the files, ascending. `judged`: conditions that have been asked of them.
  DeltaFileList(std::shared_ptr<const DeltaScan> scan, Numbers kept, std::shared_ptr<ScanReads> reads,
                std::vector<delta::FilePredicate> judged = {})
      : scan_(std::move(scan)), kept_(std::move(kept)), reads_(std::move(reads)), judged_(std::move(judged)) {}

  static duckdb::shared_ptr<DeltaFileList> all_of(std::shared_ptr<const DeltaScan> scan,
                                                  std::shared_ptr<ScanReads> reads) {
    auto all = std::make_shared<std::vector<std::size_t>>(scan->file_count());
    std::iota(all->begin(), all->end(), std::size_t{0});
    if (reads) reads->scan = scan;
    return duckdb::make_shared_ptr<DeltaFileList>(std::move(scan), std::move(all), std::move(reads));
  }

  duckdb::unique_ptr<MultiFileList> ComplexFilterPushdown(
      duckdb::ClientContext& client, const duckdb::MultiFileOptions&, duckdb::MultiFilePushdownInfo& info,
      duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& conditions) const override {
    const Numbers named = named_by(client, conditions_on_files(conditions, info.table_index, info.column_ids));
    auto list = without_files_that_fail(conditions, info.table_index, info.column_ids, named, reads_.get());
    if (!list) return nullptr;
    auto& shown = info.extra_info;
    for (const auto& condition : conditions) {
      shown.file_filters += (shown.file_filters.empty() ? "" : " AND ") + condition->ToString();
    }
    shown.total_files = scan_->file_count();
    shown.filtered_files = list->kept_->size();
    return list;
  }

  duckdb::unique_ptr<MultiFileList> DynamicFilterPushdown(duckdb::ClientContext&, const duckdb::MultiFileOptions&,
                                                          const duckdb::vector<std::string>&,
                                                          const duckdb::vector<duckdb::LogicalType>& types,
                                                          const duckdb::vector<duckdb::column_t>& column_ids,
                                                          duckdb::TableFilterSet& filters) const override {
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> conditions;
    for (const auto& [column, filter] : filters.filters) {
      if (duckdb::IsVirtualColumn(column_ids[column])) continue;
      const duckdb::BoundColumnRefExpression reference(types[column_ids[column]], duckdb::ColumnBinding(0, column));
      conditions.push_back(filter->ToExpression(reference));
    }
    return without_files_that_fail(conditions, 0, column_ids, kept_, nullptr);
  }

  duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() const override {
    duckdb::vector<duckdb::OpenFileInfo> files;
    for (std::size_t i = 0; i < kept_->size(); ++i) files.push_back(GetFile(i));
    return files;
  }
  duckdb::FileExpandResult GetExpandResult() const override {
    return kept_->empty() ? duckdb::FileExpandResult::NO_FILES : duckdb::FileExpandResult::MULTIPLE_FILES;
  }
  duckdb::idx_t GetTotalFileCount() const override { return kept_->size(); }
  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(duckdb::ClientContext&) const override {
    const std::lock_guard lock(mutex_);
    if (!row_count_) {
      const bool all = kept_->size() == scan_->file_count();
      row_count_ = all ? scan_->row_count_estimate() : scan_->row_count_estimate(*kept_);
    }
    if (!*row_count_) return nullptr;
    return duckdb::make_uniq<duckdb::NodeStatistics>(**row_count_);
  }
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() const override {
    const std::lock_guard lock(mutex_);
    return duckdb::make_uniq<DeltaFileList>(scan_, kept_, reads_, judged_);
  }

 protected:
  duckdb::OpenFileInfo GetFile(duckdb::idx_t index) const override {
    if (index >= kept_->size()) return duckdb::OpenFileInfo(std::string());
    auto path = scan_->mount().path((*kept_)[index]);
    if (!path) fail(*scan_, std::move(path).error());
    return duckdb::OpenFileInfo(std::move(*path));
  }

 private:
  /// Returns the files of which a row may meet the conditions; nullptr if those are all. DuckDB asks several times while
  /// it plans, mostly the same.
  duckdb::unique_ptr<DeltaFileList> without_files_that_fail(
      const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& conditions, duckdb::idx_t table_index,
      const duckdb::vector<duckdb::column_t>& column_ids, const Numbers& named, ScanReads* reads) const {
    auto predicate = file_predicate_of(
        conditions, table_index, scan_->schema(), [&](std::size_t number) -> std::optional<columnar::ColumnIndex> {
          if (number >= column_ids.size() || column_ids[number] >= scan_->schema().fields.size()) return std::nullopt;
          return column_ids[number];
        });
    const std::lock_guard lock(mutex_);
    std::vector<delta::FilePredicate> news;
    for (const delta::FilePredicate& condition : predicate.children) {
      if (condition.kind == delta::FilePredicate::Kind::Opaque) continue;
      if (std::ranges::find(judged_, condition) == judged_.end()) news.push_back(condition);
    }
    judged_.insert(judged_.end(), news.begin(), news.end());
    const bool is_new = !news.empty();
    auto left = is_new ? std::make_shared<const std::vector<std::size_t>>(
                             scan_->select(delta::FilePredicate::conjunction(std::move(news)), *named))
                       : named;
    if (reads != nullptr) {
      reads->is_narrowed = true;
      reads->conditions.push_back(std::move(predicate));
      reads->files = *left;
    }
    if (left->size() == kept_->size()) return nullptr;
    return duckdb::make_uniq<DeltaFileList>(scan_, std::move(left), reads_, judged_);
  }

  /// Returns the kept files for which the conditions, on _metadata alone, are true.
  Numbers named_by(duckdb::ClientContext& client,
                   const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& conditions) const {
    if (conditions.empty() || !scan_->has_file_metadata()) return kept_;
    const store::ObjectStore& store = *scan_->table().store;
    return std::make_shared<const std::vector<std::size_t>>(
        select_files(client, conditions, *kept_,
                     [&](std::size_t number) { return file_metadata(scan_->file(number).action, store); }));
  }

  const std::shared_ptr<const DeltaScan> scan_;
  const Numbers kept_;
  const std::shared_ptr<ScanReads> reads_;  // nullptr: nobody asks
  mutable std::mutex mutex_;
  mutable std::vector<delta::FilePredicate> judged_;                    // guarded by mutex_
  mutable std::optional<std::optional<std::uint64_t>> row_count_ = {};  // likewise
};

/// Tells DuckDB's Parquet scan what the log knows better than the files.
class DeltaFileReader final : public duckdb::MultiFileReader {
 public:
  explicit DeltaFileReader(std::shared_ptr<const DeltaScan> scan, duckdb::TableCatalogEntry* table = nullptr)
      : scan_(std::move(scan)), table_(table) {
    function_name = "read_delta";
  }

  /// The table as DuckDB's catalog has it; nullptr if it has it not.
  duckdb::TableCatalogEntry* table() const { return table_; }
  bool has_file_metadata() const { return scan_->has_file_metadata(); }

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
    const DeltaScan::File file = file_of(data);
    add_constants(file, column_ids, data.constant_map);
    if (!file.only && !file.action.deletion_vector) return;
    auto only = load_vector(file, file.only);
    data.reader->deletion_filter =
        duckdb::make_uniq<RowFilter>(std::move(only), load_vector(file, file.action.deletion_vector));
  }

  duckdb::ReaderInitializeType InitializeReader(duckdb::MultiFileReaderData& data,
                                                const duckdb::MultiFileBindData& bind_data,
                                                const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
                                                const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                                                duckdb::optional_ptr<duckdb::TableFilterSet> filters,
                                                duckdb::ClientContext& client,
                                                duckdb::MultiFileGlobalState& global_state) override {
    // DuckDB counts the files that are read; the scan's numbers are what file_index means.
    data.reader->file_list_idx = Mount::number_of(data.reader->GetFileName());
    return MultiFileReader::InitializeReader(data, bind_data, columns, column_ids, filters, client, global_state);
  }

  using duckdb::MultiFileReader::CreateMapping;
  using duckdb::MultiFileReader::CreateReader;

  duckdb::ReaderInitializeType CreateMapping(duckdb::ClientContext& client, duckdb::MultiFileReaderData& data,
                                             const duckdb::vector<duckdb::MultiFileColumnDefinition>&,
                                             const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                                             duckdb::optional_ptr<duckdb::TableFilterSet> filters,
                                             duckdb::MultiFileList& files,
                                             const duckdb::MultiFileReaderBindData& bind_data,
                                             const duckdb::virtual_column_map_t& virtual_columns,
                                             duckdb::MultiFileColumnMappingMode mapping_mode) override {
    const DeltaScan::File file = file_of(data);
    std::vector<bool> wanted(scan_->fields().fields.size(), false);
    for (const duckdb::ColumnIndex& id : column_ids) {
      if (id.GetPrimaryIndex() < wanted.size()) wanted[id.GetPrimaryIndex()] = true;
    }
    for (const DeltaScan::PartitionColumn& partition : scan_->partition_columns()) {
      if (file.action.partition_values.contains(partition.key)) wanted[partition.column] = false;
    }
    for (const auto& [column, value] : file.constants) wanted[column] = false;
    const auto mode = scan_->table().snapshot->properties().column_mapping_mode;
    auto found = find_columns(scan_->fields(), mode, data.reader->columns, wanted);
    if (!found) fail_in(file, std::move(found).error());
    const auto type = MultiFileReader::CreateMapping(client, data, *found, column_ids, filters, files, bind_data,
                                                     virtual_columns, mapping_mode);
    if (type == duckdb::ReaderInitializeType::SKIP_READING_FILE) return type;
    if (filters) keep_conditions_exact(data, *filters);
    correct_calendar(data.reader->Cast<duckdb::ParquetReader>());
    return type;
  }

  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(duckdb::ClientContext& client,
                                                          duckdb::GlobalTableFunctionState& global_state,
                                                          const duckdb::OpenFileInfo& file, duckdb::idx_t index,
                                                          const duckdb::MultiFileBindData& bind_data) override {
    try {
      auto reader = MultiFileReader::CreateReader(client, global_state, file, index, bind_data);
      normalize_names(reader->columns);
      return reader;
    } catch (const std::exception& exception) {
      report_damage(duckdb::ErrorData(exception), Mount::number_of(file.path), /*evaluates_filters=*/false);
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
              fmt::format("data file {} cannot be read: {}", scan_->file(file_index).action.path, error.RawMessage())));
  }

  duckdb::unique_ptr<duckdb::MultiFileReader> Copy() const override {
    return duckdb::make_uniq<DeltaFileReader>(scan_, table_);
  }

 private:
  DeltaScan::File file_of(const duckdb::MultiFileReaderData& data) const {
    return scan_->file(data.reader->file_list_idx.GetIndex());
  }

  [[noreturn]] void fail_in(const DeltaScan::File& file, Error error) const {
    fail(*scan_, std::move(error).in(fmt::format("data file {}", file.action.path)));
  }

  std::optional<delta::DeletionVector> load_vector(
      const DeltaScan::File& file, const std::optional<delta::DeletionVectorDescriptor>& descriptor) const {
    if (!descriptor) return std::nullopt;
    auto vector = delta::load_deletion_vector(*scan_->table().store, *descriptor);
    if (!vector) fail_in(file, missing_as_damage(std::move(vector).error()));
    return std::move(*vector);
  }

  void add_constants(const DeltaScan::File& file, const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                     duckdb::MultiFileConstantMap& constants) const {
    const auto add = [&](columnar::ColumnIndex column, const duckdb::Value& value) {
      for (std::size_t i = 0; i < column_ids.size(); ++i) {
        if (column_ids[i].GetPrimaryIndex() == column) constants.Add(duckdb::MultiFileGlobalIndex(i), value);
      }
    };
    for (const DeltaScan::PartitionColumn& partition : scan_->partition_columns()) {
      const auto found = file.action.partition_values.find(partition.key);
      if (found == file.action.partition_values.end()) continue;
      auto value = delta::read_partition_value(found->second, scan_->schema().fields[partition.column].type);
      if (!value) fail_in(file, std::move(value).error());
      add(partition.column, *value);
    }
    for (const auto& [column, value] : file.constants) add(column, value);
    if (scan_->has_file_metadata()) add(kFileMetadataColumn, file_metadata(file.action, *scan_->table().store));
  }

  const std::shared_ptr<const DeltaScan> scan_;
  duckdb::TableCatalogEntry* const table_;
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

duckdb::virtual_column_map_t virtual_columns(duckdb::ClientContext& client,
                                             duckdb::optional_ptr<duckdb::FunctionData> data) {
  auto columns = ParquetScan::MultiFileGetVirtualColumns(client, data);
  auto& bind_data = data->Cast<duckdb::MultiFileBindData>();
  if (static_cast<const DeltaFileReader&>(*bind_data.multi_file_reader).has_file_metadata()) {
    columns.emplace(kFileMetadataColumn, duckdb::TableColumn(kFileMetadata, file_metadata_type()));
  }
  bind_data.virtual_columns = columns;
  return columns;
}

/// Finds the objects that hold the data files of a table. Thread-safe.
class Locator {
 public:
  explicit Locator(const DeltaTable& table) : store_(table.store) {}

  Result<Mount::Object> locate(const std::string& log_path) {
    SLUICE_TRY_ASSIGN(auto path, delta::resolve_path(log_path));
    if (!path.absolute) return Mount::Object{store_, std::move(path.path)};
    const std::lock_guard lock(mutex_);
    if (!machine_ || !path.path.starts_with('/')) {
      auto machine = delta::store_of_absolute(path, *store_);
      if (!machine) return std::move(machine).error().in("data file");
      machine_ = std::move(*machine);
    }
    return Mount::Object{machine_, delta::key_of_absolute(path)};
  }

 private:
  const std::shared_ptr<store::ObjectStore> store_;
  std::mutex mutex_;
  std::shared_ptr<store::ObjectStore> machine_;  // made when first needed
};

/// True if the type, or one within it, is of the kind.
bool holds(const delta::DataType& type, delta::DataType::Kind kind) {
  return type.kind == kind ||
         std::any_of(type.children.begin(), type.children.end(),
                     [&](const auto& child) { return holds(child, kind); }) ||
         std::any_of(type.fields.begin(), type.fields.end(),
                     [&](const auto& field) { return holds(field.type, kind); });
}

/// Reads whole files, without DuckDB's planner.
class FileByFile {
 public:
  FileByFile(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan, const NeededColumns& needed)
      : client_(client),
        scan_(scan),
        function_(delta_scan_function("read_delta")),
        bind_data_(bind_delta_scan(client, scan, types_, names_)),
        thread_(client),
        execution_(client, thread_, nullptr) {
    function_.get_virtual_columns(client, bind_data_.get());
    duckdb::vector<duckdb::column_t> columns;
    duckdb::vector<duckdb::LogicalType> types;
    rows_.InitializeEmpty(types_);
    for (columnar::ColumnIndex column = 0; column < types_.size(); ++column) {
      if (column < needed.size() && !needed[column]) {
        rows_.data[column].Reference(duckdb::Value(types_[column]));
        continue;
      }
      columns.push_back(column);
      types.push_back(types_[column]);
    }
    read_.assign(columns.begin(), columns.end());
    columns.push_back(duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_INDEX);
    columns.push_back(duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER);
    duckdb::TableFunctionInitInput input(bind_data_.get(), columns, {}, nullptr);
    global_ = function_.init_global(client, input);
    local_ = function_.init_local(execution_, input, global_.get());
    types.push_back(duckdb::LogicalType::UBIGINT);
    types.push_back(duckdb::LogicalType::BIGINT);
    chunk_.Initialize(client, types);
  }

  using Sink =
      std::function<Status(duckdb::DataChunk& rows, std::size_t file, std::span<const std::uint64_t> positions)>;

  Status run(const Sink& sink, const std::stop_token& stop) {
    std::vector<std::uint64_t> positions;
    while (local_) {
      if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "the scan was stopped");
      chunk_.Reset();
      duckdb::TableFunctionInput input(bind_data_.get(), local_.get(), global_.get());
      function_.function(client_, input, chunk_);
      if (chunk_.size() == 0) return ok();
      chunk_.Flatten();
      for (std::size_t i = 0; i < read_.size(); ++i) rows_.data[read_[i]].Reference(chunk_.data[i]);
      rows_.SetCardinality(chunk_.size());
      const auto file = duckdb::FlatVector::GetData<std::uint64_t>(chunk_.data[read_.size()])[0];
      const auto* numbers = duckdb::FlatVector::GetData<std::int64_t>(chunk_.data[read_.size() + 1]);
      positions.assign(numbers, numbers + chunk_.size());
      SLUICE_TRY(sink(rows_, file, positions));
    }
    return ok();
  }

 private:
  duckdb::ClientContext& client_;
  const std::shared_ptr<const DeltaScan>& scan_;
  duckdb::TableFunction function_;
  duckdb::vector<duckdb::LogicalType> types_;
  duckdb::vector<std::string> names_;
  std::vector<columnar::ColumnIndex> read_;  // columns of the scan that are read, which come first in chunk_
  duckdb::unique_ptr<duckdb::FunctionData> bind_data_;
  duckdb::ThreadContext thread_;
  duckdb::ExecutionContext execution_;
  duckdb::unique_ptr<duckdb::GlobalTableFunctionState> global_;
  duckdb::unique_ptr<duckdb::LocalTableFunctionState> local_;
  duckdb::DataChunk chunk_;
  duckdb::DataChunk rows_;
};

/// Passes rows on with the action of the live file that they are in.
FileByFile::Sink with_action(const DeltaScan& scan, const LiveRowSink& sink) {
  std::optional<std::size_t> current;
  return [&scan, &sink, current, action = delta::AddFile()](duckdb::DataChunk& rows, std::size_t file,
                                                            std::span<const std::uint64_t> positions) mutable {
    if (current != file) action = scan.file(file).action;
    current = file;
    return sink(rows, action, positions);
  };
}

/// Runs a scan outside a query.
Status run_scan(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan,
                const NeededColumns& needed, const FileByFile::Sink& sink, const std::stop_token& stop) {
  Status outcome = ok();
  Status ran = columnar::guard(
      [&] { client.RunFunctionInTransaction([&] { outcome = FileByFile(client, scan, needed).run(sink, stop); }); });
  if (auto failure = scan->mount().failure()) return std::move(*failure);
  if (!ran) return ran;
  return outcome;
}

delta::StructField field(std::string name, delta::DataType::Kind kind) {
  return {std::move(name), delta::DataType::primitive(kind), true, {}};
}

duckdb::Value change_type_of(delta::ChangeFile::Kind kind) {
  return duckdb::Value(kind == delta::ChangeFile::Kind::Insert ? "insert" : "delete");
}

duckdb::Value bigint_value(const std::optional<std::int64_t>& value) {
  return value ? duckdb::Value::BIGINT(*value) : duckdb::Value(duckdb::LogicalType::BIGINT);
}

}  // namespace

Result<std::shared_ptr<DeltaScan>> DeltaScan::start(DeltaTable table, std::vector<delta::StructField> extra_fields) {
  std::shared_ptr<DeltaScan> scan(new DeltaScan());
  scan->table_ = std::move(table);
  scan->fields_ = scan->table_.snapshot->schema();
  for (delta::StructField& extra : extra_fields) {
    if (delta::columnar_schema(scan->fields_).find(extra.name)) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("the table has a column \"{}\" of its own, which hides what is asked for", extra.name));
    }
    scan->fields_.fields.push_back(std::move(extra));
  }
  scan->schema_ = delta::columnar_schema(scan->fields_);
  return scan;
}

void DeltaScan::mount_files(const std::shared_ptr<DeltaScan>& scan, ObjectFileSystem& files) {
  const auto find = [of = std::weak_ptr<const DeltaScan>(scan),
                     locator = std::make_shared<Locator>(scan->table_)](std::size_t number) -> Result<Mount::Object> {
    const auto alive = of.lock();
    if (!alive) return Error(ErrorCode::Internal, "a file is opened after its scan");
    return locator->locate(alive->file(number).action.path);
  };
  scan->mount_ = files.mount(scan->file_count(), find);
}

DeltaScan::File DeltaScan::file(std::size_t number) const {
  if (!live_) return files_[number];
  File file;
  live_->read(number, file.action);
  if (base_row_id_column_) {
    file.constants.emplace_back(*base_row_id_column_, bigint_value(file.action.base_row_id));
    file.constants.emplace_back(*base_row_id_column_ + 1, bigint_value(file.action.default_row_commit_version));
  }
  return file;
}

std::vector<std::size_t> DeltaScan::select(const delta::FilePredicate& predicate,
                                           std::span<const std::size_t> numbers) const {
  if (!live_) return {numbers.begin(), numbers.end()};
  const delta::Snapshot& snapshot = *table_.snapshot;
  return delta::FileMatcher(predicate, snapshot.schema(), snapshot.properties().column_mapping_mode,
                            snapshot.metadata().partition_columns)
      .select(*live_, numbers);
}

Status DeltaScan::find_partition_columns() {
  const delta::Snapshot& snapshot = *table_.snapshot;
  const auto mode = snapshot.properties().column_mapping_mode;
  for (const std::string& name : snapshot.metadata().partition_columns) {
    const auto column = schema_.find(name);
    if (!column) return Error(ErrorCode::Corruption, fmt::format("partition column {} is not in the schema", name));
    partition_columns_.push_back({*column, delta::physical_name(fields_.fields[*column], mode)});
  }
  return ok();
}

Result<std::shared_ptr<const DeltaScan>> DeltaScan::create_of_parts(DeltaTable table, std::vector<PartOfFile> parts,
                                                                    ObjectFileSystem& files) {
  SLUICE_TRY_ASSIGN(auto scan, start(std::move(table), {}));
  SLUICE_TRY(scan->find_partition_columns());
  for (PartOfFile& part : parts) scan->files_.push_back({std::move(part.file), std::move(part.only)});
  mount_files(scan, files);
  return std::shared_ptr<const DeltaScan>(std::move(scan));
}

Result<std::shared_ptr<const DeltaScan>> DeltaScan::create(DeltaTable table, ObjectFileSystem& files, Extra extra) {
  std::vector<delta::StructField> extra_fields;
  const std::size_t column_count = table.snapshot->schema().fields.size();
  if (extra == Extra::RowTracking) {
    SLUICE_TRY_ASSIGN(const auto names, delta::row_tracking_columns(*table.snapshot));
    using Kind = delta::DataType::Kind;
    extra_fields = {field(names.row_id, Kind::Long), field(names.row_commit_version, Kind::Long),
                    field(kBaseRowId, Kind::Long), field(kDefaultRowCommitVersion, Kind::Long)};
    for (const delta::AddFile& file : table.snapshot->files()) {
      if (file.base_row_id) continue;
      return Error(ErrorCode::Corruption,
                   fmt::format("data file {} has no base row id, though the table has row tracking", file.path));
    }
  }
  SLUICE_TRY_ASSIGN(auto scan, start(std::move(table), std::move(extra_fields)));
  SLUICE_TRY(scan->find_partition_columns());
  scan->live_.emplace(scan->table_.snapshot->files());
  if (extra == Extra::RowTracking) scan->base_row_id_column_ = column_count + 2;
  mount_files(scan, files);
  return std::shared_ptr<const DeltaScan>(std::move(scan));
}

std::optional<std::uint64_t> DeltaScan::row_count_estimate(std::span<const std::size_t> numbers) const {
  if (!live_) return std::nullopt;
  std::uint64_t row_count = 0;
  for (const std::size_t number : numbers) {
    const auto stats = live_->stats(number);
    const auto records = stats ? delta::read_num_records(*stats) : std::nullopt;
    if (!records || *records < 0) return std::nullopt;
    row_count += static_cast<std::uint64_t>(*records);
  }
  return row_count;
}

std::optional<std::uint64_t> DeltaScan::row_count_estimate() const {
  std::call_once(row_count_once_, [this] {
    std::vector<std::size_t> all(file_count());
    std::iota(all.begin(), all.end(), std::size_t{0});
    row_count_ = row_count_estimate(all);
  });
  return row_count_;
}

Result<std::shared_ptr<const DeltaScan>> DeltaScan::create_changes(DeltaChanges changes, ObjectFileSystem& files) {
  using Kind = delta::DataType::Kind;
  std::vector<delta::StructField> extra_fields = {field(std::string(delta::kChangeTypeColumn), Kind::String),
                                                  field(std::string(delta::kCommitVersionColumn), Kind::Long),
                                                  field(std::string(delta::kCommitTimestampColumn), Kind::Timestamp)};
  SLUICE_TRY_ASSIGN(auto scan, start({changes.changes.table, std::move(changes.store)}, std::move(extra_fields)));
  const columnar::ColumnIndex type_column = scan->schema_.fields.size() - 3;
  scan->allow_partition_values(type_column);
  for (const delta::CommitChanges& commit : changes.changes.commits) {
    const auto version = duckdb::Value::BIGINT(commit.version.value());
    const std::chrono::microseconds time = commit.timestamp.time_since_epoch();
    const auto timestamp = duckdb::Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(time.count()));
    for (const delta::ChangeFile& change : commit.files) {
      File& entry = scan->add_change(change);
      if (change.kind != delta::ChangeFile::Kind::Recorded) {
        entry.constants.emplace_back(type_column, change_type_of(change.kind));
      }
      entry.constants.emplace_back(type_column + 1, version);
      entry.constants.emplace_back(type_column + 2, timestamp);
    }
  }
  mount_files(scan, files);
  return std::shared_ptr<const DeltaScan>(std::move(scan));
}

Result<std::shared_ptr<const DeltaScan>> DeltaScan::create_changed_rows(DeltaTable table,
                                                                        std::vector<delta::ChangeFile> changes,
                                                                        ObjectFileSystem& files) {
  using Kind = delta::ChangeFile::Kind;
  const bool some_recorded = std::ranges::find(changes, Kind::Recorded, &delta::ChangeFile::kind) != changes.end();
  std::vector<delta::StructField> extra_fields;
  if (some_recorded) {
    extra_fields.push_back(field(std::string(delta::kChangeTypeColumn), delta::DataType::Kind::String));
  }
  SLUICE_TRY_ASSIGN(auto scan, start(std::move(table), std::move(extra_fields)));
  const columnar::ColumnIndex column_count = scan->schema_.fields.size() - (some_recorded ? 1 : 0);
  scan->allow_partition_values(column_count);
  for (const delta::ChangeFile& change : changes) {
    File& entry = scan->add_change(change);
    if (some_recorded && change.kind != Kind::Recorded) {
      entry.constants.emplace_back(column_count, change_type_of(change.kind));
    }
  }
  mount_files(scan, files);
  return std::shared_ptr<const DeltaScan>(std::move(scan));
}

void DeltaScan::allow_partition_values(columnar::ColumnIndex column_count) {
  const auto mode = table_.snapshot->properties().column_mapping_mode;
  for (columnar::ColumnIndex column = 0; column < column_count; ++column) {
    partition_columns_.push_back({column, delta::physical_name(fields_.fields[column], mode)});
  }
}

DeltaScan::File& DeltaScan::add_change(const delta::ChangeFile& change) {
  File& entry = files_.emplace_back();
  entry.action.path = change.path;
  entry.action.partition_values = change.partition_values;
  entry.action.deletion_vector = change.without;
  entry.only = change.only;
  return entry;
}

void ScanReads::add_to(delta::ReadSet& reads) const {
  if (!is_narrowed) {
    reads.whole_table = true;
    return;
  }
  reads.predicates.push_back(delta::FilePredicate::conjunction(conditions));
  for (const std::size_t number : files) reads.files.insert(scan->file(number).action.path);
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
  function.get_virtual_columns = virtual_columns;
  function.get_partition_stats = nullptr;
  function.get_bind_info = [](const duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
    const auto& data = bind_data->Cast<duckdb::MultiFileBindData>();
    auto* table = static_cast<const DeltaFileReader&>(*data.multi_file_reader).table();
    return table == nullptr ? duckdb::BindInfo(duckdb::ScanType::PARQUET) : duckdb::BindInfo(*table);
  };
  function.SetSerializeCallback(nullptr);
  function.SetDeserializeCallback(nullptr);
  return function;
}

duckdb::unique_ptr<duckdb::FunctionData> bind_delta_scan(duckdb::ClientContext& client,
                                                         std::shared_ptr<const DeltaScan> scan,
                                                         duckdb::vector<duckdb::LogicalType>& types,
                                                         duckdb::vector<std::string>& names, ScanPurpose purpose) {
  // To DuckDB a table without columns is a mistake of whoever binds it.
  if (scan->schema().fields.empty()) {
    fail(*scan,
         Error(ErrorCode::Unsupported, "the table has no columns, so there is nothing to select")
             .with_help("add one: ATTACH 'folder' AS lake (TYPE delta); ALTER TABLE lake.t ADD COLUMN name type"));
  }
  auto interface = duckdb::ParquetMultiFileInfo::CreateInterface(client);
  const bool has_variant = holds(scan->table().snapshot->schema(), delta::DataType::Kind::Variant);
  auto reader = duckdb::make_uniq<DeltaFileReader>(scan, purpose.table);
  auto files = DeltaFileList::all_of(std::move(scan), std::move(purpose.reads));
  interface->InitializeInterface(client, *reader, *files);
  auto options = interface->InitializeOptions(client, nullptr);
  // Statistics of other writers pass NaN over, which is greater than any number to DuckDB.
  auto& parquet_options = options->Cast<duckdb::ParquetFileReaderOptions>().options;
  parquet_options.can_have_nan = true;
  // Not every writer marks a variant as one in the file; the table's schema knows.
  parquet_options.variant_legacy_encoding = has_variant;
  duckdb::MultiFileOptions file_options;
  file_options.auto_detect_hive_partitioning = false;
  return ParquetScan::MultiFileBindInternal(client, std::move(reader), std::move(files), types, names,
                                            std::move(file_options), std::move(options), std::move(interface));
}

Status scan_files(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan,
                  const LiveRowSink& sink) {
  Status outcome = ok();
  const Status ran = columnar::guard([&] { outcome = FileByFile(client, scan, {}).run(with_action(*scan, sink), {}); });
  if (auto failure = scan->mount().failure()) return std::move(*failure);
  return ran ? outcome : ran;
}

Status run_delta_scan(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan,
                      const LiveRowSink& sink, const std::stop_token& stop) {
  return run_scan(client, scan, {}, with_action(*scan, sink), stop);
}

Status run_file_scan(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan,
                     const NeededColumns& needed, const FileRowSink& sink, const std::stop_token& stop) {
  const auto without_positions = [&](duckdb::DataChunk& rows, std::size_t file, std::span<const std::uint64_t>) {
    return sink(rows, file);
  };
  return run_scan(client, scan, needed, without_positions, stop);
}

}  // namespace sluice::lake
