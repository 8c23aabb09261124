#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/compile.h"
#include "sql/internal/error_numbers.h"

namespace sluice::sql {

/// A stretch of a project's text. Offsets count bytes in one space that all files share, so that an expression of a
/// temporary view keeps its place when it is inlined into another file's query.
struct Span {
  std::size_t offset = 0;
  std::size_t length = 0;

  std::size_t end() const { return offset + length; }
};

/// Returns the stretch from the beginning of `first` to the end of `last`.
inline Span join(Span first, Span last) { return {first.offset, last.end() - first.offset}; }

/// All files of a project, laid end to end. Borrows the files, which must outlive it. Immutable.
class SourceText {
 public:
  explicit SourceText(const std::vector<SourceFile>& files);

  std::size_t file_count() const { return files_.size(); }
  /// Returns the stretch that the file fills.
  Span file_span(std::size_t file) const;
  /// Returns the text of a stretch that lies within one file.
  std::string_view text(Span span) const;
  /// Returns where the stretch begins; it is underlined to the end of its first line at most. A stretch that is empty
  /// or begins at the end of a line is shown as one character.
  SourceLocation locate(Span span) const;

  /// Returns an error at the stretch.
  Error error(SqlError number, Span span, std::string message, std::string help = {}) const;
  /// The same, for what is understood but not done yet.
  Error unsupported(SqlError number, Span span, std::string message, std::string help = {}) const;

 private:
  std::size_t file_at(std::size_t offset) const;

  const std::vector<SourceFile>& files_;
  std::vector<std::size_t> bases_;  // offset of each file's first byte; one byte lies between two files
  std::vector<std::vector<std::size_t>> line_starts_;  // per file, within the file
};

}  // namespace sluice::sql
