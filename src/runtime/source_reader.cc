#include "runtime/source_reader.h"

#include "connect/delta/delta_source.h"
#include "connect/files/file_log.h"
#include "runtime/internal/delta_source_reader.h"
#include "runtime/internal/file_source_reader.h"

namespace sluice::runtime {

Result<std::unique_ptr<SourceReader>> SourceReader::create(const SourceEnvironment& environment,
                                                           const plan::Source& source,
                                                           std::chrono::milliseconds settle_time) {
  if (source.kind == plan::SourceKind::Delta) return internal::DeltaSourceReader::create(environment, source);
  SLUICE_TRY_ASSIGN(auto files, connect::FileSource::create(source, environment.files, environment.clock, settle_time));
  return std::unique_ptr<SourceReader>(std::make_unique<internal::FileSourceReader>(source, std::move(files)));
}

Result<std::string> SourceReader::merge_positions(const std::string& whole, const std::vector<std::string>& added) {
  if (connect::DeltaPosition::is_one(whole)) {
    std::string newest = whole;
    for (const std::string& text : added) {
      if (!text.empty()) newest = text;
    }
    return newest;
  }
  SLUICE_TRY_ASSIGN(connect::FileLog log, connect::FileLog::decode(whole));
  for (const std::string& text : added) {
    SLUICE_TRY_ASSIGN(const connect::FilePlan plan, connect::FilePlan::decode(text));
    log.add(plan);
  }
  return log.encode();
}

}  // namespace sluice::runtime
