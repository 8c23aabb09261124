#include "engine/internal/row_errors.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace sluice::engine::internal {

std::string row_text(const duckdb::DataChunk& rows, std::size_t row, std::size_t column_count) {
  std::string text = "(";
  for (std::size_t c = 0; c < column_count; ++c) {
    if (c > 0) text += ", ";
    text += rows.GetValue(c, row).ToString();
  }
  text += ')';
  if (text.size() <= kRowTextBytesMax) return text;
  // The hash keeps the texts of different rows apart; a cut inside a character would not be UTF-8.
  const std::string hash = hash128(text).hex();
  std::size_t end = kRowTextBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return fmt::format("{}… ({} bytes, {})", text.substr(0, end), text.size(), hash);
}

void report(const std::vector<columnar::RowError>& errors, const columnar::ChangeBatch& batch, Output& output) {
  for (const columnar::RowError& error : errors) {
    output.fail({row_text(batch.rows(), error.row, batch.rows().ColumnCount()), error.expression, error.message,
                 batch.weight(error.row)});
  }
}

}  // namespace sluice::engine::internal
