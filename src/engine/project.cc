#include "engine/project.h"

#include <utility>

#include "engine/internal/row_errors.h"

namespace sluice::engine {

using columnar::ChangeBatch;

Result<std::unique_ptr<Project>> Project::create(columnar::KernelContext& context,
                                                 std::vector<columnar::Expression> expressions,
                                                 columnar::RowType input) {
  SLUICE_TRY_ASSIGN(auto kernel, columnar::Kernel::create(context, std::move(expressions), std::move(input)));
  return std::unique_ptr<Project>(new Project(std::move(kernel)));
}

Status Project::do_push(Port, ChangeBatch& changes, Output& output) {
  duckdb::DataChunk rows;
  std::vector<std::uint32_t> kept;
  std::vector<columnar::RowError> errors;
  kernel_->evaluate(changes.rows(), rows, kept, errors);
  internal::report(errors, changes, output);
  if (changes.insert_only()) {
    output.emit(ChangeBatch(std::move(rows)));
  } else if (errors.empty()) {
    output.emit(ChangeBatch(std::move(rows), changes.weights()));
  } else {
    std::vector<std::int64_t> weights;
    for (const std::uint32_t row : kept) weights.push_back(changes.weight(row));
    output.emit(ChangeBatch(std::move(rows), std::move(weights)));
  }
  return ok();
}

Status Project::do_end_epoch(Epoch, Output&) { return ok(); }

}  // namespace sluice::engine
