#include "connect/files/internal/source_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "connect/files/error_numbers.h"

namespace sluice::connect {
namespace {

std::string lower(std::string_view text) {
  std::string folded(text);
  std::transform(folded.begin(), folded.end(), folded.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return folded;
}

/// A number and the unit behind it, blanks around either left out.
struct Quantity {
  std::uint64_t count = 0;
  std::string unit;
};

std::optional<Quantity> read_quantity(std::string_view text) {
  Quantity quantity;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), quantity.count);
  if (parsed.ec != std::errc()) return std::nullopt;
  std::string_view unit(parsed.ptr, static_cast<std::size_t>(text.data() + text.size() - parsed.ptr));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  while (unit.ends_with(' ')) unit.remove_suffix(1);
  quantity.unit = lower(unit);
  return quantity;
}

struct Unit {
  std::string_view name;
  std::uint64_t milliseconds;
};
constexpr std::array<Unit, 10> kTimeUnits{{{"ms", 1},
                                           {"millisecond", 1},
                                           {"milliseconds", 1},
                                           {"s", 1000},
                                           {"second", 1000},
                                           {"seconds", 1000},
                                           {"m", 60'000},
                                           {"min", 60'000},
                                           {"minute", 60'000},
                                           {"minutes", 60'000}}};

std::optional<std::chrono::milliseconds> read_time(std::string_view text) {
  const auto quantity = read_quantity(text);
  if (!quantity) return std::nullopt;
  constexpr std::uint64_t kCountMax = std::uint64_t{1} << 32;  // times any factor it stays in range
  for (const Unit& unit : kTimeUnits) {
    if (unit.name == quantity->unit && quantity->count <= kCountMax) {
      return std::chrono::milliseconds(quantity->count * unit.milliseconds);
    }
  }
  return std::nullopt;
}

class Reader {
 public:
  Reader(const plan::Source& source, SourceOptions& options) : source_(source), options_(options) {}

  Status read(const std::string& name, const std::string& value) {
    if (name == "maxfilespertrigger") return read_file_count(name, value);
    if (name == "settletime") {
      options_.settle_time = read_time(value);
      return check(options_.settle_time.has_value(), name, value, "write a time such as 500ms or 2s");
    }
    if (name == "allowoverwrites") {
      options_.allow_overwrites = lower(value) == "true";
      return check(options_.allow_overwrites || lower(value) == "false", name, value, "write true or false");
    }
    if (name == "schemaevolutionmode") return read_evolution(name, value);
    return check(false, name, value, "take it out: read_files has no such option");
  }

 private:
  Status read_file_count(const std::string& name, const std::string& value) {
    const auto quantity = read_quantity(value);
    if (quantity) options_.files_per_trigger_max = quantity->count;
    return check(quantity && quantity->unit.empty() && quantity->count > 0, name, value, "write a number from 1");
  }

  Status read_evolution(const std::string& name, const std::string& value) {
    const std::string mode = lower(value);
    if (mode == "rescue" || mode == "none") options_.evolution = SchemaEvolution::Freeze;
    if (mode == "failonnewcolumns") options_.evolution = SchemaEvolution::FailOnNewColumns;
    const bool known = options_.evolution != SchemaEvolution::AddNewColumns || mode == "addnewcolumns";
    return check(known, name, value, "write addNewColumns, rescue, failOnNewColumns or none");
  }

  Status check(bool good, const std::string& name, const std::string& value, std::string help) {
    if (good) return ok();
    return Error(ErrorCode::InvalidArgument, fmt::format("option {} of read_files cannot be '{}'", name, value))
        .with_number(kErrorOptionInvalid)
        .with_help(std::move(help))
        .at(source_.location);
  }

  const plan::Source& source_;
  SourceOptions& options_;
};

}  // namespace

Result<SourceOptions> read_options(const plan::Source& source, std::uint64_t files_per_trigger_default) {
  SourceOptions options{.files_per_trigger_max = files_per_trigger_default, .settle_time = std::nullopt};
  Reader reader(source, options);
  for (const auto& [name, value] : source.options) SLUICE_TRY(reader.read(name, value));
  const auto evolution = source.options.find("schemaevolutionmode");
  // Declared columns do what rescue says; nothing else can be had of them.
  if (source.declared_schema && evolution != source.options.end() && lower(evolution->second) != "rescue") {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("schemaEvolutionMode => '{}' and schema => … exclude each other: declared columns stay as "
                             "they are",
                             evolution->second))
        .with_number(kErrorOptionInvalid)
        .with_help("take one of the two out; values without a column go to _rescued_data, as 'rescue' has it")
        .at(source.location);
  }
  return options;
}

}  // namespace sluice::connect
