#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "delta/version.h"

namespace sluice::delta {

/// Folder of the log below the table root, with its slash.
inline constexpr std::string_view kLogFolder = "_delta_log/";
/// Folder of the sidecars of v2 log checkpoints below the table root, with its slash.
inline constexpr std::string_view kSidecarFolder = "_delta_log/_sidecars/";
/// Key of the hint that names a recent log checkpoint.
inline constexpr std::string_view kLastCheckpointKey = "_delta_log/_last_checkpoint";

/// What a file of the log is, by its name. Spec: "Delta Log Entries", "Checkpoints", "Log Compaction Files".
struct LogPath {
  enum class Kind {
    Commit,                 ///< 00000000000000000007.json
    ClassicCheckpoint,      ///< 00000000000000000007.checkpoint.parquet
    MultiPartCheckpoint,    ///< 00000000000000000007.checkpoint.0000000001.0000000003.parquet
    UuidCheckpointJson,     ///< 00000000000000000007.checkpoint.<uuid>.json
    UuidCheckpointParquet,  ///< 00000000000000000007.checkpoint.<uuid>.parquet
    Compaction,             ///< 00000000000000000004.00000000000000000006.compacted.json
    Checksum,               ///< 00000000000000000007.crc
  };

  Kind kind = Kind::Commit;
  Version version;              ///< For Compaction the first.
  Version last_version;         ///< Compaction: the last. Else equal to version.
  std::int32_t part = 0;        ///< MultiPartCheckpoint: counts from 1.
  std::int32_t part_count = 0;  ///< MultiPartCheckpoint.
  std::string uuid;             ///< Uuid checkpoints.

  bool is_checkpoint() const;

  friend bool operator==(const LogPath&, const LogPath&) = default;
};

/// Returns what the object is, or nullopt if it is no file of the log: only exact names count, directly in _delta_log/.
std::optional<LogPath> parse_log_path(std::string_view key);

/// Returns the key of a file of the log; parse_log_path() is its inverse.
std::string log_key(const LogPath& path);

/// Returns the key of a commit.
std::string commit_key(Version version);
/// Returns the key of a classic log checkpoint.
std::string checkpoint_key(Version version);
/// Returns the key of a version checksum.
std::string checksum_key(Version version);
/// Returns a text that is greater than every log key of lower versions and smaller than those of `version`.
std::string list_from_key(Version version);

}  // namespace sluice::delta
