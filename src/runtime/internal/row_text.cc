#include "runtime/internal/row_text.h"

namespace sluice::runtime::internal {

std::string row_text(const duckdb::DataChunk& rows, std::size_t row) {
  constexpr std::size_t kTextBytesMax = 1000;
  std::string text;
  for (std::size_t column = 0; column < rows.ColumnCount() && text.size() < kTextBytesMax; ++column) {
    if (column > 0) text += ", ";
    text += rows.GetValue(column, row).ToString();
  }
  if (text.size() > kTextBytesMax) {
    std::size_t end = kTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
    text.resize(end);
    text += " …";
  }
  return text;
}

std::string readable_text(const std::string& bytes) {
  if (duckdb::Value::StringIsValid(bytes)) return bytes;
  return duckdb::Value::BLOB(duckdb::const_data_ptr_cast(bytes.data()), bytes.size()).ToString();
}

}  // namespace sluice::runtime::internal
