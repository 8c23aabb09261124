#include "lake/internal/table_change.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "columnar/guard.h"
#include "delta/features.h"
#include "delta/row_removal.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/variant_nulls.h"

namespace sluice::lake {

using delta::RowChange;

TableChange::~TableChange() = default;

Result<std::unique_ptr<TableChange>> TableChange::create(duckdb::ClientContext& client, ObjectFileSystem& files,
                                                         ChangedTable table, Clock& clock, Random& random) {
  std::unique_ptr<TableChange> change(new TableChange(client, files, std::move(table), clock, random));
  const delta::Snapshot& snapshot = *change->table_.snapshot;
  // The commit would say so as well, after all files were written.
  if (Status writable = delta::check_writable(snapshot.protocol(), snapshot.metadata(), snapshot.schema()); !writable) {
    return std::move(writable).error().in(change->table_.name);
  }
  SLUICE_TRY_ASSIGN(change->options_, delta::DataFileOptions::of_table(snapshot.metadata()));
  change->required_.emplace(snapshot.schema());
  std::vector<columnar::ColumnIndex> partition;
  for (const std::string& name : change->options_.partition_columns) {
    if (const auto column = change->options_.schema.find(name)) partition.push_back(*column);
  }
  change->finite_times_.emplace(change->options_.schema.types(), std::move(partition));
  SLUICE_TRY_ASSIGN(const auto constraints, delta::row_constraints(snapshot.metadata(), snapshot.schema()));
  SLUICE_TRY_ASSIGN(change->constraints_, RowCheck::compile(client, change->table_.name, snapshot, constraints));
  return change;
}

Result<std::unique_ptr<TableChange::Writer>> TableChange::make_writer() {
  auto writer = std::make_unique<Writer>(Writer{{}, {}, RowChecker(client_, constraints_), {}});
  SLUICE_TRY_ASSIGN(writer->context, columnar::ParquetContext::create());
  SLUICE_TRY_ASSIGN(writer->rows,
                    delta::DataFileWriter::create(*table_.store, clock_, random_, *writer->context, options_));
  if (has_feed()) {
    SLUICE_TRY_ASSIGN(writer->feed,
                      delta::ChangeFileWriter::create(*table_.store, clock_, random_, *writer->context, options_));
  }
  return writer;
}

Result<std::unique_ptr<TableChange::Writer>> TableChange::borrow_writer() {
  {
    const std::lock_guard lock(mutex_);
    if (!writers_.empty()) {
      auto writer = std::move(writers_.back());
      writers_.pop_back();
      return writer;
    }
  }
  return make_writer();
}

void TableChange::give_back(std::unique_ptr<Writer> writer) {
  const std::lock_guard lock(mutex_);
  writers_.push_back(std::move(writer));
}

Status TableChange::check_not_null(duckdb::DataChunk& rows) const {
  std::optional<std::string> missing;
  SLUICE_TRY(columnar::guard([&] { missing = required_->find_missing(rows); }));
  if (!missing) return ok();
  return Error(ErrorCode::DataError, fmt::format("column {} of {} must not be NULL", *missing, table_.name))
      .with_number(kErrorConstraint)
      .with_help("nothing was changed; give the column a value, or leave the row out");
}

Status TableChange::check_storable(duckdb::DataChunk& rows) const {
  std::vector<delta::FiniteTimes::Finding> found;
  SLUICE_TRY(columnar::guard([&] { found = finite_times_->find(rows); }));
  if (found.empty()) return ok();
  return Error(ErrorCode::DataError,
               fmt::format("column {} of {}: {}: {}", options_.schema.fields[found.front().column].name, table_.name,
                           delta::FiniteTimes::reason_of(found.front()), text_of(rows, found.front().row)))
      .with_number(kErrorConstraint)
      .with_help("nothing was changed; correct the row, or leave it out");
}

Status TableChange::check_constraints(duckdb::DataChunk& rows, RowChecker& checker) const {
  std::optional<RowChecker::Violation> violation;
  SLUICE_TRY(columnar::guard([&] { violation = checker.find_violation(rows); }));
  if (!violation) return ok();
  return Error(ErrorCode::DataError,
               fmt::format("a row does not meet the constraint {} of {}, {}: {}", violation->constraint->name,
                           table_.name, violation->constraint->expression, text_of(rows, violation->row)))
      .with_number(kErrorConstraint)
      .with_help("nothing was changed; correct the row, or leave it out");
}

Status TableChange::add_rows(duckdb::DataChunk& rows, Kind kind) {
  if (rows.size() == 0) return ok();
  SLUICE_TRY(check_not_null(rows));
  SLUICE_TRY(check_storable(rows));
  SLUICE_TRY_ASSIGN(auto writer, borrow_writer());
  const Status written = [&]() -> Status {
    SLUICE_TRY(check_constraints(rows, writer->checker));
    SLUICE_TRY(columnar::guard([&] { writer->rows->normalise(rows); }));
    SLUICE_TRY(writer->rows->write(rows, nullptr));
    if (!writer->feed) return ok();
    return writer->feed->write(rows, kind == Kind::Insert ? RowChange::Insert : RowChange::UpdatePostimage);
  }();
  give_back(std::move(writer));
  if (written && kind == Kind::Insert) rows_inserted_ += rows.size();
  return written;
}

Status TableChange::take_rows(std::span<const std::uint64_t> files, std::span<const std::int64_t> rows, Kind kind) {
  std::optional<std::pair<std::uint64_t, std::uint64_t>> twice;
  {
    const std::lock_guard lock(mutex_);
    TakenRows* taken = nullptr;
    for (std::size_t i = 0; i < files.size() && !twice; ++i) {
      if (i == 0 || files[i] != files[i - 1]) taken = &taken_[files[i]];
      const auto row = static_cast<std::uint64_t>(rows[i]);
      const bool is_update = kind == Kind::Update;
      if ((is_update ? taken->deleted : taken->updated).contains(row) ||
          (!(is_update ? taken->updated : taken->deleted).add(row) && is_update)) {
        twice.emplace(files[i], row);
      }
    }
  }
  if (twice) return two_answers(twice->first, twice->second);
  return ok();
}

std::string TableChange::text_of(const duckdb::DataChunk& rows, std::size_t row) const {
  return row_text(options_.schema, rows, row);
}

Error TableChange::two_answers(std::uint64_t file, std::uint64_t row) {
  std::string text = "(unreadable)";
  Places place;
  place[file].add(row);
  const LiveRowSink show = [&](duckdb::DataChunk& rows, const delta::AddFile&, std::span<const std::uint64_t>) {
    text = text_of(rows, 0);
    return ok();
  };
  static_cast<void>(read_rows(place, show).has_value());
  return Error(ErrorCode::InvalidArgument,
               fmt::format("several source rows match one row of {}, and it is not said which of them counts: {}",
                           table_.name, text))
      .with_number(kErrorTwoSourceRows)
      .with_help("nothing was changed; make the source unique by what it is matched on (GROUP BY, DISTINCT ON)");
}

Status TableChange::copy_rest(std::vector<DeltaScan::PartOfFile> parts) {
  if (parts.empty()) return ok();
  SLUICE_TRY_ASSIGN(const auto scan, DeltaScan::create_of_parts(table_.scan->table(), std::move(parts), files_));
  SLUICE_TRY_ASSIGN(auto writer, borrow_writer());
  const LiveRowSink copy = [&](duckdb::DataChunk& rows, const delta::AddFile&, std::span<const std::uint64_t>) {
    counts_.rows_copied += rows.size();
    return writer->rows->write(rows, nullptr);
  };
  const Status copied = scan_files(client_, scan, copy);
  give_back(std::move(writer));
  return copied;
}

bool TableChange::is_feed_implied() const {
  return std::ranges::all_of(taken_, [&](const auto& entry) {
    const auto& [number, taken] = entry;
    if (!taken.updated.empty()) return false;
    const delta::AddFile file = table_.scan->file(number).action;
    return !file.deletion_vector && delta::live_row_count(file) == taken.deleted.cardinality();
  });
}

Status TableChange::read_rows(const Places& places, const LiveRowSink& sink) const {
  std::vector<DeltaScan::PartOfFile> parts;
  for (const auto& [number, rows] : places) {
    if (!rows.empty()) parts.push_back({table_.scan->file(number).action, delta::inline_deletion_vector(rows)});
  }
  if (parts.empty()) return ok();
  SLUICE_TRY_ASSIGN(const auto scan, DeltaScan::create_of_parts(table_.scan->table(), std::move(parts), files_));
  return scan_files(client_, scan, sink);
}

Status TableChange::write_taken_to_feed() {
  SLUICE_TRY_ASSIGN(auto writer, borrow_writer());
  const auto write = [&](delta::DeletionVector TakenRows::*rows_taken, RowChange change) {
    Places places;
    for (const auto& [number, taken] : taken_) places.emplace(number, taken.*rows_taken);
    return read_rows(places, [&](duckdb::DataChunk& rows, const delta::AddFile&, std::span<const std::uint64_t>) {
      return writer->feed->write(rows, change);
    });
  };
  Status written = write(&TakenRows::deleted, RowChange::Delete);
  if (written) written = write(&TakenRows::updated, RowChange::UpdatePreimage);
  give_back(std::move(writer));
  return written;
}

Status TableChange::check_variants_stay(bool is_recorded) const {
  const bool marks = table_.snapshot->properties().enable_deletion_vectors;
  std::vector<delta::AddFile> rewritten;
  for (const auto& [number, taken] : taken_) {
    const delta::AddFile& file = table_.scan->file(number).action;
    const bool is_copied =
        !(marks && delta::stored_row_count(file)) && delta::live_row_count(file) != taken.deleted.cardinality();
    if (is_recorded || is_copied || !taken.updated.empty()) rewritten.push_back(file);
  }
  return rewritten.empty() ? ok() : check_variant_nulls(client_, files_, table_.scan->table(), rewritten);
}

Status TableChange::remove_rows(std::vector<delta::Action>& actions) {
  const bool marks = table_.snapshot->properties().enable_deletion_vectors;
  std::vector<delta::RowsOfFile> marked;
  std::vector<DeltaScan::PartOfFile> copied;
  for (auto& [number, taken] : taken_) {
    counts_.rows_deleted += taken.deleted.cardinality();
    counts_.rows_updated += taken.updated.cardinality();
    delta::DeletionVector rows = std::move(taken.deleted);
    rows.unite(taken.updated);
    const delta::AddFile file = table_.scan->file(number).action;
    if (marks && delta::stored_row_count(file)) {
      marked.push_back({file, std::move(rows)});
      continue;
    }
    actions.emplace_back(delta::removal_of(file, clock_.now()));
    ++counts_.files_removed;
    if (delta::live_row_count(file) == rows.cardinality()) continue;
    if (file.deletion_vector) {
      SLUICE_TRY_ASSIGN(const auto before, delta::load_deletion_vector(*table_.store, *file.deletion_vector));
      rows.unite(before);
    }
    copied.push_back({file, {}});
    copied.back().file.deletion_vector = delta::inline_deletion_vector(rows);
  }
  SLUICE_TRY(copy_rest(std::move(copied)));
  SLUICE_TRY_ASSIGN(auto removal, delta::mark_rows(*table_.store, clock_, random_, std::move(marked)));
  deletion_vector_key_ = std::move(removal.deletion_vector_key);
  std::ranges::move(removal.actions, std::back_inserter(actions));
  counts_.files_removed += removal.files_removed;
  counts_.deletion_vectors_added += removal.deletion_vectors_added;
  return ok();
}

Result<std::vector<delta::Action>> TableChange::finish() {
  std::vector<delta::Action> actions;
  const bool is_recorded = has_feed() && !is_feed_implied();
  SLUICE_TRY(check_variants_stay(is_recorded));
  if (is_recorded) SLUICE_TRY(write_taken_to_feed());
  SLUICE_TRY(remove_rows(actions));
  counts_.rows_inserted = rows_inserted_.load();
  for (const auto& writer : writers_) {
    SLUICE_TRY_ASSIGN(auto files, writer->rows->finish());
    for (delta::AddFile& file : files) {
      ++counts_.files_added;
      counts_.bytes_added += static_cast<std::uint64_t>(file.size_bytes);
      actions.emplace_back(std::move(file));
    }
    if (!is_recorded) {
      if (writer->feed) writer->feed->discard();
      continue;
    }
    SLUICE_TRY_ASSIGN(auto changes, writer->feed->finish());
    counts_.change_files_added += changes.size();
    std::ranges::move(changes, std::back_inserter(actions));
  }
  return actions;
}

void TableChange::discard() {
  for (const auto& writer : writers_) {
    writer->rows->discard();
    if (writer->feed) writer->feed->discard();
  }
  if (deletion_vector_key_) static_cast<void>(table_.store->remove(*deletion_vector_key_));
}

}  // namespace sluice::lake
