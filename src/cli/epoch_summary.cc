#include "cli/epoch_summary.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/json_text.h"

namespace sluice::cli {
namespace {

std::string_view what_happened(const runtime::DatasetReport& dataset) {
  switch (dataset.refresh) {
    case runtime::RefreshKind::Create: return "created";
    case runtime::RefreshKind::Replace: return "replaced";
    case runtime::RefreshKind::Rebuild: return "rebuilt";
    case runtime::RefreshKind::Append:
    case runtime::RefreshKind::Maintain: break;
  }
  return dataset.changed ? "updated" : "unchanged";
}

std::string counted(std::uint64_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace

std::string to_text(const runtime::EpochReport& report, std::chrono::milliseconds took) {
  std::string text;
  if (report.recovered) {
    text = fmt::format("epoch {}: completed what an earlier run had decided\n", report.epoch.value());
  } else {
    text = fmt::format("epoch {} in {} ms\n", report.epoch.value(), took.count());
  }
  for (const auto& [dataset, paths] : report.files_read) {
    text += fmt::format(
        "  read {} into {}: {}{}\n", counted(paths.size(), "file"), dataset,
        fmt::join(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(paths.size(), 10)),
                  ", "),
        paths.size() > 10 ? ", …" : "");
  }
  std::size_t width = 7;
  for (const auto& dataset : report.datasets) width = std::max(width, dataset.name.size());
  for (const auto& dataset : report.datasets) {
    text += fmt::format("  {:{}}  {:9}  +{} -{} rows  version {}\n", dataset.name, width, what_happened(dataset),
                        dataset.rows_added, dataset.rows_removed, dataset.version);
  }
  if (report.dead_letters > 0)
    text += fmt::format("  {} could not be read: see sluice.dead_letters\n", counted(report.dead_letters, "line"));
  if (report.row_errors > 0)
    text += fmt::format("  {} could not be evaluated: see sluice.errors\n", counted(report.row_errors, "row"));
  if (report.violations > 0)
    text += fmt::format("  {} of expectations: see sluice.quality\n", counted(report.violations, "violation"));
  return text;
}

std::string to_json(const runtime::EpochReport& report, std::chrono::milliseconds took) {
  std::string files;
  for (const auto& [dataset, paths] : report.files_read) {
    files += fmt::format("{}{}:{}", files.empty() ? "" : ",", json_quote(dataset), json_texts(paths));
  }
  std::string datasets;
  for (const auto& dataset : report.datasets) {
    datasets += fmt::format(R"({}{{"name":{},"outcome":"{}","rows_added":{},"rows_removed":{},"version":{}}})",
                            datasets.empty() ? "" : ",", json_quote(dataset.name), what_happened(dataset),
                            dataset.rows_added, dataset.rows_removed, dataset.version);
  }
  return fmt::format(
      R"({{"epoch":{},"recovered":{},"duration_ms":{},"files_read":{{{}}},"datasets":[{}],"dead_letters":{},)"
      R"("row_errors":{},"violations":{}}})"
      "\n",
      report.epoch.value(), report.recovered, took.count(), files, datasets, report.dead_letters, report.row_errors,
      report.violations);
}

void log_epoch(Logger& log, const runtime::EpochReport& report, std::chrono::milliseconds took) {
  const std::string epoch = std::to_string(report.epoch.value());
  std::size_t file_count = 0;
  std::uint64_t rows_added = 0;
  std::uint64_t rows_removed = 0;
  for (const auto& [dataset, paths] : report.files_read) {
    file_count += paths.size();
    for (const std::string& path : paths) {
      log.debug("run", "file taken", {{"epoch", epoch}, {"dataset", dataset}, {"path", path}});
    }
  }
  for (const auto& dataset : report.datasets) {
    rows_added += dataset.rows_added;
    rows_removed += dataset.rows_removed;
    log.log(dataset.changed ? LogLevel::Info : LogLevel::Debug, "run", fmt::format("table {}", what_happened(dataset)),
            {{"epoch", epoch},
             {"table", dataset.name},
             {"rows_added", std::to_string(dataset.rows_added)},
             {"rows_removed", std::to_string(dataset.rows_removed)},
             {"version", std::to_string(dataset.version)}});
  }
  log.info("run", report.recovered ? "decided epoch completed" : "epoch committed",
           {{"epoch", epoch},
            {"duration_ms", std::to_string(took.count())},
            {"files", std::to_string(file_count)},
            {"rows_added", std::to_string(rows_added)},
            {"rows_removed", std::to_string(rows_removed)},
            {"dead_letters", std::to_string(report.dead_letters)},
            {"row_errors", std::to_string(report.row_errors)},
            {"violations", std::to_string(report.violations)}});
}

}  // namespace sluice::cli
