#include "delta/action_json.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/log.h"
#include "delta/internal/json_reader.h"
#include "delta/internal/json_writer.h"

namespace sluice::delta {
namespace {

using internal::JsonFields;
using internal::JsonObjectWriter;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

UnixMillis millis(std::int64_t value) { return UnixMillis(std::chrono::milliseconds(value)); }

std::optional<UnixMillis> millis(std::optional<std::int64_t> value) {
  if (!value) return std::nullopt;
  return millis(*value);
}

std::int64_t number(UnixMillis time) { return time.time_since_epoch().count(); }

std::optional<std::int64_t> number(std::optional<UnixMillis> time) {
  if (!time) return std::nullopt;
  return number(*time);
}

Result<std::int32_t> require_int32(const JsonFields& fields, std::string_view name) {
  SLUICE_TRY_ASSIGN(const std::int64_t value, fields.require_integer(name));
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max()) {
    return fields.wrong(name, "a 32-bit number");
  }
  return static_cast<std::int32_t>(value);
}

Result<Tags> read_tags(const JsonFields& fields) {
  SLUICE_TRY_ASSIGN(auto tags, fields.text_map("tags"));
  return std::move(tags).value_or(Tags());
}

Result<std::map<std::string, std::string>> read_configuration(const JsonFields& fields, std::string_view name) {
  std::map<std::string, std::string> configuration;
  SLUICE_TRY_ASSIGN(const auto members, fields.object(name));
  if (!members) return configuration;
  for (const auto [key, value] : *members) {
    if (!value.is_null()) configuration.emplace(key, internal::to_text(value));
  }
  return configuration;
}

Result<std::optional<std::set<std::string>>> read_features(const JsonFields& fields, std::string_view name) {
  SLUICE_TRY_ASSIGN(auto list, fields.text_list(name));
  if (!list) return std::optional<std::set<std::string>>();
  return std::optional(std::set<std::string>(list->begin(), list->end()));
}

Result<Action> read_protocol(const JsonFields& fields) {
  Protocol protocol;
  SLUICE_TRY_ASSIGN(protocol.min_reader_version, require_int32(fields, "minReaderVersion"));
  SLUICE_TRY_ASSIGN(protocol.min_writer_version, require_int32(fields, "minWriterVersion"));
  SLUICE_TRY_ASSIGN(protocol.reader_features, read_features(fields, "readerFeatures"));
  SLUICE_TRY_ASSIGN(protocol.writer_features, read_features(fields, "writerFeatures"));
  return Action(std::move(protocol));
}

Result<Action> read_metadata(const JsonFields& fields) {
  Metadata metadata;
  SLUICE_TRY_ASSIGN(metadata.id, fields.require_text("id"));
  SLUICE_TRY_ASSIGN(metadata.name, fields.text("name"));
  SLUICE_TRY_ASSIGN(metadata.description, fields.text("description"));
  SLUICE_TRY_ASSIGN(const auto format, fields.object("format"));
  if (format) {
    const JsonFields format_fields(*format, "metaData.format");
    SLUICE_TRY_ASSIGN(const auto provider, format_fields.text("provider"));
    metadata.format_provider = provider.value_or("parquet");
    SLUICE_TRY_ASSIGN(metadata.format_options, read_configuration(format_fields, "options"));
  }
  SLUICE_TRY_ASSIGN(auto schema_string, fields.text("schemaString"));
  metadata.schema_string = std::move(schema_string).value_or("");
  SLUICE_TRY_ASSIGN(auto columns, fields.text_list("partitionColumns"));
  metadata.partition_columns = std::move(columns).value_or(std::vector<std::string>());
  SLUICE_TRY_ASSIGN(metadata.configuration, read_configuration(fields, "configuration"));
  SLUICE_TRY_ASSIGN(const auto created_time, fields.integer("createdTime"));
  metadata.created_time = millis(created_time);
  return Action(std::move(metadata));
}

Result<std::optional<DeletionVectorDescriptor>> read_deletion_vector(const JsonFields& file) {
  SLUICE_TRY_ASSIGN(const auto members, file.object("deletionVector"));
  if (!members) return std::optional<DeletionVectorDescriptor>();
  const JsonFields fields(*members, "deletionVector");
  DeletionVectorDescriptor descriptor;
  SLUICE_TRY_ASSIGN(const std::string storage_type, fields.require_text("storageType"));
  if (storage_type.size() != 1) return fields.wrong("storageType", "one letter");
  descriptor.storage_type = storage_type[0];
  SLUICE_TRY_ASSIGN(descriptor.path_or_inline_dv, fields.require_text("pathOrInlineDv"));
  SLUICE_TRY_ASSIGN(const auto offset, fields.integer("offset"));
  if (offset) {
    SLUICE_TRY_ASSIGN(descriptor.offset, require_int32(fields, "offset"));
  }
  SLUICE_TRY_ASSIGN(descriptor.size_bytes, require_int32(fields, "sizeInBytes"));
  SLUICE_TRY_ASSIGN(descriptor.cardinality, fields.require_integer("cardinality"));
  return std::optional(std::move(descriptor));
}

Result<Action> read_add(const JsonFields& fields) {
  AddFile add;
  SLUICE_TRY_ASSIGN(add.path, fields.require_text("path"));
  SLUICE_TRY_ASSIGN(auto partition_values, fields.text_map("partitionValues"));
  add.partition_values = std::move(partition_values).value_or(PartitionValues());
  SLUICE_TRY_ASSIGN(add.size_bytes, fields.require_integer("size"));
  SLUICE_TRY_ASSIGN(const auto modified, fields.integer("modificationTime"));
  add.modification_time = millis(modified.value_or(0));
  SLUICE_TRY_ASSIGN(const auto data_change, fields.boolean("dataChange"));
  add.data_change = data_change.value_or(true);
  SLUICE_TRY_ASSIGN(add.stats, fields.text("stats"));
  SLUICE_TRY_ASSIGN(add.tags, read_tags(fields));
  SLUICE_TRY_ASSIGN(add.deletion_vector, read_deletion_vector(fields));
  SLUICE_TRY_ASSIGN(add.base_row_id, fields.integer("baseRowId"));
  SLUICE_TRY_ASSIGN(add.default_row_commit_version, fields.integer("defaultRowCommitVersion"));
  SLUICE_TRY_ASSIGN(add.clustering_provider, fields.text("clusteringProvider"));
  return Action(std::move(add));
}

Result<Action> read_remove(const JsonFields& fields) {
  RemoveFile remove;
  SLUICE_TRY_ASSIGN(remove.path, fields.require_text("path"));
  SLUICE_TRY_ASSIGN(const auto deletion_timestamp, fields.integer("deletionTimestamp"));
  remove.deletion_timestamp = millis(deletion_timestamp);
  SLUICE_TRY_ASSIGN(const auto data_change, fields.boolean("dataChange"));
  remove.data_change = data_change.value_or(true);
  SLUICE_TRY_ASSIGN(remove.extended_file_metadata, fields.boolean("extendedFileMetadata"));
  SLUICE_TRY_ASSIGN(remove.partition_values, fields.text_map("partitionValues"));
  SLUICE_TRY_ASSIGN(remove.size_bytes, fields.integer("size"));
  SLUICE_TRY_ASSIGN(remove.stats, fields.text("stats"));
  SLUICE_TRY_ASSIGN(remove.tags, read_tags(fields));
  SLUICE_TRY_ASSIGN(remove.deletion_vector, read_deletion_vector(fields));
  SLUICE_TRY_ASSIGN(remove.base_row_id, fields.integer("baseRowId"));
  SLUICE_TRY_ASSIGN(remove.default_row_commit_version, fields.integer("defaultRowCommitVersion"));
  return Action(std::move(remove));
}

Result<Action> read_cdc(const JsonFields& fields) {
  AddCdcFile cdc;
  SLUICE_TRY_ASSIGN(cdc.path, fields.require_text("path"));
  SLUICE_TRY_ASSIGN(auto partition_values, fields.text_map("partitionValues"));
  cdc.partition_values = std::move(partition_values).value_or(PartitionValues());
  SLUICE_TRY_ASSIGN(cdc.size_bytes, fields.require_integer("size"));
  SLUICE_TRY_ASSIGN(const auto data_change, fields.boolean("dataChange"));
  cdc.data_change = data_change.value_or(false);
  SLUICE_TRY_ASSIGN(cdc.tags, read_tags(fields));
  return Action(std::move(cdc));
}

Result<Action> read_txn(const JsonFields& fields) {
  SetTransaction txn;
  SLUICE_TRY_ASSIGN(txn.app_id, fields.require_text("appId"));
  SLUICE_TRY_ASSIGN(txn.version, fields.require_integer("version"));
  SLUICE_TRY_ASSIGN(const auto last_updated, fields.integer("lastUpdated"));
  txn.last_updated = millis(last_updated);
  return Action(std::move(txn));
}

Result<Action> read_domain(const JsonFields& fields) {
  DomainMetadata domain;
  SLUICE_TRY_ASSIGN(domain.domain, fields.require_text("domain"));
  SLUICE_TRY_ASSIGN(auto configuration, fields.text("configuration"));
  domain.configuration = std::move(configuration).value_or("");
  SLUICE_TRY_ASSIGN(const auto removed, fields.boolean("removed"));
  domain.removed = removed.value_or(false);
  return Action(std::move(domain));
}

Result<Action> read_sidecar(const JsonFields& fields) {
  Sidecar sidecar;
  SLUICE_TRY_ASSIGN(sidecar.path, fields.require_text("path"));
  SLUICE_TRY_ASSIGN(sidecar.size_bytes, fields.require_integer("sizeInBytes"));
  SLUICE_TRY_ASSIGN(const auto modified, fields.integer("modificationTime"));
  sidecar.modification_time = millis(modified.value_or(0));
  SLUICE_TRY_ASSIGN(sidecar.tags, read_tags(fields));
  return Action(std::move(sidecar));
}

Result<Action> read_checkpoint_metadata(const JsonFields& fields) {
  CheckpointMetadata metadata;
  SLUICE_TRY_ASSIGN(const std::int64_t version, fields.require_integer("version"));
  metadata.version = Version(version);
  SLUICE_TRY_ASSIGN(metadata.tags, read_tags(fields));
  return Action(std::move(metadata));
}

std::map<std::string, std::string> free_form_map(object members) {
  std::map<std::string, std::string> map;
  for (const auto [key, value] : members) map.emplace(key, internal::to_text(value));
  return map;
}

/// Takes a member of commitInfo, if it has the name and type of one we know.
bool take_commit_info(CommitInfo& info, std::string_view name, element value) {
  const auto text = [&](std::optional<std::string>& member) {
    if (value.type() != element_type::STRING) return false;
    member = std::string(std::string_view(value));
    return true;
  };
  const auto time = [&](std::optional<UnixMillis>& member) {
    member = millis(internal::to_integer(value));
    return member.has_value();
  };
  const auto map = [&](std::map<std::string, std::string>& member) {
    if (value.type() != element_type::OBJECT) return false;
    member = free_form_map(object(value));
    return true;
  };
  if (name == "timestamp") return time(info.timestamp);
  if (name == "inCommitTimestamp") return time(info.in_commit_timestamp);
  if (name == "operationParameters") return map(info.operation_parameters);
  if (name == "operationMetrics") return map(info.operation_metrics);
  if (name == "isolationLevel") return text(info.isolation_level);
  if (name == "engineInfo") return text(info.engine_info);
  if (name == "txnId") return text(info.txn_id);
  if (name == "userMetadata") return text(info.user_metadata);
  if (name == "operation" && value.type() == element_type::STRING) {
    info.operation = std::string(std::string_view(value));
    return true;
  }
  if (name == "readVersion") {
    const auto version = internal::to_integer(value);
    if (version) info.read_version = Version(*version);
    return version.has_value();
  }
  if (name == "isBlindAppend") {
    info.is_blind_append = internal::to_boolean(value);
    return info.is_blind_append.has_value();
  }
  return false;
}

/// Never fails: commitInfo is free-form, and nothing that a snapshot holds depends on it.
CommitInfo read_commit_info(object members) {
  CommitInfo info;
  std::set<std::string_view> seen;
  for (const auto [name, value] : members) {
    if (value.is_null() || !seen.insert(name).second) continue;  // of equal names the first counts
    if (name == "tags") {
      auto tags = JsonFields(members, "commitInfo").text_map("tags");
      if (tags) {
        info.tags = std::move(**tags);
        continue;
      }
    }
    if (!take_commit_info(info, name, value)) info.other.emplace(name, simdjson::minify(value));
  }
  return info;
}

/// Appends the actions of one line.
Status read_line(object line, std::vector<Action>& actions) {
  using Reader = Result<Action> (*)(const JsonFields&);
  static constexpr std::pair<std::string_view, Reader> kReaders[] = {
      {"add", read_add},           {"remove", read_remove},   {"metaData", read_metadata},
      {"protocol", read_protocol}, {"txn", read_txn},         {"domainMetadata", read_domain},
      {"cdc", read_cdc},           {"sidecar", read_sidecar}, {"checkpointMetadata", read_checkpoint_metadata},
  };
  for (const auto [name, value] : line) {
    if (value.is_null()) continue;
    if (name == "commitInfo") {
      if (value.type() == element_type::OBJECT) actions.emplace_back(read_commit_info(object(value)));
      continue;
    }
    for (const auto& [action_name, reader] : kReaders) {
      if (name != action_name) continue;
      if (value.type() != element_type::OBJECT) {
        return Error(ErrorCode::Corruption, fmt::format("the action \"{}\" is not an object", name));
      }
      SLUICE_TRY_ASSIGN(Action action, reader(JsonFields(object(value), action_name)));
      actions.push_back(std::move(action));
      break;
    }
  }
  return ok();
}

Error unreadable_line(std::string_view file_name, std::size_t line_number, std::string_view why) {
  return Error(ErrorCode::Corruption, fmt::format("{}, line {}: {}", file_name, line_number, why)).with_number(4202);
}

}  // namespace

Result<std::vector<Action>> read_actions(BytesView text, std::string_view file_name) {
  std::vector<Action> actions;
  const simdjson::padded_string padded(text);  // each line is parsed in place: what follows it serves as its padding
  simdjson::dom::parser parser;
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    ++line_number;
    const std::string_view line = text.substr(begin, end - begin);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      element document;
      if (const auto code = parser.parse(padded.data() + begin, line.size(), false).get(document)) {
        return unreadable_line(file_name, line_number, simdjson::error_message(code));
      }
      if (document.type() != element_type::OBJECT) return unreadable_line(file_name, line_number, "not a JSON object");
      if (auto status = read_line(object(document), actions); !status) {
        return unreadable_line(file_name, line_number, status.error().message());
      }
    }
    begin = end + 1;
  }
  return actions;
}

namespace {

void write_tags(JsonObjectWriter& fields, const Tags& tags) {
  if (!tags.empty()) fields.text_map("tags", tags);
}

void write_deletion_vector(std::string& out, JsonObjectWriter& file,
                           const std::optional<DeletionVectorDescriptor>& descriptor) {
  if (!descriptor) return;
  file.key("deletionVector");
  JsonObjectWriter fields(out);
  fields.text("storageType", std::string_view(&descriptor->storage_type, 1));
  fields.text("pathOrInlineDv", std::string_view(descriptor->path_or_inline_dv));
  if (descriptor->offset) fields.integer("offset", std::int64_t{*descriptor->offset});
  fields.integer("sizeInBytes", std::int64_t{descriptor->size_bytes});
  fields.integer("cardinality", descriptor->cardinality);
  fields.close();
}

void write_fields(std::string&, JsonObjectWriter& fields, const CommitInfo& info) {
  fields.integer("timestamp", number(info.timestamp));
  fields.integer("inCommitTimestamp", number(info.in_commit_timestamp));
  if (!info.operation.empty()) fields.text("operation", std::string_view(info.operation));
  // A member of another type than ours stands in `other`.
  const auto write_map = [&](const char* name, const std::map<std::string, std::string>& map) {
    if (info.other.count(name) == 0) fields.text_map(name, map);
  };
  write_map("operationParameters", info.operation_parameters);
  if (info.read_version) fields.integer("readVersion", info.read_version->value());
  fields.text("isolationLevel", info.isolation_level);
  fields.boolean("isBlindAppend", info.is_blind_append);
  write_map("operationMetrics", info.operation_metrics);
  fields.text("userMetadata", info.user_metadata);
  fields.text("engineInfo", info.engine_info);
  fields.text("txnId", info.txn_id);
  write_tags(fields, info.tags);
  for (const auto& [name, json] : info.other) fields.raw(name, json);
}

void write_fields(std::string& out, JsonObjectWriter& fields, const Protocol& protocol) {
  fields.integer("minReaderVersion", std::int64_t{protocol.min_reader_version});
  fields.integer("minWriterVersion", std::int64_t{protocol.min_writer_version});
  if (protocol.reader_features) {
    fields.key("readerFeatures");
    internal::append_text_list(out, *protocol.reader_features);
  }
  if (protocol.writer_features) {
    fields.key("writerFeatures");
    internal::append_text_list(out, *protocol.writer_features);
  }
}

void write_fields(std::string& out, JsonObjectWriter& fields, const Metadata& metadata) {
  fields.text("id", std::string_view(metadata.id));
  fields.text("name", metadata.name);
  fields.text("description", metadata.description);
  fields.key("format");
  JsonObjectWriter format(out);
  format.text("provider", std::string_view(metadata.format_provider));
  format.text_map("options", metadata.format_options);
  format.close();
  if (!metadata.schema_string.empty()) fields.text("schemaString", std::string_view(metadata.schema_string));
  fields.key("partitionColumns");
  internal::append_text_list(out, metadata.partition_columns);
  fields.text_map("configuration", metadata.configuration);
  fields.integer("createdTime", number(metadata.created_time));
}

void write_fields(std::string&, JsonObjectWriter& fields, const SetTransaction& txn) {
  fields.text("appId", std::string_view(txn.app_id));
  fields.integer("version", txn.version);
  fields.integer("lastUpdated", number(txn.last_updated));
}

void write_fields(std::string&, JsonObjectWriter& fields, const DomainMetadata& domain) {
  fields.text("domain", std::string_view(domain.domain));
  fields.text("configuration", std::string_view(domain.configuration));
  fields.boolean("removed", domain.removed);
}

void write_fields(std::string& out, JsonObjectWriter& fields, const AddFile& add) {
  fields.text("path", std::string_view(add.path));
  fields.text_map("partitionValues", add.partition_values);
  fields.integer("size", add.size_bytes);
  fields.integer("modificationTime", number(add.modification_time));
  fields.boolean("dataChange", add.data_change);
  fields.text("stats", add.stats);
  write_tags(fields, add.tags);
  write_deletion_vector(out, fields, add.deletion_vector);
  fields.integer("baseRowId", add.base_row_id);
  fields.integer("defaultRowCommitVersion", add.default_row_commit_version);
  fields.text("clusteringProvider", add.clustering_provider);
}

void write_fields(std::string& out, JsonObjectWriter& fields, const RemoveFile& remove) {
  fields.text("path", std::string_view(remove.path));
  fields.integer("deletionTimestamp", number(remove.deletion_timestamp));
  fields.boolean("dataChange", remove.data_change);
  fields.boolean("extendedFileMetadata", remove.extended_file_metadata);
  if (remove.partition_values) fields.text_map("partitionValues", *remove.partition_values);
  fields.integer("size", remove.size_bytes);
  fields.text("stats", remove.stats);
  write_tags(fields, remove.tags);
  write_deletion_vector(out, fields, remove.deletion_vector);
  fields.integer("baseRowId", remove.base_row_id);
  fields.integer("defaultRowCommitVersion", remove.default_row_commit_version);
}

void write_fields(std::string&, JsonObjectWriter& fields, const AddCdcFile& cdc) {
  fields.text("path", std::string_view(cdc.path));
  fields.text_map("partitionValues", cdc.partition_values);
  fields.integer("size", cdc.size_bytes);
  fields.boolean("dataChange", cdc.data_change);
  write_tags(fields, cdc.tags);
}

void write_fields(std::string&, JsonObjectWriter& fields, const Sidecar& sidecar) {
  fields.text("path", std::string_view(sidecar.path));
  fields.integer("sizeInBytes", sidecar.size_bytes);
  fields.integer("modificationTime", number(sidecar.modification_time));
  write_tags(fields, sidecar.tags);
}

void write_fields(std::string&, JsonObjectWriter& fields, const CheckpointMetadata& metadata) {
  fields.integer("version", metadata.version.value());
  write_tags(fields, metadata.tags);
}

/// Returns the action's name in the log.
std::string_view name_of(const Action& action) {
  // In the order of Action's alternatives.
  static constexpr std::string_view kNames[] = {"commitInfo", "protocol", "metaData", "txn",     "domainMetadata",
                                                "remove",     "add",      "cdc",      "sidecar", "checkpointMetadata"};
  static_assert(std::size(kNames) == std::variant_size_v<Action>);
  return kNames[action.index()];
}

}  // namespace

std::string write_action(const Action& action) {
  std::string out;
  JsonObjectWriter line(out);
  line.raw(name_of(action), write_action_fields(action));
  line.close();
  return out;
}

std::string write_action_fields(const Action& action) {
  std::string out;
  JsonObjectWriter fields(out);
  std::visit([&](const auto& plain) { write_fields(out, fields, plain); }, action);
  fields.close();
  return out;
}

Bytes write_actions(std::span<const Action> actions) {
  Bytes bytes;
  for (const Action& action : actions) {
    bytes += write_action(action);
    bytes += '\n';
  }
  return bytes;
}

}  // namespace sluice::delta
