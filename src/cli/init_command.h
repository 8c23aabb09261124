#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::cli {

/// Names of the templates that init knows.
const std::vector<std::string>& template_names();

/// Writes a new project into `folder`, which is made if absent. AlreadyExists if it holds anything, and then nothing is
/// touched; InvalidArgument for an unknown template; PermissionDenied, ResourceExhausted.
/// Returns the paths written, relative to the folder, in order.
Result<std::vector<std::string>> init_project(const std::filesystem::path& folder, const std::string& template_name);

}  // namespace sluice::cli
