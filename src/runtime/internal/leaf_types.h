#pragma once

#include <algorithm>

#include <duckdb/common/types.hpp>

namespace sluice::runtime::internal {

/// Whether `is` holds for the type or one inside it that is stored; a map is its keys and its values.
template <typename Is>
// NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
bool any_leaf(const duckdb::LogicalType& type, const Is& is) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::STRUCT:
      return std::ranges::any_of(duckdb::StructType::GetChildTypes(type),
                                 [&](const auto& child) { return any_leaf(child.second, is); });
    case duckdb::LogicalTypeId::LIST: return any_leaf(duckdb::ListType::GetChildType(type), is);
    case duckdb::LogicalTypeId::MAP:
      return any_leaf(duckdb::MapType::KeyType(type), is) || any_leaf(duckdb::MapType::ValueType(type), is);
    default: return is(type.id());
  }
}

}  // namespace sluice::runtime::internal
