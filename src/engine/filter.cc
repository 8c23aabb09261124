#include "engine/filter.h"

#include <utility>

#include "engine/internal/row_errors.h"

namespace sluice::engine {

Filter::Filter(std::unique_ptr<columnar::Kernel> predicate, columnar::RowType types)
    : predicate_(std::move(predicate)), types_(std::move(types)) {}

Result<std::unique_ptr<Filter>> Filter::create(columnar::KernelContext& context, columnar::Expression predicate,
                                               columnar::RowType input) {
  if (predicate.type.id() != duckdb::LogicalTypeId::BOOLEAN) {
    return Error(ErrorCode::InvalidArgument, "a filter's condition is " + predicate.type.ToString() + ", not BOOLEAN");
  }
  SLUICE_TRY_ASSIGN(auto kernel, columnar::Kernel::create(context, {std::move(predicate)}, input));
  return std::unique_ptr<Filter>(new Filter(std::move(kernel), std::move(input)));
}

Status Filter::do_push(Port, columnar::ChangeBatch& changes, Output& output) {
  std::vector<std::uint32_t> kept;
  std::vector<columnar::RowError> errors;
  predicate_->select(changes.rows(), kept, errors);
  internal::report(errors, changes, output);
  output.emit(columnar::slice(changes, kept));
  return ok();
}

Status Filter::do_end_epoch(Epoch, Output&) { return ok(); }

}  // namespace sluice::engine
