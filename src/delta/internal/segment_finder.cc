#include "delta/internal/segment_finder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "delta/internal/json_reader.h"
#include "delta/log_path.h"

namespace sluice::delta::internal {
namespace {

/// Returns the version that `_last_checkpoint` names. It is a hint: whatever is wrong with it, there is none.
std::optional<Version> read_hint(store::ObjectStore& store) {
  const auto text = store.get(kLastCheckpointKey);
  if (!text || !*text) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  if (parser.parse(simdjson::padded_string(**text)).get(members) != simdjson::SUCCESS) return std::nullopt;
  const auto version = JsonFields(members, "_last_checkpoint").integer("version");
  if (!version || !*version || **version < 0) return std::nullopt;
  return Version(**version);
}

}  // namespace

Result<std::optional<LogSegment>> SegmentFinder::find() {
  if (use_hint_) {
    use_hint_ = false;
    const auto hint = read_hint(store_);
    if (hint && (!at_ || *hint <= *at_)) {
      SLUICE_TRY_ASSIGN(const auto listing, store_.list(kLogFolder, list_from_key(*hint)));
      auto segment = decide(listing);
      if (segment && *segment && !(*segment)->checkpoint.empty()) return segment;
      // It lies: look at everything.
    }
  }
  SLUICE_TRY_ASSIGN(const auto listing, store_.list(kLogFolder));
  auto segment = decide(listing);
  if (segment || !damage_) return segment;
  return Error(damage_->code(), fmt::format("{}; without it, {}", damage_->message(), segment.error().message()))
      .with_number(damage_->number())
      .with_help(segment.error().help());
}

Result<std::optional<LogSegment>> SegmentFinder::decide(const std::vector<store::ObjectInfo>& listing) {
  auto segment = decide_log_segment(listing, at_, unreadable_);
  const Version used = segment && *segment ? (*segment)->checkpoint_version() : kNoVersion;
  for (const store::ObjectInfo& info : listing) {
    const auto path = parse_log_path(info.key);
    if (!path || !path->is_checkpoint() || info.size_bytes > 0) continue;
    if (path->version <= used || (at_ && path->version > *at_) || !unreadable_.insert(info.key).second) continue;
    damage_ = Error(ErrorCode::Corruption, fmt::format("the log checkpoint {} cannot be read: it is empty", info.key))
                  .with_number(4203);
    passed_over_.push_back(damage_->message());
  }
  return segment;
}

void SegmentFinder::pass_over(const LogSegment& segment, Error damage) {
  for (const LogFile& file : segment.checkpoint) unreadable_.insert(file.info.key);
  passed_over_.push_back(damage.message());
  damage_ = std::move(damage);
}

}  // namespace sluice::delta::internal
