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
std::string text(const std::string& bytes) {
  if (Value::StringIsValid(bytes)) return bytes;
  return Value::BLOB(duckdb::const_data_ptr_cast(bytes.data()), bytes.size()).ToString();
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
  replaced_.clear();
  given_ = {};
  settled_ = {};
}

void SideOutputs::add(Kind kind, const std::string& dataset, Row row, Sum sum) {
  Rows& rows = given_[index_of(kind)][dataset];
  const auto [at, fresh] = rows.try_emplace(std::move(row), sum);
  if (fresh) return;
  at->second.first += sum.first;
  at->second.second += sum.second;
  if (at->second.none()) rows.erase(at);
}

void SideOutputs::add(const DeadLetter& letter) {
  add(Kind::DeadLetters, letter.dataset,
      {{text(letter.file), letter.code, text(letter.message), text(letter.content)}, letter.line, letter.byte_offset},
      {1, 0});
}

void SideOutputs::add_error(const std::string& dataset, const std::string& key, const std::string& expression,
                            const std::string& message, std::int64_t weight) {
  add(Kind::Errors, dataset, {{text(key), text(expression), text(message)}}, {weight, 0});
}

void SideOutputs::add_quarantined(const std::string& dataset, const std::string& expectation, const std::string& row,
                                  std::int64_t weight) {
  add(Kind::Quarantine, dataset, {{expectation, text(row)}}, {weight, 0});
}

void SideOutputs::count(const std::string& dataset, const std::string& expectation, const std::string& action,
                        std::int64_t passed, std::int64_t failed) {
  if (passed != 0 || failed != 0) add(Kind::Quality, dataset, {{expectation, action}}, {passed, failed});
}

void SideOutputs::retract(const std::string& dataset) {
  for (const Kind kind : {Kind::Errors, Kind::Quarantine, Kind::Quality}) given_[index_of(kind)].erase(dataset);
}

Status SideOutputs::settle(Kind kind, const ScanTable& scan) {
  SLUICE_TRY(load_standing(kind, scan));
  ByDataset& settled = settled_[index_of(kind)];
  settled = given_[index_of(kind)];
  for (const std::string& dataset : replaced_) {
    const Rows& standing = standing_[index_of(kind)][dataset];
    Rows& rows = settled[dataset];
    for (const auto& [row, sum] : standing) {
      Sum& change = rows[row];
      change.first -= sum.first;
      change.second -= sum.second;
      const bool stays = kind == Kind::DeadLetters && change.first < 0;
      if (change.none() || stays) rows.erase(row);
    }
  }
  return ok();
}

Status SideOutputs::load_standing(Kind kind, const ScanTable& scan) {
  ByDataset& standing = standing_[index_of(kind)];
  std::set<std::string> missing;
  for (const std::string& dataset : replaced_) {
    if (standing.count(dataset) == 0) missing.insert(dataset);
  }
  if (missing.empty() || !scan) return ok();
  const columnar::Schema& columns = schema(kind);
  return scan([&](columnar::ChangeBatch& batch) {
    return columnar::guard([&] {
      for (std::size_t at = 0; at < batch.size(); ++at) {
        const std::string dataset = batch.rows().GetValue(1, at).ToString();
        if (missing.count(dataset) == 0) continue;
        Row row;
        std::vector<std::int64_t> numbers;
        for (std::size_t column = 2; column < columns.fields.size(); ++column) {
          const Value value = batch.rows().GetValue(column, at);
          if (value.type() == LogicalType::BIGINT) {
            numbers.push_back(value.GetValue<std::int64_t>());
          } else {
            row.texts.push_back(value.GetValue<std::string>());
          }
        }
        Sum sum{1, 0};
        if (kind == Kind::DeadLetters) {
          row.line = numbers[0];
          row.byte_offset = numbers[1];
        } else {
          sum = {numbers[0], kind == Kind::Quality ? numbers[1] : 0};
        }
        Rows& rows = standing[dataset];
        Sum& total = rows[row];
        total.first += sum.first;
        total.second += sum.second;
        if (total.none()) rows.erase(row);
      }
    });
  });
}

std::size_t SideOutputs::row_count(Kind kind) const {
  std::size_t count = 0;
  for (const auto& [dataset, rows] : settled_[index_of(kind)]) count += rows.size();
  return count;
}

std::uint64_t SideOutputs::arrived_count(Kind kind) const {
  std::int64_t count = 0;
  for (const auto& [dataset, rows] : settled_[index_of(kind)]) {
    for (const auto& [row, sum] : rows) count += std::max<std::int64_t>(0, sum.first);
  }
  return static_cast<std::uint64_t>(count);
}

std::uint64_t SideOutputs::violation_count() const {
  std::int64_t failed = 0;
  for (const auto& [dataset, rows] : settled_[index_of(Kind::Quality)]) {
    for (const auto& [row, sum] : rows) failed += std::max<std::int64_t>(0, sum.second);
  }
  return static_cast<std::uint64_t>(failed);
}

Status SideOutputs::for_each_batch(Kind kind, const BatchSink& sink) const {
  columnar::ChangeBatch batch(schema(kind).types());
  std::size_t size = 0;
  const auto pass_on = [&]() -> Status {
    if (size == 0) return ok();
    batch.rows().SetCardinality(size);
    SLUICE_TRY(sink(batch));
    batch = columnar::ChangeBatch(schema(kind).types());
    size = 0;
    return ok();
  };
  for (const auto& [dataset, rows] : settled_[index_of(kind)]) {
    for (const auto& [row, sum] : rows) {
      SLUICE_TRY(columnar::guard([&] {
        std::vector<Value> values{Value::BIGINT(epoch_.value()), Value(dataset)};
        if (kind == Kind::DeadLetters) {
          values.insert(values.end(), {Value(row.texts[0]), Value::BIGINT(row.line), Value::BIGINT(row.byte_offset)});
          values.insert(values.end(), row.texts.begin() + 1, row.texts.end());
        } else {
          values.insert(values.end(), row.texts.begin(), row.texts.end());
          values.push_back(Value::BIGINT(sum.first));
          if (kind == Kind::Quality) values.push_back(Value::BIGINT(sum.second));
        }
        for (std::size_t column = 0; column < values.size(); ++column)
          batch.rows().SetValue(column, size, values[column]);
      }));
      if (++size == columnar::ChangeBatch::kBatchRowsMax) SLUICE_TRY(pass_on());
    }
  }
  return pass_on();
}

void SideOutputs::applied() {
  for (std::size_t kind = 0; kind < kKindCount; ++kind) {
    for (auto& [dataset, rows] : given_[kind]) {
      const bool replaced = replaced_.count(dataset) > 0;
      if (!replaced) standing_[kind].erase(dataset);  // it changed by changes: the table knows
    }
    for (const std::string& dataset : replaced_) {
      Rows& standing = standing_[kind][dataset];
      if (kind == index_of(Kind::DeadLetters)) {
        for (const auto& [row, sum] : settled_[kind][dataset]) standing[row].first += sum.first;
      } else {
        standing = std::move(given_[kind][dataset]);
      }
    }
  }
  given_ = {};
  replaced_.clear();
}

void SideOutputs::clear() {
  begin_epoch(Epoch());
  standing_ = {};
}

}  // namespace sluice::runtime
