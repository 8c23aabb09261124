#include "tests/golden/row_comparison.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <duckdb/common/type_visitor.hpp>
#include <duckdb/main/relation/materialized_relation.hpp>
#include <duckdb/parser/keyword_helper.hpp>

#include "delta/snapshot.h"
#include "store/local_store.h"

namespace sluice::golden {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

std::string quote(std::string_view name) { return duckdb::KeywordHelper::WriteQuoted(std::string(name), '"'); }

/// True if the types are equal but for what expected rows cannot hold: the zone of timestamps, the sign of versions.
bool equal_enough(const LogicalType& left, const LogicalType& right) {
  const auto is_timestamp = [](const LogicalType& type) {
    return type.id() == LogicalTypeId::TIMESTAMP || type.id() == LogicalTypeId::TIMESTAMP_TZ;
  };
  if (is_timestamp(left) && is_timestamp(right)) return true;
  if (left.id() == LogicalTypeId::BIGINT && right.id() == LogicalTypeId::UBIGINT) return true;
  if (left.id() != right.id()) return false;
  switch (left.id()) {
    case LogicalTypeId::STRUCT: {
      const auto& left_members = duckdb::StructType::GetChildTypes(left);
      const auto& right_members = duckdb::StructType::GetChildTypes(right);
      return std::equal(
          left_members.begin(), left_members.end(), right_members.begin(), right_members.end(),
          [](const auto& a, const auto& b) { return a.first == b.first && equal_enough(a.second, b.second); });
    }
    case LogicalTypeId::LIST:
      return equal_enough(duckdb::ListType::GetChildType(left), duckdb::ListType::GetChildType(right));
    case LogicalTypeId::MAP:
      return equal_enough(duckdb::MapType::KeyType(left), duckdb::MapType::KeyType(right)) &&
             equal_enough(duckdb::MapType::ValueType(left), duckdb::MapType::ValueType(right));
    default: return left == right;
  }
}

/// Returns SQL for the column as the JSON text of expected rows.
std::string as_json(const std::string& column, const LogicalType& type) {
  const LogicalType with_json = duckdb::TypeVisitor::VisitReplace(
      type, [](const LogicalType& each) { return each.id() == LogicalTypeId::VARIANT ? LogicalType::JSON() : each; });
  std::string json = fmt::format("to_json(CAST({} AS {}))", column, with_json.ToString());
  if (type.id() == LogicalTypeId::STRUCT) json = fmt::format("json_merge_patch('{{}}', {})", json);
  json = fmt::format("CAST({} AS VARCHAR)", json);
  if (type.id() == LogicalTypeId::VARIANT) {
    // DuckDB's JSON has no decimals, and another spelling of bytes than Spark's.
    json = fmt::format(
        "CASE WHEN variant_typeof({0}) = 'BLOB' THEN '\"' || base64(CAST({0} AS BLOB)) || '\"' "
        "WHEN variant_typeof({0}) LIKE 'DECIMAL%' THEN CAST({0} AS VARCHAR) ELSE {1} END",
        column, json);
  }
  return fmt::format("CASE WHEN {} IS NOT NULL THEN {} END", column, json);
}

/// Appends SQL for the column, or for what is not a struct within it, with its type.
void add_leaves(const std::string& sql, const LogicalType& type,
                std::vector<std::pair<std::string, LogicalType>>& leaves) {
  if (type.id() != LogicalTypeId::STRUCT) {
    leaves.emplace_back(sql, type);
    return;
  }
  for (const auto& [name, member] : duckdb::StructType::GetChildTypes(type)) {
    add_leaves(fmt::format("struct_extract({}, '{}')", sql, duckdb::StringUtil::Replace(name, "'", "''")), member,
               leaves);
  }
}

/// Returns SQL for the number of each condition, and how many rows it selects.
std::string count_each(const std::string& from, const std::vector<std::string>& conditions) {
  std::string sql;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    sql += fmt::format("{}SELECT {}, count(*) FROM {} WHERE {}", i == 0 ? "" : " UNION ALL ", i, from, conditions[i]);
  }
  return sql;
}

}  // namespace

RowComparison::RowComparison() : connection_(database_) {
  run("SET TimeZone = 'UTC'");
  lake::LakeOptions options;
  options.find_table = [this](const std::optional<std::string>&, const std::string&) {
    return Result<std::optional<lake::DeltaTable>>(opened_);
  };
  lake_ = std::move(*lake::Lake::create(std::move(options)));
}

duckdb::unique_ptr<duckdb::MaterializedQueryResult> RowComparison::run(const std::string& sql) {
  auto result = connection_.Query(sql);
  EXPECT_FALSE(result->HasError()) << sql << "\n" << result->GetError();
  return result;
}

Status RowComparison::take(const std::string& sql) {
  SLUICE_TRY_ASSIGN(auto rows, lake_->query(sql));
  const duckdb::vector<LogicalType> types(rows->types().begin(), rows->types().end());
  auto collection = duckdb::make_uniq<duckdb::ColumnDataCollection>(*connection_.context, types);
  while (true) {
    SLUICE_TRY_ASSIGN(auto chunk, rows->next());
    if (!chunk) break;
    collection->Append(*chunk);
  }
  names_.assign(rows->names().begin(), rows->names().end());
  types_.assign(types.begin(), types.end());
  run("DROP TABLE IF EXISTS actual");
  duckdb::make_shared_ptr<duckdb::MaterializedRelation>(connection_.context, std::move(collection),
                                                        duckdb::vector<std::string>(names_.begin(), names_.end()))
      ->Create("actual");
  return ok();
}

std::string RowComparison::compare(const std::vector<std::filesystem::path>& files,
                                   const std::set<std::string>& json_columns) {
  std::string list;
  for (const auto& file : files) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", file.string());
  const std::string from = fmt::format("read_parquet([{}], hive_partitioning = false)", list);
  const auto shape = run(fmt::format("FROM {} LIMIT 0", from));
  if (std::vector<std::string>(shape->names.begin(), shape->names.end()) != names_) {
    return fmt::format("the columns are {}, not {}", fmt::join(names_, ", "), fmt::join(shape->names, ", "));
  }
  std::string actual;
  std::string expected;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const std::string name = quote(names_[i]);
    const std::string comma = i == 0 ? "" : ", ";
    if (equal_enough(types_[i], shape->types[i])) {
      actual += comma + name;
      expected += fmt::format("{}CAST({} AS {}) AS {}", comma, name, types_[i].ToString(), name);
    } else if (json_columns.contains(names_[i])) {
      actual += fmt::format("{}{} AS {}", comma, as_json(name, types_[i]), name);
      // A zone has minutes in Spark's text and may be without in DuckDB's.
      expected += fmt::format("{}replace({}, '+00:00\"', '+00\"') AS {}", comma, name, name);
    } else {
      return fmt::format("{} is of type {}, not {}", name, types_[i].ToString(), shape->types[i].ToString());
    }
  }
  const auto difference = run(fmt::format(
      "WITH actual AS MATERIALIZED (SELECT {} FROM actual), expected AS MATERIALIZED (SELECT {} FROM {}), "
      "missing AS (FROM expected EXCEPT ALL FROM actual), surplus AS (FROM actual EXCEPT ALL FROM expected) "
      "(SELECT '-', * FROM missing LIMIT 3) UNION ALL (SELECT '+', * FROM surplus LIMIT 3)",
      actual, expected, from));
  if (difference->HasError()) return difference->GetError();
  std::string text;
  for (const auto& row : *difference) {
    for (std::size_t i = 0; i <= names_.size(); ++i) {
      text += (i == 0 ? "\n      " : " | ") + row.GetValue<duckdb::Value>(i).ToString();
    }
  }
  return text.empty() ? "" : "rows are missing (-) or too many (+):" + text;
}

Result<std::string> RowComparison::count(const std::string& sql) {
  SLUICE_TRY_ASSIGN(auto rows, lake_->query(sql));
  SLUICE_TRY_ASSIGN(auto chunk, rows->next());
  return chunk->GetValue(0, 0).ToString();
}

std::vector<std::string> RowComparison::conditions() {
  std::vector<std::pair<std::string, LogicalType>> leaves;
  for (std::size_t i = 0; i < names_.size(); ++i) add_leaves(quote(names_[i]), types_[i], leaves);
  std::vector<std::string> conditions;
  for (const auto& [leaf, type] : leaves) {
    conditions.push_back(leaf + " IS NULL");
    conditions.push_back(leaf + " IS NOT NULL");
    const bool is_ordered = !type.IsNested() && type.id() != LogicalTypeId::VARIANT;
    const auto sample = run(fmt::format("SELECT min({0}), max({0}) FROM actual", is_ordered ? leaf : "NULL"));
    for (duckdb::idx_t i = 0; i < 2; ++i) {
      const duckdb::Value value = sample->GetValue(i, 0);
      // DuckDB's literals cannot have the character NUL.
      if (value.IsNull() || value.ToString().find('\0') != std::string::npos) continue;
      for (const char* comparison : {"=", "<", ">", "<>"}) {
        conditions.push_back(fmt::format("{} {} {}", leaf, comparison, value.ToSQLString()));
      }
    }
  }
  return conditions;
}

Result<std::vector<std::string>> RowComparison::count_in_table(const std::vector<std::string>& conditions) {
  std::vector<std::string> counts(conditions.size());
  // One query for many conditions: planning takes longer than reading such small tables.
  SLUICE_TRY_ASSIGN(auto rows, lake_->query(count_each("golden_table", conditions)));
  while (true) {
    SLUICE_TRY_ASSIGN(auto chunk, rows->next());
    if (!chunk) return counts;
    for (duckdb::idx_t row = 0; row < chunk->size(); ++row) {
      counts.at(chunk->GetValue(0, row).GetValue<std::size_t>()) = chunk->GetValue(1, row).ToString();
    }
  }
}

std::string RowComparison::compare_filters(const std::filesystem::path& table) {
  std::shared_ptr<store::ObjectStore> store = std::move(*store::LocalStore::create(table.string()));
  auto snapshot = delta::Snapshot::load(*store);
  if (!snapshot) return snapshot.error().message();
  opened_ = lake::DeltaTable{std::move(*snapshot), std::move(store)};
  const auto all = conditions();
  std::string differences;
  constexpr std::size_t kBatch = 40;
  for (std::size_t begin = 0; begin < all.size(); begin += kBatch) {
    const std::vector<std::string> batch(
        all.begin() + static_cast<std::ptrdiff_t>(begin),
        all.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kBatch, all.size())));
    const auto expected = run(count_each("actual", batch) + " ORDER BY 1");
    const auto found = count_in_table(batch);
    if (!found) return fmt::format("one of {} fails: {}", fmt::join(batch, "; "), found.error().message());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::string right = expected->GetValue(1, i).ToString();
      if ((*found)[i] != right) differences += fmt::format("\n    {}: {}, not {} rows", batch[i], (*found)[i], right);
    }
  }
  return differences;
}

}  // namespace sluice::golden
