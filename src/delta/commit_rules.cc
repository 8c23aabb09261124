#include "delta/commit_rules.h"

#include <algorithm>
#include <functional>

#include "delta/data_path.h"

namespace sluice::delta {
namespace {

/// What one commit touches, as the rules look at it.
struct Footprint {
  bool protocol = false;
  bool metadata = false;
  bool changes_data = false;
  bool only_rearranges = true;  ///< Nothing but file actions without data change.
  std::set<std::string> app_ids;
  std::set<std::string> domains;
  bool adds_data = false;
  std::set<std::string> removed;          ///< Canonical paths.
  std::set<std::string> changed_removed;  ///< Those removed with data change.
};

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

Footprint footprint_of(std::span<const Action> actions) {
  Footprint footprint;
  const auto file = [&](bool data_change) {
    footprint.changes_data |= data_change;
    footprint.only_rearranges &= !data_change;
  };
  const Overloaded visit{
      [&](const Protocol&) {
        footprint.protocol = true;
        footprint.only_rearranges = false;
      },
      [&](const Metadata&) {
        footprint.metadata = true;
        footprint.only_rearranges = false;
      },
      [&](const SetTransaction& txn) {
        footprint.app_ids.insert(txn.app_id);
        footprint.only_rearranges = false;
      },
      [&](const DomainMetadata& domain) {
        footprint.domains.insert(domain.domain);
        footprint.only_rearranges = false;
      },
      [&](const AddFile& add) {
        footprint.adds_data |= add.data_change;
        file(add.data_change);
      },
      [&](const RemoveFile& remove) {
        footprint.removed.insert(canonical_path(remove.path));
        if (remove.data_change) footprint.changed_removed.insert(canonical_path(remove.path));
        file(remove.data_change);
      },
      [&](const AddCdcFile&) { file(true); },
      [](const CommitInfo&) {},
      [](const Sidecar&) {},
      [](const CheckpointMetadata&) {},
  };
  for (const Action& action : actions) std::visit(visit, action);
  return footprint;
}

bool intersects(const std::set<std::string>& left, const std::set<std::string>& right) {
  return std::any_of(left.begin(), left.end(), [&](const std::string& item) { return right.contains(item); });
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

std::optional<ConflictKind> find_conflict(std::span<const Action> our_actions, const ReadSet& reads,
                                          std::span<const Action> their_actions) {
  const Footprint ours = footprint_of(our_actions);
  const Footprint theirs = footprint_of(their_actions);

  if (theirs.protocol) {
    if (ours.protocol) return ours.metadata ? ConflictKind::TableCreated : ConflictKind::ProtocolChanged;
    return ConflictKind::ProtocolChanged;  // the new protocol's duties were not met when ours was prepared
  }
  if (theirs.metadata) return ConflictKind::MetadataChanged;
  if (intersects(ours.domains, theirs.domains)) return ConflictKind::DomainChanged;
  std::set<std::string> app_ids = ours.app_ids;
  app_ids.insert(reads.app_ids.begin(), reads.app_ids.end());
  if (intersects(app_ids, theirs.app_ids)) return ConflictKind::TransactionAhead;

  // A commit that only moves rows about reads nothing that new rows could change, and rows that were only moved are
  // none.
  if (reads.whole_table && !ours.only_rearranges && theirs.adds_data) return ConflictKind::FilesAdded;

  std::set<std::string> read_files;
  for (const std::string& path : reads.files) read_files.insert(canonical_path(path));
  // A file removed without data change was only moved: what was read from it still holds.
  if (intersects(read_files, theirs.changed_removed)) return ConflictKind::FileRemoved;
  if (reads.whole_table && !theirs.changed_removed.empty()) return ConflictKind::FileRemoved;
  // The path alone counts: two deletion vectors for one file conflict.
  if (intersects(ours.removed, theirs.removed)) return ConflictKind::FileRemoved;
  return std::nullopt;
}

bool only_adds_files(std::span<const Action> actions) {
  return std::all_of(actions.begin(), actions.end(), [](const Action& action) {
    return !std::holds_alternative<RemoveFile>(action) && !std::holds_alternative<AddCdcFile>(action);
  });
}

}  // namespace sluice::delta
