#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/random_sql/sql_tree.h"

namespace sluice::random_sql {

struct Column {
  std::string name;
  std::string type;  ///< As DuckDB writes it.
};

struct Table {
  std::string name;
  std::vector<Column> columns;
  bool append_only = false;  ///< Its rows never die, and the dataflow is told so.
};

/// Copies of a row, from the epoch that brings them to the epoch that takes them away, which may be the same.
struct RowLife {
  std::size_t table = 0;
  std::vector<std::string> values;  ///< Text that casts to the column's type; "NULL" is NULL.
  int copies = 1;
  int born = 0;
  int dies = -1;  ///< -1: never.
};

/// One query over tables that change.
struct RandomCase {
  std::vector<Table> tables;
  std::vector<RowLife> rows;
  int epochs = 1;
  std::vector<bool> restart_before;  ///< Per epoch: the dataflow is made anew from what the inputs hold.
  SqlNode query;
  /// The answer is the same whatever order rows come in, and exact but for the last digits of its own floating-point
  /// columns: DuckDB's answer must be ours.
  bool plain_comparable = true;
  /// Some rows cannot be evaluated: the expected rows are those of the query's oracle form, where TRY leaves them out.
  bool fails_on_rows = false;
  std::uint64_t split_seed = 0;  ///< Decides the order of an epoch's changes and their batches.
};

}  // namespace sluice::random_sql
