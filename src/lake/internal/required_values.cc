#include "lake/internal/required_values.h"

#include <algorithm>

#include <duckdb/common/types/vector.hpp>

namespace sluice::lake {
namespace {

using delta::DataType;
using duckdb::FlatVector;

// NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
bool has_required(const DataType& type) {
  if (!type.contains_null) return true;
  return std::ranges::any_of(type.fields,
                             [](const auto& field) { return !field.nullable || has_required(field.type); }) ||
         std::ranges::any_of(type.children, has_required);
}

/// Which of a vector's values lie in something that is not NULL.
using There = std::vector<bool>;

bool any_null(const duckdb::Vector& flat, const There& there) {
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (there[i] && FlatVector::IsNull(flat, i)) return true;
  }
  return false;
}

std::optional<std::string> find_in(duckdb::Vector& vector, const DataType& type, bool may_be_null, There there);

/// Looks into what is not NULL of a vector that is flat.
// NOLINTNEXTLINE(misc-no-recursion)
std::optional<std::string> find_within(duckdb::Vector& flat, const DataType& type, There there) {
  for (std::size_t i = 0; i < there.size(); ++i) there[i] = there[i] && !FlatVector::IsNull(flat, i);
  const auto below = [](const std::string& name, const std::optional<std::string>& found) {
    return found ? std::optional(found->empty() ? name : name + "." + *found) : std::nullopt;
  };
  if (type.kind == DataType::Kind::Struct) {
    auto& members = duckdb::StructVector::GetEntries(flat);
    for (std::size_t i = 0; i < type.fields.size(); ++i) {
      const delta::StructField& field = type.fields[i];
      if (auto found = below(field.name, find_in(*members[i], field.type, field.nullable, there))) return found;
    }
    return std::nullopt;
  }
  const auto* lists = FlatVector::GetData<duckdb::list_entry_t>(flat);
  There elements(duckdb::ListVector::GetListSize(flat), false);
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (there[i]) std::fill_n(elements.begin() + static_cast<std::ptrdiff_t>(lists[i].offset), lists[i].length, true);
  }
  duckdb::Vector& entries = duckdb::ListVector::GetEntry(flat);
  if (type.kind == DataType::Kind::Array) {
    return below("element", find_in(entries, type.children[0], type.contains_null, std::move(elements)));
  }
  entries.Flatten(elements.size());
  auto& parts = duckdb::StructVector::GetEntries(entries);
  if (auto found = below("key", find_in(*parts[0], type.children[0], true, elements))) return found;
  return below("value", find_in(*parts[1], type.children[1], type.contains_null, std::move(elements)));
}

/// Returns the path, below this vector, of what is NULL and must not be: "" if it is one of its own values.
// NOLINTNEXTLINE(misc-no-recursion)
std::optional<std::string> find_in(duckdb::Vector& vector, const DataType& type, bool may_be_null, There there) {
  const bool has_more = has_required(type);
  if (may_be_null && !has_more) return std::nullopt;
  vector.Flatten(there.size());
  if (!may_be_null && any_null(vector, there)) return "";
  return has_more ? find_within(vector, type, std::move(there)) : std::nullopt;
}

}  // namespace

RequiredValues::RequiredValues(const DataType& schema) {
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    const delta::StructField& field = schema.fields[i];
    if (!field.nullable || has_required(field.type)) columns_.push_back({i, field});
  }
}

std::optional<std::string> RequiredValues::find_missing(duckdb::DataChunk& rows) const {
  for (const auto& [index, field] : columns_) {
    const auto found = find_in(rows.data[index], field.type, field.nullable, There(rows.size(), true));
    if (found) return found->empty() ? field.name : field.name + "." + *found;
  }
  return std::nullopt;
}

}  // namespace sluice::lake
