#include "cli/inspected_schemas.h"

#include "connect/files/discovery.h"
#include "delta/duckdb_schema.h"
#include "delta/snapshot.h"
#include "runtime/epoch_log.h"
#include "runtime/refresh_plan.h"
#include "runtime/source_reader.h"
#include "store/prefix_store.h"

namespace sluice::cli {

Result<InspectedSchemas> InspectedSchemas::open(Session& session) {
  InspectedSchemas schemas(session);
  store::PrefixStore records(*session.storage, "_sluice");
  runtime::EpochLog epochs(records, session.fail_points);
  SLUICE_TRY_ASSIGN(auto manifest, epochs.newest_manifest());
  if (manifest) schemas.manifest_ = std::move(*manifest);
  return schemas;
}

Result<columnar::Schema> InspectedSchemas::schema_of(const plan::Source& source) {
  SLUICE_TRY_ASSIGN(const auto reader, runtime::SourceReader::create(
                                           {*session_.files, *session_.lake, session_.clock, manifest_.pipeline_id},
                                           source, std::chrono::milliseconds(0)));
  if (const auto stood = manifest_.sources.find(source.key); stood != manifest_.sources.end()) {
    // What was inferred counts; that the files of the last epoch are looked at again changes nothing.
    SLUICE_TRY(reader->restore({"", "", stood->second.schema}));
  }
  SLUICE_TRY(reader->look_at_columns({}));
  if (const auto stood = manifest_.sources.find(source.key); stood != manifest_.sources.end()) {
    grown_ =
        grown_ || (source.kind == plan::SourceKind::Files && stood->second.schema != reader->next_state(false).schema);
  }
  return reader->schema();
}

std::vector<Error> InspectedSchemas::find_obstacles(const plan::Pipeline& pipeline) {
  std::vector<Error> found;
  for (const plan::Source& source : pipeline.sources) {
    if (!source.declared_schema) continue;  // the others were looked into for their columns
    const auto files = connect::discover(*session_.files, source.path);
    if (!files) found.push_back(Error(files.error()).at(source.location));
  }
  const runtime::RefreshFacts facts = runtime::facts_of(manifest_, session_.project.schema);
  if (const auto decided = runtime::decide_refresh(pipeline, facts); !decided) found.push_back(decided.error());
  for (const plan::Dataset& dataset : pipeline.datasets) {
    const auto state = facts.tables.find(dataset.name);
    if (dataset.kind != plan::DatasetKind::StreamingTable || state == facts.tables.end() || state->second.view)
      continue;
    store::PrefixStore table(*session_.storage, session_.project.schema + "/" + dataset.name);
    const auto snapshot = delta::Snapshot::load(table);
    if (!snapshot || !*snapshot) continue;  // a damaged table is not the text's fault
    const auto fits = runtime::check_fit(
        pipeline, dataset, {delta::columnar_schema((*snapshot)->schema()), (*snapshot)->metadata().partition_columns},
        grown_);
    if (!fits) found.push_back(fits.error());
  }
  return found;
}

}  // namespace sluice::cli
