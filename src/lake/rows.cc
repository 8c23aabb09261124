#include "lake/rows.h"

#include <duckdb/common/allocator.hpp>

#include "columnar/guard.h"

namespace sluice::lake {

Result<std::unique_ptr<duckdb::ColumnDataCollection>> collect(Rows& rows) {
  const duckdb::vector<duckdb::LogicalType> types(rows.types().begin(), rows.types().end());
  auto collection = std::make_unique<duckdb::ColumnDataCollection>(duckdb::Allocator::DefaultAllocator(), types);
  while (true) {
    SLUICE_TRY_ASSIGN(auto chunk, rows.next());
    if (!chunk) return collection;
    SLUICE_TRY(columnar::guard([&] { collection->Append(*chunk); }));
  }
}

}  // namespace sluice::lake
