#include "delta/verify.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "delta/action_json.h"
#include "delta/data_path.h"
#include "delta/deletion_vector.h"
#include "delta/file_statistics.h"
#include "delta/internal/checkpoint_reader.h"
#include "delta/internal/json_reader.h"
#include "delta/log_segment.h"

namespace sluice::delta {
namespace {

/// True for what says that the store does not work, rather than that the table is damaged.
bool is_of_store(const Error& error) {
  switch (error.code()) {
    case ErrorCode::Unavailable:
    case ErrorCode::PermissionDenied:
    case ErrorCode::ResourceExhausted:
    case ErrorCode::Cancelled: return true;
    default: return false;
  }
}

/// A table at a version, as replayed.
struct State {
  std::optional<Protocol> protocol;
  std::optional<Metadata> metadata;
  std::map<FileKey, AddFile> files;
  std::map<std::string, SetTransaction> transactions;
  std::map<std::string, DomainMetadata> domains;
  CommitInfo info;  ///< Of the last commit.
};

std::optional<std::int64_t> row_count_of(const AddFile& file) {
  const auto statistics = read_statistics(file.stats.value_or("{}"));
  return statistics ? statistics->num_records : std::nullopt;
}

/// Two descriptions of a file say the same if they agree on what both say: a checkpoint may leave out statistics, or
/// write them in another form.
bool same_file(AddFile left, AddFile right) {
  const auto left_count = row_count_of(left);
  const auto right_count = row_count_of(right);
  if (left_count && right_count && left_count != right_count) return false;
  left.stats = right.stats;
  left.tags = right.tags;
  left.data_change = right.data_change;
  return left == right;
}

class Verifier {
 public:
  explicit Verifier(store::ObjectStore& store) : store_(store) {}

  Result<std::optional<Verification>> run() {
    SLUICE_TRY_ASSIGN(const auto listing, store_.list(kLogFolder));
    for (const store::ObjectInfo& info : listing) sort_in(info);
    if (commits_.empty() && checkpoints_.empty()) return std::optional<Verification>();
    auto newest = Snapshot::load(store_);
    if (!newest) {
      // A table that we do not know how to read is not damaged for that.
      const bool unknown = newest.error().code() == ErrorCode::Unsupported;
      if (unknown || is_of_store(newest.error())) return std::move(newest).error();
      find(newest.error().message());
    } else {
      result_.newest = std::move(*newest);
    }
    SLUICE_TRY(check_log());
    if (result_.newest) SLUICE_TRY(check_files(*result_.newest));
    return std::optional(std::move(result_));
  }

 private:
  void sort_in(const store::ObjectInfo& info) {
    const auto path = parse_log_path(info.key);
    if (!path) return;
    if (path->kind == LogPath::Kind::Commit) commits_.insert(path->version);
    if (path->kind == LogPath::Kind::Checksum) checksums_.insert(path->version);
    if (path->is_checkpoint()) checkpoints_[path->version].push_back({*path, info});
  }

  void find(std::string what) { result_.findings.push_back(std::move(what)); }

  /// Keeps what is the table's fault as a finding; the store's ends the work.
  Status take(const Error& error, std::string_view where) {
    if (is_of_store(error)) return error;
    find(fmt::format("{}: {}", where, error.message()));
    return ok();
  }

  Status check_log() {
    std::optional<State> state;  // nullopt: what came before is not known
    Version next = commits_.empty() ? kNoVersion : *commits_.begin();
    for (const Version version : commits_) {
      if (version != next) {
        const Version last = version.previous();
        find(next == last ? fmt::format("the commit of version {} is missing", next.value())
                          : fmt::format("the commits of versions {} to {} are missing", next.value(), last.value()));
        state.reset();
      }
      next = version.next();
      if (version == Version(0)) state.emplace();
      SLUICE_TRY_ASSIGN(const bool readable, apply_commit(version, state));
      if (!readable) state.reset();
      SLUICE_TRY(check_checkpoints(version, state));
      if (state) SLUICE_TRY(check_checksum(version, *state));
    }
    for (const auto& [version, files] : checkpoints_) {
      if (!commits_.contains(version)) SLUICE_TRY(read_checkpoints(version, [](const std::string&, State&&) {}));
    }
    return ok();
  }

  /// Returns whether the commit could be read.
  Result<bool> apply_commit(Version version, std::optional<State>& state) {
    const std::string key = commit_key(version);
    const auto actions = load_commit(store_, version);
    if (!actions) {
      SLUICE_TRY_ASSIGN(const bool cleaned_up, is_gone(key));
      if (!cleaned_up) SLUICE_TRY(take(actions.error(), key));
      return false;
    }
    if (!state) return true;
    for (const Action& action : *actions) {
      const auto* remove = std::get_if<RemoveFile>(&action);
      if (remove == nullptr) continue;
      // Files that hold no rows of the table are said to be removed, too: deletion vectors of a feature that was dropped.
      if (state->files.erase(key_of(*remove)) == 0 && remove->data_change)
        find(fmt::format("{} removes {}, which is not in the table", key, remove->path));
    }
    state->info = {};
    std::set<std::string> added;
    for (const Action& action : *actions) {
      if (const auto* add = std::get_if<AddFile>(&action)) {
        if (!added.insert(canonical_path(add->path)).second) find(fmt::format("{} adds {} twice", key, add->path));
        state->files.insert_or_assign(key_of(*add), *add);
      } else {
        apply(action, *state);
      }
    }
    for (const std::string& path : added) {
      const auto first = state->files.lower_bound(FileKey{path, ""});
      if (first != state->files.end() && std::next(first) != state->files.end() && std::next(first)->first.path == path)
        find(fmt::format("{} leaves {} in the table twice, with two deletion vectors", key, path));
    }
    return true;
  }

  /// Whether what the listing named was there then and is not now: the log was cleaned up meanwhile.
  Result<bool> is_gone(const std::string& key) {
    SLUICE_TRY_ASSIGN(const auto info, store_.head(key));
    return !info.has_value();
  }

  static void apply(const Action& action, State& state) {
    if (const auto* info = std::get_if<CommitInfo>(&action)) {
      state.info = *info;
    } else if (const auto* protocol = std::get_if<Protocol>(&action)) {
      state.protocol = *protocol;
    } else if (const auto* metadata = std::get_if<Metadata>(&action)) {
      state.metadata = *metadata;
    } else if (const auto* txn = std::get_if<SetTransaction>(&action)) {
      state.transactions.insert_or_assign(txn->app_id, *txn);
    } else if (const auto* domain = std::get_if<DomainMetadata>(&action)) {
      if (domain->removed) {
        state.domains.erase(domain->domain);
      } else {
        state.domains.insert_or_assign(domain->domain, *domain);
      }
    } else if (const auto* add = std::get_if<AddFile>(&action)) {
      state.files.insert_or_assign(key_of(*add), *add);
    }
  }

  /// Compares the version's checkpoints with what the commits say; takes their word where those do not go back as far.
  Status check_checkpoints(Version version, std::optional<State>& state) {
    return read_checkpoints(version, [&](const std::string& key, State&& stored) {
      if (state) {
        compare(key, stored, *state);
      } else if (stored.protocol && stored.metadata) {
        state = std::move(stored);
      }
    });
  }

  Status read_checkpoints(Version version, const std::function<void(const std::string& key, State&&)>& use) {
    const auto found = checkpoints_.find(version);
    if (found == checkpoints_.end()) return ok();
    std::map<std::int32_t, std::vector<LogFile>> parted;  // by the number of parts
    for (const LogFile& file : found->second) {
      if (file.path.kind == LogPath::Kind::MultiPartCheckpoint) {
        parted[file.path.part_count].push_back(file);
      } else {
        SLUICE_TRY(read_checkpoint({file}, use));
      }
    }
    for (auto& [count, parts] : parted) {
      if (parts.size() != static_cast<std::size_t>(count)) continue;  // readers leave it alone
      std::ranges::sort(parts, {}, [](const LogFile& file) { return file.path.part; });
      SLUICE_TRY(read_checkpoint(parts, use));
    }
    return ok();
  }

  Status read_checkpoint(const std::vector<LogFile>& files,
                         const std::function<void(const std::string& key, State&&)>& use) {
    const std::string& key = files.front().info.key;
    State stored;
    const Status read = internal::read_checkpoint(store_, files, internal::CheckpointContent::State,
                                                  {[&](Action&& action) { apply(action, stored); }});
    if (!read) {
      SLUICE_TRY_ASSIGN(const bool cleaned_up, is_gone(key));
      return cleaned_up ? ok() : take(read.error(), key);
    }
    if (!stored.protocol || !stored.metadata) {
      find(fmt::format("{} lacks protocol or metadata", key));
      return ok();
    }
    SLUICE_TRY(check_sidecars(files));
    use(key, std::move(stored));
    return ok();
  }

  /// The sidecars can be read, or we would not be here; readers also rely on the sizes that the manifest states.
  Status check_sidecars(const std::vector<LogFile>& files) {
    if (files.front().path.kind == LogPath::Kind::MultiPartCheckpoint) return ok();
    std::vector<Sidecar> sidecars;
    const Status read =
        internal::read_checkpoint(store_, files, internal::CheckpointContent::Sidecars,
                                  {[&](Action&& action) { sidecars.push_back(std::get<Sidecar>(std::move(action))); }});
    if (!read) return take(read.error(), files.front().info.key);
    for (const Sidecar& sidecar : sidecars) {
      const std::string key = std::string(kSidecarFolder) + canonical_path(sidecar.path);
      SLUICE_TRY_ASSIGN(const auto info, store_.head(key));
      if (info && info->size_bytes != static_cast<std::uint64_t>(sidecar.size_bytes))
        find(fmt::format("{} says that {} has {} bytes, but it has {}", files.front().info.key, key, sidecar.size_bytes,
                         info->size_bytes));
    }
    return ok();
  }

  void compare(const std::string& key, const State& stored, const State& replayed) {
    if (stored.protocol != replayed.protocol) find(fmt::format("{} has another protocol than the commits", key));
    if (stored.metadata != replayed.metadata) find(fmt::format("{} has other metadata than the commits", key));
    for (const auto& [file, add] : replayed.files) {
      const auto found = stored.files.find(file);
      if (found == stored.files.end()) {
        find(fmt::format("{} lacks the file {}", key, add.path));
      } else if (!same_file(found->second, add)) {
        find(fmt::format("{} says something else of the file {} than the commits", key, add.path));
      }
    }
    for (const auto& [file, add] : stored.files) {
      if (!replayed.files.contains(file))
        find(fmt::format("{} has the file {}, which the commits do not", key, add.path));
    }
    for (const auto& [app_id, txn] : stored.transactions) {
      const auto found = replayed.transactions.find(app_id);
      if (found == replayed.transactions.end() || found->second.version != txn.version)
        find(fmt::format("{} has another transaction version of {} than the commits", key, app_id));
    }
    for (const auto& [app_id, txn] : replayed.transactions) {
      const bool may_expire =
          replayed.metadata && replayed.metadata->configuration.contains("delta.setTransactionRetentionDuration");
      if (!may_expire && !stored.transactions.contains(app_id))
        find(fmt::format("{} lacks the transaction version of {}", key, app_id));
    }
    if (stored.domains != replayed.domains) find(fmt::format("{} has other domain metadata than the commits", key));
  }

  Status check_checksum(Version version, const State& state) {
    if (!checksums_.contains(version)) return ok();
    const std::string key = checksum_key(version);
    SLUICE_TRY_ASSIGN(const auto text, store_.get(key));
    if (!text) return ok();
    simdjson::dom::parser parser;
    simdjson::dom::object members;
    if (parser.parse(simdjson::padded_string(*text)).get(members) != simdjson::SUCCESS) {
      find(fmt::format("{} is not JSON", key));
      return ok();
    }
    const internal::JsonFields fields(members, "checksum");
    std::int64_t bytes = 0;
    for (const auto& [file, add] : state.files) bytes += add.size_bytes;
    const auto expect = [&](std::string_view name, std::int64_t expected) {
      const auto stated = fields.integer(name);
      if (!stated || !*stated || **stated != expected)
        find(fmt::format("{} does not say {} {}, which the commits give", key, name, expected));
    };
    expect("numFiles", static_cast<std::int64_t>(state.files.size()));
    expect("tableSizeBytes", bytes);
    expect("numMetadata", 1);
    expect("numProtocol", 1);
    check_actions(key, fields, state);
    return ok();
  }

  /// Compares the actions that a version checksum repeats with those of the commits, as far as it does.
  void check_actions(const std::string& key, const internal::JsonFields& fields, const State& state) {
    const auto read = [&](std::string_view action, simdjson::dom::element value) -> std::optional<Action> {
      auto actions = read_actions(fmt::format("{{\"{}\":{}}}", action, simdjson::minify(value)), key);
      if (!actions || actions->size() != 1) {
        find(actions ? fmt::format("{} has no {} action", key, action) : actions.error().message());
        return std::nullopt;
      }
      return std::move(actions->front());
    };
    const auto compare_one = [&](std::string_view member, std::string_view action, const auto& expected) {
      const auto value = fields.find(member);
      if (!value || !expected) return;
      const auto stated = read(action, *value);
      if (stated && *stated != Action(*expected)) find(fmt::format("{} has another {} than the commits", key, member));
    };
    compare_one("protocol", "protocol", state.protocol);
    compare_one("metadata", "metaData", state.metadata);
    const auto compare_list = [&](std::string_view member, std::string_view action, const auto& expected,
                                  const auto& is_said, bool may_lack) {
      const auto value = fields.find(member);
      simdjson::dom::array list;
      if (!value || value->get(list) != simdjson::SUCCESS) return;
      std::size_t count = 0;
      for (const simdjson::dom::element each : list) {
        const auto stated = read(action, each);
        if (stated && !is_said(*stated)) find(fmt::format("{} has other {} than the commits", key, member));
        ++count;
      }
      if (count != expected.size() && !(may_lack && count < expected.size()))
        find(fmt::format("{} has {} {}, and the commits {}", key, count, member, expected.size()));
    };
    const auto is_domain = [&](const Action& action) {
      const auto& domain = std::get<DomainMetadata>(action);
      const auto found = state.domains.find(domain.domain);
      return found != state.domains.end() && found->second == domain;
    };
    const auto is_transaction = [&](const Action& action) {
      const auto& txn = std::get<SetTransaction>(action);
      const auto found = state.transactions.find(txn.app_id);
      return found != state.transactions.end() && found->second.version == txn.version;
    };
    const bool may_expire =
        state.metadata && state.metadata->configuration.contains("delta.setTransactionRetentionDuration");
    compare_list("domainMetadata", "domainMetadata", state.domains, is_domain, false);
    compare_list("setTransactions", "txn", state.transactions, is_transaction, may_expire);
    const auto time = fields.integer("inCommitTimestampOpt");
    if (time && *time && state.info.in_commit_timestamp &&
        **time != state.info.in_commit_timestamp->time_since_epoch().count())
      find(fmt::format("{} has another in-commit timestamp than the commit", key));
    const auto txn_id = fields.text("txnId");
    if (txn_id && *txn_id && state.info.txn_id && **txn_id != *state.info.txn_id)
      find(fmt::format("{} is of another commit than that of its version", key));
  }

  Status check_files(const Snapshot& table) {
    for (const AddFile& file : table.files()) {
      SLUICE_TRY(check_presence(file));
      if (file.deletion_vector) SLUICE_TRY(check_deletion_vector(file));
    }
    return ok();
  }

  Status check_presence(const AddFile& file) {
    const auto path = resolve_path(file.path);
    if (!path) return take(path.error(), file.path);
    std::unique_ptr<store::ObjectStore> elsewhere;
    if (path->absolute) {
      auto opened = store_of_absolute(*path, store_);
      if (!opened) return take(opened.error(), file.path);
      elsewhere = std::move(*opened);
    }
    SLUICE_TRY_ASSIGN(const auto info, elsewhere ? elsewhere->head(key_of_absolute(*path)) : store_.head(path->path));
    if (!info) {
      find(fmt::format("the data file {} is missing", path->path));
    } else if (info->size_bytes != static_cast<std::uint64_t>(file.size_bytes)) {
      find(fmt::format("the data file {} has {} bytes, and the log says {}", path->path, info->size_bytes,
                       file.size_bytes));
    }
    return ok();
  }

  Status check_deletion_vector(const AddFile& file) {
    const std::string where = fmt::format("the deletion vector of {}", file.path);
    const auto vector = load_deletion_vector(store_, *file.deletion_vector);
    if (!vector) return take(vector.error(), where);
    const auto statistics = read_statistics(file.stats.value_or("{}"));
    if (!statistics || !statistics->num_records) {
      find(fmt::format("{}: the file's statistics do not state numRecords", where));
      return ok();
    }
    const std::vector<std::uint64_t> rows = vector->rows();
    if (!rows.empty() && rows.back() >= static_cast<std::uint64_t>(*statistics->num_records))
      find(fmt::format("{} marks row {}, but the file has {}", where, rows.back(), *statistics->num_records));
    return ok();
  }

  store::ObjectStore& store_;
  Verification result_;
  std::set<Version> commits_;
  std::set<Version> checksums_;
  std::map<Version, std::vector<LogFile>> checkpoints_;
};

}  // namespace

Result<std::optional<Verification>> verify_table(store::ObjectStore& store) { return Verifier(store).run(); }

}  // namespace sluice::delta
