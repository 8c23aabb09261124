#include "store/internal/posix_error.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace sluice::store::internal {
namespace {

ErrorCode code_of(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG: return ErrorCode::ResourceExhausted;
    case EROFS:
    case EACCES:
    case EPERM: return ErrorCode::PermissionDenied;
    case ENOENT: return ErrorCode::NotFound;
    case EEXIST: return ErrorCode::AlreadyExists;
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case EINVAL:
    case ELOOP: return ErrorCode::InvalidArgument;
    default: return ErrorCode::Unavailable;
  }
}

}  // namespace

Error posix_error(std::string_view attempt, std::string_view path, int errno_value) {
  return Error(code_of(errno_value),
               fmt::format("{} {}: {}", attempt, path, std::generic_category().message(errno_value)));
}

}  // namespace sluice::store::internal
