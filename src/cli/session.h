#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/fail_points.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/options.h"
#include "cli/project.h"
#include "connect/files/file_system.h"
#include "lake/lake.h"
#include "store/local_store.h"

namespace sluice::cli {

/// The objects that verbs work with, made once per process and wired here. Everything lives as long as the session.
struct Session {
  SystemClock clock;
  SystemRandom random;
  FailPoints fail_points;
  std::unique_ptr<Logger> log;
  Project project;
  std::shared_ptr<store::ObjectStore> storage;      ///< Rooted at the storage folder.
  std::unique_ptr<connect::LocalFileSystem> files;  ///< Rooted at the project folder.
  std::unique_ptr<lake::Lake> lake;                 ///< Names are the project's tables as they are now.
};

/// What a session is opened for.
enum class SessionUse {
  Run,       ///< The storage folder is made if it is absent.
  Read,      ///< It may be missing, and then there are no tables.
  Anywhere,  ///< So may the project: then there are no tables either, and paths start at CommonOptions::folder.
};

/// Opens the project and makes what stands around it. `project` empty: CommonOptions::folder.
/// Errors: those of open_project; Internal if the DuckDB library is not the one this binary was built for;
/// PermissionDenied, ResourceExhausted, Unavailable from the storage folder.
Result<std::unique_ptr<Session>> open_session(const CommonOptions& common, const std::filesystem::path& project,
                                              SessionUse use);

/// Returns the folders where tables of the project may lie: those of its schema, and those sluice writes about itself.
std::vector<lake::TableName> list_tables(const Session& session);

/// Gives an error that its module left without a number the one of its kind, so that every error has a page.
Error numbered(Error error);

/// Writes an error to stderr and returns its exit code.
int report_error(const Error& error);

}  // namespace sluice::cli
