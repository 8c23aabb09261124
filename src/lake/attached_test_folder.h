#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/random.h"
#include "delta/snapshot.h"
#include "delta/verify.h"
#include "lake/lake.h"
#include "lake/lake_test_rows.h"
#include "store/local_store.h"

namespace sluice::lake {

/// For tests: a folder of Delta tables of the test's own, attached as `lake`.
class AttachedTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    for (char& c : name) c = c == '/' ? '_' : c;
    folder_ = std::filesystem::path(testing::TempDir()) / ("attached_" + name);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    LakeOptions options;
    options.working_folder = folder_.string();
    options.clock = &clock_;
    options.random = &random_;
    lake_ = std::move(*Lake::create(std::move(options)));
    session_ = attach();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Opens another session, as another user would.
  std::unique_ptr<LakeSession> attach() {
    auto session = std::move(*lake_->open_session());
    EXPECT_EQ(text_of(session->query("ATTACH '.' AS lake (TYPE delta)")), "");
    return session;
  }

  std::string run(const std::string& sql) { return text_of(session_->query(sql)); }
  /// Runs a statement that changes something.
  void change(const std::string& sql) {
    const std::string text = run(sql);
    EXPECT_FALSE(text.starts_with("error")) << sql << ": " << text;
  }
  /// Returns the number of the error that the statement fails with; 0 if it does not.
  std::uint32_t number_of(const std::string& sql) {
    const auto rows = session_->query(sql);
    return rows ? 0u : rows.error().number();
  }

  std::unique_ptr<store::LocalStore> store_of(const std::string& table) {
    return std::move(*store::LocalStore::create((folder_ / table).string()));
  }
  std::shared_ptr<const delta::Snapshot> snapshot(const std::string& table) {
    return *delta::Snapshot::load(*store_of(table));
  }
  /// Fails if `verify` finds anything wrong with the table.
  void expect_sound(const std::string& table) {
    const auto store = store_of(table);
    const auto verified = delta::verify_table(*store);
    ASSERT_TRUE(verified) << verified.error().message();
    ASSERT_TRUE(verified->has_value());
    EXPECT_EQ((*verified)->findings, std::vector<std::string>());
  }

  SystemClock clock_;
  SeededRandom random_{1};
  std::filesystem::path folder_;
  std::unique_ptr<Lake> lake_;
  std::unique_ptr<LakeSession> session_;
};

}  // namespace sluice::lake
