#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "delta/version.h"

/// The actions of a Delta log as plain data, one member per field of the specification ("Actions"). Fields and actions
/// that are not here are ignored by readers, as the specification asks. JSON is in action_json.h.
namespace sluice::delta {

/// Values of the partition columns by (physical) name; nullopt is SQL NULL.
using PartitionValues = std::map<std::string, std::optional<std::string>>;
/// Free-form labels of an action; nullopt is JSON null.
using Tags = std::map<std::string, std::optional<std::string>>;

/// What a reader or writer must be able to do. Spec: "Protocol Evolution".
struct Protocol {
  std::int32_t min_reader_version = 1;
  std::int32_t min_writer_version = 2;
  std::optional<std::set<std::string>> reader_features;  ///< Present exactly when min_reader_version is 3.
  std::optional<std::set<std::string>> writer_features;  ///< Present exactly when min_writer_version is 7.

  friend bool operator==(const Protocol&, const Protocol&) = default;
};

/// Identity, schema and configuration of the table. Spec: "Change Metadata".
struct Metadata {
  std::string id;  ///< UUID of the table, given at creation.
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::string format_provider = "parquet";
  std::map<std::string, std::string> format_options;
  std::string schema_string;                   ///< JSON, see delta_schema.h; "" in very old logs: no columns.
  std::vector<std::string> partition_columns;  ///< Logical names.
  std::map<std::string, std::string> configuration;
  std::optional<UnixMillis> created_time;

  friend bool operator==(const Metadata&, const Metadata&) = default;
};

/// Where the deletion vector of a file is. Spec: "Deletion Vectors", "Deletion Vector Descriptor Schema".
struct DeletionVectorDescriptor {
  char storage_type = 'u';             ///< 'u' file named by a UUID, 'p' file by absolute path, 'i' inline.
  std::string path_or_inline_dv;       ///< 'u' optional random prefix + Z85 of the UUID; 'p' URI; 'i' Z85 of the bytes.
  std::optional<std::int32_t> offset;  ///< Bytes from the start of the file; absent for 'i' and means 0 otherwise.
  std::int32_t size_bytes = 0;         ///< Of the serialised vector, without length and checksum around it.
  std::int64_t cardinality = 0;        ///< Rows it marks.

  /// Returns the id by which the specification tells vectors apart: storage type, path or data, "@offset" if present.
  std::string unique_id() const;

  friend bool operator==(const DeletionVectorDescriptor&, const DeletionVectorDescriptor&) = default;
};

/// Adds a logical file to the table: a data file less the rows its deletion vector marks.
/// Its key within a snapshot is (path, deletion vector id); adding a present key replaces its metadata.
/// Spec: "Add File and Remove File".
struct AddFile {
  std::string path;  ///< URI-encoded as in the log; relative to the table root, or absolute. See data_path.h.
  PartitionValues partition_values;
  std::int64_t size_bytes = 0;
  UnixMillis modification_time;
  bool data_change = true;           ///< False: rearranges rows; readers of changes skip it.
  std::optional<std::string> stats;  ///< JSON, see file_statistics.h; absent means unknown.
  Tags tags;
  std::optional<DeletionVectorDescriptor> deletion_vector;
  std::optional<std::int64_t> base_row_id;                 ///< Feature rowTracking.
  std::optional<std::int64_t> default_row_commit_version;  ///< Feature rowTracking.
  std::optional<std::string> clustering_provider;          ///< Feature clustering.

  friend bool operator==(const AddFile&, const AddFile&) = default;
};

/// Takes a logical file out of the table; kept as a tombstone until its retention ends.
struct RemoveFile {
  std::string path;  ///< As in the AddFile.
  std::optional<UnixMillis> deletion_timestamp;
  bool data_change = true;
  std::optional<bool> extended_file_metadata;  ///< True: partition values and size are given.
  std::optional<PartitionValues> partition_values;
  std::optional<std::int64_t> size_bytes;
  std::optional<std::string> stats;
  Tags tags;
  std::optional<DeletionVectorDescriptor> deletion_vector;  ///< The one the removed logical file had.
  std::optional<std::int64_t> base_row_id;
  std::optional<std::int64_t> default_row_commit_version;

  friend bool operator==(const RemoveFile&, const RemoveFile&) = default;
};

/// A file of the change data feed of this commit. Spec: "Add CDC File".
struct AddCdcFile {
  std::string path;
  PartitionValues partition_values;
  std::int64_t size_bytes = 0;
  bool data_change = false;  ///< Always false by the specification.
  Tags tags;

  friend bool operator==(const AddCdcFile&, const AddCdcFile&) = default;
};

/// The newest transaction of an application that is in the table; how a writer sees its own progress. Spec:
/// "Transaction Identifiers".
struct SetTransaction {
  std::string app_id;
  std::int64_t version = 0;  ///< Of the application, not of the table: sluice puts its epoch here.
  std::optional<UnixMillis> last_updated;

  friend bool operator==(const SetTransaction&, const SetTransaction&) = default;
};

/// Configuration of a named domain. Spec: "Domain Metadata".
struct DomainMetadata {
  std::string domain;
  std::string configuration;  ///< Free text, JSON for the domains of the specification.
  bool removed = false;       ///< A tombstone.

  friend bool operator==(const DomainMetadata&, const DomainMetadata&) = default;
};

/// Who committed, what and why; free-form by the specification. Members of other types or names that others write are
/// kept as JSON text.
struct CommitInfo {
  std::optional<UnixMillis> timestamp;
  std::optional<UnixMillis> in_commit_timestamp;            ///< Feature inCommitTimestamp.
  std::string operation;                                    ///< WRITE, DELETE, MERGE, …; "" if absent.
  std::map<std::string, std::string> operation_parameters;  ///< Values as text; what was not a JSON string, as JSON.
  std::map<std::string, std::string> operation_metrics;     ///< Likewise.
  std::optional<Version> read_version;                      ///< Absent in the first commit.
  std::optional<std::string> isolation_level;
  std::optional<bool> is_blind_append;
  std::optional<std::string> engine_info;
  std::optional<std::string> txn_id;  ///< Tells a writer its own commit.
  std::optional<std::string> user_metadata;
  Tags tags;
  std::map<std::string, std::string> other;  ///< Any other member: name → JSON text.

  friend bool operator==(const CommitInfo&, const CommitInfo&) = default;
};

/// A Parquet file of AddFile and RemoveFile actions that a v2 log checkpoint refers to. Spec: "Sidecar File
/// Information".
struct Sidecar {
  std::string path;  ///< File name below _delta_log/_sidecars.
  std::int64_t size_bytes = 0;
  UnixMillis modification_time;
  Tags tags;

  friend bool operator==(const Sidecar&, const Sidecar&) = default;
};

/// Marks a v2 log checkpoint. Spec: "Checkpoint Metadata".
struct CheckpointMetadata {
  Version version;
  Tags tags;

  friend bool operator==(const CheckpointMetadata&, const CheckpointMetadata&) = default;
};

using Action = std::variant<CommitInfo, Protocol, Metadata, SetTransaction, DomainMetadata, RemoveFile, AddFile,
                            AddCdcFile, Sidecar, CheckpointMetadata>;

/// Returns what the commit says of itself; nullptr if it says nothing.
const CommitInfo* find_commit_info(std::span<const Action> commit);

}  // namespace sluice::delta
