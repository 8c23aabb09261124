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
    text.resize(kTextBytesMax);
    text += " …";
  }
  return text;
}

}  // namespace sluice::runtime::internal
