#include "delta/data_file_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <duckdb/common/vector_operations/vector_operations.hpp>

#include "base/check.h"
#include "columnar/guard.h"
#include "delta/data_path.h"
#include "delta/duckdb_schema.h"
#include "delta/file_statistics.h"

namespace sluice::delta {
namespace {

bool may_be_empty(const duckdb::LogicalType& type) {
  return type.id() == duckdb::LogicalTypeId::VARCHAR || type.id() == duckdb::LogicalTypeId::BLOB;
}

/// Makes empty values NULL, in a copy if there are any.
void null_empty(duckdb::Vector& column, std::size_t row_count) {
  duckdb::UnifiedVectorFormat format;
  column.ToUnifiedFormat(row_count, format);
  const auto* values = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
  std::vector<std::size_t> empty_rows;
  for (std::size_t row = 0; row < row_count; ++row) {
    const auto index = format.sel->get_index(row);
    if (format.validity.RowIsValid(index) && values[index].GetSize() == 0) empty_rows.push_back(row);
  }
  if (empty_rows.empty()) return;
  duckdb::Vector copy(column.GetType());
  duckdb::VectorOperations::Copy(column, copy, row_count, 0, 0);
  for (const std::size_t row : empty_rows) duckdb::FlatVector::SetNull(copy, row, true);
  column.Reference(copy);
}

}  // namespace

Result<DataFileOptions> DataFileOptions::of_table(const Metadata& metadata) {
  DataFileOptions options;
  SLUICE_TRY_ASSIGN(auto schema, read_schema(metadata.schema_string));
  SLUICE_TRY_ASSIGN(options.properties, read_properties(metadata.configuration));
  options.schema = columnar_schema(schema);
  options.partition_columns = metadata.partition_columns;
  if (options.properties.column_mapping_mode != ColumnMappingMode::None) options.mapped_schema = std::move(schema);
  return options;
}

DataFileWriter::DataFileWriter(store::ObjectStore& store, Clock& clock, Random& random,
                               columnar::ParquetContext& context, DataFileOptions options)
    : store_(store), clock_(clock), random_(random), context_(context), options_(std::move(options)) {}

Result<std::unique_ptr<DataFileWriter>> DataFileWriter::create(store::ObjectStore& store, Clock& clock, Random& random,
                                                               columnar::ParquetContext& context,
                                                               DataFileOptions options) {
  std::unique_ptr<DataFileWriter> files(new DataFileWriter(store, clock, random, context, std::move(options)));
  const columnar::Schema& schema = files->options_.schema;
  columnar::RowType partition_types;
  for (const std::string& name : files->options_.partition_columns) {
    const auto column = schema.find(name);
    if (!column) return Error(ErrorCode::InvalidArgument, fmt::format("partition column {} is not in the table", name));
    const columnar::Field& field = schema.fields[*column];
    if (field.type.IsNested()) {
      return Error(ErrorCode::InvalidArgument, fmt::format("partition column {} has type {}; use a column of its parts",
                                                           name, field.type.ToString()));
    }
    files->partition_columns_.push_back(*column);
    partition_types.push_back(field.type);
  }
  for (columnar::ColumnIndex i = 0; i < schema.fields.size(); ++i) {
    const auto& partition = files->partition_columns_;
    if (std::find(partition.begin(), partition.end(), i) != partition.end()) continue;
    files->file_columns_.push_back(i);
    files->file_schema_.fields.push_back(schema.fields[i]);
  }
  SLUICE_TRY(files->name_columns());
  if (!partition_types.empty()) {
    SLUICE_TRY_ASSIGN(auto codec, columnar::RowCodec::create_for_keys(std::move(partition_types)));
    files->partition_codec_ = std::move(codec);
  }
  return files;
}

Status DataFileWriter::name_columns() {
  for (const columnar::ColumnIndex column : partition_columns_)
    partition_names_.push_back(options_.schema.fields[column].name);
  if (!options_.mapped_schema) {
    physical_schema_ = file_schema_;
    SLUICE_TRY_ASSIGN(file_delta_schema_, delta_schema(file_schema_));
    return ok();
  }
  const auto mapped = [&](const std::string& name) -> const StructField& {
    const auto& fields = options_.mapped_schema->fields;
    const auto found = std::ranges::find(fields, name, &StructField::name);
    SLUICE_CHECK(found != fields.end(), "the mapped schema has every column of the table");
    return *found;
  };
  for (std::string& name : partition_names_) name = mapped(name).physical_name();
  file_delta_schema_ = DataType::structure({});
  for (const columnar::Field& field : file_schema_.fields) file_delta_schema_.fields.push_back(mapped(field.name));
  physical_schema_ = physical_schema(file_delta_schema_);
  field_ids_ = field_ids(file_delta_schema_);
  return ok();
}

void DataFileWriter::normalise(duckdb::DataChunk& rows) const {
  for (const columnar::ColumnIndex column : partition_columns_) {
    if (may_be_empty(rows.data[column].GetType())) null_empty(rows.data[column], rows.size());
  }
}

Status DataFileWriter::write(duckdb::DataChunk& rows, std::vector<NewPlace>* places) {
  if (rows.size() == 0) return ok();
  row_count_ += rows.size();
  SLUICE_TRY(partition_codec_ ? write_partitioned(rows, places) : write_unpartitioned(rows, places));
  while (buffered_bytes() > options_.buffered_bytes_max) {
    SLUICE_TRY(close_largest());
  }
  return ok();
}

Status DataFileWriter::write_unpartitioned(duckdb::DataChunk& rows, std::vector<NewPlace>* places) {
  SLUICE_TRY_ASSIGN(const auto file, file_for("", rows, 0));
  for (std::uint64_t i = 0; places != nullptr && i < rows.size(); ++i) {
    places->push_back({file->second.number, file->second.row_count + i});
  }
  return append(file, rows);
}

Status DataFileWriter::write_partitioned(duckdb::DataChunk& rows, std::vector<NewPlace>* places) {
  columnar::EncodedRows partitions;
  std::map<std::string_view, std::vector<std::uint32_t>> rows_of;
  SLUICE_TRY(columnar::guard([&] { partition_codec_->encode(rows, partition_columns_, partitions); }));
  for (std::uint32_t row = 0; row < rows.size(); ++row) rows_of[partitions.row(row)].push_back(row);

  const std::size_t first_place = places == nullptr ? 0 : places->size();
  if (places != nullptr) places->resize(first_place + rows.size());
  for (const auto& [partition, members] : rows_of) {
    SLUICE_TRY_ASSIGN(const auto file, file_for(std::string(partition), rows, members.front()));
    for (std::uint64_t i = 0; places != nullptr && i < members.size(); ++i) {
      (*places)[first_place + members[i]] = {file->second.number, file->second.row_count + i};
    }
    duckdb::DataChunk part;
    SLUICE_TRY(columnar::guard([&] {
      duckdb::SelectionVector selection(members.size());
      for (std::size_t i = 0; i < members.size(); ++i) selection.set_index(i, members[i]);
      duckdb::vector<duckdb::LogicalType> types;
      for (const columnar::Field& field : file_schema_.fields) types.push_back(field.type);
      part.InitializeEmpty(types);
      for (std::size_t i = 0; i < file_columns_.size(); ++i) {
        part.data[i].Slice(rows.data[file_columns_[i]], selection, members.size());
      }
      part.SetCardinality(members.size());
    }));
    SLUICE_TRY(append(file, part));
  }
  return ok();
}

Result<DataFileWriter::OpenFiles::iterator> DataFileWriter::file_for(const std::string& partition,
                                                                     const duckdb::DataChunk& rows, std::size_t row) {
  if (const auto found = open_.find(partition); found != open_.end()) return found;
  while (open_.size() >= kFilesOpenMax) {
    SLUICE_TRY(close_largest());
  }
  PartitionValues values;
  std::vector<std::pair<std::string, std::optional<std::string>>> folders;
  for (std::size_t i = 0; i < partition_columns_.size(); ++i) {
    const columnar::ColumnIndex column = partition_columns_[i];
    auto text = write_partition_value(rows.GetValue(column, row));
    if (!text)
      return std::move(text).error().in(fmt::format("partition column {}", options_.schema.fields[column].name));
    values.emplace(partition_names_[i], *text);
    folders.emplace_back(partition_names_[i], std::move(*text));
  }
  const auto number = static_cast<std::uint32_t>(closed_.size());
  std::string key = fmt::format("{}{}{}-{:05}-{}.zstd.parquet", options_.folder, partition_folder(folders),
                                options_.name_prefix, number, random_.uuid());
  SLUICE_TRY_ASSIGN(auto parquet, columnar::ParquetWriter::create(
                                      context_, store_, key, physical_schema_,
                                      {.field_ids = field_ids_, .compression = options_.properties.compression}));
  closed_.emplace_back();
  return open_
      .emplace(partition, OpenFile{number, std::move(key), std::move(values), std::move(parquet),
                                   StatisticsAccumulator(file_delta_schema_, options_.properties), 0})
      .first;
}

Status DataFileWriter::append(OpenFiles::iterator file, duckdb::DataChunk& rows) {
  OpenFile& open = file->second;
  SLUICE_TRY(columnar::guard([&] { open.statistics.add(rows); }));
  SLUICE_TRY(options_.mapped_schema ? write_physical(*open.parquet, rows) : open.parquet->append(rows));
  open.row_count += rows.size();
  return open.parquet->size_bytes_estimate() < options_.properties.file_bytes_target ? ok() : close(file);
}

Status DataFileWriter::write_physical(columnar::ParquetWriter& parquet, duckdb::DataChunk& rows) {
  duckdb::DataChunk physical;
  SLUICE_TRY(columnar::guard([&] {
    const columnar::RowType types = physical_schema_.types();
    physical.InitializeEmpty(duckdb::vector<duckdb::LogicalType>(types.begin(), types.end()));
    for (std::size_t i = 0; i < types.size(); ++i) physical.data[i].Reinterpret(rows.data[i]);
    physical.SetCardinality(rows.size());
  }));
  return parquet.append(physical);
}

Status DataFileWriter::close(OpenFiles::iterator file) {
  OpenFile& open = file->second;
  keys_.push_back(open.key);
  SLUICE_TRY_ASSIGN(const auto written, std::move(*open.parquet).finish());
  AddFile& action = closed_[open.number];
  action.path = encode_path(open.key);
  action.partition_values = std::move(open.partition_values);
  action.size_bytes = static_cast<std::int64_t>(written.size_bytes);
  action.modification_time = clock_.now();
  action.stats = write_statistics(open.statistics.finish());
  open_.erase(file);
  return ok();
}

Status DataFileWriter::close_largest() {
  return close(std::max_element(open_.begin(), open_.end(), [](const auto& left, const auto& right) {
    return left.second.parquet->buffered_bytes() < right.second.parquet->buffered_bytes();
  }));
}

Result<std::vector<AddFile>> DataFileWriter::finish() {
  while (!open_.empty()) {
    SLUICE_TRY(close(open_.begin()));
  }
  return std::exchange(closed_, {});
}

void DataFileWriter::keep() {
  keys_.clear();
  row_count_ = 0;
}

void DataFileWriter::discard() {
  open_.clear();
  closed_.clear();
  // What cannot be removed is not in the log, and VACUUM takes it.
  for (const std::string& key : keys_) static_cast<void>(store_.remove(key));
  keep();
}

std::uint64_t DataFileWriter::buffered_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [partition, file] : open_) bytes += file.parquet->buffered_bytes();
  return bytes;
}

}  // namespace sluice::delta
