#include "cli/session.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include <fmt/format.h>

#include "cli/duckdb_version.h"
#include "cli/exit_code.h"
#include "store/memory_store.h"
#include "store/prefix_store.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kSideSchema = "sluice";

/// Finds the project's tables, and those sluice writes about itself, at their newest version.
Result<std::optional<lake::DeltaTable>> find_table(Session& session, const std::optional<std::string>& schema,
                                                   const std::string& name) {
  const std::string folder = schema.value_or(session.project.schema) + "/" + name;
  auto store = std::make_shared<store::PrefixStore>(*session.storage, folder);
  // A name that is no key names no table.
  if (!store::check_key(folder)) return std::optional<lake::DeltaTable>();
  SLUICE_TRY_ASSIGN(auto snapshot, delta::Snapshot::load(*store));
  if (!snapshot) return std::optional<lake::DeltaTable>();
  return std::optional<lake::DeltaTable>({std::move(snapshot), std::move(store)});
}

std::vector<std::string> table_names(const Session& session) {
  std::vector<std::string> names;
  for (const std::string& schema : {session.project.schema, std::string(kSideSchema)}) {
    std::error_code code;
    for (auto entry = std::filesystem::directory_iterator(session.project.storage / schema, code);
         !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
      const std::string name = entry->path().filename().string();
      names.push_back(schema == session.project.schema ? name : schema + "." + name);
    }
  }
  return names;
}

}  // namespace

Result<std::unique_ptr<Session>> open_session(const CommonOptions& common, const std::filesystem::path& project,
                                              bool create_storage) {
  if (!duckdb_versions_agree()) {
    return Error(ErrorCode::Internal, "libduckdb is not the version this binary was built for; see `sluice version`")
        .with_number(9001);
  }
  auto session = std::make_unique<Session>();
  session->log = std::make_unique<Logger>(session->clock, common.log_level, common.log_format);
  if (const char* points = std::getenv("SLUICE_FAILPOINTS")) SLUICE_TRY(session->fail_points.arm(points));
  SLUICE_TRY_ASSIGN(session->project, open_project(project.empty() ? common.folder : project, {common.storage, ""}));

  std::error_code code;
  if (!create_storage && !std::filesystem::exists(session->project.storage, code)) {
    session->storage = std::make_shared<store::MemoryStore>(session->clock);
  } else {
    SLUICE_TRY_ASSIGN(session->storage, store::LocalStore::create(session->project.storage.string()));
  }
  session->files = std::make_unique<connect::LocalFileSystem>(session->project.folder.string());

  lake::LakeOptions options;
  options.working_folder = session->project.folder.string();
  options.schema = session->project.schema;
  options.find_table = [raw = session.get()](const std::optional<std::string>& schema, const std::string& name) {
    return find_table(*raw, schema, name);
  };
  options.table_names = [raw = session.get()] { return table_names(*raw); };
  SLUICE_TRY_ASSIGN(session->lake, lake::Lake::create(std::move(options)));
  return session;
}

int report_error(const Error& error) {
  std::cout.flush();
  std::cerr << render(error);
  return static_cast<int>(exit_code_of(error));
}

}  // namespace sluice::cli
