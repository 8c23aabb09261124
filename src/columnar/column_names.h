#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::columnar {

/// Returns the name in lower case as Unicode has it: "É" and "é" become equal, "ß" and "SS" do not. Names for which it is
/// equal are one name for Delta; DuckDB, and so Schema::find(), goes by ASCII letters alone. Of bytes that
/// are not UTF-8 only ASCII letters change.
std::string lower_case(std::string_view name);

/// True if both name the same columns in the same order, without regard to case.
bool same_names(const std::vector<std::string>& left, const std::vector<std::string>& right);

/// True if a Delta table without column mapping can carry the name: no blank, comma, semicolon, brace, parenthesis, equals
/// sign, tab or line break.
bool is_storable_name(std::string_view name);

}  // namespace sluice::columnar
