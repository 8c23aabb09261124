#include "delta/internal/statistics_scan.h"

#include <cstring>
#include <functional>
#include <map>
#include <string>

#include <simdjson.h>

#include "delta/internal/json_reader.h"

namespace sluice::delta::internal {
namespace {

namespace ondemand = simdjson::ondemand;

/// Returns a token without the blanks behind it.
std::string_view trimmed(std::string_view token) {
  while (!token.empty() &&
         (token.back() == ' ' || token.back() == '\n' || token.back() == '\t' || token.back() == '\r')) {
    token.remove_suffix(1);
  }
  return token;
}

/// Returns a scalar's text as written, "" for null and what is no scalar; nullopt if it is damaged.
std::optional<std::string_view> scalar(ondemand::value& value) {
  ondemand::json_type type;
  if (value.type().get(type)) return std::nullopt;
  if (type == ondemand::json_type::array || type == ondemand::json_type::object) return std::string_view();
  const std::string_view token = trimmed(value.raw_json_token());
  if (type == ondemand::json_type::string) {
    if (token.size() < 2 || token.back() != '"') return std::nullopt;
    return token;
  }
  if (token == "null") return std::string_view();
  if (token == "true" || token == "false" || is_number(token)) return token;
  return std::nullopt;
}

}  // namespace

class StatisticsScan::Reader {
 public:
  Reader(StatisticsScan& scan, const std::vector<ColumnPath>& paths) : scan_(scan) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
      Name* name = &root_;
      for (const std::string& part : paths[i]) name = &name->below[part];
      name->column = i;
    }
  }

  bool read(std::string_view json) {
    if (buffer_.size() < json.size() + simdjson::SIMDJSON_PADDING) {
      buffer_.resize(2 * json.size() + simdjson::SIMDJSON_PADDING);
    }
    std::memcpy(buffer_.data(), json.data(), json.size());
    const simdjson::padded_string_view padded(buffer_.data(), json.size(), buffer_.size());
    ondemand::document document;
    ondemand::object members;
    if (parser_.iterate(padded).get(document) || document.get_object().get(members)) return false;
    for (auto member : members) {
      std::string_view name;
      ondemand::value value;
      if (member.unescaped_key().get(name) || member.value().get(value)) return false;
      if (!take(name, value)) return false;
    }
    const char* rest = nullptr;
    return document.current_location().get(rest) != simdjson::SUCCESS;
  }

 private:
  /// A part of the paths.
  struct Name {
    std::map<std::string, Name, std::less<>> below;
    std::optional<std::size_t> column;  // that ends here
  };
  using Set = void (*)(Column& column, std::string_view text);

  bool take(std::string_view name, ondemand::value& value) {
    if (name == "numRecords") {
      const auto text = scalar(value);
      if (text) scan_.num_records_ = to_integer(*text);
      return text.has_value();
    }
    if (name == "tightBounds") {
      const auto text = scalar(value);
      if (text && (*text == "true" || *text == "false")) scan_.tight_bounds_ = *text == "true";
      return text.has_value();
    }
    if (scan_.columns_.empty()) return true;
    if (name == "minValues")
      return walk(value, root_, [](Column& column, std::string_view text) { column.min = text; });
    if (name == "maxValues")
      return walk(value, root_, [](Column& column, std::string_view text) { column.max = text; });
    if (name != "nullCount") return true;
    return walk(value, root_, [](Column& column, std::string_view text) { column.null_count = to_integer(text); });
  }

  /// Takes what the wanted columns below the name have. Deeper than they lie nothing is looked at.
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the paths.
  bool walk(ondemand::value& value, const Name& parent, Set set) {
    ondemand::json_type type;
    if (value.type().get(type)) return false;
    if (type != ondemand::json_type::object) return true;
    ondemand::object members;
    if (value.get_object().get(members)) return false;
    for (auto member : members) {
      std::string_view key;
      ondemand::value inner;
      if (member.unescaped_key().get(key) || member.value().get(inner)) return false;
      const auto name = parent.below.find(key);
      if (name == parent.below.end()) continue;
      if (name->second.column) {
        const auto text = scalar(inner);
        if (!text) return false;
        if (!text->empty()) set(scan_.columns_[*name->second.column], *text);
      }
      if (!name->second.below.empty() && !walk(inner, name->second, set)) return false;
    }
    return true;
  }

  StatisticsScan& scan_;
  Name root_;
  std::vector<char> buffer_;
  ondemand::parser parser_;
};

StatisticsScan::StatisticsScan(const std::vector<ColumnPath>& columns)
    : columns_(columns.size()), reader_(std::make_unique<Reader>(*this, columns)) {}

StatisticsScan::~StatisticsScan() = default;

bool StatisticsScan::read(std::string_view json) {
  const auto forget = [&] {
    num_records_.reset();
    tight_bounds_.reset();
    for (Column& column : columns_) column = {};
  };
  forget();
  if (reader_->read(json)) return true;
  forget();
  return false;
}

}  // namespace sluice::delta::internal
