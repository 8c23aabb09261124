#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/delta_schema.h"
#include "delta/file_predicate.h"

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

/// Which commits that came first a commit may follow although it did not see them.
enum class IsolationLevel {
  Serializable,       ///< The table is as if the commits were made one after the other.
  WriteSerializable,  ///< As above for writes alone: blind appends may be thought to come after what did not see them.
};

/// Returns the level's name, as commitInfo has it.
std::string_view to_string(IsolationLevel level);

/// What a transaction has read to decide on its actions.
struct ReadSet {
  bool whole_table = false;               ///< Every file and that there are no others.
  std::vector<FilePredicate> predicates;  ///< Rows were sought by these; the files that may have them are in `files`.
  std::set<std::string> files;            ///< Data files, paths as in the log.
  std::set<std::string> app_ids;          ///< Whose transaction versions were asked for.

  bool empty() const { return !whole_table && predicates.empty() && files.empty() && app_ids.empty(); }
};

/// The table that a commit was decided on, as far as the rules ask.
struct ReadTable {
  Protocol protocol;
  Metadata metadata;
  DataType schema;
};

/// A commit that another overtook.
struct OvertakenCommit {
  std::span<const Action> actions;
  const ReadSet& reads;
  IsolationLevel isolation = IsolationLevel::Serializable;
  const ReadTable* table = nullptr;  ///< What it was decided on; nullptr: it creates the table.
};

/// Returns why `ours` cannot follow `theirs`, if so. No I/O, no clock. The rules, in the order in which they are asked:
///
/// - A new protocol may be followed if we change none, it drops no feature, and every feature it adds leaves what was
///   written before right (deletionVectors, columnMapping, …). Whether we may write it is check_writable()'s to say.
/// - New metadata may be followed if we change none and it only turns on what leaves data files as they are: deletion
///   vectors, column mapping by name (with the ids in the schema), in-commit timestamps, the form of log checkpoints.
/// - A metadata domain is set by one of us (row tracking's is recomputed); so is a transaction identifier that we read.
/// - Rows added with data change must not be such as we looked for; files that we read must not be gone, unless their
///   rows only moved; a file is removed by one of us, deletion vectors or not.
///
/// Blind appends read nothing, so they follow any change of data. Commits that only rearrange follow any append; under
/// WriteSerializable so does every commit that leaves the metadata alone, if the append was blind.
/// Source: reference §3.3, after delta-spark's ConflictChecker.
std::optional<ConflictKind> find_conflict(const OvertakenCommit& ours, std::span<const Action> theirs);

/// Returns the table as their commit, which we may follow, leaves it to us: what the next one is compared with.
/// Corruption if their schema cannot be read.
Result<ReadTable> follow(ReadTable table, std::span<const Action> theirs);

/// True if the actions only add files, so that with no reads they are a blind append.
bool only_adds_files(std::span<const Action> actions);

}  // namespace sluice::delta
