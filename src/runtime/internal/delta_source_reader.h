#pragma once

#include <memory>

#include "connect/delta/delta_source.h"
#include "runtime/source_reader.h"

namespace sluice::runtime::internal {

/// Reads the table of a read_delta call, through the lake.
class DeltaSourceReader final : public SourceReader {
 public:
  static Result<std::unique_ptr<SourceReader>> create(const SourceEnvironment& environment, const plan::Source& source);
  ~DeltaSourceReader() override;

  Status restore(const SourceState& state) override;
  Status restore_columns(const SourceState&) override { return ok(); }
  Result<std::vector<std::string>> find_gone(const SourceState&) const override { return std::vector<std::string>(); }
  void need(std::vector<bool> columns) override { table_->need(std::move(columns)); }
  Status look(const std::stop_token&) override { return table_->look(); }
  Status look_at_columns(const std::stop_token&) override { return table_->look_at_columns(); }
  bool has_pending() const override { return table_->has_pending(); }
  bool gives_changes() const override { return table_->gives_changes(); }
  std::string pending_text() const override { return has_pending() ? table_->next_position() : ""; }
  const columnar::Schema& schema() const override { return table_->schema(); }
  std::vector<std::string> take_notes() override { return table_->take_notes(); }
  Status read_pending(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink& dead_letters) override;
  Status read_all(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink& dead_letters) override;
  Status read_taken(const std::stop_token& stop, const BatchSink& rows) override;
  SourceState next_state(bool whole_position) const override;
  std::string position() const override { return table_->position(); }
  void advance() override { table_->advance(); }

 private:
  class Tables;
  DeltaSourceReader(plan::Source source, std::unique_ptr<Tables> tables);

  std::unique_ptr<Tables> tables_;
  std::unique_ptr<connect::DeltaSource> table_;
};

}  // namespace sluice::runtime::internal
