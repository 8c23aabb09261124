#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::connect {

/// The names of a row's columns or of a struct's members, in order, found by name. Names differ even without regard to
/// case, as Delta wants it; they are found with regard to case, as JSON has them.
class MemberNames {
 public:
  std::size_t size() const { return names_.size(); }
  const std::string& operator[](std::size_t index) const { return names_[index]; }
  const std::vector<std::string>& all() const { return names_; }

  std::optional<std::size_t> find(std::string_view name) const {
    const auto found = exact_.find(name);
    return found == exact_.end() ? std::nullopt : std::optional(found->second);
  }
  /// True if a name is equal without regard to the case of ASCII letters.
  bool clashes(std::string_view name) const { return folded_.contains(fold(name)); }
  /// Adds a name that does not clash.
  void add(std::string name);

  friend bool operator==(const MemberNames& a, const MemberNames& b) { return a.names_ == b.names_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Positions = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;

  static std::string fold(std::string_view name);

  std::vector<std::string> names_;
  Positions exact_;
  Positions folded_;
};

}  // namespace sluice::connect
