#include "cli/project.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "cli/error_numbers.h"

namespace sluice::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kYamlDepthMax = 16;
const std::vector<std::string> kSluiceKeys = {"name",    "storage",       "schema",   "database",
                                              "catalog", "configuration", "libraries"};
const std::vector<std::string> kSpecNames = {"sluice.yml", "sluice.yaml", "spark-pipeline.yml", "spark-pipeline.yaml"};

Result<std::string> read_file(const fs::path& path, std::size_t bytes_max) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  if (code) {
    return Error(code == std::errc::permission_denied ? ErrorCode::PermissionDenied : ErrorCode::NotFound,
                 fmt::format("cannot read {}: {}", path.string(), code.message()))
        .with_number(101);
  }
  if (size > bytes_max) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("{} has {} bytes; at most {} are read", path.string(), size, bytes_max))
        .with_number(102);
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return Error(ErrorCode::Unavailable, fmt::format("cannot read {}", path.string())).with_number(101);
  return std::move(text).str();
}

/// The spec being read: its text gives errors their line.
class Spec {
 public:
  Spec(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {}

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }

  Error error(const YAML::Mark& mark, std::string message, std::size_t length = 1) const {
    SourceLocation where{name_, static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1),
                         static_cast<std::uint32_t>(length), ""};
    std::istringstream lines(text_);
    for (int line = 0; line <= mark.line && std::getline(lines, where.text); ++line) {
    }
    return Error(ErrorCode::InvalidArgument, std::move(message)).with_number(110).at(std::move(where));
  }

 private:
  std::string name_;
  std::string text_;
};

std::size_t depth_of(const YAML::Node& node, std::size_t limit) {
  if (limit == 0 || !(node.IsMap() || node.IsSequence())) return 1;
  std::size_t depth = 0;
  for (const auto& item : node) {
    depth = std::max(depth, node.IsMap() ? depth_of(item.second, limit - 1) : depth_of(item, limit - 1));
  }
  return depth + 1;
}

Result<std::string> scalar(const Spec& spec, const std::string& key, const YAML::Node& node) {
  if (!node.IsScalar()) return spec.error(node.Mark(), fmt::format("'{}' must be a text", key));
  return node.Scalar();
}

Status read_configuration(const Spec& spec, const YAML::Node& node, Project& project) {
  if (!node.IsMap()) return spec.error(node.Mark(), "'configuration' must be a map of texts");
  for (const auto& item : node) {
    if (!item.first.IsScalar()) return spec.error(item.first.Mark(), "a key must be a text");
    SLUICE_TRY_ASSIGN(std::string value, scalar(spec, item.first.Scalar(), item.second));
    project.configuration[item.first.Scalar()] = std::move(value);
  }
  return ok();
}

/// A library is a path or glob as text, or Spark's {glob: {include: text}}.
Result<std::string> library_pattern(const Spec& spec, const YAML::Node& node) {
  if (node.IsScalar()) return node.Scalar();
  if (node.IsMap() && node["glob"] && node["glob"].IsMap() && node["glob"]["include"] &&
      node["glob"]["include"].IsScalar()) {
    return node["glob"]["include"].Scalar();
  }
  if (node.IsMap() && node["file"] && node["file"].IsScalar()) return node["file"].Scalar();
  return spec.error(node.Mark(), "a library is a path or glob of .sql files, such as transformations/**");
}

Result<std::string> storage_path(const Spec& spec, const YAML::Node& node) {
  SLUICE_TRY_ASSIGN(std::string storage, scalar(spec, "storage", node));
  if (storage.starts_with("file://")) storage.erase(0, 7);
  if (storage.find("://") != std::string::npos) {
    return std::move(spec.error(node.Mark(), "this storage is not a local folder", storage.size()))
        .with_help("object stores come in a later release; give a path");
  }
  if (storage.empty()) return spec.error(node.Mark(), "'storage' is empty");
  return storage;
}

Result<std::vector<std::string>> read_spec(const Spec& spec, Project& project) {
  std::vector<std::string> patterns;
  std::vector<YAML::Node> documents;
  try {
    documents = YAML::LoadAll(spec.text());
  } catch (const YAML::ParserException& exception) {
    return spec.error(exception.mark, fmt::format("this is not YAML: {}", exception.msg));
  }
  if (documents.size() > 1) return spec.error(documents[1].Mark(), "the project file must be one document");
  const YAML::Node root = documents.empty() ? YAML::Node() : documents.front();
  if (root.IsNull()) return spec.error({}, "the project file is empty");
  if (!root.IsMap()) return spec.error(root.Mark(), "the project file must be a map of keys");
  if (depth_of(root, kYamlDepthMax) > kYamlDepthMax) return spec.error(root.Mark(), "nested too deeply");
  std::set<std::string> seen;
  for (const auto& item : root) {
    if (!item.first.IsScalar()) return spec.error(item.first.Mark(), "a key must be a text");
    const std::string key = item.first.Scalar();
    if (!seen.insert(key).second) {
      return spec.error(item.first.Mark(), fmt::format("'{}' is given twice", key), key.size());
    }
    if (key == "name") {
      SLUICE_TRY_ASSIGN(project.name, scalar(spec, key, item.second));
    } else if (key == "storage") {
      SLUICE_TRY_ASSIGN(const std::string storage, storage_path(spec, item.second));
      project.storage = storage;
    } else if (key == "schema" || key == "database") {
      SLUICE_TRY_ASSIGN(project.schema, scalar(spec, key, item.second));
    } else if (key == "catalog") {
      SLUICE_TRY(scalar(spec, key, item.second));  // Spark's; one catalog is all there is here
    } else if (key == "configuration") {
      SLUICE_TRY(read_configuration(spec, item.second, project));
    } else if (key == "libraries") {
      if (!item.second.IsSequence()) return spec.error(item.second.Mark(), "'libraries' must be a list");
      for (const auto& library : item.second) {
        SLUICE_TRY_ASSIGN(std::string pattern, library_pattern(spec, library));
        patterns.push_back(std::move(pattern));
      }
    } else {
      const auto near = near_names(key, kSluiceKeys);
      return std::move(spec.error(item.first.Mark(), fmt::format("unknown key '{}'", key), key.size()))
          .with_help(near.empty() ? fmt::format("known keys: {}", fmt::join(kSluiceKeys, ", "))
                                  : fmt::format("did you mean {}?", fmt::join(near, ", ")));
    }
  }
  if (project.name.empty()) return spec.error({}, "the key 'name' is missing");
  return patterns;
}

/// Paths of .sql files that a library names: a file, a folder, `folder/**` or `folder/*.sql`.
Result<std::vector<fs::path>> expand_library(const fs::path& folder, const std::string& pattern) {
  std::vector<fs::path> found;
  std::string base = pattern;
  bool recursive = false;
  bool children = false;
  for (const std::string_view ending : {"/**/*.sql", "/**/*", "/**", "/*.sql", "/*"}) {
    if (!base.ends_with(ending)) continue;
    base.resize(base.size() - ending.size());
    recursive = ending.starts_with("/**");
    children = true;
    break;
  }
  const Error no_match = Error(ErrorCode::InvalidArgument,
                               fmt::format("library '{}' names no .sql file under {}", pattern, folder.string()))
                             .with_number(kErrorNoSqlFile)
                             .with_help("want a .sql file, a folder, folder/*.sql or folder/**");
  const fs::path path = folder / base;
  std::error_code code;
  if (base.find_first_of("*?[") != std::string::npos) return no_match;
  if (!children && fs::is_regular_file(path, code)) return std::vector<fs::path>{path};
  if (!fs::is_directory(path, code)) return no_match;
  if (!children) recursive = true;
  const auto cannot_list = [&] {
    return Error(ErrorCode::PermissionDenied, fmt::format("cannot list {}: {}", path.string(), code.message()))
        .with_number(5002)
        .with_help("make the folder readable: datasets in it would count as no longer defined");
  };
  auto entry = fs::recursive_directory_iterator(path, code);
  for (; !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
    std::error_code ignored;  // of an entry that is gone by now
    if (entry->is_directory(ignored) && (!recursive || entry->path().filename().string().starts_with('.'))) {
      entry.disable_recursion_pending();
    }
    if (entry->is_regular_file(ignored) && entry->path().extension() == ".sql") found.push_back(entry->path());
  }
  if (code) return cannot_list();
  if (found.empty()) return no_match;
  return found;
}

Status read_statements(std::vector<fs::path> paths, Project& project) {
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  for (const fs::path& path : paths) {
    SLUICE_TRY_ASSIGN(std::string text, read_file(path, Project::kStatementFileBytesMax));
    project.files.push_back({path.lexically_relative(project.folder).string(), std::move(text)});
  }
  return ok();
}

void apply_overrides(const ProjectOverrides& overrides, Project& project) {
  if (!overrides.schema.empty()) project.schema = overrides.schema;
  // A flag's path starts where the user stands, the spec's at the project folder.
  project.storage = overrides.storage.empty() ? project.folder / project.storage : fs::absolute(overrides.storage);
  project.storage = project.storage.lexically_normal();
}

Result<Project> open_single_file(const fs::path& file, const ProjectOverrides& overrides) {
  Project project;
  project.name = file.stem().string();
  project.folder = file.parent_path();
  project.storage = "lake";
  apply_overrides(overrides, project);
  SLUICE_TRY(read_statements({file}, project));
  return project;
}

}  // namespace

Result<Project> open_project(const fs::path& start, const ProjectOverrides& overrides) {
  std::error_code code;
  const fs::path absolute = fs::absolute(start, code).lexically_normal();
  if (!fs::exists(absolute, code)) {
    return Error(ErrorCode::NotFound, fmt::format("there is no {}", start.string())).with_number(103);
  }
  if (fs::is_regular_file(absolute, code) && absolute.extension() == ".sql")
    return open_single_file(absolute, overrides);

  for (fs::path folder = fs::is_directory(absolute, code) ? absolute : absolute.parent_path();;
       folder = folder.parent_path()) {
    for (const std::string& spec_name : kSpecNames) {
      const fs::path path = folder / spec_name;
      if (!fs::is_regular_file(path, code)) continue;
      Project project;
      project.folder = folder.has_filename() ? folder : folder.parent_path();
      project.storage = "lake";
      SLUICE_TRY_ASSIGN(std::string text, read_file(path, Project::kSpecBytesMax));
      const Spec spec(spec_name, std::move(text));
      SLUICE_TRY_ASSIGN(std::vector<std::string> patterns, read_spec(spec, project));
      apply_overrides(overrides, project);
      if (patterns.empty()) patterns.push_back("transformations/**");
      std::vector<fs::path> paths;
      for (const std::string& pattern : patterns) {
        const auto found = expand_library(project.folder, pattern);
        if (!found && found.error().number() == kErrorNoSqlFile && overrides.may_lack_statements) continue;
        if (!found) return found.error();
        paths.insert(paths.end(), found->begin(), found->end());
      }
      SLUICE_TRY(read_statements(std::move(paths), project));
      return project;
    }
    if (folder == folder.parent_path()) break;
  }
  return Error(ErrorCode::NotFound, fmt::format("no sluice.yml in {} or above", absolute.string()))
      .with_number(kErrorNoProject)
      .with_help("make a project with `sluice init`, or name a .sql file");
}

}  // namespace sluice::cli
