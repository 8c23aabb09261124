#include "connect/files/member_names.h"

#include <algorithm>

#include "base/check.h"

namespace sluice::connect {

std::string MemberNames::fold(std::string_view name) {
  std::string folded(name);
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  return folded;
}

void MemberNames::add(std::string name) {
  const bool added = folded_.emplace(fold(name), names_.size()).second;
  SLUICE_CHECK(added, "two members are named " + name);
  exact_.emplace(name, names_.size());
  names_.push_back(std::move(name));
}

}  // namespace sluice::connect
