#include "runtime/epoch_log.h"

#include <fmt/format.h>

namespace sluice::runtime {
namespace {

constexpr std::string_view kFolder = "epochs/";
constexpr std::string_view kManifestEnd = ".manifest.json";

std::string key_of(Epoch epoch, std::string_view what) {
  return fmt::format("{}{:020}.{}.json", kFolder, epoch.value(), what);
}

Error unreadable(const std::string& key, Error error) { return std::move(error).in(fmt::format("_sluice/{}", key)); }

}  // namespace

Result<std::optional<Manifest>> EpochLog::newest_manifest() {
  SLUICE_TRY_ASSIGN(const auto objects, store_.list(std::string(kFolder), ""));
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    if (!object->key.ends_with(kManifestEnd)) continue;
    const std::string number =
        object->key.substr(kFolder.size(), object->key.size() - kFolder.size() - kManifestEnd.size());
    if (number.size() != 20 || number.find_first_not_of("0123456789") != std::string::npos) continue;
    return find_manifest(Epoch(std::stoll(number)));
  }
  return std::optional<Manifest>();
}

Result<std::optional<Manifest>> EpochLog::find_manifest(Epoch epoch) {
  const std::string key = key_of(epoch, "manifest");
  SLUICE_TRY_ASSIGN(const auto bytes, store_.get(key));
  if (!bytes) return std::optional<Manifest>();
  auto manifest = decode_manifest(*bytes);
  if (!manifest) return unreadable(key, std::move(manifest).error());
  return std::optional<Manifest>(std::move(*manifest));
}

Result<std::optional<CommitIntent>> EpochLog::find_intent(Epoch epoch) {
  const std::string key = key_of(epoch, "intent");
  SLUICE_TRY_ASSIGN(const auto bytes, store_.get(key));
  if (!bytes) return std::optional<CommitIntent>();
  auto intent = decode_commit_intent(*bytes);
  if (!intent) return unreadable(key, std::move(intent).error());
  return std::optional<CommitIntent>(std::move(*intent));
}

Status EpochLog::put_plan(const OffsetPlan& plan) {
  SLUICE_TRY(fail_points_.hit("I1"));
  SLUICE_TRY(store_.put(key_of(plan.epoch, "plan." + plan.run_id), encode(plan)));
  return fail_points_.hit("I3");
}

namespace {

Error claimed_by_another(Epoch epoch) {
  return Error(ErrorCode::Fenced, fmt::format("epoch {} was claimed by another engine on this pipeline", epoch.value()))
      .with_number(4101)
      .with_help("stop one of the two engines; the tables are as the other engine left them");
}

}  // namespace

Status EpochLog::claim_intent(const CommitIntent& intent) {
  SLUICE_TRY(fail_points_.hit("W7"));
  SLUICE_TRY_ASSIGN(const auto outcome, store_.put_if_absent(key_of(intent.epoch, "intent"), encode(intent)));
  if (outcome == store::PutOutcome::AlreadyExists) {
    SLUICE_TRY_ASSIGN(const auto present, find_intent(intent.epoch));
    if (!present || present->run_id != intent.run_id) return claimed_by_another(intent.epoch);
  }
  // An intent is removed only after a manifest of its epoch or a later one is there, so this look, after the claim,
  // sees it.
  SLUICE_TRY_ASSIGN(const auto newest, newest_manifest());
  if (newest && newest->epoch >= intent.epoch) return claimed_by_another(intent.epoch);
  return fail_points_.hit("W9");
}

Status EpochLog::put_manifest(const Manifest& manifest) {
  SLUICE_TRY(fail_points_.hit("C8"));
  SLUICE_TRY_ASSIGN(const auto outcome, store_.put_if_absent(key_of(manifest.epoch, "manifest"), encode(manifest)));
  if (outcome == store::PutOutcome::AlreadyExists) {
    SLUICE_TRY_ASSIGN(const auto present, find_manifest(manifest.epoch));
    if (present != manifest) {
      return Error(ErrorCode::Fenced,
                   fmt::format("epoch {} was completed by another engine on this pipeline", manifest.epoch.value()))
          .with_number(4101)
          .with_help("stop one of the two engines; the tables are as the other engine left them");
    }
  }
  return fail_points_.hit("S3");
}

void EpochLog::forget_before(Epoch epoch) {
  const auto objects = store_.list(std::string(kFolder), "");
  if (!objects) return;
  const std::int64_t base = epoch.value() / kPositionInterval * kPositionInterval;
  for (const auto& object : *objects) {
    if (object.key.size() < kFolder.size() + 20) continue;
    const std::string number = object.key.substr(kFolder.size(), 20);
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::int64_t of_epoch = std::stoll(number);
    const std::int64_t needed_from = object.key.ends_with(kManifestEnd) ? base : epoch.value();
    if (of_epoch >= needed_from) continue;
    // What stays behind costs a little space and is tried again at the next epoch.
    static_cast<void>(store_.remove(object.key));
  }
}

}  // namespace sluice::runtime
