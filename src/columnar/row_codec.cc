#include "columnar/row_codec.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>

#include <fmt/format.h>
#include <duckdb/common/type_visitor.hpp>
#include <duckdb/common/types/datetime.hpp>
#include <duckdb/common/types/interval.hpp>
#include <duckdb/common/types/vector.hpp>

#include "base/check.h"
#include "columnar/float_order.h"
#include "columnar/variant_encoding.h"

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::RecursiveUnifiedVectorFormat;
using duckdb::Vector;
using Byte = std::uint8_t;

constexpr Byte kNullFirst = 0x00;
constexpr Byte kPresent = 0x01;
constexpr Byte kNullLast = 0x02;
constexpr Byte kElement = 0x01;
constexpr Byte kEnd = 0x00;
constexpr Byte kEscape = 0xFF;

/// Writes the low bytes of `value`, highest first.
template <typename Unsigned>
void store_big_endian(Byte* to, Unsigned value, Byte mask) {
  if (mask != 0) value = static_cast<Unsigned>(~value);
  if constexpr (sizeof(Unsigned) == 8) {
    value = __builtin_bswap64(value);
  } else if constexpr (sizeof(Unsigned) == 4) {
    value = __builtin_bswap32(value);
  } else if constexpr (sizeof(Unsigned) == 2) {
    value = __builtin_bswap16(value);
  }
  std::memcpy(to, &value, sizeof value);
}

template <typename Unsigned>
Unsigned load_big_endian(const Byte* from, Byte mask) {
  Unsigned value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(Unsigned) == 8) {
    value = __builtin_bswap64(value);
  } else if constexpr (sizeof(Unsigned) == 4) {
    value = __builtin_bswap32(value);
  } else if constexpr (sizeof(Unsigned) == 2) {
    value = __builtin_bswap16(value);
  }
  return mask != 0 ? static_cast<Unsigned>(~value) : value;
}

/// How a type of fixed width is written: `kBytes`, `store`, `load`.
template <typename T>
struct Fixed {
  static_assert(std::is_integral_v<T>);
  using Unsigned = std::make_unsigned_t<T>;
  static constexpr std::size_t kBytes = sizeof(T);
  static constexpr Unsigned kFlip = std::is_signed_v<T> ? Unsigned(Unsigned(1) << (sizeof(T) * 8 - 1)) : Unsigned(0);
  static void store(Byte* to, T value, Byte mask) {
    store_big_endian(to, static_cast<Unsigned>(static_cast<Unsigned>(value) ^ kFlip), mask);
  }
  static T load(const Byte* from, Byte mask) {
    return static_cast<T>(static_cast<Unsigned>(load_big_endian<Unsigned>(from, mask) ^ kFlip));
  }
};

template <>
struct Fixed<bool> {
  static constexpr std::size_t kBytes = 1;
  static void store(Byte* to, bool value, Byte mask) { *to = static_cast<Byte>(value ? 1 : 0) ^ mask; }
  static bool load(const Byte* from, Byte mask) { return (*from ^ mask) != 0; }
};

template <typename T>
struct FixedFloat {
  static constexpr std::size_t kBytes = sizeof(T);
  static void store(Byte* to, T value, Byte mask) { store_big_endian(to, FloatOrder<T>::number_of(value), mask); }
  static T load(const Byte* from, Byte mask) {
    return FloatOrder<T>::value_of(load_big_endian<FloatBits<T>>(from, mask));
  }
};
template <>
struct Fixed<float> : FixedFloat<float> {};
template <>
struct Fixed<double> : FixedFloat<double> {};

template <>
struct Fixed<duckdb::hugeint_t> {
  static constexpr std::size_t kBytes = 16;
  static void store(Byte* to, duckdb::hugeint_t value, Byte mask) {
    Fixed<std::int64_t>::store(to, value.upper, mask);
    Fixed<std::uint64_t>::store(to + 8, value.lower, mask);
  }
  static duckdb::hugeint_t load(const Byte* from, Byte mask) {
    return duckdb::hugeint_t(Fixed<std::int64_t>::load(from, mask), Fixed<std::uint64_t>::load(from + 8, mask));
  }
};

template <>
struct Fixed<duckdb::uhugeint_t> {
  static constexpr std::size_t kBytes = 16;
  static void store(Byte* to, duckdb::uhugeint_t value, Byte mask) {
    Fixed<std::uint64_t>::store(to, value.upper, mask);
    Fixed<std::uint64_t>::store(to + 8, value.lower, mask);
  }
  static duckdb::uhugeint_t load(const Byte* from, Byte mask) {
    return duckdb::uhugeint_t(Fixed<std::uint64_t>::load(from, mask), Fixed<std::uint64_t>::load(from + 8, mask));
  }
};

template <>
struct Fixed<duckdb::interval_t> {
  static constexpr std::size_t kBytes = 40;
  static void store(Byte* to, duckdb::interval_t value, Byte mask) {
    std::int64_t months = 0;
    std::int64_t days = 0;
    std::int64_t micros = 0;
    value.Normalize(months, days, micros);
    Fixed<std::int64_t>::store(to, months, mask);
    Fixed<std::int64_t>::store(to + 8, days, mask);
    Fixed<std::int64_t>::store(to + 16, micros, mask);
    Fixed<std::int32_t>::store(to + 24, value.months, mask);
    Fixed<std::int32_t>::store(to + 28, value.days, mask);
    Fixed<std::int64_t>::store(to + 32, value.micros, mask);
  }
  static duckdb::interval_t load(const Byte* from, Byte mask) {
    duckdb::interval_t value;
    value.months = Fixed<std::int32_t>::load(from + 24, mask);
    value.days = Fixed<std::int32_t>::load(from + 28, mask);
    value.micros = Fixed<std::int64_t>::load(from + 32, mask);
    return value;
  }
};

template <>
struct Fixed<duckdb::dtime_tz_t> {
  static constexpr std::size_t kBytes = 8;
  // The sort key adds the offset, which stays readable in its low bits, to the time in its high bits.
  static void store(Byte* to, duckdb::dtime_tz_t value, Byte mask) { store_big_endian(to, value.sort_key(), mask); }
  static duckdb::dtime_tz_t load(const Byte* from, Byte mask) {
    const auto key = load_big_endian<std::uint64_t>(from, mask);
    const std::uint64_t offset = key & duckdb::dtime_tz_t::OFFSET_MASK;
    return duckdb::dtime_tz_t(key - duckdb::dtime_tz_t::encode_micros(offset * duckdb::dtime_tz_t::OFFSET_MICROS));
  }
};

/// Calls `visit` with the C++ type that holds values of `type`; returns false, without a call, if the width varies.
template <typename Visit>
bool visit_fixed(const LogicalType& type, Visit&& visit) {
  if (type.id() == LogicalTypeId::TIME_TZ) {
    visit(std::type_identity<duckdb::dtime_tz_t>());
    return true;
  }
  switch (type.InternalType()) {
    case PhysicalType::BOOL: visit(std::type_identity<bool>()); return true;
    case PhysicalType::INT8: visit(std::type_identity<std::int8_t>()); return true;
    case PhysicalType::INT16: visit(std::type_identity<std::int16_t>()); return true;
    case PhysicalType::INT32: visit(std::type_identity<std::int32_t>()); return true;
    case PhysicalType::INT64: visit(std::type_identity<std::int64_t>()); return true;
    case PhysicalType::UINT8: visit(std::type_identity<std::uint8_t>()); return true;
    case PhysicalType::UINT16: visit(std::type_identity<std::uint16_t>()); return true;
    case PhysicalType::UINT32: visit(std::type_identity<std::uint32_t>()); return true;
    case PhysicalType::UINT64: visit(std::type_identity<std::uint64_t>()); return true;
    case PhysicalType::INT128: visit(std::type_identity<duckdb::hugeint_t>()); return true;
    case PhysicalType::UINT128: visit(std::type_identity<duckdb::uhugeint_t>()); return true;
    case PhysicalType::FLOAT: visit(std::type_identity<float>()); return true;
    case PhysicalType::DOUBLE: visit(std::type_identity<double>()); return true;
    case PhysicalType::INTERVAL: visit(std::type_identity<duckdb::interval_t>()); return true;
    default: return false;
  }
}

/// Returns the part of `type` that has no encoding, if there is one.
std::optional<LogicalType> find_unsupported(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::STRUCT:
      for (const auto& [name, member] : duckdb::StructType::GetChildTypes(type)) {
        if (auto unsupported = find_unsupported(member)) return unsupported;
      }
      return std::nullopt;
    case LogicalTypeId::MAP:
    case LogicalTypeId::LIST: return find_unsupported(duckdb::ListType::GetChildType(type));
    case LogicalTypeId::ARRAY: return find_unsupported(duckdb::ArrayType::GetChildType(type));
    case LogicalTypeId::SQLNULL:
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::UHUGEINT:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIME_NS:
    case LogicalTypeId::TIME_TZ:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::INTERVAL:
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::CHAR:
    case LogicalTypeId::BLOB:
    case LogicalTypeId::BIT:
    case LogicalTypeId::UUID:
    case LogicalTypeId::VARIANT:
    case LogicalTypeId::ENUM: return std::nullopt;
    default: return type;
  }
}

std::size_t text_size(const duckdb::string_t& text) {
  const char* data = text.GetData();
  return text.GetSize() + static_cast<std::size_t>(std::count(data, data + text.GetSize(), '\0')) + 2;
}

Byte* store_text(Byte* to, const duckdb::string_t& text, Byte mask) {
  const Byte* const begin = to;
  const char* from = text.GetData();
  const char* const end = from + text.GetSize();
  while (from != end) {
    const auto* zero = static_cast<const char*>(std::memchr(from, 0, static_cast<std::size_t>(end - from)));
    const std::size_t plain = static_cast<std::size_t>((zero == nullptr ? end : zero) - from);
    std::memcpy(to, from, plain);
    to += plain;
    from += plain;
    if (zero == nullptr) break;
    *to++ = 0;
    *to++ = kEscape;
    ++from;
  }
  *to++ = 0;
  *to++ = 0;
  if (mask != 0) std::for_each(const_cast<Byte*>(begin), to, [](Byte& byte) { byte = static_cast<Byte>(~byte); });
  return to;
}

/// Returns the encoded size of a value inside a column of varying width; `row` counts before the selection.
std::size_t value_size(const RecursiveUnifiedVectorFormat& format, std::size_t row) {
  const LogicalType& type = format.logical_type;
  const auto index = format.unified.sel->get_index(row);
  if (!format.unified.validity.RowIsValid(index)) return 1;
  switch (type.InternalType()) {
    case PhysicalType::VARCHAR:
      return 1 + text_size(duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format.unified)[index]);
    case PhysicalType::STRUCT: {
      std::size_t size = 1;
      for (const auto& child : format.children) size += value_size(child, row);
      return size;
    }
    case PhysicalType::LIST: {
      const auto entry = duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(format.unified)[index];
      std::size_t size = 2 + entry.length;
      for (std::size_t i = 0; i < entry.length; ++i) size += value_size(format.children[0], entry.offset + i);
      return size;
    }
    case PhysicalType::ARRAY: {
      const std::size_t length = duckdb::ArrayType::GetSize(type);
      std::size_t size = 2 + length;
      for (std::size_t i = 0; i < length; ++i) size += value_size(format.children[0], index * length + i);
      return size;
    }
    default: {
      std::size_t size = 1;
      visit_fixed(type, [&]<typename T>(std::type_identity<T>) { size += Fixed<T>::kBytes; });
      return size;
    }
  }
}

/// Returns the value as it is written: for keys in its normal form, if it has several, else as it is.
template <typename T>
T form_of(const T& value, bool for_keys) {
  if constexpr (std::is_same_v<T, duckdb::interval_t>) {
    if (for_keys) return value.Normalize();
  } else if constexpr (std::is_floating_point_v<T>) {
    if (for_keys) return normal_form(value);
  }
  return value;
}

/// Writes a value; returns the end of what was written. Inside a nested value marker bytes are inverted like all
/// others.
Byte* store_value(const RecursiveUnifiedVectorFormat& format, std::size_t row, Byte* to, Byte mask, bool for_keys) {
  const LogicalType& type = format.logical_type;
  const auto index = format.unified.sel->get_index(row);
  if (!format.unified.validity.RowIsValid(index)) {
    *to++ = kNullLast ^ mask;
    return to;
  }
  *to++ = kPresent ^ mask;
  const auto store_elements = [&](std::size_t first, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) {
      *to++ = kElement ^ mask;
      to = store_value(format.children[0], first + i, to, mask, for_keys);
    }
    *to++ = kEnd ^ mask;
  };
  switch (type.InternalType()) {
    case PhysicalType::VARCHAR:
      return store_text(to, duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format.unified)[index], mask);
    case PhysicalType::STRUCT:
      for (const auto& child : format.children) to = store_value(child, row, to, mask, for_keys);
      return to;
    case PhysicalType::LIST: {
      const auto entry = duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(format.unified)[index];
      store_elements(entry.offset, entry.length);
      return to;
    }
    case PhysicalType::ARRAY: {
      const std::size_t length = duckdb::ArrayType::GetSize(type);
      store_elements(index * length, length);
      return to;
    }
    default:
      visit_fixed(type, [&]<typename T>(std::type_identity<T>) {
        Fixed<T>::store(to, form_of(duckdb::UnifiedVectorFormat::GetData<T>(format.unified)[index], for_keys), mask);
        to += Fixed<T>::kBytes;
      });
      return to;
  }
}

/// One column of the chunk being encoded.
struct ColumnInput {
  const LogicalType* type = nullptr;
  RecursiveUnifiedVectorFormat format;  // its children are filled for nested types only
  Byte null_marker = kNullLast;
  Byte mask = 0;
  bool for_keys = false;
  std::optional<Vector> normal_form;  // of a column with variants

  bool valid(std::size_t index) const { return format.unified.validity.RowIsValid(index); }
};

void prepare(Vector& given, std::size_t count, ColumnInput& column) {
  Vector& vector = holds_variant(*column.type) ? column.normal_form.emplace(given.GetType(), count) : given;
  if (column.normal_form) normalize_variants(given, vector, count);
  if (column.type->IsNested()) {
    // Selections on structs and arrays are laid out differently for each way they came to be; flat, there is one
    // layout.
    vector.Flatten(count);
    Vector::RecursiveToUnifiedFormat(vector, count, column.format);
  } else {
    vector.ToUnifiedFormat(count, column.format.unified);
    column.format.logical_type = vector.GetType();
  }
}

/// Adds each row's size in this column to sizes[row].
void add_sizes(const ColumnInput& column, std::size_t count, std::size_t* sizes) {
  const auto& unified = column.format.unified;
  std::size_t width = 0;
  if (visit_fixed(*column.type, [&]<typename T>(std::type_identity<T>) { width = Fixed<T>::kBytes; })) {
    if (unified.validity.AllValid()) {
      for (std::size_t i = 0; i < count; ++i) sizes[i] += 1 + width;
    } else {
      for (std::size_t i = 0; i < count; ++i) sizes[i] += column.valid(unified.sel->get_index(i)) ? 1 + width : 1;
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) sizes[i] += value_size(column.format, i);
}

template <typename T>
void store_fixed_column(const ColumnInput& column, std::vector<Byte*>& cursors, std::vector<bool>& has_null) {
  const auto& unified = column.format.unified;
  const T* const values = duckdb::UnifiedVectorFormat::GetData<T>(unified);
  const bool all_valid = unified.validity.AllValid();
  for (std::size_t i = 0; i < cursors.size(); ++i) {
    const auto index = unified.sel->get_index(i);
    Byte*& to = cursors[i];
    if (!all_valid && !column.valid(index)) {
      *to++ = column.null_marker;
      has_null[i] = true;
      continue;
    }
    *to = kPresent;
    Fixed<T>::store(to + 1, form_of(values[index], column.for_keys), column.mask);
    to += 1 + Fixed<T>::kBytes;
  }
}

void store_column(const ColumnInput& column, std::vector<Byte*>& cursors, std::vector<bool>& has_null) {
  const bool fixed = visit_fixed(
      *column.type, [&]<typename T>(std::type_identity<T>) { store_fixed_column<T>(column, cursors, has_null); });
  if (fixed) return;
  for (std::size_t i = 0; i < cursors.size(); ++i) {
    if (!column.valid(column.format.unified.sel->get_index(i))) {
      *cursors[i]++ = column.null_marker;
      has_null[i] = true;
      continue;
    }
    Byte* const marker = cursors[i];
    cursors[i] = store_value(column.format, i, marker, column.mask, column.for_keys);
    *marker = kPresent;
  }
}

/// Reads an encoded row from its beginning.
class Reader {
 public:
  explicit Reader(std::string_view bytes)
      : at_(reinterpret_cast<const Byte*>(bytes.data())), end_(at_ + bytes.size()) {}

  const Byte* take(std::size_t size) {
    SLUICE_CHECK(size <= static_cast<std::size_t>(end_ - at_), "an encoded row ends early");
    const Byte* const taken = at_;
    at_ += size;
    return taken;
  }
  Byte take_byte(Byte mask) { return *take(1) ^ mask; }

  /// Reads text up to and with its end; calls `part` for each run of bytes, still masked, or for a NUL (nullptr).
  template <typename Part>
  void take_text(Byte mask, Part&& part) {
    const Byte zero = mask;
    while (true) {
      const auto* found = static_cast<const Byte*>(std::memchr(at_, zero, static_cast<std::size_t>(end_ - at_)));
      SLUICE_CHECK(found != nullptr && found + 1 < end_, "encoded text has no end");
      const bool ends = (found[1] ^ mask) == 0;
      part(at_, static_cast<std::size_t>(found - at_), ends);
      at_ = found + 2;
      if (ends) return;
    }
  }

  bool at_end() const { return at_ == end_; }
  const Byte* position() const { return at_; }

 private:
  const Byte* at_;
  const Byte* end_;
};

void decode_text(Reader& reader, Vector& out, std::size_t row, Byte mask) {
  auto* const strings = duckdb::FlatVector::GetData<duckdb::string_t>(out);
  std::string joined;
  bool first = true;
  reader.take_text(mask, [&](const Byte* bytes, std::size_t size, bool ends) {
    if (first && ends && mask == 0) {
      strings[row] = duckdb::StringVector::AddStringOrBlob(out, reinterpret_cast<const char*>(bytes), size);
      return;
    }
    first = false;
    for (std::size_t i = 0; i < size; ++i) joined.push_back(static_cast<char>(bytes[i] ^ mask));
    if (!ends) {
      joined.push_back('\0');
    } else {
      strings[row] = duckdb::StringVector::AddStringOrBlob(out, joined.data(), joined.size());
    }
  });
}

void decode_value(Reader& reader, const LogicalType& type, Vector& out, std::size_t row, Byte mask);

/// Reads a value behind its marker.
void decode_present(Reader& reader, const LogicalType& type, Vector& out, std::size_t row, Byte mask) {
  switch (type.InternalType()) {
    case PhysicalType::VARCHAR: decode_text(reader, out, row, mask); return;
    case PhysicalType::STRUCT: {
      auto& children = duckdb::StructVector::GetEntries(out);
      for (auto& child : children) decode_value(reader, child->GetType(), *child, row, mask);
      return;
    }
    case PhysicalType::LIST: {
      const LogicalType& child_type = duckdb::ListType::GetChildType(type);
      const std::size_t offset = duckdb::ListVector::GetListSize(out);
      std::size_t length = 0;
      while (reader.take_byte(mask) == kElement) {
        duckdb::ListVector::Reserve(out, offset + length + 1);
        decode_value(reader, child_type, duckdb::ListVector::GetEntry(out), offset + length, mask);
        ++length;
        duckdb::ListVector::SetListSize(out, offset + length);
      }
      duckdb::FlatVector::GetData<duckdb::list_entry_t>(out)[row] = duckdb::list_entry_t(offset, length);
      return;
    }
    case PhysicalType::ARRAY: {
      const LogicalType& child_type = duckdb::ArrayType::GetChildType(type);
      const std::size_t size = duckdb::ArrayType::GetSize(type);
      std::size_t length = 0;
      for (; reader.take_byte(mask) == kElement; ++length) {
        SLUICE_CHECK(length < size, "an encoded array is longer than its type");
        decode_value(reader, child_type, duckdb::ArrayVector::GetEntry(out), row * size + length, mask);
      }
      SLUICE_CHECK(length == size, "an encoded array is shorter than its type");
      return;
    }
    default: {
      const bool fixed = visit_fixed(type, [&]<typename T>(std::type_identity<T>) {
        duckdb::FlatVector::GetData<T>(out)[row] = Fixed<T>::load(reader.take(Fixed<T>::kBytes), mask);
      });
      SLUICE_CHECK(fixed, "a type without encoding");
    }
  }
}

void decode_value(Reader& reader, const LogicalType& type, Vector& out, std::size_t row, Byte mask) {
  if (reader.take_byte(mask) == kPresent) {
    duckdb::FlatVector::Validity(out).SetValid(row);
    decode_present(reader, type, out, row, mask);
  } else {
    duckdb::FlatVector::SetNull(out, row, true);
  }
}

template <typename T>
void decode_fixed_column(std::span<Reader> readers, Vector& out, std::size_t first_row, Byte mask) {
  T* const values = duckdb::FlatVector::GetData<T>(out);
  auto& validity = duckdb::FlatVector::Validity(out);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    if (readers[i].take_byte(0) == kPresent) {
      if (!validity.AllValid()) validity.SetValid(first_row + i);
      values[first_row + i] = Fixed<T>::load(readers[i].take(Fixed<T>::kBytes), mask);
    } else {
      duckdb::FlatVector::SetNull(out, first_row + i, true);
    }
  }
}

void decode_column(std::span<Reader> readers, const LogicalType& type, Vector& out, std::size_t first_row, Byte mask) {
  const bool fixed = visit_fixed(
      type, [&]<typename T>(std::type_identity<T>) { decode_fixed_column<T>(readers, out, first_row, mask); });
  if (fixed) return;
  for (std::size_t i = 0; i < readers.size(); ++i) {
    if (readers[i].take_byte(0) == kPresent) {
      duckdb::FlatVector::Validity(out).SetValid(first_row + i);
      decode_present(readers[i], type, out, first_row + i, mask);
    } else {
      duckdb::FlatVector::SetNull(out, first_row + i, true);
    }
  }
}

void decode_rows(const RowType& types, const std::vector<ColumnOrder>& orders, std::span<Reader> readers,
                 duckdb::DataChunk& out, std::size_t first_row, ColumnIndex first_column) {
  for (std::size_t c = 0; c < types.size(); ++c) {
    decode_column(readers, types[c], out.data[first_column + c], first_row, orders[c].descending ? 0xFF : 0x00);
  }
  for (const Reader& reader : readers) SLUICE_CHECK(reader.at_end(), "an encoded row is longer than its types");
}

void skip_value(Reader& reader, const LogicalType& type, Byte marker_mask, Byte mask) {
  if (reader.take_byte(marker_mask) != kPresent) return;
  switch (type.InternalType()) {
    case PhysicalType::VARCHAR: reader.take_text(mask, [](const Byte*, std::size_t, bool) {}); return;
    case PhysicalType::STRUCT:
      for (const auto& [name, member] : duckdb::StructType::GetChildTypes(type)) skip_value(reader, member, mask, mask);
      return;
    case PhysicalType::LIST:
      while (reader.take_byte(mask) == kElement) skip_value(reader, duckdb::ListType::GetChildType(type), mask, mask);
      return;
    case PhysicalType::ARRAY:
      while (reader.take_byte(mask) == kElement) skip_value(reader, duckdb::ArrayType::GetChildType(type), mask, mask);
      return;
    default: visit_fixed(type, [&]<typename T>(std::type_identity<T>) { reader.take(Fixed<T>::kBytes); });
  }
}

}  // namespace

bool has_several_forms(const LogicalType& type) {
  return duckdb::TypeVisitor::Contains(type, [](const LogicalType& part) {
    return part.id() == LogicalTypeId::FLOAT || part.id() == LogicalTypeId::DOUBLE ||
           part.id() == LogicalTypeId::INTERVAL;
  });
}

Result<RowCodec> RowCodec::create(RowType types) {
  const std::size_t count = types.size();
  return create(std::move(types), std::vector<ColumnOrder>(count));
}

Result<RowCodec> RowCodec::create_for_keys(RowType types) {
  const std::size_t count = types.size();
  return create_for_keys(std::move(types), std::vector<ColumnOrder>(count));
}

Result<RowCodec> RowCodec::create_for_keys(RowType types, std::vector<ColumnOrder> orders) {
  SLUICE_TRY_ASSIGN(auto codec, create(std::move(types), std::move(orders)));
  codec.for_keys_ = true;
  return codec;
}

Result<RowCodec> RowCodec::create_for_groups(RowType types) {
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (holds_variant(types[i])) {
      return Error(ErrorCode::Unsupported,
                   fmt::format("column {} of type {} cannot be grouped by: DuckDB compares variants in several ways",
                               i + 1, types[i].ToString()));
    }
    if (!duckdb::TypeVisitor::Contains(types[i], LogicalTypeId::INTERVAL)) continue;
    return Error(ErrorCode::Unsupported,
                 fmt::format("column {} of type {} cannot be grouped by: equal intervals may be written differently, "
                             "as 30 days and 1 month are",
                             i + 1, types[i].ToString()));
  }
  return create_for_keys(std::move(types));
}

Result<RowCodec> RowCodec::create(RowType types, std::vector<ColumnOrder> orders) {
  SLUICE_CHECK(types.size() == orders.size(), "one order per column");
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (const auto unsupported = find_unsupported(types[i])) {
      return Error(ErrorCode::Unsupported,
                   fmt::format("column {} of type {} cannot be compared or kept: {} has no order of its own", i + 1,
                               types[i].ToString(), unsupported->ToString()));
    }
  }
  return RowCodec(std::move(types), std::move(orders));
}

void RowCodec::encode(duckdb::DataChunk& rows, std::span<const ColumnIndex> columns, EncodedRows& out) const {
  const std::size_t given = columns.empty() && !types_.empty() ? rows.ColumnCount() : columns.size();
  SLUICE_CHECK(given == types_.size(), "columns fit the codec");
  const std::size_t count = rows.size();
  out.offsets.assign(count + 1, 0);
  out.has_null.assign(count, false);

  std::vector<ColumnInput> inputs(types_.size());
  for (std::size_t c = 0; c < types_.size(); ++c) {
    Vector& vector = rows.data[columns.empty() ? c : columns[c]];
    SLUICE_CHECK(vector.GetType().InternalType() == types_[c].InternalType(), "a column has another type");
    inputs[c].type = &types_[c];
    inputs[c].null_marker = orders_[c].nulls_first ? kNullFirst : kNullLast;
    inputs[c].mask = orders_[c].descending ? 0xFF : 0x00;
    inputs[c].for_keys = for_keys_;
    prepare(vector, count, inputs[c]);
    add_sizes(inputs[c], count, out.offsets.data() + 1);
  }
  for (std::size_t i = 0; i < count; ++i) out.offsets[i + 1] += out.offsets[i];

  out.arena.resize(out.offsets[count]);
  std::vector<Byte*> cursors(count);
  for (std::size_t i = 0; i < count; ++i) cursors[i] = reinterpret_cast<Byte*>(out.arena.data()) + out.offsets[i];
  for (const ColumnInput& input : inputs) store_column(input, cursors, out.has_null);
}

void RowCodec::decode(std::string_view bytes, duckdb::DataChunk& out, std::size_t row_index,
                      ColumnIndex first_column) const {
  Reader reader(bytes);
  decode_rows(types_, orders_, std::span(&reader, 1), out, row_index, first_column);
}

void RowCodec::decode(std::span<const std::string_view> rows, duckdb::DataChunk& out, std::size_t first_row,
                      ColumnIndex first_column) const {
  std::vector<Reader> readers(rows.begin(), rows.end());
  decode_rows(types_, orders_, readers, out, first_row, first_column);
}

std::size_t RowCodec::encoded_size(std::string_view bytes) const {
  Reader reader(bytes);
  for (std::size_t c = 0; c < types_.size(); ++c) {
    skip_value(reader, types_[c], 0, orders_[c].descending ? 0xFF : 0x00);
  }
  return static_cast<std::size_t>(reader.position() - reinterpret_cast<const Byte*>(bytes.data()));
}

}  // namespace sluice::columnar
