#include "connect/delta/delta_source.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/clock.h"
#include "base/log.h"
#include "connect/delta/error_numbers.h"
#include "connect/files/error_numbers.h"
#include "delta/data_path.h"
#include "delta/duckdb_schema.h"
#include "delta/history.h"

namespace sluice::connect {
namespace {

using Kind = delta::ChangeFile::Kind;

/// What a read_delta call asks for.
struct DeltaOptions {
  std::optional<delta::Version> version;
  std::optional<UnixMillis> as_of;
  bool skip_change_commits = false;
  bool read_change_feed = false;
  bool from_latest = false;
  std::optional<delta::Version> starting_version;
  std::optional<UnixMillis> starting_timestamp;
  std::uint64_t files_per_trigger_max = DeltaSource::kFilesPerTriggerMax;

  bool fixed() const { return version || as_of; }
};

Result<std::int64_t> number_of(const plan::Source& source, const std::string& option) {
  const std::string& text = source.options.at(option);
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return number;
  return Error(ErrorCode::InvalidArgument, fmt::format("read_delta: {} cannot be '{}'", option, text))
      .with_number(kErrorOptionInvalid)
      .at(source.location);
}

Result<DeltaOptions> read_options(const plan::Source& source) {
  DeltaOptions options;
  const auto time = [&](const std::string& option) -> Result<UnixMillis> {
    SLUICE_TRY_ASSIGN(const std::int64_t millis, number_of(source, option));
    return UnixMillis(std::chrono::milliseconds(millis));
  };
  for (const auto& [name, value] : source.options) {
    if (name == "version") {
      SLUICE_TRY_ASSIGN(const std::int64_t version, number_of(source, name));
      options.version = delta::Version(version);
    } else if (name == "as_of") {
      SLUICE_TRY_ASSIGN(options.as_of, time(name));
    } else if (name == "skipchangecommits") {
      options.skip_change_commits = value == "true";
    } else if (name == "readchangefeed") {
      options.read_change_feed = value == "true";
    } else if (name == "startingversion" && value == "latest") {
      options.from_latest = true;
    } else if (name == "startingversion") {
      SLUICE_TRY_ASSIGN(const std::int64_t version, number_of(source, name));
      options.starting_version = delta::Version(version);
    } else if (name == "startingtimestamp") {
      SLUICE_TRY_ASSIGN(options.starting_timestamp, time(name));
    } else if (name == "maxfilespertrigger") {
      SLUICE_TRY_ASSIGN(const std::int64_t count, number_of(source, name));
      options.files_per_trigger_max = static_cast<std::uint64_t>(count);
    } else {
      return Error(ErrorCode::InvalidArgument, fmt::format("read_delta has no option {}", name))
          .with_number(kErrorOptionInvalid)
          .at(source.location);
    }
  }
  return options;
}

std::vector<delta::ChangeFile> live_files(const delta::Snapshot& table) {
  std::vector<delta::ChangeFile> files;
  for (const delta::AddFile& file : table.files()) {
    files.push_back({Kind::Insert, file.path, file.partition_values, std::nullopt, file.deletion_vector});
  }
  return files;
}

/// Whether the error says that something which an older version needs is no longer there.
bool is_gone(const Error& error) {
  return error.code() == ErrorCode::NotFound || error.code() == ErrorCode::Corruption;
}

}  // namespace

std::string DeltaPosition::encode() const {
  return fmt::format(R"({{"deltaTable":{},"version":{}}})", json_quote(table_id), version.value());
}

Result<DeltaPosition> DeltaPosition::decode(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string_view table_id;
  std::int64_t version = 0;
  if (parser.parse(simdjson::padded_string(text)).get(document) != simdjson::SUCCESS ||
      document["deltaTable"].get(table_id) != simdjson::SUCCESS ||
      document["version"].get(version) != simdjson::SUCCESS) {
    return Error(ErrorCode::Corruption,
                 fmt::format("the stored version of a source's table cannot be read: {}", text.substr(0, 200)))
        .with_number(kErrorStoredStateInvalid);
  }
  return DeltaPosition{std::string(table_id), delta::Version(version)};
}

bool DeltaPosition::is_one(std::string_view text) { return text.starts_with(R"({"deltaTable":)"); }

struct DeltaSource::Impl {
  /// The versions up to `version`, which are not taken.
  struct Pending {
    DeltaTables::Snapshot seen;  ///< The table's newest version when it was looked at.
    delta::Version version;
    std::optional<delta::TableDifference> difference = {};  ///< Tracked; absent: all rows are to be read anew.
    std::vector<delta::CommitChanges> added = {};           ///< Stream.
    std::optional<delta::TableChanges> feed = {};           ///< Stream of the change data feed.
    std::optional<delta::DataType> columns = {};            ///< Stream: of `version`.
  };

  Impl(plan::Source wanted, DeltaOptions wanted_options, DeltaTables& delta_tables, Refused refused_tables)
      : source(std::move(wanted)), options(wanted_options), tables(delta_tables), refused(std::move(refused_tables)) {}

  Error data_error(std::uint32_t number, std::string message) const {
    return Error(ErrorCode::DataError, std::move(message)).with_number(number).at(source.location);
  }
  std::string table_text() const { return fmt::format("table '{}'", source.path); }

  Status load_table();
  Result<DeltaTables::Snapshot> load_fixed() const;
  Status check_allowed() const;
  Status check_same_table() const;
  Status plan_tracked();
  Result<std::optional<std::string>> find_missing_file(const delta::TableDifference& difference) const;
  void read_anew(const std::string& why);
  Status plan_stream();
  Status plan_first_rows();
  Status plan_commits(delta::Version first);
  Result<std::optional<delta::Version>> first_version();
  Result<delta::Version> version_from(UnixMillis time) const;
  Status scan(const std::vector<delta::ChangeFile>& files, const ChangedRowSink& sink, const std::stop_token& stop) {
    return tables.scan_changed_rows(table, store, files, needed, sink, stop);
  }

  const plan::Source source;
  const DeltaOptions options;
  DeltaTables& tables;
  const Refused refused;
  DeltaTables::Store store;
  DeltaTables::Snapshot newest;  // at the last look
  DeltaTables::Snapshot table;   // what is to be read: the newest or the version asked for
  columnar::Schema schema;
  NeededColumns needed;
  std::optional<DeltaPosition> taken;
  DeltaTables::Snapshot taken_table;             // of a tracked source; nullptr until it is needed
  std::optional<delta::DataType> taken_columns;  // of a stream, if known
  bool rebuilds_state = true;                    // the rows taken may be asked for
  std::optional<Pending> pending;
  std::vector<std::string> notes;
};

DeltaSource::DeltaSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeltaSource::~DeltaSource() = default;

Result<std::unique_ptr<DeltaSource>> DeltaSource::create(plan::Source source, DeltaTables& tables, Refused refused) {
  SLUICE_TRY_ASSIGN(const DeltaOptions options, read_options(source));
  return std::unique_ptr<DeltaSource>(
      new DeltaSource(std::make_unique<Impl>(std::move(source), options, tables, std::move(refused))));
}

Status DeltaSource::restore(std::string_view position, std::string_view schema) {
  if (!position.empty()) {
    SLUICE_TRY_ASSIGN(impl_->taken, DeltaPosition::decode(position));
  }
  if (!schema.empty()) {
    SLUICE_TRY_ASSIGN(impl_->taken_columns, delta::read_schema(schema));
  }
  return ok();
}

void DeltaSource::need(NeededColumns columns) { impl_->needed = std::move(columns); }

// --- looking

Status DeltaSource::look_at_columns() { return impl_->load_table(); }

Status DeltaSource::look() {
  SLUICE_TRY(impl_->load_table());
  SLUICE_TRY(impl_->check_same_table());
  if (impl_->pending && impl_->pending->seen == impl_->table) return ok();
  impl_->pending.reset();
  if (impl_->taken && impl_->taken->version == impl_->table->version()) return ok();
  return impl_->source.stream ? impl_->plan_stream() : impl_->plan_tracked();
}

Status DeltaSource::Impl::load_table() {
  const auto no_table = [&] {
    return Error(ErrorCode::NotFound, fmt::format("there is no Delta table in '{}'", source.path))
        .with_number(kErrorNoTable)
        .with_help("relative paths start at the project folder")
        .at(source.location);
  };
  auto opened = tables.open_folder(source.path);
  if (!opened && opened.error().code() == ErrorCode::NotFound) return no_table();
  if (!opened) return std::move(opened).error().at(source.location);
  if (!store) store = std::move(*opened);
  auto loaded = newest ? delta::Snapshot::refresh(*store, newest) : delta::Snapshot::load(*store);
  if (!loaded && loaded.error().code() == ErrorCode::NotFound) return no_table();
  if (!loaded) return std::move(loaded).error().in(table_text()).at(source.location);
  if (!*loaded) return no_table();
  for (const std::string& reason : (*loaded)->passed_over()) {
    notes.push_back(
        fmt::format("{}: {}; it is passed over, and the table read from its commits", table_text(), reason));
  }
  const bool same = newest == *loaded;
  newest = std::move(*loaded);
  SLUICE_TRY(check_allowed());
  if (!options.fixed()) {
    table = newest;
  } else if (!table || !same) {
    SLUICE_TRY_ASSIGN(table, load_fixed());
  }
  schema = delta::columnar_schema(table->schema());
  if (options.read_change_feed) {
    for (const auto& [name, type] : {std::pair("_change_type", duckdb::LogicalType::VARCHAR),
                                     std::pair("_commit_version", duckdb::LogicalType::BIGINT),
                                     std::pair("_commit_timestamp", duckdb::LogicalType::TIMESTAMP_TZ)}) {
      schema.fields.push_back({name, type, true, {}});
    }
  }
  return ok();
}

Result<DeltaTables::Snapshot> DeltaSource::Impl::load_fixed() const {
  auto version = options.version ? Result<delta::Version>(*options.version)
                                 : delta::find_version_at(*store, *newest, *options.as_of);
  auto loaded =
      version ? delta::Snapshot::load(*store, *version) : Result<DeltaTables::Snapshot>(std::move(version).error());
  if (loaded && *loaded) return loaded;
  if (!loaded && loaded.error().code() != ErrorCode::NotFound) {
    return std::move(loaded).error().in(table_text()).at(source.location);
  }
  return data_error(kErrorVersionNotThere,
                    fmt::format("{}: {}", table_text(), loaded ? "it is gone" : loaded.error().message()));
}

Status DeltaSource::Impl::check_allowed() const {
  const auto& properties = newest->metadata().configuration;
  const auto found = properties.find(refused.property);
  if (refused.value.empty() || found == properties.end() || found->second != refused.value) return ok();
  return Error(ErrorCode::InvalidArgument, fmt::format("{} is one that this pipeline writes", table_text()))
      .with_number(kErrorOwnTable)
      .with_help("name the dataset, without read_delta: its rows are then the ones of the same epoch")
      .at(source.location);
}

Status DeltaSource::Impl::check_same_table() const {
  if (!taken) return ok();
  const std::string help =
      fmt::format("take in the table that is there now with `sluice run --once --full-refresh={}`", source.dataset);
  if (taken->table_id != newest->metadata().id) {
    return data_error(kErrorTableReplaced, fmt::format("{} is another than the one that was read up to version {}",
                                                       table_text(), taken->version.value()))
        .with_help(help);
  }
  if (newest->version() < taken->version) {
    return data_error(kErrorTableReplaced, fmt::format("{} ends at version {}, but was read up to version {}",
                                                       table_text(), newest->version().value(), taken->version.value()))
        .with_help(help);
  }
  return ok();
}

// --- a tracked source

Status DeltaSource::Impl::plan_tracked() {
  pending = Pending{table, table->version()};
  if (!taken) return ok();
  if (table->version() < taken->version) return ok();  // another version is asked for now
  if (!taken_table) {
    auto loaded = delta::Snapshot::load(*store, taken->version);
    if (!loaded && !is_gone(loaded.error())) return std::move(loaded).error().in(table_text());
    if (!loaded || !*loaded) {
      read_anew(loaded ? "the table was gone" : loaded.error().message());
      return ok();
    }
    taken_table = std::move(*loaded);
  }
  auto difference = delta::load_difference(*store, taken_table, table, delta::FeedUse::Prefer);
  if (!difference && difference.error().code() != ErrorCode::NotFound) {
    return std::move(difference).error().in(table_text()).at(source.location);
  }
  if (!difference) {
    read_anew(difference.error().message());
    return ok();
  }
  if (const auto& change = difference->column_change) {
    read_anew(fmt::format("since version {} {}", change->version.value(), change->what));
    return ok();
  }
  SLUICE_TRY_ASSIGN(const auto missing, find_missing_file(*difference));
  if (missing) {
    read_anew(fmt::format("file {} is gone", *missing));
    return ok();
  }
  pending->difference = std::move(*difference);
  return ok();
}

/// Looks for the files that are no longer the table's but are still to be read: a VACUUM may have taken them.
Result<std::optional<std::string>> DeltaSource::Impl::find_missing_file(
    const delta::TableDifference& difference) const {
  std::vector<std::string> paths;
  for (const delta::CommitChanges& commit : difference.commits) {
    for (const delta::ChangeFile& file : commit.files) paths.push_back(file.path);
  }
  if (rebuilds_state) {
    for (const delta::AddFile& file : difference.before->files()) paths.push_back(file.path);
  }
  for (const std::string& log_path : paths) {
    if (table->files().find_path(log_path)) continue;
    SLUICE_TRY_ASSIGN(const delta::DataPath path, delta::resolve_path(log_path));
    if (path.absolute) continue;  // reading it will tell
    SLUICE_TRY_ASSIGN(const auto found, store->head(path.path));
    if (!found) return std::optional(log_path);
  }
  return std::optional<std::string>();
}

void DeltaSource::Impl::read_anew(const std::string& why) {
  notes.push_back(fmt::format("{} is read anew for {}: the changes after version {} cannot be had ({})", table_text(),
                              source.dataset, taken->version.value(), why));
}

// --- a stream

Status DeltaSource::Impl::plan_stream() {
  if (taken) return plan_commits(taken->version.next());
  SLUICE_TRY_ASSIGN(const auto first, first_version());
  return first ? plan_commits(*first) : plan_first_rows();
}

/// Returns the first commit to read; nullopt if the table's rows come first.
Result<std::optional<delta::Version>> DeltaSource::Impl::first_version() {
  if (options.from_latest) return std::optional(table->version().next());
  if (options.starting_timestamp) {
    SLUICE_TRY_ASSIGN(const delta::Version first, version_from(*options.starting_timestamp));
    return std::optional(first);
  }
  if (options.starting_version && *options.starting_version > table->version().next()) {
    return data_error(kErrorVersionNotThere, fmt::format("{} has no version {} yet: its newest is {}", table_text(),
                                                         options.starting_version->value(), table->version().value()));
  }
  return options.starting_version;
}

/// Returns the first version that was committed at the time or after it.
Result<delta::Version> DeltaSource::Impl::version_from(UnixMillis time) const {
  SLUICE_TRY_ASSIGN(const delta::CommitTimes times, delta::CommitTimes::load(*store, *newest));
  for (std::size_t i = 0; i < times.size(); ++i) {
    SLUICE_TRY_ASSIGN(const UnixMillis committed, times.load_time_of(*store, i));
    if (committed >= time) return times.version(i);
  }
  return data_error(kErrorVersionNotThere,
                    fmt::format("{}: nothing was committed at startingTimestamp or after it yet", table_text()));
}

Status DeltaSource::Impl::plan_first_rows() {
  pending = Pending{table, table->version()};
  pending->columns = table->schema();
  delta::CommitChanges rows{table->version(), table->commit_time().value_or(UnixMillis()), live_files(*table)};
  if (options.read_change_feed) {
    pending->feed = delta::TableChanges{table, {std::move(rows)}};
  } else {
    pending->added.push_back(std::move(rows));
  }
  return ok();
}

Status DeltaSource::Impl::plan_commits(delta::Version first) {
  pending = Pending{table, table->version()};
  pending->columns = table->schema();
  if (first > table->version()) return ok();  // startingVersion => 'latest'
  delta::AppendRange range{first, table->version(), taken_columns, options.files_per_trigger_max, false};
  // Of a feed only the columns are of interest here, and it is not cut.
  range.skip_changing_commits = options.skip_change_commits || options.read_change_feed;
  if (options.read_change_feed) range.files_max = UINT64_MAX;
  auto appended = delta::load_appended_files(*store, std::move(range));
  if (!appended && appended.error().code() == ErrorCode::NotFound) {
    pending.reset();
    return data_error(kErrorVersionsGone,
                      fmt::format("{}: {}, and a stream has yet to read it", table_text(), appended.error().message()))
        .with_help(
            fmt::format("start with the table as it is now by `sluice run --once --full-refresh={}`, and let its "
                        "log be kept longer (delta.logRetentionDuration)",
                        source.dataset));
  }
  if (!appended) return std::move(appended).error().in(table_text()).at(source.location);
  if (const auto& change = appended->column_change) {
    pending.reset();
    return data_error(kErrorColumnChanged,
                      fmt::format("{}: {} since version {}", table_text(), change->what, change->version.value()))
        .with_help(fmt::format("start with the table as it is now by `sluice run --once --full-refresh={}`, with a "
                               "startingVersion, if any, from that version on",
                               source.dataset));
  }
  if (appended->changing && *appended->changing == first) {
    pending.reset();
    return data_error(kErrorRowsChanged, fmt::format("{}: version {} deletes or updates rows, but a stream takes each "
                                                     "row once",
                                                     table_text(), first.value()))
        .with_help(
            "skipChangeCommits => true passes over such commits, readChangeFeed => true reads them as rows that "
            "say what changed; a materialized view over read_delta without STREAM follows them");
  }
  // Commits before one that takes rows away are taken first; it will be met alone.
  pending->version = appended->last;
  pending->columns = std::move(appended->columns);
  pending->added = std::move(appended->commits);
  if (!options.read_change_feed) return ok();
  auto feed = delta::load_changes(*store, first, table->version());
  if (!feed) return std::move(feed).error().in(table_text()).at(source.location);
  if (!*feed) return Error(ErrorCode::Unavailable, fmt::format("{} went while it was looked at", table_text()));
  pending->feed = std::move(**feed);
  pending->feed->table = table;
  return ok();
}

// --- what is pending

bool DeltaSource::has_pending() const { return impl_->pending.has_value(); }
bool DeltaSource::gives_changes() const { return impl_->pending && impl_->pending->difference; }
const columnar::Schema& DeltaSource::schema() const { return impl_->schema; }
std::vector<std::string> DeltaSource::take_notes() { return std::exchange(impl_->notes, {}); }

std::string DeltaSource::position() const { return impl_->taken ? impl_->taken->encode() : ""; }

std::string DeltaSource::next_position() const {
  if (!impl_->pending) return position();
  return DeltaPosition{impl_->newest->metadata().id, impl_->pending->version}.encode();
}

std::string DeltaSource::next_schema_text() const {
  if (!impl_->source.stream) return "";
  const auto& columns = impl_->pending ? impl_->pending->columns : impl_->taken_columns;
  return columns ? delta::write_schema(*columns) : "";
}

std::uint64_t DeltaSource::pending_version_count() const {
  if (!impl_->pending) return 0;
  const std::int64_t before = impl_->taken ? impl_->taken->version.value() : impl_->pending->version.value() - 1;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(impl_->pending->version.value() - before, 1));
}

void DeltaSource::advance() {
  if (!impl_->pending) return;
  impl_->taken = DeltaPosition{impl_->newest->metadata().id, impl_->pending->version};
  impl_->taken_columns = std::move(impl_->pending->columns);
  if (!impl_->source.stream) impl_->taken_table = impl_->pending->seen;
  impl_->rebuilds_state = false;
  impl_->pending.reset();
}

// --- reading

Status DeltaSource::read_pending(const ChangedRowSink& sink, const std::stop_token& stop) {
  if (!impl_->pending) return ok();
  const Impl::Pending& pending = *impl_->pending;
  if (pending.difference) {
    ChangeReader reader([&](const DeltaTables::Snapshot& columns, const std::vector<delta::ChangeFile>& files,
                            const ChangedRowSink& take) {
      return impl_->tables.scan_changed_rows(columns, impl_->store, files, impl_->needed, take, stop);
    });
    return reader.read(*pending.difference, sink);
  }
  if (pending.feed) return impl_->tables.scan_feed(*pending.feed, impl_->store, impl_->needed, sink, stop);
  for (const delta::CommitChanges& commit : pending.added) SLUICE_TRY(impl_->scan(commit.files, sink, stop));
  return ok();
}

Status DeltaSource::read_all(const ChangedRowSink& sink, const std::stop_token& stop) {
  return impl_->scan(live_files(*impl_->table), sink, stop);
}

Status DeltaSource::read_taken(const ChangedRowSink& sink, const std::stop_token& stop) {
  if (!impl_->pending) return read_all(sink, stop);
  return impl_->scan(live_files(*impl_->taken_table), sink, stop);
}

}  // namespace sluice::connect
