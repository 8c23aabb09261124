#include "lake/internal/query_error.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "columnar/guard.h"
#include "lake/internal/error_numbers.h"

namespace sluice::lake {
namespace {

/// What DuckDB's parser says, without a name or a place, of GENERATED … AS IDENTITY and of DEFERRABLE.
constexpr std::string_view kColumnPropertyRefused = "Constraint not implemented!";

std::string extra(const duckdb::ErrorData& error, const char* key) {
  const auto found = error.ExtraInfo().find(key);
  return found == error.ExtraInfo().end() ? std::string() : found->second;
}

std::uint32_t catalog_number(const std::string& type) {
  if (type == "Type") return kErrorQueryType;
  if (type.find("Function") != std::string::npos) return kErrorQueryFunction;
  return type == "Table" || type == "View" ? kErrorQueryTable : kErrorQueryBinding;
}

/// DuckDB names the kind of some mistakes; others can be told by their message alone.
std::uint32_t binder_number(const duckdb::ErrorData& error) {
  const std::string subtype = extra(error, "error_subtype");
  if (subtype == "COLUMN_NOT_FOUND") return kErrorQueryColumn;
  if (subtype == "NO_MATCHING_FUNCTION") return kErrorQueryTypes;
  struct Sign {
    std::string_view part;
    std::uint32_t number;
  };
  static constexpr std::array<Sign, 12> kSigns = {{{"does not have a column named", kErrorQueryColumn},
                                                   {"Could not find key", kErrorQueryColumn},
                                                   {"list not found in FROM clause", kErrorQueryColumn},
                                                   {"does not exist on", kErrorQueryColumn},
                                                   {"Referenced table", kErrorQueryTable},
                                                   {"Ambiguous reference", kErrorQueryAmbiguous},
                                                   {"must appear in the GROUP BY", kErrorQueryNotGrouped},
                                                   {"explicit cast", kErrorQueryTypes},
                                                   {"Cannot compare", kErrorQueryTypes},
                                                   {"Cannot combine types", kErrorQueryTypes},
                                                   {"Cannot mix", kErrorQueryTypes},
                                                   {"Cannot extract field", kErrorQueryTypes}}};
  for (const Sign& sign : kSigns) {
    if (error.RawMessage().find(sign.part) != std::string::npos) return sign.number;
  }
  return kErrorQueryBinding;
}

bool reaches_outside(const duckdb::ErrorData& error) {
  return error.Type() == duckdb::ExceptionType::PERMISSION ||
         error.RawMessage().find("configuration has been locked") != std::string::npos;
}

std::uint32_t number_of(const duckdb::ErrorData& error, ErrorCode code) {
  using duckdb::ExceptionType;
  switch (error.Type()) {
    case ExceptionType::PARSER:
    case ExceptionType::SYNTAX: return kErrorQuerySyntax;
    case ExceptionType::CATALOG: return catalog_number(extra(error, "type"));
    case ExceptionType::BINDER: return binder_number(error);
    default: break;
  }
  if (code == ErrorCode::DataError) return kErrorQueryValue;
  return code == ErrorCode::InvalidArgument || code == ErrorCode::Unsupported ? kErrorQueryBinding : 0;
}

/// Turns the lines after the first, DuckDB's proposals, into one.
std::string proposals(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::size_t begin = line.find_first_not_of("\t ");
    if (begin == std::string_view::npos) continue;
    if (!out.empty()) out += out.back() == ':' ? " " : ", ";
    out += line.substr(begin);
  }
  return out;
}

}  // namespace

Error version_error(Error error) {
  if (error.code() != ErrorCode::NotFound) return error;
  return std::move(error).with_number(kErrorNoSuchVersion);
}

Error query_error(const duckdb::ErrorData& error) {
  const std::string_view message = error.RawMessage();
  std::string first(message.substr(0, message.find('\n')));
  if (reaches_outside(error)) {
    return Error(ErrorCode::InvalidArgument, std::move(first))
        .with_number(kErrorReachesOutside)
        .with_help("queries read the project's tables and read_delta('path')");
  }
  if (first == kColumnPropertyRefused) {
    return Error(ErrorCode::Unsupported, "a column cannot be GENERATED … AS IDENTITY, nor a constraint DEFERRABLE")
        .with_number(kErrorStatement)
        .with_help("leave it out; this version does not write such tables");
  }
  const Error mapped = columnar::guard([&] { error.Throw(); }).error();
  const std::string_view rest = message.substr(std::min(message.size(), first.size() + 1));
  return Error(mapped.code(), std::move(first)).with_number(number_of(error, mapped.code())).with_help(proposals(rest));
}

}  // namespace sluice::lake
