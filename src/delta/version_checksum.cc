#include "delta/version_checksum.h"

#include "delta/action_json.h"
#include "delta/features.h"
#include "delta/internal/json_writer.h"
#include "delta/log_path.h"

namespace sluice::delta {
namespace {

/// Appends a list of the actions in a map by name, if they are few enough.
template <typename Actions>
void add_list(std::string_view name, const Actions& actions, internal::JsonObjectWriter& fields) {
  if (actions.size() > kChecksumEntriesMax) return;
  std::string list = "[";
  for (const auto& [key, action] : actions) {
    if (list.size() > 1) list += ',';
    list += write_action_fields(action);
  }
  list += ']';
  fields.raw(name, list);
}

}  // namespace

std::string version_checksum(const Snapshot& snapshot) {
  std::string text;
  internal::JsonObjectWriter fields(text);
  fields.text("txnId", snapshot.txn_id());
  fields.integer("tableSizeBytes", snapshot.files().total_bytes());
  fields.integer("numFiles", static_cast<std::int64_t>(snapshot.files().size()));
  fields.integer("numMetadata", 1);
  fields.integer("numProtocol", 1);
  if (const auto& time = snapshot.in_commit_timestamp()) {
    fields.integer("inCommitTimestampOpt", time->time_since_epoch().count());
  }
  add_list("setTransactions", snapshot.transactions(), fields);
  add_list("domainMetadata", snapshot.domains(), fields);
  fields.raw("metadata", write_action_fields(snapshot.metadata()));
  fields.raw("protocol", write_action_fields(snapshot.protocol()));
  fields.close();
  return text;
}

Status write_version_checksum(store::ObjectStore& store, const Snapshot& snapshot) {
  SLUICE_TRY(check_writable(snapshot.protocol(), snapshot.metadata(), snapshot.schema()));
  SLUICE_TRY(store.put_if_absent(checksum_key(snapshot.version()), version_checksum(snapshot)));
  return ok();
}

}  // namespace sluice::delta
