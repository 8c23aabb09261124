#include "connect/files/member_names.h"

#include "base/check.h"

namespace sluice::connect {

void MemberNames::add(std::string name) {
  const bool added = exact_.emplace(name, names_.size()).second;
  SLUICE_CHECK(added, "two members are named " + name);
  lower_.insert(columnar::lower_case(name));
  names_.push_back(std::move(name));
}

}  // namespace sluice::connect
