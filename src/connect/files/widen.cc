#include "connect/files/widen.h"

#include <optional>

#include <fmt/format.h>

#include "columnar/guard.h"
#include "connect/files/error_numbers.h"
#include "connect/files/internal/number_text.h"

namespace sluice::connect {
namespace {

using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Vector;

std::optional<idx_t> find_member(const duckdb::child_list_t<LogicalType>& members, const std::string& name) {
  for (idx_t i = 0; i < members.size(); ++i) {
    if (members[i].first == name) return i;
  }
  return std::nullopt;
}

bool can_widen_struct(const LogicalType& from, const LogicalType& to) {
  const auto& target = duckdb::StructType::GetChildTypes(to);
  for (const auto& [name, type] : duckdb::StructType::GetChildTypes(from)) {
    const auto index = find_member(target, name);
    if (!index || !can_widen(type, target[*index].second)) return false;
  }
  return true;
}

Error impossible(const LogicalType& from, const LogicalType& to, std::string_view why) {
  return Error(ErrorCode::Corruption,
               fmt::format("a stored {} column cannot become {}: {}", from.ToString(), to.ToString(), why))
      .with_number(kErrorStoredStateInvalid)
      .with_help("the table holds values that its source's stored schema does not know of: run with --full-refresh");
}

void set_all_null(Vector& to, idx_t count) {
  to.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  duckdb::ConstantVector::SetNull(to, true);
  to.Flatten(count);
}

/// Calls `convert(value, row)` for every value that is not NULL and copies the NULLs.
template <typename T, typename Convert>
bool convert_values(Vector& from, Vector& to, idx_t count, Convert convert) {
  const T* const values = FlatVector::GetData<T>(from);
  auto& valid = FlatVector::Validity(from);
  for (idx_t row = 0; row < count; ++row) {
    if (!valid.RowIsValid(row)) {
      FlatVector::SetNull(to, row, true);
    } else if (!convert(values[row], row)) {
      return false;
    }
  }
  return true;
}

void store_text(Vector& to, idx_t row, std::string_view text) {
  FlatVector::GetData<duckdb::string_t>(to)[row] = duckdb::StringVector::AddStringOrBlob(to, text.data(), text.size());
}

Status widen_flat(Vector& from, Vector& to, idx_t count);

Status widen_struct(Vector& from, Vector& to, idx_t count) {
  const auto& source_types = duckdb::StructType::GetChildTypes(from.GetType());
  const auto& target_types = duckdb::StructType::GetChildTypes(to.GetType());
  auto& sources = duckdb::StructVector::GetEntries(from);
  auto& targets = duckdb::StructVector::GetEntries(to);
  for (idx_t i = 0; i < targets.size(); ++i) {
    const auto source = find_member(source_types, target_types[i].first);
    if (!source) {
      set_all_null(*targets[i], count);
      continue;
    }
    sources[*source]->Flatten(count);
    SLUICE_TRY(widen_flat(*sources[*source], *targets[i], count));
  }
  auto& valid = FlatVector::Validity(from);
  for (idx_t row = 0; row < count; ++row) {
    if (!valid.RowIsValid(row)) FlatVector::SetNull(to, row, true);
  }
  return ok();
}

Status widen_list(Vector& from, Vector& to, idx_t count) {
  const idx_t element_count = duckdb::ListVector::GetListSize(from);
  duckdb::ListVector::Reserve(to, element_count);
  Vector& elements = duckdb::ListVector::GetEntry(from);
  elements.Flatten(element_count);
  SLUICE_TRY(widen_flat(elements, duckdb::ListVector::GetEntry(to), element_count));
  duckdb::ListVector::SetListSize(to, element_count);
  auto* const entries = duckdb::ListVector::GetData(to);
  convert_values<duckdb::list_entry_t>(from, to, count, [&](duckdb::list_entry_t entry, idx_t row) {
    entries[row] = entry;
    return true;
  });
  return ok();
}

Status widen_to_text(Vector& from, Vector& to, idx_t count) {
  char text[kNumberTextBytesMax];
  switch (from.GetType().id()) {
    case LogicalTypeId::BOOLEAN:
      convert_values<bool>(from, to, count, [&](bool value, idx_t row) {
        store_text(to, row, value ? "true" : "false");
        return true;
      });
      return ok();
    case LogicalTypeId::BIGINT:
      convert_values<std::int64_t>(from, to, count, [&](std::int64_t value, idx_t row) {
        store_text(to, row, {text, write_integer(value, text)});
        return true;
      });
      return ok();
    default:
      convert_values<double>(from, to, count, [&](double value, idx_t row) {
        store_text(to, row, {text, write_double(value, text)});
        return true;
      });
      return ok();
  }
}

Status widen_to_double(Vector& from, Vector& to, idx_t count) {
  double* const values = FlatVector::GetData<double>(to);
  const bool exact = convert_values<std::int64_t>(from, to, count, [&](std::int64_t value, idx_t row) {
    values[row] = static_cast<double>(value);
    return is_exact_as_double(value);
  });
  return exact ? ok() : Status(impossible(from.GetType(), to.GetType(), "an integer is too large to be exact"));
}

/// `from` and `to` are flat.
Status widen_flat(Vector& from, Vector& to, idx_t count) {
  const LogicalType& source = from.GetType();
  const LogicalType& target = to.GetType();
  if (source == target) {
    duckdb::VectorOperations::Copy(from, to, count, 0, 0);
    return ok();
  }
  if (source.id() == LogicalTypeId::STRUCT) return widen_struct(from, to, count);
  if (source.id() == LogicalTypeId::LIST) return widen_list(from, to, count);
  if (source.id() == LogicalTypeId::VARCHAR) {
    if (FlatVector::Validity(from).CountValid(count) > 0) return impossible(source, target, "it holds text");
    set_all_null(to, count);
    return ok();
  }
  return target.id() == LogicalTypeId::DOUBLE ? widen_to_double(from, to, count) : widen_to_text(from, to, count);
}

}  // namespace

bool can_widen(const LogicalType& from, const LogicalType& to) {
  if (from == to || from.id() == LogicalTypeId::VARCHAR) return true;
  switch (from.id()) {
    case LogicalTypeId::BIGINT: return to.id() == LogicalTypeId::DOUBLE || to.id() == LogicalTypeId::VARCHAR;
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::DOUBLE: return to.id() == LogicalTypeId::VARCHAR;
    case LogicalTypeId::STRUCT: return to.id() == LogicalTypeId::STRUCT && can_widen_struct(from, to);
    case LogicalTypeId::LIST:
      return to.id() == LogicalTypeId::LIST &&
             can_widen(duckdb::ListType::GetChildType(from), duckdb::ListType::GetChildType(to));
    default: return false;
  }
}

Status widen(Vector& from, Vector& to, idx_t count) {
  SLUICE_CHECK(can_widen(from.GetType(), to.GetType()), "the types do not widen");
  return columnar::guard([&] {
    from.Flatten(count);
    return widen_flat(from, to, count);
  });
}

}  // namespace sluice::connect
