#include "delta/commit_rules.h"

#include <gtest/gtest.h>

#include "delta/delta_test_table.h"

namespace sluice::delta {
namespace {

using Actions = std::vector<Action>;
using Kind = ConflictKind;

constexpr auto kNone = std::nullopt;
constexpr auto kSerializable = IsolationLevel::Serializable;
constexpr auto kWriteSerializable = IsolationLevel::WriteSerializable;

// A table with the columns part BIGINT (which it is partitioned by, or not), id BIGINT.

DataType table_schema(bool mapped = false) {
  std::vector<StructField> fields{{"part", DataType::primitive(DataType::Kind::Long), true, {}},
                                  {"id", DataType::primitive(DataType::Kind::Long), true, {}}};
  if (mapped) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      fields[i].metadata = {{std::string(kColumnIdKey), std::to_string(i + 1)},
                            {std::string(kPhysicalNameKey), "\"" + fields[i].name + "\""}};
    }
  }
  return DataType::structure(std::move(fields));
}

Metadata metadata(std::map<std::string, std::string> configuration = {}, DataType schema = table_schema(),
                  bool partitioned = true) {
  Metadata result;
  result.id = "table";
  result.schema_string = write_schema(schema);
  if (partitioned) result.partition_columns = {"part"};
  result.configuration = std::move(configuration);
  return result;
}

Protocol features(std::set<std::string> names, std::set<std::string> reader = {}) {
  Protocol protocol{reader.empty() ? 1 : 3, 7, std::nullopt, std::move(names)};
  if (!reader.empty()) protocol.reader_features = std::move(reader);
  return protocol;
}

ReadTable table(Protocol protocol = {}, std::map<std::string, std::string> configuration = {}) {
  return {std::move(protocol), metadata(std::move(configuration)), table_schema()};
}

ReadTable unpartitioned() { return {Protocol(), metadata({}, table_schema(), false), table_schema()}; }

/// A file of one partition whose ids are from..to.
AddFile add(std::string path, std::string part, int from = 0, int to = 100) {
  AddFile file;
  file.path = std::move(path);
  file.partition_values = {{"part", std::move(part)}};
  file.stats = R"({"numRecords":9,"minValues":{"id":)" + std::to_string(from) + R"(},"maxValues":{"id":)" +
               std::to_string(to) + R"(},"nullCount":{"id":0}})";
  return file;
}

AddFile null_part(std::string path) {
  AddFile file = add(std::move(path), "");
  file.partition_values["part"] = std::nullopt;
  return file;
}

RemoveFile removal(std::string path) {
  RemoveFile remove;
  remove.path = std::move(path);
  return remove;
}

template <typename File>
File moved(File file) {
  file.data_change = false;
  return file;
}

CommitInfo blind(bool is_blind = true) {
  CommitInfo info;
  info.operation = "WRITE";
  info.is_blind_append = is_blind;
  return info;
}

SetTransaction txn(std::string app_id) { return {std::move(app_id), 1, {}}; }
DomainMetadata domain(std::string name) { return {std::move(name), "{}", false}; }

FilePredicate part(std::string value) { return FilePredicate::equal("part", std::move(value)); }
FilePredicate id_above(std::string value) {
  return FilePredicate::compare({"id"}, FilePredicate::Kind::Greater, std::move(value));
}

ReadSet nothing() { return {}; }
ReadSet whole_table() { return {true, {}, {}, {}}; }
ReadSet rows(FilePredicate predicate, std::set<std::string> files = {}) {
  return {false, {std::move(predicate)}, std::move(files), {}};
}
ReadSet files(std::set<std::string> paths) { return {false, {}, std::move(paths), {}}; }
ReadSet apps(std::set<std::string> ids) { return {false, {}, {}, std::move(ids)}; }

struct Case {
  std::string what;
  ReadTable table;
  ReadSet reads;
  Actions winner;
  Actions ours;
  std::optional<ConflictKind> verdict;
  IsolationLevel isolation = kSerializable;
};

/// Modelled on what delta-spark's OptimisticTransactionSuite and its kin assert, reference §3.3 and §3.4.
std::vector<Case> cases() {
  const FilePredicate opaque{FilePredicate::Kind::Opaque, {}, "", {}};
  const std::map<std::string, std::string> mapping{{"delta.columnMapping.mode", "name"},
                                                   {"delta.columnMapping.maxColumnId", "2"}};
  DataType renamed = table_schema(true);
  renamed.fields[1].metadata[std::string(kPhysicalNameKey)] = "\"col-7\"";
  DataType wider = table_schema(true);
  wider.fields.push_back({"extra", DataType::primitive(DataType::Kind::Long), true, {}});
  Metadata other_name = metadata();
  other_name.name = "renamed";
  const Protocol with_vectors = features({"deletionVectors"}, {"deletionVectors"});

  return {
      // Appends.
      {"append behind append", table(), nothing(), {add("a", "1")}, {add("b", "1")}, kNone},
      {"append behind append of no partition", unpartitioned(), nothing(), {add("a", "1")}, {add("b", "1")}, kNone},
      {"append behind delete", table(), nothing(), {removal("a")}, {add("b", "1")}, kNone},
      {"append behind delete and insert", table(), nothing(), {removal("a"), add("c", "1")}, {add("b", "1")}, kNone},
      {"append behind compaction",
       table(),
       nothing(),
       {moved(removal("a")), moved(add("c", "1"))},
       {add("b", "1")},
       kNone},
      {"append behind an empty commit", table(), nothing(), {blind(false)}, {add("b", "1")}, kNone},
      {"append behind two appenders' txns",
       table(),
       nothing(),
       {add("a", "1"), txn("x")},
       {add("b", "1"), txn("y")},
       kNone},

      // Reads against appends.
      {"read of the table, append", table(), whole_table(), {add("a", "1")}, {add("b", "1")}, Kind::FilesAdded},
      {"read of the table without partitions, append",
       unpartitioned(),
       whole_table(),
       {add("a", "1")},
       {add("b", "1")},
       Kind::FilesAdded},
      {"read of the table, nothing but a removal of ours, append",
       table(),
       whole_table(),
       {add("a", "1")},
       {removal("b")},
       Kind::FilesAdded},
      {"read of the table, empty commit", table(), whole_table(), {blind(false)}, {add("b", "1")}, kNone},
      {"read of a partition, append there",
       table(),
       rows(part("1")),
       {add("a", "1")},
       {add("b", "1")},
       Kind::FilesAdded},
      {"read of a partition, append elsewhere", table(), rows(part("1")), {add("a", "2")}, {add("b", "1")}, kNone},
      {"read of a partition, appends here and elsewhere",
       table(),
       rows(part("1")),
       {add("a", "2"), add("c", "1")},
       {add("b", "1")},
       Kind::FilesAdded},
      {"read of a partition, append of NULL", table(), rows(part("1")), {null_part("a")}, {add("b", "1")}, kNone},
      {"read of NULLs, append of NULL",
       table(),
       rows(FilePredicate::is_null("part")),
       {null_part("a")},
       {add("b", "1")},
       Kind::FilesAdded},
      {"read of NULLs, append of values",
       table(),
       rows(FilePredicate::is_null("part")),
       {add("a", "1")},
       {add("b", "1")},
       kNone},
      {"read of two partitions, append to the second",
       table(),
       rows(FilePredicate::disjunction({part("1"), part("2")})),
       {add("a", "2")},
       {add("b", "3")},
       Kind::FilesAdded},
      {"two reads, append to the second's partition",
       table(),
       ReadSet{false, {part("1"), part("2")}, {}, {}},
       {add("a", "2")},
       {add("b", "3")},
       Kind::FilesAdded},
      {"read of a range of partitions, append within",
       table(),
       rows(FilePredicate::compare({"part"}, FilePredicate::Kind::Less, "10")),
       {add("a", "9")},
       {add("b", "1")},
       Kind::FilesAdded},
      {"read of a range of partitions, append beyond (as numbers)",
       table(),
       rows(FilePredicate::compare({"part"}, FilePredicate::Kind::Less, "9")),
       {add("a", "10")},
       {add("b", "1")},
       kNone},
      {"read of all but a partition, append to it",
       table(),
       rows(FilePredicate::negation(part("1"))),
       {add("a", "1")},
       {add("b", "2")},
       kNone},
      {"read by a condition that we cannot say",
       table(),
       rows(opaque),
       {add("a", "1")},
       {add("b", "1")},
       Kind::FilesAdded},
      {"read of a partition by more than we can say, append elsewhere",
       table(),
       rows(FilePredicate::conjunction({part("1"), opaque})),
       {add("a", "2")},
       {add("b", "1")},
       kNone},
      {"read of values above, append of values below",
       table(),
       rows(id_above("100")),
       {add("a", "1", 0, 100)},
       {add("b", "1")},
       kNone},
      {"read of values above, append that reaches them",
       table(),
       rows(id_above("100")),
       {add("a", "1", 0, 101)},
       {add("b", "1")},
       Kind::FilesAdded},
      {"read of values in a table without partitions",
       unpartitioned(),
       rows(id_above("100")),
       {add("a", "1", 0, 9)},
       {add("b", "1")},
       kNone},
      {"read of files alone, append", table(), files({"f"}), {add("a", "1")}, {removal("f")}, kNone},
      {"read of a partition, rows moved there",
       table(),
       rows(part("1"), {"f"}),
       {moved(removal("g")), moved(add("a", "1"))},
       {removal("f")},
       kNone},

      // Reads against deletes.
      {"read of a file, its removal", table(), files({"a"}), {removal("a")}, {add("b", "1")}, Kind::FileRemoved},
      {"read of a file, its other spelling's removal",
       table(),
       files({"%61"}),
       {removal("a")},
       {add("b", "1")},
       Kind::FileRemoved},
      {"read of a file, another's removal", table(), files({"a"}), {removal("c")}, {add("b", "1")}, kNone},
      {"read of a file, its compaction",
       table(),
       files({"a"}),
       {moved(removal("a")), moved(add("c", "1"))},
       {add("b", "1")},
       kNone},
      {"read of a file, a deletion vector for it",
       table(),
       files({"a"}),
       {removal("a"), TestTable::with_vector(add("a", "1"), "x", 1)},
       {add("b", "1")},
       Kind::FileRemoved},
      {"read of the table, a removal", table(), whole_table(), {removal("a")}, {add("b", "1")}, Kind::FileRemoved},
      {"read of the table, a compaction",
       table(),
       whole_table(),
       {moved(removal("a")), moved(add("c", "1"))},
       {add("b", "1")},
       kNone},
      {"read of a partition, removal in another",
       table(),
       rows(part("1"), {"f"}),
       {removal("g")},
       {add("b", "1")},
       kNone},
      {"read of a partition, removal of a file of it",
       table(),
       rows(part("1"), {"f"}),
       {removal("f")},
       {add("b", "1")},
       Kind::FileRemoved},

      // Deletes against deletes.
      {"removal of one file by both", table(), nothing(), {removal("a")}, {removal("a")}, Kind::FileRemoved},
      {"removal of different files", table(), nothing(), {removal("a")}, {removal("b")}, kNone},
      {"two deletion vectors for one file",
       table(),
       nothing(),
       {removal("a"), TestTable::with_vector(add("a", "1"), "x", 1)},
       {removal("a"), TestTable::with_vector(add("a", "1"), "y", 1)},
       Kind::FileRemoved},
      {"deletion vectors for different files",
       table(),
       files({"b"}),
       {removal("a"), TestTable::with_vector(add("a", "1"), "x", 1)},
       {removal("b"), TestTable::with_vector(add("b", "2"), "y", 1)},
       kNone},
      {"update of one partition behind update of another",
       table(),
       rows(part("1"), {"a"}),
       {removal("c"), add("d", "2")},
       {removal("a"), add("b", "1")},
       kNone},
      {"update of one partition behind update of the same, other file",
       table(),
       rows(part("1"), {"a"}),
       {removal("c"), add("d", "1")},
       {removal("a"), add("b", "1")},
       Kind::FilesAdded},
      {"update behind update of the same file",
       table(),
       rows(part("1"), {"a"}),
       {removal("a"), add("d", "1")},
       {removal("a"), add("b", "1")},
       Kind::FilesAdded},

      // Compactions.
      {"compaction behind append",
       table(),
       whole_table(),
       {add("c", "1")},
       {moved(removal("a")), moved(add("b", "1"))},
       kNone},
      {"compaction behind delete of its file",
       table(),
       files({"a"}),
       {removal("a")},
       {moved(removal("a")), moved(add("b", "1"))},
       Kind::FileRemoved},
      {"compaction behind delete of another file",
       table(),
       files({"a"}),
       {removal("c")},
       {moved(removal("a")), moved(add("b", "1"))},
       kNone},
      {"compaction behind compaction of its file",
       table(),
       files({"a"}),
       {moved(removal("a")), moved(add("d", "1"))},
       {moved(removal("a")), moved(add("b", "1"))},
       Kind::FileRemoved},
      {"update behind compaction of its file",
       table(),
       files({"a"}),
       {moved(removal("a")), moved(add("d", "1"))},
       {removal("a"), add("b", "1")},
       Kind::FileRemoved},
      {"a commit that also sets a txn is no mere compaction",
       table(),
       whole_table(),
       {add("c", "1")},
       {moved(removal("a")), moved(add("b", "1")), txn("x")},
       Kind::FilesAdded},

      // Isolation.
      {"write-serializable, read of the table, blind append",
       table(),
       whole_table(),
       {blind(), add("a", "1")},
       {removal("b")},
       kNone,
       kWriteSerializable},
      {"write-serializable, read of the table, append that read",
       table(),
       whole_table(),
       {blind(false), add("a", "1")},
       {removal("b")},
       Kind::FilesAdded,
       kWriteSerializable},
      {"write-serializable, read of the table, append that does not say",
       table(),
       whole_table(),
       {add("a", "1")},
       {removal("b")},
       Kind::FilesAdded,
       kWriteSerializable},
      {"write-serializable, new metadata of ours, blind append",
       table(),
       whole_table(),
       {blind(), add("a", "1")},
       {metadata({{"delta.constraints.c", "id > 0"}})},
       Kind::FilesAdded,
       kWriteSerializable},
      {"write-serializable, removal of a file that was read",
       table(),
       files({"a"}),
       {removal("a")},
       {add("b", "1")},
       Kind::FileRemoved,
       kWriteSerializable},
      {"serializable, read of the table, blind append",
       table(),
       whole_table(),
       {blind(), add("a", "1")},
       {removal("b")},
       Kind::FilesAdded},

      // Transaction identifiers.
      {"the application's own next commit",
       table(),
       nothing(),
       {txn("x")},
       {add("b", "1"), txn("x")},
       Kind::TransactionAhead},
      {"a transaction version that was asked for",
       table(),
       apps({"x"}),
       {txn("x")},
       {add("b", "1")},
       Kind::TransactionAhead},
      {"another application's transaction version", table(), apps({"x"}), {txn("y")}, {add("b", "1")}, kNone},

      // Domains.
      {"one domain set by both", table(), nothing(), {domain("d")}, {domain("d")}, Kind::DomainChanged},
      {"different domains", table(), nothing(), {domain("d")}, {domain("e")}, kNone},
      {"row tracking's domain is recomputed",
       table(),
       nothing(),
       {domain("delta.rowTracking"), add("a", "1")},
       {domain("delta.rowTracking"), add("b", "1")},
       kNone},

      // Metadata.
      {"append behind a new schema", table(), nothing(), {metadata({}, wider)}, {add("b", "1")}, Kind::MetadataChanged},
      {"append behind a new property",
       table(),
       nothing(),
       {metadata({{"delta.appendOnly", "true"}})},
       {add("b", "1")},
       Kind::MetadataChanged},
      {"append behind a new constraint",
       table(),
       nothing(),
       {metadata({{"delta.constraints.c", "id > 0"}})},
       {add("b", "1")},
       Kind::MetadataChanged},
      {"append behind a new name", table(), nothing(), {other_name}, {add("b", "1")}, Kind::MetadataChanged},
      {"append behind metadata that is what it was", table(), nothing(), {metadata()}, {add("b", "1")}, kNone},
      {"metadata behind metadata", table(), nothing(), {metadata()}, {metadata({{"x", "1"}})}, Kind::MetadataChanged},
      {"metadata behind append", table(), nothing(), {add("a", "1")}, {metadata({{"x", "1"}})}, kNone},
      {"metadata that needed the whole table, behind append",
       table(),
       whole_table(),
       {add("a", "1")},
       {metadata({{"delta.constraints.c", "id > 0"}})},
       Kind::FilesAdded},
      {"append behind deletion vectors turned on",
       table(with_vectors),
       nothing(),
       {metadata({{"delta.enableDeletionVectors", "true"}})},
       {add("b", "1")},
       kNone},
      {"append behind deletion vectors turned off",
       table(with_vectors, {{"delta.enableDeletionVectors", "true"}}),
       nothing(),
       {metadata({{"delta.enableDeletionVectors", "false"}})},
       {add("b", "1")},
       Kind::MetadataChanged},
      {"append behind a property taken away",
       table(with_vectors, {{"delta.enableDeletionVectors", "true"}}),
       nothing(),
       {metadata()},
       {add("b", "1")},
       Kind::MetadataChanged},
      {"append behind column mapping by name turned on",
       table(features({"columnMapping"}, {"columnMapping"})),
       nothing(),
       {metadata(mapping, table_schema(true))},
       {add("b", "1")},
       kNone},
      {"append behind column mapping that also renames",
       table(features({"columnMapping"}, {"columnMapping"})),
       nothing(),
       {metadata(mapping, renamed)},
       {add("b", "1")},
       Kind::MetadataChanged},
      {"append behind column mapping that also adds a column",
       table(features({"columnMapping"}, {"columnMapping"})),
       nothing(),
       {metadata(mapping, wider)},
       {add("b", "1")},
       Kind::MetadataChanged},
      {"append behind column mapping by id",
       table(features({"columnMapping"}, {"columnMapping"})),
       nothing(),
       {metadata({{"delta.columnMapping.mode", "id"}, {"delta.columnMapping.maxColumnId", "2"}}, table_schema(true))},
       {add("b", "1")},
       Kind::MetadataChanged},
      {"append behind in-commit timestamps turned on",
       table(features({"inCommitTimestamp"})),
       nothing(),
       {metadata({{"delta.enableInCommitTimestamps", "true"},
                  {"delta.inCommitTimestampEnablementVersion", "1"},
                  {"delta.inCommitTimestampEnablementTimestamp", "7"}})},
       {add("b", "1")},
       kNone},
      {"append behind another form of log checkpoints",
       table(features({"v2Checkpoint"}, {"v2Checkpoint"})),
       nothing(),
       {metadata({{"delta.checkpointPolicy", "v2"}})},
       {add("b", "1")},
       kNone},

      // Protocol.
      {"append behind a protocol with deletion vectors",
       table(),
       nothing(),
       {features({"deletionVectors", "appendOnly", "invariants"}, {"deletionVectors"})},
       {add("b", "1")},
       kNone},
      {"append behind the same protocol", table(), nothing(), {Protocol()}, {add("b", "1")}, kNone},
      {"append behind a protocol with constraints",
       table(),
       nothing(),
       {Protocol{1, 3, {}, {}}},
       {add("b", "1")},
       Kind::ProtocolChanged},
      {"append behind a protocol with a feature that nobody knows",
       table(),
       nothing(),
       {features({"appendOnly", "invariants", "fancy"})},
       {add("b", "1")},
       Kind::ProtocolChanged},
      {"append behind a protocol with row tracking",
       table(features({"domainMetadata"})),
       nothing(),
       {features({"domainMetadata", "rowTracking"})},
       {add("b", "1")},
       Kind::ProtocolChanged},
      {"append behind a feature dropped",
       table(with_vectors),
       nothing(),
       {features({"appendOnly"})},
       {add("b", "1")},
       Kind::ProtocolChanged},
      {"protocol behind protocol", table(), nothing(), {Protocol()}, {Protocol{1, 3, {}, {}}}, Kind::ProtocolChanged},
      {"protocol behind append", table(), nothing(), {add("a", "1")}, {Protocol{1, 3, {}, {}}}, kNone},
  };
}

TEST(CommitRulesTest, EachCaseHasItsVerdict) {
  std::size_t count = 0;
  for (const Case& each : cases()) {
    SCOPED_TRACE(each.what);
    const auto verdict = find_conflict({each.ours, each.reads, each.isolation, &each.table}, each.winner);
    EXPECT_EQ(verdict ? to_string(*verdict) : "follows", each.verdict ? to_string(*each.verdict) : "follows");
    ++count;
  }
  EXPECT_GE(count, 60U);
}

TEST(CommitRulesTest, OneOfTwoCreatorsWins) {
  const Actions creation{Protocol(), metadata()};
  EXPECT_EQ(find_conflict({creation, nothing()}, creation), Kind::TableCreated);
  EXPECT_EQ(find_conflict({creation, nothing()}, Actions{Protocol(), metadata(), add("a", "1")}), Kind::TableCreated);
}

TEST(CommitRulesTest, TheNextWinnerIsComparedWithTheOneBefore) {
  const Actions winner{features({"deletionVectors"}, {"deletionVectors"}),
                       metadata({{"delta.enableDeletionVectors", "true"}})};
  const auto after = follow(table(features({"deletionVectors"}, {"deletionVectors"})), winner);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->metadata.configuration.at("delta.enableDeletionVectors"), "true");
  EXPECT_EQ(after->schema, table_schema());
  const Actions ours{add("b", "1")};
  EXPECT_EQ(find_conflict({ours, nothing(), kSerializable, &*after}, winner), kNone);
  Actions damaged{metadata()};
  std::get<Metadata>(damaged[0]).schema_string = "{";
  EXPECT_EQ(follow(table(), damaged).error().code(), ErrorCode::Corruption);
}

TEST(CommitRulesTest, BlindAppendsOnlyAdd) {
  EXPECT_TRUE(only_adds_files(Actions{add("a", "1"), txn("a")}));
  EXPECT_FALSE(only_adds_files(Actions{add("a", "1"), removal("b")}));
}

}  // namespace
}  // namespace sluice::delta
