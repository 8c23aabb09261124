#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/kernel.h"
#include "columnar/schema.h"
#include "plan/pipeline.h"

namespace sluice::quality {

/// How the rows of a batch met one expectation; weights summed, so that over a view's life the counts follow its rows.
struct Verdict {
  std::string expectation;
  std::string action;  ///< keep, drop row, fail update, quarantine
  std::int64_t passed = 0;
  std::int64_t failed = 0;

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// A row that an expectation sets aside.
struct QuarantinedRow {
  std::string expectation;
  std::string row;  ///< As a JSON object.
  std::int64_t weight = 1;

  friend bool operator==(const QuarantinedRow&, const QuarantinedRow&) = default;
};

/// What became of a batch.
struct Judgement {
  columnar::ChangeBatch kept;               ///< Rows that stay, in their order.
  std::vector<QuarantinedRow> quarantined;  ///< One per row and expectation that sets it aside.
  std::vector<Verdict> verdicts;            ///< One per expectation, in their order.
  std::optional<Error> failure;             ///< DataError: an expectation says to stop; names it and a row.
};

/// The expectations of one dataset, ready to judge rows. A row meets an expectation if its predicate is true; false,
/// NULL and a predicate that cannot be evaluated are violations. Each row is judged by every expectation. The same row
/// always gets the same verdict, so taking a row back undoes what adding it did. Owned by one worker.
class Expectations {
 public:
  /// `context` must outlive it. InvalidArgument if a predicate cannot be bound to the schema's rows.
  static Result<std::unique_ptr<Expectations>> create(columnar::KernelContext& context,
                                                      const std::vector<plan::Expectation>& expectations,
                                                      const columnar::Schema& schema);

  /// Judges every row of the batch, which has the schema's types. Cost: one vectorised pass per expectation.
  Result<Judgement> judge(columnar::ChangeBatch& rows);

 private:
  struct Rule {
    plan::Expectation expectation;
    std::unique_ptr<columnar::Kernel> predicate;
  };
  Expectations(std::vector<Rule> rules, columnar::Schema schema)
      : rules_(std::move(rules)), schema_(std::move(schema)) {}

  std::vector<Rule> rules_;
  columnar::Schema schema_;
};

}  // namespace sluice::quality
