#include "delta/file_statistics.h"

#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "delta/internal/json_reader.h"
#include "delta/internal/json_writer.h"
#include "delta/internal/statistics_scan.h"

namespace sluice::delta {
namespace {

using internal::is_number;
using internal::JsonObjectWriter;
namespace ondemand = simdjson::ondemand;

/// Deeper nesting than a schema can have is not followed.
constexpr std::size_t kDepthMax = 128;

Error not_statistics(std::string_view why) {
  return Error(ErrorCode::Corruption, fmt::format("the statistics of a file are damaged: {}", why));
}

/// Reads statistics on demand, because a number must keep the digits it was written with.
class StatisticsReader {
 public:
  Result<FileStatistics> read(std::string_view json) {
    const simdjson::padded_string padded(json);
    ondemand::parser parser;
    ondemand::document document;
    ondemand::object members;
    if (parser.iterate(padded).get(document) != simdjson::SUCCESS || document.get_object().get(members)) {
      return not_statistics("not a JSON object");
    }
    for (auto member : members) {
      std::string_view name;
      ondemand::value value;
      if (member.unescaped_key().get(name) || member.value().get(value)) return not_statistics("broken JSON");
      SLUICE_TRY(take(std::string(name), value));
    }
    const char* rest = nullptr;
    if (document.current_location().get(rest) == simdjson::SUCCESS) return not_statistics("more than one JSON value");
    return std::move(statistics_);
  }

 private:
  Status take(const std::string& name, ondemand::value& value) {
    if (name == "minValues") {
      return walk(value, [](ColumnStatistics& column, std::string text) { column.min = std::move(text); });
    }
    if (name == "maxValues") {
      return walk(value, [](ColumnStatistics& column, std::string text) { column.max = std::move(text); });
    }
    if (name == "nullCount") {
      return walk(value, [](ColumnStatistics& column, const std::string& text) {
        column.null_count = internal::to_integer(text);
      });
    }
    SLUICE_TRY_ASSIGN(const std::string text, scalar(value));
    if (name == "numRecords") statistics_.num_records = internal::to_integer(text);
    if (name == "tightBounds" && (text == "true" || text == "false")) statistics_.tight_bounds = text == "true";
    return ok();
  }

  /// Returns a scalar's text as written; "" for null and, once skipped, for a list.
  static Result<std::string> scalar(ondemand::value& value) {
    ondemand::json_type type;
    if (value.type().get(type)) return not_statistics("broken JSON");
    if (type == ondemand::json_type::array || type == ondemand::json_type::object) {
      std::string_view skipped;
      if (simdjson::to_json_string(value).get(skipped)) return not_statistics("broken JSON");
      return std::string();
    }
    if (type == ondemand::json_type::string) {
      std::string_view text;
      if (value.get_string().get(text)) return not_statistics("a broken string");
      return json_quote(text);
    }
    std::string_view token = value.raw_json_token();
    while (!token.empty() &&
           (token.back() == ' ' || token.back() == '\n' || token.back() == '\t' || token.back() == '\r')) {
      token.remove_suffix(1);
    }
    if (token == "true" || token == "false" || token == "null" || is_number(token)) {
      return token == "null" ? std::string() : std::string(token);
    }
    return not_statistics("a broken value");
  }

  template <typename Take>
  Status walk(ondemand::value& value, const Take& take_leaf) {
    if (path_.size() > kDepthMax) return not_statistics("nested too deep");
    ondemand::json_type type;
    if (value.type().get(type)) return not_statistics("broken JSON");
    if (type != ondemand::json_type::object) {
      SLUICE_TRY_ASSIGN(std::string text, scalar(value));
      if (!text.empty() && !path_.empty()) take_leaf(statistics_.columns[path_], std::move(text));
      return ok();
    }
    ondemand::object members;
    if (value.get_object().get(members)) return not_statistics("broken JSON");
    for (auto member : members) {
      std::string_view name;
      ondemand::value inner;
      if (member.unescaped_key().get(name) || member.value().get(inner)) return not_statistics("broken JSON");
      path_.emplace_back(name);
      SLUICE_TRY(walk(inner, take_leaf));
      path_.pop_back();
    }
    return ok();
  }

  FileStatistics statistics_;
  ColumnPath path_;
};

/// A member of the JSON object that statistics become: a value, or an object of members.
struct Member {
  std::string_view name;
  std::string value;
  std::vector<Member> members;

  /// Returns the last member if it has that name, else a new one: paths come sorted.
  Member& at(std::string_view member_name) {
    if (!members.empty() && members.back().name == member_name) return members.back();
    return members.emplace_back(Member{member_name, "", {}});
  }
};

void write_members(std::string& out, const Member& parent) {
  JsonObjectWriter object(out);
  for (const Member& member : parent.members) {
    object.key(member.name);
    if (member.members.empty()) {
      out += member.value;
    } else {
      write_members(out, member);
    }
  }
  object.close();
}

template <typename Get>
void write_columns(std::string& out, JsonObjectWriter& object, std::string_view name, const FileStatistics& statistics,
                   const Get& get) {
  Member root;
  for (const auto& [path, column] : statistics.columns) {
    std::optional<std::string> text = get(column);
    if (!text || path.empty()) continue;
    Member* member = &root;
    for (const std::string& part : path) member = &member->at(part);
    member->value = std::move(*text);
  }
  object.key(name);
  write_members(out, root);
}

}  // namespace

const ColumnStatistics* FileStatistics::find(const ColumnPath& path) const {
  const auto found = columns.find(path);
  return found == columns.end() ? nullptr : &found->second;
}

Result<FileStatistics> read_statistics(std::string_view json) { return StatisticsReader().read(json); }

std::optional<std::int64_t> read_num_records(std::string_view json) {
  // Every writer begins with it.
  constexpr std::string_view kBegin = R"({"numRecords":)";
  if (json.starts_with(kBegin)) {
    std::int64_t number = 0;
    const char* end = json.data() + json.size();
    const auto [rest, code] = std::from_chars(json.data() + kBegin.size(), end, number);
    if (code == std::errc() && rest != end && (*rest == ',' || *rest == '}')) return number;
  }
  internal::StatisticsScan scan({});
  return scan.read(json) ? scan.num_records() : std::nullopt;
}

std::string write_statistics(const FileStatistics& statistics) {
  std::string out;
  JsonObjectWriter object(out);
  object.integer("numRecords", statistics.num_records);
  write_columns(out, object, "minValues", statistics, [](const ColumnStatistics& column) { return column.min; });
  write_columns(out, object, "maxValues", statistics, [](const ColumnStatistics& column) { return column.max; });
  write_columns(out, object, "nullCount", statistics, [](const ColumnStatistics& column) {
    return column.null_count ? std::optional(std::to_string(*column.null_count)) : std::nullopt;
  });
  object.boolean("tightBounds", statistics.tight_bounds);
  object.close();
  return out;
}

Result<std::string> with_wide_bounds(std::string_view stats) {
  SLUICE_TRY_ASSIGN(FileStatistics statistics, read_statistics(stats));
  if (!statistics.num_records) {
    return Error(ErrorCode::InvalidArgument, "the statistics of a file with a deletion vector must state numRecords");
  }
  statistics.tight_bounds = false;
  return write_statistics(statistics);
}

}  // namespace sluice::delta
