#include "store/object_store.h"

#include <unistd.h>

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/local_store.h"
#include "store/memory_store.h"
#include "store/prefix_store.h"

namespace sluice::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string make_folder() {
  std::string folder = (std::filesystem::temp_directory_path() / "sluice-store-XXXXXX").string();
  SLUICE_CHECK(::mkdtemp(folder.data()) != nullptr, "mkdtemp");
  return folder;
}

struct LocalFixture {
  LocalFixture() : folder(make_folder()), inner(*LocalStore::create(folder)) {}
  ~LocalFixture() { std::filesystem::remove_all(folder); }
  ObjectStore& store() { return *inner; }

  std::string folder;
  std::unique_ptr<LocalStore> inner;
};

struct MemoryFixture {
  ObjectStore& store() { return inner; }

  SystemClock clock;
  MemoryStore inner{clock};
};

struct PrefixFixture {
  ObjectStore& store() { return prefixed; }

  SystemClock clock;
  MemoryStore inner{clock};
  PrefixStore prefixed{inner, "lake/main"};
};

/// What every store must do: callers know none of them by name.
template <typename Fixture>
class ObjectStoreTest : public ::testing::Test {
 protected:
  ObjectStore& store() { return fixture_.store(); }

  std::string content(std::string_view key) {
    const auto bytes = store().get(key);
    SLUICE_CHECK_OK(bytes);
    return bytes->value_or("(absent)");
  }

  std::vector<std::string> keys(std::string_view prefix, std::string_view start_after = "") {
    const auto infos = store().list(prefix, start_after);
    SLUICE_CHECK_OK(infos);
    std::vector<std::string> keys;
    for (const ObjectInfo& info : *infos) keys.push_back(info.key);
    return keys;
  }

 private:
  Fixture fixture_;
};

using Stores = ::testing::Types<LocalFixture, MemoryFixture, PrefixFixture>;
struct StoreNames {
  template <typename T>
  static std::string GetName(int index) {
    return index == 0 ? "Local" : index == 1 ? "Memory" : "Prefix";
  }
};
TYPED_TEST_SUITE(ObjectStoreTest, Stores, StoreNames);

TYPED_TEST(ObjectStoreTest, AnAbsentObjectIsNoError) {
  EXPECT_EQ(this->content("a/b"), "(absent)");
  EXPECT_FALSE(this->store().head("a/b")->has_value());
  EXPECT_TRUE(this->store().remove("a/b"));
  EXPECT_EQ(this->store().open("a/b").error().code(), ErrorCode::NotFound);
}

TYPED_TEST(ObjectStoreTest, PutReplacesTheWholeContent) {
  ASSERT_TRUE(this->store().put("a/b", "a long first content"));
  ASSERT_TRUE(this->store().put("a/b", "second"));
  EXPECT_EQ(this->content("a/b"), "second");
}

TYPED_TEST(ObjectStoreTest, ContentMayBeEmptyOrHoldAnyByte) {
  const Bytes any("\0\xff\n\0", 4);
  ASSERT_TRUE(this->store().put("empty", ""));
  ASSERT_TRUE(this->store().put("any", any));
  EXPECT_EQ(this->content("empty"), "");
  EXPECT_EQ(this->content("any"), any);
}

TYPED_TEST(ObjectStoreTest, PutIfAbsentNeverReplaces) {
  EXPECT_EQ(*this->store().put_if_absent("log/0.json", "ours"), PutOutcome::Created);
  EXPECT_EQ(*this->store().put_if_absent("log/0.json", "theirs"), PutOutcome::AlreadyExists);
  EXPECT_EQ(this->content("log/0.json"), "ours");
}

TYPED_TEST(ObjectStoreTest, OneOfManyPutIfAbsentCallersWins) {
  constexpr int kRounds = 20;
  constexpr int kCallers = 4;
  for (int round = 0; round < kRounds; ++round) {
    const std::string key = "race/" + std::to_string(round);
    std::vector<int> won(kCallers, 0);
    {
      std::vector<std::jthread> callers;
      for (int caller = 0; caller < kCallers; ++caller) {
        callers.emplace_back([&, caller] {
          const auto outcome = this->store().put_if_absent(key, std::to_string(caller));
          SLUICE_CHECK_OK(outcome);
          won[static_cast<std::size_t>(caller)] = *outcome == PutOutcome::Created ? 1 : 0;
        });
      }
    }
    EXPECT_EQ(std::count(won.begin(), won.end(), 1), 1);
    const auto winner = std::find(won.begin(), won.end(), 1) - won.begin();
    EXPECT_EQ(this->content(key), std::to_string(winner));
  }
}

TYPED_TEST(ObjectStoreTest, RemovedObjectsAreGone) {
  ASSERT_TRUE(this->store().put("a", "1"));
  ASSERT_TRUE(this->store().remove("a"));
  EXPECT_EQ(this->content("a"), "(absent)");
  EXPECT_THAT(this->keys(""), IsEmpty());
  EXPECT_EQ(*this->store().put_if_absent("a", "2"), PutOutcome::Created);
}

TYPED_TEST(ObjectStoreTest, ListIsSortedByKeyAcrossFolders) {
  for (const char* key : {"t/b", "t/a/z", "t/a-", "u", "t.x"}) {
    ASSERT_TRUE(this->store().put(key, "x"));
  }
  EXPECT_THAT(this->keys(""), ElementsAre("t.x", "t/a-", "t/a/z", "t/b", "u"));
}

TYPED_TEST(ObjectStoreTest, ListTakesAnyTextAsPrefix) {
  for (const char* key : {"log/0001.json", "log/0002.json", "log/0010.json", "log/sub/0001.json", "logs"}) {
    ASSERT_TRUE(this->store().put(key, "x"));
  }
  EXPECT_THAT(this->keys("log/000"), ElementsAre("log/0001.json", "log/0002.json"));
  EXPECT_THAT(this->keys("log/s"), ElementsAre("log/sub/0001.json"));
  EXPECT_THAT(this->keys("log"),
              ElementsAre("log/0001.json", "log/0002.json", "log/0010.json", "log/sub/0001.json", "logs"));
  EXPECT_THAT(this->keys("none/at/all"), IsEmpty());
}

TYPED_TEST(ObjectStoreTest, ListStartsBehindAKeyThatNeedNotExist) {
  for (const char* key : {"log/0001.json", "log/0002.json", "log/sub/1", "log/sub/2", "z"}) {
    ASSERT_TRUE(this->store().put(key, "x"));
  }
  EXPECT_THAT(this->keys("log/", "log/0001.json"), ElementsAre("log/0002.json", "log/sub/1", "log/sub/2"));
  EXPECT_THAT(this->keys("log/", "log/0001"), ElementsAre("log/0001.json", "log/0002.json", "log/sub/1", "log/sub/2"));
  EXPECT_THAT(this->keys("log/", "log/sub/1"), ElementsAre("log/sub/2"));
  EXPECT_THAT(this->keys("log/", "log/sub"), ElementsAre("log/sub/1", "log/sub/2"));
  EXPECT_THAT(this->keys("", "log/zz"), ElementsAre("z"));
}

TYPED_TEST(ObjectStoreTest, ListAndHeadTellSizeAndTime) {
  SystemClock clock;
  const UnixMillis before = clock.now() - std::chrono::seconds(2);
  ASSERT_TRUE(this->store().put("a/b", "12345"));
  const auto info = *this->store().head("a/b");
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->key, "a/b");
  EXPECT_EQ(info->size_bytes, 5u);
  EXPECT_GE(info->modified, before);
  EXPECT_THAT(*this->store().list("a/", ""), ElementsAre(*info));
}

TYPED_TEST(ObjectStoreTest, ReadersReadRangesAndNothingBehindTheEnd) {
  ASSERT_TRUE(this->store().put("a", "0123456789"));
  const auto reader = this->store().open("a");
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->size_bytes(), 10u);
  std::string out(3, ' ');
  ASSERT_TRUE((*reader)->read(4, out));
  EXPECT_EQ(out, "456");
  ASSERT_TRUE((*reader)->read(7, out));
  EXPECT_EQ(out, "789");
  EXPECT_EQ((*reader)->read(8, out).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ((*reader)->read(UINT64_MAX, out).error().code(), ErrorCode::InvalidArgument);
  EXPECT_TRUE((*reader)->read(10, std::span<char>()));
}

TYPED_TEST(ObjectStoreTest, AReaderKeepsTheContentItOpened) {
  ASSERT_TRUE(this->store().put("a", "old"));
  const auto reader = this->store().open("a");
  ASSERT_TRUE(this->store().put("a", "new content"));
  std::string out(3, ' ');
  ASSERT_TRUE((*reader)->read(0, out));
  EXPECT_EQ(out, "old");
}

TYPED_TEST(ObjectStoreTest, AWrittenObjectAppearsAtFinishAndNotBefore) {
  auto writer = this->store().create("data/part");
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->append("one "));
  EXPECT_EQ(this->content("data/part"), "(absent)");
  EXPECT_THAT(this->keys(""), IsEmpty());
  ASSERT_TRUE((*writer)->append("two"));
  ASSERT_TRUE(std::move(**writer).finish());
  EXPECT_EQ(this->content("data/part"), "one two");
}

TYPED_TEST(ObjectStoreTest, AWriterThatIsDroppedLeavesNothing) {
  ASSERT_TRUE(this->store().put("data/part", "old"));
  {
    auto writer = this->store().create("data/part");
    ASSERT_TRUE((*writer)->append("half"));
  }
  EXPECT_EQ(this->content("data/part"), "old");
  EXPECT_THAT(this->keys(""), ElementsAre("data/part"));
}

TYPED_TEST(ObjectStoreTest, KeysThatAreNoneAreRefusedByEveryCall) {
  for (const std::string& key :
       {std::string(""), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("../a"),
        std::string("a/../../b"), std::string("."), std::string("a\0b", 3), std::string("a/.sluice-tmp-1")}) {
    EXPECT_EQ(this->store().get(key).error().code(), ErrorCode::InvalidArgument) << key;
    EXPECT_EQ(this->store().open(key).error().code(), ErrorCode::InvalidArgument) << key;
    EXPECT_EQ(this->store().head(key).error().code(), ErrorCode::InvalidArgument) << key;
    EXPECT_EQ(this->store().put(key, "x").error().code(), ErrorCode::InvalidArgument) << key;
    EXPECT_EQ(this->store().put_if_absent(key, "x").error().code(), ErrorCode::InvalidArgument) << key;
    EXPECT_EQ(this->store().create(key).error().code(), ErrorCode::InvalidArgument) << key;
    EXPECT_EQ(this->store().remove(key).error().code(), ErrorCode::InvalidArgument) << key;
    EXPECT_FALSE(this->store().local_path(key).has_value()) << key;
  }
}

TYPED_TEST(ObjectStoreTest, NamesWithBlanksDotsAndBytesBeyondAsciiAreKeys) {
  for (const char* key : {"a b/c=%20:d", "...", "\xc3\xa4/\xff", "_delta_log/0.json", ".hidden"}) {
    ASSERT_TRUE(this->store().put(key, key)) << key;
    EXPECT_EQ(this->content(key), key);
  }
  EXPECT_EQ(this->keys("").size(), 5u);
}

TEST(PrefixStoreTest, SeesNothingBesideItsFolder) {
  SystemClock clock;
  MemoryStore inner(clock);
  ASSERT_TRUE(inner.put("lake/mainly/a", "x"));
  ASSERT_TRUE(inner.put("lake/main/a", "ours"));
  PrefixStore store(inner, "lake/main");
  EXPECT_EQ(store.list("", "")->size(), 1u);
  EXPECT_EQ(*store.get("a"), "ours");
  ASSERT_TRUE(store.put("b/c", "new"));
  EXPECT_EQ(*inner.get("lake/main/b/c"), "new");
}

}  // namespace
}  // namespace sluice::store
