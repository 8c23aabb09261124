#include "runtime/internal/evolution.h"

#include <gtest/gtest.h>

namespace sluice::runtime::internal {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

columnar::Schema schema(std::vector<std::pair<std::string, LogicalType>> columns) {
  columnar::Schema made;
  for (auto& [name, type] : columns) made.fields.push_back({name, type, true, {}});
  return made;
}

TEST(EvolutionTest, TellsNewColumnsFromWiderOnesFromOthers) {
  const auto stored = schema({{"a", LogicalType::BIGINT}, {"b", LogicalType::VARCHAR}});
  EXPECT_EQ(decide_evolution(stored, stored).kind, EvolutionKind::Same);
  EXPECT_EQ(decide_evolution(
                stored, schema({{"a", LogicalType::BIGINT}, {"n", LogicalType::DATE}, {"b", LogicalType::VARCHAR}}))
                .kind,
            EvolutionKind::Additive);
  EXPECT_EQ(decide_evolution(stored, schema({{"a", LogicalType::DOUBLE}, {"b", LogicalType::VARCHAR}})).kind,
            EvolutionKind::Widening);
  const Evolution gone = decide_evolution(stored, schema({{"a", LogicalType::BIGINT}}));
  EXPECT_EQ(gone.kind, EvolutionKind::Incompatible);
  EXPECT_EQ(gone.reason, "column b is gone");
  EXPECT_EQ(decide_evolution(stored, schema({{"a", LogicalType::DATE}, {"b", LogicalType::VARCHAR}})).kind,
            EvolutionKind::Incompatible);
}

TEST(RowConversionTest, PutsColumnsByNameWidensTypesAndFillsWithNull) {
  const auto stored = schema({{"a", LogicalType::BIGINT}, {"b", LogicalType::VARCHAR}});
  const auto wanted = schema({{"B", LogicalType::VARCHAR}, {"n", LogicalType::DATE}, {"a", LogicalType::DOUBLE}});
  const auto conversion = RowConversion::create(stored, wanted);
  ASSERT_TRUE(conversion);
  columnar::ChangeBatch rows(stored.types());
  rows.rows().SetValue(0, 0, Value::BIGINT(3));
  rows.rows().SetValue(1, 0, Value("x"));
  rows.rows().SetCardinality(1);
  rows.set_weights({-1});
  auto converted = conversion->apply(rows);
  ASSERT_TRUE(converted);
  EXPECT_EQ(converted->rows().GetValue(0, 0), Value("x"));
  EXPECT_TRUE(converted->rows().GetValue(1, 0).IsNull());
  EXPECT_EQ(converted->rows().GetValue(2, 0), Value::DOUBLE(3.0));
  EXPECT_EQ(converted->weight(0), -1);
}

}  // namespace
}  // namespace sluice::runtime::internal
