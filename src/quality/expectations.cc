#include "quality/expectations.h"

#include <fmt/format.h>

#include "columnar/guard.h"
#include "columnar/json_text.h"

namespace sluice::quality {
namespace {

std::string_view action_name(plan::OnViolation action) {
  switch (action) {
    case plan::OnViolation::Keep: return "keep";
    case plan::OnViolation::DropRow: return "drop row";
    case plan::OnViolation::FailUpdate: return "fail update";
    case plan::OnViolation::Quarantine: return "quarantine";
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<Expectations>> Expectations::create(columnar::KernelContext& context,
                                                           const std::vector<plan::Expectation>& expectations,
                                                           const columnar::Schema& schema) {
  std::vector<Rule> rules;
  for (const plan::Expectation& expectation : expectations) {
    auto predicate = columnar::Kernel::create(context, {expectation.predicate}, schema.types());
    if (!predicate) return std::move(predicate).error().in(fmt::format("expectation {}", expectation.name));
    rules.push_back({expectation, std::move(*predicate)});
  }
  return std::unique_ptr<Expectations>(new Expectations(std::move(rules), schema));
}

Result<Judgement> Expectations::judge(columnar::ChangeBatch& rows) {
  Judgement judgement{columnar::ChangeBatch(duckdb::DataChunk()), {}, {}, std::nullopt};
  std::vector<bool> stays(rows.size(), true);
  for (Rule& rule : rules_) {
    std::vector<std::uint32_t> met;
    std::vector<columnar::RowError> errors;  // a rule that cannot be evaluated is not met
    SLUICE_TRY(columnar::guard([&] { rule.predicate->select(rows.rows(), met, errors); }));
    std::vector<bool> meets(rows.size(), false);
    for (const std::uint32_t row : met) meets[row] = true;

    Verdict verdict{rule.expectation.name, std::string(action_name(rule.expectation.on_violation)), 0, 0};
    for (std::size_t row = 0; row < rows.size(); ++row) {
      (meets[row] ? verdict.passed : verdict.failed) += rows.weight(row);
      if (meets[row]) continue;
      switch (rule.expectation.on_violation) {
        case plan::OnViolation::Keep: break;
        case plan::OnViolation::DropRow: stays[row] = false; break;
        case plan::OnViolation::Quarantine:
          stays[row] = false;
          judgement.quarantined.push_back(
              {rule.expectation.name, columnar::json_text(schema_, rows.rows(), row), rows.weight(row)});
          break;
        case plan::OnViolation::FailUpdate:
          // Only a row that comes can stop the pipeline: one that goes was let in under other rules.
          if (judgement.failure || rows.weight(row) < 0) break;
          judgement.failure =
              Error(ErrorCode::DataError,
                    fmt::format("expectation {} says to stop: not ({}) for row {}", rule.expectation.name,
                                rule.expectation.sql, columnar::json_text(schema_, rows.rows(), row)))
                  .with_number(3101)
                  .with_help("correct the input or the rule; nothing of this epoch was committed");
          break;
      }
    }
    judgement.verdicts.push_back(std::move(verdict));
  }
  std::vector<std::uint32_t> kept;
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    if (stays[row]) kept.push_back(row);
  }
  judgement.kept = columnar::slice(rows, kept);
  return judgement;
}

}  // namespace sluice::quality
