#include <iostream>

#include <fmt/format.h>
#include <roaring.h>
#include <simdjson.h>
#include <xxhash.h>
#include <CLI/Version.hpp>
#include <boost/version.hpp>
#include <duckdb.hpp>

#include "base/log.h"
#include "cli/duckdb_version.h"
#include "cli/exit_code.h"
#include "cli/options.h"

namespace sluice::cli {
namespace {

std::vector<std::pair<std::string, std::string>> linked_versions() {
  return {
      {"sluice", SLUICE_VERSION},
      {"commit", SLUICE_COMMIT},
      {"duckdb", duckdb::DuckDB::LibraryVersion()},
      {"simdjson", fmt::format("{}.{}.{}", static_cast<int>(simdjson::SIMDJSON_VERSION_MAJOR),
                               static_cast<int>(simdjson::SIMDJSON_VERSION_MINOR),
                               static_cast<int>(simdjson::SIMDJSON_VERSION_REVISION))},
      {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"yaml-cpp", SLUICE_YAML_CPP_VERSION},
      {"cli11", CLI11_VERSION},
      {"xxhash", fmt::format("{}.{}.{}", XXH_versionNumber() / 10000, XXH_versionNumber() / 100 % 100,
                             XXH_versionNumber() % 100)},
      {"croaring", ROARING_VERSION},
      {"boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
  };
}

}  // namespace

bool duckdb_versions_agree() { return std::string(duckdb::DuckDB::LibraryVersion()) == "v" SLUICE_DUCKDB_VERSION; }

int version_command(const CommonOptions& common) {
  const auto versions = linked_versions();
  if (common.output == OutputFormat::Json || common.output == OutputFormat::Ndjson) {
    std::string json;
    for (const auto& [name, version] : versions) {
      json += fmt::format("{}{}:{}", json.empty() ? "" : ",", json_quote(name), json_quote(version));
    }
    std::cout << '{' << json << "}\n";
  } else {
    for (const auto& [name, version] : versions) std::cout << fmt::format("{} {}\n", name, version);
  }
  if (duckdb_versions_agree()) return static_cast<int>(ExitCode::Ok);
  std::cerr << render(Error(ErrorCode::Internal, fmt::format("libduckdb is {}, but this binary was built for v{}",
                                                             duckdb::DuckDB::LibraryVersion(), SLUICE_DUCKDB_VERSION))
                          .with_number(9001)
                          .with_help("put the libduckdb.so that came with this binary into ../lib beside it"));
  return static_cast<int>(ExitCode::Internal);
}

}  // namespace sluice::cli
