#include "runtime/internal/row_bag.h"

#include "base/check.h"
#include "columnar/guard.h"

namespace sluice::runtime::internal {

Result<RowBag> RowBag::create(columnar::RowType types) {
  SLUICE_TRY_ASSIGN(columnar::RowCodec codec, columnar::RowCodec::create(std::move(types)));
  return RowBag(std::move(codec));
}

Status RowBag::encode(columnar::ChangeBatch& changes) {
  return columnar::guard([&] { codec_.encode(changes.rows(), {}, encoded_); });
}

Status RowBag::add(columnar::ChangeBatch& changes) {
  SLUICE_TRY(encode(changes));
  rows_.add(encoded_, changes.weights());
  return ok();
}

Status RowBag::subtract(columnar::ChangeBatch& changes) {
  SLUICE_TRY(encode(changes));
  std::vector<std::int64_t> weights(changes.size());
  for (std::size_t row = 0; row < weights.size(); ++row) weights[row] = -changes.weight(row);
  rows_.add(encoded_, weights);
  return ok();
}

Status RowBag::subtract(const RowBag& other) {
  return other.for_each_batch([&](columnar::ChangeBatch& batch) { return subtract(batch); });
}

Status RowBag::for_each_batch(const std::function<Status(columnar::ChangeBatch&)>& take) const {
  Status status;
  SLUICE_TRY(columnar::guard([&] {
    state::for_each_batch(rows_, codec_, [&](columnar::ChangeBatch&& batch) {
      if (status) status = take(batch);
    });
  }));
  return status;
}

Result<std::unique_ptr<duckdb::ColumnDataCollection>> RowBag::collect() const {
  return columnar::guard([&] {
    const duckdb::vector<duckdb::LogicalType> types(codec_.types().begin(), codec_.types().end());
    auto rows = std::make_unique<duckdb::ColumnDataCollection>(duckdb::Allocator::DefaultAllocator(), types);
    duckdb::DataChunk chunk;
    chunk.Initialize(duckdb::Allocator::DefaultAllocator(), types);
    const auto flush = [&] {
      rows->Append(chunk);
      chunk.Reset();
    };
    rows_.for_each([&](std::string_view row, std::int64_t weight) {
      SLUICE_CHECK(weight > 0, "a relation holds no row a negative number of times");
      for (std::int64_t copy = 0; copy < weight; ++copy) {
        codec_.decode(row, chunk, chunk.size());
        chunk.SetCardinality(chunk.size() + 1);
        if (chunk.size() == STANDARD_VECTOR_SIZE) flush();
      }
    });
    if (chunk.size() > 0) flush();
    return rows;
  });
}

}  // namespace sluice::runtime::internal
