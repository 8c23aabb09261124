#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "columnar/parquet_writer.h"
#include "delta/data_path.h"
#include "delta/deletion_vector.h"
#include "delta/duckdb_schema.h"
#include "delta/file_statistics.h"
#include "delta/statistics_accumulator.h"
#include "delta/table_definition.h"
#include "delta/transaction.h"
#include "lake/lake.h"
#include "lake/lake_test_rows.h"
#include "store/memory_store.h"

namespace sluice::lake {

/// For tests: a Delta table named t in a Lake, made commit by commit from what queries of a plain DuckDB give.
class DeltaTableTest : public testing::Test {
 protected:
  void SetUp() override {
    LakeOptions options;
    options.list_tables = [] { return std::vector<TableName>{{"main", "t"}, {"sluice", "no table"}}; };
    options.find_table = [this](const std::optional<std::string>& schema,
                                const std::string& name) -> Result<std::optional<DeltaTable>> {
      ++find_count_;
      if (name != "t" || duckdb::StringUtil::Lower(schema.value_or("main")) != "main")
        return std::optional<DeltaTable>();
      return std::optional(DeltaTable{snapshot_, store_});
    };
    lake_ = std::move(*Lake::create(std::move(options)));
  }

  columnar::Schema schema_of(const std::string& sql) {
    auto result = connection_.Query(sql);
    EXPECT_FALSE(result->HasError()) << result->GetError();
    columnar::Schema schema;
    for (std::size_t i = 0; i < result->types.size(); ++i) {
      schema.fields.push_back({result->names[i], result->types[i], true, {}});
    }
    return schema;
  }

  void create_table(const std::string& columns, std::vector<std::string> partition_columns = {}) {
    delta::TableDefinition definition;
    definition.schema = *delta::delta_schema(schema_of(columns));
    definition.partition_columns = std::move(partition_columns);
    definition.properties["delta.enableDeletionVectors"] = "true";
    auto actions = delta::create_table_actions(definition, clock_, random_);
    ASSERT_TRUE(actions) << actions.error().message();
    commit(*actions);
  }

  void alter_table(const std::string& columns) {
    delta::TableDefinition definition;
    definition.schema = *delta::delta_schema(schema_of(columns));
    definition.partition_columns = snapshot_->metadata().partition_columns;
    definition.properties = snapshot_->metadata().configuration;
    auto actions = delta::alter_table_actions(*snapshot_, definition, random_);
    ASSERT_TRUE(actions) << actions.error().message();
    commit(*actions);
  }

  /// Writes the query's rows as a data file and adds it, with its statistics, with the rows `deleted` marked.
  void add_file(const std::string& key, const std::string& sql, delta::PartitionValues partition = {},
                const std::vector<std::uint64_t>& deleted = {}) {
    auto result = connection_.Query(sql);
    ASSERT_FALSE(result->HasError()) << result->GetError();
    auto writer = columnar::ParquetWriter::create(*store_, key, schema_of(sql), {.row_group_rows_max = 4096});
    ASSERT_TRUE(writer) << writer.error().message();
    delta::StatisticsAccumulator statistics(*delta::delta_schema(schema_of(sql)), delta::TableProperties());
    for (auto& chunk : result->Collection().Chunks()) {
      statistics.add(chunk);
      ASSERT_TRUE((*writer)->append(chunk));
    }
    const auto written = std::move(**writer).finish();
    ASSERT_TRUE(written);
    delta::AddFile file;
    file.path = delta::encode_path(key);
    file.partition_values = std::move(partition);
    file.size_bytes = static_cast<std::int64_t>(written->size_bytes);
    file.modification_time = clock_.now();
    file.stats = delta::write_statistics(statistics.finish());
    if (!deleted.empty()) {
      file.stats = *delta::with_wide_bounds(*file.stats);
      file.deletion_vector = delta::inline_deletion_vector(delta::DeletionVector(deleted));
    }
    commit({file});
  }

  void commit(std::vector<delta::Action> actions) {
    delta::CommitRequest request;
    request.actions = std::move(actions);
    request.info.operation = "TEST";
    auto outcome = delta::Transaction(*store_, clock_, random_, snapshot_).commit(std::move(request));
    ASSERT_TRUE(outcome) << outcome.error().message();
    auto snapshot = delta::Snapshot::load(*store_);
    ASSERT_TRUE(snapshot) << snapshot.error().message();
    snapshot_ = std::move(*snapshot);
  }

  std::string query(const std::string& sql) { return text_of(lake_->query(sql)); }

  ErrorCode code_of(const std::string& sql) {
    auto rows = lake_->query(sql);
    if (!rows) return rows.error().code();
    while (true) {
      auto chunk = (*rows)->next();
      if (!chunk) return chunk.error().code();
      if (!*chunk) return ErrorCode::Internal;
    }
  }

  std::uint32_t number_of(const std::string& sql) {
    const auto rows = lake_->query(sql);
    return rows ? 0u : rows.error().number();
  }

  ManualClock clock_{UnixMillis(std::chrono::milliseconds(1'700'000'000'000))};
  SeededRandom random_{1};
  std::shared_ptr<store::ObjectStore> store_ = std::make_shared<store::MemoryStore>(clock_);
  std::shared_ptr<const delta::Snapshot> snapshot_;
  std::unique_ptr<Lake> lake_;
  int find_count_ = 0;
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
};

}  // namespace sluice::lake
