#include "lake/internal/variant_nulls.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "columnar/guard.h"
#include "delta/column_mapping.h"
#include "delta/file_statistics.h"
#include "delta/statistics_accumulator.h"
#include "lake/internal/delta_scan.h"
#include "lake/internal/error_numbers.h"

namespace sluice::lake {
namespace {

/// Collects the columns of variants, and the members of structs that are ones, under their names in statistics.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema.
void collect_variants(const delta::DataType& type, delta::ColumnMappingMode mode, const delta::ColumnPath& parent,
                      std::vector<delta::ColumnPath>& variants) {
  for (const delta::StructField& field : type.fields) {
    delta::ColumnPath path = parent;
    path.push_back(delta::physical_name(field, mode));
    if (field.type.kind == delta::DataType::Kind::Variant) variants.push_back(path);
    collect_variants(field.type, mode, path, variants);
  }
}

/// A file to be looked at, and what its statistics say.
struct Expected {
  delta::FileStatistics stated;
  delta::StatisticsAccumulator found;
};

std::optional<std::int64_t> null_count(const delta::FileStatistics& statistics, const delta::ColumnPath& column) {
  const delta::ColumnStatistics* found = statistics.find(column);
  return found == nullptr ? std::nullopt : found->null_count;
}

}  // namespace

Status check_variant_nulls(duckdb::ClientContext& client, ObjectFileSystem& files, const DeltaTable& table,
                           const std::vector<delta::AddFile>& rewritten) {
  const delta::Snapshot& snapshot = *table.snapshot;
  std::vector<delta::ColumnPath> variants;
  collect_variants(snapshot.schema(), snapshot.properties().column_mapping_mode, {}, variants);
  if (variants.empty()) return ok();
  delta::TableProperties all_columns = snapshot.properties();
  all_columns.statistics_columns.reset();
  all_columns.statistics_columns_max = -1;
  std::map<std::string, Expected> expected;
  std::vector<DeltaScan::PartOfFile> parts;
  for (const delta::AddFile& file : rewritten) {
    if (!file.stats) continue;
    SLUICE_TRY_ASSIGN(auto stated, delta::read_statistics(*file.stats));
    expected.emplace(file.path,
                     Expected{std::move(stated), delta::StatisticsAccumulator(snapshot.schema(), all_columns)});
    parts.push_back({file, {}});
    parts.back().file.deletion_vector.reset();  // statistics count the rows that it marks
  }
  if (parts.empty()) return ok();
  SLUICE_TRY_ASSIGN(const auto scan, DeltaScan::create_of_parts(table, std::move(parts), files));
  const LiveRowSink count = [&](duckdb::DataChunk& rows, const delta::AddFile& file, std::span<const std::uint64_t>) {
    return columnar::guard([&] { expected.at(file.path).found.add(rows); });
  };
  SLUICE_TRY(scan_files(client, scan, count));
  for (const auto& [path, file] : expected) {
    const delta::FileStatistics found = file.found.finish();
    for (const delta::ColumnPath& column : variants) {
      const auto stated_count = null_count(file.stated, column);
      if (!stated_count || null_count(found, column).value_or(0) <= *stated_count) continue;
      return Error(ErrorCode::Unsupported,
                   fmt::format("file {} has variants that hold null, which would become NULL if its rows were written "
                               "anew",
                               path))
          .with_number(kErrorStatement)
          .with_help(
              "Spark writes them as they are; a DELETE leaves the other rows as they are where "
              "delta.enableDeletionVectors is true");
    }
  }
  return ok();
}

}  // namespace sluice::lake
