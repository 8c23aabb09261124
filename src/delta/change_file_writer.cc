#include "delta/change_file_writer.h"

#include <string>
#include <utility>

#include <duckdb/common/types/value.hpp>

#include "columnar/guard.h"
#include "delta/change_files.h"

namespace sluice::delta {
namespace {

constexpr const char* kFolder = "_change_data/";

const char* name_of(RowChange change) {
  switch (change) {
    case RowChange::Insert: return "insert";
    case RowChange::Delete: return "delete";
    case RowChange::UpdatePreimage: return "update_preimage";
    case RowChange::UpdatePostimage: return "update_postimage";
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<ChangeFileWriter>> ChangeFileWriter::create(store::ObjectStore& store, Clock& clock,
                                                                   Random& random, columnar::ParquetContext& context,
                                                                   const DataFileOptions& table) {
  DataFileOptions options = table;
  SLUICE_TRY(check_change_feed_columns(options.schema));
  const std::string column(kChangeTypeColumn);
  options.schema.fields.push_back({column, duckdb::LogicalType::VARCHAR, true, {}});
  if (options.mapped_schema) {
    options.mapped_schema->fields.push_back({column, DataType::primitive(DataType::Kind::String), true, {}});
  }
  options.folder = kFolder;
  options.name_prefix = "cdc";
  options.properties.statistics_columns.reset();
  options.properties.statistics_columns_max = 0;  // the log has none for these files
  options.buffered_bytes_max = kBufferedBytesMax;
  SLUICE_TRY_ASSIGN(auto files, DataFileWriter::create(store, clock, random, context, std::move(options)));
  return std::unique_ptr<ChangeFileWriter>(new ChangeFileWriter(std::move(files)));
}

Status ChangeFileWriter::write(const duckdb::DataChunk& rows, RowChange change) {
  duckdb::DataChunk changed;
  SLUICE_TRY(columnar::guard([&] {
    auto types = rows.GetTypes();
    types.push_back(duckdb::LogicalType::VARCHAR);
    changed.InitializeEmpty(types);
    for (std::size_t i = 0; i < rows.ColumnCount(); ++i) changed.data[i].Reference(rows.data[i]);
    changed.data.back().Reference(duckdb::Value(name_of(change)));
    changed.SetCardinality(rows.size());
  }));
  return files_->write(changed, nullptr);
}

Result<std::vector<AddCdcFile>> ChangeFileWriter::finish() {
  SLUICE_TRY_ASSIGN(auto files, files_->finish());
  std::vector<AddCdcFile> actions;
  for (AddFile& file : files) {
    AddCdcFile& action = actions.emplace_back();
    action.path = std::move(file.path);
    action.partition_values = std::move(file.partition_values);
    action.size_bytes = file.size_bytes;
  }
  return actions;
}

}  // namespace sluice::delta
