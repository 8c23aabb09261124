#include "runtime/dead_letters.h"

#include <fmt/format.h>

#include "columnar/guard.h"
#include "runtime/internal/row_text.h"
#include "runtime/side_tables.h"

namespace sluice::runtime {
namespace {

using duckdb::Value;

/// The columns of the table, in the schema's order.
enum Column : std::size_t { kEpoch, kDataset, kFile, kLine, kByteOffset, kCode, kMessage, kContent };

/// Stands for the letter among those of all datasets.
Hash128 identity(const DeadLetter& letter) {
  std::string text = fmt::format("{} {}", letter.line, letter.byte_offset);
  for (const std::string* part : {&letter.dataset, &letter.file, &letter.code, &letter.message, &letter.content}) {
    text += fmt::format(" {}:", part->size());
    text += *part;
  }
  return hash128(text);
}

DeadLetter letter_of(const duckdb::DataChunk& rows, std::size_t row) {
  const auto text = [&](Column column) { return rows.GetValue(column, row).ToString(); };
  const auto number = [&](Column column) {
    const Value value = rows.GetValue(column, row);
    return value.IsNull() ? 0 : value.GetValue<std::int64_t>();
  };
  return {text(kDataset), text(kFile), number(kLine), number(kByteOffset), text(kCode), text(kMessage), text(kContent)};
}

}  // namespace

void DeadLetters::begin_epoch(Epoch epoch) {
  epoch_ = epoch;
  anew_.clear();
  standing_.clear();
  standing_loaded_ = false;
  batch_.reset();
  batch_bytes_ = 0;
  count_ = 0;
}

Status DeadLetters::add(const DeadLetter& given) {
  DeadLetter letter = given;
  for (std::string* text : {&letter.file, &letter.message, &letter.content}) *text = internal::readable_text(*text);
  if (anew_.count(letter.dataset) > 0) {
    SLUICE_TRY(load_standing());
    if (!standing_.insert(identity(letter)).second) return ok();
  }
  SLUICE_TRY(columnar::guard([&] {
    if (!batch_) batch_.emplace(schema_of(SideTable::DeadLetters).types());
    duckdb::DataChunk& rows = batch_->rows();
    const std::size_t row = rows.size();
    rows.SetCardinality(row + 1);
    rows.SetValue(kEpoch, row, Value::BIGINT(epoch_.value()));
    rows.SetValue(kDataset, row, Value(letter.dataset));
    rows.SetValue(kFile, row, Value(letter.file));
    rows.SetValue(kLine, row, Value::BIGINT(letter.line));
    rows.SetValue(kByteOffset, row, Value::BIGINT(letter.byte_offset));
    rows.SetValue(kCode, row, Value(letter.code));
    rows.SetValue(kMessage, row, Value(letter.message));
    rows.SetValue(kContent, row, Value(letter.content));
  }));
  ++count_;
  batch_bytes_ += letter.file.size() + letter.message.size() + letter.content.size();
  const bool full = batch_->size() == columnar::ChangeBatch::kBatchRowsMax || batch_bytes_ >= kBatchBytesMax;
  return full ? finish() : ok();
}

Status DeadLetters::load_standing() {
  if (standing_loaded_) return ok();
  standing_loaded_ = true;
  return scan_([&](columnar::ChangeBatch& rows) {
    return columnar::guard([&] {
      for (std::size_t row = 0; row < rows.size(); ++row) {
        if (anew_.count(rows.rows().GetValue(kDataset, row).ToString()) == 0) continue;
        standing_.insert(identity(letter_of(rows.rows(), row)));
      }
    });
  });
}

Status DeadLetters::finish() {
  if (!batch_) return ok();
  columnar::ChangeBatch done = std::move(*batch_);
  batch_.reset();
  batch_bytes_ = 0;
  return write_(done);
}

}  // namespace sluice::runtime
