#include "columnar/parquet_writer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <duckdb.hpp>
#include <duckdb/common/types/column/column_data_collection.hpp>
#include <parquet_field_id.hpp>
#include <parquet_writer.hpp>

#include "base/check.h"
#include "columnar/guard.h"
#include "columnar/variant_encoding.h"

namespace sluice::columnar {
namespace {

using ColumnWriters = duckdb::vector<duckdb::unique_ptr<duckdb::ColumnWriter>>;

/// DuckDB's writer has these to itself, and no other way to say that a column is REQUIRED, as the two parts of a variant
/// must be, or that a struct is a variant, as the specification wants it.
struct WriterParts {
  ColumnWriters& columns;
  duckdb_parquet::FileMetaData& metadata;
};
WriterParts parts_of(duckdb::ParquetWriter& writer);

/// An explicit instantiation may name private members: the function above is defined where this one is instantiated.
template <ColumnWriters duckdb::ParquetWriter::*Columns, duckdb_parquet::FileMetaData duckdb::ParquetWriter::*Metadata>
struct WriterPartsAccess {
  friend WriterParts parts_of(duckdb::ParquetWriter& writer) { return {writer.*Columns, writer.*Metadata}; }
};
template struct WriterPartsAccess<&duckdb::ParquetWriter::column_writers, &duckdb::ParquetWriter::file_meta_data>;

/// Calls `visit` with the writer of each variant in a column.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
template <typename Visit>
void for_each_variant(const duckdb::ColumnWriter& column, const duckdb::LogicalType& type, const Visit& visit) {
  if (!holds_variant(type)) return;
  const auto& parts = column.ChildWriters();
  switch (type.id()) {
    case duckdb::LogicalTypeId::VARIANT: visit(column); return;
    case duckdb::LogicalTypeId::STRUCT: {
      const auto& members = duckdb::StructType::GetChildTypes(type);
      SLUICE_CHECK(parts.size() == members.size(), "a writer for each member");
      for (std::size_t i = 0; i < members.size(); ++i) for_each_variant(*parts[i], members[i].second, visit);
      return;
    }
    default:  // a list, or a map, which is a list of pairs
      SLUICE_CHECK(parts.size() == 1, "a writer for the elements");
      for_each_variant(*parts.front(), duckdb::ListType::GetChildType(type), visit);
      return;
  }
}

/// Makes variants of the structs that are encoded ones. To be called before the first rows.
void mark_variants(duckdb::ParquetWriter& writer, const RowType& types) {
  if (std::ranges::none_of(types, holds_variant)) return;
  const WriterParts parts = parts_of(writer);
  for (std::size_t i = 0; i < types.size(); ++i) {
    for_each_variant(*parts.columns[i], types[i], [](const duckdb::ColumnWriter& variant) {
      for (const auto& part : variant.ChildWriters()) part->MarkRepetitionRequired();
    });
  }
  writer.InitializeSchemaElements();
  for (std::size_t i = 0; i < types.size(); ++i) {
    for_each_variant(*parts.columns[i], types[i], [&](const duckdb::ColumnWriter& variant) {
      duckdb_parquet::SchemaElement& element = parts.metadata.schema.at(variant.SchemaIndex());
      element.__isset.logicalType = true;
      element.logicalType.__isset.VARIANT = true;
      element.logicalType.VARIANT.__isset.specification_version = true;
      element.logicalType.VARIANT.specification_version = 1;
    });
  }
}

constexpr std::int64_t kZstdLevel = 3;
constexpr double kBloomFilterFalsePositives = 0.01;
constexpr std::size_t kDictionaryPageBytesMax = 1024 * 1024;

/// The one file DuckDB's writer opens: its bytes go to the store. Keeps the store's error, which has the right code,
/// while DuckDB only sees an exception.
class SinkFileSystem final : public duckdb::FileSystem {
 public:
  explicit SinkFileSystem(std::unique_ptr<store::ObjectWriter> object) : object_(std::move(object)) {}

  using duckdb::FileSystem::OpenFile;
  using duckdb::FileSystem::Write;

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                  duckdb::optional_ptr<duckdb::FileOpener>) override {
    return duckdb::make_uniq<Handle>(*this, path, flags);
  }

  std::int64_t Write(duckdb::FileHandle&, void* buffer, std::int64_t byte_count) override {
    const BytesView bytes(static_cast<const char*>(buffer), static_cast<std::size_t>(byte_count));
    if (Status appended = object_->append(bytes); !appended) {
      failure = std::move(appended).error();
      throw duckdb::IOException("the store refused the bytes");
    }
    size_bytes += bytes.size();
    return byte_count;
  }

  std::string GetName() const override { return "sluice sink"; }

  /// Makes the object visible. To be called once.
  Status finish() { return std::move(*object_).finish(); }

  std::optional<Error> failure;
  std::uint64_t size_bytes = 0;

 private:
  struct Handle final : duckdb::FileHandle {
    using FileHandle::FileHandle;
    void Close() override {}
  };

  std::unique_ptr<store::ObjectWriter> object_;
};

Status check_types(const Schema& schema) {
  for (const Field& field : schema.fields) {
    if (stored_type(field.type) == field.type) continue;
    return Error(ErrorCode::Unsupported, fmt::format("column {} has type {}, which Delta tables do not hold",
                                                     field.name, field.type.ToString()))
        .with_help("cast the column to a type that Delta has");
  }
  return ok();
}

/// Returns what DuckDB calls the parts of a nested type, in the order of FieldIds::children.
std::vector<std::string> part_names(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::STRUCT: {
      std::vector<std::string> names;
      for (const auto& member : duckdb::StructType::GetChildTypes(type)) names.push_back(member.first);
      return names;
    }
    case duckdb::LogicalTypeId::LIST: return {"element"};
    case duckdb::LogicalTypeId::MAP: return {"key", "value"};
    default: return {};
  }
}

std::vector<duckdb::LogicalType> part_types(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::STRUCT: {
      std::vector<duckdb::LogicalType> types;
      for (const auto& member : duckdb::StructType::GetChildTypes(type)) types.push_back(member.second);
      return types;
    }
    case duckdb::LogicalTypeId::LIST: return {duckdb::ListType::GetChildType(type)};
    case duckdb::LogicalTypeId::MAP: return {duckdb::MapType::KeyType(type), duckdb::MapType::ValueType(type)};
    default: return {};
  }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the types.
duckdb::ChildFieldIDs field_ids_of(const std::vector<std::string>& names, const std::vector<duckdb::LogicalType>& types,
                                   const std::vector<FieldIds>& ids) {
  duckdb::ChildFieldIDs result;
  if (ids.empty()) return result;
  SLUICE_CHECK(ids.size() == names.size(), "one FieldIds per column or part of a type");
  result.ids = duckdb::make_uniq<duckdb::case_insensitive_map_t<duckdb::FieldID>>();
  for (std::size_t i = 0; i < names.size(); ++i) {
    duckdb::FieldID field = ids[i].id ? duckdb::FieldID(*ids[i].id) : duckdb::FieldID();
    field.child_field_ids = field_ids_of(part_names(types[i]), part_types(types[i]), ids[i].children);
    result.ids->emplace(names[i], std::move(field));
  }
  return result;
}

duckdb_parquet::CompressionCodec::type codec_of(ParquetCompression compression) {
  using Codec = duckdb_parquet::CompressionCodec;
  switch (compression) {
    case ParquetCompression::Zstd: return Codec::ZSTD;
    case ParquetCompression::Snappy: return Codec::SNAPPY;
    case ParquetCompression::Gzip: return Codec::GZIP;
    case ParquetCompression::Brotli: return Codec::BROTLI;
    case ParquetCompression::Lz4Raw: return Codec::LZ4_RAW;
    case ParquetCompression::None: return Codec::UNCOMPRESSED;
  }
  return Codec::ZSTD;
}

duckdb::unique_ptr<duckdb::ParquetWriter> make_encoder(duckdb::ClientContext& client, SinkFileSystem& sink,
                                                       std::string key, const Schema& schema,
                                                       const ParquetOptions& options) {
  const std::vector<std::string> names = schema.names();
  const RowType types = schema.types();
  duckdb::vector<duckdb::LogicalType> file_types;
  for (const duckdb::LogicalType& type : types) file_types.push_back(encoded_variant_type(type));
  auto writer = duckdb::make_uniq<duckdb::ParquetWriter>(
      client, sink, std::move(key), std::move(file_types), duckdb::vector<std::string>(names.begin(), names.end()),
      codec_of(options.compression), field_ids_of(names, types, options.field_ids), duckdb::ShreddingType(),
      duckdb::vector<std::pair<std::string, std::string>>(), nullptr, duckdb::optional_idx(), kDictionaryPageBytesMax,
      /*enable_bloom_filters=*/true, kBloomFilterFalsePositives, kZstdLevel, duckdb::ParquetVersion::V1,
      duckdb::GeoParquetVersion::NONE);
  mark_variants(*writer, types);
  return writer;
}

}  // namespace

ParquetContext::ParquetContext() = default;
ParquetContext::~ParquetContext() = default;

Result<std::unique_ptr<ParquetContext>> ParquetContext::create() {
  return guard([] {
    duckdb::DBConfig config;
    config.options.load_extensions = false;
    config.options.maximum_threads = 1;
    config.options.use_temporary_directory = false;
    std::unique_ptr<ParquetContext> context(new ParquetContext());
    context->database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    context->connection_ = std::make_unique<duckdb::Connection>(*context->database_);
    return context;
  });
}

duckdb::ClientContext& ParquetContext::client() { return *connection_->context; }

struct ParquetWriter::Impl {
  Impl(std::unique_ptr<store::ObjectWriter> object, ParquetOptions limits)
      : sink(std::move(object)), options(std::move(limits)) {}

  void start(duckdb::ClientContext& client, std::string key, const Schema& schema) {
    const RowType row_type = schema.types();
    types.assign(row_type.begin(), row_type.end());
    for (const duckdb::LogicalType& type : types) file_types.push_back(encoded_variant_type(type));
    encoder = make_encoder(client, sink, std::move(key), schema, options);
    buffer = duckdb::make_uniq<duckdb::ColumnDataCollection>(client, file_types);
    buffer->InitializeAppend(append_state);
  }

  void buffer_rows(duckdb::DataChunk& rows) {
    buffer->Append(append_state, rows);
    row_count += rows.size();
    if (buffer->Count() >= options.row_group_rows_max || buffer->SizeInBytes() >= options.row_group_bytes_max) flush();
  }

  void append(duckdb::DataChunk& rows) {
    if (types == file_types) return append_encoded(rows);
    duckdb::DataChunk encoded;
    encoded.Initialize(duckdb::Allocator::DefaultAllocator(), file_types, std::max<std::size_t>(rows.size(), 1));
    for (std::size_t i = 0; i < types.size(); ++i) encode_variants(rows.data[i], encoded.data[i], rows.size());
    encoded.SetCardinality(rows.size());
    append_encoded(encoded);
  }

  void append_encoded(duckdb::DataChunk& rows) {
    const std::size_t room = options.row_group_rows_max - buffer->Count();
    if (rows.size() <= room) return buffer_rows(rows);
    for (std::size_t begin = 0; begin < rows.size();) {
      const std::size_t count = std::min(rows.size() - begin, options.row_group_rows_max - buffer->Count());
      duckdb::DataChunk part;
      part.InitializeEmpty(rows.GetTypes());
      part.Reference(rows);
      part.Slice(begin, count);
      buffer_rows(part);
      begin += count;
    }
  }

  void flush() {
    encoder->Flush(*buffer, transform);
    buffer->InitializeAppend(append_state);
  }

  /// Runs a step of DuckDB's writer. After an error every further step gives the same error.
  template <typename Step>
  Status run(Step step) {
    if (failed) return *failed;
    Status done = guard(step);
    if (done) return done;
    failed = sink.failure ? *sink.failure : std::move(done).error();
    return *failed;
  }

  SinkFileSystem sink;  // the encoder's; must outlive it
  std::unique_ptr<ParquetContext> own_context;
  ParquetOptions options;
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::vector<duckdb::LogicalType> file_types;  // with variants as they are encoded
  duckdb::unique_ptr<duckdb::ColumnDataCollection> buffer;
  duckdb::ColumnDataAppendState append_state;
  duckdb::unique_ptr<duckdb::ParquetWriteTransformData> transform;
  duckdb::unique_ptr<duckdb::ParquetWriter> encoder;
  std::uint64_t row_count = 0;
  std::optional<Error> failed;
};

ParquetWriter::ParquetWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ParquetWriter::~ParquetWriter() = default;

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::create(store::ObjectStore& store, std::string key,
                                                             const Schema& schema, ParquetOptions options) {
  SLUICE_TRY_ASSIGN(auto context, ParquetContext::create());
  SLUICE_TRY_ASSIGN(auto writer, create(*context, store, std::move(key), schema, std::move(options)));
  writer->impl_->own_context = std::move(context);
  return writer;
}

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::create(ParquetContext& context, store::ObjectStore& store,
                                                             std::string key, const Schema& schema,
                                                             ParquetOptions options) {
  SLUICE_CHECK(options.row_group_rows_max > 0, "a row group holds rows");
  SLUICE_TRY(check_types(schema));
  SLUICE_TRY_ASSIGN(auto object, store.create(key));
  auto impl = std::make_unique<Impl>(std::move(object), std::move(options));
  SLUICE_TRY(impl->run([&] { impl->start(context.client(), std::move(key), schema); }));
  return std::unique_ptr<ParquetWriter>(new ParquetWriter(std::move(impl)));
}

Status ParquetWriter::append(duckdb::DataChunk& rows) {
  SLUICE_CHECK(rows.GetTypes() == impl_->types, "rows have the schema's types");
  return impl_->run([&] { impl_->append(rows); });
}

std::uint64_t ParquetWriter::size_bytes_estimate() const {
  // DuckDB's own guess of what encoding and compression leave of buffered rows.
  return impl_->sink.size_bytes + impl_->buffer->SizeInBytes() / 2;
}

std::uint64_t ParquetWriter::buffered_bytes() const { return impl_->buffer->SizeInBytes(); }

Result<ParquetWriter::Written> ParquetWriter::finish() && {
  SLUICE_TRY(impl_->run([&] {
    impl_->flush();
    impl_->encoder->Finalize();
  }));
  SLUICE_TRY(impl_->sink.finish());
  return Written{impl_->sink.size_bytes, impl_->row_count};
}

}  // namespace sluice::columnar
