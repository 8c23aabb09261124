#include "connect/files/file_source.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "connect/files/discovery.h"
#include "connect/files/error_numbers.h"
#include "connect/files/internal/file_format.h"
#include "connect/files/internal/hashing_stream.h"
#include "connect/files/internal/source_options.h"
#include "connect/files/internal/type_changes.h"

namespace sluice::connect {
namespace {

Error changed_while_read(const std::string& path, std::string_view what) {
  return Error(ErrorCode::Unavailable, fmt::format("file {} {}", path, what))
      .with_number(kErrorChangedWhileRead)
      .with_help("run again; let files appear whole: write them under a hidden name, then rename them");
}

bool is_same(const FileInfo& info, const PathStatus& status) {
  return status.kind == PathStatus::Kind::File && status.size_bytes == info.size_bytes &&
         status.modified == info.modified;
}

/// True if both name the same bytes under the same paths, whenever they were written.
bool same_content(const std::vector<PlannedFile>& files, const FileLog& log) {
  return files.size() == log.files.size() && std::all_of(files.begin(), files.end(), [&](const PlannedFile& file) {
           const auto known = log.files.find(file.info.path);
           return known != log.files.end() && known->second.hash == file.hash &&
                  known->second.info.size_bytes == file.info.size_bytes;
         });
}

}  // namespace

std::string to_string(const FileNotice& notice) {
  if (notice.kind == FileNotice::Kind::ColumnChanged) {
    const FileNotice::Column& column = notice.column;
    return fmt::format("column {} of {} became {}{} (was {})", column.name, column.source, column.to,
                       notice.path.empty() ? "" : " with " + notice.path, column.from);
  }
  const bool one = notice.file_count == 1;
  const std::string subject = one ? fmt::format("file {} that was read", notice.path)
                                  : fmt::format("{} files that were read", notice.file_count);
  const std::string first = one ? "" : fmt::format(" (first: {})", notice.path);
  if (notice.kind == FileNotice::Kind::Vanished) {
    return fmt::format("{} {} gone{}; {} rows stay", subject, one ? "is" : "are", first, one ? "its" : "their");
  }
  return fmt::format("{} changed later{}; {} not read again (allowOverwrites => true does that)", subject, first,
                     one ? "it is" : "they are");
}

struct FileSource::Impl {
  using ColumnChanges = std::map<std::string, FileNotice>;  // by column

  Impl(plan::Source file_source, FileSystem& file_system, Clock& engine_clock, SourceOptions source_options,
       std::chrono::milliseconds settle_time)
      : source(std::move(file_source)),
        files(file_system),
        clock(engine_clock),
        options(source_options),
        settling(settle_time) {}

  Status look_for_new(const std::vector<FileInfo>& found, const std::stop_token& stop);
  bool keep_known(const std::vector<FileInfo>& there, std::vector<FileInfo>& settled) const;
  Status look_at_all(const std::vector<FileInfo>& found, const std::stop_token& stop);
  Status plan_files(std::span<const FileInfo> wanted, const std::stop_token& stop);
  Result<std::optional<PlannedFile>> plan_file(const FileInfo& info, const std::stop_token& stop);
  std::optional<PlannedFile> known_file(const FileInfo& info) const;
  void find_changes(const columnar::Schema& known, const FileInfo& info, ColumnChanges& changes) const;
  void say_changes(ColumnChanges changes);
  Status check_new_columns(const columnar::Schema& before);
  void notice(FileNotice::Kind kind, const std::vector<FileInfo>& about);
  void drop_pending();
  Status read(const std::vector<PlannedFile>& wanted, RowSink& sink, const std::stop_token& stop);
  Status read_file(const PlannedFile& file, RowSink& sink, const std::stop_token& stop);
  bool columns_frozen() const {
    return source.declared_schema.has_value() ||
           (options.evolution == SchemaEvolution::Freeze && format->has_columns());
  }

  plan::Source source;
  FileSystem& files;
  Clock& clock;
  SourceOptions options;
  Settling settling;
  std::unique_ptr<FileFormat> format;
  columnar::Schema schema;
  FileLog log;
  FilePlan pending;
  bool has_pending = false;
  std::map<std::string, PlannedFile> touched;  // tracked: files with another time but the bytes of the log
  std::vector<FileNotice> notices;
  ColumnChanges changes_said;               // of the last look
  std::map<std::string, FileInfo> noticed;  // by path: the state in which something was said of it; gone if empty
};

FileSource::FileSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileSource::~FileSource() = default;

Result<std::unique_ptr<FileSource>> FileSource::create(plan::Source source, FileSystem& files, Clock& clock,
                                                       std::chrono::milliseconds settle_time, JsonLimits limits) {
  SLUICE_TRY_ASSIGN(const SourceOptions options, read_options(source, kFilesPerTriggerMax));
  if (options.settle_time && settle_time.count() > 0) settle_time = *options.settle_time;
  SLUICE_TRY_ASSIGN(auto format, FileFormat::create(source, limits));
  auto impl = std::make_unique<Impl>(std::move(source), files, clock, options, settle_time);
  impl->format = std::move(format);
  impl->schema = impl->format->schema();
  return std::unique_ptr<FileSource>(new FileSource(std::move(impl)));
}

Status FileSource::restore(std::string_view position, std::string_view schema) {
  SLUICE_TRY_ASSIGN(impl_->log, FileLog::decode(position));
  SLUICE_TRY(impl_->format->restore(schema));
  impl_->drop_pending();
  return ok();
}

Status FileSource::look(const std::stop_token& stop) {
  if (impl_->has_pending) return ok();
  auto discovered = discover(impl_->files, impl_->source.path);
  if (!discovered) return std::move(discovered).error().at(impl_->source.location);
  std::vector<FileInfo> found = std::move(*discovered);
  const std::vector<FileInfo> there = impl_->source.stream ? std::vector<FileInfo>() : found;
  found = impl_->settling.settled(std::move(found), impl_->clock.monotonic());
  if (!impl_->source.stream && !impl_->keep_known(there, found)) return ok();
  const columnar::Schema before = impl_->schema;
  Status status = impl_->source.stream ? impl_->look_for_new(found, stop) : impl_->look_at_all(found, stop);
  if (status) status = impl_->check_new_columns(before);
  if (!status) impl_->drop_pending();
  return status;
}

Status FileSource::Impl::look_for_new(const std::vector<FileInfo>& found, const std::stop_token& stop) {
  std::vector<FileInfo> wanted;
  std::set<std::string_view> there;
  std::vector<FileInfo> changed;
  bool saw_all = !settling.waiting();
  for (const FileInfo& info : found) {
    there.insert(info.path);
    const auto read_before = log.files.find(info.path);
    if (read_before != log.files.end()) {
      if (read_before->second.info == info) continue;
      if (!options.allow_overwrites) {
        changed.push_back(info);
        continue;
      }
    }
    if (wanted.size() == options.files_per_trigger_max) {
      saw_all = false;
      break;
    }
    wanted.push_back(info);
  }
  notice(FileNotice::Kind::ChangedAfterRead, changed);
  if (saw_all) {
    std::vector<FileInfo> gone;
    for (const auto& [path, file] : log.files) {
      if (!there.contains(path)) gone.push_back({.path = path});
    }
    notice(FileNotice::Kind::Vanished, gone);
  }
  format->begin_fold(false);
  SLUICE_TRY(plan_files(wanted, stop));
  has_pending = !pending.files.empty();
  return ok();
}

/// Adds the tracked files that look as they were read: they need not stand still once more. False if one that was read
/// is changing: it is there, so the answer without it would be nobody's.
bool FileSource::Impl::keep_known(const std::vector<FileInfo>& there, std::vector<FileInfo>& settled) const {
  std::vector<FileInfo> kept;
  auto next = settled.begin();
  for (const FileInfo& info : there) {  // both are sorted by path
    if (next != settled.end() && next->path == info.path) {
      kept.push_back(*next++);
    } else if (known_file(info)) {
      kept.push_back(info);
    } else if (log.files.contains(info.path)) {
      return false;
    }
  }
  settled = std::move(kept);
  return true;
}

Status FileSource::Impl::look_at_all(const std::vector<FileInfo>& found, const std::stop_token& stop) {
  const bool unchanged =
      found.size() == log.files.size() &&
      std::all_of(found.begin(), found.end(), [&](const auto& info) { return known_file(info).has_value(); });
  if (unchanged) return ok();
  // The answer must be that of a query over these files alone, so their columns are found anew.
  format->begin_fold(!columns_frozen());
  SLUICE_TRY(plan_files(found, stop));
  if (schema.fields.size() == 1) {
    // No file, or none with a column, says nothing about the columns: queries above need those that were known.
    format->begin_fold(false);
    schema = format->schema();
  }
  pending.whole = true;
  has_pending = !same_content(pending.files, log);
  if (has_pending) return ok();
  for (const PlannedFile& file : pending.files) touched[file.info.path] = file;
  drop_pending();
  return ok();
}

/// Adds the files to the plan, in their order, and folds them into the pending columns.
Status FileSource::Impl::plan_files(std::span<const FileInfo> wanted, const std::stop_token& stop) {
  const columnar::Schema columns_before = schema;
  ColumnChanges changes;
  for (const FileInfo& info : wanted) {
    if (const auto known = known_file(info); known && columns_frozen()) {
      pending.files.push_back(*known);
      continue;
    }
    SLUICE_TRY_ASSIGN(const std::optional<PlannedFile> planned, plan_file(info, stop));
    if (!planned) continue;
    pending.files.push_back(*planned);
    if (!columns_frozen()) find_changes(columns_before, info, changes);
  }
  schema = format->schema();
  say_changes(std::move(changes));
  return ok();
}

/// Brings what differs from the known columns up to date after the file was folded into the pending ones.
void FileSource::Impl::find_changes(const columnar::Schema& known, const FileInfo& info, ColumnChanges& changes) const {
  if (!format->has_columns()) return;
  ColumnChanges now;
  for (TypeChange& change : find_type_changes(known, format->schema())) {
    const auto before = changes.find(change.name);
    const bool since_before = before != changes.end() && before->second.column.to == change.to;
    const std::string path = since_before ? before->second.path : known_file(info) ? "" : info.path;
    now.emplace(change.name,
                FileNotice{.kind = FileNotice::Kind::ColumnChanged,
                           .path = path,
                           .column = {source.path, change.name, std::move(change.from), std::move(change.to)}});
  }
  changes = std::move(now);
}

void FileSource::Impl::say_changes(ColumnChanges changes) {
  for (const auto& [column, notice] : changes) {
    const auto said = changes_said.find(column);
    if (said == changes_said.end() || said->second != notice) notices.push_back(notice);
  }
  changes_said = std::move(changes);
}

/// Hashes the file and folds it into the pending columns. nullopt if it is not what was found: it is for a later look.
Result<std::optional<PlannedFile>> FileSource::Impl::plan_file(const FileInfo& info, const std::stop_token& stop) {
  auto file = files.open(info.path);
  if (!file && file.error().code() == ErrorCode::NotFound) return std::optional<PlannedFile>();
  if (!file) return std::move(file).error();
  SLUICE_TRY_ASSIGN(const PathStatus status, (*file)->status());
  if (!is_same(info, status)) return std::optional<PlannedFile>();
  HashingStream stream(**file, stop);
  OpenedFile opened{.stream = stream, .file = **file, .path = info.path};
  SLUICE_TRY(columns_frozen() ? stream.drain() : format->fold(opened));
  SLUICE_TRY_ASSIGN(const PathStatus after, (*file)->status());
  if (!is_same(info, after) || stream.size_bytes() != info.size_bytes) {
    return changed_while_read(info.path, "changed while it was looked at");
  }
  return std::optional(PlannedFile{.info = info, .hash = stream.hash()});
}

/// Returns the file as it is known, if it looks as it did then.
std::optional<PlannedFile> FileSource::Impl::known_file(const FileInfo& info) const {
  for (const auto* const known : {&log.files, &touched}) {
    const auto file = known->find(info.path);
    if (file != known->end() && file->second.info == info) return file->second;
  }
  return std::nullopt;
}

Status FileSource::Impl::check_new_columns(const columnar::Schema& before) {
  const bool forbidden = options.evolution == SchemaEvolution::FailOnNewColumns && format->has_columns();
  if (!forbidden || before == schema) return ok();
  return Error(ErrorCode::InvalidArgument, fmt::format("the files of {} have columns {}, but so far had {}",
                                                       source.path, to_string(schema), to_string(before)))
      .with_number(kErrorNewColumns)
      .with_help("schemaEvolutionMode => 'addNewColumns' adds them, 'rescue' puts them into _rescued_data")
      .at(source.location);
}

/// Says it once of each file in its present state.
void FileSource::Impl::notice(FileNotice::Kind kind, const std::vector<FileInfo>& about) {
  FileNotice notice{.kind = kind, .path = "", .file_count = 0};
  for (const FileInfo& info : about) {
    const auto [said, first] = noticed.try_emplace(info.path, info);
    if (!first && said->second == info) continue;
    said->second = info;
    if (notice.file_count++ == 0) notice.path = info.path;
  }
  if (notice.file_count > 0) notices.push_back(std::move(notice));
}

void FileSource::Impl::drop_pending() {
  pending = {};
  has_pending = false;
  format->begin_fold(false);
  schema = format->schema();
}

const FilePlan& FileSource::pending() const { return impl_->pending; }
std::chrono::milliseconds FileSource::settling_time() const {
  return impl_->settling.waiting() ? impl_->settling.settle_time() : std::chrono::milliseconds(0);
}
bool FileSource::has_pending() const { return impl_->has_pending; }
const columnar::Schema& FileSource::schema() const { return impl_->schema; }
std::string FileSource::schema_text() const { return impl_->format->schema_text(); }
const FileLog& FileSource::log() const { return impl_->log; }
std::vector<FileNotice> FileSource::take_notices() { return std::exchange(impl_->notices, {}); }

void FileSource::advance() {
  if (!impl_->has_pending) return;
  impl_->log.add(impl_->pending);
  impl_->touched.clear();
  impl_->format->take_fold();
  impl_->drop_pending();
}

Status FileSource::read_pending(RowSink& sink, const std::stop_token& stop) {
  return impl_->read(impl_->pending.files, sink, stop);
}

Status FileSource::read_all(RowSink& sink, const std::stop_token& stop) {
  if (impl_->has_pending) return read_pending(sink, stop);
  std::vector<PlannedFile> taken;
  for (const auto& [path, file] : impl_->log.files) {
    const auto now = impl_->touched.find(path);
    taken.push_back(now == impl_->touched.end() ? file : now->second);
  }
  return impl_->read(taken, sink, stop);
}

Status FileSource::Impl::read(const std::vector<PlannedFile>& wanted, RowSink& sink, const std::stop_token& stop) {
  SLUICE_TRY(format->begin_read());
  for (const PlannedFile& file : wanted) SLUICE_TRY(read_file(file, sink, stop));
  return format->end_read(sink);
}

Status FileSource::Impl::read_file(const PlannedFile& file, RowSink& sink, const std::stop_token& stop) {
  const std::string& path = file.info.path;
  auto input = files.open(path);
  if (!input && input.error().code() == ErrorCode::NotFound)
    return changed_while_read(path, "vanished before it was read");
  if (!input) return std::move(input).error();
  SLUICE_TRY_ASSIGN(const PathStatus before, (*input)->status());
  if (!is_same(file.info, before)) return changed_while_read(path, "changed before it was read");
  HashingStream stream(**input, stop);
  OpenedFile opened{.stream = stream, .file = **input, .path = path};
  SLUICE_TRY(format->read(opened, file.info, sink, stop));
  SLUICE_TRY_ASSIGN(const PathStatus after, (*input)->status());
  if (!is_same(file.info, after) || stream.hash() != file.hash)
    return changed_while_read(path, "changed while it was read");
  return ok();
}

}  // namespace sluice::connect
