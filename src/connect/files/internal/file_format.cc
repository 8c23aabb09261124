#include "connect/files/internal/file_format.h"

#include <optional>
#include <set>

#include <fmt/format.h>

#include "columnar/column_names.h"
#include "connect/files/error_numbers.h"
#include "connect/files/inference.h"
#include "connect/files/json_reader.h"
#include "connect/files/parquet_reader.h"

namespace sluice::connect {
namespace {

columnar::Schema with_rescued_column(columnar::Schema schema) {
  if (!schema.find(kRescuedColumn)) {
    schema.fields.push_back(
        {.name = kRescuedColumn, .type = duckdb::LogicalType::VARCHAR, .nullable = true, .metadata = {}});
  }
  return schema;
}

class JsonFormat final : public FileFormat {
 public:
  JsonFormat(std::optional<columnar::Schema> declared, JsonLimits limits)
      : declared_(std::move(declared)), limits_(limits) {}

  Status restore(std::string_view text) override {
    SLUICE_TRY_ASSIGN(taken_, InferredSchema::decode(text));
    pending_ = taken_;
    return ok();
  }
  bool has_columns() const override { return taken_.column_count > 0; }
  void begin_fold(bool anew) override { pending_ = anew ? InferredSchema() : taken_; }
  Status fold(OpenedFile& file) override {
    if (declared_) return file.stream.drain();
    JsonInference inference(std::move(pending_), limits_);
    const Status status = inference.read(file.stream);
    pending_ = inference.schema();
    return status;
  }
  void take_fold() override { taken_ = pending_; }
  columnar::Schema schema() const override {
    return declared_ ? with_rescued_column(*declared_) : pending_.to_schema();
  }
  std::string schema_text() const override { return declared_ ? std::string() : pending_.encode(); }

  Status begin_read() override {
    const NestedText nested = declared_ ? NestedText::Keep : NestedText::Rescue;
    SLUICE_TRY_ASSIGN(reader_, JsonLineReader::create(schema(), nested, limits_));
    return ok();
  }
  Status read(OpenedFile& file, const FileInfo&, RowSink& sink, const std::stop_token&) override {
    return reader_->read(file.stream, file.path, sink);
  }
  Status end_read(RowSink& sink) override {
    const Status status = reader_->flush(sink);
    reader_.reset();
    return status;
  }

 private:
  std::optional<columnar::Schema> declared_;
  JsonLimits limits_;
  InferredSchema taken_;
  InferredSchema pending_;
  std::unique_ptr<JsonLineReader> reader_;
};

class ParquetFormat final : public FileFormat {
 public:
  ParquetFormat(std::optional<columnar::Schema> declared, std::unique_ptr<ParquetReader> reader)
      : declared_(std::move(declared)), reader_(std::move(reader)) {}

  Status restore(std::string_view text) override {
    SLUICE_TRY_ASSIGN(taken_, reader_->decode_schema(text));
    pending_ = taken_;
    return ok();
  }
  bool has_columns() const override { return !taken_.fields.empty(); }
  void begin_fold(bool anew) override { pending_ = anew ? columnar::Schema() : taken_; }
  Status fold(OpenedFile& file) override {
    SLUICE_TRY(file.stream.drain());
    if (declared_) return ok();
    SLUICE_TRY_ASSIGN(const std::optional<columnar::Schema> found, reader_->find_schema(file.file));
    if (!found) return ok();  // it becomes a dead letter when it is read
    std::set<std::string> names;
    for (const columnar::Field& field : pending_.fields) names.insert(columnar::lower_case(field.name));
    for (const columnar::Field& field : found->fields) {
      const bool known = !names.insert(columnar::lower_case(field.name)).second;
      if (field.name != kRescuedColumn && !known) pending_.fields.push_back(field);
    }
    return ok();
  }
  void take_fold() override { taken_ = pending_; }
  columnar::Schema schema() const override { return with_rescued_column(declared_ ? *declared_ : pending_); }
  std::string schema_text() const override {
    return declared_ ? std::string() : ParquetReader::encode_schema(pending_);
  }

  Status begin_read() override {
    reading_ = schema();
    return ok();
  }
  Status read(OpenedFile& file, const FileInfo& info, RowSink& sink, const std::stop_token& stop) override {
    SLUICE_TRY(reader_->read(file.file, file.path, info.size_bytes, reading_, sink, stop));
    // Hashed afterwards: if the bytes are still those of the plan, those were read.
    return file.stream.drain();
  }
  Status end_read(RowSink&) override { return ok(); }

 private:
  std::optional<columnar::Schema> declared_;
  std::unique_ptr<ParquetReader> reader_;
  columnar::Schema taken_;
  columnar::Schema pending_;
  columnar::Schema reading_;
};

}  // namespace

Result<std::unique_ptr<FileFormat>> FileFormat::create(const plan::Source& source, JsonLimits limits) {
  if (source.format == "json") {
    auto format = std::make_unique<JsonFormat>(source.declared_schema, limits);
    if (source.declared_schema) {
      auto readable = format->begin_read();
      if (!readable) return std::move(readable).error().at(source.location);
    }
    return std::unique_ptr<FileFormat>(std::move(format));
  }
  if (source.format == "parquet") {
    SLUICE_TRY_ASSIGN(auto reader, ParquetReader::create());
    return std::unique_ptr<FileFormat>(std::make_unique<ParquetFormat>(source.declared_schema, std::move(reader)));
  }
  return Error(ErrorCode::Unsupported, fmt::format("format {} is not read by this version", source.format))
      .with_number(kErrorFormatUnsupported)
      .with_help("formats are json and parquet")
      .at(source.location);
}

}  // namespace sluice::connect
