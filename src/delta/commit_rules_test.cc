#include "delta/commit_rules.h"

#include <gtest/gtest.h>

#include "delta/test_table.h"

namespace sluice::delta {
namespace {

using Actions = std::vector<Action>;

const AddFile kA = TestTable::file("a");
const AddFile kB = TestTable::file("b");

AddFile rearranged(AddFile add) {
  add.data_change = false;
  return add;
}
RemoveFile rearranged(RemoveFile remove) {
  remove.data_change = false;
  return remove;
}
RemoveFile removal(const AddFile& add) { return TestTable::removal_of(add); }

constexpr auto kNone = std::nullopt;
const ReadSet kNothing;
const ReadSet kWholeTable{true, {}, {}};
const ReadSet kReadA{false, {"a"}, {}};

TEST(CommitRulesTest, AppendsFollowEachOther) {
  EXPECT_EQ(find_conflict(Actions{kA}, kNothing, Actions{kB}), kNone);
  EXPECT_EQ(
      find_conflict(Actions{kA, SetTransaction{"one", 1, {}}}, kNothing, Actions{kB, SetTransaction{"two", 1, {}}}),
      kNone);
}

TEST(CommitRulesTest, AnAppendFollowsADeletion) {
  EXPECT_EQ(find_conflict(Actions{kB}, kNothing, Actions{removal(kA)}), kNone);
}

TEST(CommitRulesTest, OneApplicationCommitsOnce) {
  EXPECT_EQ(find_conflict(Actions{kA, SetTransaction{"app", 2, {}}}, kNothing, Actions{SetTransaction{"app", 2, {}}}),
            ConflictKind::TransactionAhead);
  EXPECT_EQ(find_conflict(Actions{kA}, ReadSet{false, {}, {"app"}}, Actions{SetTransaction{"app", 2, {}}}),
            ConflictKind::TransactionAhead);
}

TEST(CommitRulesTest, ChangesOfMetadataAndProtocolStopEveryone) {
  EXPECT_EQ(find_conflict(Actions{kA}, kNothing, Actions{Metadata()}), ConflictKind::MetadataChanged);
  EXPECT_EQ(find_conflict(Actions{kA}, kNothing, Actions{Protocol()}), ConflictKind::ProtocolChanged);
  EXPECT_EQ(find_conflict(Actions{Protocol(), Metadata()}, kNothing, Actions{Protocol(), Metadata()}),
            ConflictKind::TableCreated);
}

TEST(CommitRulesTest, OneDomainIsSetByOne) {
  EXPECT_EQ(find_conflict(Actions{DomainMetadata{"d", "1", false}}, kNothing, Actions{DomainMetadata{"d", "2", false}}),
            ConflictKind::DomainChanged);
  EXPECT_EQ(find_conflict(Actions{DomainMetadata{"d", "1", false}}, kNothing, Actions{DomainMetadata{"e", "2", false}}),
            kNone);
}

TEST(CommitRulesTest, WhoReadTheTableMustSeeNewRows) {
  EXPECT_EQ(find_conflict(Actions{kA}, kWholeTable, Actions{kB}), ConflictKind::FilesAdded);
  EXPECT_EQ(find_conflict(Actions{kA}, kWholeTable, Actions{removal(kB)}), ConflictKind::FileRemoved);
}

TEST(CommitRulesTest, RowsThatOnlyMovedAreNotNew) {
  EXPECT_EQ(find_conflict(Actions{kA}, kWholeTable, Actions{rearranged(kB), rearranged(removal(kA))}), kNone);
  EXPECT_EQ(find_conflict(Actions{kB}, kReadA, Actions{rearranged(removal(kA))}), kNone);
}

TEST(CommitRulesTest, ACompactionFollowsAnAppendButNotAChangeOfItsFiles) {
  const Actions compaction{rearranged(removal(kA)), rearranged(kB)};
  EXPECT_EQ(find_conflict(compaction, kWholeTable, Actions{TestTable::file("c")}), kNone);
  EXPECT_EQ(find_conflict(compaction, kNothing, Actions{removal(kA)}), ConflictKind::FileRemoved);
  EXPECT_EQ(find_conflict(compaction, kNothing, Actions{rearranged(removal(kA))}), ConflictKind::FileRemoved);
}

TEST(CommitRulesTest, AFileThatWasReadMustStillBeThere) {
  EXPECT_EQ(find_conflict(Actions{kB}, kReadA, Actions{removal(kA)}), ConflictKind::FileRemoved);
  EXPECT_EQ(find_conflict(Actions{kB}, kReadA, Actions{removal(TestTable::file("c"))}), kNone);
}

TEST(CommitRulesTest, TwoDeletionVectorsForOneFileConflict) {
  const AddFile ours = TestTable::with_vector(kA, "one", 1);
  const AddFile theirs = TestTable::with_vector(kA, "two", 2);
  EXPECT_EQ(find_conflict(Actions{removal(kA), ours}, kNothing, Actions{removal(kA), theirs}),
            ConflictKind::FileRemoved);
  // Also when the other spelling of the path is used.
  AddFile spelled = kA;
  spelled.path = "%61";
  EXPECT_EQ(find_conflict(Actions{removal(spelled)}, kNothing, Actions{removal(kA)}), ConflictKind::FileRemoved);
}

TEST(CommitRulesTest, ChangesOfDifferentFilesFollowEachOther) {
  EXPECT_EQ(find_conflict(Actions{removal(kA)}, kReadA, Actions{removal(kB), TestTable::with_vector(kB, "x", 1)}),
            kNone);
}

TEST(CommitRulesTest, BlindAppendsOnlyAdd) {
  EXPECT_TRUE(only_adds_files(Actions{kA, SetTransaction{"a", 1, {}}}));
  EXPECT_FALSE(only_adds_files(Actions{kA, removal(kB)}));
}

}  // namespace
}  // namespace sluice::delta
