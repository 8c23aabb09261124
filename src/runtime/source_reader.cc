#include "runtime/source_reader.h"

#include <fmt/format.h>

#include "connect/files/file_source.h"

namespace sluice::runtime {
namespace {

/// Hands rows and dead letters of a file source on.
class Sink final : public connect::RowSink {
 public:
  Sink(const SourceReader::BatchSink& take_rows, const SourceReader::DeadLetterSink& take_letter)
      : take_rows_(take_rows), take_letter_(take_letter) {}

  Status rows(columnar::ChangeBatch&& batch) override { return take_rows_(batch); }
  Status dead_letter(connect::DeadLetter&& letter) override {
    return take_letter_({"", std::move(letter.path), static_cast<std::int64_t>(letter.line),
                         static_cast<std::int64_t>(letter.offset_bytes), fmt::format("SLU{:04}", letter.number),
                         std::move(letter.message), std::move(letter.bytes)});
  }

 private:
  const SourceReader::BatchSink& take_rows_;
  const SourceReader::DeadLetterSink& take_letter_;
};

}  // namespace

SourceReader::SourceReader(plan::Source source, std::unique_ptr<connect::FileSource> files)
    : source_(std::move(source)), files_(std::move(files)) {}

SourceReader::~SourceReader() = default;

Result<std::unique_ptr<SourceReader>> SourceReader::create(connect::FileSystem& files, Clock& clock,
                                                           const plan::Source& source,
                                                           std::chrono::milliseconds settle_time) {
  SLUICE_TRY_ASSIGN(auto file_source, connect::FileSource::create(source, files, clock, settle_time));
  return std::unique_ptr<SourceReader>(new SourceReader(source, std::move(file_source)));
}

Status SourceReader::restore(const SourceState& state) {
  recorded_ = true;
  return files_->restore(state.position, state.schema);
}

Status SourceReader::restore_columns(const SourceState& state) { return files_->restore("", state.schema); }

Result<std::vector<std::string>> SourceReader::find_gone(const SourceState& state) const {
  SLUICE_TRY_ASSIGN(connect::FileLog before, connect::FileLog::decode(state.position));
  for (const connect::PlannedFile& file : files_->pending().files) before.files.erase(file.info.path);
  std::vector<std::string> gone;
  for (const auto& [path, file] : before.files) gone.push_back(path);
  return gone;
}

Status SourceReader::look(const std::stop_token& stop) { return files_->look(stop); }

std::chrono::milliseconds SourceReader::settling_time() const { return files_->settling_time(); }

bool SourceReader::has_pending() const { return files_->has_pending(); }

std::vector<std::string> SourceReader::pending_paths() const {
  std::vector<std::string> paths;
  for (const connect::PlannedFile& file : files_->pending().files) paths.push_back(file.info.path);
  return paths;
}

std::string SourceReader::pending_text() const { return files_->pending().encode(); }

const columnar::Schema& SourceReader::schema() const { return files_->schema(); }

std::vector<std::string> SourceReader::take_notes() {
  std::vector<std::string> notes;
  for (const connect::FileNotice& notice : files_->take_notices()) notes.push_back(connect::to_string(notice));
  return notes;
}

Status SourceReader::read_pending(const std::stop_token& stop, const BatchSink& rows,
                                  const DeadLetterSink& dead_letters) {
  Sink sink(rows, dead_letters);
  return files_->read_pending(sink, stop);
}

Status SourceReader::read_all(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink& dead_letters) {
  // What could not be read of a file is reported once, when the file is first taken.
  const DeadLetterSink report_new = [&](DeadLetter letter) {
    const auto taken = files_->log().files.find(letter.file);
    for (const connect::PlannedFile& file : files_->pending().files) {
      if (file.info.path != letter.file) continue;
      if (taken != files_->log().files.end() && taken->second.hash == file.hash) return ok();
      return dead_letters(std::move(letter));
    }
    return ok();
  };
  Sink sink(rows, report_new);
  return files_->read_all(sink, stop);
}

SourceState SourceReader::next_state(bool whole_position) const {
  SourceState state{"", "", files_->schema_text()};
  if (has_pending()) state.added = pending_text();
  if (whole_position || !recorded_) {
    connect::FileLog log = files_->log();
    if (has_pending()) log.add(files_->pending());
    state.position = log.encode();
  }
  return state;
}

std::string SourceReader::position() const { return files_->log().encode(); }

void SourceReader::advance() {
  recorded_ = true;
  files_->advance();
}

Result<std::string> SourceReader::merge_positions(const std::string& whole, const std::vector<std::string>& added) {
  SLUICE_TRY_ASSIGN(connect::FileLog log, connect::FileLog::decode(whole));
  for (const std::string& text : added) {
    SLUICE_TRY_ASSIGN(const connect::FilePlan plan, connect::FilePlan::decode(text));
    log.add(plan);
  }
  return log.encode();
}

}  // namespace sluice::runtime
