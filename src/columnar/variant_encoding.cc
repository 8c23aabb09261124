#include "columnar/variant_encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <duckdb/common/enum_util.hpp>
#include <duckdb/common/exception.hpp>
#include <duckdb/common/types/decimal.hpp>
#include <duckdb/common/types/hugeint.hpp>
#include <duckdb/common/types/interval.hpp>
#include <duckdb/common/types/uhugeint.hpp>
#include <duckdb/common/types/variant.hpp>
#include <duckdb/common/types/variant_value.hpp>
#include <duckdb/common/vector_operations/vector_operations.hpp>
#include <duckdb/function/scalar/variant_utils.hpp>
#include <duckdb/function/variant/variant_normalize.hpp>
#include <reader/variant/variant_binary_decoder.hpp>

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::VariantLogicalType;

/// Kinds of values, in the two low bits of a value's first byte.
enum class BasicType : std::uint8_t { Primitive, ShortString, Object, Array };

/// Numbers of primitive types, in the other bits.
enum class Primitive : std::uint8_t {
  Null = 0,
  True = 1,
  False = 2,
  Int8 = 3,
  Int16 = 4,
  Int32 = 5,
  Int64 = 6,
  Double = 7,
  Decimal4 = 8,
  Decimal8 = 9,
  Decimal16 = 10,
  Date = 11,
  Timestamp = 12,
  TimestampNtz = 13,
  Float = 14,
  Binary = 15,
  String = 16,
  Uuid = 20,
};

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSortedDictionary = 1 << 4;
constexpr std::size_t kShortStringBytesMax = 63;
constexpr std::uint32_t kSmallCountMax = 255;
constexpr std::uint32_t kDecimal4Digits = 9;
constexpr std::uint32_t kDecimal8Digits = 18;

/// The members of the struct that is a variant in a file, in this order.
constexpr std::size_t kMetadata = 0;
constexpr std::size_t kValue = 1;

/// Returns how many bytes a number takes, at least one.
std::size_t bytes_for(std::size_t number) {
  std::size_t bytes = 1;
  while (bytes < sizeof(number) && (number >> (8 * bytes)) != 0) ++bytes;
  if (bytes > sizeof(std::uint32_t))
    throw duckdb::InvalidInputException("a VARIANT of more than 4 GiB cannot be stored");
  return bytes;
}

void put_number(std::string& out, std::size_t number, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>((number >> (8 * i)) & 0xFF);
}

/// Writes a value as it lies in memory: x86-64 is little-endian, as the format is.
template <typename T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put_header(std::string& out, Primitive type) { out += static_cast<char>(static_cast<std::uint8_t>(type) << 2); }

/// Encodes the variants of one vector.
class Encoder {
 public:
  explicit Encoder(const duckdb::UnifiedVariantVectorData& variants) : variants_(variants) {}

  /// Replaces `metadata` and `value` by those of a row, which is not NULL.
  void encode(std::size_t row, std::string& metadata, std::string& value) {
    row_ = row;
    make_dictionary();
    metadata.clear();
    put_metadata(metadata);
    value.clear();
    put_value(value, 0, 0);
  }

 private:
  /// A member of an object: the number of its key in the dictionary, and its value.
  struct Member {
    std::uint32_t key;
    std::uint32_t value;
  };

  std::string_view key(std::uint32_t index) const {
    const duckdb::string_t& text = variants_.GetKey(row_, index);
    return {text.GetData(), text.GetSize()};
  }

  /// Collects the keys of all objects in the row, sorted and without repetition. (What DuckDB lists may be more: the
  /// keys of a variant of which this one is a part.)
  void make_dictionary() {
    keys_.clear();
    collect_keys(0);
    std::ranges::sort(keys_);
    const auto repeated = std::ranges::unique(keys_);
    keys_.erase(repeated.begin(), repeated.end());
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the value, which DuckDB made by recursion, too.
  void collect_keys(std::uint32_t value) {
    const VariantLogicalType type = variants_.GetTypeId(row_, value);
    if (type != VariantLogicalType::OBJECT && type != VariantLogicalType::ARRAY) return;
    const auto children = duckdb::VariantUtils::DecodeNestedData(variants_, row_, value);
    for (std::size_t i = 0; i < children.child_count; ++i) {
      const std::size_t child = children.children_idx + i;
      if (type == VariantLogicalType::OBJECT) keys_.push_back(key(variants_.GetKeysIndex(row_, child)));
      collect_keys(variants_.GetValuesIndex(row_, child));
    }
  }

  void put_metadata(std::string& out) const {
    std::size_t text_bytes = 0;
    for (const std::string_view text : keys_) text_bytes += text.size();
    const std::size_t width = bytes_for(std::max(text_bytes, keys_.size()));
    out += static_cast<char>(kVersion | kSortedDictionary | ((width - 1) << 6));
    put_number(out, keys_.size(), width);
    std::size_t offset = 0;
    put_number(out, offset, width);
    for (const std::string_view text : keys_) put_number(out, offset += text.size(), width);
    for (const std::string_view text : keys_) out += text;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void put_value(std::string& out, std::uint32_t value, std::size_t depth) {
    const VariantLogicalType type = variants_.GetTypeId(row_, value);
    switch (type) {
      case VariantLogicalType::OBJECT: put_object(out, value, depth); return;
      case VariantLogicalType::ARRAY: put_array(out, value, depth); return;
      case VariantLogicalType::VARIANT_NULL: put_header(out, Primitive::Null); return;
      case VariantLogicalType::BOOL_TRUE: put_header(out, Primitive::True); return;
      case VariantLogicalType::BOOL_FALSE: put_header(out, Primitive::False); return;
      case VariantLogicalType::INT8: copy<std::int8_t>(out, value, Primitive::Int8); return;
      case VariantLogicalType::INT16: copy<std::int16_t>(out, value, Primitive::Int16); return;
      case VariantLogicalType::INT32: copy<std::int32_t>(out, value, Primitive::Int32); return;
      case VariantLogicalType::INT64: copy<std::int64_t>(out, value, Primitive::Int64); return;
      case VariantLogicalType::UINT8: put_integer(out, duckdb::hugeint_t(load<std::uint8_t>(value))); return;
      case VariantLogicalType::UINT16: put_integer(out, duckdb::hugeint_t(load<std::uint16_t>(value))); return;
      case VariantLogicalType::UINT32: put_integer(out, duckdb::hugeint_t(load<std::uint32_t>(value))); return;
      case VariantLogicalType::UINT64:
        put_integer(out, duckdb::Hugeint::Convert<std::uint64_t>(load<std::uint64_t>(value)));
        return;
      case VariantLogicalType::INT128: put_integer(out, load<duckdb::hugeint_t>(value)); return;
      case VariantLogicalType::UINT128: {
        const auto number = load<duckdb::uhugeint_t>(value);
        duckdb::hugeint_t signed_number;
        if (!duckdb::Uhugeint::TryCast(number, signed_number)) too_long();
        put_integer(out, signed_number);
        return;
      }
      case VariantLogicalType::FLOAT: copy<float>(out, value, Primitive::Float); return;
      case VariantLogicalType::DOUBLE: copy<double>(out, value, Primitive::Double); return;
      case VariantLogicalType::DECIMAL: put_decimal(out, value); return;
      case VariantLogicalType::VARCHAR: {
        const duckdb::string_t text = duckdb::VariantUtils::DecodeStringData(variants_, row_, value);
        put_text(out, {text.GetData(), text.GetSize()});
        return;
      }
      case VariantLogicalType::BLOB: {
        const duckdb::string_t bytes = duckdb::VariantUtils::DecodeStringData(variants_, row_, value);
        put_header(out, Primitive::Binary);
        put(out, static_cast<std::uint32_t>(bytes.GetSize()));
        out.append(bytes.GetData(), bytes.GetSize());
        return;
      }
      case VariantLogicalType::UUID: put_uuid(out, load<duckdb::hugeint_t>(value)); return;
      case VariantLogicalType::DATE: copy_time<duckdb::date_t>(out, value, Primitive::Date); return;
      case VariantLogicalType::TIMESTAMP_MICROS:
        copy_time<duckdb::timestamp_t>(out, value, Primitive::TimestampNtz);
        return;
      case VariantLogicalType::TIMESTAMP_MICROS_TZ:
        copy_time<duckdb::timestamp_t>(out, value, Primitive::Timestamp);
        return;
      case VariantLogicalType::TIMESTAMP_SEC:
        put_timestamp(out, load<std::int64_t>(value), duckdb::Interval::MICROS_PER_SEC);
        return;
      case VariantLogicalType::TIMESTAMP_MILIS:
        put_timestamp(out, load<std::int64_t>(value), duckdb::Interval::MICROS_PER_MSEC);
        return;
      case VariantLogicalType::TIME_MICROS:
      case VariantLogicalType::TIME_NANOS:
      case VariantLogicalType::TIME_MICROS_TZ:
      case VariantLogicalType::INTERVAL:
      case VariantLogicalType::BITSTRING:
        put_text(out, duckdb::VariantUtils::ConvertVariantToValue(variants_, row_, value).ToString());
        return;
      default:
        throw duckdb::InvalidInputException("a VARIANT holds a value of type %s, which a table cannot keep; cast it",
                                            duckdb::EnumUtil::ToString(type));
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void put_object(std::string& out, std::uint32_t value, std::size_t depth) {
    const auto children = duckdb::VariantUtils::DecodeNestedData(variants_, row_, value);
    std::vector<Member> members;
    members.reserve(children.child_count);
    for (std::size_t i = 0; i < children.child_count; ++i) {
      const std::size_t child = children.children_idx + i;
      const auto found = std::ranges::lower_bound(keys_, key(variants_.GetKeysIndex(row_, child)));
      members.push_back({static_cast<std::uint32_t>(found - keys_.begin()), variants_.GetValuesIndex(row_, child)});
    }
    std::ranges::stable_sort(members, {}, &Member::key);
    const auto repeated = std::ranges::unique(members, {}, &Member::key);
    members.erase(repeated.begin(), repeated.end());

    std::string& body = body_at(depth);
    std::vector<std::size_t> offsets = {0};
    for (const Member& member : members) {
      put_value(body, member.value, depth + 1);
      offsets.push_back(body.size());
    }
    const std::size_t key_width = bytes_for(members.empty() ? 0 : members.back().key);
    const std::size_t offset_width = bytes_for(body.size());
    const bool is_large = members.size() > kSmallCountMax;
    put_container_header(out, BasicType::Object,
                         (is_large ? 1u << 4 : 0u) | ((key_width - 1) << 2) | (offset_width - 1));
    put_number(out, members.size(), is_large ? sizeof(std::uint32_t) : 1);
    for (const Member& member : members) put_number(out, member.key, key_width);
    for (const std::size_t offset : offsets) put_number(out, offset, offset_width);
    out += body;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void put_array(std::string& out, std::uint32_t value, std::size_t depth) {
    const auto children = duckdb::VariantUtils::DecodeNestedData(variants_, row_, value);
    std::string& body = body_at(depth);
    std::vector<std::size_t> offsets = {0};
    for (std::size_t i = 0; i < children.child_count; ++i) {
      put_value(body, variants_.GetValuesIndex(row_, children.children_idx + i), depth + 1);
      offsets.push_back(body.size());
    }
    const std::size_t offset_width = bytes_for(body.size());
    const bool is_large = children.child_count > kSmallCountMax;
    put_container_header(out, BasicType::Array, (is_large ? 1u << 2 : 0u) | (offset_width - 1));
    put_number(out, children.child_count, is_large ? sizeof(std::uint32_t) : 1);
    for (const std::size_t offset : offsets) put_number(out, offset, offset_width);
    out += body;
  }

  static void put_container_header(std::string& out, BasicType type, std::size_t header) {
    out += static_cast<char>((header << 2) | static_cast<std::size_t>(type));
  }

  /// Returns room, empty, for what a container at this depth holds: its sizes stand before it.
  std::string& body_at(std::size_t depth) {
    while (bodies_.size() <= depth) bodies_.emplace_back();
    bodies_[depth].clear();
    return bodies_[depth];
  }

  template <typename T>
  T load(std::uint32_t value) const {
    T result;
    std::memcpy(&result, variants_.GetData(row_).GetData() + variants_.GetByteOffset(row_, value), sizeof(T));
    return result;
  }

  template <typename T>
  void copy(std::string& out, std::uint32_t value, Primitive type) const {
    put_header(out, type);
    put(out, load<T>(value));
  }

  template <typename T>
  void copy_time(std::string& out, std::uint32_t value, Primitive type) const {
    if (!duckdb::Value::IsFinite(load<T>(value))) {
      throw duckdb::InvalidInputException("a VARIANT holds infinity as a date or time, which a table cannot keep");
    }
    copy<T>(out, value, type);
  }

  static void put_text(std::string& out, std::string_view text) {
    if (text.size() <= kShortStringBytesMax) {
      out += static_cast<char>((text.size() << 2) | static_cast<std::size_t>(BasicType::ShortString));
    } else {
      put_header(out, Primitive::String);
      put(out, static_cast<std::uint32_t>(text.size()));
    }
    out += text;
  }

  template <typename T>
  static bool put_if_fits(std::string& out, Primitive type, const duckdb::hugeint_t& number) {
    T value;
    if (!duckdb::Hugeint::TryCast(number, value)) return false;
    put_header(out, type);
    put(out, value);
    return true;
  }

  /// Writes an integer in the smallest type that holds it, as Spark writes those of JSON.
  static void put_integer(std::string& out, const duckdb::hugeint_t& number) {
    if (put_if_fits<std::int8_t>(out, Primitive::Int8, number) ||
        put_if_fits<std::int16_t>(out, Primitive::Int16, number) ||
        put_if_fits<std::int32_t>(out, Primitive::Int32, number) ||
        put_if_fits<std::int64_t>(out, Primitive::Int64, number)) {
      return;
    }
    const duckdb::hugeint_t& limit = duckdb::Hugeint::POWERS_OF_TEN[duckdb::Decimal::MAX_WIDTH_DECIMAL];
    if (number >= limit || number <= -limit) too_long();
    put_header(out, Primitive::Decimal16);
    out += '\0';  // the scale
    put(out, number);
  }

  [[noreturn]] static void too_long() {
    throw duckdb::InvalidInputException("a VARIANT holds an integer of more than 38 digits, which a table cannot keep");
  }

  void put_decimal(std::string& out, std::uint32_t value) const {
    const auto decimal = duckdb::VariantUtils::DecodeDecimalData(variants_, row_, value);
    const auto unscaled = [&]<typename T>(T number) {
      std::memcpy(&number, decimal.value_ptr, sizeof(T));
      return number;
    };
    const auto put_as = [&](Primitive type, auto number) {
      put_header(out, type);
      out += static_cast<char>(decimal.scale);
      put(out, number);
    };
    switch (decimal.GetPhysicalType()) {
      case duckdb::PhysicalType::INT16:
        put_as(Primitive::Decimal4, static_cast<std::int32_t>(unscaled(std::int16_t{})));
        return;
      case duckdb::PhysicalType::INT32: put_as(Primitive::Decimal4, unscaled(std::int32_t{})); return;
      case duckdb::PhysicalType::INT64: put_as(Primitive::Decimal8, unscaled(std::int64_t{})); return;
      default: put_as(Primitive::Decimal16, unscaled(duckdb::hugeint_t{})); return;
    }
  }

  /// DuckDB keeps UUIDs as numbers that order as they do: with the highest bit the other way round.
  static void put_uuid(std::string& out, const duckdb::hugeint_t& uuid) {
    put_header(out, Primitive::Uuid);
    const std::uint64_t upper = static_cast<std::uint64_t>(uuid.upper) ^ (std::uint64_t{1} << 63);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((upper >> shift) & 0xFF);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((uuid.lower >> shift) & 0xFF);
  }

  static void put_timestamp(std::string& out, std::int64_t count, std::int64_t micros) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(count, micros, &product)) {
      throw duckdb::InvalidInputException("a VARIANT holds a timestamp too far off for microseconds");
    }
    put_header(out, Primitive::TimestampNtz);
    put(out, product);
  }

  const duckdb::UnifiedVariantVectorData& variants_;
  std::size_t row_ = 0;
  std::vector<std::string_view> keys_;  // the row's dictionary
  std::deque<std::string> bodies_;      // by depth
};

void encode(duckdb::Vector& source, duckdb::Vector& target, std::size_t count) {
  duckdb::RecursiveUnifiedVectorFormat format;
  duckdb::Vector::RecursiveToUnifiedFormat(source, count, format);
  const duckdb::UnifiedVariantVectorData variants(format);
  Encoder encoder(variants);
  auto& members = duckdb::StructVector::GetEntries(target);
  duckdb::Vector& metadata = *members[kMetadata];
  duckdb::Vector& value = *members[kValue];
  auto* metadata_data = duckdb::FlatVector::GetData<duckdb::string_t>(metadata);
  auto* value_data = duckdb::FlatVector::GetData<duckdb::string_t>(value);
  std::string metadata_bytes;
  std::string value_bytes;
  for (std::size_t row = 0; row < count; ++row) {
    if (!variants.RowIsValid(row)) {
      duckdb::FlatVector::SetNull(target, row, true);
      continue;
    }
    encoder.encode(row, metadata_bytes, value_bytes);
    metadata_data[row] = duckdb::StringVector::AddStringOrBlob(metadata, metadata_bytes);
    value_data[row] = duckdb::StringVector::AddStringOrBlob(value, value_bytes);
  }
}

void decode(duckdb::Vector& source, duckdb::Vector& target, std::size_t count) {
  source.Flatten(count);
  auto& members = duckdb::StructVector::GetEntries(source);
  const auto* metadata = duckdb::FlatVector::GetData<duckdb::string_t>(*members[kMetadata]);
  const auto* bytes = duckdb::FlatVector::GetData<duckdb::string_t>(*members[kValue]);
  duckdb::vector<duckdb::VariantValue> values;
  values.reserve(count);
  for (std::size_t row = 0; row < count; ++row) {
    if (duckdb::FlatVector::IsNull(source, row)) {
      values.push_back(duckdb::VariantValue::NullValue());
      continue;
    }
    values.push_back(duckdb::VariantBinaryDecoder::Decode(duckdb::VariantMetadata(metadata[row]),
                                                          duckdb::const_data_ptr_cast(bytes[row].GetData()), 0,
                                                          bytes[row].GetSize()));
  }
  duckdb::VariantValue::ToVARIANT(values, target);
}

void normalize(duckdb::Vector& source, duckdb::Vector& target, std::size_t count) {
  // DuckDB 1.5.6 reserves room for the lists in `source`, and writes past it if rows share them, as those of constants do.
  duckdb::Vector unshared(source.GetType(), count);
  duckdb::VectorOperations::Copy(source, unshared, count, 0, 0);
  duckdb::VariantNormalizer::Normalize(unshared, target, count);
}

/// Makes `target` what `leaf` makes of each VARIANT in `source`, and else the same. `type` is the one with VARIANTs.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
void convert_variants(const LogicalType& type, duckdb::Vector& source, duckdb::Vector& target, std::size_t count,
                      void (*leaf)(duckdb::Vector&, duckdb::Vector&, std::size_t)) {
  if (!holds_variant(type)) {
    target.Reference(source);
    return;
  }
  source.Flatten(count);
  if (type.id() == LogicalTypeId::VARIANT) {
    leaf(source, target, count);
    return;
  }
  duckdb::FlatVector::SetValidity(target, duckdb::FlatVector::Validity(source));
  if (type.id() == LogicalTypeId::STRUCT) {
    auto& source_members = duckdb::StructVector::GetEntries(source);
    auto& target_members = duckdb::StructVector::GetEntries(target);
    for (std::size_t i = 0; i < source_members.size(); ++i) {
      convert_variants(duckdb::StructType::GetChildType(type, i), *source_members[i], *target_members[i], count, leaf);
    }
    return;
  }
  const std::size_t size = duckdb::ListVector::GetListSize(source);
  duckdb::ListVector::Reserve(target, size);
  const auto* entries = duckdb::FlatVector::GetData<duckdb::list_entry_t>(source);
  std::copy(entries, entries + count, duckdb::FlatVector::GetData<duckdb::list_entry_t>(target));
  convert_variants(duckdb::ListType::GetChildType(type), duckdb::ListVector::GetEntry(source),
                   duckdb::ListVector::GetEntry(target), size, leaf);
  duckdb::ListVector::SetListSize(target, size);
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
bool holds_variant(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::VARIANT: return true;
    case LogicalTypeId::STRUCT:
      return std::ranges::any_of(duckdb::StructType::GetChildTypes(type),
                                 [](const auto& member) { return holds_variant(member.second); });
    case LogicalTypeId::LIST:
    case LogicalTypeId::MAP: return holds_variant(duckdb::ListType::GetChildType(type));
    default: return false;
  }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
LogicalType encoded_variant_type(const LogicalType& type) {
  if (!holds_variant(type)) return type;
  switch (type.id()) {
    case LogicalTypeId::STRUCT: {
      duckdb::child_list_t<LogicalType> members;
      for (const auto& [name, member] : duckdb::StructType::GetChildTypes(type)) {
        members.emplace_back(name, encoded_variant_type(member));
      }
      return LogicalType::STRUCT(std::move(members));
    }
    case LogicalTypeId::LIST: return LogicalType::LIST(encoded_variant_type(duckdb::ListType::GetChildType(type)));
    case LogicalTypeId::MAP:
      return LogicalType::MAP(duckdb::MapType::KeyType(type), encoded_variant_type(duckdb::MapType::ValueType(type)));
    default: return LogicalType::STRUCT({{"metadata", LogicalType::BLOB}, {"value", LogicalType::BLOB}});
  }
}

void encode_variants(duckdb::Vector& source, duckdb::Vector& target, std::size_t count) {
  convert_variants(LogicalType(source.GetType()), source, target, count, encode);
}

void decode_variants(duckdb::Vector& source, duckdb::Vector& target, std::size_t count) {
  convert_variants(LogicalType(target.GetType()), source, target, count, decode);
}

void normalize_variants(duckdb::Vector& source, duckdb::Vector& target, std::size_t count) {
  convert_variants(LogicalType(source.GetType()), source, target, count, normalize);
}

}  // namespace sluice::columnar
