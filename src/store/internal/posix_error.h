#pragma once

#include <string_view>

#include "base/error.h"

namespace sluice::store::internal {

/// Returns the Error for an errno value: "`attempt` `path`: No space left on device".
/// ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, EFBIG are ResourceExhausted; EROFS, EACCES, EPERM PermissionDenied;
/// ENOENT NotFound; EEXIST AlreadyExists; ENOTDIR, EISDIR, ENAMETOOLONG, EINVAL, ELOOP InvalidArgument;
/// all others Unavailable.
Error posix_error(std::string_view attempt, std::string_view path, int errno_value);

}  // namespace sluice::store::internal
