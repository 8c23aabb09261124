#include "connect/files/json_reader.h"

#include <optional>

#include "columnar/guard.h"
#include "connect/files/internal/json_decoder.h"
#include "connect/files/internal/json_lines.h"

namespace sluice::connect {
namespace {

/// Values in lists at which a batch ends early.
constexpr std::size_t kBatchListValuesMax = 4 * 1024 * 1024;

}  // namespace

struct JsonLineReader::Impl {
  Impl(const columnar::Schema& schema, JsonLimits reader_limits)
      : types(schema.types()), limits(reader_limits), lines(reader_limits) {}

  Status read_line(JsonLine& line, const std::string& path, RowSink& sink);
  Status flush(RowSink& sink);

  columnar::RowType types;
  JsonLimits limits;
  JsonLines lines;
  std::unique_ptr<JsonDecoder> decoder;
  std::optional<columnar::ChangeBatch> batch;
  duckdb::idx_t row_count = 0;
  std::size_t batch_bytes = 0;  // of input, failed lines too: they leave text behind in the vectors
};

JsonLineReader::JsonLineReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonLineReader::~JsonLineReader() = default;

Result<std::unique_ptr<JsonLineReader>> JsonLineReader::create(const columnar::Schema& schema, NestedText nested_text,
                                                               JsonLimits limits) {
  auto impl = std::make_unique<Impl>(schema, limits);
  SLUICE_TRY_ASSIGN(impl->decoder, JsonDecoder::create(schema, nested_text));
  return std::unique_ptr<JsonLineReader>(new JsonLineReader(std::move(impl)));
}

Status JsonLineReader::Impl::read_line(JsonLine& line, const std::string& path, RowSink& sink) {
  if (line.damage != JsonLine::Damage::None) {
    return sink.dead_letter(to_dead_letter(line, LineFault::CursorFault, path, limits));
  }
  if (!batch) {
    batch.emplace(types);
    decoder->begin_chunk(batch->rows());
    row_count = batch_bytes = 0;
  }
  batch_bytes += line.text.size();
  if (decoder->decode(line.cursor, row_count, path)) {
    ++row_count;
  } else {
    LineFault fault = LineFault::CursorFault;
    if (decoder->not_an_object()) fault = LineFault::NotAnObject;
    if (decoder->text_follows()) fault = LineFault::TextAfterObject;
    SLUICE_TRY(sink.dead_letter(to_dead_letter(line, fault, path, limits)));
  }
  const bool full = row_count == columnar::ChangeBatch::kBatchRowsMax || batch_bytes >= limits.batch_bytes_max ||
                    decoder->list_values() >= kBatchListValuesMax;
  return full ? flush(sink) : ok();
}

Status JsonLineReader::Impl::flush(RowSink& sink) {
  if (!batch) return ok();
  decoder->end_chunk();
  batch->rows().SetCardinality(row_count);
  columnar::ChangeBatch done = std::move(*batch);
  batch.reset();
  return done.empty() ? ok() : sink.rows(std::move(done));
}

Status JsonLineReader::read(ByteStream& stream, const std::string& path, RowSink& sink) {
  return columnar::guard([&]() -> Status {
    impl_->lines.open(stream);
    while (true) {
      SLUICE_TRY_ASSIGN(const bool more, impl_->lines.next_block());
      if (!more) return ok();
      while (true) {
        SLUICE_TRY_ASSIGN(JsonLine* const line, impl_->lines.next_line());
        if (line == nullptr) break;
        SLUICE_TRY(impl_->read_line(*line, path, sink));
      }
    }
  });
}

Status JsonLineReader::flush(RowSink& sink) {
  return columnar::guard([&] { return impl_->flush(sink); });
}

}  // namespace sluice::connect
