#include "delta/file_predicate.h"

#include <gtest/gtest.h>

namespace sluice::delta {
namespace {

using Kind = FilePredicate::Kind;

DataType schema() {
  const auto field = [](const char* name, DataType type) { return StructField{name, std::move(type), true, {}}; };
  return DataType::structure(
      {field("day", DataType::primitive(DataType::Kind::Date)), field("p", DataType::primitive(DataType::Kind::Long)),
       field("x", DataType::primitive(DataType::Kind::Long)), field("s", DataType::primitive(DataType::Kind::String)),
       field("t", DataType::primitive(DataType::Kind::Timestamp)), field("d", DataType::decimal(38, 2)),
       field("f", DataType::primitive(DataType::Kind::Double)),
       field("n", DataType::structure({field("m", DataType::primitive(DataType::Kind::Long))}))});
}

AddFile file(std::optional<std::string> day, std::optional<std::string> p, std::optional<std::string> stats = {}) {
  AddFile add;
  add.path = "f";
  add.partition_values = {{"day", std::move(day)}, {"p", std::move(p)}};
  add.stats = std::move(stats);
  return add;
}

FileMatch match(const FilePredicate& predicate, const AddFile& add) {
  return match_file(predicate, schema(), ColumnMappingMode::None, {"day", "p"}, add);
}

FilePredicate p(Kind kind, std::string constant) { return FilePredicate::compare({"p"}, kind, std::move(constant)); }
FilePredicate on(std::string column, Kind kind, std::string constant) {
  return FilePredicate::compare({std::move(column)}, kind, std::move(constant));
}

TEST(FilePredicateTest, PartitionValuesDecideExactly) {
  const AddFile three = file("2024-02-29", "3");
  EXPECT_EQ(match(p(Kind::Equal, "3"), three), FileMatch::All);
  EXPECT_EQ(match(p(Kind::Equal, "4"), three), FileMatch::None);
  EXPECT_EQ(match(p(Kind::Less, "10"), three), FileMatch::All);  // as numbers, not as texts
  EXPECT_EQ(match(p(Kind::Less, "3"), three), FileMatch::None);
  EXPECT_EQ(match(p(Kind::LessOrEqual, "3"), three), FileMatch::All);
  EXPECT_EQ(match(p(Kind::Greater, "3"), three), FileMatch::None);
  EXPECT_EQ(match(p(Kind::Greater, "-7"), three), FileMatch::All);
  EXPECT_EQ(match(p(Kind::GreaterOrEqual, "4"), three), FileMatch::None);
  EXPECT_EQ(match(on("day", Kind::Equal, "2024-02-29"), three), FileMatch::All);
  EXPECT_EQ(match(on("DAY", Kind::Greater, "2024-02-28"), three), FileMatch::All);
}

TEST(FilePredicateTest, NullIsNeitherTrueNorFalse) {
  const AddFile none = file("2024-02-29", std::nullopt);
  EXPECT_EQ(match(p(Kind::Equal, "3"), none), FileMatch::None);
  EXPECT_EQ(match(FilePredicate::negation(p(Kind::Equal, "3")), none), FileMatch::None);
  EXPECT_EQ(match(FilePredicate::is_null("p"), none), FileMatch::All);
  EXPECT_EQ(match(FilePredicate::negation(FilePredicate::is_null("p")), none), FileMatch::None);
  EXPECT_EQ(match(FilePredicate::is_null("p"), file("2024-02-29", "1")), FileMatch::None);
  EXPECT_EQ(match(FilePredicate::is_null("p"), file("2024-02-29", "")), FileMatch::All);
  // NULL OR true is true; NULL AND false is false.
  EXPECT_EQ(match(FilePredicate::disjunction({p(Kind::Equal, "3"), FilePredicate()}), none), FileMatch::All);
  EXPECT_EQ(match(FilePredicate::negation(
                      FilePredicate::conjunction({p(Kind::Equal, "3"), FilePredicate::negation(FilePredicate())})),
                  none),
            FileMatch::All);
}

TEST(FilePredicateTest, ConditionsCombine) {
  const AddFile three = file("2024-02-29", "3");
  const FilePredicate yes = p(Kind::Equal, "3");
  const FilePredicate no = p(Kind::Equal, "4");
  const FilePredicate opaque{Kind::Opaque, {}, "", {}};
  EXPECT_EQ(match(FilePredicate::conjunction({yes, opaque}), three), FileMatch::Some);
  EXPECT_EQ(match(FilePredicate::conjunction({no, opaque}), three), FileMatch::None);
  EXPECT_EQ(match(FilePredicate::disjunction({yes, opaque}), three), FileMatch::All);
  EXPECT_EQ(match(FilePredicate::disjunction({no, opaque}), three), FileMatch::Some);
  EXPECT_EQ(match(FilePredicate::conjunction({}), three), FileMatch::All);
  EXPECT_EQ(match(FilePredicate::disjunction({}), three), FileMatch::None);
  EXPECT_EQ(match(FilePredicate::negation(opaque), three), FileMatch::Some);
}

TEST(FilePredicateTest, StatisticsDecideWithinTheirBounds) {
  const AddFile add = file("2024-02-29", "1",
                           R"({"numRecords":9,"minValues":{"x":10,"s":"bb","t":"2024-01-01T00:00:00.123Z","d":-1.50,)"
                           R"("f":1.0,"n":{"m":5}},"maxValues":{"x":20,"s":"dd","t":"2024-01-02T00:00:00.456Z",)"
                           R"("d":99999999999999999999999999999999.25,"f":2.0,"n":{"m":5}},)"
                           R"("nullCount":{"x":0,"s":1,"t":0,"d":0,"f":0,"n":{"m":0}}})");
  EXPECT_EQ(match(on("x", Kind::Less, "10"), add), FileMatch::None);
  EXPECT_EQ(match(on("x", Kind::Less, "11"), add), FileMatch::Some);
  EXPECT_EQ(match(on("x", Kind::Less, "21"), add), FileMatch::All);
  EXPECT_EQ(match(on("x", Kind::Equal, "9"), add), FileMatch::None);
  EXPECT_EQ(match(on("x", Kind::Equal, "15"), add), FileMatch::Some);
  EXPECT_EQ(match(on("x", Kind::GreaterOrEqual, "10"), add), FileMatch::All);
  EXPECT_EQ(match(FilePredicate::compare({"n", "m"}, Kind::Equal, "5"), add), FileMatch::All);
  EXPECT_EQ(match(on("s", Kind::Less, "b"), add), FileMatch::None);
  EXPECT_EQ(match(on("s", Kind::Less, "e"), add), FileMatch::Some);  // a NULL is among them
  EXPECT_EQ(match(on("d", Kind::Greater, "99999999999999999999999999999999.25"), add), FileMatch::None);
  EXPECT_EQ(match(on("d", Kind::Greater, "99999999999999999999999999999999.24"), add), FileMatch::Some);
  EXPECT_EQ(match(FilePredicate::is_null("x"), add), FileMatch::None);
  EXPECT_EQ(match(FilePredicate::is_null("s"), add), FileMatch::Some);
}

TEST(FilePredicateTest, WhatMayBeRoundedOrMissingDecidesNothing) {
  const AddFile add = file("2024-02-29", "1",
                           R"({"numRecords":9,"minValues":{"t":"2024-01-01T00:00:00.123Z","f":1.0},)"
                           R"("maxValues":{"t":"2024-01-02T00:00:00.456Z","f":2.0},"nullCount":{"t":0,"f":0}})");
  // The last microseconds of the maximum are cut off.
  EXPECT_EQ(match(on("t", Kind::Greater, "2024-01-02T00:00:00.456500Z"), add), FileMatch::Some);
  EXPECT_EQ(match(on("t", Kind::Greater, "2024-01-02T00:00:00.457Z"), add), FileMatch::None);
  // NaN is greater than everything and in nobody's bounds.
  EXPECT_EQ(match(on("f", Kind::Greater, "5"), add), FileMatch::Some);
  EXPECT_EQ(match(on("x", Kind::Equal, "5"), add), FileMatch::Some);
  EXPECT_EQ(match(on("x", Kind::Equal, "5"), file("2024-02-29", "1", "damaged")), FileMatch::Some);
  EXPECT_EQ(match(on("x", Kind::Equal, "5"), file("2024-02-29", "1", R"({"minValues":{"x":"no number"}})")),
            FileMatch::Some);
  EXPECT_EQ(match(on("nowhere", Kind::Equal, "5"), add), FileMatch::Some);
  EXPECT_EQ(match(p(Kind::Equal, "no number"), add), FileMatch::Some);
  AddFile without = add;
  without.partition_values.clear();
  EXPECT_EQ(match(p(Kind::Equal, "1"), without), FileMatch::Some);
}

TEST(FilePredicateTest, AllNullColumnsMatchNoComparison) {
  const AddFile add = file("2024-02-29", "1", R"({"numRecords":3,"nullCount":{"x":3}})");
  EXPECT_EQ(match(on("x", Kind::Equal, "5"), add), FileMatch::None);
  EXPECT_EQ(match(FilePredicate::is_null("x"), add), FileMatch::All);
}

TEST(FilePredicateTest, PhysicalNamesFindStatistics) {
  DataType renamed = schema();
  renamed.fields[1].metadata = {{std::string(kPhysicalNameKey), "\"col-1\""}};
  renamed.fields[2].metadata = {{std::string(kPhysicalNameKey), "\"col-2\""}};
  AddFile add = file("2024-02-29", {}, R"({"numRecords":1,"minValues":{"col-2":4},"maxValues":{"col-2":4}})");
  add.partition_values = {{"day", "2024-02-29"}, {"col-1", "8"}};
  EXPECT_EQ(match_file(p(Kind::Equal, "8"), renamed, ColumnMappingMode::Name, {"day", "p"}, add), FileMatch::All);
  EXPECT_EQ(match_file(on("x", Kind::Equal, "5"), renamed, ColumnMappingMode::Id, {"day", "p"}, add), FileMatch::None);
}

TEST(FilePredicateTest, PhysicalNamesLeftOverFromColumnMappingDoNotCount) {
  DataType left_over = schema();
  left_over.fields[1].metadata = {{std::string(kPhysicalNameKey), "\"col-1\""}};
  left_over.fields[2].metadata = {{std::string(kPhysicalNameKey), "\"col-2\""}};
  const AddFile add = file("2024-02-29", "8", R"({"numRecords":1,"minValues":{"x":4},"maxValues":{"x":4}})");
  const auto matched = [&](const FilePredicate& predicate) {
    return match_file(predicate, left_over, ColumnMappingMode::None, {"day", "p"}, add);
  };
  EXPECT_EQ(matched(p(Kind::Equal, "8")), FileMatch::All);
  EXPECT_EQ(matched(on("x", Kind::Equal, "5")), FileMatch::None);
}

TEST(FilePredicateTest, PredicatesAreChecked) {
  EXPECT_TRUE(
      check_predicate(FilePredicate::conjunction({p(Kind::Equal, "3"), FilePredicate::is_null("s")}), schema()));
  EXPECT_EQ(check_predicate(FilePredicate::equal("q", "3"), schema()).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(check_predicate(FilePredicate::negation(p(Kind::Less, "three")), schema()).error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_TRUE(is_partition_predicate(p(Kind::Equal, "3"), {"day", "p"}));
  EXPECT_FALSE(is_partition_predicate(FilePredicate::conjunction({p(Kind::Equal, "3"), on("x", Kind::Equal, "1")}),
                                      {"day", "p"}));
  EXPECT_FALSE(is_partition_predicate(FilePredicate{Kind::Opaque, {}, "", {}}, {"day", "p"}));
}

TEST(FilePredicateTest, WideDecimalsMayHaveGoneThroughADouble) {
  // delta-rs: 99999999999999999.99 becomes 100000000000000000, and whole numbers end at 64 bits.
  const AddFile rounded = file("2024-02-29", "3",
                               R"({"numRecords":2,"minValues":{"d":100000000000000000.0},)"
                               R"("maxValues":{"d":12345678901234567000.0},"nullCount":{"d":0}})");
  EXPECT_EQ(match(on("d", Kind::Equal, "99999999999999999.99"), rounded), FileMatch::Some);
  EXPECT_EQ(match(on("d", Kind::Equal, "12345678901234567890.12"), rounded), FileMatch::Some);
  EXPECT_EQ(match(on("d", Kind::Less, "1.00"), rounded), FileMatch::None);
  EXPECT_EQ(match(on("d", Kind::Greater, "12345678901235000000.00"), rounded), FileMatch::None);
  const AddFile cut = file("2024-02-29", "3",
                           R"({"numRecords":2,"minValues":{"d":-9223372036854775808},)"
                           R"("maxValues":{"d":9223372036854775807},"nullCount":{"d":0}})");
  EXPECT_EQ(match(on("d", Kind::Equal, "99999999999999999999999.00"), cut), FileMatch::Some);
  EXPECT_EQ(match(on("d", Kind::Less, "-99999999999999999999999.00"), cut), FileMatch::Some);
}

}  // namespace
}  // namespace sluice::delta
