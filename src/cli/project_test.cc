#include "cli/project.h"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProjectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sluice-project-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = fs::canonical(pattern);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  Result<Project> open(const std::string& start = "", const ProjectOverrides& overrides = {}) const {
    return open_project(start.empty() ? folder_ : folder_ / start, overrides);
  }
  static std::vector<std::string> names_of(const Project& project) {
    std::vector<std::string> names;
    for (const StatementFile& file : project.files) names.push_back(file.name);
    return names;
  }

  fs::path folder_;
};

TEST_F(ProjectTest, TakesEverySqlFileUnderTransformationsInTheOrderOfNames) {
  write("sluice.yml", "name: shop\n");
  write("transformations/b.sql", "second");
  write("transformations/deep/er/c.sql", "third");
  write("transformations/a.sql", "first");
  write("transformations/notes.txt", "no SQL");
  write("transformations/.hidden/d.sql", "not taken");
  write("other/e.sql", "not taken");
  const auto project = open();
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_EQ(project->name, "shop");
  EXPECT_EQ(project->folder, folder_);
  EXPECT_EQ(project->storage, folder_ / "lake");
  EXPECT_EQ(project->schema, "main");
  EXPECT_THAT(names_of(*project),
              ElementsAre("transformations/a.sql", "transformations/b.sql", "transformations/deep/er/c.sql"));
  EXPECT_EQ(project->files[0].text, "first");
}

TEST_F(ProjectTest, IsFoundFromAnyFolderBelow) {
  write("sluice.yml", "name: shop\n");
  write("transformations/a.sql", "");
  fs::create_directories(folder_ / "landing/2024");
  const auto project = open("landing/2024");
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_EQ(project->folder, folder_);
}

TEST_F(ProjectTest, ReadsEveryKey) {
  write("sluice.yml",
        "name: shop\n"
        "storage: ../elsewhere/lake\n"
        "catalog: spark_catalog\n"
        "schema: silver\n"
        "configuration:\n"
        "  pipelines.trigger.interval: 10 seconds\n"
        "  answer: 42\n"
        "libraries:\n"
        "  - sql/one.sql\n"
        "  - glob: {include: more/**}\n");
  write("sql/one.sql", "1");
  write("sql/two.sql", "2");
  write("more/x/three.sql", "3");
  const auto project = open();
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_EQ(project->storage, folder_.parent_path() / "elsewhere/lake");
  EXPECT_EQ(project->schema, "silver");
  EXPECT_EQ(project->configuration.at("pipelines.trigger.interval"), "10 seconds");
  EXPECT_EQ(project->configuration.at("answer"), "42");
  EXPECT_THAT(names_of(*project), ElementsAre("more/x/three.sql", "sql/one.sql"));
}

TEST_F(ProjectTest, ReadsASparkProjectAsItIs) {
  write("spark-pipeline.yml",
        "name: shop\nstorage: file:///data/shop\ndatabase: gold\nlibraries:\n  - glob:\n      include: "
        "transformations/**\n");
  write("transformations/a.sql", "");
  const auto project = open();
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_EQ(project->storage, "/data/shop");
  EXPECT_EQ(project->schema, "gold");
}

TEST_F(ProjectTest, TakesAFileThatTwoLibrariesNameOnce) {
  write("sluice.yml", "name: shop\nlibraries: [sql, sql/a.sql, 'sql/*.sql']\n");
  write("sql/a.sql", "");
  write("sql/below/b.sql", "");
  const auto project = open();
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_THAT(names_of(*project), ElementsAre("sql/a.sql", "sql/below/b.sql"));
}

TEST_F(ProjectTest, ASqlFileIsAProjectOfItsOwn) {
  write("lone.sql", "SELECT");
  const auto project = open("lone.sql");
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_EQ(project->name, "lone");
  EXPECT_EQ(project->storage, folder_ / "lake");
  EXPECT_THAT(names_of(*project), ElementsAre("lone.sql"));
}

TEST_F(ProjectTest, OverridesComeBeforeTheFile) {
  write("sluice.yml", "name: shop\nstorage: lake\nschema: silver\n");
  write("transformations/a.sql", "");
  const auto project = open("", {.storage = (folder_ / "flag").string(), .schema = "bronze"});
  ASSERT_TRUE(project) << render(project.error());
  EXPECT_EQ(project->storage, folder_ / "flag");
  EXPECT_EQ(project->schema, "bronze");
}

struct Mistake {
  const char* what;
  const char* spec;
  std::uint32_t number;
  std::uint32_t line;  ///< 0: the error has no place.
  std::uint32_t column;
  const char* message;
  const char* help;
};

class ProjectMistakeTest : public ProjectTest, public ::testing::WithParamInterface<Mistake> {};

TEST_P(ProjectMistakeTest, IsShownWhereItStands) {
  const Mistake& mistake = GetParam();
  write("sluice.yml", mistake.spec);
  write("transformations/a.sql", "");
  const auto project = open();
  ASSERT_FALSE(project) << mistake.what;
  const Error& error = project.error();
  EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(error.number(), mistake.number);
  EXPECT_THAT(error.message(), HasSubstr(mistake.message));
  EXPECT_THAT(error.help(), HasSubstr(mistake.help));
  ASSERT_EQ(error.location().has_value(), mistake.line != 0);
  if (mistake.line == 0) return;
  EXPECT_EQ(error.location()->file, "sluice.yml");
  EXPECT_EQ(error.location()->line, mistake.line);
  EXPECT_EQ(error.location()->column, mistake.column);
}

INSTANTIATE_TEST_SUITE_P(
    , ProjectMistakeTest,
    ::testing::Values(
        Mistake{"UnknownKey", "name: shop\nstorge: lake\n", 110, 2, 1, "unknown key 'storge'", "storage"},
        Mistake{"UnknownKeyFarFromAll", "name: shop\nzzz: 1\n", 110, 2, 1, "unknown key 'zzz'", "known keys: name"},
        Mistake{"NotYaml", "name: [shop\n", 110, 2, 1, "not YAML", ""},
        Mistake{"TabIndent", "name: shop\nconfiguration:\n\ta: b\n", 110, 3, 3, "not YAML", ""},
        Mistake{"Empty", "", 110, 1, 1, "empty", ""}, Mistake{"OnlyComments", "# nothing\n", 110, 1, 1, "empty", ""},
        Mistake{"AList", "- name\n", 110, 1, 1, "must be a map", ""},
        Mistake{"NoName", "storage: lake\n", 110, 1, 1, "'name' is missing", ""},
        Mistake{"NameIsAList", "name: [a]\n", 110, 1, 7, "'name' must be a text", ""},
        Mistake{"StorageIsAMap", "name: shop\nstorage: {a: b}\n", 110, 2, 10, "'storage' must be a text", ""},
        Mistake{"StorageIsABucket", "name: shop\nstorage: s3://b/lake\n", 110, 2, 10, "not a local folder",
                "give a path"},
        Mistake{"StorageIsEmpty", "name: shop\nstorage: ''\n", 110, 2, 10, "empty", ""},
        Mistake{"ConfigurationIsAText", "name: shop\nconfiguration: fast\n", 110, 2, 16, "must be a map", ""},
        Mistake{"ConfigurationValueIsAList", "name: shop\nconfiguration:\n  a: [1]\n", 110, 3, 6, "'a' must be a text",
                ""},
        Mistake{"LibrariesIsAText", "name: shop\nlibraries: sql\n", 110, 2, 12, "must be a list", ""},
        Mistake{"LibraryIsANumberedList", "name: shop\nlibraries:\n  - [a]\n", 110, 3, 5, "a library is a path or glob",
                ""},
        Mistake{"LibraryMatchesNothing", "name: shop\nlibraries: [sql/**]\n", 111, 0, 0, "sql/**", "folder/**"},
        Mistake{"LibraryIsAnotherGlob", "name: shop\nlibraries: ['trans*/a.sql']\n", 111, 0, 0, "trans*/a.sql",
                "folder/**"},
        Mistake{"TwoDocuments", "name: shop\n---\nname: other\n", 110, 3, 1, "one document", ""},
        Mistake{"KeyTwice", "name: shop\nname: other\n", 110, 2, 1, "'name' is given twice", ""},
        Mistake{"ConfigurationKeyIsAList", "name: shop\nconfiguration:\n  [a]: b\n", 110, 3, 3, "a key must be a text",
                ""},
        Mistake{"KeyIsAMap", "name: shop\n{a: b}: c\n", 110, 2, 1, "a key must be a text", ""}),
    [](const auto& each) { return std::string(each.param.what); });

TEST_F(ProjectTest, NestingWithoutEndIsRefused) {
  std::string spec = "name: shop\nconfiguration: {a: ";
  for (int depth = 0; depth < 100'000; ++depth) spec += '[';
  write("sluice.yml", spec);
  const auto project = open();
  ASSERT_FALSE(project);
  EXPECT_EQ(project.error().number(), 110u);
}

TEST_F(ProjectTest, AliasesThatMultiplyAreRefused) {
  std::string spec = "name: shop\nconfiguration:\n  a0: &a0 x\n";
  for (int i = 1; i < 40; ++i) {
    spec += "  a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + ", *a" +
            std::to_string(i - 1) + "]\n";
  }
  write("sluice.yml", spec);
  const auto project = open();
  ASSERT_FALSE(project);
  EXPECT_EQ(project.error().number(), 110u);
}

TEST_F(ProjectTest, AProjectFileBeyondTheLimitIsNotRead) {
  write("sluice.yml", "name: " + std::string(Project::kSpecBytesMax, 'x'));
  const auto project = open();
  ASSERT_FALSE(project);
  EXPECT_EQ(project.error().number(), 102u);
}

TEST_F(ProjectTest, SaysWhereItLookedIfThereIsNoProject) {
  const auto project = open();
  ASSERT_FALSE(project);
  EXPECT_EQ(project.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(project.error().number(), 104u);
  EXPECT_THAT(project.error().message(), HasSubstr(folder_.string()));
  EXPECT_THAT(project.error().help(), HasSubstr("sluice init"));
}

TEST_F(ProjectTest, SaysThatAPathDoesNotExist) {
  const auto project = open("missing");
  ASSERT_FALSE(project);
  EXPECT_EQ(project.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(project.error().number(), 103u);
}

}  // namespace
}  // namespace sluice::cli
