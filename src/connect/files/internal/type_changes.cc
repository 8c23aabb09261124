#include "connect/files/internal/type_changes.h"

#include <string_view>
#include <unordered_map>

namespace sluice::connect {
namespace {

using Types = std::unordered_map<std::string_view, const duckdb::LogicalType*>;

// NOLINTNEXTLINE(misc-no-recursion)
void compare(const std::string& name, const duckdb::LogicalType& from, const duckdb::LogicalType& to,
             std::vector<TypeChange>& changes) {
  if (from == to) return;
  const duckdb::LogicalTypeId kind = from.id() == to.id() ? from.id() : duckdb::LogicalTypeId::INVALID;
  if (kind == duckdb::LogicalTypeId::LIST) {
    return compare(name + "[]", duckdb::ListType::GetChildType(from), duckdb::ListType::GetChildType(to), changes);
  }
  if (kind != duckdb::LogicalTypeId::STRUCT) {
    changes.push_back({.name = name, .from = from.ToString(), .to = to.ToString()});
    return;
  }
  Types members;
  for (const auto& [member, type] : duckdb::StructType::GetChildTypes(to)) members.emplace(member, &type);
  for (const auto& [member, type] : duckdb::StructType::GetChildTypes(from)) {
    const auto found = members.find(member);
    if (found != members.end()) compare(name + "." + member, type, *found->second, changes);
  }
}

}  // namespace

std::vector<TypeChange> find_type_changes(const columnar::Schema& before, const columnar::Schema& after) {
  std::vector<TypeChange> changes;
  Types columns;
  for (const columnar::Field& field : after.fields) columns.emplace(field.name, &field.type);
  for (const columnar::Field& field : before.fields) {
    const auto found = columns.find(field.name);
    if (found != columns.end()) compare(field.name, field.type, *found->second, changes);
  }
  return changes;
}

}  // namespace sluice::connect
