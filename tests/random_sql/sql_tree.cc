#include "tests/random_sql/sql_tree.h"

namespace sluice::random_sql {
namespace {

// NOLINTBEGIN(misc-no-recursion): as deep as the queries that are generated.
void write(const SqlNode& node, bool oracle, std::string& out) {
  if (node.leaf()) {
    out += oracle && node.has_oracle_text ? node.oracle_text : node.text;
    return;
  }
  bool first = true;
  for (const SqlNode& part : node.parts) {
    std::string text;
    write(part, oracle, text);
    if (text.empty()) continue;
    if (!first) out += node.separator;
    first = false;
    out += text;
  }
}

SqlNode* find(SqlNode& node, std::size_t& place) {
  if (place == 0) return &node;
  --place;
  for (SqlNode& part : node.parts) {
    if (SqlNode* found = find(part, place)) return found;
  }
  return nullptr;
}

void collect(const SqlNode& node, const std::string& category, std::vector<const SqlNode*>& found) {
  for (const SqlNode& part : node.parts) {
    if (part.category == category) found.push_back(&part);
    collect(part, category, found);
  }
}

// NOLINTEND(misc-no-recursion)

}  // namespace

SqlNode leaf(std::string text) {
  SqlNode node;
  node.text = std::move(text);
  return node;
}

SqlNode oracle_only(std::string text) {
  SqlNode node;
  node.oracle_text = std::move(text);
  node.has_oracle_text = true;
  return node;
}

SqlNode sequence(std::vector<SqlNode> parts, std::string category) {
  SqlNode node;
  node.parts = std::move(parts);
  node.category = std::move(category);
  return node;
}

SqlNode list(std::vector<SqlNode> items, std::string separator) {
  SqlNode node;
  for (SqlNode& item : items) node.parts.push_back(optional(std::move(item)));
  node.separator = std::move(separator);
  return node;
}

SqlNode optional(SqlNode node) {
  node.removable = true;
  return node;
}

std::string sql_of(const SqlNode& node) {
  std::string out;
  write(node, false, out);
  return out;
}

std::string oracle_of(const SqlNode& node) {
  std::string out;
  write(node, true, out);
  return out;
}

// NOLINTNEXTLINE(misc-no-recursion)
std::size_t node_count(const SqlNode& root) {
  std::size_t count = 1;
  for (const SqlNode& part : root.parts) count += node_count(part);
  return count;
}

std::vector<SqlNode> smaller_forms(const SqlNode& root, std::size_t place) {
  std::vector<SqlNode> forms;
  const auto with = [&](const SqlNode& replacement) {
    SqlNode copy = root;
    std::size_t at = place;
    SqlNode* node = find(copy, at);
    SqlNode kept = replacement;
    kept.removable = node->removable;
    *node = std::move(kept);
    forms.push_back(std::move(copy));
  };
  SqlNode copy = root;
  std::size_t at = place;
  const SqlNode* node = find(copy, at);
  if (node == nullptr) return forms;
  if (node->removable && !(node->leaf() && node->text.empty())) with(leaf(""));
  if (!node->category.empty()) {
    std::vector<const SqlNode*> parts;
    collect(*node, node->category, parts);
    for (const SqlNode* part : parts) with(*part);
  }
  if (!node->fallback.empty() && sql_of(*node) != node->fallback) {
    SqlNode plain = leaf(node->fallback);
    plain.category = node->category;
    with(plain);
  }
  return forms;
}

}  // namespace sluice::random_sql
