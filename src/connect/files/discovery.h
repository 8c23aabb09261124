#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "connect/files/file_system.h"

namespace sluice::connect {

/// Files that one discovery may find.
inline constexpr std::size_t kFilesMax = 1'000'000;
/// Folders that `**` or a folder taken whole may lie inside one another.
inline constexpr std::size_t kFolderDepthMax = 64;

/// Returns the files that `pattern` names, ordered by the bytes of their paths: the order in which they are read.
///
/// A pattern is a path whose components may hold `*`, `?`, `[abc]`, `[a-z]`, `[!a]`; `**` stands for any number of
/// folders, `{a,b}` for each of its alternatives. A folder, written out or matched by the last component, stands for
/// all files in and below it. Names that begin with '.' or '_' are never matched by a wildcard or taken with a folder,
/// only when written out. Links to files are followed, links to folders only where a component names them.
///
/// The part before the first wildcard must exist: NotFound or InvalidArgument with number and help if it is missing or
/// not a folder; an empty folder, or a pattern without a match, is no error. Without a wildcard the path must exist.
/// Other errors: InvalidArgument (pattern), Unsupported (an address such as s3://…), ResourceExhausted (more than
/// kFilesMax files), those of FileSystem. Cost: one listing per folder looked into.
Result<std::vector<FileInfo>> discover(FileSystem& files, std::string_view pattern);

/// Holds files back until they stop changing: a file is settled once its size and time were seen unchanged for
/// `settle_time`. What is seen is measured with the engine's own clock, for times of files may be set at will.
/// Owned by one worker.
class Settling {
 public:
  /// With zero every file is settled at once.
  explicit Settling(std::chrono::milliseconds settle_time) : settle_time_(settle_time) {}

  /// Takes what a discovery found at `now` (Clock::monotonic) and returns the settled files, in the same order.
  std::vector<FileInfo> settled(std::vector<FileInfo> found, std::chrono::nanoseconds now);
  /// True if the last discovery held files back: looking again later will find them settled.
  bool waiting() const { return waiting_; }
  std::chrono::milliseconds settle_time() const { return settle_time_; }

 private:
  struct Sighting {
    FileInfo file;
    std::chrono::nanoseconds since;
  };

  std::chrono::milliseconds settle_time_;
  std::map<std::string, Sighting> sightings_;
  bool waiting_ = false;
};

}  // namespace sluice::connect
