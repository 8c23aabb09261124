#include "delta/file_predicate.h"

#include <functional>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"

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

/// A file whose column x, of that type, has all its values at the bound, written as JSON.
FileMatch match_bound(const DataType& type, const std::string& json, Kind kind, const std::string& constant) {
  AddFile add;
  add.path = "f";
  add.stats =
      fmt::format(R"({{"numRecords":1,"minValues":{{"x":{0}}},"maxValues":{{"x":{0}}},"nullCount":{{"x":0}}}})", json);
  const DataType table = DataType::structure({StructField{"x", type, true, {}}});
  return match_file(FilePredicate::compare({"x"}, kind, constant), table, ColumnMappingMode::None, {}, add);
}

TEST(FilePredicateTest, BoundsMeanTheSameHoweverTheyAreWritten) {
  using Type = DataType::Kind;
  struct Case {
    Type type;
    std::string equal;                       ///< What all the texts stand for.
    std::string next;                        ///< Greater than it, by more than writers round.
    std::vector<std::string> texts;          ///< JSON.
    std::vector<std::string> no_bound = {};  ///< JSON that says nothing.
  };
  const std::vector<Case> cases = {
      {Type::Byte, "-128", "-127", {"-128", "\"-128\""}, {"-129", "\"x\"", "true", "{}", "[1]", "null"}},
      {Type::Short, "32766", "32767", {"32766"}, {"32768"}},
      {Type::Integer, "-2147483648", "-2147483647", {"-2147483648"}, {"2147483648"}},
      {Type::Long, "9223372036854775806", "9223372036854775807", {"9223372036854775806"}, {"9223372036854775808"}},
      {Type::Date, "2024-02-29", "2024-03-01", {"\"2024-02-29\"", "\"2024\\u002d02-29\""}, {"\"2023-02-29\"", "\"\""}},
      {Type::Date, "0001-01-01", "0001-01-02", {"\"0001-01-01\""}, {"\"2024-13-01\""}},
      {Type::Timestamp,
       "2024-02-29 23:59:59.123Z",
       "2024-02-29 23:59:59.124Z",
       {"\"2024-02-29T23:59:59.123Z\"", "\"2024-02-29 23:59:59.123\"", "\"2024-02-29T23:59:59.123000Z\"",
        "\"2024-03-01T00:59:59.123+01:00\""},
       {"\"2024-02-29T25:00:00Z\"", "\"then\""}},
      {Type::Timestamp,
       "1969-12-31 23:59:59Z",
       "1970-01-01 00:00:00Z",
       {"\"1969-12-31T23:59:59.000Z\"", "\"1969-12-31T23:59:59Z\""}},
      {Type::TimestampNtz,
       "0001-01-01 00:00:00",
       "0001-01-01 00:00:01",
       {"\"0001-01-01T00:00:00.000\"", "\"0001-01-01 00:00:00\""}},
      {Type::String, "a\"b", "a\"c", {R"("a\"b")", R"("\u0061\"b")"}},
      {Type::String, "é", "ê", {"\"é\"", R"("\u00e9")"}},
      {Type::Boolean, "true", "true", {}, {"true"}},
  };
  for (const Case& each : cases) {
    const DataType type = DataType::primitive(each.type);
    for (const std::string& text : each.texts) {
      EXPECT_NE(match_bound(type, text, Kind::Equal, each.equal), FileMatch::None) << text;
      EXPECT_EQ(match_bound(type, text, Kind::GreaterOrEqual, each.equal), FileMatch::All) << text;
      EXPECT_EQ(match_bound(type, text, Kind::Less, each.equal), FileMatch::None) << text;
      EXPECT_EQ(match_bound(type, text, Kind::Equal, each.next), FileMatch::None) << text;
      EXPECT_EQ(match_bound(type, text, Kind::Less, each.next), FileMatch::All) << text;
    }
    for (const std::string& text : each.no_bound) {
      EXPECT_EQ(match_bound(type, text, Kind::Less, each.equal), FileMatch::Some) << text;
      EXPECT_EQ(match_bound(type, text, Kind::Greater, each.equal), FileMatch::Some) << text;
    }
  }
}

TEST(FilePredicateTest, OneMatcherDecidesForManyFilesAsForEach) {
  SeededRandom random(5);
  const auto below = [&](std::uint64_t bound) { return random.next() % bound; };
  std::vector<Action> adds;
  for (int i = 0; i < 400; ++i) {
    const std::uint64_t low = below(20);
    std::optional<std::string> stats = fmt::format(
        R"({{"numRecords":2,"minValues":{{"x":{0},"s":"{2}","n":{{"m":{0}}}}},"maxValues":{{"x":{1},"s":"{2}z","n":{{"m":{1}}}}},)"
        R"("nullCount":{{"x":{3},"s":0,"n":{{"m":0}}}}}})",
        low, low + below(5), "abcdef"[below(6)], below(3));
    if (below(10) == 0) stats = "{\"numRecords\":2,\"minValues\":{\"x\":";
    if (below(10) == 0) stats = std::nullopt;
    AddFile add = file(below(8) == 0 ? std::nullopt : std::optional(fmt::format("2024-01-0{}", 1 + below(4))),
                       std::to_string(below(3)), std::move(stats));
    add.path = fmt::format("f{}", below(10'000));
    adds.emplace_back(add);
  }
  // Half in blocks, half not.
  LiveFiles::Builder base;
  for (std::size_t i = 0; i < 200; ++i) base.add_reconciled(std::get<AddFile>(adds[i]));
  base.apply(std::span(adds).subspan(200));
  const LiveFiles files = std::move(base).finish();
  const LiveFiles::Numbered numbered(files);
  const std::function<FilePredicate(int)> random_predicate = [&](int depth) -> FilePredicate {
    const auto kind = static_cast<Kind>(static_cast<int>(Kind::Equal) + below(5));
    switch (below(depth > 0 ? 8 : 5)) {
      case 0: return on("x", kind, std::to_string(below(25)));
      case 1: return on("s", kind, std::string(1, "abcdefg"[below(7)]));
      case 2: return on("day", kind, fmt::format("2024-01-0{}", 1 + below(5)));
      case 3: return FilePredicate::is_null(below(2) == 0 ? "x" : "day");
      case 4: return FilePredicate::compare({"n", "m"}, kind, std::to_string(below(25)));
      case 5: return FilePredicate::negation(random_predicate(depth - 1));
      case 6: return FilePredicate::conjunction({random_predicate(depth - 1), random_predicate(depth - 1)});
      default: return FilePredicate::disjunction({random_predicate(depth - 1), random_predicate(depth - 1)});
    }
  };
  std::size_t left_out = 0;
  for (int round = 0; round < 300; ++round) {
    const FilePredicate predicate = random_predicate(3);
    FileMatcher matcher(predicate, schema(), ColumnMappingMode::None, {"day", "p"});
    std::vector<std::size_t> every_second;
    std::vector<std::size_t> expected;
    AddFile add;
    for (std::size_t number = 0; number < numbered.size(); number += 2) {
      every_second.push_back(number);
      numbered.read(number, add);
      if (match(predicate, add) != FileMatch::None) expected.push_back(number);
    }
    ASSERT_EQ(matcher.select(numbered, every_second), expected) << round;
    left_out += every_second.size() - expected.size();
  }
  EXPECT_GT(left_out, 1000u);
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
