#include "cli/session.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <set>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>

#include "cli/duckdb_version.h"
#include "cli/error_numbers.h"
#include "cli/exit_code.h"
#include "runtime/side_tables.h"
#include "store/memory_store.h"
#include "store/prefix_store.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kSideSchema = "sluice";

/// Finds the project's tables, and those sluice writes about itself, at their newest version. Names are compared
/// without regard to case, as in any SQL.
Result<std::optional<lake::DeltaTable>> find_table(Session& session, const std::optional<std::string>& schema,
                                                   const std::string& name) {
  std::string folder = schema.value_or(session.project.schema) + "/" + name;
  for (const lake::TableName& known : list_tables(session)) {
    if (!duckdb::StringUtil::CIEquals(known.schema, schema.value_or(session.project.schema))) continue;
    if (duckdb::StringUtil::CIEquals(known.name, name)) folder = known.schema + "/" + known.name;
  }
  // A name that is no key names no table.
  if (!store::check_key(folder)) return std::optional<lake::DeltaTable>();
  auto store = std::make_shared<store::PrefixStore>(*session.storage, folder);
  SLUICE_TRY_ASSIGN(auto snapshot, delta::Snapshot::load(*store));
  if (!snapshot) {
    if (std::string key = folder; runtime::is_side_table(key.replace(key.find('/'), 1, "."))) {
      return Error(ErrorCode::NotFound, fmt::format("there is no table {} yet", key))
          .with_number(1040)
          .with_help("it is made when its first row comes: so far there was nothing to write into it");
    }
    return std::optional<lake::DeltaTable>();
  }
  return std::optional<lake::DeltaTable>({std::move(snapshot), std::move(store)});
}

/// Takes away what writers that were killed left half-written. They are of no use and in nobody's way, so a failure is
/// reported and no more.
void remove_abandoned(store::LocalStore& storage, Logger& log) {
  const auto removed = storage.remove_abandoned();
  if (!removed) {
    log.warn("store", fmt::format("cannot remove temporary files: {}", removed.error().message()));
  } else if (*removed > 0) {
    log.info("store", "removed temporary files of killed runs", {{"files", std::to_string(*removed)}});
  }
}

/// Stands for the project where there is none: it has no tables.
Result<Project> no_project(const std::filesystem::path& folder) {
  Project none;
  std::error_code failed;
  none.folder = std::filesystem::absolute(folder, failed).lexically_normal();
  if (failed)
    return Error(ErrorCode::Unavailable, fmt::format("there is no folder {}", folder.string())).with_number(103);
  return none;
}

}  // namespace

std::vector<lake::TableName> list_tables(const Session& session) {
  std::vector<lake::TableName> names;
  if (session.project.storage.empty()) return names;
  for (const std::string& schema : std::set<std::string>{session.project.schema, std::string(kSideSchema)}) {
    std::error_code code;
    for (auto entry = std::filesystem::directory_iterator(session.project.storage / schema, code);
         !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
      names.push_back({schema, entry->path().filename().string()});
    }
  }
  return names;
}

Result<std::unique_ptr<Session>> open_session(const CommonOptions& common, const std::filesystem::path& project,
                                              SessionUse use) {
  if (!duckdb_versions_agree()) {
    return Error(ErrorCode::Internal, "libduckdb is not the version this binary was built for; see `sluice version`")
        .with_number(9001);
  }
  auto session = std::make_unique<Session>();
  session->log = std::make_unique<Logger>(session->clock, common.log_level, common.log_format);
  if (const char* points = std::getenv("SLUICE_FAILPOINTS")) {
    if (Status armed = session->fail_points.arm(points); !armed) {
      return std::move(armed).error().in("SLUICE_FAILPOINTS").with_number(121);
    }
  }
  auto opened = open_project(project.empty() ? common.folder : project,
                             {common.storage, "", /*may_lack_statements=*/use == SessionUse::Anywhere});
  if (opened) {
    session->project = std::move(*opened);
  } else if (use == SessionUse::Anywhere && project.empty() && opened.error().number() == kErrorNoProject) {
    SLUICE_TRY_ASSIGN(session->project, no_project(common.folder));
  } else {
    return std::move(opened).error();
  }

  std::error_code code;
  if (use != SessionUse::Run && !std::filesystem::exists(session->project.storage, code)) {
    session->storage = std::make_shared<store::MemoryStore>(session->clock);
  } else {
    SLUICE_TRY_ASSIGN(std::shared_ptr<store::LocalStore> storage,
                      store::LocalStore::create(session->project.storage.string()));
    if (use == SessionUse::Run) remove_abandoned(*storage, *session->log);
    session->storage = std::move(storage);
  }
  session->files = std::make_unique<connect::LocalFileSystem>(session->project.folder.string());

  lake::LakeOptions options;
  options.working_folder = session->project.folder.string();
  options.schema = session->project.schema;
  options.find_table = [raw = session.get()](const std::optional<std::string>& schema, const std::string& name) {
    return find_table(*raw, schema, name);
  };
  options.list_tables = [raw = session.get()] { return list_tables(*raw); };
  options.warn = [log = session->log.get()](const std::string& warning) { log->warn("delta", warning); };
  options.clock = &session->clock;
  options.random = &session->random;
  SLUICE_TRY_ASSIGN(session->lake, lake::Lake::create(std::move(options)));
  return session;
}

Error numbered(Error error) {
  if (error.number() != 0) return error;
  switch (error.code()) {
    case ErrorCode::ResourceExhausted: return std::move(error).with_number(7001);
    case ErrorCode::PermissionDenied: return std::move(error).with_number(5002);
    case ErrorCode::Unavailable: return std::move(error).with_number(5001);
    case ErrorCode::Corruption: return std::move(error).with_number(6000);
    case ErrorCode::Conflict:
    case ErrorCode::Fenced: return std::move(error).with_number(4101);
    case ErrorCode::DataError: return std::move(error).with_number(3100);
    case ErrorCode::Internal: return std::move(error).with_number(9001);
    case ErrorCode::InvalidArgument:
    case ErrorCode::NotFound:
    case ErrorCode::AlreadyExists:
    case ErrorCode::Unsupported:
    case ErrorCode::Cancelled: break;
  }
  return std::move(error).with_number(190);
}

int report_error(const Error& error) {
  std::cout.flush();
  std::cerr << render(numbered(error));
  return static_cast<int>(exit_code_of(error));
}

}  // namespace sluice::cli
