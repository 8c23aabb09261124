#include "delta/deletion_vector.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "delta/internal/z85.h"
#include "store/memory_store.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Rows = std::vector<std::uint64_t>;

/// Shapes that take every kind of container: sparse, dense, runs, full, more than one 32-bit range.
std::vector<Rows> shapes() {
  Rows dense;
  for (std::uint64_t row = 0; row < 70'000; row += 2) dense.push_back(row);
  Rows run(100'000);
  std::iota(run.begin(), run.end(), std::uint64_t{65'000});
  return {{}, {0}, {3, 4, 7, 11, 18, 29}, dense, run, {1, 4294967295u, 4294967296u, 1ull << 40}};
}

class DeletionVectorTest : public ::testing::Test {
 protected:
  SystemClock clock_;
  SeededRandom random_{3};
  store::MemoryStore store_{clock_};
};

TEST_F(DeletionVectorTest, IsASetOfRows) {
  DeletionVector vector;
  EXPECT_TRUE(vector.empty());
  EXPECT_TRUE(vector.add(7));
  EXPECT_FALSE(vector.add(7));
  vector.add(3);
  EXPECT_TRUE(vector.contains(7));
  EXPECT_FALSE(vector.contains(4));
  EXPECT_EQ(vector.cardinality(), 2u);
  EXPECT_THAT(vector.rows(), ElementsAre(3, 7));
  Rows visited;
  vector.for_each([&](std::uint64_t row) { visited.push_back(row); });
  EXPECT_THAT(visited, ElementsAre(3, 7));
}

TEST_F(DeletionVectorTest, UnitesAndCopies) {
  const DeletionVector first(Rows{1, 5});
  DeletionVector second(Rows{5, 9});
  const DeletionVector before = second;
  second.unite(first);
  EXPECT_THAT(second.rows(), ElementsAre(1, 5, 9));
  EXPECT_THAT(before.rows(), ElementsAre(5, 9));
  EXPECT_EQ(second, DeletionVector(Rows{9, 5, 1}));
}

TEST_F(DeletionVectorTest, GivesTheLiveRowsOfAnyWindow) {
  const DeletionVector vector(Rows{0, 2, 3, 100});
  std::vector<std::uint32_t> live(8);
  live.resize(vector.live_rows(0, 5, live.data()));
  EXPECT_THAT(live, ElementsAre(1, 4));
  live.assign(8, 0);
  live.resize(vector.live_rows(99, 3, live.data()));
  EXPECT_THAT(live, ElementsAre(0, 2));
  live.assign(8, 0);
  live.resize(vector.live_rows(2, 2, live.data()));
  EXPECT_THAT(live, IsEmpty());
  live.assign(8, 0);
  EXPECT_EQ(vector.live_rows(500, 8, live.data()), 8u);
}

TEST_F(DeletionVectorTest, TheStoredFormReadsBackEqual) {
  for (const Rows& rows : shapes()) {
    const DeletionVector vector(rows);
    const auto read = DeletionVector::deserialize(vector.serialize());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->rows(), rows);
  }
}

TEST_F(DeletionVectorTest, ReadsTheSpecificationsExample) {
  // PROTOCOL.md, "JSON Example 3 - Inline"; it has the form of very early writers.
  const auto vector =
      load_deletion_vector(store_, {'i', "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", std::nullopt, 40, 6});
  ASSERT_TRUE(vector) << vector.error().message();
  EXPECT_THAT(vector->rows(), ElementsAre(3, 4, 7, 11, 18, 29));
}

TEST_F(DeletionVectorTest, DamageToTheEarlyFormIsFoundOrHarmless) {
  const Bytes good = *internal::z85_decode("wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DeletionVector::deserialize(BytesView(good).substr(0, size))) << size;
  }
  for (int round = 0; round < 5'000; ++round) {
    Bytes bytes = good;
    for (std::uint64_t flips = 1 + random_.next() % 3; flips > 0; --flips) {
      bytes[4 + random_.next() % (bytes.size() - 4)] = static_cast<char>(random_.next());
    }
    const auto vector = DeletionVector::deserialize(bytes);
    if (vector) {
      EXPECT_LE(vector->cardinality(), 1u << 16);
    }
  }
}

TEST_F(DeletionVectorTest, TheEarlyFormHoldsRowsBeyond32Bits) {
  Bytes bytes = *internal::z85_decode("wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L");
  const Bytes part = bytes.substr(8);
  bytes[7] = 2;
  const auto vector = DeletionVector::deserialize(bytes + part);
  ASSERT_TRUE(vector) << vector.error().message();
  EXPECT_EQ(vector->cardinality(), 12u);
  EXPECT_TRUE(vector->contains((1ull << 32) + 29));
}

TEST_F(DeletionVectorTest, TheInlineFormReadsBackEqual) {
  for (const Rows& rows : shapes()) {
    const DeletionVector vector(rows);
    const auto read = load_deletion_vector(store_, inline_deletion_vector(vector));
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, vector);
  }
}

TEST_F(DeletionVectorTest, ManyVectorsShareOneFile) {
  std::vector<DeletionVector> vectors;
  for (const Rows& rows : shapes()) vectors.emplace_back(rows);
  const auto descriptors = write_deletion_vectors(store_, random_, vectors);
  ASSERT_TRUE(descriptors);
  ASSERT_EQ(descriptors->size(), vectors.size());
  ASSERT_EQ(store_.list("", "")->size(), 1u);
  EXPECT_EQ(descriptors->front().offset, 1);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const auto read = load_deletion_vector(store_, (*descriptors)[i]);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, vectors[i]);
  }
}

TEST_F(DeletionVectorTest, NoVectorsMakeNoFile) {
  EXPECT_TRUE(write_deletion_vectors(store_, random_, {})->empty());
  EXPECT_TRUE(store_.list("", "")->empty());
}

TEST_F(DeletionVectorTest, TheFilesNameComesFromTheUuid) {
  // PROTOCOL.md: uuid d2c639aa-8816-431a-aaf6-d3fe2512ff61 with the prefix "ab".
  EXPECT_EQ(*deletion_vector_key({'u', "ab^-aqEH.-t@S}K{vb[*k^", 4, 40, 6}),
            "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
  EXPECT_FALSE(deletion_vector_key({'u', "short", 4, 40, 6}));
  EXPECT_FALSE(deletion_vector_key({'u', "../^-aqEH.-t@S}K{vb[*k^", 4, 40, 6}));
}

TEST_F(DeletionVectorTest, EveryFlippedBitOfAFileIsFound) {
  const auto descriptors = write_deletion_vectors(store_, random_, std::vector{DeletionVector(Rows{3, 4, 7, 70'000})});
  const std::string key = store_.list("", "")->front().key;
  const Bytes good = **store_.get(key);
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = good;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      ASSERT_TRUE(store_.put(key, flipped));
      const auto vector = load_deletion_vector(store_, descriptors->front());
      ASSERT_FALSE(vector) << "byte " << at << " bit " << bit;
      EXPECT_EQ(vector.error().code(), ErrorCode::Corruption);
      EXPECT_THAT(vector.error().message(), HasSubstr(key));
    }
  }
}

TEST_F(DeletionVectorTest, EveryTruncationOfAFileIsFound) {
  const auto descriptors = write_deletion_vectors(store_, random_, std::vector{DeletionVector(Rows{3, 4, 7})});
  const std::string key = store_.list("", "")->front().key;
  const Bytes good = **store_.get(key);
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_TRUE(store_.put(key, BytesView(good).substr(0, size)));
    EXPECT_EQ(load_deletion_vector(store_, descriptors->front()).error().code(), ErrorCode::Corruption) << size;
  }
}

TEST_F(DeletionVectorTest, HostileBytesAreRefusedWithoutHarm) {
  // The stored form itself, past any checksum: what an attacker who knows the format would send.
  for (const Rows& rows : shapes()) {
    const Bytes good = DeletionVector(rows).serialize();
    for (int round = 0; round < 3'000; ++round) {
      Bytes bytes = good;
      for (std::uint64_t flips = 1 + random_.next() % 4; flips > 0; --flips) {
        bytes[random_.next() % std::min<std::size_t>(bytes.size(), 64)] = static_cast<char>(random_.next());
      }
      if (random_.next() % 4 == 0) bytes.resize(random_.next() % (bytes.size() + 1));
      const auto vector = DeletionVector::deserialize(bytes);
      if (vector) {
        EXPECT_EQ(vector->rows().size(), vector->cardinality());
      } else {
        EXPECT_EQ(vector.error().code(), ErrorCode::Corruption);
      }
    }
  }
}

TEST_F(DeletionVectorTest, DescriptorsThatLieAreFound) {
  auto descriptors = *write_deletion_vectors(store_, random_, std::vector{DeletionVector(Rows{3, 4, 7})});
  const DeletionVectorDescriptor good = descriptors.front();
  const auto code_of = [&](auto change) {
    DeletionVectorDescriptor bad = good;
    change(bad);
    const auto vector = load_deletion_vector(store_, bad);
    return vector ? std::nullopt : std::optional(vector.error().code());
  };
  EXPECT_EQ(code_of([](auto& bad) { bad.cardinality = 4; }), ErrorCode::Corruption);
  EXPECT_EQ(code_of([](auto& bad) { bad.offset = 2; }), ErrorCode::Corruption);
  EXPECT_EQ(code_of([](auto& bad) { bad.offset = -1; }), ErrorCode::Corruption);
  EXPECT_EQ(code_of([](auto& bad) { bad.size_bytes = -1; }), ErrorCode::Corruption);
  EXPECT_EQ(code_of([](auto& bad) { bad.size_bytes = INT32_MAX; }), ErrorCode::Corruption);
  EXPECT_EQ(code_of([](auto& bad) { bad.storage_type = 'x'; }), ErrorCode::Corruption);
  EXPECT_EQ(code_of([](auto& bad) { bad.storage_type = 'i'; }), ErrorCode::Corruption);
  EXPECT_EQ(code_of([](auto& bad) { bad = {'p', "s3://bucket/x.bin", 1, 34, 3}; }), ErrorCode::Unsupported);
  ASSERT_TRUE(store_.remove(store_.list("", "")->front().key));
  EXPECT_EQ(code_of([](auto&) {}), ErrorCode::NotFound);
}

TEST(Z85Test, EncodesTheRfcsExampleAndDecodesIt) {
  const Bytes bytes = "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B";
  EXPECT_EQ(internal::z85_encode(bytes), "HelloWorld");
  EXPECT_EQ(internal::z85_decode("HelloWorld"), bytes);
  EXPECT_EQ(internal::z85_decode("Hello World"), std::nullopt);
  EXPECT_EQ(internal::z85_decode("Hello~orld"), std::nullopt);
  EXPECT_EQ(internal::z85_decode("#####"), std::nullopt);  // more than 32 bits
}

}  // namespace
}  // namespace sluice::delta
