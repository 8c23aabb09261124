#include "tests/golden/golden_table.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <fmt/std.h>
#include <simdjson.h>

#include "base/check.h"

namespace sluice::golden {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGroups[] = {"delta-rs", "golden", "spark"};

/// What errors must say, for every table that has a version which cannot be read.
struct Cause {
  std::string_view table;
  std::string_view words;
};
constexpr Cause kCauses[] = {
    {"delta-rs/cleaned", "the log was cleaned up to version 4"},
    {"delta-rs/vacuum_restore", ".parquet"},
    {"golden/deltalog-invalid-protocol-version", "reader version 99"},
    {"golden/deltalog-state-reconstruction-without-metadata", "no metaData action"},
    {"golden/deltalog-state-reconstruction-without-protocol", "no protocol action"},
    {"golden/no-delta-log-folder", "no Delta table"},
    {"spark/err_corrupt_checkpoint_no_commits", "_delta_log/00000000000000000004.checkpoint.parquet"},
    {"spark/err_corrupt_checkpoint_no_commits", "the log was cleaned up to version 4"},
    {"spark/err_gap", "version 2 is missing"},
    {"spark/err_garbled_dv", "checksum"},
    {"spark/err_missing_data_file", "part-00000-45a54ab0-041b-4c46-b904-58f73984ecb2-c000.snappy.parquet"},
    {"spark/err_missing_dv", "deletion_vector_"},
    {"spark/err_missing_sidecar", "_delta_log/_sidecars/00000000000000000007.checkpoint."},
    {"spark/err_no_metadata", "no metaData action"},
    {"spark/err_no_protocol", "no protocol action"},
    {"spark/err_no_version_zero", "version 0 is missing"},
    {"spark/err_reader_version", "reader version 99"},
    {"spark/err_truncated_commit", "_delta_log/00000000000000000004.json"},
    {"spark/err_unknown_reader_feature", "fancyFutureRead"},
    {"spark/gap_before_checkpoint", "version 1 is missing"},
    {"spark/log_cleaned", "the log was cleaned up to version 10"},
    {"spark/vacuumed", ".parquet"},
};

simdjson::dom::element parse(simdjson::dom::parser& parser, const fs::path& path) {
  simdjson::dom::element document;
  SLUICE_CHECK(parser.load(path.string()).get(document) == simdjson::SUCCESS, "a golden table's description is JSON");
  return document;
}

std::vector<fs::path> parquet_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".parquet") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  SLUICE_CHECK(!files.empty(), "a golden table has expected rows");
  return files;
}

/// Of the Delta project's tables: one file describes all.
std::vector<Expectation> by_index(const Table& table) {
  simdjson::dom::parser parser;
  for (const simdjson::dom::element entry : parse(parser, SLUICE_GOLDEN_INDEX)["tables"].get_array()) {
    if (std::string_view(entry["name"]) != table.name) continue;
    const std::string_view verdict = entry["read"];
    if (verdict == "must_fail") return {{std::nullopt, Expectation::Outcome::Error}};
    std::int64_t latest = 0;
    const bool has_latest = entry["latest_version"].get(latest) == simdjson::SUCCESS;
    if (verdict == "log_only") {
      return {{has_latest ? std::optional(latest) : std::nullopt, Expectation::Outcome::Log}};
    }
    SLUICE_CHECK(verdict == "must_succeed" && has_latest, "a verdict of the index is known");
    const auto files = parquet_files(table.folder / "expected");
    return {{latest, Expectation::Outcome::Rows, files}, {std::nullopt, Expectation::Outcome::Rows, files}};
  }
  return {};
}

/// Of tables that have a description of their own.
std::vector<Expectation> by_description(const Table& table) {
  simdjson::dom::parser parser;
  const simdjson::dom::element about = parse(parser, table.folder / "about.json");
  const std::int64_t latest = about["latest_version"];
  std::set<std::string> json_columns;
  simdjson::dom::object changed;
  if (about["changed_columns"].get(changed) == simdjson::SUCCESS) {
    for (const auto [name, how] : changed) json_columns.emplace(name);
  }
  std::vector<Expectation> expectations;
  for (const simdjson::dom::element entry : about["versions"].get_array()) {
    Expectation expectation{std::int64_t(entry["version"]), Expectation::Outcome::Error};
    std::string_view file;
    // Where the rows are known, readers that fail are no example, whatever the description says of them.
    if (entry["file"].get(file) == simdjson::SUCCESS) {
      expectation.outcome = Expectation::Outcome::Rows;
      expectation.files = {table.folder / file};
      expectation.json_columns = json_columns;
    }
    expectations.push_back(expectation);
    if (expectation.version == latest) {
      expectation.version.reset();
      expectations.push_back(expectation);
    }
  }
  return expectations;
}

}  // namespace

std::string Expectation::at() const { return version ? fmt::format("version {}", *version) : "the newest version"; }

std::string Table::test_name() const {
  std::string letters = id();
  const auto is_odd = [](unsigned char c) { return std::isalnum(c) == 0; };
  std::replace_if(letters.begin(), letters.end(), is_odd, '_');
  return letters;
}

std::ostream& operator<<(std::ostream& out, const Table& table) { return out << table.id(); }

std::vector<Table> all_tables() {
  std::vector<Table> tables;
  for (const std::string_view group : kGroups) {
    const std::size_t before = tables.size();
    for (const auto& entry : fs::directory_iterator(fs::path(SLUICE_GOLDEN_TABLES) / group)) {
      tables.push_back({std::string(group), entry.path().filename().string(), entry.path()});
    }
    SLUICE_CHECK(tables.size() > before, "every group of golden tables has some");
  }
  std::sort(tables.begin(), tables.end(), [](const Table& a, const Table& b) { return a.id() < b.id(); });
  return tables;
}

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<Expectation> expectations_of(const Table& table) {
  return table.group == "golden" ? by_index(table) : by_description(table);
}

std::vector<std::string> causes_of(const Table& table) {
  std::vector<std::string> causes;
  for (const Cause& cause : kCauses) {
    if (cause.table == table.id()) causes.emplace_back(cause.words);
  }
  return causes;
}

std::vector<Skip> all_skips() {
  // Rows of the form "| `group/name` | why |" or "| `group/name` 1 2 | why |", with versions, below the heading.
  constexpr std::string_view kHeading = "## Tables that are skipped";
  std::istringstream lines(read_file(SLUICE_DELTA_SUPPORT));
  std::vector<Skip> skips;
  bool below = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) below = line == kHeading;
    if (!below || !line.starts_with("| `")) continue;
    const std::size_t end = line.find('`', 3);
    Skip skip{line.substr(3, end - 3), {}};
    std::istringstream versions(line.substr(end + 1, line.find('|', end) - end - 1));
    for (std::int64_t version = 0; versions >> version;) skip.versions.insert(version);
    skips.push_back(std::move(skip));
  }
  return skips;
}

bool is_skipped(const Table& table, const std::optional<std::int64_t>& version) {
  const auto skips = all_skips();
  return std::any_of(skips.begin(), skips.end(), [&](const Skip& skip) {
    if (skip.table != table.id()) return false;
    return skip.versions.empty() || (version && skip.versions.contains(*version));
  });
}

}  // namespace sluice::golden
