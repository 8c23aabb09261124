#include "sql/internal/optimizer_rules.h"

#include <array>

namespace sluice::sql {
namespace {

constexpr bool kKeep = true;
constexpr bool kDisable = false;

// A standing query may be simplified by what its text says, never by what the data look like today, and its operators
// are ours: whatever prepares a plan for DuckDB's own execution is of no use, or wrong.
constexpr std::array<OptimizerRule, 33> kRules = {{
    {"expression_rewriter", kKeep, "simplifies expressions by their text"},
    {"filter_pullup", kKeep, "moves filters by their text"},
    {"filter_pushdown", kKeep, "moves filters by their text, makes joins of filtered cross products"},
    {"empty_result_pullup", kDisable, "takes an input that is empty now for one that stays so"},
    {"cte_filter_pusher", kKeep, "moves filters by their text"},
    {"regex_range", kDisable, "adds byte ranges that only help to skip stored row groups"},
    {"in_clause", kDisable, "turns a list of constants into a join with a stored table; our IN takes the list"},
    {"join_order", kKeep, "without statistics it depends on the text alone"},
    {"deliminator", kKeep, "removes duplicate elimination that the text makes unnecessary"},
    {"unnest_rewriter", kKeep, "turns a correlated UNNEST into a plain one"},
    {"unused_columns", kKeep, "narrows rows by the text"},
    {"statistics_propagation", kDisable, "folds filters by today's minimum and maximum"},
    {"common_subexpressions", kKeep, "computes equal expressions once"},
    {"common_aggregate", kKeep, "computes equal aggregates once"},
    {"column_lifetime", kDisable, "projection maps of DuckDB's joins; our operators take whole rows"},
    {"limit_pushdown", kKeep, "moves LIMIT below a projection"},
    {"row_group_pruner", kDisable, "reads today's row groups"},
    {"top_n", kKeep, "joins ORDER BY and LIMIT"},
    {"top_n_window_elimination", kDisable, "turns row_number() <= k into a self-join on rowid"},
    {"build_side_probe_side", kDisable, "sized to today's tables"},
    {"compressed_materialization", kDisable, "sized to today's values"},
    {"duplicate_groups", kKeep, "groups by equal expressions once"},
    {"reorder_filter", kDisable, "orders conditions by cost; ours stay as written"},
    {"sampling_pushdown", kDisable, "samples are refused"},
    {"join_filter_pushdown", kDisable, "builds filters from today's build side"},
    {"extension", kDisable, "no extension of ours optimizes"},
    {"materialized_cte", kKeep, "no longer does anything; CTEs are inlined or shared by their use"},
    {"sum_rewriter", kDisable, "sum(x + c) as sum(x) + c * count(x) hides rows whose addition overflows"},
    {"late_materialization", kDisable, "joins back on rowid"},
    {"cte_inlining", kKeep, "by the number of uses"},
    {"common_subplan", kKeep, "computes equal parts of a query once, which become shared operators"},
    {"join_elimination", kKeep, "by uniqueness that the text gives"},
    {"window_self_join", kDisable, "turns windows into joins of the table with itself"},
}};

}  // namespace

std::span<const OptimizerRule> optimizer_rules() { return kRules; }

}  // namespace sluice::sql
