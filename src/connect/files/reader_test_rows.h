#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb.hpp>
#include <duckdb/common/types.hpp>
#include <duckdb/common/types/value.hpp>

#include "columnar/schema.h"
#include "connect/files/file_system.h"
#include "connect/files/row_sink.h"

// What the tests of the file readers share.
namespace sluice::connect::testing {

/// A stream over text that gives at most `piece` bytes at a time.
class TextStream final : public ByteStream {
 public:
  explicit TextStream(std::string_view text, std::size_t piece = 1 << 20) : text_(text), piece_(piece) {}

  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t count = std::min({into.size(), text_.size(), piece_});
    std::memcpy(into.data(), text_.data(), count);
    text_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view text_;
  std::size_t piece_;
};

/// Keeps batches and dead letters.
class KeepingSink final : public RowSink {
 public:
  Status rows(columnar::ChangeBatch&& batch) override {
    batches.push_back(std::move(batch));
    return ok();
  }
  Status dead_letter(DeadLetter&& letter) override {
    letters.push_back(std::move(letter));
    return ok();
  }

  /// Each row as its SQL values, separated by " | ".
  std::vector<std::string> text_rows() const {
    std::vector<std::string> texts;
    for (const columnar::ChangeBatch& batch : batches) {
      for (duckdb::idx_t row = 0; row < batch.size(); ++row) {
        std::string text;
        for (duckdb::idx_t column = 0; column < batch.rows().ColumnCount(); ++column) {
          if (column > 0) text += " | ";
          text += batch.rows().GetValue(column, row).ToSQLString();
        }
        texts.push_back(std::move(text));
      }
    }
    return texts;
  }

  std::vector<std::uint32_t> letter_numbers() const {
    std::vector<std::uint32_t> numbers;
    for (const DeadLetter& letter : letters) numbers.push_back(letter.number);
    return numbers;
  }

  std::vector<columnar::ChangeBatch> batches;
  std::vector<DeadLetter> letters;
};

/// A DuckDB instance that all tests of a program share.
inline duckdb::Connection& connection() {
  static duckdb::DuckDB database(nullptr);
  static duckdb::Connection connection(database);
  return connection;
}

/// Makes a schema of "a BIGINT, b VARCHAR".
inline columnar::Schema schema_of(const std::string& columns) {
  const auto result = connection().Query("SELECT NULL::STRUCT(" + columns + ")");
  SLUICE_CHECK(!result->HasError(), result->GetError());
  columnar::Schema schema;
  for (const auto& [name, type] : duckdb::StructType::GetChildTypes(result->types[0])) {
    schema.fields.push_back({.name = name, .type = type, .nullable = true, .metadata = {}});
  }
  return schema;
}

}  // namespace sluice::connect::testing
