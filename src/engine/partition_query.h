#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <duckdb/common/types/column/column_data_collection.hpp>

#include "columnar/row_codec.h"
#include "engine/operator.h"
#include "state/arrangement.h"
#include "state/multiset.h"

namespace sluice::engine {

/// Whether a query that was planned failed for the values of its rows: DuckDB raises errors of several kinds for them.
bool rows_may_be_to_blame(const Error& error);

/// Answers a query over some rows, called `input`, whose columns are c0, c1, …; a pure function of the rows as a bag.
/// Errors: those of which rows_may_be_to_blame(), if a row makes the query fail.
using RunQuery = std::function<Result<std::unique_ptr<duckdb::ColumnDataCollection>>(
    const std::string& sql, const columnar::RowType& types, const duckdb::ColumnDataCollection& rows)>;

/// A query of which every answer row follows from the rows of one partition: window functions.
///
/// Computes: the query's answer over the input's rows. Partitions compare NULL equal to NULL.
/// Input:    kOnlyPort; any weights, any order within an epoch.
/// Output:   the query's columns, at the end of the epoch; consolidated.
/// State:    all rows, by partition.
/// Cost:     per epoch, two runs of the query over the rows of the partitions that changed: as they were, as they are.
/// Errors:   a partition for which the query fails gives no rows and is reported by Output::fail with +1, and with -1
///           once it does not fail any more. Internal if a row is taken away that was not there. Those of the query.
/// Source:   group recompute, as in Griffin and Libkin, "Incremental Maintenance of Views with Duplicates", 1995.
class PartitionQuery final : public Operator {
 public:
  struct Definition {
    std::vector<columnar::ColumnIndex> partition;  ///< Columns of the input; none: all rows are one partition.
    std::string sql;                               ///< For RunQuery.
    std::string text;                              ///< The functions, for errors.
    columnar::RowType types;                       ///< Of the answer.
    RunQuery run;
  };

  /// Fails with Unsupported if a type has no order.
  static Result<std::unique_ptr<PartitionQuery>> create(Definition definition, columnar::RowType input);

  std::string_view name() const noexcept override { return "partition_query"; }
  const columnar::RowType& types() const noexcept override { return definition_.types; }
  std::uint64_t state_bytes() const override;

 private:
  /// What a set of partitions gives: rows, and the partitions that fail, by key.
  struct Answer {
    state::Multiset rows;
    std::map<std::string, std::string> failures;
  };
  /// A partition that changed in this epoch, and what it held before.
  struct Touched {
    state::Slot key;
    state::Multiset before;
  };

  PartitionQuery(Definition definition, columnar::RowCodec keys, columnar::RowCodec rows, columnar::RowCodec answers)
      : definition_(std::move(definition)),
        key_codec_(std::move(keys)),
        row_codec_(std::move(rows)),
        answer_codec_(std::move(answers)) {}

  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;
  std::uint64_t state_reads() const override { return rows_.reads(); }

  state::Multiset rows_of(state::Slot key) const;
  Result<Answer> answer(const std::vector<const state::Multiset*>& partitions, const std::vector<std::string>& keys);
  Status run(const std::vector<const state::Multiset*>& partitions, state::Multiset& answer) const;
  void report(const Answer& before, const Answer& after, Output& output) const;

  const Definition definition_;
  const columnar::RowCodec key_codec_;
  const columnar::RowCodec row_codec_;
  const columnar::RowCodec answer_codec_;
  state::Arrangement rows_;
  std::vector<std::uint8_t> is_touched_;  // by slot of a key
  std::vector<Touched> touched_;

  // Of the batch being pushed.
  columnar::EncodedRows encoded_keys_;
  columnar::EncodedRows encoded_rows_;
  std::vector<state::Arrangement::Entry> entries_;
};

}  // namespace sluice::engine
