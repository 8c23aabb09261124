// Opens the Delta table in a folder, or makes it, prints its version and its rows, and appends a row.
//
//   append_reading FOLDER SENSOR CELSIUS

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <duckdb.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "columnar/parquet_writer.h"
#include "columnar/schema.h"
#include "delta/data_file_writer.h"
#include "delta/data_path.h"
#include "delta/deletion_vector.h"
#include "delta/duckdb_schema.h"
#include "delta/snapshot.h"
#include "delta/table_definition.h"
#include "delta/transaction.h"
#include "store/local_store.h"

namespace {

using sluice::Result;
using sluice::Status;

/// Commits the actions behind `base`, or behind what others commit meanwhile, if that is allowed.
Result<sluice::delta::Version> commit(sluice::store::ObjectStore& store, sluice::Clock& clock, sluice::Random& random,
                                      std::shared_ptr<const sluice::delta::Snapshot> base,
                                      std::vector<sluice::delta::Action> actions, std::string operation) {
  sluice::delta::CommitRequest request;
  request.actions = std::move(actions);
  request.info.operation = std::move(operation);
  SLUICE_TRY_ASSIGN(const sluice::delta::CommitOutcome outcome,
                    sluice::delta::Transaction(store, clock, random, std::move(base)).commit(std::move(request)));
  if (const auto* done = std::get_if<sluice::delta::Committed>(&outcome)) return done->version;
  if (std::holds_alternative<sluice::delta::Conflict>(outcome)) {
    return sluice::Error(sluice::ErrorCode::Conflict,
                         "another writer changed the table so that this must be decided anew");
  }
  return sluice::Error(sluice::ErrorCode::Unavailable, "the folder stopped answering: look whether the row is there");
}

Result<std::shared_ptr<const sluice::delta::Snapshot>> open_or_create(sluice::store::ObjectStore& store,
                                                                      sluice::Clock& clock, sluice::Random& random) {
  SLUICE_TRY_ASSIGN(auto table, sluice::delta::Snapshot::load(store));
  if (table != nullptr) return table;
  const sluice::columnar::Schema columns{
      {{"sensor", duckdb::LogicalType::VARCHAR, true, {}}, {"celsius", duckdb::LogicalType::DOUBLE, true, {}}}};
  sluice::delta::TableDefinition definition;
  SLUICE_TRY_ASSIGN(definition.schema, sluice::delta::delta_schema(columns));
  SLUICE_TRY_ASSIGN(auto actions, sluice::delta::create_table_actions(definition, clock, random));
  SLUICE_TRY(commit(store, clock, random, nullptr, std::move(actions), "CREATE TABLE"));
  return sluice::delta::Snapshot::load(store);
}

/// Prints the rows of one file that are not marked as deleted. The library knows which files and rows those are; this
/// program reads them with the DuckDB that comes with the library.
Status print_rows(sluice::store::LocalStore& store, duckdb::Connection& connection,
                  const sluice::delta::AddFile& file) {
  SLUICE_TRY_ASSIGN(const auto path, sluice::delta::resolve_path(file.path));
  sluice::delta::DeletionVector deleted;
  if (file.deletion_vector) {
    SLUICE_TRY_ASSIGN(deleted, sluice::delta::load_deletion_vector(store, *file.deletion_vector));
  }
  const std::string name = path.absolute ? path.path : store.root() + "/" + path.path;
  const auto rows =
      connection.TableFunction("read_parquet", {duckdb::Value(name)}, {{"file_row_number", duckdb::Value(true)}})
          ->Project("file_row_number, sensor, celsius")
          ->Execute();
  if (rows->HasError()) return sluice::Error(sluice::ErrorCode::Corruption, rows->GetError());
  for (const auto& row : *rows) {
    if (deleted.contains(row.GetValue<std::uint64_t>(0))) continue;
    std::printf("  %s: %s\n", row.GetValue<duckdb::Value>(1).ToString().c_str(),
                row.GetValue<duckdb::Value>(2).ToString().c_str());
  }
  return sluice::ok();
}

Status print_table(sluice::store::LocalStore& store, const sluice::delta::Snapshot& table) {
  std::printf("version %lld, %zu files\n", static_cast<long long>(table.version().value()), table.files().size());
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  for (const sluice::delta::AddFile& file : table.files()) SLUICE_TRY(print_rows(store, connection, file));
  return sluice::ok();
}

/// Writes a data file with the row and makes it part of the table.
Result<sluice::delta::Version> append(sluice::store::ObjectStore& store, sluice::Clock& clock, sluice::Random& random,
                                      std::shared_ptr<const sluice::delta::Snapshot> table, const std::string& sensor,
                                      double celsius) {
  SLUICE_TRY_ASSIGN(auto context, sluice::columnar::ParquetContext::create());
  SLUICE_TRY_ASSIGN(auto options, sluice::delta::DataFileOptions::of_table(table->metadata()));
  const auto types = options.schema.types();
  SLUICE_TRY_ASSIGN(auto writer,
                    sluice::delta::DataFileWriter::create(store, clock, random, *context, std::move(options)));
  duckdb::DataChunk rows;
  rows.Initialize(duckdb::Allocator::DefaultAllocator(), {types.begin(), types.end()});
  rows.SetValue(0, 0, duckdb::Value(sensor));
  rows.SetValue(1, 0, duckdb::Value(celsius));
  rows.SetCardinality(1);
  writer->normalise(rows);
  SLUICE_TRY(writer->write(rows, nullptr));
  SLUICE_TRY_ASSIGN(const auto files, writer->finish());
  auto version = commit(store, clock, random, std::move(table), {files.begin(), files.end()}, "WRITE");
  // Whether a commit that failed is in the log may be unknown: then its file stays, and VACUUM takes it away.
  writer->keep();
  return version;
}

Status run(const std::string& folder, const std::string& sensor, double celsius) {
  sluice::SystemClock clock;
  sluice::SystemRandom random;
  SLUICE_TRY_ASSIGN(auto store, sluice::store::LocalStore::create(folder));
  SLUICE_TRY_ASSIGN(auto table, open_or_create(*store, clock, random));
  SLUICE_TRY(print_table(*store, *table));
  SLUICE_TRY_ASSIGN(const auto version, append(*store, clock, random, std::move(table), sensor, celsius));
  std::printf("appended %s: version %lld\n", sensor.c_str(), static_cast<long long>(version.value()));
  return sluice::ok();
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 4) {
    std::fprintf(stderr, "usage: append_reading FOLDER SENSOR CELSIUS\n");
    return 2;
  }
  const Status done = run(arguments[1], arguments[2], std::strtod(arguments[3], nullptr));
  if (done) return 0;
  std::fprintf(stderr, "%s\n", sluice::render(done.error()).c_str());
  return 1;
}
