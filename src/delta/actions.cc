#include "delta/actions.h"

#include <fmt/format.h>

namespace sluice::delta {

std::string DeletionVectorDescriptor::unique_id() const {
  if (!offset) return fmt::format("{}{}", storage_type, path_or_inline_dv);
  return fmt::format("{}{}@{}", storage_type, path_or_inline_dv, *offset);
}

}  // namespace sluice::delta
