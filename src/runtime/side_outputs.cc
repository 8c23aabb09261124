#include "runtime/side_outputs.h"

#include <algorithm>

#include "columnar/guard.h"

namespace sluice::runtime {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

std::size_t index_of(SideOutputs::Kind kind) { return static_cast<std::size_t>(kind); }

columnar::Schema make_schema(std::vector<std::pair<std::string, LogicalType>> columns) {
  columnar::Schema schema{{{"epoch", LogicalType::BIGINT, true, {}}, {"dataset", LogicalType::VARCHAR, true, {}}}};
  for (auto& [name, type] : columns) schema.fields.push_back({name, type, true, {}});
  return schema;
}

/// Text that Parquet may hold as UTF-8; other bytes become U+FFFD there, so they are shown in DuckDB's \xNN form.
Value text(const std::string& bytes) {
  if (Value::StringIsValid(bytes)) return Value(bytes);
  return Value(Value::BLOB(duckdb::const_data_ptr_cast(bytes.data()), bytes.size()).ToString());
}

}  // namespace

const std::string& SideOutputs::key(Kind kind) {
  static const std::string keys[kKindCount] = {"sluice.dead_letters", "sluice.errors", "sluice.quarantine",
                                               "sluice.quality"};
  return keys[index_of(kind)];
}

const columnar::Schema& SideOutputs::schema(Kind kind) {
  static const columnar::Schema schemas[kKindCount] = {
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
  return schemas[index_of(kind)];
}

void SideOutputs::begin_epoch(Epoch epoch) {
  epoch_ = epoch;
  for (auto& rows : rows_) rows.clear();
  counts_.clear();
}

void SideOutputs::add(const DeadLetter& letter) {
  rows_[index_of(Kind::DeadLetters)].push_back({Value::BIGINT(epoch_.value()), text(letter.dataset), text(letter.file),
                                                Value::BIGINT(letter.line), Value::BIGINT(letter.byte_offset),
                                                text(letter.code), text(letter.message), text(letter.content)});
}

void SideOutputs::add_error(const std::string& dataset, const std::string& key, const std::string& expression,
                            const std::string& message, std::int64_t weight) {
  rows_[index_of(Kind::Errors)].push_back({Value::BIGINT(epoch_.value()), text(dataset), text(key), text(expression),
                                           text(message), Value::BIGINT(weight)});
}

void SideOutputs::add_quarantined(const std::string& dataset, const std::string& expectation, const std::string& row,
                                  std::int64_t weight) {
  rows_[index_of(Kind::Quarantine)].push_back(
      {Value::BIGINT(epoch_.value()), text(dataset), text(expectation), text(row), Value::BIGINT(weight)});
}

void SideOutputs::count(const std::string& dataset, const std::string& expectation, const std::string& action,
                        std::int64_t passed, std::int64_t failed) {
  Count& sum = counts_[{dataset, expectation}];
  sum.action = action;
  sum.passed += passed;
  sum.failed += failed;
}

std::uint64_t SideOutputs::violation_count() const {
  std::int64_t failed = 0;
  for (const auto& [rule, sum] : counts_) failed += std::max<std::int64_t>(0, sum.failed);
  return static_cast<std::uint64_t>(failed);
}

std::size_t SideOutputs::row_count(Kind kind) const {
  return kind == Kind::Quality ? counts_.size() : rows_[index_of(kind)].size();
}

std::vector<Value> SideOutputs::quality_row(const std::pair<std::string, std::string>& rule, const Count& count) const {
  return {Value::BIGINT(epoch_.value()), text(rule.first),           text(rule.second), text(count.action),
          Value::BIGINT(count.passed),   Value::BIGINT(count.failed)};
}

Status SideOutputs::write(Kind kind, ManagedTable& table) {
  std::vector<std::vector<Value>> rows = rows_[index_of(kind)];
  if (kind == Kind::Quality) {
    for (const auto& [rule, sum] : counts_) rows.push_back(quality_row(rule, sum));
  }
  for (std::size_t first = 0; first < rows.size(); first += columnar::ChangeBatch::kBatchRowsMax) {
    const std::size_t count = std::min(rows.size() - first, columnar::ChangeBatch::kBatchRowsMax);
    columnar::ChangeBatch batch(schema(kind).types());
    SLUICE_TRY(columnar::guard([&] {
      for (std::size_t row = 0; row < count; ++row) {
        for (std::size_t column = 0; column < rows[first + row].size(); ++column) {
          batch.rows().SetValue(column, row, rows[first + row][column]);
        }
      }
      batch.rows().SetCardinality(count);
    }));
    SLUICE_TRY(table.write(batch));
  }
  return ok();
}

}  // namespace sluice::runtime
