#include "sql/internal/source_text.h"

#include <algorithm>

#include "base/check.h"

namespace sluice::sql {

SourceText::SourceText(const std::vector<SourceFile>& files) : files_(files) {
  std::size_t base = 0;
  for (const SourceFile& file : files) {
    bases_.push_back(base);
    base += file.text.size() + 1;
    std::vector<std::size_t> starts = {0};
    for (std::size_t i = 0; i < file.text.size(); ++i) {
      if (file.text[i] == '\n') starts.push_back(i + 1);
    }
    line_starts_.push_back(std::move(starts));
  }
}

Span SourceText::file_span(std::size_t file) const { return {bases_[file], files_[file].text.size()}; }

std::size_t SourceText::file_at(std::size_t offset) const {
  SLUICE_CHECK(!bases_.empty(), "a position in a project without files");
  const auto after = std::upper_bound(bases_.begin(), bases_.end(), offset);
  return static_cast<std::size_t>(after - bases_.begin()) - 1;
}

std::string_view SourceText::text(Span span) const {
  const std::size_t file = file_at(span.offset);
  return std::string_view(files_[file].text).substr(span.offset - bases_[file], span.length);
}

SourceLocation SourceText::locate(Span span) const {
  const std::size_t file = file_at(span.offset);
  const std::string& text = files_[file].text;
  const std::size_t offset = std::min(span.offset - bases_[file], text.size());
  const auto& starts = line_starts_[file];
  const std::size_t line =
      static_cast<std::size_t>(std::upper_bound(starts.begin(), starts.end(), offset) - starts.begin()) - 1;
  std::size_t line_end = text.find('\n', starts[line]);
  if (line_end == std::string::npos) line_end = text.size();
  if (line_end > starts[line] && text[line_end - 1] == '\r') --line_end;

  SourceLocation location;
  location.file = files_[file].name;
  location.line = static_cast<std::uint32_t>(line + 1);
  location.column = static_cast<std::uint32_t>(offset - starts[line] + 1);
  const std::size_t room = line_end > offset ? line_end - offset : 1;
  location.length = static_cast<std::uint32_t>(std::clamp<std::size_t>(span.length, 1, room));
  location.text = text.substr(starts[line], line_end - starts[line]);
  return location;
}

Error SourceText::error(SqlError number, Span span, std::string message, std::string help) const {
  return Error(ErrorCode::InvalidArgument, std::move(message))
      .with_number(static_cast<std::uint32_t>(number))
      .with_help(std::move(help))
      .at(locate(span));
}

Error SourceText::unsupported(SqlError number, Span span, std::string message, std::string help) const {
  return Error(ErrorCode::Unsupported, std::move(message))
      .with_number(static_cast<std::uint32_t>(number))
      .with_help(std::move(help))
      .at(locate(span));
}

}  // namespace sluice::sql
