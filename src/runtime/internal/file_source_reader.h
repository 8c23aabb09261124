#pragma once

#include <memory>

#include "connect/files/file_source.h"
#include "runtime/source_reader.h"

namespace sluice::runtime::internal {

/// Reads the files of a read_files call.
class FileSourceReader final : public SourceReader {
 public:
  FileSourceReader(plan::Source source, std::unique_ptr<connect::FileSource> files)
      : SourceReader(std::move(source)), files_(std::move(files)) {}

  Status restore(const SourceState& state) override;
  Status restore_columns(const SourceState& state) override;
  Result<std::vector<std::string>> find_gone(const SourceState& state) const override;
  Status look(const std::stop_token& stop) override;
  std::chrono::milliseconds settling_time() const override;
  bool has_pending() const override;
  bool gives_changes() const override { return false; }
  std::vector<std::string> pending_paths() const override;
  std::string pending_text() const override;
  const columnar::Schema& schema() const override;
  std::vector<std::string> take_notes() override;
  Status read_pending(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink& dead_letters) override;
  Status read_all(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink& dead_letters) override;
  Status read_taken(const std::stop_token& stop, const BatchSink& rows) override;
  SourceState next_state(bool whole_position) const override;
  std::string position() const override;
  void advance() override;

 private:
  std::unique_ptr<connect::FileSource> files_;
  bool recorded_ = false;  ///< The manifests say where it stands.
};

}  // namespace sluice::runtime::internal
