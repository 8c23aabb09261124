#include "engine/unnest.h"

#include <algorithm>
#include <utility>

#include <duckdb/common/types/vector.hpp>

#include "engine/internal/row_errors.h"

namespace sluice::engine {
namespace {

using columnar::ChangeBatch;
using duckdb::ListVector;
using duckdb::LogicalTypeId;
using duckdb::SelectionVector;
using duckdb::Vector;

/// A position in the output: element `element` of the lists of row `row`.
struct Place {
  std::uint32_t row;
  std::uint64_t element;
};

/// The list entries of one column, whatever its vector's encoding.
class Lists {
 public:
  Lists(Vector& lists, std::size_t count) : child_(ListVector::GetEntry(lists)) {
    lists.ToUnifiedFormat(count, format_);
  }

  std::uint64_t length(std::size_t row) const {
    const auto index = format_.sel->get_index(row);
    return format_.validity.RowIsValid(index) ? entries()[index].length : 0;
  }

  /// Returns the elements at the given places, NULL where the list is shorter.
  Vector take(std::span<const Place> places) const {
    SelectionVector selection(places.size());
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const bool present = places[i].element < length(places[i].row);
      const auto index = format_.sel->get_index(places[i].row);
      selection.set_index(i, present ? entries()[index].offset + places[i].element : 0);
      if (!present) missing.push_back(i);
    }
    if (missing.size() == places.size()) return Vector(duckdb::Value(child_.GetType()));
    Vector elements(child_, selection, places.size());
    if (missing.empty()) return elements;
    elements.Flatten(places.size());
    for (const std::size_t i : missing) duckdb::FlatVector::SetNull(elements, i, true);
    return elements;
  }

 private:
  const duckdb::list_entry_t* entries() const {
    return duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(format_);
  }

  Vector& child_;
  duckdb::UnifiedVectorFormat format_;
};

}  // namespace

Unnest::Unnest(std::unique_ptr<columnar::Kernel> lists, columnar::RowType types)
    : lists_(std::move(lists)), types_(std::move(types)) {}

Result<std::unique_ptr<Unnest>> Unnest::create(columnar::KernelContext& context,
                                               std::vector<columnar::Expression> lists, columnar::RowType input) {
  if (lists.empty()) return Error(ErrorCode::InvalidArgument, "unnest without a list");
  columnar::RowType types = input;
  for (const columnar::Expression& list : lists) {
    if (list.type.id() != LogicalTypeId::LIST && list.type.id() != LogicalTypeId::MAP) {
      return Error(ErrorCode::InvalidArgument, "unnest of " + list.type.ToString() + ", which is no list");
    }
    types.push_back(duckdb::ListType::GetChildType(list.type));
  }
  SLUICE_TRY_ASSIGN(auto kernel, columnar::Kernel::create(context, std::move(lists), std::move(input)));
  return std::unique_ptr<Unnest>(new Unnest(std::move(kernel), std::move(types)));
}

Status Unnest::do_push(Port, ChangeBatch& changes, Output& output) {
  duckdb::DataChunk values;
  std::vector<std::uint32_t> kept;
  std::vector<columnar::RowError> errors;
  lists_->evaluate(changes.rows(), values, kept, errors);
  internal::report(errors, changes, output);

  std::vector<Lists> lists;
  for (Vector& vector : values.data) lists.emplace_back(vector, values.size());
  const std::size_t input_columns = changes.rows().ColumnCount();
  std::vector<Place> places;
  const auto flush = [&] {
    std::vector<std::uint32_t> rows;
    for (const Place& place : places) rows.push_back(errors.empty() ? place.row : kept[place.row]);
    ChangeBatch repeated = columnar::slice(changes, rows);
    duckdb::DataChunk joined;
    joined.InitializeEmpty(duckdb::vector<duckdb::LogicalType>(types_.begin(), types_.end()));
    for (std::size_t c = 0; c < input_columns; ++c) joined.data[c].Reference(repeated.rows().data[c]);
    for (std::size_t l = 0; l < lists.size(); ++l) {
      Vector elements = lists[l].take(places);
      joined.data[input_columns + l].Reference(elements);
    }
    joined.SetCardinality(places.size());
    ChangeBatch batch(std::move(joined));
    if (!repeated.insert_only()) batch.set_weights(repeated.weights());
    output.emit(std::move(batch));
    places.clear();
  };
  for (std::size_t row = 0; row < values.size(); ++row) {
    std::uint64_t length = 0;
    for (const Lists& list : lists) length = std::max(length, list.length(row));
    for (std::uint64_t element = 0; element < length; ++element) {
      places.push_back({static_cast<std::uint32_t>(row), element});
      if (places.size() == ChangeBatch::kBatchRowsMax) flush();
    }
  }
  if (!places.empty()) flush();
  return ok();
}

Status Unnest::do_end_epoch(Epoch, Output&) { return ok(); }

}  // namespace sluice::engine
