#include "runtime/side_outputs.h"

#include <algorithm>

#include "columnar/guard.h"
#include "runtime/internal/row_text.h"

namespace sluice::runtime {
namespace {

using duckdb::LogicalType;
using duckdb::Value;
using internal::readable_text;

std::size_t index_of(SideTable table) { return static_cast<std::size_t>(table); }

}  // namespace

void SideOutputs::begin_epoch(Epoch epoch) {
  epoch_ = epoch;
  replaced_.clear();
  given_ = {};
  settled_ = {};
}

void SideOutputs::add(SideTable table, const std::string& dataset, Row row, Sum sum) {
  Rows& rows = given_[index_of(table)][dataset];
  const auto [at, fresh] = rows.try_emplace(std::move(row), sum);
  if (fresh) return;
  at->second.first += sum.first;
  at->second.second += sum.second;
  if (at->second.none()) rows.erase(at);
}

void SideOutputs::add_error(const std::string& dataset, const std::string& key, const std::string& expression,
                            const std::string& message, std::int64_t weight) {
  add(SideTable::Errors, dataset, {readable_text(key), readable_text(expression), readable_text(message)}, {weight, 0});
}

void SideOutputs::add_quarantined(const std::string& dataset, const std::string& expectation, const std::string& row,
                                  std::int64_t weight) {
  add(SideTable::Quarantine, dataset, {expectation, readable_text(row)}, {weight, 0});
}

void SideOutputs::count(const std::string& dataset, const std::string& expectation, const std::string& action,
                        std::int64_t passed, std::int64_t failed) {
  if (passed != 0 || failed != 0) add(SideTable::Quality, dataset, {expectation, action}, {passed, failed});
}

void SideOutputs::retract(const std::string& dataset) {
  for (ByDataset& given : given_) given.erase(dataset);
}

Status SideOutputs::settle(SideTable table, const ScanTable& scan) {
  SLUICE_TRY(load_standing(table, scan));
  ByDataset& settled = settled_[index_of(table)];
  settled = given_[index_of(table)];
  for (const std::string& dataset : replaced_) {
    const Rows& standing = standing_[index_of(table)][dataset];
    Rows& rows = settled[dataset];
    for (const auto& [row, sum] : standing) {
      Sum& change = rows[row];
      change.first -= sum.first;
      change.second -= sum.second;
      if (change.none()) rows.erase(row);
    }
  }
  return ok();
}

Status SideOutputs::load_standing(SideTable table, const ScanTable& scan) {
  ByDataset& standing = standing_[index_of(table)];
  std::set<std::string> missing;
  for (const std::string& dataset : replaced_) {
    if (standing.count(dataset) == 0) missing.insert(dataset);
  }
  if (missing.empty() || !scan) return ok();
  const columnar::Schema& columns = schema_of(table);
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
            row.push_back(value.GetValue<std::string>());
          }
        }
        Rows& rows = standing[dataset];
        Sum& total = rows[row];
        total.first += numbers[0];
        if (table == SideTable::Quality) total.second += numbers[1];
        if (total.none()) rows.erase(row);
      }
    });
  });
}

std::size_t SideOutputs::row_count(SideTable table) const {
  std::size_t count = 0;
  for (const auto& [dataset, rows] : settled_[index_of(table)]) count += rows.size();
  return count;
}

std::uint64_t SideOutputs::error_count() const {
  std::int64_t count = 0;
  for (const auto& [dataset, rows] : settled_[index_of(SideTable::Errors)]) {
    for (const auto& [row, sum] : rows) count += std::max<std::int64_t>(0, sum.first);
  }
  return static_cast<std::uint64_t>(count);
}

std::uint64_t SideOutputs::violation_count() const {
  std::int64_t failed = 0;
  for (const auto& [dataset, rows] : settled_[index_of(SideTable::Quality)]) {
    for (const auto& [row, sum] : rows) failed += std::max<std::int64_t>(0, sum.second);
  }
  return static_cast<std::uint64_t>(failed);
}

Status SideOutputs::for_each_batch(SideTable table, const BatchSink& sink) const {
  columnar::ChangeBatch batch(schema_of(table).types());
  std::size_t size = 0;
  const auto pass_on = [&]() -> Status {
    if (size == 0) return ok();
    batch.rows().SetCardinality(size);
    SLUICE_TRY(sink(batch));
    batch = columnar::ChangeBatch(schema_of(table).types());
    size = 0;
    return ok();
  };
  for (const auto& [dataset, rows] : settled_[index_of(table)]) {
    for (const auto& [row, sum] : rows) {
      SLUICE_TRY(columnar::guard([&] {
        std::vector<Value> values{Value::BIGINT(epoch_.value()), Value(dataset)};
        values.insert(values.end(), row.begin(), row.end());
        values.push_back(Value::BIGINT(sum.first));
        if (table == SideTable::Quality) values.push_back(Value::BIGINT(sum.second));
        for (std::size_t column = 0; column < values.size(); ++column)
          batch.rows().SetValue(column, size, values[column]);
      }));
      if (++size == columnar::ChangeBatch::kBatchRowsMax) SLUICE_TRY(pass_on());
    }
  }
  return pass_on();
}

void SideOutputs::applied() {
  for (const SideTable table : kTables) {
    ByDataset& standing = standing_[index_of(table)];
    ByDataset& given = given_[index_of(table)];
    for (const auto& [dataset, rows] : given) {
      if (replaced_.count(dataset) == 0) standing.erase(dataset);  // it changed by changes: the table knows
    }
    for (const std::string& dataset : replaced_) standing[dataset] = std::move(given[dataset]);
  }
  given_ = {};
  replaced_.clear();
}

void SideOutputs::clear() {
  begin_epoch(Epoch());
  standing_ = {};
}

}  // namespace sluice::runtime
