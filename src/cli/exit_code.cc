#include "cli/exit_code.h"

namespace sluice::cli {

ExitCode exit_code_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::InvalidArgument:
    case ErrorCode::NotFound:
    case ErrorCode::AlreadyExists:
    case ErrorCode::Unsupported: return ExitCode::Usage;
    case ErrorCode::Unavailable:
    case ErrorCode::PermissionDenied:
    case ErrorCode::ResourceExhausted: return ExitCode::Unreachable;
    case ErrorCode::Corruption: return ExitCode::Corrupt;
    case ErrorCode::Conflict:
    case ErrorCode::Fenced: return ExitCode::Fenced;
    case ErrorCode::DataError: return ExitCode::RanWithFailures;
    case ErrorCode::Cancelled: return ExitCode::Interrupted;
    case ErrorCode::Internal: return ExitCode::Internal;
  }
  return ExitCode::Internal;
}

}  // namespace sluice::cli
