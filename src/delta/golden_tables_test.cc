// Tables that others wrote (tests/golden): their logs must give the files that a replay of the JSON commits alone, done
// by another program, gave; with their checkpoints and, where these are whole, without the commits they cover.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "delta/data_path.h"
#include "delta/deletion_vector.h"
#include "delta/file_statistics.h"
#include "delta/log_path.h"
#include "delta/snapshot.h"
#include "store/local_store.h"
#include "store/memory_store.h"

namespace sluice::delta {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

struct GoldenTable {
  const char* name;
  bool has_checkpoint;  ///< One that works, so that the commits it covers are not needed.
};

class GoldenTablesTest : public ::testing::TestWithParam<GoldenTable> {
 protected:
  GoldenTablesTest() {
    const std::filesystem::path root = std::filesystem::path(SLUICE_GOLDEN_FOLDER) / GetParam().name;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "table")) {
      if (!entry.is_regular_file()) continue;
      const std::string key = std::filesystem::relative(entry.path(), root / "table").string();
      SLUICE_CHECK_OK(store_.put(key, read_file(entry.path())));
    }
    expected_ = read_file(root / "expected_files.txt");
  }

  /// The snapshot as text, in the form of expected_files.txt: path, size, rows, rows that a vector marks.
  std::string described(const Snapshot& snapshot) {
    std::vector<std::string> lines;
    for (const AddFile& file : snapshot.files()) {
      const auto statistics = read_statistics(file.stats.value_or("{}"));
      SLUICE_CHECK_OK(statistics);
      std::uint64_t marked = 0;
      if (file.deletion_vector) {
        const auto vector = load_deletion_vector(store_, *file.deletion_vector);
        SLUICE_CHECK_OK(vector);
        marked = vector->cardinality();
      }
      const std::string rows = statistics->num_records ? std::to_string(*statistics->num_records) : "?";
      lines.push_back(resolve_path(file.path)->path + "|" + std::to_string(file.size_bytes) + "|" + rows + "|" +
                      std::to_string(marked) + "\n");
    }
    std::sort(lines.begin(), lines.end());
    std::string text = "version " + std::to_string(snapshot.version().value()) + "\n";
    for (const std::string& line : lines) text += line;
    return text;
  }

  SystemClock clock_;
  store::MemoryStore store_{clock_};
  std::string expected_;
};

TEST_P(GoldenTablesTest, HasTheExpectedFiles) {
  const auto snapshot = Snapshot::load(store_);
  ASSERT_TRUE(snapshot) << snapshot.error().message();
  EXPECT_EQ(described(**snapshot), expected_);
  EXPECT_EQ((*snapshot)->checkpoint_version() != kNoVersion, GetParam().has_checkpoint);
}

TEST_P(GoldenTablesTest, EveryVersionIsTheOneBeforeRefreshed) {
  const Version newest = (*Snapshot::load(store_))->version();
  // A store whose log grows commit by commit.
  store::MemoryStore growing(clock_);
  std::shared_ptr<const Snapshot> snapshot;
  for (Version version(0); version <= newest; version = version.next()) {
    const auto commit = store_.get(commit_key(version));
    ASSERT_TRUE(commit->has_value());
    ASSERT_TRUE(growing.put(commit_key(version), **commit));
    const auto next = snapshot ? Snapshot::refresh(growing, snapshot) : Snapshot::load(growing);
    ASSERT_TRUE(next) << next.error().message();
    snapshot = *next;
    EXPECT_EQ(snapshot->version(), version);
  }
  EXPECT_EQ(described(*snapshot), expected_);
}

class CheckpointedGoldenTablesTest : public GoldenTablesTest {};

TEST_P(CheckpointedGoldenTablesTest, DoesNotNeedTheCommitsThatACheckpointCovers) {
  const Version covered = (*Snapshot::load(store_))->checkpoint_version();
  for (Version version(0); version <= covered; version = version.next()) {
    ASSERT_TRUE(store_.remove(commit_key(version)));
  }
  const auto snapshot = Snapshot::load(store_);
  ASSERT_TRUE(snapshot) << snapshot.error().message();
  EXPECT_EQ(described(**snapshot), expected_);
}

std::string test_name(const ::testing::TestParamInfo<GoldenTable>& table) {
  std::string name = table.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

constexpr GoldenTable kCheckpointed[] = {{"checkpoint_multipart", true},
                                         {"checkpoint_struct_stats", true},
                                         {"checkpoint_v2_json", true},
                                         {"dv-partitioned-with-checkpoint", true},
                                         {"v2-checkpoint-parquet", true}};
constexpr GoldenTable kOthers[] = {
    {"column_mapping_name", false}, {"commit_formatting", false}, {"corrupt_checkpoint", false}, {"dv_dml", false},
    {"dv_inline", false},           {"encoded_paths", false},     {"unknown_actions", false}};

INSTANTIATE_TEST_SUITE_P(Checkpointed, GoldenTablesTest, ::testing::ValuesIn(kCheckpointed), test_name);
INSTANTIATE_TEST_SUITE_P(Others, GoldenTablesTest, ::testing::ValuesIn(kOthers), test_name);
INSTANTIATE_TEST_SUITE_P(Checkpointed, CheckpointedGoldenTablesTest, ::testing::ValuesIn(kCheckpointed), test_name);

}  // namespace
}  // namespace sluice::delta
