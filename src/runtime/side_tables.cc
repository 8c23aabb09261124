#include "runtime/side_tables.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::runtime {
namespace {

using duckdb::LogicalType;

columnar::Schema make_schema(const std::vector<std::pair<std::string, LogicalType>>& columns) {
  columnar::Schema schema{{{"epoch", LogicalType::BIGINT, true, {}}, {"dataset", LogicalType::VARCHAR, true, {}}}};
  for (const auto& [name, type] : columns) schema.fields.push_back({name, type, true, {}});
  return schema;
}

std::size_t index_of(SideTable table) { return static_cast<std::size_t>(table); }

}  // namespace

const std::string& key_of(SideTable table) {
  static const std::array<std::string, kSideTables.size()> keys{"sluice.dead_letters", "sluice.errors",
                                                                "sluice.quarantine", "sluice.quality"};
  return keys.at(index_of(table));
}

const columnar::Schema& schema_of(SideTable table) {
  static const std::array<columnar::Schema, kSideTables.size()> schemas{
      make_schema({{"file", LogicalType::VARCHAR},
                   {"line", LogicalType::BIGINT},
                   {"byte_offset", LogicalType::BIGINT},
                   {"code", LogicalType::VARCHAR},
                   {"message", LogicalType::VARCHAR},
                   {"content", LogicalType::VARCHAR}}),
      make_schema({{"key", LogicalType::VARCHAR},
                   {"expression", LogicalType::VARCHAR},
                   {"message", LogicalType::VARCHAR},
                   {"weight", LogicalType::BIGINT}}),
      make_schema(
          {{"expectation", LogicalType::VARCHAR}, {"row", LogicalType::VARCHAR}, {"weight", LogicalType::BIGINT}}),
      make_schema({{"expectation", LogicalType::VARCHAR},
                   {"action", LogicalType::VARCHAR},
                   {"passed", LogicalType::BIGINT},
                   {"failed", LogicalType::BIGINT}})};
  return schemas.at(index_of(table));
}

bool is_side_table(std::string_view key) {
  return std::any_of(kSideTables.begin(), kSideTables.end(), [&](SideTable table) { return key_of(table) == key; });
}

}  // namespace sluice::runtime
