// Every kind of file that a table consists of, damaged in every way: what is read is the right table, or an Error that
// names the file. The format has no checksum for what lies within JSON text or a page of a Parquet file (neither our
// writer nor DuckDB's reader knows the CRC of pages), and nothing that tells a sound file from an older one in its
// place: there the claim is only that nothing crashes. SLUICE_DAMAGE_ROUNDS: how many random damages of each kind.

#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "delta/action_json.h"
#include "delta/change_files.h"
#include "delta/log_checkpoint.h"
#include "delta/log_path.h"
#include "delta/row_removal.h"
#include "delta/version_checksum.h"
#include "lake/lake_test_table.h"

namespace sluice::lake {
namespace {

enum class Damage { Truncated, Emptied, Zeroed, Flipped, Missing, Stale };

/// What a reader owes.
enum class Claim {
  Rows,         ///< The right rows.
  RowsOrNamed,  ///< The right rows, or an Error that names the file.
  NoCrash,      ///< Rows or an Error.
};

struct Kind {
  std::string name;
  std::string key;                  ///< Of the file that is damaged.
  std::map<Damage, Claim> claims;   ///< Others: RowsOrNamed.
  bool is_without_commits = false;  ///< The commits that a log checkpoint holds are gone.
};

class DamageTest : public DeltaTableTest {
 protected:
  static constexpr const char* kChanges = "change.parquet";

  void SetUp() override {
    LakeOptions options;
    options.find_table = [this](const auto&, const std::string& name) -> Result<std::optional<DeltaTable>> {
      if (name != "t") return std::optional<DeltaTable>();
      auto snapshot = delta::Snapshot::load(*store_);
      if (!snapshot) return std::move(snapshot).error();
      if (!*snapshot) return std::optional<DeltaTable>();
      return std::optional(DeltaTable{std::move(*snapshot), store_});
    };
    lake_ = std::move(*Lake::create(std::move(options)));
  }

  /// Versions 0 to 4: two files, one with a deletion vector in a file; a checkpoint of version 3.
  void make_table(const std::string& policy) {
    delta::TableDefinition definition;
    definition.schema = *delta::delta_schema(schema_of("SELECT 1::BIGINT AS id, '' AS name"));
    definition.properties = {{"delta.enableDeletionVectors", "true"}, {"delta.checkpointPolicy", policy}};
    auto actions = delta::create_table_actions(definition, clock_, random_);
    ASSERT_TRUE(actions) << actions.error().message();
    commit(*actions);
    add_file("a.parquet", "SELECT range AS id, 'a' || range AS name FROM range(50)");
    add_file("b.parquet", "SELECT range AS id, 'b' || range AS name FROM range(60)");
    mark_rows("b.parquet", {1, 5, 59});
    older_checkpoint_ = checkpoint_of_version(2);
    ASSERT_TRUE(delta::write_log_checkpoint(*store_, *snapshot_, clock_, random_));
    ASSERT_TRUE(delta::write_version_checksum(*store_, *snapshot_));
    add_file("c.parquet", "SELECT range AS id, 'c' || range AS name FROM range(3)");
    expected_ = query("FROM t ORDER BY ALL");
    ASSERT_NE(expected_, "");
  }

  void mark_rows(const std::string& path, std::vector<std::uint64_t> rows) {
    const auto live = snapshot_->files().find_path(path);
    ASSERT_TRUE(live);
    const auto removal = delta::mark_rows(*store_, clock_, random_, {{*live, delta::DeletionVector(rows)}});
    ASSERT_TRUE(removal) << removal.error().message();
    commit(removal->actions);
  }

  Bytes checkpoint_of_version(std::int64_t version) {
    const auto snapshot = delta::Snapshot::load(*store_, delta::Version(version));
    EXPECT_TRUE(snapshot);
    EXPECT_TRUE(delta::write_log_checkpoint(*store_, **snapshot, clock_, random_));
    const std::string key = delta::checkpoint_key(delta::Version(version));
    const Bytes bytes = **store_->get(key);
    EXPECT_TRUE(store_->remove(key));
    return bytes;
  }

  /// The key of the only file whose name has the two parts.
  std::string key_like(const std::string& folder, const std::string& part) {
    const auto listing = store_->list(folder);
    EXPECT_TRUE(listing);
    for (const auto& info : *listing) {
      if (info.key.find(part) != std::string::npos) return info.key;
    }
    ADD_FAILURE() << "there is no " << folder << "…" << part;
    return "";
  }

  static std::vector<Damage> damages() {
    return {Damage::Truncated, Damage::Emptied, Damage::Zeroed, Damage::Flipped, Damage::Missing, Damage::Stale};
  }

  static int rounds() {
    const char* text = std::getenv("SLUICE_DAMAGE_ROUNDS");
    return text == nullptr ? 6 : std::atoi(text);
  }

  /// Damages the file in all ways, each time makes it whole again.
  void damage_all(const Kind& kind, const Bytes& stale) {
    const Bytes whole = **store_->get(kind.key);
    std::map<std::string, Bytes> gone;
    if (kind.is_without_commits) {
      for (int version = 0; version <= 3; ++version) {
        const std::string key = delta::commit_key(delta::Version(version));
        gone[key] = **store_->get(key);
        ASSERT_TRUE(store_->remove(key));
      }
    }
    for (const Damage damage : damages()) {
      const bool is_random = damage == Damage::Truncated || damage == Damage::Flipped;
      for (int round = 0; round < (is_random ? rounds() : 1); ++round) {
        Bytes bytes = whole;
        std::string what = kind.name;
        switch (damage) {
          case Damage::Truncated:
            bytes.resize(1 + random_.next() % (bytes.size() - 1));
            // A text that ends with a line is whole as far as can be told.
            while (bytes.ends_with('\n') || (kind.key.ends_with(".json") && whole[bytes.size()] == '\n')) {
              bytes.pop_back();
            }
            what += " truncated to " + std::to_string(bytes.size());
            break;
          case Damage::Emptied: bytes.clear(), what += " emptied"; break;
          case Damage::Zeroed: bytes.assign(bytes.size(), '\0'), what += " zeroed"; break;
          case Damage::Flipped: {
            const std::size_t at = random_.next() % bytes.size();
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << random_.next() % 8));
            what += " flipped at " + std::to_string(at);
            break;
          }
          case Damage::Missing: what += " missing"; break;
          case Damage::Stale: bytes = stale, what += " stale"; break;
        }
        if (damage == Damage::Missing) {
          ASSERT_TRUE(store_->remove(kind.key));
        } else {
          ASSERT_TRUE(store_->put(kind.key, bytes));
        }
        const auto claim = kind.claims.find(damage);
        check(kind, claim == kind.claims.end() ? Claim::RowsOrNamed : claim->second, what);
        ASSERT_TRUE(store_->put(kind.key, whole));
      }
    }
    for (const auto& [key, bytes] : gone) ASSERT_TRUE(store_->put(key, bytes));
  }

  void check(const Kind& kind, Claim claim, const std::string& what) {
    const auto text = read_();
    if (claim == Claim::NoCrash) return;
    if (text) {
      EXPECT_EQ(*text, expected_) << what;
      return;
    }
    const Error& error = text.error();
    EXPECT_EQ(claim, Claim::RowsOrNamed) << what << ": " << error.message();
    const std::string name = kind.key.substr(kind.key.rfind('/') + 1);
    // A missing commit is named by its version.
    const auto digits = name.find_first_not_of('0');
    const std::string version = digits == std::string::npos ? name : "version " + name.substr(digits, 1);
    EXPECT_TRUE(error.message().find(name) != std::string::npos || error.message().find(version) != std::string::npos)
        << what << ": " << error.message();
    EXPECT_EQ(error.code(), ErrorCode::Corruption) << what << ": " << error.message();
  }

  static Result<std::string> text_or_error(Rows& rows) {
    std::string text;
    while (true) {
      SLUICE_TRY_ASSIGN(auto chunk, rows.next());
      if (!chunk) return text;
      add_text(*chunk, text);
    }
  }

  static void add_text(duckdb::DataChunk& chunk, std::string& text) {
    for (std::size_t row = 0; row < chunk.size(); ++row) {
      for (std::size_t column = 0; column < chunk.ColumnCount(); ++column) {
        text += (column == 0 ? "" : "|") + chunk.GetValue(column, row).ToString();
      }
      text += '\n';
    }
  }

  std::string expected_;
  Bytes older_checkpoint_;
  std::function<Result<std::string>()> read_ = [this]() -> Result<std::string> {
    SLUICE_TRY_ASSIGN(const auto rows, lake_->query("FROM t ORDER BY ALL"));
    return text_or_error(*rows);
  };
};

/// Flips in text or in pages, and sound files that are older, are not to be told from the truth.
const std::map<Damage, Claim> kUnsealed = {{Damage::Flipped, Claim::NoCrash}, {Damage::Stale, Claim::NoCrash}};

TEST_F(DamageTest, CommitsHintsAndChecksums) {
  make_table("classic");
  const auto bytes_of = [&](const std::string& key) { return **store_->get(key); };
  // Before and behind the log checkpoint.
  damage_all({"commit 2, which the log checkpoint holds",
              delta::commit_key(delta::Version(2)),
              {{Damage::Truncated, Claim::Rows},
               {Damage::Emptied, Claim::Rows},
               {Damage::Zeroed, Claim::Rows},
               {Damage::Flipped, Claim::Rows},
               {Damage::Missing, Claim::Rows},
               {Damage::Stale, Claim::Rows}}},
             bytes_of(delta::commit_key(delta::Version(1))));
  auto newest = kUnsealed;
  newest[Damage::Missing] = Claim::NoCrash;  // then the version before is the newest
  newest[Damage::Emptied] = Claim::NoCrash;  // to Spark, too, a commit that does nothing
  damage_all({"commit 4", delta::commit_key(delta::Version(4)), newest},
             bytes_of(delta::commit_key(delta::Version(1))));
  ASSERT_TRUE(store_->remove(delta::checkpoint_key(delta::Version(3))));
  auto older = kUnsealed;
  older[Damage::Emptied] = Claim::NoCrash;
  damage_all({"commit 2", delta::commit_key(delta::Version(2)), older}, bytes_of(delta::commit_key(delta::Version(1))));
}

TEST_F(DamageTest, WhatIsOnlyAHint) {
  make_table("classic");
  std::map<Damage, Claim> all_right;
  for (const Damage damage : damages()) all_right[damage] = Claim::Rows;
  damage_all({"hint", std::string(delta::kLastCheckpointKey), all_right}, R"({"version":2,"size":3})");
  damage_all({"version checksum", key_like("_delta_log/", "3.crc"), all_right}, "{}");
  const std::string compaction = "_delta_log/00000000000000000001.00000000000000000002.compacted.json";
  ASSERT_TRUE(store_->put(compaction, **store_->get(delta::commit_key(delta::Version(1))) +
                                          **store_->get(delta::commit_key(delta::Version(2)))));
  damage_all({"log compaction", compaction, all_right}, "{}");
}

TEST_F(DamageTest, LogCheckpoints) {
  auto while_commits = kUnsealed;
  for (const Damage damage : {Damage::Truncated, Damage::Emptied, Damage::Zeroed, Damage::Missing}) {
    while_commits[damage] = Claim::Rows;
  }
  make_table("classic");
  const std::string key = delta::checkpoint_key(delta::Version(3));
  damage_all({"classic, commits there", key, while_commits}, older_checkpoint_);
  auto alone = kUnsealed;
  alone[Damage::Missing] = Claim::NoCrash;  // nothing is left that says it was there, but the hint
  damage_all({"classic, commits gone", key, alone, true}, older_checkpoint_);
  // Of many parts: what all three say is there once.
  const Bytes whole = **store_->get(key);
  ASSERT_TRUE(store_->remove(key));
  const auto part = [](int number) {
    return fmt::format("_delta_log/00000000000000000003.checkpoint.{:010}.0000000003.parquet", number);
  };
  for (int number = 1; number <= 3; ++number) ASSERT_TRUE(store_->put(part(number), whole));
  damage_all({"part, commits there", part(2), while_commits}, older_checkpoint_);
  damage_all({"part, commits gone", part(2), alone, true}, older_checkpoint_);
}

TEST_F(DamageTest, LogCheckpointsInTheV2Form) {
  auto while_commits = kUnsealed;
  for (const Damage damage : {Damage::Truncated, Damage::Emptied, Damage::Zeroed, Damage::Missing}) {
    while_commits[damage] = Claim::Rows;
  }
  auto alone = kUnsealed;
  make_table("v2");
  // The other is of the older log checkpoint.
  const auto sidecars = store_->list("_delta_log/_sidecars/");
  ASSERT_EQ(sidecars->size(), 2u);
  const Bytes manifest_text = **store_->get(delta::checkpoint_key(delta::Version(3)));
  std::string sidecar = (*sidecars)[0].key;
  std::string own = (*sidecars)[1].key;
  if (manifest_text.find(own.substr(own.rfind('/') + 1)) == Bytes::npos) std::swap(own, sidecar);
  const Bytes other = **store_->get(sidecar);
  damage_all({"sidecar, commits there", own, while_commits}, other);
  damage_all({"sidecar, commits gone", own, alone, true}, other);
  const std::string manifest = delta::checkpoint_key(delta::Version(3));
  alone[Damage::Missing] = Claim::NoCrash;
  damage_all({"manifest, commits there", manifest, while_commits}, older_checkpoint_);
  damage_all({"manifest, commits gone", manifest, alone, true}, older_checkpoint_);
}

TEST_F(DamageTest, DataFilesAndDeletionVectors) {
  make_table("classic");
  damage_all({"data file", "a.parquet", kUnsealed}, **store_->get("c.parquet"));
  // Each vector has a checksum of its own.
  damage_all({"deletion vector", key_like("", "deletion_vector"), {}}, "\1");
}

TEST_F(DamageTest, ChangeDataFiles) {
  make_table("classic");
  auto definition_metadata = snapshot_->metadata();
  definition_metadata.configuration["delta.enableChangeDataFeed"] = "true";
  commit({definition_metadata});
  const std::string sql = "SELECT range AS id, 'c' || range AS name, 'update_postimage' AS _change_type FROM range(9)";
  auto result = connection_.Query(sql);
  ASSERT_FALSE(result->HasError());
  auto writer = columnar::ParquetWriter::create(*store_, kChanges, schema_of(sql), {});
  ASSERT_TRUE(writer);
  for (auto& chunk : result->Collection().Chunks()) ASSERT_TRUE((*writer)->append(chunk));
  const auto written = std::move(**writer).finish();
  ASSERT_TRUE(written);
  delta::AddCdcFile change;
  change.path = kChanges;
  change.size_bytes = static_cast<std::int64_t>(written->size_bytes);
  const std::vector<delta::Action> actions = {delta::CommitInfo(), change};
  ASSERT_TRUE(store_->put(delta::commit_key(snapshot_->version().next()), delta::write_actions(actions)));
  read_ = [this, at = snapshot_->version().next()]() -> Result<std::string> {
    SLUICE_TRY_ASSIGN(auto changes, delta::load_changes(*store_, at, std::nullopt));
    std::string rows;
    SLUICE_TRY(lake_->scan_feed({std::move(*changes), store_}, {}, [&](columnar::ChangeBatch& batch) {
      add_text(batch.rows(), rows);
      return ok();
    }));
    return rows;
  };
  const auto rows = read_();
  ASSERT_TRUE(rows) << rows.error().message();
  ASSERT_NE(*rows, "");
  expected_ = *rows;
  damage_all({"change data file", kChanges, kUnsealed}, **store_->get("c.parquet"));
}

}  // namespace
}  // namespace sluice::lake
