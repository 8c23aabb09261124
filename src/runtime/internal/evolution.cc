#include "runtime/internal/evolution.h"

#include <fmt/format.h>

#include "columnar/guard.h"
#include "connect/files/widen.h"

namespace sluice::runtime::internal {

Evolution decide_evolution(const columnar::Schema& stored, const columnar::Schema& wanted) {
  Evolution evolution;
  bool widened = false;
  for (const columnar::Field& field : stored.fields) {
    const auto found = wanted.find(field.name);
    if (!found) return {EvolutionKind::Incompatible, fmt::format("column {} is gone", field.name)};
    const duckdb::LogicalType& type = wanted.fields[*found].type;
    if (type == field.type) continue;
    if (!connect::can_widen(field.type, type)) {
      return {EvolutionKind::Incompatible,
              fmt::format("column {} was {} and is now {}", field.name, field.type.ToString(), type.ToString())};
    }
    widened = true;
    evolution.reason =
        fmt::format("column {} was {} and is now {}", field.name, field.type.ToString(), type.ToString());
  }
  bool same_order = stored.fields.size() == wanted.fields.size();
  for (std::size_t i = 0; same_order && i < stored.fields.size(); ++i) {
    same_order = *wanted.find(stored.fields[i].name) == i;
  }
  evolution.kind = widened ? EvolutionKind::Widening : same_order ? EvolutionKind::Same : EvolutionKind::Additive;
  return evolution;
}

Result<RowConversion> RowConversion::create(const columnar::Schema& stored, const columnar::Schema& wanted) {
  const Evolution evolution = decide_evolution(stored, wanted);
  if (evolution.kind == EvolutionKind::Incompatible) return Error(ErrorCode::InvalidArgument, evolution.reason);
  RowConversion conversion;
  conversion.identity_ = evolution.kind == EvolutionKind::Same;
  for (const columnar::Field& field : wanted.fields) {
    conversion.columns_.push_back({stored.find(field.name), field.name, field.type});
  }
  return conversion;
}

Result<columnar::ChangeBatch> RowConversion::apply(columnar::ChangeBatch& rows) const {
  duckdb::DataChunk converted;
  duckdb::vector<duckdb::LogicalType> types;
  for (const Column& column : columns_) types.push_back(column.type);
  SLUICE_TRY(columnar::guard([&] { converted.Initialize(duckdb::Allocator::DefaultAllocator(), types); }));
  for (columnar::ColumnIndex index = 0; index < columns_.size(); ++index) {
    const Column& column = columns_[index];
    duckdb::Vector& to = converted.data[index];
    if (!column.from) {
      SLUICE_TRY(columnar::guard([&] { to.Reference(duckdb::Value(column.type)); }));
      continue;
    }
    duckdb::Vector& from = rows.rows().data[*column.from];
    if (from.GetType() == column.type) {
      SLUICE_TRY(columnar::guard([&] { to.Reference(from); }));
      continue;
    }
    auto widened = connect::widen(from, to, rows.size());
    if (!widened) return std::move(widened).error().in(fmt::format("column {}", column.name));
  }
  converted.SetCardinality(rows.size());
  columnar::ChangeBatch batch(std::move(converted));
  if (!rows.insert_only()) batch.set_weights(rows.weights());
  return batch;
}

}  // namespace sluice::runtime::internal
