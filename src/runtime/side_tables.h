#pragma once

#include <array>
#include <string>
#include <string_view>

#include "columnar/schema.h"

namespace sluice::runtime {

/// The tables in which a pipeline keeps what did not become rows of a dataset. They are outputs of the epoch like any
/// dataset: same intent, same transaction identifier. A table is made when its first row comes. Rows are only added.
enum class SideTable : std::size_t {
  DeadLetters,  ///< Input that could not be read.
  Errors,       ///< Rows that could not be evaluated, as changes.
  Quarantine,   ///< Rows that a rule set aside, as changes.
  Quality,      ///< How many rows met each rule, as changes.
};

inline constexpr std::array kSideTables{SideTable::DeadLetters, SideTable::Errors, SideTable::Quarantine,
                                        SideTable::Quality};

/// Returns "sluice.dead_letters", "sluice.errors", …
const std::string& key_of(SideTable table);
const columnar::Schema& schema_of(SideTable table);
/// Whether "schema.table" is the key of a side table.
bool is_side_table(std::string_view key);

}  // namespace sluice::runtime
