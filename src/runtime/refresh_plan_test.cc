#include "runtime/refresh_plan.h"

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

using plan::DatasetKind;

plan::Dataset dataset(std::string name, DatasetKind kind, std::vector<std::string> inputs,
                      std::string fingerprint = "v1") {
  plan::Dataset made;
  made.name = std::move(name);
  made.kind = kind;
  made.query.inputs = std::move(inputs);
  made.fingerprint = std::move(fingerprint);
  return made;
}

/// raw (stream of files) → clean (stream) → stats (view) → top (view)
class RefreshPlanTest : public testing::Test {
 protected:
  RefreshPlanTest() {
    plan::Source source;
    source.key = "raw:files";
    source.dataset = "raw";
    pipeline_.sources.push_back(source);
    pipeline_.datasets = {dataset("raw", DatasetKind::StreamingTable, {"raw:files"}),
                          dataset("clean", DatasetKind::StreamingTable, {"raw"}),
                          dataset("stats", DatasetKind::MaterializedView, {"clean"}),
                          dataset("top", DatasetKind::MaterializedView, {"stats"})};
    for (const plan::Dataset& made : pipeline_.datasets) {
      facts_.tables[made.name] = {
          "id-" + made.name, 1, 7, 9, made.fingerprint, made.kind == DatasetKind::MaterializedView, made.query.inputs};
    }
    facts_.epoch = Epoch(9);
  }

  std::map<std::string, Refresh> decide() {
    auto decided = decide_refresh(pipeline_, facts_);
    EXPECT_TRUE(decided) << decided.error().message();
    return std::move(*decided);
  }

  plan::Pipeline pipeline_;
  RefreshFacts facts_;
};

TEST_F(RefreshPlanTest, AFirstRunCreatesEverythingAndScansNothing) {
  facts_.tables.clear();
  for (const auto& [name, refresh] : decide()) {
    EXPECT_EQ(refresh, (Refresh{RefreshKind::Create, 1, {}})) << name;
  }
}

TEST_F(RefreshPlanTest, NothingChangedMeansTablesGoOnAndViewsRebuildStateFromTheirInputs) {
  const auto decided = decide();
  EXPECT_EQ(decided.at("clean"), (Refresh{RefreshKind::Append, 1, {}}));
  EXPECT_EQ(decided.at("stats"), (Refresh{RefreshKind::Maintain, 1, {"clean"}}));
}

TEST_F(RefreshPlanTest, AChangedViewIsRebuiltAndThoseAboveGoOn) {
  facts_.tables["stats"].fingerprint = "v0";
  const auto decided = decide();
  EXPECT_EQ(decided.at("stats"), (Refresh{RefreshKind::Rebuild, 1, {"clean"}}));
  EXPECT_EQ(decided.at("top").kind, RefreshKind::Maintain);
}

TEST_F(RefreshPlanTest, AViewOfOtherColumnsIsReplacedAndThoseAboveAreRebuiltWithoutItsOldRows) {
  facts_.schema_changed = {"stats"};
  const auto decided = decide();
  EXPECT_EQ(decided.at("stats").kind, RefreshKind::Replace);
  EXPECT_EQ(decided.at("top"), (Refresh{RefreshKind::Rebuild, 1, {}}));
}

TEST_F(RefreshPlanTest, ANewStreamingTableReadsWhatItsInputHasAlready) {
  facts_.tables.erase("clean");
  EXPECT_EQ(decide().at("clean"), (Refresh{RefreshKind::Create, 1, {"raw"}}));
}

TEST_F(RefreshPlanTest, AStreamingTableThatReadsOneMoreTableTakesInThatOneOnly) {
  pipeline_.datasets.insert(pipeline_.datasets.begin(), dataset("other", DatasetKind::StreamingTable, {}));
  facts_.tables["other"] = {"id", 1, 0, 9, "v1", false, {}};
  pipeline_.datasets[2].query.inputs = {"other", "raw"};
  EXPECT_EQ(decide().at("clean"), (Refresh{RefreshKind::Append, 1, {"other"}}));
}

TEST_F(RefreshPlanTest, AFullRefreshOfOneTableIsRefusedIfAnotherWouldGetItsRowsTwice) {
  facts_.full_refresh.datasets = {"raw"};
  const auto decided = decide_refresh(pipeline_, facts_);
  ASSERT_FALSE(decided);
  EXPECT_EQ(decided.error().number(), 6102u);
  EXPECT_NE(decided.error().help().find("--full-refresh=raw,clean"), std::string::npos);
}

TEST_F(RefreshPlanTest, AFullRefreshNamesAllThatMustBeRefreshedTogether) {
  pipeline_.datasets.push_back(dataset("last", DatasetKind::StreamingTable, {"clean"}));
  EXPECT_EQ(refreshed_together(pipeline_, "raw"), (std::vector<std::string>{"raw", "clean", "last"}));
  EXPECT_EQ(refreshed_together(pipeline_, "clean"), (std::vector<std::string>{"clean", "last"}));
  EXPECT_EQ(refreshed_together(pipeline_, "stats"), (std::vector<std::string>{"stats"}));
}

TEST_F(RefreshPlanTest, AFullRefreshReplacesTablesAndStreamingTablesAsANewGeneration) {
  facts_.full_refresh.all = true;
  const auto decided = decide();
  EXPECT_EQ(decided.at("raw"), (Refresh{RefreshKind::Replace, 2, {}}));
  EXPECT_EQ(decided.at("clean"), (Refresh{RefreshKind::Replace, 2, {}}));
  EXPECT_EQ(decided.at("stats"), (Refresh{RefreshKind::Replace, 1, {}}));
}

TEST_F(RefreshPlanTest, ATableThatIsGoneIsMadeAnewByAFullRefresh) {
  facts_.gone = {"clean", "top"};
  facts_.full_refresh.datasets = {"clean", "top"};
  const auto decided = decide();
  EXPECT_EQ(decided.at("raw").kind, RefreshKind::Append);
  EXPECT_EQ(decided.at("clean"), (Refresh{RefreshKind::Create, 2, {"raw"}}));
  EXPECT_EQ(decided.at("stats"), (Refresh{RefreshKind::Rebuild, 1, {}}));
  EXPECT_EQ(decided.at("top"), (Refresh{RefreshKind::Create, 1, {"stats"}}));
  facts_.gone = facts_.full_refresh.datasets = {"raw"};
  EXPECT_EQ(decide_refresh(pipeline_, facts_).error().number(), 6102u);
}

TEST_F(RefreshPlanTest, AFullRefreshOfAnUnknownDatasetNamesNearOnes) {
  facts_.full_refresh.datasets = {"stat"};
  const auto decided = decide_refresh(pipeline_, facts_);
  ASSERT_FALSE(decided);
  EXPECT_NE(decided.error().help().find("stats"), std::string::npos);
}

TEST_F(RefreshPlanTest, AViewThatComesBackIsRebuiltBecauseItsInputsWentOn) {
  facts_.tables["stats"].epoch = 4;
  EXPECT_EQ(decide().at("stats").kind, RefreshKind::Rebuild);
}

TEST_F(RefreshPlanTest, AStreamingTableThatMayNotBeResetIsNot) {
  pipeline_.datasets[0].properties["pipelines.reset.allowed"] = "false";
  facts_.full_refresh.all = true;
  EXPECT_EQ(decide_refresh(pipeline_, facts_).error().number(), 6107u);
  facts_.full_refresh = {false, {"stats"}};
  EXPECT_EQ(decide().at(pipeline_.datasets[0].name).kind, RefreshKind::Append);
}

TEST_F(RefreshPlanTest, AViewThatBecomesAStreamingTableAsksForAFullRefresh) {
  facts_.tables["clean"].view = true;
  EXPECT_EQ(decide_refresh(pipeline_, facts_).error().number(), 6106u);
}

TEST_F(RefreshPlanTest, AStreamingTableThatComesBackAsksForAFullRefreshIfItMissedRows) {
  facts_.tables["clean"].epoch = 4;
  EXPECT_EQ(decide_refresh(pipeline_, facts_).error().number(), 6105u);
  facts_.tables["clean"].epoch = 9;
  facts_.tables["raw"].epoch = 4;  // its files wait for it
  EXPECT_EQ(decide().at("raw").kind, RefreshKind::Append);
}

TEST_F(RefreshPlanTest, TablesWithoutADatasetAreFound) {
  facts_.tables["gone"] = {};
  EXPECT_EQ(find_removed(pipeline_, facts_.tables), std::vector<std::string>{"gone"});
}

}  // namespace
}  // namespace sluice::runtime
