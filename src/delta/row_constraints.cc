#include "delta/row_constraints.h"

#include <string_view>

#include <fmt/format.h>
#include <simdjson.h>

#include "delta/table_properties.h"

namespace sluice::delta {
namespace {

/// Returns the expression of `{"expression":{"expression":SQL}}`, which the metadata of a field holds as a JSON string.
Result<std::string> invariant_of(const StructField& field, const std::string& json) {
  simdjson::dom::parser outer;
  simdjson::dom::parser inner;
  std::string_view text;
  std::string_view expression;
  if (outer.parse(json).get_string().get(text) != simdjson::SUCCESS ||
      inner.parse(text.data(), text.size()).at_pointer("/expression/expression").get_string().get(expression) !=
          simdjson::SUCCESS) {
    return Error(ErrorCode::Corruption, fmt::format("the invariant of column {} cannot be read: {}", field.name, json));
  }
  return std::string(expression);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
Status collect_invariants(const DataType& type, std::vector<RowConstraint>& constraints) {
  for (const StructField& field : type.fields) {
    if (const auto found = field.metadata.find("delta.invariants"); found != field.metadata.end()) {
      SLUICE_TRY_ASSIGN(auto expression, invariant_of(field, found->second));
      constraints.push_back({field.name, std::move(expression)});
    }
    SLUICE_TRY(collect_invariants(field.type, constraints));
  }
  for (const DataType& child : type.children) SLUICE_TRY(collect_invariants(child, constraints));
  return ok();
}

}  // namespace

Result<std::vector<RowConstraint>> row_constraints(const Metadata& metadata, const DataType& schema) {
  SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(metadata.configuration));
  std::vector<RowConstraint> constraints;
  for (const auto& [name, expression] : properties.constraints) constraints.push_back({name, expression});
  SLUICE_TRY(collect_invariants(schema, constraints));
  return constraints;
}

}  // namespace sluice::delta
