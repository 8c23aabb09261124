#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql/internal/source_text.h"
#include "sql/internal/statement.h"

namespace sluice::sql {

/// An option of a source's function that this version honours.
struct CallOption {
  enum class Kind : std::uint8_t { Text, Boolean, Count, Version };

  std::string_view name;
  Kind kind = Kind::Text;  ///< Count is from 1, Version from 0.
  std::vector<std::string_view> values =
      {};  ///< Of Text those allowed, if the list is closed; of others allowed as well.
};

/// A function that reads from outside the pipeline.
struct CallGrammar {
  std::string_view function;
  std::string_view example;    ///< A call.
  std::string_view path_help;  ///< What the path is.
  std::span<const CallOption> options;
  std::span<const std::string_view> later;  ///< Options of a later version.
};

/// A call as it is written: `function('path', option => value, …)`.
struct SourceCall {
  struct Value {
    std::string text;  ///< Words in lower case; of a closed list as the list has it.
    const Token* name = nullptr;
    const Token* value = nullptr;
  };

  std::string path;                      ///< Empty if there is none.
  std::map<std::string, Value> options;  ///< By name in lower case.

  /// Returns the options' texts.
  std::map<std::string, std::string> texts() const;
};

/// Reads a call; `call` holds the tokens from the function's name to the closing parenthesis. Appends what is wrong to
/// `errors`; the answer is then not to be used. Option names are compared without regard to case.
SourceCall parse_source_call(const SourceText& source, TokenRange call, const CallGrammar& grammar,
                             std::vector<Error>& errors);

}  // namespace sluice::sql
