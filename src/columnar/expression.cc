#include "columnar/expression.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "columnar/guard.h"
#include "columnar/internal/value_json.h"

namespace sluice::columnar {
namespace {

using Kind = Expression::Kind;
using simdjson::dom::element;

constexpr std::int64_t kFormatVersion = 1;

constexpr std::array<std::pair<Kind, std::string_view>, 16> kKindNames = {{
    {Kind::Column, "column"},
    {Kind::Constant, "constant"},
    {Kind::Function, "function"},
    {Kind::Cast, "cast"},
    {Kind::TryCast, "try_cast"},
    {Kind::Compare, "compare"},
    {Kind::And, "and"},
    {Kind::Or, "or"},
    {Kind::Not, "not"},
    {Kind::IsNull, "is_null"},
    {Kind::IsNotNull, "is_not_null"},
    {Kind::In, "in"},
    {Kind::NotIn, "not_in"},
    {Kind::Coalesce, "coalesce"},
    {Kind::Case, "case"},
    {Kind::Try, "try"},
}};

std::string_view name_of(Kind kind) {
  return std::find_if(kKindNames.begin(), kKindNames.end(), [&](const auto& entry) { return entry.first == kind; })
      ->second;
}

std::optional<Kind> find_kind(std::string_view name) {
  const auto found =
      std::find_if(kKindNames.begin(), kKindNames.end(), [&](const auto& entry) { return entry.second == name; });
  if (found == kKindNames.end()) return std::nullopt;
  return found->first;
}

/// Returns whether an expression of this kind can have `count` children.
bool fits(Kind kind, std::size_t count) {
  switch (kind) {
    case Kind::Column:
    case Kind::Constant: return count == 0;
    case Kind::Function: return true;
    case Kind::Cast:
    case Kind::TryCast:
    case Kind::Not:
    case Kind::IsNull:
    case Kind::IsNotNull:
    case Kind::Try: return count == 1;
    case Kind::Compare: return count == 2;
    case Kind::And:
    case Kind::Or:
    case Kind::In:
    case Kind::NotIn: return count >= 2;
    case Kind::Coalesce: return count >= 1;
    case Kind::Case: return count >= 3 && count % 2 == 1;
  }
  return false;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string function_text(const std::string& name, const std::vector<std::string>& arguments) {
  const bool is_word =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  if (!is_word && arguments.size() == 2) return fmt::format("({} {} {})", arguments[0], name, arguments[1]);
  if (!is_word && arguments.size() == 1) return fmt::format("({}{})", name, arguments[0]);
  return fmt::format("{}({})", name, join(arguments, ", "));
}

std::string case_text(const std::vector<std::string>& parts) {
  std::string text = "CASE";
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) text += fmt::format(" WHEN {} THEN {}", parts[i], parts[i + 1]);
  return fmt::format("{} ELSE {} END", text, parts.back());
}

std::string comparison_sign(const std::string& name) {
  if (name == "is_distinct") return "IS DISTINCT FROM";
  if (name == "is_not_distinct") return "IS NOT DISTINCT FROM";
  return name;
}

std::string list_text(const std::vector<std::string>& parts) {
  return join(std::vector<std::string>(parts.begin() + 1, parts.end()), ", ");
}

void append(std::string& out, const Expression& expression) {
  out += fmt::format("{{\"kind\":\"{}\",\"type\":", name_of(expression.kind));
  internal::append_json(out, expression.type);
  if (expression.kind == Kind::Column) out += fmt::format(",\"column\":{}", expression.column);
  if (expression.kind == Kind::Constant) {
    out += ",\"value\":";
    internal::append_json(out, expression.constant);
  }
  if (expression.kind == Kind::Function || expression.kind == Kind::Compare) {
    out += ",\"name\":";
    internal::append_json_string(out, expression.name);
  }
  if (!expression.children.empty()) {
    out += ",\"children\":[";
    for (std::size_t i = 0; i < expression.children.size(); ++i) {
      if (i > 0) out += ',';
      append(out, expression.children[i]);
    }
    out += ']';
  }
  out += '}';
}

Error not_an_expression(std::string_view why) {
  return Error(ErrorCode::Corruption, fmt::format("a stored expression cannot be read: {}", why));
}

Result<Expression> read(const element& json) {
  std::string_view kind_name;
  element type;
  if (json["kind"].get_string().get(kind_name) != simdjson::SUCCESS || json["type"].get(type) != simdjson::SUCCESS) {
    return not_an_expression("kind or type is missing");
  }
  const auto kind = find_kind(kind_name);
  if (!kind) return not_an_expression(fmt::format("unknown kind '{}'", kind_name));
  Expression expression;
  expression.kind = *kind;
  SLUICE_TRY_ASSIGN(expression.type, internal::read_type(type));
  if (*kind == Kind::Column) {
    std::uint64_t column = 0;
    if (json["column"].get(column) != simdjson::SUCCESS) return not_an_expression("a column without its position");
    expression.column = column;
  }
  if (*kind == Kind::Constant) {
    element value;
    if (json["value"].get(value) != simdjson::SUCCESS) return not_an_expression("a constant without its value");
    SLUICE_TRY_ASSIGN(expression.constant, internal::read_value(value, expression.type));
  }
  if (*kind == Kind::Function || *kind == Kind::Compare) {
    std::string_view name;
    if (json["name"].get_string().get(name) != simdjson::SUCCESS)
      return not_an_expression("a function without its name");
    expression.name = std::string(name);
  }
  simdjson::dom::array children;
  if (json["children"].get_array().get(children) == simdjson::SUCCESS) {
    for (const element child : children) {
      SLUICE_TRY_ASSIGN(auto read_child, read(child));
      expression.children.push_back(std::move(read_child));
    }
  }
  if (!fits(*kind, expression.children.size())) {
    return not_an_expression(fmt::format("'{}' with {} children", kind_name, expression.children.size()));
  }
  return expression;
}

}  // namespace

Expression Expression::column_ref(ColumnIndex column, duckdb::LogicalType type, std::string name) {
  Expression expression;
  expression.kind = Kind::Column;
  expression.type = std::move(type);
  expression.column = column;
  expression.name = std::move(name);
  return expression;
}

Expression Expression::literal(duckdb::Value value) {
  Expression expression;
  expression.kind = Kind::Constant;
  expression.type = value.type();
  expression.constant = std::move(value);
  return expression;
}

Expression Expression::cast(Expression child, duckdb::LogicalType type) {
  Expression expression;
  expression.kind = Kind::Cast;
  expression.type = std::move(type);
  expression.children.push_back(std::move(child));
  return expression;
}

bool operator==(const Expression& a, const Expression& b) { return encode(a) == encode(b); }

std::string to_string(const Expression& expression, const std::vector<std::string>& column_names) {
  std::vector<std::string> parts;
  parts.reserve(expression.children.size());
  for (const Expression& child : expression.children) parts.push_back(to_string(child, column_names));
  switch (expression.kind) {
    case Kind::Column:
      if (expression.column < column_names.size()) return column_names[expression.column];
      return expression.name.empty() ? fmt::format("#{}", expression.column) : expression.name;
    case Kind::Constant: return expression.constant.ToSQLString();
    case Kind::Function: return function_text(expression.name, parts);
    case Kind::Cast: return fmt::format("CAST({} AS {})", parts[0], expression.type.ToString());
    case Kind::TryCast: return fmt::format("TRY_CAST({} AS {})", parts[0], expression.type.ToString());
    case Kind::Compare: return fmt::format("({} {} {})", parts[0], comparison_sign(expression.name), parts[1]);
    case Kind::And: return fmt::format("({})", join(parts, " AND "));
    case Kind::Or: return fmt::format("({})", join(parts, " OR "));
    case Kind::Not: return fmt::format("(NOT {})", parts[0]);
    case Kind::IsNull: return fmt::format("({} IS NULL)", parts[0]);
    case Kind::IsNotNull: return fmt::format("({} IS NOT NULL)", parts[0]);
    case Kind::In: return fmt::format("({} IN ({}))", parts[0], list_text(parts));
    case Kind::NotIn: return fmt::format("({} NOT IN ({}))", parts[0], list_text(parts));
    case Kind::Coalesce: return fmt::format("COALESCE({})", join(parts, ", "));
    case Kind::Case: return case_text(parts);
    case Kind::Try: return fmt::format("TRY({})", parts[0]);
  }
  return {};
}

std::string encode(const Expression& expression) {
  std::string out = fmt::format("{{\"version\":{},\"expression\":", kFormatVersion);
  append(out, expression);
  out += '}';
  return out;
}

Result<Expression> decode_expression(std::string_view text) {
  return guard([&]() -> Result<Expression> {
    simdjson::dom::parser parser;
    element json;
    if (const auto error = parser.parse(text.data(), text.size()).get(json); error != simdjson::SUCCESS) {
      return not_an_expression(simdjson::error_message(error));
    }
    std::int64_t version = 0;
    element root;
    if (json["version"].get(version) != simdjson::SUCCESS || json["expression"].get(root) != simdjson::SUCCESS) {
      return not_an_expression("version or expression is missing");
    }
    if (version != kFormatVersion) return not_an_expression(fmt::format("its format has version {}", version));
    return read(root);
  });
}

}  // namespace sluice::columnar
