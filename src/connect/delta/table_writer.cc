#include "connect/delta/table_writer.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>

#include "base/check.h"
#include "columnar/guard.h"
#include "columnar/parquet_writer.h"
#include "connect/delta/internal/epoch_changes.h"
#include "connect/delta/row_locator.h"
#include "delta/change_file_writer.h"
#include "delta/data_file_writer.h"
#include "delta/duckdb_schema.h"
#include "delta/row_removal.h"

namespace sluice::connect {
namespace {

using delta::DataFileWriter;
using delta::NewPlace;
using internal::EpochChanges;
using internal::RowHasher;

/// True if rows of the stored table can be compared with rows of the schema.
bool is_same_shape(const columnar::Schema& stored, const columnar::Schema& schema) {
  if (stored.fields.size() != schema.fields.size()) return false;
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    if (!duckdb::StringUtil::CIEquals(stored.fields[i].name, schema.fields[i].name)) return false;
    if (stored.fields[i].type != schema.fields[i].type) return false;
  }
  return true;
}

}  // namespace

struct TableWriter::Impl {
  /// Rows that the table holds; only once one had to be taken back.
  struct Located {
    RowLocator locator;
    /// What this epoch took out of the locator, to be put back if it is aborted.
    std::vector<std::pair<Hash128, RowLocation>> taken;
    /// What this epoch adds to it, once it is applied.
    std::vector<std::pair<Hash128, NewPlace>> added;
  };

  Impl(store::ObjectStore& table_store, Clock& table_clock, Random& table_random, TableWriterOptions writer_options,
       std::shared_ptr<const delta::Snapshot> newest, ScanTable scan_table)
      : store(table_store),
        clock(table_clock),
        random(table_random),
        options(std::move(writer_options)),
        snapshot(std::move(newest)),
        scan(std::move(scan_table)) {}

  Status init() {
    SLUICE_TRY_ASSIGN(context, columnar::ParquetContext::create());
    SLUICE_TRY_ASSIGN(files, DataFileWriter::create(store, clock, random, *context, options.files));
    if (options.mode == WriteMode::Changes) {
      SLUICE_TRY_ASSIGN(auto row_hasher, RowHasher::create(options.files.schema.types()));
      hasher = std::move(row_hasher);
      if (options.files.properties.enable_change_data_feed) {
        SLUICE_TRY_ASSIGN(feed, delta::ChangeFileWriter::create(store, clock, random, *context, options.files));
      }
    }
    return ok();
  }

  Status write(columnar::ChangeBatch& changes) {
    if (changes.empty()) return ok();
    duckdb::DataChunk& rows = changes.rows();
    SLUICE_TRY(columnar::guard([&] { files->normalise(rows); }));
    if (options.mode == WriteMode::Append) return append(rows, changes);
    if (!epoch_changes) epoch_changes = std::make_unique<EpochChanges>(*context, options.files.schema.types());
    SLUICE_TRY(hasher->hash(rows, hashes));
    return epoch_changes->add(rows, changes, hashes);
  }

  Status append(duckdb::DataChunk& rows, const columnar::ChangeBatch& weights) {
    if (weights.insert_only()) return files->write(rows, nullptr);
    std::vector<std::uint64_t> copies;
    for (const std::int64_t weight : weights.weights()) {
      if (weight < 0) return Error(ErrorCode::Internal, fmt::format("{} takes no row back", options.table));
      copies.push_back(static_cast<std::uint64_t>(weight));
    }
    return internal::repeat_rows(rows, copies, [&](duckdb::DataChunk& part, const std::vector<std::uint32_t>&) {
      return files->write(part, nullptr);
    });
  }

  Result<PreparedChanges> prepare() {
    PreparedChanges prepared;
    if (replacing && snapshot) remove_all_files(prepared);
    if (epoch_changes) {
      const auto removals = epoch_changes->removals();
      SLUICE_TRY(take_back(removals, prepared));
      const bool is_recorded = feed && !replacing && !removals.empty();
      SLUICE_TRY(add_rows(is_recorded));
      if (is_recorded) SLUICE_TRY(finish_feed(prepared));
    }
    prepared.rows_added = files->row_count();
    SLUICE_TRY_ASSIGN(new_files, files->finish());
    prepared.files_added = new_files.size();
    for (const delta::AddFile& file : new_files) {
      prepared.bytes_added += static_cast<std::uint64_t>(file.size_bytes);
      prepared.actions.emplace_back(file);
    }
    return prepared;
  }

  void remove_all_files(PreparedChanges& prepared) {
    for (const delta::AddFile& file : snapshot->files()) {
      prepared.actions.emplace_back(delta::removal_of(file, clock.now()));
      prepared.rows_removed += delta::live_row_count(file).value_or(0);
      ++prepared.files_removed;
    }
  }

  Status take_back(const std::vector<EpochChanges::Removal>& removals, PreparedChanges& prepared) {
    if (removals.empty()) return ok();
    if (!replacing && snapshot) {
      SLUICE_TRY(locate_rows());
    }
    std::vector<RowLocation> places;
    for (const EpochChanges::Removal& removal : removals) {
      const std::size_t first = places.size();
      if (replacing || !located || !located->locator.take(removal.row, removal.copies, places)) {
        return Error(ErrorCode::Corruption, fmt::format("{} does not hold a row that is to be taken back: ({})",
                                                        options.table, epoch_changes->text_of(removal.index)))
            .with_help("the table was changed from outside, or this is a bug; a full refresh makes it right again");
      }
      for (std::size_t i = first; i < places.size(); ++i) located->taken.emplace_back(removal.row, places[i]);
    }
    SLUICE_TRY_ASSIGN(auto files_of, by_file(std::move(places)));
    SLUICE_TRY_ASSIGN(auto removal, delta::mark_rows(store, clock, random, std::move(files_of)));
    deletion_vector_key = std::move(removal.deletion_vector_key);
    std::ranges::move(removal.actions, std::back_inserter(prepared.actions));
    prepared.rows_removed += removal.rows_removed;
    prepared.files_removed += removal.files_removed;
    prepared.deletion_vectors_added += removal.deletion_vectors_added;
    return ok();
  }

  /// Returns the rows at the places by the file that holds them, as it is live.
  Result<std::vector<delta::RowsOfFile>> by_file(std::vector<RowLocation> places) const {
    std::sort(places.begin(), places.end());
    std::vector<delta::RowsOfFile> files_of;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (i == 0 || places[i].file != places[i - 1].file) {
        const std::string& path = located->locator.path(places[i].file);
        auto file = snapshot->files().find_path(path);
        if (!file) return Error(ErrorCode::Corruption, fmt::format("data file {} is not in the table", path));
        files_of.push_back({std::move(*file), {}});
      }
      files_of.back().rows.add(places[i].position);
    }
    return files_of;
  }

  /// Builds the locator from the newest snapshot, if it is not there.
  Status locate_rows() {
    if (located) return ok();
    if (!is_same_shape(delta::columnar_schema(snapshot->schema()), options.files.schema)) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("{}: rows of another schema can only be replaced as a whole", options.table));
    }
    auto rows_located = std::make_unique<Located>();
    RowLocator& locator = rows_located->locator;
    std::optional<std::string> path;  // of the file that number stands for
    FileNumber number = 0;
    const LiveRowSink insert = [&](duckdb::DataChunk& rows, const delta::AddFile& of,
                                   std::span<const std::uint64_t> positions) -> Status {
      if (path != of.path) number = locator.add_file(of.path);
      path = of.path;
      SLUICE_TRY(hasher->hash(rows, hashes));
      for (std::size_t row = 0; row < rows.size(); ++row) locator.insert(hashes[row], {number, positions[row]});
      return ok();
    };
    SLUICE_TRY(scan(snapshot, insert));
    located = std::move(rows_located);
    return ok();
  }

  /// Adds to the feed the rows that go, behind those that come, and makes it durable.
  Status finish_feed(PreparedChanges& prepared) {
    SLUICE_TRY(
        epoch_changes->for_each(EpochChanges::Sign::Removed, [&](duckdb::DataChunk& rows, const std::vector<Hash128>&) {
          return feed->write(rows, delta::RowChange::Delete);
        }));
    SLUICE_TRY_ASSIGN(auto changes, feed->finish());
    std::ranges::move(changes, std::back_inserter(prepared.actions));
    return ok();
  }

  Status add_rows(bool is_recorded) {
    const bool remember = located && !replacing;
    return epoch_changes->for_each(EpochChanges::Sign::Added,
                                   [&](duckdb::DataChunk& rows, const std::vector<Hash128>& row_hashes) -> Status {
                                     new_places.clear();
                                     SLUICE_TRY(files->write(rows, remember ? &new_places : nullptr));
                                     if (is_recorded) SLUICE_TRY(feed->write(rows, delta::RowChange::Insert));
                                     for (std::size_t i = 0; i < new_places.size(); ++i) {
                                       located->added.emplace_back(row_hashes[i], new_places[i]);
                                     }
                                     return ok();
                                   });
  }

  void applied(std::shared_ptr<const delta::Snapshot> newest) {
    snapshot = std::move(newest);
    files->keep();
    if (feed) feed->keep();
    if (replacing) {
      located.reset();
    } else if (located) {
      std::vector<FileNumber> numbers;
      for (const delta::AddFile& file : new_files) numbers.push_back(located->locator.add_file(file.path));
      located->locator.reserve(located->added.size());
      for (const auto& [row, place] : located->added) {
        located->locator.insert(row, {numbers[place.file], place.position});
      }
      located->taken.clear();
      located->added.clear();
    }
    begin_epoch();
  }

  void abort() {
    if (located) {
      for (const auto& [row, place] : located->taken) located->locator.insert(row, place);
      located->taken.clear();
      located->added.clear();
    }
    files->discard();
    if (feed) feed->discard();
    if (deletion_vector_key) static_cast<void>(store.remove(*deletion_vector_key));
    begin_epoch();
  }

  void begin_epoch() {
    epoch_changes.reset();
    new_files.clear();
    deletion_vector_key.reset();
    replacing = false;
  }

  store::ObjectStore& store;
  Clock& clock;
  Random& random;
  const TableWriterOptions options;
  std::shared_ptr<const delta::Snapshot> snapshot;
  const ScanTable scan;
  std::unique_ptr<columnar::ParquetContext> context;
  std::unique_ptr<DataFileWriter> files;
  std::optional<RowHasher> hasher;                // in Changes mode
  std::unique_ptr<delta::ChangeFileWriter> feed;  // in Changes mode, if the table has one

  bool replacing = false;
  std::unique_ptr<EpochChanges> epoch_changes;  // in Changes mode, from the first write on
  std::unique_ptr<Located> located;
  std::vector<delta::AddFile> new_files;           // of the prepared epoch, by number
  std::optional<std::string> deletion_vector_key;  // of the prepared epoch, if it marked rows
  std::vector<Hash128> hashes;                     // of the chunk at hand
  std::vector<NewPlace> new_places;                // of the chunk at hand
};

TableWriter::TableWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TableWriter::~TableWriter() = default;

Result<std::unique_ptr<TableWriter>> TableWriter::create(store::ObjectStore& store, Clock& clock, Random& random,
                                                         TableWriterOptions options,
                                                         std::shared_ptr<const delta::Snapshot> snapshot,
                                                         ScanTable scan) {
  auto impl = std::make_unique<Impl>(store, clock, random, std::move(options), std::move(snapshot), std::move(scan));
  SLUICE_TRY(impl->init());
  return std::unique_ptr<TableWriter>(new TableWriter(std::move(impl)));
}

void TableWriter::replace() {
  SLUICE_CHECK(!impl_->epoch_changes && impl_->files->row_count() == 0, "replace() comes before the epoch's rows");
  impl_->replacing = true;
}

Status TableWriter::write(columnar::ChangeBatch& changes) { return impl_->write(changes); }

Result<PreparedChanges> TableWriter::prepare() { return impl_->prepare(); }

void TableWriter::applied(std::shared_ptr<const delta::Snapshot> snapshot) { impl_->applied(std::move(snapshot)); }

void TableWriter::abort() { impl_->abort(); }

}  // namespace sluice::connect
