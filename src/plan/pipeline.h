#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "columnar/expression.h"
#include "columnar/row_codec.h"
#include "columnar/schema.h"

namespace sluice::plan {

/// Position of a node in QueryPlan::nodes.
using NodeIndex = std::size_t;

/// Reads the changes of one relation: a dataset of this pipeline or a source.
struct InputNode {
  std::string relation;  ///< Dataset name, or Source::key.
  bool stream = false;   ///< Each row once, append-only, as `STREAM` says; else the relation as it is now.
  std::vector<columnar::ColumnIndex> columns;  ///< Of the relation, in output order (projection push-down).
};
/// Keeps rows for which the predicate is true.
struct FilterNode {
  columnar::Expression predicate;
};
/// Replaces each row by the expressions' values.
struct ProjectNode {
  std::vector<columnar::Expression> expressions;
};
/// Appends one column per expression (each a LIST of the row); a row comes once per element of the longest list,
/// shorter lists padded with NULL; no element, no row.
struct UnnestNode {
  std::vector<columnar::Expression> lists;
};
/// A sort key.
struct OrderKey {
  columnar::Expression expression;
  columnar::ColumnOrder order;
};
/// An aggregate function over the rows of a group.
struct Aggregate {
  std::string function;  ///< DuckDB's name, lower case: count_star, count, sum, avg, min, max, …
  std::vector<columnar::Expression> arguments;
  bool distinct = false;
  std::optional<columnar::Expression> filter;
  duckdb::LogicalType type;  ///< Of the result, as DuckDB bound it.
  /// Set if DuckDB runs the function over all rows of a group: its stored form (columnar::AggregateKernel).
  std::string kernel = {};
  std::vector<OrderKey> order = {};  ///< Of the rows that such a function gets.
};
/// One row per group: group columns, then aggregates. Without groups: always exactly one row.
struct AggregateNode {
  std::vector<columnar::Expression> groups;
  std::vector<Aggregate> aggregates;
};
enum class JoinType : std::uint8_t { Inner, Left };
/// Left columns, then right columns. Without keys: every pair.
struct JoinNode {
  JoinType type = JoinType::Inner;
  std::vector<columnar::Expression> left_keys;
  std::vector<columnar::Expression> right_keys;  ///< Same length and types as left_keys.
  std::vector<bool> null_safe;                   ///< Per key: IS NOT DISTINCT FROM instead of =.
  std::optional<columnar::Expression> residual;  ///< Over the joined row; part of the ON condition.
};
/// Distinct rows.
struct DistinctNode {};
/// Per partition the rows `offset` to `offset + limit` in the given order; ties are broken by the whole row (design
/// §4). Covers ORDER BY … LIMIT, row_number() <= k, and DISTINCT ON (limit 1).
struct TopNNode {
  std::vector<columnar::Expression> partition;
  std::vector<OrderKey> order;
  std::uint64_t limit = 0;
  std::uint64_t offset = 0;
  bool emit_rank = false;  ///< Appends row_number() (BIGINT, from 1) as last column.
};
/// A query of which every answer row follows from the rows of one partition: window functions. It is run over the
/// partitions that changed.
struct PartitionQueryNode {
  std::vector<columnar::ColumnIndex> partition;  ///< None: all rows are one partition.
  std::string sql;   ///< Over the relation `input`, whose columns are c0, c1, …; gives the node's columns.
  std::string text;  ///< The functions, for people; decides nothing and is not encoded.
};
/// All rows of all inputs, which have the same types.
struct UnionNode {};

using NodeBody = std::variant<InputNode, FilterNode, ProjectNode, UnnestNode, AggregateNode, JoinNode, DistinctNode,
                              TopNNode, PartitionQueryNode, UnionNode>;

/// An operator of a standing query.
struct Node {
  NodeBody body;
  std::vector<NodeIndex> inputs;   ///< Lower than this node's own index. A node may be the input of several.
  columnar::RowType types;         ///< Of the output.
  std::vector<std::string> names;  ///< Of the output's columns, for people; decides nothing and is not encoded.
};

/// What a temporary view stands for, for queries that are run as text.
struct NamedQuery {
  std::string name;
  std::string sql;
};

/// How a dataset's rows follow from its inputs.
struct QueryPlan {
  /// Operators in dependency order; the last is the root. Empty if the query has no incremental form.
  std::vector<Node> nodes;
  /// The query as DuckDB SQL over the dataset names (and Source keys, quoted), for recomputing and for batch answers.
  std::string sql;
  std::vector<NamedQuery> views;     ///< Temporary views that `sql` names, in dependency order.
  std::vector<std::string> inputs;   ///< Relations read: dataset names and Source keys, sorted, each once.
  std::vector<std::string> reasons;  ///< Why the plan is not incremental; notes such as a pinned LIMIT.

  bool incremental() const { return !nodes.empty(); }
};

enum class OnViolation : std::uint8_t { Keep, DropRow, FailUpdate, Quarantine };
/// A data quality rule: rows for which the predicate is not true violate it.
struct Expectation {
  std::string name;
  columnar::Expression predicate;  ///< Over the dataset's rows.
  std::string sql;                 ///< As written.
  OnViolation on_violation = OnViolation::Keep;
};

enum class DatasetKind : std::uint8_t { StreamingTable, MaterializedView, TemporaryView };

/// A table of the pipeline, or a named query (temporary view; it has no table and is inlined where it is used).
struct Dataset {
  std::string name;  ///< As first written; compared without regard to case.
  DatasetKind kind = DatasetKind::MaterializedView;
  bool is_private = false;  ///< Stored, but not meant for readers outside the pipeline.
  columnar::Schema schema;  ///< Boundary types: what the table stores (columnar::stored_type).
  QueryPlan query;          ///< Its root's types may differ from the schema's: rows are cast at the boundary.
  std::vector<Expectation> expectations;
  std::vector<std::string> partition_columns;
  std::vector<std::string> cluster_columns;
  std::string comment;
  std::map<std::string, std::string> properties;
  SourceLocation location;  ///< Of the name in its CREATE statement.
  /// Hash of everything that decides the rows: plan, expectations, schema, settings, DuckDB's version. Hexadecimal.
  std::string fingerprint;
};

enum class SourceKind : std::uint8_t {
  Files,  ///< Files that land in a folder: `read_files(path, format => …)`.
  Delta,  ///< A Delta table in a folder: `read_delta(path, …)`.
};
/// Returns the name of the function that reads it.
std::string_view function_of(SourceKind kind);

/// What a dataset reads from outside the pipeline.
struct Source {
  SourceKind kind = SourceKind::Files;
  std::string key;      ///< Stable name: survives restarts; two equal calls in one dataset share it.
  std::string dataset;  ///< The dataset that reads it.
  std::string path;     ///< Glob or folder as written; relative paths start at the project folder.
  std::string format;   ///< Of files: json | parquet | csv | text
  bool stream = false;  ///< Behind STREAM: each file or row once. Else what is there now.
  std::map<std::string, std::string> options;       ///< Lower-case names, values as text.
  std::optional<columnar::Schema> declared_schema;  ///< From `schema => …`; absent: inferred.
  columnar::Schema schema;  ///< Bound: declared, inferred or the table's; of files with `_rescued_data`.
  SourceLocation location;
};

/// A whole project, bound: what `sql` makes of text and `runtime` runs. Datasets stand in dependency order.
struct Pipeline {
  std::string name;
  std::vector<Dataset> datasets;
  std::vector<Source> sources;

  const Dataset* find_dataset(std::string_view name) const;
  const Source* find_source(std::string_view key) const;
};

/// Returns the stored form of a plan: JSON with a format version. Equal plans give equal text; names are left out.
std::string encode(const QueryPlan& plan);

/// Returns the plan as an indented tree of operators for `sluice explain`, one line each, root first; an operator that
/// several others read is written out once. A plan without nodes is one line.
std::vector<std::string> describe(const QueryPlan& plan);

}  // namespace sluice::plan
