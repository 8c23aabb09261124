#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "lake/rows.h"

namespace sluice::lake {

/// For tests: returns the rows as lines "a|b", or the error's message.
inline std::string text_of(Result<std::unique_ptr<Rows>> rows) {
  if (!rows) return "error: " + rows.error().message();
  std::string text;
  while (true) {
    auto chunk = (*rows)->next();
    if (!chunk) return text + "error: " + chunk.error().message();
    if (!*chunk) return text;
    for (std::size_t row = 0; row < (*chunk)->size(); ++row) {
      for (std::size_t column = 0; column < (*chunk)->ColumnCount(); ++column) {
        text += (column == 0 ? "" : "|") + (*chunk)->GetValue(column, row).ToString();
      }
      text += "\n";
    }
  }
}

}  // namespace sluice::lake
