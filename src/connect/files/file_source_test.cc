#include "connect/files/file_source.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connect/files/error_numbers.h"
#include "connect/files/memory_file_system.h"
#include "connect/files/reader_test_rows.h"

namespace sluice::connect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::KeepingSink;
using testing::schema_of;

using Rows = std::vector<std::string>;
using Paths = std::vector<std::string>;

constexpr UnixMillis at(std::int64_t ms) { return UnixMillis(std::chrono::milliseconds(ms)); }

class FileSourceTest : public ::testing::Test {
 protected:
  FileSourceTest() {
    source_.path = "in/*.jsonl";
    source_.format = "json";
    source_.stream = true;
    files_.make_folder("in");
  }

  /// Makes the source as a new process would, from what was committed.
  void open() {
    const std::string schema = file_source_ ? committed_schema_ : "";
    const std::string position = file_source_ ? file_source_->log().encode() : "";
    auto created = FileSource::create(source_, files_, clock_, settle_time_);
    ASSERT_TRUE(created.has_value()) << created.error().message();
    file_source_ = std::move(*created);
    SLUICE_CHECK_OK(file_source_->restore(position, schema));
  }
  FileSource& source() {
    if (!file_source_) open();
    return *file_source_;
  }
  void put(const std::string& name, const std::string& text, std::int64_t modified = 1) {
    files_.put("in/" + name, text, at(modified));
  }

  Paths look() {
    SLUICE_CHECK_OK(source().look({}));
    Paths paths;
    for (const PlannedFile& file : source().pending().files) paths.push_back(file.info.path);
    return paths;
  }
  Rows notices() {
    Rows texts;
    for (const FileNotice& notice : source().take_notices()) texts.push_back(to_string(notice));
    return texts;
  }
  Status read() {
    sink_ = KeepingSink();
    return source().read_pending(sink_, {});
  }
  void commit() {
    committed_schema_ = source().schema_text();
    source().advance();
  }
  /// Takes one epoch's input and returns its rows.
  Rows epoch() {
    look();
    SLUICE_CHECK_OK(read());
    commit();
    return sink_.text_rows();
  }

  MemoryFileSystem files_;
  ManualClock clock_{at(0)};
  std::chrono::milliseconds settle_time_{0};
  plan::Source source_;
  std::unique_ptr<FileSource> file_source_;
  std::string committed_schema_;
  KeepingSink sink_;
};

TEST_F(FileSourceTest, TakesEachFileOnceAlsoAfterARestart) {
  put("2.jsonl", "{\"a\":2}\n");
  put("1.jsonl", "{\"a\":1}\n");
  EXPECT_EQ(epoch(), (Rows{"1 | NULL", "2 | NULL"}));
  EXPECT_EQ(epoch(), Rows{});
  EXPECT_FALSE(source().has_pending());
  open();
  EXPECT_THAT(look(), IsEmpty());
  put("0.jsonl", "{\"a\":0}\n");
  EXPECT_EQ(epoch(), Rows{"0 | NULL"});
}

TEST_F(FileSourceTest, GrowsItsColumnsWithTheFiles) {
  put("1.jsonl", "{\"a\":1}\n");
  EXPECT_EQ(epoch(), Rows{"1 | NULL"});
  put("2.jsonl", "{\"b\":\"x\",\"a\":1.5}\n");
  look();
  EXPECT_EQ(to_string(source().schema()), "a DOUBLE, b VARCHAR, _rescued_data VARCHAR");
  open();
  EXPECT_EQ(to_string(source().schema()), "a BIGINT, _rescued_data VARCHAR") << "the second epoch was not committed";
  EXPECT_EQ(epoch(), Rows{"1.5 | 'x' | NULL"});
}

TEST_F(FileSourceTest, KeepsWhatIsPendingUntilItIsTaken) {
  put("1.jsonl", "{\"a\":1}\n");
  EXPECT_EQ(look(), Paths{"in/1.jsonl"});
  put("2.jsonl", "{\"a\":2}\n");
  EXPECT_EQ(look(), Paths{"in/1.jsonl"});
  open();
  EXPECT_EQ(look(), (Paths{"in/1.jsonl", "in/2.jsonl"}));
}

TEST_F(FileSourceTest, ReportsAChangedOrVanishedFileOnceAndDoesNotReadItAgain) {
  put("1.jsonl", "{\"a\":1}\n");
  put("2.jsonl", "{\"a\":2}\n");
  epoch();
  put("1.jsonl", "{\"a\":1}\n{\"a\":10}\n", 2);
  files_.remove("in/2.jsonl");
  EXPECT_EQ(epoch(), Rows{});
  EXPECT_EQ(
      notices(),
      (Rows{"file in/1.jsonl that was read changed later; it is not read again (allowOverwrites => true does that)",
            "file in/2.jsonl that was read is gone; its rows stay"}));
  look();
  EXPECT_THAT(notices(), IsEmpty());
  put("2.jsonl", "{\"a\":2}\n");
  EXPECT_THAT(look(), IsEmpty()) << "it came back as it was";
}

TEST_F(FileSourceTest, CountsTheFilesThatChangedOrVanished) {
  for (const char* name : {"1.jsonl", "2.jsonl", "3.jsonl", "4.jsonl", "5.jsonl"}) put(name, "{\"a\":1}\n");
  epoch();
  for (const char* name : {"1.jsonl", "2.jsonl"}) put(name, "{\"a\":2}\n", 2);
  for (const char* name : {"3.jsonl", "4.jsonl"}) files_.remove(std::string("in/") + name);
  look();
  EXPECT_EQ(notices(), (Rows{"2 files that were read changed later (first: in/1.jsonl); they are not read again "
                             "(allowOverwrites => true does that)",
                             "2 files that were read are gone (first: in/3.jsonl); their rows stay"}));
  files_.remove("in/5.jsonl");
  look();
  EXPECT_EQ(notices(), Rows{"file in/5.jsonl that was read is gone; its rows stay"});
}

TEST_F(FileSourceTest, NamesTheFileThatChangedTheTypeOfAColumn) {
  put("1.jsonl", "{\"mag\":1,\"place\":{\"zip\":1},\"marks\":[1],\"text\":\"x\"}\n");
  epoch();
  EXPECT_THAT(notices(), IsEmpty());
  put("2.jsonl", "{\"mag\":1.5,\"new\":1}\n");
  put("3.jsonl", "{\"mag\":\"bad\",\"new\":\"x\",\"place\":{\"zip\":\"x\",\"town\":1}}\n");
  put("4.jsonl", "{\"mag\":2,\"marks\":[0.5],\"text\":1}\n");
  look();
  const Rows expected = {"column mag of in/*.jsonl became VARCHAR with in/3.jsonl (was BIGINT)",
                         "column marks[] of in/*.jsonl became DOUBLE with in/4.jsonl (was BIGINT)",
                         "column place.zip of in/*.jsonl became VARCHAR with in/3.jsonl (was BIGINT)"};
  EXPECT_EQ(notices(), expected);
  look();
  EXPECT_THAT(notices(), IsEmpty()) << "it was said";
  open();
  epoch();
  EXPECT_EQ(notices(), expected) << "the epoch was not committed before";
  put("5.jsonl", "{\"mag\":2}\n");
  epoch();
  EXPECT_THAT(notices(), IsEmpty());
}

TEST_F(FileSourceTest, NamesTheFileThatChangedAColumnAlsoIfTheLookFails) {
  source_.options["schemaevolutionmode"] = "failOnNewColumns";
  put("1.jsonl", "{\"a\":1}\n");
  epoch();
  put("2.jsonl", "{\"a\":\"x\"}\n");
  EXPECT_EQ(source().look({}).error().number(), kErrorNewColumns);
  EXPECT_EQ(notices(), Rows{"column a of in/*.jsonl became VARCHAR with in/2.jsonl (was BIGINT)"});
}

TEST_F(FileSourceTest, DoesNotBlameATrackedFileForWhatAnotherTookAway) {
  source_.stream = false;
  put("1.jsonl", "{\"a\":1}\n");
  put("2.jsonl", "{\"a\":\"x\"}\n");
  epoch();
  files_.remove("in/2.jsonl");
  epoch();
  EXPECT_EQ(notices(), Rows{"column a of in/*.jsonl became BIGINT (was VARCHAR)"});
  put("0.jsonl", "{\"a\":0.5}\n");
  epoch();
  EXPECT_EQ(notices(), Rows{"column a of in/*.jsonl became DOUBLE with in/0.jsonl (was BIGINT)"});
}

TEST_F(FileSourceTest, ReadsAChangedFileAgainIfOverwritesAreAllowed) {
  source_.options["allowoverwrites"] = "true";
  put("1.jsonl", "{\"a\":1}\n");
  epoch();
  put("1.jsonl", "{\"a\":1}\n{\"a\":10}\n", 2);
  EXPECT_EQ(epoch(), (Rows{"1 | NULL", "10 | NULL"}));
  EXPECT_EQ(epoch(), Rows{});
}

TEST_F(FileSourceTest, TakesNoMoreFilesThanATriggerMay) {
  source_.options["maxfilespertrigger"] = "2";
  for (const char* name : {"1.jsonl", "2.jsonl", "3.jsonl"}) put(name, "{\"a\":1}\n");
  EXPECT_EQ(look(), (Paths{"in/1.jsonl", "in/2.jsonl"}));
  epoch();
  EXPECT_EQ(look(), (Paths{"in/3.jsonl"}));
  epoch();
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(FileSourceTest, WaitsUntilAFileHasSettled) {
  settle_time_ = std::chrono::milliseconds(1000);
  put("1.jsonl", "{\"a\":1}\n");
  EXPECT_THAT(look(), IsEmpty());
  clock_.advance(std::chrono::milliseconds(600));
  put("1.jsonl", "{\"a\":1}\n{\"a\":2}\n", 2);
  EXPECT_THAT(look(), IsEmpty());
  clock_.advance(std::chrono::milliseconds(1000));
  EXPECT_EQ(epoch(), (Rows{"1 | NULL", "2 | NULL"}));
}

TEST_F(FileSourceTest, FailsIfAFileChangesBetweenPlanAndReading) {
  put("1.jsonl", "{\"a\":1}\n");
  look();
  put("1.jsonl", "{\"a\":9}\n", 2);
  const Status status = read();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(status.error().number(), kErrorChangedWhileRead);
  EXPECT_THAT(status.error().message(), HasSubstr("in/1.jsonl"));
  open();
  EXPECT_EQ(epoch(), Rows{"9 | NULL"});
}

TEST_F(FileSourceTest, FindsAChangeThatKeepsSizeAndTime) {
  put("1.jsonl", "{\"a\":1}\n");
  look();
  put("1.jsonl", "{\"a\":9}\n");
  EXPECT_EQ(read().error().number(), kErrorChangedWhileRead);
}

TEST_F(FileSourceTest, FailsIfAFileVanishesBetweenPlanAndReading) {
  put("1.jsonl", "{\"a\":1}\n");
  put("2.jsonl", "{\"a\":2}\n");
  look();
  files_.remove("in/2.jsonl");
  const Status status = read();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().number(), kErrorChangedWhileRead);
  EXPECT_THAT(status.error().message(), HasSubstr("in/2.jsonl vanished"));
}

TEST_F(FileSourceTest, FailsIfAFileIsWrittenIntoWhileItIsRead) {
  put("1.jsonl", "{\"a\":1}\n");
  look();
  bool first = true;
  files_.before_read([&](const std::string& path) {
    if (std::exchange(first, false)) files_.overwrite(path, "{\"a\":1}\n{\"a\":2}\n", at(2));
    return ok();
  });
  EXPECT_EQ(read().error().number(), kErrorChangedWhileRead);
}

TEST_F(FileSourceTest, ReadsThePlannedFileEvenIfItsNameIsRemovedMeanwhile) {
  put("1.jsonl", "{\"a\":1}\n");
  look();
  files_.before_read([&](const std::string& path) {
    files_.remove(path);
    return ok();
  });
  EXPECT_TRUE(read().has_value());
  EXPECT_EQ(sink_.text_rows(), Rows{"1 | NULL"});
}

TEST_F(FileSourceTest, FailsToLookIfAFileIsWrittenIntoMeanwhileAndLooksAgain) {
  put("1.jsonl", "{\"a\":1}\n");
  bool first = true;
  files_.before_read([&](const std::string& path) {
    if (std::exchange(first, false)) files_.overwrite(path, "{\"a\":\"two\"}\n", at(2));
    return ok();
  });
  const Status status = source().look({});
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().number(), kErrorChangedWhileRead);
  EXPECT_FALSE(source().has_pending());
  EXPECT_EQ(epoch(), Rows{"'two' | NULL"});
}

TEST_F(FileSourceTest, StopsWhenAsked) {
  put("1.jsonl", "{\"a\":1}\n");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(source().look(stop.get_token()).error().code(), ErrorCode::Cancelled);
  look();
  EXPECT_EQ(source().read_pending(sink_, stop.get_token()).error().code(), ErrorCode::Cancelled);
}

TEST_F(FileSourceTest, HasDeclaredColumnsWhateverTheFilesHold) {
  source_.declared_schema = schema_of("a INTEGER, j VARCHAR");
  put("1.jsonl", "{\"a\":\"7\",\"j\":{\"x\":1},\"b\":2}\n");
  EXPECT_EQ(epoch(), Rows{"7 | '{\"x\":1}' | '{\"b\":2,\"_file_path\":\"in/1.jsonl\"}'"});
  EXPECT_EQ(source().schema_text(), "");
}

TEST_F(FileSourceTest, KeepsTheFirstColumnsInRescueMode) {
  source_.options["schemaevolutionmode"] = "rescue";
  put("1.jsonl", "{\"a\":1}\n");
  epoch();
  put("2.jsonl", "{\"a\":\"x\",\"b\":1}\n");
  EXPECT_EQ(epoch(), Rows{"NULL | '{\"a\":\"x\",\"b\":1,\"_file_path\":\"in/2.jsonl\"}'"});
  EXPECT_EQ(to_string(source().schema()), "a BIGINT, _rescued_data VARCHAR");
}

TEST_F(FileSourceTest, RefusesNewColumnsIfToldTo) {
  source_.options["schemaevolutionmode"] = "failOnNewColumns";
  put("1.jsonl", "{\"a\":1}\n");
  epoch();
  put("2.jsonl", "{\"a\":2}\n");
  EXPECT_EQ(epoch(), Rows{"2 | NULL"});
  put("3.jsonl", "{\"b\":1}\n");
  const Status status = source().look({});
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().number(), kErrorNewColumns);
  EXPECT_FALSE(source().has_pending());
}

TEST_F(FileSourceTest, NamesAnOptionItDoesNotUnderstand) {
  for (const auto& [name, value] : std::map<std::string, std::string>{{"maxfilespertrigger", "0"},
                                                                      {"allowoverwrites", "maybe"},
                                                                      {"settletime", "soon"},
                                                                      {"schemaevolutionmode", "wild"},
                                                                      {"what", "ever"}}) {
    source_.options = {{name, value}};
    const auto created = FileSource::create(source_, files_, clock_, settle_time_);
    ASSERT_FALSE(created.has_value()) << name;
    EXPECT_EQ(created.error().number(), kErrorOptionInvalid);
    EXPECT_THAT(created.error().message(), HasSubstr(name));
  }
  source_.options = {};
  source_.format = "csv";
  EXPECT_EQ(FileSource::create(source_, files_, clock_, settle_time_).error().number(), kErrorFormatUnsupported);
}

TEST_F(FileSourceTest, RefusesToEvolveDeclaredColumns) {
  source_.declared_schema = schema_of("a BIGINT");
  source_.location = {.file = "t.sql", .line = 3, .column = 13, .length = 1, .text = ""};
  for (const char* mode : {"addNewColumns", "none", "failOnNewColumns"}) {
    source_.options["schemaevolutionmode"] = mode;
    const auto created = FileSource::create(source_, files_, clock_, settle_time_);
    ASSERT_FALSE(created.has_value()) << mode;
    EXPECT_EQ(created.error().number(), kErrorOptionInvalid);
    EXPECT_THAT(created.error().message(), HasSubstr(mode));
    EXPECT_EQ(created.error().location(), source_.location);
  }
  source_.options["schemaevolutionmode"] = "rescue";
  put("1.jsonl", "{\"a\":1,\"b\":2}\n");
  EXPECT_EQ(epoch(), Rows{"1 | '{\"b\":2,\"_file_path\":\"in/1.jsonl\"}'"});
}

TEST_F(FileSourceTest, TracksFilesAsTheyAreNow) {
  source_.stream = false;
  put("1.jsonl", "{\"a\":1}\n");
  put("2.jsonl", "{\"a\":2.5}\n");
  EXPECT_EQ(epoch(), (Rows{"1.0 | NULL", "2.5 | NULL"}));
  EXPECT_THAT(look(), IsEmpty());
  files_.remove("in/2.jsonl");
  put("1.jsonl", "{\"a\":5}\n", 2);
  put("0.jsonl", "{\"z\":true}\n");
  EXPECT_EQ(look(), (Paths{"in/0.jsonl", "in/1.jsonl"}));
  EXPECT_EQ(to_string(source().schema()), "z BOOLEAN, a BIGINT, _rescued_data VARCHAR")
      << "as a first run would find it";
  EXPECT_EQ(epoch(), (Rows{"true | NULL | NULL", "NULL | 5 | NULL"}));
  open();
  EXPECT_THAT(look(), IsEmpty());
  KeepingSink all;
  SLUICE_CHECK_OK(source().read_all(all, {}));
  EXPECT_EQ(all.text_rows(), (Rows{"true | NULL | NULL", "NULL | 5 | NULL"}));
  for (const char* name : {"0.jsonl", "1.jsonl"}) files_.remove(std::string("in/") + name);
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_TRUE(source().has_pending()) << "no file at all is news, too";
}

TEST_F(FileSourceTest, KeepsTheColumnsOfTrackedFilesThatAreAllGone) {
  source_.stream = false;
  put("1.jsonl", "{\"a\":1}\n");
  epoch();
  files_.remove("in/1.jsonl");
  EXPECT_EQ(epoch(), Rows{});
  EXPECT_EQ(to_string(source().schema()), "a BIGINT, _rescued_data VARCHAR");
  open();
  EXPECT_EQ(to_string(source().schema()), "a BIGINT, _rescued_data VARCHAR");
  put("2.jsonl", "no row\n");
  EXPECT_EQ(epoch(), Rows{});
  EXPECT_EQ(to_string(source().schema()), "a BIGINT, _rescued_data VARCHAR");
  put("2.jsonl", "{\"b\":true}\n", 2);
  EXPECT_EQ(epoch(), Rows{"true | NULL"});
  EXPECT_EQ(to_string(source().schema()), "b BOOLEAN, _rescued_data VARCHAR");
}

TEST_F(FileSourceTest, KeepsTrackedFilesWhileTheySettle) {
  source_.stream = false;
  settle_time_ = std::chrono::milliseconds(1000);
  put("1.jsonl", "{\"a\":1}\n");
  put("2.jsonl", "{\"a\":2}\n");
  look();
  clock_.advance(std::chrono::milliseconds(1000));
  EXPECT_EQ(epoch(), (Rows{"1 | NULL", "2 | NULL"}));
  open();
  look();
  EXPECT_FALSE(source().has_pending()) << "after a restart files are new to nobody";
  put("2.jsonl", "{\"a\":20}\n", 2);
  look();
  EXPECT_FALSE(source().has_pending()) << "it changes, and has not vanished";
  clock_.advance(std::chrono::milliseconds(1000));
  EXPECT_EQ(epoch(), (Rows{"1 | NULL", "20 | NULL"}));
}

TEST_F(FileSourceTest, DoesNotTakeATouchedFileForAChange) {
  source_.stream = false;
  put("1.jsonl", "{\"a\":1}\n");
  epoch();
  put("1.jsonl", "{\"a\":1}\n", 2);
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_FALSE(source().has_pending());
  KeepingSink all;
  SLUICE_CHECK_OK(source().read_all(all, {}));
  EXPECT_EQ(all.text_rows(), Rows{"1 | NULL"});
}

TEST_F(FileSourceTest, PassesOnWhatIsWrongWithTheFolder) {
  source_.path = "missing/*.jsonl";
  source_.location = {.file = "t.sql", .line = 3, .column = 13, .length = 1, .text = ""};
  const Status status = source().look({});
  EXPECT_EQ(status.error().number(), kErrorPathNotFound);
  EXPECT_EQ(status.error().location(), source_.location);
}

TEST(FileLogTest, ReadsItsStoredFormBack) {
  FileLog log;
  log.add({.files = {{{.path = "in/ö\"1", .size_bytes = 12, .modified = at(1700000000123)}, hash128("content")}}});
  EXPECT_EQ(FileLog::decode(log.encode()).value(), log);
  EXPECT_EQ(FileLog::decode("").value(), FileLog{});
  for (const char* text :
       {"{}", "[", "{\"format\":1,\"whole\":true,\"files\":[{\"path\":\"a\"}]}",
        "{\"format\":1,\"whole\":true,\"files\":[{\"path\":\"a\",\"size\":1,\"modified\":1,\"hash\":\"zz\"}]}"}) {
    EXPECT_EQ(FileLog::decode(text).error().code(), ErrorCode::Corruption) << text;
  }
}

// ---- Parquet, which DuckDB reads from the local disk ----

class ParquetSourceTest : public ::testing::Test {
 protected:
  ParquetSourceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice_parquet_XXXXXX").string();
    SLUICE_CHECK(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
    root_ = pattern;
    files_ = std::make_unique<LocalFileSystem>(root_.string());
    source_.path = "*.parquet";
    source_.format = "parquet";
    source_.stream = true;
  }
  ~ParquetSourceTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& name, const std::string& query) {
    const auto result =
        testing::connection().Query("COPY (" + query + ") TO '" + (root_ / name).string() + "' (FORMAT parquet)");
    SLUICE_CHECK(!result->HasError(), result->GetError());
  }
  void open() { file_source_ = FileSource::create(source_, *files_, clock_, std::chrono::milliseconds(0)).value(); }
  Rows epoch() {
    if (!file_source_) open();
    SLUICE_CHECK_OK(file_source_->look({}));
    sink_ = KeepingSink();
    SLUICE_CHECK_OK(file_source_->read_pending(sink_, {}));
    schema_text_ = file_source_->schema_text();
    file_source_->advance();
    return sink_.text_rows();
  }

  std::filesystem::path root_;
  std::unique_ptr<LocalFileSystem> files_;
  ManualClock clock_{at(0)};
  plan::Source source_;
  std::unique_ptr<FileSource> file_source_;
  std::string schema_text_;
  KeepingSink sink_;
};

TEST_F(ParquetSourceTest, ReadsRowsInFileOrder) {
  write("a.parquet", "SELECT i, 's' || i AS s, [i] AS l, {'x': i} AS t FROM range(5000) t(i)");
  const Rows rows = epoch();
  ASSERT_EQ(rows.size(), 5000U);
  EXPECT_EQ(rows[4321], "4321 | 's4321' | [4321] | {'x': 4321} | NULL");
}

TEST_F(ParquetSourceTest, AddsNewColumnsAndRescuesValuesThatDoNotFit) {
  write("1.parquet", "SELECT 1::INTEGER AS a, 'x' AS b");
  EXPECT_EQ(epoch(), Rows{"1 | 'x' | NULL"});
  write("2.parquet",
        "SELECT * FROM (VALUES (2::BIGINT, 3.5::DOUBLE, DATE '2024-01-01'), (5000000000, NULL, NULL)) t(a, c, b)");
  EXPECT_EQ(epoch(), (Rows{"2 | '2024-01-01' | 3.5 | NULL",
                           "NULL | NULL | NULL | '{\"a\":5000000000,\"_file_path\":\"2.parquet\"}'"}));
  const std::string before = schema_text_;
  open();
  SLUICE_CHECK_OK(file_source_->restore("", before));
  EXPECT_EQ(to_string(file_source_->schema()), "a INTEGER, b VARCHAR, c DOUBLE, _rescued_data VARCHAR");
}

TEST_F(ParquetSourceTest, RescuesWhatAnotherColumnHasTheNameOf) {
  write("1.parquet", "SELECT 1 AS É, 2 AS é");
  EXPECT_EQ(epoch(), Rows{"1 | '{\"é\":2,\"_file_path\":\"1.parquet\"}'"});
}

TEST_F(ParquetSourceTest, FillsDeclaredColumnsAndRescuesTheRest) {
  source_.declared_schema = schema_of("A BIGINT, s STRUCT(x BIGINT), missing DATE");
  write("plain.parquet", "SELECT 1.5::DOUBLE AS a, 7 AS other, {'x': 1::INTEGER} AS s");
  std::filesystem::rename(root_ / "plain.parquet", root_ / "we[i]rd's.parquet");
  EXPECT_EQ(epoch(), Rows{"NULL | {'x': 1} | NULL | '{\"a\":1.5,\"other\":7,\"_file_path\":\"we[i]rd''s.parquet\"}'"});
}

TEST_F(ParquetSourceTest, MakesADeadLetterOfABrokenFileAndGoesOn) {
  write("1.parquet", "SELECT 1 AS a");
  std::ofstream(root_ / "2.parquet") << "PAR1 not Parquet at all PAR1";
  std::ofstream(root_ / "3.parquet");
  write("4.parquet", "SELECT 4 AS a");
  EXPECT_EQ(epoch(), (Rows{"1 | NULL", "4 | NULL"}));
  ASSERT_THAT(sink_.letter_numbers(), ElementsAre(kDeadLetterParquetBroken, kDeadLetterParquetBroken));
  EXPECT_EQ(sink_.letters[0].path, "2.parquet");
  EXPECT_EQ(sink_.letters[0].line, 0U);
}

TEST_F(ParquetSourceTest, KeepsTheRowsBeforeTheDamage) {
  write("1.parquet", "SELECT i, hash(i) AS h FROM range(300000) t(i)");
  std::fstream file(root_ / "1.parquet", std::ios::in | std::ios::out | std::ios::binary);
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(root_ / "1.parquet"));
  file.seekp(size * 3 / 4);
  file << std::string(static_cast<std::size_t>(size / 8), '\xAB');
  file.close();
  const Rows rows = epoch();
  EXPECT_GT(rows.size(), 50'000U);
  EXPECT_LT(rows.size(), 300'000U);
  EXPECT_THAT(sink_.letter_numbers(), ElementsAre(kDeadLetterParquetBroken));
  EXPECT_THAT(sink_.letters[0].message, HasSubstr(std::to_string(rows.size()) + " rows that were taken"));
}

// ---- Parquet and a machine that fails ----

class ParquetFaultTest : public ParquetSourceTest {
 protected:
  ParquetFaultTest() {
    source_.path = "in/*.parquet";
    memory_.make_folder("in");
    file_source_ = FileSource::create(source_, memory_, clock_, std::chrono::milliseconds(0)).value();
  }

  /// Returns the bytes of a Parquet file with the query's rows.
  std::string bytes_of(const std::string& query) {
    write("made.parquet", query);
    std::ifstream file(root_ / "made.parquet", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Fails the read with this index, counting from 0, and those after it.
  void fail_reads_from(int first) {
    memory_.before_read([first, count = 0](const std::string& path) mutable -> Status {
      if (count++ < first) return ok();
      return Error(ErrorCode::Unavailable, "cannot read " + path + ": it is the disk")
          .with_number(kErrorPathNotReadable);
    });
  }

  MemoryFileSystem memory_;
};

TEST_F(ParquetFaultTest, FailsAtAnyReadThatTheMachineFailsAndTakesAllLater) {
  memory_.put("in/1.parquet", bytes_of("SELECT i FROM range(5000) t(i)"), at(1));
  int reads = 0;
  for (bool failed = true; failed; ++reads) {
    fail_reads_from(reads);
    const Status status = file_source_->look({});
    failed = !status.has_value();
    if (!failed) break;
    EXPECT_EQ(status.error().number(), kErrorPathNotReadable) << reads;
    EXPECT_FALSE(file_source_->has_pending());
  }
  EXPECT_GT(reads, 1) << "for the hash and for the columns";
  int failures = 0;
  for (;; ++failures) {
    fail_reads_from(failures);
    sink_ = KeepingSink();
    const Status status = file_source_->read_pending(sink_, {});
    ASSERT_THAT(sink_.letters, IsEmpty());
    if (status.has_value()) break;
    EXPECT_EQ(status.error().code(), ErrorCode::Unavailable);
    EXPECT_EQ(status.error().number(), kErrorPathNotReadable) << failures;
  }
  EXPECT_GT(failures, 2);
  EXPECT_EQ(sink_.text_rows().size(), 5000U);
}

TEST_F(ParquetFaultTest, ReadsThePlannedFileEvenIfAnotherTakesItsName) {
  const std::string other = bytes_of("SELECT 'x' AS i");
  memory_.put("in/1.parquet", bytes_of("SELECT 7 AS i"), at(1));
  SLUICE_CHECK_OK(file_source_->look({}));
  memory_.before_read([&](const std::string& path) {
    memory_.put(path, other, at(1));
    return ok();
  });
  SLUICE_CHECK_OK(file_source_->read_pending(sink_, {}));
  EXPECT_EQ(sink_.text_rows(), Rows{"7 | NULL"});
}

TEST_F(ParquetFaultTest, FailsIfAFileIsWrittenIntoAfterItWasReadOnce) {
  const std::string other = bytes_of("SELECT 8 AS i");
  memory_.put("in/1.parquet", bytes_of("SELECT 7 AS i"), at(1));
  SLUICE_CHECK_OK(file_source_->look({}));
  memory_.before_read([&](const std::string& path) {
    memory_.overwrite(path, other, at(1));
    return ok();
  });
  EXPECT_EQ(file_source_->read_pending(sink_, {}).error().number(), kErrorChangedWhileRead);
}

TEST_F(ParquetFaultTest, MakesADeadLetterOfAFileThatLeadsOutsideItself) {
  const std::string bytes = bytes_of("SELECT hash(i) AS i FROM range(5000) t(i)");
  std::uint32_t footer_size = 0;  // stands before the last four bytes
  std::memcpy(&footer_size, bytes.data() + bytes.size() - 8, sizeof(footer_size));
  memory_.put("in/1.parquet", "PAR1" + bytes.substr(bytes.size() - 8 - footer_size), at(1));
  memory_.put("in/2.parquet", bytes, at(1));
  SLUICE_CHECK_OK(file_source_->look({}));
  SLUICE_CHECK_OK(file_source_->read_pending(sink_, {}));
  ASSERT_THAT(sink_.letter_numbers(), ElementsAre(kDeadLetterParquetBroken));
  EXPECT_EQ(sink_.letters[0].path, "in/1.parquet");
  EXPECT_EQ(sink_.text_rows().size(), 5000U);
}

}  // namespace
}  // namespace sluice::connect
