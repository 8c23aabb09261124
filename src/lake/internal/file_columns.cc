#include "lake/internal/file_columns.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <duckdb/planner/expression_iterator.hpp>

#include "delta/column_mapping.h"
#include "delta/duckdb_schema.h"

namespace sluice::lake {
namespace {

using delta::ColumnMappingMode;
using delta::DataType;
using delta::StructField;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::MultiFileColumnDefinition;
using Kind = DataType::Kind;

/// Integers that a double holds exactly.
bool is_short_integer(LogicalTypeId id) {
  switch (id) {
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER: return true;
    default: return false;
  }
}

bool is_integer(LogicalTypeId id) {
  return id == LogicalTypeId::BIGINT || id == LogicalTypeId::UBIGINT || is_short_integer(id);
}

/// True if every value that a file holds as `stored` can be read as a column of the type: the widenings of the
/// specification and what writers do differently (integers without their width, timestamps without their zone). A cast
/// to a narrower type fails when it meets a value that does not fit; none rounds, but nanoseconds, which no table has,
/// are cut off.
bool can_hold(const DataType& type, const LogicalType& stored) {
  const LogicalTypeId id = stored.id();
  if (id == LogicalTypeId::SQLNULL || type.kind == Kind::Void) return true;
  switch (type.kind) {
    case Kind::String: return id == LogicalTypeId::VARCHAR;
    case Kind::Binary: return id == LogicalTypeId::BLOB;
    case Kind::Boolean: return id == LogicalTypeId::BOOLEAN;
    case Kind::Date: return id == LogicalTypeId::DATE;
    case Kind::Byte:
    case Kind::Short:
    case Kind::Integer:
    case Kind::Long: return is_integer(id);
    case Kind::Float: return id == LogicalTypeId::FLOAT;
    case Kind::Double: return id == LogicalTypeId::DOUBLE || id == LogicalTypeId::FLOAT || is_short_integer(id);
    case Kind::Decimal:
      if (is_integer(id)) return true;
      return id == LogicalTypeId::DECIMAL && duckdb::DecimalType::GetScale(stored) <= type.scale &&
             duckdb::DecimalType::GetWidth(stored) - duckdb::DecimalType::GetScale(stored) <=
                 type.precision - type.scale;
    case Kind::TimestampNtz:
      if (id == LogicalTypeId::DATE) return true;
      [[fallthrough]];
    case Kind::Timestamp:
      return id == LogicalTypeId::TIMESTAMP || id == LogicalTypeId::TIMESTAMP_TZ || id == LogicalTypeId::TIMESTAMP_NS;
    case Kind::Variant: return id == LogicalTypeId::VARIANT;
    case Kind::Struct: return id == LogicalTypeId::STRUCT;
    case Kind::Array: return id == LogicalTypeId::LIST;
    case Kind::Map: return id == LogicalTypeId::MAP;
    case Kind::Void: return true;
  }
  return false;
}

/// Matches the fields of a table with the columns of one file.
class Finder {
 public:
  explicit Finder(ColumnMappingMode mode) : mode_(mode) {}

  Result<MultiFileColumnDefinition> find(const StructField& field, const FileColumns& columns,
                                         const std::string& path) const {
    const auto found = std::find_if(columns.begin(), columns.end(),
                                    [&](const MultiFileColumnDefinition& column) { return matches(field, column); });
    if (found != columns.end()) return define(field.name, field.type, *found, path + field.name);
    // DuckDB looks for names without regard to case, we do not where physical names are given.
    const auto alike = mode_ == ColumnMappingMode::None
                           ? std::find_if(columns.begin(), columns.end(),
                                          [&](const MultiFileColumnDefinition& column) {
                                            return duckdb::StringUtil::CIEquals(column.name, field.name);
                                          })
                           : columns.end();
    if (alike != columns.end()) return define(field.name, field.type, *alike, path + field.name);
    return missing(field, columns);
  }

 private:
  bool matches(const StructField& field, const MultiFileColumnDefinition& column) const {
    // Under mapping by id, what has no id is no column of the table but of a change data feed or of row tracking.
    if (const auto id = delta::column_id(field); id && mode_ == ColumnMappingMode::Id) {
      return !column.identifier.IsNull() && column.GetIdentifierFieldId() == *id;
    }
    return column.name == delta::physical_name(field, mode_);
  }

  Result<MultiFileColumnDefinition> define(const std::string& name, const DataType& type,
                                           const MultiFileColumnDefinition& column, const std::string& path) const {
    if (!can_hold(type, column.type)) {
      return Error(ErrorCode::Corruption,
                   fmt::format("column \"{}\" is {} in the file, which cannot be read as {}", path,
                               column.type.ToString(), delta::logical_type(type).ToString()));
    }
    MultiFileColumnDefinition definition(name, delta::logical_type(type));
    definition.identifier = duckdb::Value(column.name);
    definition.default_expression = duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(definition.type));
    switch (type.kind) {
      case Kind::Struct:
        for (const StructField& member : type.fields) {
          SLUICE_TRY_ASSIGN(auto child, find(member, column.children, path + "."));
          definition.children.push_back(std::move(child));
        }
        break;
      case Kind::Array: {
        SLUICE_TRY_ASSIGN(auto element, define("list", type.children.at(0), column.children.at(0), path + ".element"));
        definition.children.push_back(std::move(element));
        break;
      }
      case Kind::Map: {
        const FileColumns& parts = column.children.at(0).children;
        SLUICE_TRY_ASSIGN(auto key, define("key", type.children.at(0), parts.at(0), path + ".key"));
        SLUICE_TRY_ASSIGN(auto value, define("value", type.children.at(1), parts.at(1), path + ".value"));
        definition.children.push_back(std::move(key));
        definition.children.push_back(std::move(value));
        break;
      }
      default: break;
    }
    return definition;
  }

  static MultiFileColumnDefinition missing(const StructField& field, const FileColumns& columns) {
    std::string name = "missing";
    const auto taken = [&](const MultiFileColumnDefinition& column) {
      return duckdb::StringUtil::CIEquals(column.name, name);
    };
    while (std::any_of(columns.begin(), columns.end(), taken)) name += '_';
    MultiFileColumnDefinition definition(field.name, delta::logical_type(field.type));
    definition.identifier = duckdb::Value(name);
    definition.default_expression = duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(definition.type));
    return definition;
  }

  const ColumnMappingMode mode_;
};

/// Returns the one column of the file that the expression is made from; nullptr if there is none.
duckdb::BoundReferenceExpression* find_reference(duckdb::Expression& expression) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF) {
    return &expression.Cast<duckdb::BoundReferenceExpression>();
  }
  duckdb::BoundReferenceExpression* found = nullptr;
  duckdb::ExpressionIterator::EnumerateChildren(expression, [&](duckdb::Expression& child) {
    if (found == nullptr) found = find_reference(child);
  });
  return found;
}

/// True if a constant of the table's type, cast to the file's, means the same.
bool keeps_constants(const LogicalType& stored, const LogicalType& type) {
  const auto is_micros = [](LogicalTypeId id) {
    return id == LogicalTypeId::TIMESTAMP || id == LogicalTypeId::TIMESTAMP_TZ;
  };
  return (is_integer(stored.id()) && is_integer(type.id())) || (is_micros(stored.id()) && is_micros(type.id()));
}

}  // namespace

void keep_conditions_exact(duckdb::MultiFileReaderData& data, const duckdb::TableFilterSet& conditions) {
  duckdb::BaseFileReader& reader = *data.reader;
  for (const auto& [index, condition] : conditions.filters) {
    auto& expression = data.expressions[index];
    if (expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF) continue;  // it is read as it is
    duckdb::BoundReferenceExpression* reference = find_reference(*expression);
    if (reference == nullptr || keeps_constants(reference->return_type, expression->return_type)) continue;
    const duckdb::MultiFileLocalIndex local(reference->index);
    const duckdb::idx_t column = reader.column_ids[local].GetId();
    if (reader.expression_map.contains(column)) continue;
    reference->index = 0;
    auto value = duckdb::make_uniq<duckdb::BoundReferenceExpression>(expression->return_type, local.GetIndex());
    reader.expression_map.emplace(column, std::move(expression));
    expression = std::move(value);
    reader.filters->filters[local.GetIndex()] = condition->Copy();
  }
}

void normalize_names(FileColumns& columns) {
  for (MultiFileColumnDefinition& column : columns) {
    FileColumns& children = column.children;
    if (column.type.id() == LogicalTypeId::LIST && children.size() == 1) children[0].name = "list";
    if (column.type.id() == LogicalTypeId::MAP && children.size() == 1 && children[0].children.size() == 2) {
      children[0].name = "key_value";
      children[0].children[0].name = "key";
      children[0].children[1].name = "value";
    }
    normalize_names(children);
  }
}

Result<FileColumns> find_columns(const delta::DataType& schema, delta::ColumnMappingMode mode,
                                 const FileColumns& columns, const std::vector<bool>& wanted) {
  const auto has_id = [](const MultiFileColumnDefinition& column) { return !column.identifier.IsNull(); };
  if (mode == ColumnMappingMode::Id && !columns.empty() && std::none_of(columns.begin(), columns.end(), has_id)) {
    return Error(ErrorCode::Corruption,
                 "no column of the file has a field id, by which this table's columns are found");
  }
  const Finder finder(mode);
  FileColumns found;
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    if (!wanted[i]) {
      found.emplace_back(schema.fields[i].name, delta::logical_type(schema.fields[i].type));
      continue;
    }
    SLUICE_TRY_ASSIGN(auto column, finder.find(schema.fields[i], columns, ""));
    found.push_back(std::move(column));
  }
  return found;
}

}  // namespace sluice::lake
