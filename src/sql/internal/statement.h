#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/pipeline.h"
#include "sql/internal/source_text.h"
#include "sql/internal/tokenizer.h"

namespace sluice::sql {

/// A name and where it is written.
struct NameAt {
  std::string text;
  Span span;
};

/// A stretch of text and the tokens in it, without an End token. Borrows the file's token list.
struct TokenRange {
  const Token* first = nullptr;
  const Token* last = nullptr;  ///< One past the end.

  const Token* begin() const { return first; }
  const Token* end() const { return last; }
  bool empty() const { return first == last; }
  Span span() const { return empty() ? Span{} : join(first->span, (last - 1)->span); }
};

/// `name [type] [NOT NULL] [COMMENT 'text']` of a column list.
struct ColumnDefinition {
  NameAt name;
  TokenRange type;  ///< Empty: the query's type.
  bool not_null = false;
  std::optional<std::string> comment;
};

/// `CONSTRAINT name EXPECT (predicate) [ON VIOLATION …]`.
struct ExpectationClause {
  NameAt name;
  TokenRange predicate;  ///< Between the parentheses; not empty.
  plan::OnViolation on_violation = plan::OnViolation::Keep;
};

struct PropertyClause {
  std::string value;
  Span span;  ///< Of the key.
};

/// A CREATE statement that defines a dataset by a query.
struct DatasetStatement {
  plan::DatasetKind kind = plan::DatasetKind::MaterializedView;
  bool is_private = false;
  NameAt name;
  std::vector<ColumnDefinition> columns;
  std::vector<ExpectationClause> expectations;
  std::vector<NameAt> partition_by;
  std::vector<NameAt> cluster_by;
  std::string comment;
  std::map<std::string, PropertyClause> properties;  ///< From TBLPROPERTIES and, below them, SET in the same file.
  TokenRange query;                                  ///< After AS; not empty.
};

/// What a file says. Borrows `tokens`, which must outlive it unmoved.
struct ParsedFile {
  std::vector<DatasetStatement> datasets;
  std::vector<Error> errors;
};

/// Parses the statements of one file; goes on after a mistake with the next statement.
/// `schema` is what USE and a qualified name must agree with.
ParsedFile parse_statements(const SourceText& source, const std::vector<Token>& tokens, const std::string& schema);

/// Properties that sluice itself understands, for near names; keys that begin with "pipelines." must be among them.
const std::vector<std::string>& known_properties();

}  // namespace sluice::sql
