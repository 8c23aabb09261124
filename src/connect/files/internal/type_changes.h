#pragma once

#include <string>
#include <vector>

#include "columnar/schema.h"

namespace sluice::connect {

/// A column, or what lies within one, that has another type than before.
struct TypeChange {
  std::string name;  ///< "place.zip" for a struct's member, "marks[]" for a list's element.
  std::string from;
  std::string to;

  friend bool operator==(const TypeChange&, const TypeChange&) = default;
};

/// Returns what both schemas have, with different types, in the order of `before`. New columns and members are no
/// changes. Names are compared with regard to case.
std::vector<TypeChange> find_type_changes(const columnar::Schema& before, const columnar::Schema& after);

}  // namespace sluice::connect
