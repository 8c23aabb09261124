#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "delta/actions.h"

namespace sluice::delta {

/// Reads a commit: one JSON object per line, each with one action. Blank lines, CRLF ends and a missing last line end
/// are fine; no bytes at all are a commit without actions. Actions and fields that are not known are ignored; numbers
/// may be written as 1.0E3 or as strings, booleans as strings. Corruption, naming `file_name` and the line, if a line
/// is not whole JSON, is not UTF-8, or lacks a required field.
Result<std::vector<Action>> read_actions(BytesView text, std::string_view file_name);

/// Writes actions as a commit, one per line, each line ended. What read_actions() reads from it is equal.
Bytes write_actions(std::span<const Action> actions);

/// Writes one action as a JSON object, without a line end.
std::string write_action(const Action& action);
/// Writes the object that stands behind the action's name in that.
std::string write_action_fields(const Action& action);

}  // namespace sluice::delta
