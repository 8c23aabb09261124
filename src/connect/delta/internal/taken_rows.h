#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "connect/delta/row_locator.h"
#include "connect/delta/table_writer.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::connect::internal {

/// Vectors of at most this size go into the log itself; larger ones into one file per commit.
inline constexpr std::size_t kInlineVectorBytesMax = 512;

/// Returns the action that takes a live file out of the table.
delta::RemoveFile removal_of(const delta::AddFile& file, UnixMillis now);

/// Returns the rows that a file's statistics say it holds and no deletion vector marks; nullopt if they do not say.
std::optional<std::uint64_t> live_row_count(const delta::AddFile& file);

/// Marks rows as deleted: adds to `prepared`, for each file that has any, the removal of the file as it is and, if rows
/// are left, the addition of the file with its new deletion vector. New vectors are durable when this returns.
/// Corruption, naming the file: it is not live, a row is marked already, or its statistics do not count its rows.
Status remove_rows(store::ObjectStore& store, Clock& clock, Random& random, const delta::Snapshot& snapshot,
                   const RowLocator& locator, std::vector<RowLocation> rows, PreparedChanges& prepared);

}  // namespace sluice::connect::internal
