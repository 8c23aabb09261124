#include "sql/internal/delta_call.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include <duckdb/common/types/timestamp.hpp>

#include "columnar/guard.h"
#include "sql/internal/source_call.h"

namespace sluice::sql {
namespace {

const std::vector<CallOption>& options() {
  using Kind = CallOption::Kind;
  static const std::vector<CallOption> kOptions = {
      {"version", Kind::Version},
      {"timestamp", Kind::Text},
      {"as_of", Kind::Text},  // a synonym of timestamp
      {"skipChangeCommits", Kind::Boolean},
      {"readChangeFeed", Kind::Boolean},
      {"startingVersion", Kind::Version, {"latest"}},
      {"startingTimestamp", Kind::Text},
      {"maxFilesPerTrigger", Kind::Count},
  };
  return kOptions;
}

/// Options that Delta's own streaming source knows and this version does not do.
constexpr std::array<std::string_view, 7> kLaterOptions = {"maxBytesPerTrigger",    "ignoreDeletes", "ignoreChanges",
                                                           "withEventTimeOrder",    "endingVersion", "failOnDataLoss",
                                                           "schemaTrackingLocation"};

constexpr std::array<std::string_view, 3> kTableOptions = {"version", "timestamp", "as_of"};
constexpr std::array<std::string_view, 5> kStreamOptions = {"skipchangecommits", "readchangefeed", "startingversion",
                                                            "startingtimestamp", "maxfilespertrigger"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kEitherOr = {
    {{"version", "timestamp"},
     {"version", "as_of"},
     {"timestamp", "as_of"},
     {"startingversion", "startingtimestamp"},
     {"readchangefeed", "skipchangecommits"}}};

/// Returns the milliseconds since 1970 that a time says, in UTC unless it says otherwise.
std::optional<std::int64_t> milliseconds_of(const std::string& text) {
  std::optional<std::int64_t> milliseconds;
  const Status read = columnar::guard([&] {
    duckdb::timestamp_t time;
    bool has_offset = false;
    duckdb::string_t zone("", 0);
    if (duckdb::Timestamp::TryConvertTimestampTZ(text.data(), text.size(), time, /*use_offset=*/true, has_offset,
                                                 zone) != duckdb::TimestampCastResult::SUCCESS ||
        zone.GetSize() > 0 || !duckdb::Timestamp::IsFinite(time)) {
      return;
    }
    milliseconds = duckdb::Timestamp::GetEpochMs(time);
  });
  return read ? milliseconds : std::nullopt;
}

class DeltaCall {
 public:
  DeltaCall(const SourceText& source, SourceCall written, bool stream, std::vector<Error>& errors)
      : source_(source), written_(std::move(written)), stream_(stream), errors_(errors) {}

  plan::Source run() {
    check_place();
    check_pairs();
    plan::Source out;
    out.kind = plan::SourceKind::Delta;
    out.path = written_.path;
    out.options = written_.texts();
    for (const std::string_view name : {"timestamp", "as_of", "startingtimestamp"}) read_time(std::string(name), out);
    if (auto time = out.options.extract("timestamp")) {
      time.key() = "as_of";
      out.options.insert(std::move(time));
    }
    return out;
  }

 private:
  void fail(Span span, std::string message, std::string help) {
    errors_.push_back(source_.error(SqlError::BadOption, span, std::move(message), std::move(help)));
  }

  /// A version is for a table as it was, where to start is for a stream.
  void check_place() {
    for (const auto& [name, value] : written_.options) {
      if (stream_ && std::ranges::find(kTableOptions, name) != kTableOptions.end()) {
        fail(value.name->span, fmt::format("{} fixes the rows, but a stream goes on", value.name->text),
             "leave out STREAM, or say where to begin: startingVersion => n, startingTimestamp => 'time'");
      } else if (!stream_ && std::ranges::find(kStreamOptions, name) != kStreamOptions.end()) {
        fail(value.name->span, fmt::format("{} is for streams", value.name->text),
             "write STREAM before read_delta in a STREAMING TABLE, or leave the option out");
      }
    }
  }

  void check_pairs() {
    for (const auto& [first, second] : kEitherOr) {
      const auto one = find_given(first);
      const auto other = find_given(second);
      if (one == nullptr || other == nullptr) continue;
      fail(other->name->span, fmt::format("{} and {} exclude each other", one->name->text, other->name->text),
           "leave one of them out");
    }
  }

  /// Returns the option if it is given and not false.
  const SourceCall::Value* find_given(std::string_view name) const {
    const auto found = written_.options.find(std::string(name));
    return found == written_.options.end() || found->second.text == "false" ? nullptr : &found->second;
  }

  void read_time(const std::string& name, plan::Source& out) {
    const auto given = written_.options.find(name);
    if (given == written_.options.end()) return;
    const auto milliseconds = milliseconds_of(given->second.text);
    if (!milliseconds) {
      return fail(given->second.value->span,
                  fmt::format("{} cannot be '{}'", given->second.name->text, given->second.text),
                  "write a time such as '2026-01-31 12:00:00' (UTC) or '2026-01-31 12:00:00+01'");
    }
    out.options[name] = std::to_string(*milliseconds);
  }

  const SourceText& source_;
  const SourceCall written_;
  const bool stream_;
  std::vector<Error>& errors_;
};

}  // namespace

plan::Source parse_delta_call(const SourceText& source, TokenRange call, bool stream, std::vector<Error>& errors) {
  const CallGrammar grammar{"read_delta", "read_delta('tables/orders')", "name the folder of a Delta table", options(),
                            kLaterOptions};
  plan::Source out = DeltaCall(source, parse_source_call(source, call, grammar, errors), stream, errors).run();
  out.location = source.locate(call.span());
  return out;
}

}  // namespace sluice::sql
