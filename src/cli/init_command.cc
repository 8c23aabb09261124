#include "cli/init_command.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "cli/embedded_file.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/session.h"

namespace sluice::cli {
namespace fs = std::filesystem;
namespace {

/// The last day whose file lies in landing/ from the start; the later ones are for the second run.
constexpr std::string_view kLandedUntil = "data/2018-02-05.jsonl";

Status write_file(const fs::path& path, std::string_view content) {
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (code || !out) {
    const int reason = code ? code.value() : errno;
    const ErrorCode kind = reason == ENOSPC ? ErrorCode::ResourceExhausted : ErrorCode::PermissionDenied;
    return Error(kind, fmt::format("cannot write {}: {}", path.string(), std::strerror(reason))).with_number(131);
  }
  return ok();
}

constexpr std::string_view kEmptySpec = R"(# What sluice runs: every .sql file under transformations/ (docs/sql.md).
name: {}
storage: lake        # Delta tables: lake/main/<table>
)";

constexpr std::string_view kEmptyPipeline =
    R"(-- Put files of JSON lines into landing/ and run `sluice run --once`.
CREATE OR REFRESH STREAMING TABLE events
AS SELECT * FROM STREAM read_files('landing/*.jsonl', format => 'json');

CREATE OR REFRESH MATERIALIZED VIEW event_count
AS SELECT count(*) AS events FROM events;
)";

std::vector<std::pair<std::string, std::string>> files_of(const std::string& template_name, const fs::path& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  if (template_name == "empty") {
    const std::string name = fs::absolute(folder).lexically_normal().filename().string();
    files.emplace_back("sluice.yml", fmt::format(fmt::runtime(kEmptySpec), name.empty() ? "pipeline" : name));
    files.emplace_back("transformations/events.sql", kEmptyPipeline);
    files.emplace_back("landing/.keep", "");
    return files;
  }
  for (const EmbeddedFile& file : embedded_earthquakes()) {
    files.emplace_back(file.name, file.content);
    if (file.name.starts_with("data/") && file.name.ends_with(".jsonl") && file.name <= kLandedUntil) {
      files.emplace_back("landing/" + std::string(file.name.substr(5)), file.content);
    }
  }
  return files;
}

}  // namespace

const std::vector<std::string>& template_names() {
  static const std::vector<std::string> names = {"empty", "earthquakes"};
  return names;
}

Result<std::vector<std::string>> init_project(const fs::path& folder, const std::string& template_name) {
  if (template_name != "empty" && template_name != "earthquakes") {
    const auto near = near_names(template_name, template_names());
    return Error(ErrorCode::InvalidArgument, fmt::format("there is no template '{}'", template_name))
        .with_number(132)
        .with_help(fmt::format("templates: {}", fmt::join(near.empty() ? template_names() : near, ", ")));
  }
  std::error_code code;
  if (fs::exists(folder, code) && (!fs::is_directory(folder, code) || !fs::is_empty(folder, code))) {
    return Error(ErrorCode::AlreadyExists, fmt::format("{} is not an empty folder", folder.string()))
        .with_number(130)
        .with_help("name a new folder; nothing was written");
  }
  std::vector<std::string> written;
  for (const auto& [name, content] : files_of(template_name, folder)) {
    SLUICE_TRY(write_file(folder / name, content));
    written.push_back(name);
  }
  return written;
}

int init_command(const CommonOptions& common, const InitOptions& options) {
  const auto written = init_project(options.folder, options.template_name);
  if (!written) return report_error(written.error());
  if (!common.quiet) {
    std::cerr << fmt::format("wrote {} files to {}\nnext: sluice run --once -C {}\n", written->size(),
                             options.folder.string(), options.folder.string());
  }
  return static_cast<int>(ExitCode::Ok);
}

}  // namespace sluice::cli
