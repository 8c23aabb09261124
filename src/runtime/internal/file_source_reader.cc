#include "runtime/internal/file_source_reader.h"

#include <fmt/format.h>

namespace sluice::runtime::internal {
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

Status FileSourceReader::restore(const SourceState& state) {
  recorded_ = true;
  return files_->restore(state.position, state.schema);
}

Status FileSourceReader::restore_columns(const SourceState& state) { return files_->restore("", state.schema); }

Result<std::vector<std::string>> FileSourceReader::find_gone(const SourceState& state) const {
  SLUICE_TRY_ASSIGN(connect::FileLog before, connect::FileLog::decode(state.position));
  for (const connect::PlannedFile& file : files_->pending().files) before.files.erase(file.info.path);
  std::vector<std::string> gone;
  for (const auto& [path, file] : before.files) gone.push_back(path);
  return gone;
}

Status FileSourceReader::look(const std::stop_token& stop) { return files_->look(stop); }

std::chrono::milliseconds FileSourceReader::settling_time() const { return files_->settling_time(); }

bool FileSourceReader::has_pending() const { return files_->has_pending(); }

std::vector<std::string> FileSourceReader::pending_paths() const {
  std::vector<std::string> paths;
  for (const connect::PlannedFile& file : files_->pending().files) paths.push_back(file.info.path);
  return paths;
}

std::string FileSourceReader::pending_text() const { return files_->pending().encode(); }

const columnar::Schema& FileSourceReader::schema() const { return files_->schema(); }

std::vector<std::string> FileSourceReader::take_notes() {
  std::vector<std::string> notes;
  for (const connect::FileNotice& notice : files_->take_notices()) notes.push_back(connect::to_string(notice));
  return notes;
}

Status FileSourceReader::read_pending(const std::stop_token& stop, const BatchSink& rows,
                                      const DeadLetterSink& dead_letters) {
  Sink sink(rows, dead_letters);
  return files_->read_pending(sink, stop);
}

Status FileSourceReader::read_all(const std::stop_token& stop, const BatchSink& rows,
                                  const DeadLetterSink& dead_letters) {
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

// Whoever reads tracked files is computed anew when they change, so what was taken is asked for only while it is there.
Status FileSourceReader::read_taken(const std::stop_token& stop, const BatchSink& rows) {
  return read_all(stop, rows, [](const DeadLetter&) { return ok(); });
}

SourceState FileSourceReader::next_state(bool whole_position) const {
  SourceState state{"", "", files_->schema_text()};
  if (has_pending()) state.added = pending_text();
  if (whole_position || !recorded_) {
    connect::FileLog log = files_->log();
    if (has_pending()) log.add(files_->pending());
    state.position = log.encode();
  }
  return state;
}

std::string FileSourceReader::position() const { return files_->log().encode(); }

void FileSourceReader::advance() {
  recorded_ = true;
  files_->advance();
}

}  // namespace sluice::runtime::internal
