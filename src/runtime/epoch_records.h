#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong_int.h"

namespace sluice::runtime {

/// Where one source stands: which input it has consumed and what it knows of its schema.
/// The texts are `connect`'s own JSON; the runtime stores them and never looks inside.
struct SourceState {
  std::string added;     ///< Input consumed in this epoch alone.
  std::string position;  ///< All input consumed so far. Stored only every EpochLog::kPositionInterval epochs.
  std::string schema;    ///< Inferred schema; empty if the schema is declared.

  friend bool operator==(const SourceState&, const SourceState&) = default;
};

/// Where one table stands after an epoch.
struct TableState {
  std::string table_id;               ///< Delta's metadata id.
  std::int64_t generation = 1;        ///< Raised by a full refresh; part of the app id.
  std::int64_t version = -1;          ///< Delta version that holds the epoch's rows.
  std::int64_t epoch = 0;             ///< The last in which its dataset was part of the pipeline.
  std::string fingerprint;            ///< Of the dataset that wrote it (plan::Dataset::fingerprint).
  bool view = false;                  ///< A materialized view wrote it.
  std::vector<std::string> consumed;  ///< Relations whose changes it has taken in, sorted.

  friend bool operator==(const TableState&, const TableState&) = default;
};

/// The runtime's recovery point after an epoch: immutable, made once by put-if-absent.
struct Manifest {
  Epoch epoch;
  std::string pipeline_id;                     ///< UUID, made at the first run; part of every app id.
  std::string engine;                          ///< Who wrote it, for people: release and run id.
  std::map<std::string, TableState> tables;    ///< By "schema.table".
  std::map<std::string, SourceState> sources;  ///< By plan::Source::key.

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// The input an epoch reads, fixed before reading it.
struct OffsetPlan {
  Epoch epoch;
  std::string run_id;                          ///< Of the engine that claims it.
  std::map<std::string, std::string> sources;  ///< Source key → SourceState::added.

  friend bool operator==(const OffsetPlan&, const OffsetPlan&) = default;
};

/// A Delta commit that is decided but perhaps not yet in the log.
struct PlannedCommit {
  std::string table;           ///< "schema.table"; its folder is <storage>/<schema>/<table>.
  std::int64_t version = 0;    ///< Log version that the bytes are for.
  std::string transaction_id;  ///< commitInfo.txnId, by which our own commit is recognised.
  std::string bytes;           ///< The exact content of the log file.
  bool append_only = false;    ///< Only adds rows, so it may move to a later version if a foreign commit came first.

  friend bool operator==(const PlannedCommit&, const PlannedCommit&) = default;
};

/// The point of no return of an epoch: after it every commit in it will be made, by this process or the next.
struct CommitIntent {
  Epoch epoch;
  std::string run_id;
  std::vector<PlannedCommit> commits;  ///< In the order they are made.
  Manifest manifest;                   ///< Written once all commits are in their logs.

  friend bool operator==(const CommitIntent&, const CommitIntent&) = default;
};

/// Stored forms: JSON with a format version. Reading fails with Corruption, naming the missing or wrong key.
std::string encode(const Manifest& manifest);
std::string encode(const OffsetPlan& plan);
std::string encode(const CommitIntent& intent);
Result<Manifest> decode_manifest(std::string_view text);
Result<OffsetPlan> decode_offset_plan(std::string_view text);
Result<CommitIntent> decode_commit_intent(std::string_view text);

}  // namespace sluice::runtime
