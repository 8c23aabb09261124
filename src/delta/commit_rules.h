#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "delta/actions.h"

namespace sluice::delta {

/// Why a commit cannot follow another that came first.
enum class ConflictKind {
  VersionTaken,  ///< The version is another's; whether the contents conflict was not looked at.
  TableCreated,  ///< Both create the table.
  ProtocolChanged,
  MetadataChanged,
  DomainChanged,     ///< Both set one metadata domain.
  TransactionAhead,  ///< The winner moved a transaction identifier that we read or set.
  FilesAdded,        ///< The winner added files that our reads would have seen.
  FileRemoved,       ///< The winner removed a file that we read or remove.
};

/// Returns the enumerator's name, for messages.
std::string_view to_string(ConflictKind kind);

/// What a transaction has read to decide on its actions.
struct ReadSet {
  bool whole_table = false;       ///< Every file and that there are no others.
  std::set<std::string> files;    ///< Data files, paths as in the log.
  std::set<std::string> app_ids;  ///< Whose transaction versions were asked for.

  bool empty() const { return !whole_table && files.empty() && app_ids.empty(); }
};

/// Returns why `ours`, decided on an older snapshot from `reads`, cannot follow `theirs`, if so; isolation is
/// Serializable. Blind appends follow anything but changes of protocol, metadata and transaction; rearrangements
/// (no data change) follow appends. No I/O, no clock. Spec: "Conflict Detection"; reference §3.3.
std::optional<ConflictKind> find_conflict(std::span<const Action> ours, const ReadSet& reads,
                                          std::span<const Action> theirs);

/// True if the actions only add files, so that with no reads they are a blind append.
bool only_adds_files(std::span<const Action> actions);

}  // namespace sluice::delta
