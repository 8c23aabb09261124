#include "runtime/internal/delta_source_reader.h"

#include <utility>

#include "runtime/managed_table.h"

namespace sluice::runtime::internal {

/// What connect asks of Delta tables, done by the lake.
class DeltaSourceReader::Tables final : public connect::DeltaTables {
 public:
  explicit Tables(lake::Lake& lake) : lake_(lake) {}

  Result<Store> open_folder(const std::string& path) override { return lake_.open_folder(path); }
  Status scan_changed_rows(const Snapshot& columns, const Store& store, const std::vector<delta::ChangeFile>& files,
                           const connect::NeededColumns& needed, const connect::ChangedRowSink& sink,
                           const std::stop_token& stop) override {
    return lake_.scan_changed_rows({columns, store}, files, needed, sink, stop);
  }
  Status scan_feed(delta::TableChanges changes, const Store& store, const connect::NeededColumns& needed,
                   const connect::ChangedRowSink& sink, const std::stop_token& stop) override {
    return lake_.scan_feed({std::move(changes), store}, needed, sink, stop);
  }

 private:
  lake::Lake& lake_;
};

DeltaSourceReader::DeltaSourceReader(plan::Source source, std::unique_ptr<Tables> tables)
    : SourceReader(std::move(source)), tables_(std::move(tables)) {}
DeltaSourceReader::~DeltaSourceReader() = default;

Result<std::unique_ptr<SourceReader>> DeltaSourceReader::create(const SourceEnvironment& environment,
                                                                const plan::Source& source) {
  std::unique_ptr<DeltaSourceReader> reader(new DeltaSourceReader(source, std::make_unique<Tables>(environment.lake)));
  SLUICE_TRY_ASSIGN(reader->table_,
                    connect::DeltaSource::create(source, *reader->tables_,
                                                 {std::string(kPipelineProperty), environment.pipeline_id}));
  return std::unique_ptr<SourceReader>(std::move(reader));
}

Status DeltaSourceReader::restore(const SourceState& state) { return table_->restore(state.position, state.schema); }

Status DeltaSourceReader::read_pending(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink&) {
  return table_->read_pending(rows, stop);
}

Status DeltaSourceReader::read_all(const std::stop_token& stop, const BatchSink& rows, const DeadLetterSink&) {
  return table_->read_all(rows, stop);
}

Status DeltaSourceReader::read_taken(const std::stop_token& stop, const BatchSink& rows) {
  return table_->read_taken(rows, stop);
}

SourceState DeltaSourceReader::next_state(bool) const {
  // A version says it all: the position is whole in every epoch.
  return {pending_text(), table_->next_position(), table_->next_schema_text()};
}

}  // namespace sluice::runtime::internal
