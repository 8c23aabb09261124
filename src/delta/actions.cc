#include "delta/actions.h"

#include <fmt/format.h>

namespace sluice::delta {

std::string DeletionVectorDescriptor::unique_id() const {
  if (!offset) return fmt::format("{}{}", storage_type, path_or_inline_dv);
  return fmt::format("{}{}@{}", storage_type, path_or_inline_dv, *offset);
}

const CommitInfo* find_commit_info(std::span<const Action> commit) {
  for (const Action& action : commit) {
    if (const auto* info = std::get_if<CommitInfo>(&action)) return info;
  }
  return nullptr;
}

}  // namespace sluice::delta
