#include "columnar/change_batch.h"

#include <algorithm>

#include "base/check.h"

namespace sluice::columnar {
namespace {

duckdb::vector<duckdb::LogicalType> to_duckdb(const RowType& types) {
  return duckdb::vector<duckdb::LogicalType>(types.begin(), types.end());
}

}  // namespace

ChangeBatch::ChangeBatch(const RowType& types) {
  rows_.Initialize(duckdb::Allocator::DefaultAllocator(), to_duckdb(types));
}

ChangeBatch::ChangeBatch(duckdb::DataChunk&& rows) { rows_.Move(rows); }

ChangeBatch::ChangeBatch(duckdb::DataChunk&& rows, std::vector<std::int64_t> weights) {
  rows_.Move(rows);
  set_weights(std::move(weights));
}

// DataChunk moves through a method of its own, which wants an empty target.
ChangeBatch::ChangeBatch(ChangeBatch&& other) noexcept { *this = std::move(other); }

ChangeBatch& ChangeBatch::operator=(ChangeBatch&& other) noexcept {
  if (this == &other) return *this;
  rows_.Destroy();
  rows_.Move(other.rows_);
  weights_ = std::move(other.weights_);
  return *this;
}

void ChangeBatch::set_weights(std::vector<std::int64_t> weights) {
  SLUICE_CHECK(weights.size() == rows_.size(), "one weight per row");
  const bool all_one = std::all_of(weights.begin(), weights.end(), [](std::int64_t w) { return w == 1; });
  weights_ = all_one ? std::vector<std::int64_t>() : std::move(weights);
}

ChangeBatch ChangeBatch::copy() const {
  duckdb::DataChunk rows;
  rows.Initialize(duckdb::Allocator::DefaultAllocator(), rows_.GetTypes());
  rows_.Copy(rows);
  ChangeBatch batch(std::move(rows));
  batch.weights_ = weights_;
  return batch;
}

}  // namespace sluice::columnar
