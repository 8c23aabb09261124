#include "lake/internal/row_check.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/parser/expression/cast_expression.hpp>
#include <duckdb/parser/expression/columnref_expression.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/parser/expression/function_expression.hpp>
#include <duckdb/parser/keyword_helper.hpp>
#include <duckdb/parser/parsed_expression_iterator.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/planner/binder.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>
#include <duckdb/planner/expression_binder/check_binder.hpp>
#include <duckdb/planner/expression_iterator.hpp>

#include "delta/duckdb_schema.h"
#include "lake/internal/error_numbers.h"

namespace sluice::lake {
namespace {

/// Of a row in a message.
constexpr std::size_t kRowTextBytesMax = 1000;

/// What Spark's suffixes of numbers make them. BD is what DuckDB takes a number for without one.
constexpr std::pair<std::string_view, std::string_view> kNumberSuffixes[] = {
    {"L", "::BIGINT"}, {"S", "::SMALLINT"}, {"Y", "::TINYINT"}, {"D", "::DOUBLE"}, {"F", "::FLOAT"}};

/// Functions and operators that mean the same to Spark and DuckDB, for the values that a row may have. Many of one name do
/// not: concat() passes over NULL in one, log() has another base, regexp_replace() replaces once or always.
constexpr std::string_view kSharedFunctions[] = {"+",
                                                 "-",
                                                 "*",
                                                 "/",
                                                 "%",
                                                 "&",
                                                 "|",
                                                 "||",
                                                 "~~",
                                                 "!~~",
                                                 "~~*",
                                                 "!~~*",
                                                 "abs",
                                                 "ceil",
                                                 "ceiling",
                                                 "floor",
                                                 "sign",
                                                 "sqrt",
                                                 "mod",
                                                 "power",
                                                 "pow",
                                                 "isnan",
                                                 "upper",
                                                 "lower",
                                                 "length",
                                                 "char_length",
                                                 "character_length",
                                                 "trim",
                                                 "ltrim",
                                                 "rtrim",
                                                 "reverse",
                                                 "repeat",
                                                 "year",
                                                 "month",
                                                 "day",
                                                 "dayofmonth",
                                                 "quarter",
                                                 "hour",
                                                 "minute",
                                                 "greatest",
                                                 "least",
                                                 "contains",
                                                 "array_contains",
                                                 "struct_extract",
                                                 "ifnull"};

/// Spells Spark SQL as DuckDB does, from left to right.
class Speller {
 public:
  explicit Speller(const std::string& text) : text_(text) {}

  std::optional<std::string> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      bool known = true;
      if (c == '`') {
        name();
      } else if (c == '\'' || c == '"') {
        known = string(c);
      } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
        number();
      } else if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_') {
        known = word();
      } else if (text_.compare(at_, 3, "<=>") == 0) {
        out_ += " IS NOT DISTINCT FROM ";
        at_ += 3;
      } else if (c == '^' || c == '[' || c == '$' || (c == '!' && text_.compare(at_, 2, "!=") != 0) ||
                 text_.compare(at_, 2, "--") == 0 || text_.compare(at_, 2, "/*") == 0) {
        known = false;  // to Spark the first is an exclusive or, the second counts from 0
      } else {
        out_ += c;
        ++at_;
      }
      if (!known) return std::nullopt;
    }
    return std::move(out_);
  }

 private:
  void name() {
    std::string name;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '`' && (at_ + 1 >= text_.size() || text_[++at_] != '`')) break;
      name += text_[at_];
    }
    if (at_ < text_.size() && text_[at_] == '`') ++at_;
    out_ += duckdb::KeywordHelper::WriteQuoted(name, '"');
  }

  bool string(char quote) {
    std::string value;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] != '\\' || at_ + 1 >= text_.size()) {
        value += text_[at_];
        continue;
      }
      if (after_like_) return false;
      const char escaped = text_[++at_];
      value += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'r' ? '\r' : escaped;
      if (escaped == 'u' || escaped == '0' || escaped == '%' || escaped == '_') return false;
    }
    ++at_;
    out_ += duckdb::KeywordHelper::WriteQuoted(value, '\'');
    return true;
  }

  void number() {
    std::size_t end = at_;
    while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '.'))
      ++end;
    std::string digits = text_.substr(at_, end - at_);
    at_ = end;
    const std::size_t begin = digits.find_first_of("LlSsYyDdFfBb");
    const std::string suffix = begin == std::string::npos ? "" : duckdb::StringUtil::Upper(digits.substr(begin));
    if (begin != std::string::npos) digits.resize(begin);
    out_ += digits;
    for (const auto& [spark, duckdb] : kNumberSuffixes) {
      if (suffix == spark) out_ += duckdb;
    }
  }

  bool word() {
    std::size_t end = at_;
    while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '_'))
      ++end;
    const std::string word = text_.substr(at_, end - at_);
    const std::string upper = duckdb::StringUtil::Upper(word);
    after_like_ = upper == "LIKE" || upper == "ILIKE" || (after_like_ && (upper == "ANY" || upper == "ALL"));
    constexpr std::string_view kOnlyOfOne[] = {"RLIKE", "REGEXP", "GLOB", "SIMILAR", "ISNULL", "NOTNULL", "ESCAPE"};
    if (std::ranges::find(kOnlyOfOne, upper) != std::end(kOnlyOfOne)) return false;
    out_ += word;
    at_ = end;
    return true;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  bool after_like_ = false;
  std::string out_;
};

Error not_understood(const std::string& table, const delta::RowConstraint& constraint, const std::string& why) {
  return Error(ErrorCode::Unsupported, fmt::format("the constraint {} of {} ({}) cannot be checked here: {}",
                                                   constraint.name, table, constraint.expression, why))
      .with_number(kErrorStatement)
      .with_help(
          "constraints are written with operators and functions that Spark and DuckDB share; ALTER TABLE … DROP "
          "CONSTRAINT drops one that is there");
}

/// True if a cast gives the same value to both: of constants, as the suffixes of numbers are spelled, and to DOUBLE. (Of
/// other values one rounds, the other cuts off.)
bool is_shared_cast(const duckdb::CastExpression& cast) {
  std::string type = duckdb::StringUtil::Upper(cast.cast_type.ToString());
  std::erase(type, '"');
  if (cast.try_cast) return false;
  if (type == "DOUBLE") return true;
  constexpr std::string_view kOfConstants[] = {"BOOLEAN", "DATE", "TINYINT", "SMALLINT", "BIGINT", "FLOAT"};
  return cast.child->GetExpressionClass() == duckdb::ExpressionClass::CONSTANT &&
         std::ranges::find(kOfConstants, type) != std::end(kOfConstants);
}

bool is_shared_operator(duckdb::ExpressionType type) {
  switch (type) {
    case duckdb::ExpressionType::OPERATOR_NOT:
    case duckdb::ExpressionType::OPERATOR_IS_NULL:
    case duckdb::ExpressionType::OPERATOR_IS_NOT_NULL:
    case duckdb::ExpressionType::OPERATOR_COALESCE:
    case duckdb::ExpressionType::COMPARE_IN:
    case duckdb::ExpressionType::COMPARE_NOT_IN: return true;
    default: return false;
  }
}

/// True if the expression, without what is in it, means the same to Spark and DuckDB.
bool is_shared(const duckdb::ParsedExpression& expression) {
  switch (expression.GetExpressionClass()) {
    case duckdb::ExpressionClass::COLUMN_REF:
    case duckdb::ExpressionClass::CONSTANT:
    case duckdb::ExpressionClass::COMPARISON:
    case duckdb::ExpressionClass::CONJUNCTION:
    case duckdb::ExpressionClass::BETWEEN:
    case duckdb::ExpressionClass::CASE: return true;
    case duckdb::ExpressionClass::OPERATOR: return is_shared_operator(expression.GetExpressionType());
    case duckdb::ExpressionClass::CAST: return is_shared_cast(expression.Cast<duckdb::CastExpression>());
    case duckdb::ExpressionClass::FUNCTION:
      return std::ranges::find(kSharedFunctions, expression.Cast<duckdb::FunctionExpression>().function_name) !=
             std::end(kSharedFunctions);
    default: return false;
  }
}

/// Returns a part of the expression that may mean another thing to Spark; "" if there is none.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the expression, which DuckDB's parser bounds.
std::string find_unshared(const duckdb::ParsedExpression& expression) {
  if (!is_shared(expression)) return expression.ToString();
  std::string found;
  duckdb::ParsedExpressionIterator::EnumerateChildren(expression, [&](const duckdb::ParsedExpression& child) {
    if (found.empty()) found = find_unshared(child);
  });
  return found;
}

/// True if text of a row is taken for another type, or the other way round: the two spell and read values differently.
// NOLINTNEXTLINE(misc-no-recursion)
bool takes_text_for_other(const duckdb::Expression& expression) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_CAST) {
    const duckdb::Expression& child = *expression.Cast<duckdb::BoundCastExpression>().child;
    const bool from_text = child.return_type.id() == duckdb::LogicalTypeId::VARCHAR;
    const bool to_text = expression.return_type.id() == duckdb::LogicalTypeId::VARCHAR;
    if (from_text != to_text && !child.IsFoldable()) return true;
  }
  bool found = false;
  duckdb::ExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::Expression& child) { found = found || takes_text_for_other(child); });
  return found;
}

/// Makes of names such as `column.member` calls that take the member, which DuckDB's binder of constraints does not.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the expression, which DuckDB's parser bounds.
void find_members(const std::string& table, const duckdb::ColumnList& columns,
                  duckdb::unique_ptr<duckdb::ParsedExpression>& expression) {
  if (expression->GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF) {
    const auto names = expression->Cast<duckdb::ColumnRefExpression>().column_names;
    std::size_t column = 0;
    if (names.size() > 1 && !columns.ColumnExists(names[0]) && duckdb::StringUtil::CIEquals(names[0], table))
      column = 1;
    if (names.size() == column + 1) return;
    duckdb::unique_ptr<duckdb::ParsedExpression> value = duckdb::make_uniq<duckdb::ColumnRefExpression>(names[column]);
    value->SetQueryLocation(expression->GetQueryLocation());
    for (std::size_t member = column + 1; member < names.size(); ++member) {
      duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> arguments;
      arguments.push_back(std::move(value));
      arguments.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(names[member])));
      value = duckdb::make_uniq<duckdb::FunctionExpression>("struct_extract", std::move(arguments));
    }
    expression = std::move(value);
    return;
  }
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      *expression, [&](duckdb::unique_ptr<duckdb::ParsedExpression>& child) { find_members(table, columns, child); });
}

duckdb::ColumnList columns_of(const delta::Snapshot& snapshot) {
  duckdb::ColumnList columns;
  for (const columnar::Field& field : delta::columnar_schema(snapshot.schema()).fields) {
    columns.AddColumn(duckdb::ColumnDefinition(field.name, field.type));
  }
  return columns;
}

}  // namespace

duckdb::unique_ptr<duckdb::Expression> bind_row_condition(duckdb::ClientContext& client, const std::string& table,
                                                          const duckdb::ColumnList& columns,
                                                          duckdb::unique_ptr<duckdb::ParsedExpression> condition) {
  find_members(table, columns, condition);
  const auto binder = duckdb::Binder::CreateBinder(client);
  duckdb::physical_index_set_t bound;
  duckdb::CheckBinder check(*binder, client, table, columns, bound);
  check.target_type = duckdb::LogicalType::BOOLEAN;
  return check.Bind(condition);
}

std::optional<std::size_t> find_unmet(duckdb::ExpressionExecutor& condition, duckdb::DataChunk& rows) {
  duckdb::SelectionVector met(STANDARD_VECTOR_SIZE);
  const std::size_t count = condition.SelectExpression(rows, met);
  if (count == rows.size()) return std::nullopt;
  std::size_t row = 0;  // the first that is not among them
  while (row < count && met.get_index(row) == row) ++row;
  return row;
}

bool may_look_at(duckdb::ClientContext& client, const std::string& table, const delta::Snapshot& snapshot,
                 const delta::RowConstraint& constraint, std::span<const std::string> column) {
  const auto sql = duckdb_spelling(constraint.expression);
  if (!sql) return true;
  const duckdb::ColumnList columns = columns_of(snapshot);
  bool found = false;
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the expression, which DuckDB's parser bounds.
  const std::function<void(const duckdb::ParsedExpression&)> look = [&](const duckdb::ParsedExpression& expression) {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF) {
      const auto& names = expression.Cast<duckdb::ColumnRefExpression>().column_names;
      std::span<const std::string> path(names.data(), names.size());
      if (path.size() > 1 && !columns.ColumnExists(path[0]) && duckdb::StringUtil::CIEquals(path[0], table)) {
        path = path.subspan(1);
      }
      // One of the two is within the other.
      const std::size_t shared = std::min(path.size(), column.size());
      const auto is_same = [](const auto& left, const auto& right) {
        return duckdb::StringUtil::CIEquals(left, right);
      };
      found = found || std::ranges::equal(path.first(shared), column.first(shared), is_same);
    }
    duckdb::ParsedExpressionIterator::EnumerateChildren(expression, look);
  };
  try {
    for (const auto& expression : duckdb::Parser::ParseExpressionList(*sql, client.GetParserOptions())) {
      look(*expression);
    }
  } catch (const std::exception&) {
    return true;
  }
  return found;
}

std::string row_text(const columnar::Schema& schema, const duckdb::DataChunk& rows, std::size_t row) {
  std::string text;
  for (std::size_t column = 0; column < schema.fields.size(); ++column) {
    text += fmt::format("{}{} = {}", column == 0 ? "" : ", ", schema.fields[column].name,
                        rows.GetValue(column, row).ToSQLString());
    if (text.size() > kRowTextBytesMax) return text.substr(0, kRowTextBytesMax) + "…";
  }
  return text;
}

std::optional<std::string> duckdb_spelling(const std::string& spark_sql) { return Speller(spark_sql).run(); }

Result<std::shared_ptr<const RowCheck>> RowCheck::compile(duckdb::ClientContext& client, const std::string& table,
                                                          const delta::Snapshot& snapshot,
                                                          const std::vector<delta::RowConstraint>& constraints) {
  std::shared_ptr<RowCheck> check(new RowCheck());
  check->constraints_ = constraints;
  const duckdb::ColumnList columns = columns_of(snapshot);
  for (const delta::RowConstraint& constraint : constraints) {
    const auto sql = duckdb_spelling(constraint.expression);
    if (!sql) return not_understood(table, constraint, "it is spelled in a way that means another thing to DuckDB");
    try {
      auto expressions = duckdb::Parser::ParseExpressionList(*sql, client.GetParserOptions());
      if (expressions.size() != 1) return not_understood(table, constraint, "it is no single condition");
      if (const std::string other = find_unshared(*expressions.front()); !other.empty()) {
        return not_understood(table, constraint, fmt::format("{} may mean another thing to Spark", other));
      }
      const std::string name = table.substr(table.rfind('.') + 1);
      auto condition = bind_row_condition(client, name, columns, std::move(expressions.front()));
      if (takes_text_for_other(*condition)) {
        return not_understood(table, constraint, "text and another type are compared or joined");
      }
      check->conditions_.push_back(std::move(condition));
    } catch (const std::exception& exception) {
      const std::string message = duckdb::ErrorData(exception).RawMessage();
      return not_understood(table, constraint, message.substr(0, message.find('\n')));
    }
  }
  return std::shared_ptr<const RowCheck>(std::move(check));
}

RowChecker::RowChecker(duckdb::ClientContext& client, std::shared_ptr<const RowCheck> check)
    : check_(std::move(check)) {
  for (const auto& condition : check_->conditions_) {
    executors_.push_back(std::make_unique<duckdb::ExpressionExecutor>(client, *condition));
  }
}

std::optional<RowChecker::Violation> RowChecker::find_violation(duckdb::DataChunk& rows) {
  for (std::size_t i = 0; i < executors_.size(); ++i) {
    if (const auto row = find_unmet(*executors_[i], rows)) return Violation{&check_->constraints_[i], *row};
  }
  return std::nullopt;
}

}  // namespace sluice::lake
