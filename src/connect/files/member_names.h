#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "columnar/column_names.h"

namespace sluice::connect {

/// The names of a row's columns or of a struct's members, in order, found by name. They are found with regard to
/// case, as JSON has them; names that clash without regard to case are one for Delta.
class MemberNames {
 public:
  std::size_t size() const { return names_.size(); }
  const std::string& operator[](std::size_t index) const { return names_[index]; }
  const std::vector<std::string>& all() const { return names_; }

  std::optional<std::size_t> find(std::string_view name) const {
    const auto found = exact_.find(name);
    return found == exact_.end() ? std::nullopt : std::optional(found->second);
  }
  /// True if a name is equal without regard to case.
  bool clashes(std::string_view name) const { return lower_.contains(columnar::lower_case(name)); }
  /// Adds a name that none is equal to.
  void add(std::string name);

  friend bool operator==(const MemberNames& a, const MemberNames& b) { return a.names_ == b.names_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> exact_;
  std::unordered_set<std::string> lower_;
};

}  // namespace sluice::connect
