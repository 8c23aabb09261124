#include "cli/result_writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "columnar/json_text.h"

namespace sluice::cli {
namespace {

using duckdb::Value;

const std::vector<std::string> kFormatNames = {"table", "json", "ndjson", "csv", "markdown"};

bool is_number(const duckdb::LogicalType& type) { return type.IsNumeric(); }

/// Code points, which is close enough to columns of a terminal.
std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string shortened(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  std::size_t columns = 0;
  std::size_t end = 0;
  while (end < text.size() && columns + 1 < width) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    ++columns;
  }
  return std::string(text.substr(0, end)) + "…";
}

/// Text of a cell on one line.
std::string cell_text(const Value& value) {
  if (value.IsNull()) return "NULL";
  std::string text = value.ToString();
  for (std::size_t at = 0; (at = text.find_first_of("\n\r\t", at)) != std::string::npos; at += 2) {
    text.replace(at, 1, text[at] == '\n' ? "\\n" : text[at] == '\r' ? "\\r" : "\\t");
  }
  return text;
}

class JsonWriter final : public ResultWriter {
 public:
  JsonWriter(std::ostream& out, columnar::Schema schema, bool lines)
      : out_(out), schema_(std::move(schema)), lines_(lines) {}
  void write(duckdb::DataChunk& rows) override {
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (!lines_) out_ << (count_ == 0 ? "[" : ",\n ");
      out_ << columnar::json_text(schema_, rows, row);
      if (lines_) out_ << '\n';
      ++count_;
    }
  }
  void finish() override {
    if (!lines_) out_ << (count_ == 0 ? "[]\n" : "]\n");
  }

 private:
  std::ostream& out_;
  columnar::Schema schema_;
  bool lines_;
  std::uint64_t count_ = 0;
};

class CsvWriter final : public ResultWriter {
 public:
  CsvWriter(std::ostream& out, columnar::Schema schema) : out_(out), column_count_(schema.fields.size()) {
    for (std::size_t column = 0; column < column_count_; ++column) {
      out_ << (column == 0 ? "" : ",") << quoted(schema.fields[column].name);
    }
    out_ << "\r\n";
  }
  void write(duckdb::DataChunk& rows) override {
    for (std::size_t row = 0; row < rows.size(); ++row) {
      for (std::size_t column = 0; column < column_count_; ++column) {
        const Value value = rows.GetValue(column, row);
        out_ << (column == 0 ? "" : ",");
        if (value.IsNull()) continue;
        out_ << quoted(value.type().IsNested() ? columnar::json_text(value) : value.ToString());
      }
      out_ << "\r\n";
    }
  }
  void finish() override {}

 private:
  static std::string quoted(const std::string& text) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) {
      out += c;
      if (c == '"') out += c;
    }
    return out + '"';
  }
  std::ostream& out_;
  std::size_t column_count_;
};

/// Formats that need all rows to know how wide a column is.
class GridWriter final : public ResultWriter {
 public:
  GridWriter(std::ostream& out, columnar::Schema schema, bool markdown, std::size_t width)
      : out_(out), schema_(std::move(schema)), markdown_(markdown), width_(width) {}

  void write(duckdb::DataChunk& rows) override {
    for (std::size_t row = 0; row < rows.size(); ++row, ++count_) {
      if (count_ >= kTableRowsMax) continue;
      std::vector<std::string> cells;
      for (std::size_t column = 0; column < schema_.fields.size(); ++column) {
        cells.push_back(cell_text(rows.GetValue(column, row)));
      }
      cells_.push_back(std::move(cells));
    }
  }

  void finish() override {
    measure();
    if (markdown_) {
      write_markdown();
    } else {
      write_box();
    }
  }

 private:
  std::vector<std::string> header() const {
    std::vector<std::string> names;
    for (const auto& field : schema_.fields) names.push_back(field.name);
    return names;
  }
  std::vector<std::string> type_row() const {
    std::vector<std::string> names;
    for (const auto& field : schema_.fields) {
      std::string name = duckdb::StringUtil::Lower(field.type.ToString());
      names.push_back(field.type.IsNested() ? shortened(name, 32) : std::move(name));
    }
    return names;
  }

  void measure() {
    widths_.assign(schema_.fields.size(), 1);
    const auto widen = [&](const std::vector<std::string>& cells) {
      for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], display_width(cells[i]));
    };
    widen(header());
    if (!markdown_) widen(type_row());
    for (const auto& cells : cells_) widen(cells);
    if (width_ == 0 || markdown_) return;
    // Takes columns of the widest cell until the line fits the terminal.
    constexpr std::size_t kCellWidthMin = 8;
    for (;;) {
      std::size_t total = 1;
      for (const std::size_t width : widths_) total += width + 3;
      const auto widest = std::max_element(widths_.begin(), widths_.end());
      if (total <= width_ || widest == widths_.end() || *widest <= kCellWidthMin) return;
      --*widest;
    }
  }

  std::string line(const std::vector<std::string>& cells, bool align_numbers, std::string_view bar) const {
    std::string out(bar);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string text = markdown_ ? escaped(cells[i]) : shortened(cells[i], widths_[i]);
      const std::string padding(widths_[i] - std::min(widths_[i], display_width(text)), ' ');
      const bool right = align_numbers && is_number(schema_.fields[i].type);
      out += fmt::format(" {}{} {}", right ? padding : "", right ? text : text + padding, bar);
    }
    return out + "\n";
  }

  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '|') out += '\\';
      out += c;
    }
    return out;
  }

  std::string rule(std::string_view left, std::string_view cross, std::string_view right) const {
    std::string out(left);
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      for (std::size_t k = 0; k < widths_[i] + 2; ++k) out += "─";
      out += i + 1 == widths_.size() ? right : cross;
    }
    return out + "\n";
  }

  void write_box() {
    out_ << rule("┌", "┬", "┐") << line(header(), false, "│") << line(type_row(), false, "│") << rule("├", "┼", "┤");
    for (const auto& cells : cells_) out_ << line(cells, true, "│");
    out_ << rule("└", "┴", "┘");
    out_ << (count_ == 1 ? "1 row" : fmt::format("{} rows", count_));
    if (count_ > kTableRowsMax) out_ << fmt::format(", the first {} shown", kTableRowsMax);
    out_ << '\n';
  }

  void write_markdown() {
    out_ << line(header(), false, "|") << '|';
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      out_ << (is_number(schema_.fields[i].type) ? std::string(widths_[i] + 1, '-') + ":|"
                                                 : std::string(widths_[i] + 2, '-') + "|");
    }
    out_ << '\n';
    for (const auto& cells : cells_) out_ << line(cells, true, "|");
    if (count_ > kTableRowsMax) out_ << fmt::format("\n{} rows, the first {} shown\n", count_, kTableRowsMax);
  }

  std::ostream& out_;
  columnar::Schema schema_;
  bool markdown_;
  std::size_t width_;
  std::vector<std::vector<std::string>> cells_;
  std::vector<std::size_t> widths_;
  std::uint64_t count_ = 0;
};

}  // namespace

Result<OutputFormat> parse_output_format(std::string_view name) {
  for (std::size_t i = 0; i < kFormatNames.size(); ++i) {
    if (kFormatNames[i] == name) return static_cast<OutputFormat>(i);
  }
  const auto near = near_names(name, kFormatNames);
  return Error(ErrorCode::InvalidArgument, fmt::format("there is no output format '{}'", name))
      .with_number(120)
      .with_help(fmt::format("formats: {}", fmt::join(near.empty() ? kFormatNames : near, ", ")));
}

std::unique_ptr<ResultWriter> ResultWriter::create(OutputFormat format, std::ostream& out, columnar::Schema schema,
                                                   std::size_t width) {
  switch (format) {
    case OutputFormat::Json: return std::make_unique<JsonWriter>(out, std::move(schema), false);
    case OutputFormat::Ndjson: return std::make_unique<JsonWriter>(out, std::move(schema), true);
    case OutputFormat::Csv: return std::make_unique<CsvWriter>(out, std::move(schema));
    case OutputFormat::Markdown: return std::make_unique<GridWriter>(out, std::move(schema), true, width);
    case OutputFormat::Table: break;
  }
  return std::make_unique<GridWriter>(out, std::move(schema), false, width);
}

}  // namespace sluice::cli
