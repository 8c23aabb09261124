#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace sluice {

enum class LogLevel { Debug, Info, Warn, Error };
enum class LogFormat { Text, Json };

/// A named value of a log line.
using LogField = std::pair<std::string_view, std::string>;

/// Writes one line per event to stderr, as text or as a JSON object with `ts`, `level`, `component`, `msg` and the
/// fields. Never pass a secret. Thread-safe; a line is written whole.
class Logger {
 public:
  /// `clock` must outlive the logger.
  Logger(Clock& clock, LogLevel level, LogFormat format) : clock_(clock), level_(level), format_(format) {}

  void log(LogLevel level, std::string_view component, std::string_view message,
           std::initializer_list<LogField> fields = {});
  void debug(std::string_view component, std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::Debug, component, message, fields);
  }
  void info(std::string_view component, std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::Info, component, message, fields);
  }
  void warn(std::string_view component, std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::Warn, component, message, fields);
  }
  void error(std::string_view component, std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::Error, component, message, fields);
  }

 private:
  Clock& clock_;
  LogLevel level_;
  LogFormat format_;
  std::mutex mutex_;
};

/// Returns `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

/// Returns the time as 2018-02-07T01:49:14.000Z.
std::string iso_time(UnixMillis time);

}  // namespace sluice
