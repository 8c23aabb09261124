#include "cli/init_command.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/embedded_file.h"
#include "cli/project.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class InitCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sluice-init-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = fs::canonical(pattern);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
    return std::move(text).str();
  }

  fs::path folder_;
};

TEST_F(InitCommandTest, TheEmptyTemplateIsAProjectNamedAfterItsFolder) {
  const auto written = init_project(folder_ / "shop", "empty");
  ASSERT_TRUE(written) << render(written.error());
  EXPECT_THAT(*written, ElementsAre("sluice.yml", "transformations/events.sql", "landing/.keep"));
  const auto project = open_project(folder_ / "shop", {});
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_EQ(project->name, "shop");
  EXPECT_EQ(project->files.size(), 1u);
}

TEST_F(InitCommandTest, EarthquakesCarriesItsDataAndLandsTheFirstDays) {
  const auto written = init_project(folder_, "earthquakes");
  ASSERT_TRUE(written) << render(written.error());
  EXPECT_THAT(*written, Contains("data/2018-02-07.jsonl"));
  EXPECT_THAT(*written, Contains("landing/2018-02-05.jsonl"));
  EXPECT_THAT(*written, Not(Contains("landing/2018-02-06.jsonl")));
  EXPECT_EQ(read("landing/2018-01-31.jsonl"), read("data/2018-01-31.jsonl"));
  EXPECT_THAT(read("data/2018-01-31.jsonl"), HasSubstr("{\"type\":\"Feature\""));
  for (const EmbeddedFile& file : embedded_earthquakes()) EXPECT_EQ(read(std::string(file.name)), file.content);
  const auto project = open_project(folder_, {});
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_EQ(project->name, "earthquakes");
}

TEST_F(InitCommandTest, AFolderThatHoldsAnythingIsNotTouched) {
  std::ofstream(folder_ / "mine.txt") << "precious";
  const auto written = init_project(folder_, "empty");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(written.error().number(), 130u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(InitCommandTest, AFileIsNoFolder) {
  std::ofstream(folder_ / "file") << "";
  EXPECT_EQ(init_project(folder_ / "file", "empty").error().number(), 130u);
  EXPECT_EQ(init_project(folder_ / "file" / "below", "empty").error().number(), 131u);
}

TEST_F(InitCommandTest, AnUnknownTemplateNamesTheOnesThereAre) {
  const auto written = init_project(folder_ / "new", "earthquake");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().number(), 132u);
  EXPECT_THAT(written.error().help(), HasSubstr("earthquakes"));
  EXPECT_FALSE(fs::exists(folder_ / "new"));
}

}  // namespace
}  // namespace sluice::cli
