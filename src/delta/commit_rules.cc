#include "delta/commit_rules.h"

#include <algorithm>
#include <iterator>

#include "delta/column_mapping.h"
#include "delta/data_path.h"
#include "delta/features.h"

namespace sluice::delta {
namespace {

constexpr std::string_view kRowTrackingDomain = "delta.rowTracking";

/// Features that may come to a table under a commit that did not know of them: what it wrote is right all the same.
constexpr std::string_view kUnobtrusiveFeatures[] = {"columnMapping",     "deletionVectors", "domainMetadata",
                                                     "inCommitTimestamp", "timestampNtz",    "vacuumProtocolCheck",
                                                     "v2Checkpoint"};

/// What one commit touches, as the rules look at it.
struct Footprint {
  const Protocol* protocol = nullptr;
  const Metadata* metadata = nullptr;
  bool is_blind_append = false;
  bool only_rearranges = true;  ///< Nothing but file actions without data change.
  std::set<std::string> app_ids;
  std::set<std::string> domains;
  std::vector<const AddFile*> added;      ///< With data change.
  std::set<std::string> removed;          ///< Canonical paths.
  std::set<std::string> changed_removed;  ///< Those removed with data change.
};

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

Footprint footprint_of(std::span<const Action> actions) {
  Footprint footprint;
  const auto file = [&](bool data_change) { footprint.only_rearranges &= !data_change; };
  const Overloaded visit{
      [&](const Protocol& protocol) {
        footprint.protocol = &protocol;
        footprint.only_rearranges = false;
      },
      [&](const Metadata& metadata) {
        footprint.metadata = &metadata;
        footprint.only_rearranges = false;
      },
      [&](const SetTransaction& txn) {
        footprint.app_ids.insert(txn.app_id);
        footprint.only_rearranges = false;
      },
      [&](const DomainMetadata& domain) {
        // Row ids are given anew when a commit goes behind another, so this domain is not a matter of who was first.
        if (domain.domain == kRowTrackingDomain) return;
        footprint.domains.insert(domain.domain);
        footprint.only_rearranges = false;
      },
      [&](const AddFile& add) {
        if (add.data_change) footprint.added.push_back(&add);
        file(add.data_change);
      },
      [&](const RemoveFile& remove) {
        footprint.removed.insert(canonical_path(remove.path));
        if (remove.data_change) footprint.changed_removed.insert(canonical_path(remove.path));
        file(remove.data_change);
      },
      [&](const AddCdcFile&) { file(true); },
      [&](const CommitInfo& info) { footprint.is_blind_append = info.is_blind_append.value_or(false); },
      [](const Sidecar&) {},
      [](const CheckpointMetadata&) {},
  };
  for (const Action& action : actions) std::visit(visit, action);
  return footprint;
}

bool intersects(const std::set<std::string>& left, const std::set<std::string>& right) {
  return std::any_of(left.begin(), left.end(), [&](const std::string& item) { return right.contains(item); });
}

/// True if a commit written for `before` may be wrong in a table of this protocol.
bool is_obtrusive(const Protocol& before, const Protocol& after) {
  const std::set<std::string> had = feature_names(before);
  const std::set<std::string> has = feature_names(after);
  if (!std::includes(has.begin(), has.end(), had.begin(), had.end())) return true;
  return std::any_of(has.begin(), has.end(), [&](const std::string& name) {
    return !had.contains(name) && std::find(std::begin(kUnobtrusiveFeatures), std::end(kUnobtrusiveFeatures), name) ==
                                      std::end(kUnobtrusiveFeatures);
  });
}

std::string setting(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.configuration.find(key);
  return found == metadata.configuration.end() ? "" : found->second;
}

/// True if column mapping goes from none to by name: files written before keep their names as the physical ones.
bool turns_mapping_on(const Metadata& before, const Metadata& after) {
  const std::string had = setting(before, "delta.columnMapping.mode");
  return (had.empty() || had == "none") && setting(after, "delta.columnMapping.mode") == "name";
}

/// True if the change of a property leaves what was written before right.
bool is_unobtrusive_setting(const std::string& key, const Metadata& before, const Metadata& after) {
  if (key == "delta.columnMapping.mode" || key == "delta.columnMapping.maxColumnId") {
    return turns_mapping_on(before, after);
  }
  if (key == "delta.enableDeletionVectors" || key == "delta.enableInCommitTimestamps") {
    return setting(after, key) == "true";
  }
  return key == "delta.checkpointPolicy" || key == "delta.inCommitTimestampEnablementVersion" ||
         key == "delta.inCommitTimestampEnablementTimestamp";
}

/// Takes what column mapping notes in field metadata out of a schema.
void forget_mapping(DataType& type) {
  for (StructField& field : type.fields) {
    field.metadata.erase(std::string(kPhysicalNameKey));
    field.metadata.erase(std::string(kColumnIdKey));
    forget_mapping(field.type);
  }
  for (DataType& child : type.children) forget_mapping(child);
}

/// True if every column's physical name under column mapping is its name, at every depth.
bool has_plain_names(const DataType& type) {
  return std::all_of(type.fields.begin(), type.fields.end(),
                     [](const StructField& field) {
                       return physical_name(field, ColumnMappingMode::Name) == field.name &&
                              has_plain_names(field.type);
                     }) &&
         std::all_of(type.children.begin(), type.children.end(), has_plain_names);
}

/// True if a commit written for `table` may be wrong with this metadata.
bool is_obtrusive(const ReadTable& table, const Metadata& after) {
  const Metadata& before = table.metadata;
  Metadata same = after;
  same.configuration = before.configuration;
  same.schema_string = before.schema_string;
  if (same != before) return true;  // anything but configuration and schema

  for (const auto& [key, value] : before.configuration) {
    const auto found = after.configuration.find(key);
    if (found == after.configuration.end()) return true;
    if (found->second != value && !is_unobtrusive_setting(key, before, after)) return true;
  }
  for (const auto& [key, value] : after.configuration) {
    if (!before.configuration.contains(key) && !is_unobtrusive_setting(key, before, after)) return true;
  }
  if (after.schema_string == before.schema_string) return false;
  auto schema = read_schema(after.schema_string);
  if (!schema || !turns_mapping_on(before, after) || !has_plain_names(*schema)) return true;
  DataType had = table.schema;
  forget_mapping(had);
  forget_mapping(*schema);
  return *schema != had;
}

ColumnMappingMode mapping_mode(const Metadata& metadata) {
  const std::string mode = setting(metadata, "delta.columnMapping.mode");
  return mode == "name" ? ColumnMappingMode::Name : mode == "id" ? ColumnMappingMode::Id : ColumnMappingMode::None;
}

/// True if we would have come across the file, had it been there.
bool would_have_been_read(const AddFile& add, const ReadSet& reads, const ReadTable& table) {
  const ColumnMappingMode mode = mapping_mode(table.metadata);
  return reads.whole_table ||
         std::any_of(reads.predicates.begin(), reads.predicates.end(), [&](const FilePredicate& predicate) {
           return match_file(predicate, table.schema, mode, table.metadata.partition_columns, add) != FileMatch::None;
         });
}

}  // namespace

std::string_view to_string(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::VersionTaken: return "VersionTaken";
    case ConflictKind::TableCreated: return "TableCreated";
    case ConflictKind::ProtocolChanged: return "ProtocolChanged";
    case ConflictKind::MetadataChanged: return "MetadataChanged";
    case ConflictKind::DomainChanged: return "DomainChanged";
    case ConflictKind::TransactionAhead: return "TransactionAhead";
    case ConflictKind::FilesAdded: return "FilesAdded";
    case ConflictKind::FileRemoved: return "FileRemoved";
  }
  return "Unknown";
}

std::string_view to_string(IsolationLevel level) {
  return level == IsolationLevel::Serializable ? "Serializable" : "WriteSerializable";
}

std::optional<ConflictKind> find_conflict(const OvertakenCommit& overtaken, std::span<const Action> their_actions) {
  const Footprint ours = footprint_of(overtaken.actions);
  const Footprint theirs = footprint_of(their_actions);
  const ReadSet& reads = overtaken.reads;

  if (overtaken.table == nullptr) return ConflictKind::TableCreated;
  const ReadTable& table = *overtaken.table;
  if (theirs.protocol != nullptr && (ours.protocol != nullptr || is_obtrusive(table.protocol, *theirs.protocol))) {
    return ConflictKind::ProtocolChanged;
  }
  if (theirs.metadata != nullptr && (ours.metadata != nullptr || is_obtrusive(table, *theirs.metadata))) {
    return ConflictKind::MetadataChanged;
  }
  if (intersects(ours.domains, theirs.domains)) return ConflictKind::DomainChanged;
  std::set<std::string> app_ids = ours.app_ids;
  app_ids.insert(reads.app_ids.begin(), reads.app_ids.end());
  if (intersects(app_ids, theirs.app_ids)) return ConflictKind::TransactionAhead;

  // A commit that only moves rows about reads nothing that new rows could change, and rows that were only moved are
  // none.
  const bool may_be_thought_later =
      overtaken.isolation == IsolationLevel::WriteSerializable && ours.metadata == nullptr && theirs.is_blind_append;
  if (!ours.only_rearranges && !may_be_thought_later) {
    for (const AddFile* add : theirs.added) {
      if (would_have_been_read(*add, reads, table)) return ConflictKind::FilesAdded;
    }
  }

  std::set<std::string> read_files;
  for (const std::string& path : reads.files) read_files.insert(canonical_path(path));
  // A file removed without data change was only moved: what was read from it still holds.
  if (intersects(read_files, theirs.changed_removed)) return ConflictKind::FileRemoved;
  if (reads.whole_table && !theirs.changed_removed.empty()) return ConflictKind::FileRemoved;
  // The path alone counts: two deletion vectors for one file conflict.
  if (intersects(ours.removed, theirs.removed)) return ConflictKind::FileRemoved;
  return std::nullopt;
}

Result<ReadTable> follow(ReadTable table, std::span<const Action> theirs) {
  const Footprint footprint = footprint_of(theirs);
  if (footprint.protocol != nullptr) table.protocol = *footprint.protocol;
  if (footprint.metadata != nullptr) {
    table.metadata = *footprint.metadata;
    SLUICE_TRY_ASSIGN(table.schema, read_schema(table.metadata.schema_string));
  }
  return table;
}

bool only_adds_files(std::span<const Action> actions) {
  return std::all_of(actions.begin(), actions.end(), [](const Action& action) {
    return !std::holds_alternative<RemoveFile>(action) && !std::holds_alternative<AddCdcFile>(action);
  });
}

}  // namespace sluice::delta
