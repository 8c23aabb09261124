#include "engine/union.h"

#include <utility>

namespace sluice::engine {

Result<std::unique_ptr<Union>> Union::create(columnar::RowType types) {
  return std::unique_ptr<Union>(new Union(std::move(types)));
}

Status Union::do_push(Port, columnar::ChangeBatch& changes, Output& output) {
  duckdb::DataChunk rows;
  rows.InitializeEmpty(changes.rows().GetTypes());
  rows.Reference(changes.rows());
  columnar::ChangeBatch passed(std::move(rows));
  if (!changes.insert_only()) passed.set_weights(changes.weights());
  output.emit(std::move(passed));
  return ok();
}

Status Union::do_end_epoch(Epoch, Output&) { return ok(); }

}  // namespace sluice::engine
