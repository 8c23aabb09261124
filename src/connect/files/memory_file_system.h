#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connect/files/file_system.h"

namespace sluice::connect {

/// Files in memory, for tests and the simulator. Folders exist as far as a file lies in them or make_folder() made
/// them. Behaves like a local disk: an open file stays readable after its name is removed or given to another file, and
/// shows what is written into it afterwards. Relative and absolute paths are different names. Thread-safe.
class MemoryFileSystem final : public FileSystem {
 public:
  /// Gives the name to a new file; a file that had it stays what it was for those who hold it open.
  void put(const std::string& path, std::string content, UnixMillis modified);
  /// Changes the content of the file in place. It must exist.
  void overwrite(const std::string& path, std::string content, UnixMillis modified);
  void remove(const std::string& path);
  void make_folder(const std::string& path);
  /// Calls `hook` with the path before each read of an open file, so that a test can change things in between. If it
  /// returns an error, the read fails with it.
  void before_read(std::function<Status(const std::string&)> hook);

  Result<std::vector<FolderEntry>> list(const std::string& folder) override;
  Result<PathStatus> status(const std::string& path) override;
  Result<std::unique_ptr<InputFile>> open(const std::string& path) override;

 private:
  struct Content;
  class OpenFile;

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Content>> files_;
  std::map<std::string, bool> folders_;
  std::function<Status(const std::string&)> hook_;
};

}  // namespace sluice::connect
