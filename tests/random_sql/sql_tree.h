#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::random_sql {

/// A piece of SQL that knows how it may be made smaller. A leaf is its text; any other node is its parts, joined by the
/// separator, parts without text left out.
struct SqlNode {
  std::string text;         ///< Of a leaf.
  std::string oracle_text;  ///< Of a leaf: what the batch answer's query has in its place, if `has_oracle_text`.
  bool has_oracle_text = false;
  std::vector<SqlNode> parts;
  std::string separator;
  std::string category;  ///< May be replaced by a part of the same category; "": by none.
  std::string fallback;  ///< May be replaced by this text; "": not.
  bool removable = false;

  bool leaf() const { return parts.empty(); }
};

SqlNode leaf(std::string text);
/// A leaf whose text is only in the query that gives the expected rows.
SqlNode oracle_only(std::string text);
SqlNode sequence(std::vector<SqlNode> parts, std::string category = "");
/// Items, each of which may be removed.
SqlNode list(std::vector<SqlNode> items, std::string separator = ", ");
/// The same node, which may be removed.
SqlNode optional(SqlNode node);

std::string sql_of(const SqlNode& node);
std::string oracle_of(const SqlNode& node);

/// Returns the smaller forms of one node (by its place in preorder): without it, its fallback, a part of its category.
/// `count` nodes are there in all.
std::size_t node_count(const SqlNode& root);
std::vector<SqlNode> smaller_forms(const SqlNode& root, std::size_t place);

}  // namespace sluice::random_sql
