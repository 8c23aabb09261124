#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What kind of failure happened; callers branch on this alone. Carries no domain words: the message does.
enum class ErrorCode {
  InvalidArgument,    ///< What was asked cannot be done as asked; asking again gives the same answer.
  NotFound,           ///< The named thing does not exist.
  AlreadyExists,      ///< The named thing exists and must not.
  Unsupported,        ///< Understood, but not done by this version.
  Unavailable,        ///< A dependency did not answer or refused for now; a retry may succeed.
  PermissionDenied,   ///< Read-only file system or missing rights.
  ResourceExhausted,  ///< Disk full, memory limit, too many files.
  Corruption,         ///< Stored bytes are not what they must be.
  Conflict,           ///< Another writer was first.
  Fenced,             ///< Another engine owns this pipeline.
  DataError,          ///< A row could not be evaluated or a rule was violated, and the pipeline says to stop.
  Cancelled,          ///< A stop was requested.
  Internal,           ///< A bug of ours that was caught at a wall.
};

/// Returns the enumerator's name, for logs.
std::string_view to_string(ErrorCode code);

/// A place in a text file that a person edits.
struct SourceLocation {
  std::string file;          ///< As the user would name it: relative to the project folder where possible.
  std::uint32_t line = 0;    ///< Counts from 1.
  std::uint32_t column = 0;  ///< Counts from 1, in bytes.
  std::uint32_t length = 1;  ///< Bytes to underline, at least 1.
  std::string text;          ///< The whole line, without its end.

  friend bool operator==(const SourceLocation&, const SourceLocation&) = default;
};

/// Why an operation failed, for a person and for a caller.
///
/// `message` says what was attempted, on what, and what came instead; runtime values last; never a secret.
/// `number` is the stable code shown as SLUnnnn (0: none); `docs/errors.md` lists them.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  /// Sets the stable number shown as SLUnnnn.
  Error with_number(std::uint32_t number) && {
    number_ = number;
    return std::move(*this);
  }
  /// Sets what the reader can do about it.
  Error with_help(std::string help) && {
    help_ = std::move(help);
    return std::move(*this);
  }
  /// Sets the place in the user's text.
  Error at(SourceLocation location) && {
    location_ = std::move(location);
    return std::move(*this);
  }
  /// Puts "`context`: " before the message.
  Error in(std::string_view context) &&;

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  std::uint32_t number() const { return number_; }
  const std::string& help() const { return help_; }
  const std::optional<SourceLocation>& location() const { return location_; }

  friend bool operator==(const Error&, const Error&) = default;

 private:
  ErrorCode code_;
  std::string message_;
  std::uint32_t number_ = 0;
  std::string help_;
  std::optional<SourceLocation> location_;
};

/// Returns the error as it is shown to a person: "error[SLU1042]: …", the place with its source line and a caret, help.
/// Ends with a line break.
std::string render(const Error& error);

/// Returns up to three of `candidates` that look like a misspelt `name`, nearest first.
std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace sluice
