#include "runtime/epoch_records.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/log.h"

namespace sluice::runtime {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::int64_t kFormatVersion = 1;

Error wrong(std::string_view record, std::string_view key) {
  return Error(ErrorCode::Corruption, fmt::format("{}: key '{}' is missing or of another type", record, key));
}

Result<std::string> text_at(object json, std::string_view record, const char* key) {
  std::string_view value;
  if (json[key].get(value) != simdjson::SUCCESS) return wrong(record, key);
  return std::string(value);
}

Result<std::int64_t> number_at(object json, std::string_view record, const char* key) {
  std::int64_t value = 0;
  if (json[key].get(value) != simdjson::SUCCESS) return wrong(record, key);
  return value;
}

Result<object> object_at(object json, std::string_view record, const char* key) {
  object value;
  if (json[key].get(value) != simdjson::SUCCESS) return wrong(record, key);
  return value;
}

Result<object> parse(simdjson::dom::parser& parser, const simdjson::padded_string& text, std::string_view record) {
  object json;
  if (parser.parse(text).get(json) != simdjson::SUCCESS) {
    return Error(ErrorCode::Corruption, fmt::format("{} is not a JSON object", record));
  }
  SLUICE_TRY_ASSIGN(const std::int64_t version, number_at(json, record, "formatVersion"));
  if (version != kFormatVersion) {
    return Error(ErrorCode::Unsupported,
                 fmt::format("{} has format version {}; this release knows {}", record, version, kFormatVersion));
  }
  return json;
}

std::string encode_tables(const std::map<std::string, TableState>& tables) {
  std::string out = "{";
  for (const auto& [name, table] : tables) {
    std::string consumed;
    for (const std::string& relation : table.consumed) {
      consumed += (consumed.empty() ? "" : ",") + json_quote(relation);
    }
    out += fmt::format(
        R"({}{}:{{"tableId":{},"generation":{},"version":{},"epoch":{},"fingerprint":{},"view":{},"consumed":[{}]}})",
        out.size() > 1 ? "," : "", json_quote(name), json_quote(table.table_id), table.generation, table.version,
        table.epoch, json_quote(table.fingerprint), table.view, consumed);
  }
  return out + "}";
}

std::string encode_sources(const std::map<std::string, SourceState>& sources) {
  std::string out = "{";
  for (const auto& [key, source] : sources) {
    out += fmt::format(R"({}{}:{{"added":{},"position":{},"schema":{}}})", out.size() > 1 ? "," : "", json_quote(key),
                       json_quote(source.added), json_quote(source.position), json_quote(source.schema));
  }
  return out + "}";
}

Result<TableState> decode_table(object json) {
  constexpr std::string_view kRecord = "manifest table";
  TableState table;
  SLUICE_TRY_ASSIGN(table.table_id, text_at(json, kRecord, "tableId"));
  SLUICE_TRY_ASSIGN(table.generation, number_at(json, kRecord, "generation"));
  SLUICE_TRY_ASSIGN(table.version, number_at(json, kRecord, "version"));
  SLUICE_TRY_ASSIGN(table.epoch, number_at(json, kRecord, "epoch"));
  SLUICE_TRY_ASSIGN(table.fingerprint, text_at(json, kRecord, "fingerprint"));
  if (json["view"].get(table.view) != simdjson::SUCCESS) table.view = false;  // older records do not say
  simdjson::dom::array consumed;
  if (json["consumed"].get(consumed) != simdjson::SUCCESS) return wrong(kRecord, "consumed");
  for (const element item : consumed) {
    std::string_view relation;
    if (item.get(relation) != simdjson::SUCCESS) return wrong(kRecord, "consumed");
    table.consumed.emplace_back(relation);
  }
  return table;
}

Result<SourceState> decode_source(object json) {
  constexpr std::string_view kRecord = "manifest source";
  SourceState source;
  SLUICE_TRY_ASSIGN(source.added, text_at(json, kRecord, "added"));
  SLUICE_TRY_ASSIGN(source.position, text_at(json, kRecord, "position"));
  SLUICE_TRY_ASSIGN(source.schema, text_at(json, kRecord, "schema"));
  return source;
}

Result<Manifest> decode_manifest_object(object json) {
  constexpr std::string_view kRecord = "manifest";
  Manifest manifest;
  SLUICE_TRY_ASSIGN(const std::int64_t epoch, number_at(json, kRecord, "epoch"));
  manifest.epoch = Epoch(epoch);
  SLUICE_TRY_ASSIGN(manifest.pipeline_id, text_at(json, kRecord, "pipelineId"));
  SLUICE_TRY_ASSIGN(manifest.engine, text_at(json, kRecord, "engine"));
  SLUICE_TRY_ASSIGN(const object tables, object_at(json, kRecord, "tables"));
  for (const auto [name, value] : tables) {
    object table_json;
    if (value.get(table_json) != simdjson::SUCCESS) return wrong(kRecord, "tables");
    SLUICE_TRY_ASSIGN(TableState table, decode_table(table_json));
    manifest.tables.emplace(name, std::move(table));
  }
  SLUICE_TRY_ASSIGN(const object sources, object_at(json, kRecord, "sources"));
  for (const auto [key, value] : sources) {
    object source_json;
    if (value.get(source_json) != simdjson::SUCCESS) return wrong(kRecord, "sources");
    SLUICE_TRY_ASSIGN(SourceState source, decode_source(source_json));
    manifest.sources.emplace(key, std::move(source));
  }
  return manifest;
}

Result<PlannedCommit> decode_commit(object json) {
  constexpr std::string_view kRecord = "commit intent";
  PlannedCommit commit;
  SLUICE_TRY_ASSIGN(commit.table, text_at(json, kRecord, "table"));
  SLUICE_TRY_ASSIGN(commit.version, number_at(json, kRecord, "version"));
  SLUICE_TRY_ASSIGN(commit.transaction_id, text_at(json, kRecord, "transactionId"));
  SLUICE_TRY_ASSIGN(commit.bytes, text_at(json, kRecord, "bytes"));
  if (json["appendOnly"].get(commit.append_only) != simdjson::SUCCESS) return wrong(kRecord, "appendOnly");
  return commit;
}

}  // namespace

std::string encode(const Manifest& manifest) {
  return fmt::format(R"({{"formatVersion":{},"epoch":{},"pipelineId":{},"engine":{},"tables":{},"sources":{}}})",
                     kFormatVersion, manifest.epoch.value(), json_quote(manifest.pipeline_id),
                     json_quote(manifest.engine), encode_tables(manifest.tables), encode_sources(manifest.sources));
}

std::string encode(const OffsetPlan& plan) {
  std::string sources;
  for (const auto& [key, added] : plan.sources) {
    sources += fmt::format("{}{}:{}", sources.empty() ? "" : ",", json_quote(key), json_quote(added));
  }
  return fmt::format(R"({{"formatVersion":{},"epoch":{},"runId":{},"sources":{{{}}}}})", kFormatVersion,
                     plan.epoch.value(), json_quote(plan.run_id), sources);
}

std::string encode(const CommitIntent& intent) {
  std::string commits;
  for (const PlannedCommit& commit : intent.commits) {
    commits += fmt::format(R"({}{{"table":{},"version":{},"transactionId":{},"appendOnly":{},"bytes":{}}})",
                           commits.empty() ? "" : ",", json_quote(commit.table), commit.version,
                           json_quote(commit.transaction_id), commit.append_only, json_quote(commit.bytes));
  }
  return fmt::format(R"({{"formatVersion":{},"epoch":{},"runId":{},"commits":[{}],"manifest":{}}})", kFormatVersion,
                     intent.epoch.value(), json_quote(intent.run_id), commits, encode(intent.manifest));
}

Result<Manifest> decode_manifest(std::string_view text) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  SLUICE_TRY_ASSIGN(const object json, parse(parser, padded, "manifest"));
  return decode_manifest_object(json);
}

Result<OffsetPlan> decode_offset_plan(std::string_view text) {
  constexpr std::string_view kRecord = "offset plan";
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  SLUICE_TRY_ASSIGN(const object json, parse(parser, padded, kRecord));
  OffsetPlan plan;
  SLUICE_TRY_ASSIGN(const std::int64_t epoch, number_at(json, kRecord, "epoch"));
  plan.epoch = Epoch(epoch);
  SLUICE_TRY_ASSIGN(plan.run_id, text_at(json, kRecord, "runId"));
  SLUICE_TRY_ASSIGN(const object sources, object_at(json, kRecord, "sources"));
  for (const auto [key, value] : sources) {
    std::string_view added;
    if (value.get(added) != simdjson::SUCCESS) return wrong(kRecord, "sources");
    plan.sources.emplace(key, added);
  }
  return plan;
}

Result<CommitIntent> decode_commit_intent(std::string_view text) {
  constexpr std::string_view kRecord = "commit intent";
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  SLUICE_TRY_ASSIGN(const object json, parse(parser, padded, kRecord));
  CommitIntent intent;
  SLUICE_TRY_ASSIGN(const std::int64_t epoch, number_at(json, kRecord, "epoch"));
  intent.epoch = Epoch(epoch);
  SLUICE_TRY_ASSIGN(intent.run_id, text_at(json, kRecord, "runId"));
  simdjson::dom::array commits;
  if (json["commits"].get(commits) != simdjson::SUCCESS) return wrong(kRecord, "commits");
  for (const element item : commits) {
    object commit_json;
    if (item.get(commit_json) != simdjson::SUCCESS) return wrong(kRecord, "commits");
    SLUICE_TRY_ASSIGN(PlannedCommit commit, decode_commit(commit_json));
    intent.commits.push_back(std::move(commit));
  }
  SLUICE_TRY_ASSIGN(const object manifest, object_at(json, kRecord, "manifest"));
  SLUICE_TRY_ASSIGN(intent.manifest, decode_manifest_object(manifest));
  return intent;
}

}  // namespace sluice::runtime
