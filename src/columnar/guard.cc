#include "columnar/guard.h"

#include <new>

#include <duckdb/common/error_data.hpp>
#include <duckdb/common/exception.hpp>

namespace sluice::columnar {
namespace {

ErrorCode code_of(duckdb::ExceptionType type) {
  using duckdb::ExceptionType;
  switch (type) {
    case ExceptionType::OUT_OF_RANGE:
    case ExceptionType::CONVERSION:
    case ExceptionType::MISMATCH_TYPE:
    case ExceptionType::DIVIDE_BY_ZERO:
    case ExceptionType::DECIMAL:
    case ExceptionType::INVALID_INPUT:
    case ExceptionType::CONSTRAINT: return ErrorCode::DataError;
    case ExceptionType::IO:
    case ExceptionType::HTTP:
    case ExceptionType::NETWORK:
    case ExceptionType::CONNECTION: return ErrorCode::Unavailable;
    case ExceptionType::OUT_OF_MEMORY: return ErrorCode::ResourceExhausted;
    case ExceptionType::PERMISSION: return ErrorCode::PermissionDenied;
    case ExceptionType::NOT_IMPLEMENTED: return ErrorCode::Unsupported;
    case ExceptionType::INTERRUPT: return ErrorCode::Cancelled;
    case ExceptionType::SERIALIZATION: return ErrorCode::Corruption;
    default: return ErrorCode::InvalidArgument;
  }
}

Error error_of(const duckdb::ErrorData& data) {
  const bool bug = data.Type() == duckdb::ExceptionType::INTERNAL || data.Type() == duckdb::ExceptionType::FATAL;
  SLUICE_CHECK(!bug, data.RawMessage());
  return Error(code_of(data.Type()), data.RawMessage());
}

}  // namespace

Error error_in_flight() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::ResourceExhausted, "out of memory");
  } catch (const std::exception& exception) {
    return error_of(duckdb::ErrorData(exception));
  } catch (...) {
    SLUICE_CHECK(false, "an exception of unknown type");
  }
}

}  // namespace sluice::columnar
