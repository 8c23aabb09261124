#include "cli/inspected_schemas.h"

#include "runtime/epoch_log.h"
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
  SLUICE_TRY_ASSIGN(const auto reader, runtime::SourceReader::create(*session_.files, session_.clock, source,
                                                                     std::chrono::milliseconds(0)));
  if (const auto stood = manifest_.sources.find(source.key); stood != manifest_.sources.end()) {
    // What was inferred counts; that the files of the last epoch are looked at again changes nothing.
    SLUICE_TRY(reader->restore({"", "", stood->second.schema}));
  }
  SLUICE_TRY(reader->look({}));
  return reader->schema();
}

}  // namespace sluice::cli
