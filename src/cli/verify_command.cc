#include <algorithm>
#include <filesystem>
#include <iostream>
#include <span>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/json_text.h"
#include "cli/options.h"
#include "cli/session.h"
#include "columnar/guard.h"
#include "delta/statistics_check.h"
#include "delta/verify.h"
#include "lake/lake.h"
#include "store/local_store.h"
#include "store/prefix_store.h"

namespace sluice::cli {
namespace {

struct Subject {
  std::string name;  ///< As it is shown.
  std::shared_ptr<store::ObjectStore> store;
};

Subject table_of(const Session& session, const lake::TableName& table) {
  return {fmt::format("{}.{}", table.schema, table.name),
          std::make_shared<store::PrefixStore>(*session.storage, table.schema + "/" + table.name)};
}

bool is_table_folder(const std::string& name) {
  std::error_code code;
  return std::filesystem::is_directory(std::filesystem::path(name) / "_delta_log", code);
}

Result<Subject> find_table(const Session& session, const std::string& name) {
  std::vector<std::string> names;
  for (const lake::TableName& table : list_tables(session)) {
    const std::string whole = fmt::format("{}.{}", table.schema, table.name);
    const bool is_named = duckdb::StringUtil::CIEquals(whole, name) ||
                          (table.schema == session.project.schema && duckdb::StringUtil::CIEquals(table.name, name));
    if (is_named) return table_of(session, table);
    names.push_back(table.schema == session.project.schema ? table.name : whole);
  }
  const auto near = near_names(name, names);
  return Error(ErrorCode::InvalidArgument, fmt::format("there is no table {}", name))
      .with_number(1040)
      .with_help(near.empty() ? "name a table of the project, or a folder that holds a Delta table"
                              : fmt::format("did you mean {}?", fmt::join(near, ", ")));
}

/// The tables of these names, or all of the project's. Folders need no project.
Result<std::vector<Subject>> find_subjects(const CommonOptions& common, const std::vector<std::string>& names,
                                           std::unique_ptr<Session>& session) {
  std::vector<Subject> subjects;
  if (names.empty() || !std::ranges::all_of(names, is_table_folder)) {
    SLUICE_TRY_ASSIGN(session, open_session(common, {}, SessionUse::Read));
  }
  for (const std::string& name : names) {
    if (is_table_folder(name)) {
      SLUICE_TRY_ASSIGN(std::unique_ptr<store::LocalStore> folder, store::LocalStore::create(name));
      subjects.push_back({name, std::move(folder)});
    } else {
      SLUICE_TRY_ASSIGN(Subject subject, find_table(*session, name));
      subjects.push_back(std::move(subject));
    }
  }
  if (!names.empty()) return subjects;
  for (const lake::TableName& table : list_tables(*session)) subjects.push_back(table_of(*session, table));
  return subjects;
}

/// Adds what the rows say against the statistics. Only of a table with which nothing else is wrong: its files can be read.
Status check_rows(lake::Lake& lake, const Subject& subject, delta::Verification& verification) {
  const auto& newest = verification.newest;
  if (!newest || !verification.findings.empty() || newest->schema().fields.empty()) return ok();
  delta::StatisticsCheck check(newest);
  const Status read = lake.scan_table({newest, subject.store}, [&](duckdb::DataChunk& rows, const delta::AddFile& file,
                                                                   std::span<const std::uint64_t>) {
    return columnar::guard([&] { check.add(rows, file); });
  });
  if (read) {
    verification.findings = std::move(check).finish();
  } else if (read.error().code() == ErrorCode::Corruption) {
    verification.findings.push_back(read.error().message());
  } else {
    return read;
  }
  return ok();
}

std::string to_json(const Subject& subject, const delta::Verification& verification) {
  return fmt::format(R"({{"table":{},"version":{},"findings":{}}})", json_quote(subject.name),
                     verification.newest ? std::to_string(verification.newest->version().value()) : "null",
                     json_texts(verification.findings));
}

}  // namespace

int verify_command(const CommonOptions& common, const std::vector<std::string>& names) {
  std::unique_ptr<Session> session;
  const auto subjects = find_subjects(common, names, session);
  if (!subjects) return report_error(subjects.error());
  const auto lake = lake::Lake::create({});
  if (!lake) return report_error(lake.error());
  std::size_t table_count = 0;
  std::size_t finding_count = 0;
  std::string objects;
  for (const Subject& subject : *subjects) {
    auto verified = delta::verify_table(*subject.store);
    if (!verified) return report_error(Error(verified.error()).in(subject.name));
    if (!*verified) {
      if (names.empty()) continue;  // a folder without a table
      verified->emplace().findings.emplace_back("its log holds no commit: all of it is gone, or there never was one");
    }
    if (Status read = check_rows(**lake, subject, **verified); !read) {
      return report_error(Error(read.error()).in(subject.name));
    }
    ++table_count;
    finding_count += (*verified)->findings.size();
    switch (common.output) {
      case OutputFormat::Json: objects += (objects.empty() ? "" : ",") + to_json(subject, **verified); break;
      case OutputFormat::Ndjson: std::cout << to_json(subject, **verified) << '\n'; break;
      default:
        for (const std::string& finding : (*verified)->findings) std::cout << subject.name << ": " << finding << '\n';
    }
  }
  if (common.output == OutputFormat::Json) std::cout << fmt::format(R"({{"tables":[{}]}})", objects) << '\n';
  if (common.output == OutputFormat::Table && !common.quiet) {
    std::cerr << fmt::format(
        "{} table{} verified, {} wrong\n", table_count, table_count == 1 ? "" : "s",
        finding_count == 0 ? "nothing" : fmt::format("{} thing{}", finding_count, finding_count == 1 ? "" : "s"));
  }
  return static_cast<int>(finding_count == 0 ? ExitCode::Ok : ExitCode::Corrupt);
}

}  // namespace sluice::cli
