#pragma once

#include <span>
#include <string_view>

namespace sluice::cli {

/// A file that the binary carries.
struct EmbeddedFile {
  std::string_view name;  ///< Relative to the folder it is written to.
  std::string_view content;
};

/// The earthquakes example: project file, SQL, and the data of eight days under data/.
std::span<const EmbeddedFile> embedded_earthquakes();
/// The pages of `sluice explain SLUnnnn`: docs/errors.md.
std::span<const EmbeddedFile> embedded_errors();

}  // namespace sluice::cli
