#pragma once

#include <optional>
#include <string>

#include "base/fail_points.h"
#include "base/result.h"
#include "runtime/epoch_records.h"
#include "store/object_store.h"

namespace sluice::runtime {

/// The records of a pipeline's epochs under `<storage>/_sluice/epochs/`:
///
///     00000000000000000007.plan.<run id>.json   what an attempt at epoch 7 reads; without an intent it means nothing
///     00000000000000000007.intent.json          claimed once: whoever makes it owns epoch 7
///     00000000000000000007.manifest.json        epoch 7 is in all its tables
///
/// Records are immutable and made by put-if-absent, so two engines on one pipeline cannot both go past the same intent
/// (P8): the second finds the first one's and must stop. Epochs follow each other without gaps.
class EpochLog {
 public:
  /// A manifest whose epoch is a multiple of this holds all positions; others only what their epoch added.
  static constexpr std::int64_t kPositionInterval = 32;

  /// `store` is rooted at `<storage>/_sluice`; it and `fail_points` must outlive the log.
  EpochLog(store::ObjectStore& store, FailPoints& fail_points) : store_(store), fail_points_(fail_points) {}

  /// Returns the highest-numbered manifest, or nullopt before the first epoch. Corruption if it cannot be read.
  Result<std::optional<Manifest>> newest_manifest();
  /// Returns the manifest of the epoch, if the epoch is complete.
  Result<std::optional<Manifest>> find_manifest(Epoch epoch);
  /// Returns the intent of the epoch, if one was claimed.
  Result<std::optional<CommitIntent>> find_intent(Epoch epoch);

  /// Records what this run is about to read. Durable when it returns.
  Status put_plan(const OffsetPlan& plan);
  /// Claims the epoch. Fenced if another run's intent is there, or was: an engine that completed the epoch may have
  /// removed it since (forget_before). Ok if it is this run's own (a lost answer).
  Status claim_intent(const CommitIntent& intent);
  /// Completes the epoch; a manifest that is already there with the same content is fine, another one is Fenced.
  Status put_manifest(const Manifest& manifest);
  /// Removes plans and intents of epochs before `epoch`, which no recovery can need, and manifests that newer ones make
  /// superfluous. Failing to remove is not an error.
  void forget_before(Epoch epoch);

 private:
  store::ObjectStore& store_;
  FailPoints& fail_points_;
};

}  // namespace sluice::runtime
