#include "delta/deletion_vector.h"

#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <roaring.h>

#include "base/check.h"
#include "delta/data_path.h"
#include "delta/internal/z85.h"

namespace sluice::delta {
namespace {

// Spec: "Deletion Vector File Storage Format". Offsets of a descriptor lead to the length.
//
//   file:   version (1 byte) | vector | vector | …
//   vector: length (4 bytes, big-endian) | data | CRC-32 of data (4 bytes, big-endian)
//   data:   magic number (4 bytes, little-endian) | portable 64-bit Roaring bitmap
//   or, as very early writers had it and the specification's inline example still has, all numbers big-endian:
//           magic number less one | count (4 bytes) | count times: length (4 bytes) | portable 32-bit Roaring bitmap,
//           the nth of which holds the rows from n * 2^32 on
constexpr std::uint32_t kMagic = 1681511377;
constexpr std::uint32_t kEarlyMagic = 1681511376;
constexpr std::size_t kMagicBytes = 4;
constexpr char kFileVersion = 1;
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kUuidBytes = 16;
constexpr std::size_t kEncodedUuidLength = 20;

void append_big_endian(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

std::uint32_t read_big_endian(BytesView bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void append_little_endian(Bytes& out, std::uint32_t value) {
  for (int shift = 0; shift <= 24; shift += 8) out += static_cast<char>(value >> shift & 0xFF);
}

std::uint32_t read_little_endian(BytesView bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  return value;
}

constexpr std::array<std::uint32_t, 256> crc_table() {
  constexpr std::uint32_t kPolynomial = 0xEDB88320;  // CRC-32 of IEEE 802.3, reflected
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) remainder = remainder >> 1 ^ ((remainder & 1) != 0 ? kPolynomial : 0);
    table[byte] = remainder;
  }
  return table;
}

std::uint32_t crc32(BytesView bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t checksum = 0xFFFFFFFF;
  for (const char c : bytes) checksum = checksum >> 8 ^ kTable[(checksum ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~checksum;
}

Error corrupt(std::string_view why) {
  return Error(ErrorCode::Corruption, fmt::format("a deletion vector is damaged: {}", why)).with_number(4205);
}

}  // namespace

struct DeletionVector::Bitmap {
  Bitmap() : roaring(roaring64_bitmap_create()) {}
  explicit Bitmap(roaring64_bitmap_t* taken) : roaring(taken) {}
  Bitmap(const Bitmap& other) : roaring(roaring64_bitmap_copy(other.roaring)) {}
  Bitmap& operator=(const Bitmap&) = delete;
  ~Bitmap() { roaring64_bitmap_free(roaring); }

  roaring64_bitmap_t* const roaring;
};

DeletionVector::DeletionVector() : bitmap_(std::make_unique<Bitmap>()) {}
DeletionVector::DeletionVector(std::unique_ptr<Bitmap> bitmap) : bitmap_(std::move(bitmap)) {}
DeletionVector::DeletionVector(std::span<const std::uint64_t> rows) : DeletionVector() {
  roaring64_bitmap_add_many(bitmap_->roaring, rows.size(), rows.data());
}
DeletionVector::DeletionVector(const DeletionVector& other) : bitmap_(std::make_unique<Bitmap>(*other.bitmap_)) {}
DeletionVector::DeletionVector(DeletionVector&& other) noexcept = default;
DeletionVector& DeletionVector::operator=(DeletionVector other) noexcept {
  std::swap(bitmap_, other.bitmap_);
  return *this;
}
DeletionVector::~DeletionVector() = default;

bool DeletionVector::contains(std::uint64_t row) const { return roaring64_bitmap_contains(bitmap_->roaring, row); }

bool DeletionVector::add(std::uint64_t row) { return roaring64_bitmap_add_checked(bitmap_->roaring, row); }

void DeletionVector::unite(const DeletionVector& other) {
  roaring64_bitmap_or_inplace(bitmap_->roaring, other.bitmap_->roaring);
}

std::uint64_t DeletionVector::cardinality() const { return roaring64_bitmap_get_cardinality(bitmap_->roaring); }

void DeletionVector::for_each(const std::function<void(std::uint64_t row)>& visit) const {
  const auto step = [](std::uint64_t row, void* visitor) {
    (*static_cast<const std::function<void(std::uint64_t)>*>(visitor))(row);
    return true;
  };
  roaring64_bitmap_iterate(bitmap_->roaring, step, const_cast<void*>(static_cast<const void*>(&visit)));
}

std::vector<std::uint64_t> DeletionVector::rows() const {
  std::vector<std::uint64_t> rows(cardinality());
  if (!rows.empty()) roaring64_bitmap_to_uint64_array(bitmap_->roaring, rows.data());
  return rows;
}

std::size_t DeletionVector::live_rows(std::uint64_t first_row, std::size_t row_count, std::uint32_t* live) const {
  const std::unique_ptr<roaring64_iterator_t, void (*)(roaring64_iterator_t*)> marked(
      roaring64_iterator_create(bitmap_->roaring), &roaring64_iterator_free);
  bool more = roaring64_iterator_move_equalorlarger(marked.get(), first_row);
  std::size_t live_count = 0;
  for (std::size_t index = 0; index < row_count; ++index) {
    if (more && roaring64_iterator_value(marked.get()) == first_row + index) {
      more = roaring64_iterator_advance(marked.get());
    } else {
      live[live_count++] = static_cast<std::uint32_t>(index);
    }
  }
  return live_count;
}

Bytes DeletionVector::serialize() const {
  const Bitmap packed(*bitmap_);
  roaring64_bitmap_run_optimize(packed.roaring);
  Bytes bytes;
  append_little_endian(bytes, kMagic);
  bytes.resize(kMagicBytes + roaring64_bitmap_portable_size_in_bytes(packed.roaring));
  roaring64_bitmap_portable_serialize(packed.roaring, bytes.data() + kMagicBytes);
  return bytes;
}

namespace {

/// Reads one 32-bit bitmap of the early form, moved up by `offset`.
Result<roaring64_bitmap_t*> read_early_bitmap(BytesView bytes, std::uint64_t offset) {
  if (roaring_bitmap_portable_deserialize_size(bytes.data(), bytes.size()) != bytes.size()) {
    return corrupt("its length does not fit its content");
  }
  const std::unique_ptr<roaring_bitmap_t, void (*)(const roaring_bitmap_t*)> low(
      roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size()), &roaring_bitmap_free);
  const char* reason = nullptr;
  if (!low || !roaring_bitmap_internal_validate(low.get(), &reason)) return corrupt("it is not a Roaring bitmap");
  const std::unique_ptr<roaring64_bitmap_t, void (*)(roaring64_bitmap_t*)> wide(
      roaring64_bitmap_move_from_roaring32(low.get()), &roaring64_bitmap_free);
  return roaring64_bitmap_add_offset(wide.get(), offset);
}

/// Unites what the early form holds, behind its magic number, with `target`.
Status read_early_form(BytesView bytes, roaring64_bitmap_t* target) {
  if (bytes.size() < kLengthBytes) return corrupt("it is too short");
  const std::uint32_t count = read_big_endian(bytes);
  bytes.remove_prefix(kLengthBytes);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (bytes.size() < kLengthBytes) return corrupt("it is too short");
    const std::uint32_t size = read_big_endian(bytes);
    bytes.remove_prefix(kLengthBytes);
    if (bytes.size() < size) return corrupt("it is too short");
    SLUICE_TRY_ASSIGN(roaring64_bitmap_t* const part, read_early_bitmap(bytes.substr(0, size), i << 32));
    roaring64_bitmap_or_inplace(target, part);
    roaring64_bitmap_free(part);
    bytes.remove_prefix(size);
  }
  if (!bytes.empty()) return corrupt("its length does not fit its content");
  return ok();
}

}  // namespace

Result<DeletionVector> DeletionVector::deserialize(BytesView bytes) {
  if (bytes.size() < kMagicBytes) return corrupt("it is too short");
  if (read_big_endian(bytes) == kEarlyMagic) {
    DeletionVector vector;
    SLUICE_TRY(read_early_form(bytes.substr(kMagicBytes), vector.bitmap_->roaring));
    return vector;
  }
  if (read_little_endian(bytes) != kMagic) return corrupt("its magic number is wrong");
  const BytesView body = bytes.substr(kMagicBytes);
  if (roaring64_bitmap_portable_deserialize_size(body.data(), body.size()) != body.size()) {
    return corrupt("its length does not fit its content");
  }
  roaring64_bitmap_t* roaring = roaring64_bitmap_portable_deserialize_safe(body.data(), body.size());
  if (roaring == nullptr) return corrupt("it is not a Roaring bitmap");
  auto bitmap = std::make_unique<Bitmap>(roaring);
  const char* reason = nullptr;
  if (!roaring64_bitmap_internal_validate(roaring, &reason)) {
    return corrupt(reason == nullptr ? "it is not a Roaring bitmap" : reason);
  }
  return DeletionVector(std::move(bitmap));
}

bool operator==(const DeletionVector& left, const DeletionVector& right) {
  return roaring64_bitmap_equals(left.bitmap_->roaring, right.bitmap_->roaring);
}

Result<std::string> deletion_vector_key(const DeletionVectorDescriptor& descriptor) {
  const std::string_view name = descriptor.path_or_inline_dv;
  const auto uuid = name.size() < kEncodedUuidLength
                        ? std::nullopt
                        : internal::z85_decode(name.substr(name.size() - kEncodedUuidLength));
  if (descriptor.storage_type != 'u' || !uuid) {
    return corrupt(fmt::format("\"{}{}\" does not name a file", descriptor.storage_type, name));
  }
  const std::string_view prefix = name.substr(0, name.size() - kEncodedUuidLength);
  std::string key = prefix.empty() ? std::string() : fmt::format("{}/", prefix);
  key += "deletion_vector_";
  for (std::size_t i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) key += '-';
    key += fmt::format("{:02x}", static_cast<unsigned char>((*uuid)[i]));
  }
  key += ".bin";
  if (!store::check_key(key)) return corrupt(fmt::format("\"{}\" does not name a file of the table", name));
  return key;
}

namespace {

/// Reads and checks the vector at an offset of an open file.
Result<Bytes> read_from(store::RandomReader& file, const DeletionVectorDescriptor& descriptor) {
  const std::int64_t offset = descriptor.offset.value_or(0);
  if (offset < 0 || descriptor.size_bytes < 0) return corrupt("its descriptor has a negative number");
  const std::size_t size = static_cast<std::size_t>(descriptor.size_bytes);
  const std::size_t whole = kLengthBytes + size + kChecksumBytes;
  const auto begin = static_cast<std::uint64_t>(offset);
  if (begin > file.size_bytes() || whole > file.size_bytes() - begin) return corrupt("its file is too short");
  Bytes bytes(whole, '\0');
  SLUICE_TRY(file.read(begin, bytes));
  if (read_big_endian(bytes) != size) return corrupt("its length is not the one its descriptor states");
  const BytesView data = BytesView(bytes).substr(kLengthBytes, size);
  if (read_big_endian(BytesView(bytes).substr(kLengthBytes + size)) != crc32(data)) {
    return corrupt("its checksum does not match");
  }
  return Bytes(data);
}

Result<Bytes> read_file(store::ObjectStore& store, const std::string& key, const DeletionVectorDescriptor& descriptor) {
  SLUICE_TRY_ASSIGN(const auto file, store.open(key));
  char version = 0;
  if (file->size_bytes() > 0) SLUICE_TRY(file->read(0, std::span(&version, 1)));
  if (version != kFileVersion) return corrupt(fmt::format("its file has the unknown version {}", int{version}));
  return read_from(*file, descriptor);
}

Result<Bytes> read_inline(const DeletionVectorDescriptor& descriptor) {
  auto bytes = internal::z85_decode(descriptor.path_or_inline_dv);
  if (!bytes || descriptor.size_bytes < 0) return corrupt("its inline form is not base 85");
  const std::size_t size = static_cast<std::size_t>(descriptor.size_bytes);
  if (bytes->size() < size || bytes->size() - size >= 4) return corrupt("its inline form is not of the stated length");
  bytes->resize(size);
  return std::move(*bytes);
}

Result<Bytes> read_absolute(store::ObjectStore& table, const DeletionVectorDescriptor& descriptor) {
  SLUICE_TRY_ASSIGN(const DataPath path, resolve_path(descriptor.path_or_inline_dv));
  if (!path.absolute) return corrupt("its path is not absolute");
  SLUICE_TRY_ASSIGN(const auto machine, store_of_absolute(path, table));
  return read_file(*machine, key_of_absolute(path), descriptor);
}

Result<Bytes> read_any(store::ObjectStore& store, const DeletionVectorDescriptor& descriptor) {
  switch (descriptor.storage_type) {
    case 'i': return read_inline(descriptor);
    case 'p': return read_absolute(store, descriptor);
    case 'u': {
      SLUICE_TRY_ASSIGN(const std::string key, deletion_vector_key(descriptor));
      return read_file(store, key, descriptor);
    }
    default: return corrupt(fmt::format("its storage type is '{}'", descriptor.storage_type));
  }
}

/// What to call the vector in errors.
std::string describe(const DeletionVectorDescriptor& descriptor) {
  if (descriptor.storage_type == 'i') return "inline deletion vector";
  const auto key = deletion_vector_key(descriptor);
  return fmt::format("{} at {}", key ? *key : descriptor.path_or_inline_dv, descriptor.offset.value_or(0));
}

}  // namespace

Result<DeletionVector> load_deletion_vector(store::ObjectStore& store, const DeletionVectorDescriptor& descriptor) {
  const auto load = [&]() -> Result<DeletionVector> {
    SLUICE_TRY_ASSIGN(const Bytes bytes, read_any(store, descriptor));
    SLUICE_TRY_ASSIGN(DeletionVector vector, DeletionVector::deserialize(bytes));
    if (vector.cardinality() != static_cast<std::uint64_t>(descriptor.cardinality)) {
      return corrupt(fmt::format("it marks {} rows, not {}", vector.cardinality(), descriptor.cardinality));
    }
    return vector;
  };
  auto vector = load();
  if (!vector) return std::move(vector).error().in(describe(descriptor));
  return vector;
}

namespace {

Bytes uuid_bytes(const std::string& uuid) {
  Bytes bytes;
  std::string digits;
  for (const char c : uuid) {
    if (c != '-') digits += c;
  }
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  SLUICE_CHECK(bytes.size() == kUuidBytes, "a UUID has 16 bytes");
  return bytes;
}

}  // namespace

Result<std::vector<DeletionVectorDescriptor>> write_deletion_vectors(store::ObjectStore& store, Random& random,
                                                                     std::span<const DeletionVector> vectors) {
  std::vector<DeletionVectorDescriptor> descriptors;
  if (vectors.empty()) return descriptors;
  const Bytes uuid = uuid_bytes(random.uuid());
  const std::string name = internal::z85_encode(uuid);
  Bytes file(1, kFileVersion);
  for (const DeletionVector& vector : vectors) {
    const Bytes data = vector.serialize();
    if (data.size() > std::numeric_limits<std::int32_t>::max() - file.size()) {
      return Error(ErrorCode::ResourceExhausted, "deletion vectors of one commit do not fit into one file of 2 GiB");
    }
    descriptors.push_back({'u', name, static_cast<std::int32_t>(file.size()), static_cast<std::int32_t>(data.size()),
                           static_cast<std::int64_t>(vector.cardinality())});
    append_big_endian(file, static_cast<std::uint32_t>(data.size()));
    file += data;
    append_big_endian(file, crc32(data));
  }
  SLUICE_TRY_ASSIGN(const std::string key, deletion_vector_key(descriptors.front()));
  if (const Status stored = store.put(key, file); !stored) {
    static_cast<void>(store.remove(key));  // It may be there all the same.
    return stored.error();
  }
  return descriptors;
}

DeletionVectorDescriptor inline_deletion_vector(const DeletionVector& vector) {
  const Bytes data = vector.serialize();
  return {'i', internal::z85_encode(data), std::nullopt, static_cast<std::int32_t>(data.size()),
          static_cast<std::int64_t>(vector.cardinality())};
}

}  // namespace sluice::delta
