#include "connect/delta/table_writer.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "delta/change_files.h"
#include "delta/deletion_vector.h"
#include "delta/duckdb_schema.h"
#include "delta/file_statistics.h"
#include "delta/table_definition.h"
#include "delta/transaction.h"
#include "lake/lake.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace sluice::connect {
namespace {

/// One table in memory, written by TableWriter, committed by delta, read back by lake.
class TableWriterTest : public testing::Test {
 protected:
  /// Makes the table `t` with the columns of a query, and a writer for it.
  void make_table(const std::string& columns, WriteMode mode, std::vector<std::string> partition_columns = {}) {
    auto rows = query(columns);
    for (std::size_t i = 0; i < rows->types.size(); ++i) {
      options_.files.schema.fields.push_back({rows->names[i], rows->types[i], true, {}});
    }
    options_.table = "main.t";
    options_.mode = mode;
    options_.files.partition_columns = std::move(partition_columns);
    delta::TableDefinition definition;
    definition.schema = *delta::delta_schema(options_.files.schema);
    definition.partition_columns = options_.files.partition_columns;
    if (has_feed_) {
      definition.properties["delta.enableChangeDataFeed"] = "true";
      options_.files.properties.enable_change_data_feed = true;
    }
    if (mode == WriteMode::Changes) definition.properties["delta.enableDeletionVectors"] = "true";
    auto actions = delta::create_table_actions(definition, clock_, random_);
    ASSERT_TRUE(actions) << actions.error().message();
    commit(*actions);
    open_writer();
  }

  /// Begins anew with what is in the store, as after a restart.
  void open_writer() {
    auto writer =
        TableWriter::create(faulty_, clock_, random_, options_, snapshot_,
                            [this](const std::shared_ptr<const delta::Snapshot>& snapshot, const LiveRowSink& sink) {
                              ++scan_count_;
                              return lake_->scan_table({snapshot, store_}, sink);
                            });
    ASSERT_TRUE(writer) << writer.error().message();
    writer_ = std::move(*writer);
  }

  /// Writes changes given as SQL rows, weight first: "(1, 7, 'ann'), (-1, 8, 'bob')".
  Status write(const std::string& rows) {
    const std::string names = "weight, " + column_names();
    auto result = query("SELECT * FROM (VALUES " + rows + ") t(" + names + ")");
    for (auto& chunk : result->Collection().Chunks()) {
      duckdb::DataChunk values;
      duckdb::vector<duckdb::LogicalType> types;
      for (const columnar::Field& field : options_.files.schema.fields) types.push_back(field.type);
      values.Initialize(*connection_.context, types);
      std::vector<std::int64_t> weights;
      for (std::size_t row = 0; row < chunk.size(); ++row) {
        weights.push_back(chunk.GetValue(0, row).GetValue<std::int64_t>());
        for (std::size_t column = 0; column < types.size(); ++column) {
          values.SetValue(column, row, chunk.GetValue(column + 1, row).DefaultCastAs(types[column]));
        }
      }
      values.SetCardinality(chunk.size());
      columnar::ChangeBatch batch(std::move(values), std::move(weights));
      SLUICE_TRY(writer_->write(batch));
    }
    return ok();
  }

  /// Ends the epoch and commits it. Returns what it did.
  PreparedChanges commit_epoch() {
    auto prepared = writer_->prepare();
    EXPECT_TRUE(prepared) << prepared.error().message();
    if (!prepared) return {};
    commit(prepared->actions);
    writer_->applied(snapshot_);
    return std::move(*prepared);
  }

  void commit(const std::vector<delta::Action>& actions) {
    if (actions.empty()) return;
    delta::CommitRequest request;
    request.actions = actions;
    request.info.operation = "TEST";
    auto outcome = delta::Transaction(*store_, clock_, random_, snapshot_).commit(std::move(request));
    ASSERT_TRUE(outcome) << outcome.error().message();
    ASSERT_TRUE(std::holds_alternative<delta::Committed>(*outcome));
    auto snapshot = delta::Snapshot::load(*store_);
    ASSERT_TRUE(snapshot) << snapshot.error().message();
    snapshot_ = std::move(*snapshot);
  }

  /// Lets each of the first calls of each kind fail that an epoch makes, before and after its effect.
  void expect_faults_leave_the_table_as_it_was(std::uint64_t operation_count, std::size_t expected_struck_count) {
    make_table("SELECT 1 AS id, 1 AS part", WriteMode::Changes, {"part"});
    ASSERT_TRUE(write("(1, 1, 1), (1, 2, 1), (1, 3, 2)"));
    commit_epoch();
    const std::size_t objects = data_object_count();
    std::size_t struck_count = 0;
    for (const store::Operation operation :
         {store::Operation::Create, store::Operation::Append, store::Operation::Finish}) {
      for (const auto moment : {store::Fault::Moment::Before, store::Fault::Moment::After}) {
        for (std::uint64_t nth = 1; nth <= operation_count; ++nth) {
          set_faults({{operation, "", nth, ErrorCode::ResourceExhausted, moment}});
          ASSERT_TRUE(write("(-1, 1, 1), (1, 4, 1), (1, 5, 2)"));
          const auto prepared = writer_->prepare();
          ASSERT_FALSE(prepared);
          EXPECT_EQ(prepared.error().code(), ErrorCode::ResourceExhausted);
          struck_count += faulty_.inner().struck_count();
          writer_->abort();
          EXPECT_EQ(data_object_count(), objects);
          EXPECT_EQ(rows(), "1|1\n2|1\n3|2\n");
        }
      }
    }
    EXPECT_EQ(struck_count, expected_struck_count);
    set_faults({});
    ASSERT_TRUE(write("(-1, 1, 1), (1, 4, 1), (1, 5, 2)"));
    commit_epoch();
    EXPECT_EQ(rows(), "2|1\n3|2\n4|1\n5|2\n");
  }

  /// Returns the table's rows as lines "a|b", sorted by DuckDB's order.
  std::string rows() {
    auto result = lake_->query("SELECT " + column_names() + " FROM t ORDER BY ALL");
    if (!result) return result.error().message();
    std::string text;
    while (true) {
      auto chunk = (*result)->next();
      if (!chunk) return chunk.error().message();
      if (!*chunk) return text;
      for (std::size_t row = 0; row < (*chunk)->size(); ++row) {
        for (std::size_t column = 0; column < (*chunk)->ColumnCount(); ++column) {
          text += (column == 0 ? "" : "|") + (*chunk)->GetValue(column, row).ToString();
        }
        text += "\n";
      }
    }
  }

  /// Returns the change data feed between two versions, as rows() does: the columns, then what happened.
  std::string feed(delta::Version from, delta::Version to) {
    std::vector<std::string> lines;
    auto changes = delta::load_changes(*store_, from, to);
    if (!changes) return changes.error().message();
    const auto sink = [&](columnar::ChangeBatch& batch) {
      const duckdb::DataChunk& rows = batch.rows();
      for (std::size_t row = 0; row < rows.size(); ++row) {
        std::string& line = lines.emplace_back();
        for (std::size_t column = 0; column + 2 < rows.ColumnCount(); ++column) {
          line += (column == 0 ? "" : "|") + rows.GetValue(column, row).ToString();
        }
      }
      return ok();
    };
    const Status read = lake_->scan_feed({std::move(**changes), store_}, {}, sink);
    if (!read) return read.error().message();
    std::ranges::sort(lines);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }

  std::vector<delta::AddFile> files() const {
    std::vector<delta::AddFile> files;
    for (const delta::AddFile& file : snapshot_->files()) files.push_back(file);
    return files;
  }
  std::size_t data_object_count() {
    const auto objects = store_->list("", "");
    return static_cast<std::size_t>(std::count_if(
        objects->begin(), objects->end(), [](const auto& object) { return !object.key.starts_with("_delta_log/"); }));
  }

  std::string column_names() const {
    std::string names;
    for (const columnar::Field& field : options_.files.schema.fields)
      names += (names.empty() ? "\"" : ", \"") + field.name + "\"";
    return names;
  }

  duckdb::unique_ptr<duckdb::MaterializedQueryResult> query(const std::string& sql) {
    auto result = connection_.Query(sql);
    EXPECT_FALSE(result->HasError()) << result->GetError();
    return result;
  }

  void make_lake() {
    lake::LakeOptions options;
    options.find_table = [this](const std::optional<std::string>&,
                                const std::string& name) -> Result<std::optional<lake::DeltaTable>> {
      if (name != "t") return std::optional<lake::DeltaTable>();
      return std::optional(lake::DeltaTable{snapshot_, store_});
    };
    lake_ = std::move(*lake::Lake::create(std::move(options)));
  }
  void SetUp() override { make_lake(); }

  /// Makes the writer's store fail by schedule from now on.
  void set_faults(std::vector<store::Fault> faults) {
    faulty_.set(std::make_unique<store::FaultStore>(*store_, std::move(faults)));
  }

  /// A store whose faults can be exchanged under the writer.
  class ExchangeableStore final : public store::ObjectStore {
   public:
    explicit ExchangeableStore(store::ObjectStore& inner)
        : inner_(std::make_unique<store::FaultStore>(inner, std::vector<store::Fault>())) {}
    void set(std::unique_ptr<store::FaultStore> inner) { inner_ = std::move(inner); }
    store::FaultStore& inner() { return *inner_; }
    Result<std::optional<Bytes>> get(std::string_view key) override { return inner_->get(key); }
    Result<std::unique_ptr<store::RandomReader>> open(std::string_view key) override { return inner_->open(key); }
    Result<std::optional<store::ObjectInfo>> head(std::string_view key) override { return inner_->head(key); }
    Result<std::vector<store::ObjectInfo>> list(std::string_view prefix, std::string_view after) override {
      return inner_->list(prefix, after);
    }
    Status put(std::string_view key, BytesView bytes) override { return inner_->put(key, bytes); }
    Result<store::PutOutcome> put_if_absent(std::string_view key, BytesView bytes) override {
      return inner_->put_if_absent(key, bytes);
    }
    Result<std::unique_ptr<store::ObjectWriter>> create(std::string_view key) override { return inner_->create(key); }
    Status remove(std::string_view key) override { return inner_->remove(key); }

   private:
    std::unique_ptr<store::FaultStore> inner_;
  };

  ManualClock clock_{UnixMillis(std::chrono::milliseconds(1'700'000'000'000))};
  SeededRandom random_{1};
  std::shared_ptr<store::MemoryStore> store_ = std::make_shared<store::MemoryStore>(clock_);
  ExchangeableStore faulty_{*store_};
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
  TableWriterOptions options_;
  std::shared_ptr<const delta::Snapshot> snapshot_;
  std::unique_ptr<lake::Lake> lake_;
  std::unique_ptr<TableWriter> writer_;
  int scan_count_ = 0;
  bool has_feed_ = false;  // of tables made from then on
};

TEST_F(TableWriterTest, AppendedRowsAreInTheTable) {
  make_table("SELECT 1 AS id, '' AS name", WriteMode::Append);
  ASSERT_TRUE(write("(1, 7, 'ann'), (1, 8, 'bob')"));
  ASSERT_TRUE(write("(1, 9, 'cec')"));
  const PreparedChanges changes = commit_epoch();
  EXPECT_EQ(rows(), "7|ann\n8|bob\n9|cec\n");
  EXPECT_EQ(changes.rows_added, 3u);
  EXPECT_EQ(changes.files_added, 1u);
  ASSERT_EQ(files().size(), 1u);
  const auto statistics = delta::read_statistics(*files()[0].stats);
  EXPECT_EQ(statistics->num_records, 3);
  EXPECT_EQ(statistics->find({"id"})->min, "7");
  EXPECT_EQ(statistics->find({"name"})->max, "\"cec\"");
  EXPECT_EQ(changes.bytes_added, static_cast<std::uint64_t>(files()[0].size_bytes));
}

TEST_F(TableWriterTest, AWeightOfThreeAppendsThreeRows) {
  make_table("SELECT 1 AS id", WriteMode::Append);
  ASSERT_TRUE(write("(3, 7)"));
  EXPECT_EQ(commit_epoch().rows_added, 3u);
  EXPECT_EQ(rows(), "7\n7\n7\n");
}

TEST_F(TableWriterTest, AnAppendOnlyTableTakesNothingBack) {
  make_table("SELECT 1 AS id", WriteMode::Append);
  const Status status = write("(-1, 7)");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::Internal);
}

TEST_F(TableWriterTest, AnEpochWithoutChangesCommitsNothing) {
  make_table("SELECT 1 AS id", WriteMode::Changes);
  EXPECT_TRUE(commit_epoch().actions.empty());
}

TEST_F(TableWriterTest, ARowIsTakenBackByADeletionVector) {
  make_table("SELECT 1 AS id, '' AS name", WriteMode::Changes);
  ASSERT_TRUE(write("(1, 7, 'ann'), (1, 8, 'bob'), (1, 9, 'cec')"));
  commit_epoch();
  ASSERT_TRUE(write("(-1, 8, 'bob'), (1, 8, 'bea')"));
  const PreparedChanges changes = commit_epoch();
  EXPECT_EQ(rows(), "7|ann\n8|bea\n9|cec\n");
  EXPECT_EQ(changes.rows_removed, 1u);
  EXPECT_EQ(changes.deletion_vectors_added, 1u);
  EXPECT_EQ(changes.files_removed, 0u);
  EXPECT_EQ(changes.actions.size(), 3u);  // the file leaves, comes back with its vector, and the new rows' file

  ASSERT_EQ(files().size(), 2u);
  const auto marked = files()[0].deletion_vector ? files()[0] : files()[1];
  ASSERT_TRUE(marked.deletion_vector);
  EXPECT_EQ(delta::load_deletion_vector(*store_, *marked.deletion_vector)->rows(), std::vector<std::uint64_t>{1});
  const auto statistics = delta::read_statistics(*marked.stats);
  EXPECT_EQ(statistics->num_records, 3);
  EXPECT_EQ(statistics->tight_bounds, false);
}

TEST_F(TableWriterTest, LaterDeletionsAreAddedToEarlierOnes) {
  make_table("SELECT 1 AS id", WriteMode::Changes);
  ASSERT_TRUE(write("(1, 1), (1, 2), (1, 3), (1, 4)"));
  commit_epoch();
  for (const char* change : {"(-1, 2)", "(-1, 4)"}) {
    ASSERT_TRUE(write(change));
    commit_epoch();
  }
  EXPECT_EQ(rows(), "1\n3\n");
  ASSERT_EQ(files().size(), 1u);
  EXPECT_EQ(files()[0].deletion_vector->cardinality, 2);
}

TEST_F(TableWriterTest, AFileWhoseRowsAreAllGoneLeavesTheTable) {
  make_table("SELECT 1 AS id", WriteMode::Changes);
  ASSERT_TRUE(write("(1, 1), (1, 2)"));
  commit_epoch();
  ASSERT_TRUE(write("(-1, 1)"));
  commit_epoch();
  ASSERT_TRUE(write("(-1, 2)"));
  const PreparedChanges changes = commit_epoch();
  EXPECT_EQ(changes.files_removed, 1u);
  EXPECT_EQ(changes.actions.size(), 1u);
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(rows(), "");
}

TEST_F(TableWriterTest, ARowThatComesAndGoesLeavesNoTrace) {
  make_table("SELECT 1 AS id", WriteMode::Changes);
  ASSERT_TRUE(write("(1, 1), (-1, 2)"));
  ASSERT_TRUE(write("(1, 2), (-1, 1)"));
  EXPECT_TRUE(commit_epoch().actions.empty());
  EXPECT_EQ(scan_count_, 0);
}

TEST_F(TableWriterTest, OfEqualRowsOneIsTaken) {
  make_table("SELECT 1 AS id, '' AS name", WriteMode::Changes);
  ASSERT_TRUE(write("(3, 7, 'ann'), (1, 8, 'bob')"));
  commit_epoch();
  ASSERT_TRUE(write("(2, 7, 'ann')"));
  commit_epoch();
  ASSERT_TRUE(write("(-4, 7, 'ann')"));
  EXPECT_EQ(commit_epoch().rows_removed, 4u);
  EXPECT_EQ(rows(), "7|ann\n8|bob\n");
}

TEST_F(TableWriterTest, FindsRowsWithNullNanAndNegativeZero) {
  make_table("SELECT 1.0::DOUBLE AS d, 'x' AS s, [1, NULL] AS l, {'a': 1.0::FLOAT, 'b': NULL::VARCHAR} AS r",
             WriteMode::Changes);
  ASSERT_TRUE(
      write("(1, 'nan'::DOUBLE, NULL, [NULL], {'a': 'nan'::FLOAT, 'b': 'x'}), (1, -0.0::DOUBLE, '', [], NULL), "
            "(1, NULL, NULL, NULL, {'a': NULL, 'b': NULL}), (1, 1.5, NULL, NULL, NULL)"));
  commit_epoch();
  open_writer();
  ASSERT_TRUE(
      write("(-1, 'nan'::DOUBLE, NULL, [NULL], {'a': 'nan'::FLOAT, 'b': 'x'}), (-1, 0.0::DOUBLE, '', [], NULL), "
            "(-1, NULL, NULL, NULL, {'a': NULL, 'b': NULL})"));
  commit_epoch();
  EXPECT_EQ(rows(), "1.5|NULL|NULL|NULL\n");
}

TEST_F(TableWriterTest, PartitionValuesComeFromTheLog) {
  make_table("SELECT 1 AS id, 'x' AS city, DATE '2024-01-01' AS day", WriteMode::Changes, {"city", "day"});
  ASSERT_TRUE(
      write("(1, 1, 'a:b/c %é', DATE '2024-02-29'), (1, 2, NULL, DATE '2024-02-29'), (1, 3, 'x', NULL), "
            "(1, 4, 'a:b/c %é', DATE '2024-02-29')"));
  EXPECT_EQ(commit_epoch().files_added, 3u);
  EXPECT_EQ(rows(), "1|a:b/c %é|2024-02-29\n2|NULL|2024-02-29\n3|x|NULL\n4|a:b/c %é|2024-02-29\n");
  open_writer();
  ASSERT_TRUE(write("(-1, 4, 'a:b/c %é', DATE '2024-02-29'), (-1, 2, NULL, DATE '2024-02-29')"));
  const PreparedChanges changes = commit_epoch();
  EXPECT_EQ(changes.files_removed, 1u);
  EXPECT_EQ(changes.deletion_vectors_added, 1u);
  EXPECT_EQ(rows(), "1|a:b/c %é|2024-02-29\n3|x|NULL\n");
}

TEST_F(TableWriterTest, AnEmptyPartitionValueIsNullAndIsFoundAgain) {
  make_table("SELECT 1 AS id, 'x' AS city", WriteMode::Changes, {"city"});
  ASSERT_TRUE(write("(1, 1, ''), (1, 2, 'x')"));
  commit_epoch();
  EXPECT_EQ(rows(), "1|NULL\n2|x\n");
  ASSERT_TRUE(write("(-1, 1, '')"));
  commit_epoch();
  EXPECT_EQ(rows(), "2|x\n");
}

TEST_F(TableWriterTest, ManyPartitionsNeedFewOpenFiles) {
  make_table("SELECT 1 AS id, 1 AS part", WriteMode::Append, {"part"});
  std::string values;
  for (int i = 0; i < 300; ++i) {
    values += (i == 0 ? "(1, " : ", (1, ") + std::to_string(i) + ", " + std::to_string(i % 150) + ")";
  }
  ASSERT_TRUE(write(values));
  EXPECT_EQ(commit_epoch().rows_added, 300u);
  auto counted = lake_->query("SELECT count(*), count(DISTINCT part), sum(id) FROM t WHERE id % 150 = part");
  auto chunk = (*counted)->next();
  EXPECT_EQ((*chunk)->GetValue(0, 0).ToString(), "300");
  EXPECT_EQ((*chunk)->GetValue(1, 0).ToString(), "150");
  EXPECT_EQ((*chunk)->GetValue(2, 0).ToString(), "44850");
}

TEST_F(TableWriterTest, FilesAreClosedAtTheirTargetSize) {
  options_.files.properties.file_bytes_target = 200'000;
  make_table("SELECT 1::BIGINT AS id, '' AS text", WriteMode::Append);
  auto many = query("SELECT range AS id, md5(range::VARCHAR) AS text FROM range(50000)");
  for (auto& chunk : many->Collection().Chunks()) {
    duckdb::DataChunk view;
    view.InitializeEmpty(chunk.GetTypes());
    view.Reference(chunk);
    columnar::ChangeBatch batch(std::move(view));
    ASSERT_TRUE(writer_->write(batch));
  }
  const PreparedChanges changes = commit_epoch();
  EXPECT_GT(changes.files_added, 3u);
  std::int64_t row_count = 0;
  for (const delta::AddFile& file : files()) {
    EXPECT_LT(file.size_bytes, 400'000);
    row_count += *delta::read_statistics(*file.stats)->num_records;
  }
  EXPECT_EQ(row_count, 50000);
}

TEST_F(TableWriterTest, ALargeDeletionVectorHasAFileOfItsOwn) {
  make_table("SELECT 1::BIGINT AS id", WriteMode::Changes);
  std::mt19937 random(3);
  std::string all;
  std::string some;
  for (int i = 0; i < 4000; ++i) {
    all += (i == 0 ? "(1, " : ", (1, ") + std::to_string(i) + ")";
    if (random() % 2 == 0) some += (some.empty() ? "(-1, " : ", (-1, ") + std::to_string(i) + ")";
  }
  ASSERT_TRUE(write(all));
  commit_epoch();
  ASSERT_TRUE(write(some));
  const PreparedChanges changes = commit_epoch();
  ASSERT_EQ(files().size(), 1u);
  EXPECT_EQ(files()[0].deletion_vector->storage_type, 'u');
  EXPECT_EQ(data_object_count(), 2u);
  auto counted = lake_->query("SELECT count(*) FROM t");
  EXPECT_EQ((*(*counted)->next())->GetValue(0, 0),
            duckdb::Value::BIGINT(static_cast<std::int64_t>(4000 - changes.rows_removed)));
}

TEST_F(TableWriterTest, ARowThatTheTableLacksStopsThePipeline) {
  make_table("SELECT 1 AS id, '' AS name", WriteMode::Changes);
  ASSERT_TRUE(write("(1, 7, 'ann')"));
  commit_epoch();
  ASSERT_TRUE(write("(-1, 7, 'ann'), (-1, 8, 'bob')"));
  const auto prepared = writer_->prepare();
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code(), ErrorCode::Corruption);
  EXPECT_EQ(prepared.error().message(), "main.t does not hold a row that is to be taken back: (8, bob)");
  writer_->abort();
  ASSERT_TRUE(write("(-1, 7, 'ann')"));
  commit_epoch();
  EXPECT_EQ(rows(), "");
}

TEST_F(TableWriterTest, AnAbortedEpochNeverHappened) {
  make_table("SELECT 1 AS id", WriteMode::Changes);
  ASSERT_TRUE(write("(1, 1), (2, 2)"));
  commit_epoch();
  ASSERT_TRUE(write("(-1, 2), (-1, 1), (1, 3)"));
  ASSERT_TRUE(writer_->prepare());
  writer_->abort();
  EXPECT_EQ(data_object_count(), 1u);
  ASSERT_TRUE(write("(-2, 2), (1, 4)"));
  commit_epoch();
  EXPECT_EQ(rows(), "1\n4\n");
}

TEST_F(TableWriterTest, TheLocatorIsBuiltOnceWhenItIsNeeded) {
  make_table("SELECT 1 AS id", WriteMode::Changes);
  for (int epoch = 0; epoch < 3; ++epoch) {
    ASSERT_TRUE(write("(1, " + std::to_string(epoch) + ")"));
    commit_epoch();
  }
  EXPECT_EQ(scan_count_, 0);
  for (int epoch = 0; epoch < 3; ++epoch) {
    ASSERT_TRUE(write("(-1, " + std::to_string(epoch) + "), (1, " + std::to_string(epoch + 3) + ")"));
    commit_epoch();
  }
  ASSERT_TRUE(write("(-1, 3), (-1, 5)"));
  commit_epoch();
  EXPECT_EQ(scan_count_, 1);
  EXPECT_EQ(rows(), "4\n");
}

TEST_F(TableWriterTest, ReplacingLeavesOnlyTheNewRows) {
  make_table("SELECT 1 AS id", WriteMode::Changes);
  ASSERT_TRUE(write("(1, 1), (1, 2)"));
  commit_epoch();
  ASSERT_TRUE(write("(-1, 1)"));
  commit_epoch();
  writer_->replace();
  ASSERT_TRUE(write("(1, 2), (1, 3)"));
  const PreparedChanges changes = commit_epoch();
  EXPECT_EQ(changes.rows_removed, 1u);
  EXPECT_EQ(changes.rows_added, 2u);
  EXPECT_EQ(rows(), "2\n3\n");
  ASSERT_TRUE(write("(-1, 2)"));
  commit_epoch();
  EXPECT_EQ(rows(), "3\n");
}

TEST_F(TableWriterTest, AReplacedTableHoldsNothingToTakeBack) {
  make_table("SELECT 1 AS id", WriteMode::Changes);
  ASSERT_TRUE(write("(1, 1)"));
  commit_epoch();
  writer_->replace();
  ASSERT_TRUE(write("(-1, 1)"));
  const auto prepared = writer_->prepare();
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code(), ErrorCode::Corruption);
}

TEST_F(TableWriterTest, AFailingStoreLeavesTheTableAsItWas) { expect_faults_leave_the_table_as_it_was(2, 12); }

TEST_F(TableWriterTest, AFailingStoreLeavesNoFilesOfTheFeed) {
  has_feed_ = true;
  expect_faults_leave_the_table_as_it_was(4, 24);
}

TEST_F(TableWriterTest, AnEpochThatTakesRowsBackHasAllItsChangesInTheFeed) {
  has_feed_ = true;
  make_table("SELECT 1 AS id", WriteMode::Changes);
  const auto feed_files = [](const PreparedChanges& changes) {
    return std::ranges::count_if(changes.actions,
                                 [](const auto& action) { return std::holds_alternative<delta::AddCdcFile>(action); });
  };
  ASSERT_TRUE(write("(1, 1), (2, 2), (1, 3)"));
  EXPECT_EQ(feed_files(commit_epoch()), 0);
  ASSERT_TRUE(write("(-2, 2), (1, 4), (-1, 5), (1, 5)"));
  EXPECT_EQ(feed_files(commit_epoch()), 1);
  writer_->replace();
  ASSERT_TRUE(write("(1, 4), (1, 6)"));
  EXPECT_EQ(feed_files(commit_epoch()), 0);
  EXPECT_EQ(feed(delta::Version(1), delta::Version(1)), "1|insert\n2|insert\n2|insert\n3|insert\n");
  EXPECT_EQ(feed(delta::Version(2), delta::Version(2)), "2|delete\n2|delete\n4|insert\n");
  EXPECT_EQ(feed(delta::Version(3), delta::Version(3)), "1|delete\n3|delete\n4|delete\n4|insert\n6|insert\n");
}

TEST_F(TableWriterTest, TheTableIsTheSumOfItsChangesWhateverTheSplit) {
  make_table("SELECT 1 AS id, 1 AS part", WriteMode::Changes, {"part"});
  std::mt19937_64 random(11);
  std::map<std::pair<int, int>, std::int64_t> model;
  for (int epoch = 0; epoch < 30; ++epoch) {
    for (std::uint64_t batch = random() % 4; batch > 0; --batch) {
      std::string values;
      for (std::uint64_t change = 1 + random() % 40; change > 0; --change) {
        const std::pair<int, int> row(random() % 40, random() % 3);
        std::int64_t& copies = model[row];
        const std::int64_t weight = random() % 2 == 0 ? 1 + static_cast<std::int64_t>(random() % 2)
                                                      : -std::min<std::int64_t>(copies, 1 + random() % 3);
        if (weight == 0) continue;
        copies += weight;
        values += (values.empty() ? "(" : ", (") + std::to_string(weight) + ", " + std::to_string(row.first) + ", " +
                  std::to_string(row.second) + ")";
      }
      if (!values.empty()) {
        ASSERT_TRUE(write(values));
      }
    }
    if (random() % 5 == 0) {
      ASSERT_TRUE(writer_->prepare());
      writer_->abort();
      // The model knows nothing of aborts: give it the table's rows.
      for (auto& [row, copies] : model) copies = 0;
      auto table = lake_->query("SELECT id, part, count(*) FROM t GROUP BY ALL");
      while (true) {
        auto chunk = (*table)->next();
        ASSERT_TRUE(chunk) << chunk.error().message();
        if (!*chunk) break;
        for (std::size_t i = 0; i < (*chunk)->size(); ++i) {
          model[{(*chunk)->GetValue(0, i).GetValue<int>(), (*chunk)->GetValue(1, i).GetValue<int>()}] =
              (*chunk)->GetValue(2, i).GetValue<std::int64_t>();
        }
      }
    } else {
      commit_epoch();
    }
    if (random() % 7 == 0) open_writer();
    std::string expected;
    for (const auto& [row, copies] : model) {
      for (std::int64_t i = 0; i < copies; ++i) {
        expected += std::to_string(row.first) + "|" + std::to_string(row.second) + "\n";
      }
    }
    ASSERT_EQ(rows(), expected) << "epoch " << epoch;
  }
}

}  // namespace
}  // namespace sluice::connect
