#include "plan/pipeline.h"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "base/log.h"

namespace sluice::plan {
namespace {

using columnar::Expression;

constexpr int kFormatVersion = 1;

bool same_name(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

// --- encode

template <typename Range, typename Write>
std::string array(const Range& items, Write&& write) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ',';
    out += write(item);
  }
  return out + ']';
}

std::string expressions(const std::vector<Expression>& list) {
  return array(list, [](const Expression& expression) { return columnar::encode(expression); });
}
std::string optional_expression(const std::optional<Expression>& expression) {
  return expression ? columnar::encode(*expression) : "null";
}

std::string order_keys(const std::vector<OrderKey>& keys) {
  return array(keys, [](const OrderKey& key) {
    return fmt::format(R"({{"expression":{},"descending":{},"nulls_first":{}}})", columnar::encode(key.expression),
                       key.order.descending, key.order.nulls_first);
  });
}

std::string aggregate_text(const Aggregate& aggregate) {
  const std::string kernel =
      aggregate.kernel.empty()
          ? ""
          : fmt::format(R"(,"kernel":{},"order":{})", json_quote(aggregate.kernel), order_keys(aggregate.order));
  return fmt::format(R"({{"function":{},"arguments":{},"distinct":{},"filter":{},"type":{}{}}})",
                     json_quote(aggregate.function), expressions(aggregate.arguments), aggregate.distinct,
                     optional_expression(aggregate.filter), json_quote(aggregate.type.ToString()), kernel);
}

/// Writes the members of a node's body.
struct BodyEncoder {
  std::string operator()(const InputNode& node) const {
    return fmt::format(R"("op":"input","relation":{},"stream":{},"columns":[{}])", json_quote(node.relation),
                       node.stream, fmt::join(node.columns, ","));
  }
  std::string operator()(const FilterNode& node) const {
    return fmt::format(R"("op":"filter","predicate":{})", columnar::encode(node.predicate));
  }
  std::string operator()(const ProjectNode& node) const {
    return fmt::format(R"("op":"project","expressions":{})", expressions(node.expressions));
  }
  std::string operator()(const UnnestNode& node) const {
    return fmt::format(R"("op":"unnest","lists":{})", expressions(node.lists));
  }
  std::string operator()(const AggregateNode& node) const {
    return fmt::format(R"("op":"aggregate","groups":{},"aggregates":{})", expressions(node.groups),
                       array(node.aggregates, aggregate_text));
  }
  std::string operator()(const JoinNode& node) const {
    return fmt::format(
        R"("op":"join","type":"{}","left_keys":{},"right_keys":{},"null_safe":{},"residual":{})",
        node.type == JoinType::Inner ? "inner" : "left", expressions(node.left_keys), expressions(node.right_keys),
        array(node.null_safe, [](bool safe) { return safe ? "true" : "false"; }), optional_expression(node.residual));
  }
  std::string operator()(const DistinctNode&) const { return R"("op":"distinct")"; }
  std::string operator()(const TopNNode& node) const {
    return fmt::format(R"("op":"top_n","partition":{},"order":{},"limit":{},"offset":{},"emit_rank":{})",
                       expressions(node.partition), order_keys(node.order), node.limit, node.offset, node.emit_rank);
  }
  std::string operator()(const PartitionQueryNode& node) const {
    return fmt::format(R"("op":"partition_query","partition":[{}],"sql":{})", fmt::join(node.partition, ","),
                       json_quote(node.sql));
  }
  std::string operator()(const UnionNode&) const { return R"("op":"union")"; }
};

std::string node_text(const Node& node) {
  return fmt::format(R"({{{},"inputs":[{}],"types":{}}})", std::visit(BodyEncoder{}, node.body),
                     fmt::join(node.inputs, ","),
                     array(node.types, [](const duckdb::LogicalType& type) { return json_quote(type.ToString()); }));
}

// --- describe

/// Returns the names of a node's columns; "#0", "#1", … where it has none.
std::vector<std::string> column_names(const Node& node) {
  std::vector<std::string> names = node.names;
  for (std::size_t i = names.size(); i < node.types.size(); ++i) names.push_back(fmt::format("#{}", i));
  return names;
}

std::string list(const std::vector<Expression>& items, const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const Expression& item : items) parts.push_back(columnar::to_string(item, names));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string order_text(const std::vector<OrderKey>& keys, const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const OrderKey& key : keys) {
    parts.push_back(fmt::format("{}{}{}", columnar::to_string(key.expression, names),
                                key.order.descending ? " DESC" : "", key.order.nulls_first ? " NULLS FIRST" : ""));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Writes a node's line from its body and the names of its inputs' columns.
struct BodyDescriber {
  const std::vector<std::string>& own;    ///< Names of the node's columns.
  const std::vector<std::string>& names;  ///< Of the input's columns; of a join's, left then right.
  std::size_t left_width;                 ///< Of a join.

  std::string operator()(const InputNode& body) const {
    return fmt::format("input {}{} ({})", body.stream ? "STREAM " : "", body.relation, fmt::join(own, ", "));
  }
  std::string operator()(const FilterNode& body) const {
    return fmt::format("filter {}", columnar::to_string(body.predicate, names));
  }
  std::string operator()(const ProjectNode& body) const {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < body.expressions.size(); ++i) {
      const std::string text = columnar::to_string(body.expressions[i], names);
      parts.push_back(text == own[i] ? text : fmt::format("{} AS {}", text, own[i]));
    }
    return fmt::format("project {}", fmt::join(parts, ", "));
  }
  std::string operator()(const UnnestNode& body) const { return fmt::format("unnest {}", list(body.lists, names)); }
  std::string operator()(const AggregateNode& body) const {
    std::vector<std::string> parts;
    for (const Aggregate& aggregate : body.aggregates) {
      parts.push_back(fmt::format(
          "{}({}{}{}){}", aggregate.function, aggregate.distinct ? "DISTINCT " : "", list(aggregate.arguments, names),
          aggregate.order.empty() ? "" : fmt::format(" ORDER BY {}", order_text(aggregate.order, names)),
          aggregate.filter ? fmt::format(" FILTER {}", columnar::to_string(*aggregate.filter, names)) : ""));
    }
    return fmt::format("aggregate {}{}{}", fmt::join(parts, ", "),
                       body.groups.empty() ? ""
                       : parts.empty()     ? "by "
                                           : " by ",
                       list(body.groups, names));
  }
  std::string operator()(const JoinNode& body) const {
    const std::vector<std::string> left(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(left_width));
    const std::vector<std::string> right(names.begin() + static_cast<std::ptrdiff_t>(left_width), names.end());
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < body.left_keys.size(); ++i) {
      parts.push_back(fmt::format("{} {} {}", columnar::to_string(body.left_keys[i], left),
                                  body.null_safe[i] ? "IS NOT DISTINCT FROM" : "=",
                                  columnar::to_string(body.right_keys[i], right)));
    }
    if (body.residual) parts.push_back(columnar::to_string(*body.residual, names));
    const std::string_view type = body.type == JoinType::Inner ? "inner" : "left";
    return parts.empty() ? fmt::format("{} join of every pair", type)
                         : fmt::format("{} join on {}", type, fmt::join(parts, " AND "));
  }
  std::string operator()(const DistinctNode&) const { return "distinct"; }
  std::string operator()(const TopNNode& body) const {
    std::string out = body.offset == 0 ? fmt::format("top {}", body.limit)
                                       : fmt::format("rows {} to {}", body.offset + 1, body.offset + body.limit);
    if (!body.partition.empty()) out += fmt::format(" per {}", list(body.partition, names));
    if (!body.order.empty()) out += fmt::format(" by {}", order_text(body.order, names));
    return out + (body.emit_rank ? ", numbered" : "");
  }
  std::string operator()(const PartitionQueryNode& body) const {
    std::vector<std::string> partition;
    for (const columnar::ColumnIndex column : body.partition) partition.push_back(names[column]);
    return fmt::format("window {}{}", body.text,
                       partition.empty() ? ", run again over all rows"
                                         : fmt::format(", run again per {}", fmt::join(partition, ", ")));
  }
  std::string operator()(const UnionNode&) const { return "union all"; }
};

class TreeWriter {
 public:
  explicit TreeWriter(const std::vector<Node>& nodes) : nodes_(nodes), reads_(nodes.size(), 0) {
    for (const Node& node : nodes) {
      for (const NodeIndex input : node.inputs) ++reads_[input];
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the plan.
  void write(NodeIndex index, std::size_t depth) {
    const Node& node = nodes_[index];
    const std::string indent(2 * depth, ' ');
    if (const auto seen = numbers_.find(index); seen != numbers_.end()) {
      lines.push_back(fmt::format("{}see [{}]", indent, seen->second));
      return;
    }
    std::string mark;
    const bool shared = reads_[index] > 1 && !std::holds_alternative<InputNode>(node.body);
    if (shared) {
      const std::size_t number = numbers_.size() + 1;
      numbers_[index] = number;
      mark = fmt::format(" [{}]", number);
    }
    std::vector<std::string> names;
    for (const NodeIndex input : node.inputs) {
      const std::vector<std::string> more = column_names(nodes_[input]);
      names.insert(names.end(), more.begin(), more.end());
      if (std::holds_alternative<UnionNode>(node.body)) break;
    }
    const std::size_t left_width = node.inputs.empty() ? 0 : nodes_[node.inputs[0]].types.size();
    const std::vector<std::string> own = column_names(node);
    lines.push_back(fmt::format("{}{}{}", indent, std::visit(BodyDescriber{own, names, left_width}, node.body), mark));
    for (const NodeIndex input : node.inputs) write(input, depth + 1);
  }

  std::vector<std::string> lines;

 private:
  const std::vector<Node>& nodes_;
  std::vector<std::size_t> reads_;            // how many nodes read each
  std::map<NodeIndex, std::size_t> numbers_;  // of shared nodes already written
};

}  // namespace

std::string_view function_of(SourceKind kind) { return kind == SourceKind::Delta ? "read_delta" : "read_files"; }

const Dataset* Pipeline::find_dataset(std::string_view dataset_name) const {
  const auto at =
      std::ranges::find_if(datasets, [&](const Dataset& dataset) { return same_name(dataset.name, dataset_name); });
  return at == datasets.end() ? nullptr : &*at;
}

const Source* Pipeline::find_source(std::string_view key) const {
  const auto at = std::ranges::find(sources, key, &Source::key);
  return at == sources.end() ? nullptr : &*at;
}

std::string encode(const QueryPlan& plan) {
  const auto view = [](const NamedQuery& query) {
    return fmt::format(R"({{"name":{},"sql":{}}})", json_quote(query.name), json_quote(query.sql));
  };
  return fmt::format(R"({{"version":{},"nodes":{},"sql":{},"views":{},"inputs":{},"reasons":{}}})", kFormatVersion,
                     array(plan.nodes, node_text), json_quote(plan.sql), array(plan.views, view),
                     array(plan.inputs, json_quote), array(plan.reasons, json_quote));
}

std::vector<std::string> describe(const QueryPlan& plan) {
  if (!plan.incremental())
    return {fmt::format("recompute from {}",
                        plan.inputs.empty() ? "nothing" : fmt::format("{}", fmt::join(plan.inputs, ", ")))};
  TreeWriter writer(plan.nodes);
  writer.write(plan.nodes.size() - 1, 0);
  return std::move(writer.lines);
}

}  // namespace sluice::plan
