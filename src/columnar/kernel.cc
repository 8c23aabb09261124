#include "columnar/kernel.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp>
#include <duckdb/common/vector_operations/vector_operations.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/execution/expression_executor_state.hpp>
#include <duckdb/function/function_binder.hpp>
#include <duckdb/parser/parsed_data/create_scalar_function_info.hpp>
#include <duckdb/planner/expression/list.hpp>
#include <duckdb/planner/expression_iterator.hpp>

#include "base/check.h"
#include "columnar/guard.h"
#include "columnar/variant_encoding.h"

namespace sluice::columnar {
namespace {

using Kind = Expression::Kind;
using Bound = duckdb::unique_ptr<duckdb::Expression>;
using duckdb::ExpressionType;

/// A mistake in an expression, on its way to the guard around Kernel::create.
[[noreturn]] void refuse(const std::string& message) { throw duckdb::InvalidInputException(message); }

ExpressionType comparison_type(const std::string& name) {
  static const std::map<std::string, ExpressionType, std::less<>> kTypes = {
      {"=", ExpressionType::COMPARE_EQUAL},
      {"<>", ExpressionType::COMPARE_NOTEQUAL},
      {"<", ExpressionType::COMPARE_LESSTHAN},
      {"<=", ExpressionType::COMPARE_LESSTHANOREQUALTO},
      {">", ExpressionType::COMPARE_GREATERTHAN},
      {">=", ExpressionType::COMPARE_GREATERTHANOREQUALTO},
      {"is_distinct", ExpressionType::COMPARE_DISTINCT_FROM},
      {"is_not_distinct", ExpressionType::COMPARE_NOT_DISTINCT_FROM},
  };
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) refuse(fmt::format("no comparison is called '{}'", name));
  return found->second;
}

/// Rebuilds DuckDB's bound expressions from ours.
class Rebuilder {
 public:
  Rebuilder(duckdb::ClientContext& client, const RowType& input) : client_(client), input_(input) {}

  Bound rebuild(const Expression& expression) {
    Bound bound = rebuild_untyped(expression);
    if (bound->return_type != expression.type) {
      bound = duckdb::BoundCastExpression::AddCastToType(client_, std::move(bound), expression.type);
    }
    return bound;
  }

 private:
  Bound rebuild_untyped(const Expression& expression) {
    const auto child = [&](std::size_t index) { return rebuild(expression.children[index]); };
    switch (expression.kind) {
      case Kind::Column: return column(expression);
      case Kind::Constant: return duckdb::make_uniq<duckdb::BoundConstantExpression>(expression.constant);
      case Kind::Function: return function(expression);
      case Kind::Cast:
      case Kind::TryCast:
        return duckdb::BoundCastExpression::AddCastToType(client_, child(0), expression.type,
                                                          expression.kind == Kind::TryCast);
      case Kind::Compare:
        return duckdb::make_uniq<duckdb::BoundComparisonExpression>(comparison_type(expression.name), child(0),
                                                                    child(1));
      case Kind::And: return conjunction(expression, ExpressionType::CONJUNCTION_AND);
      case Kind::Or: return conjunction(expression, ExpressionType::CONJUNCTION_OR);
      case Kind::Not: return operation(expression, ExpressionType::OPERATOR_NOT);
      case Kind::IsNull: return operation(expression, ExpressionType::OPERATOR_IS_NULL);
      case Kind::IsNotNull: return operation(expression, ExpressionType::OPERATOR_IS_NOT_NULL);
      case Kind::In: return operation(expression, ExpressionType::COMPARE_IN);
      case Kind::NotIn: return operation(expression, ExpressionType::COMPARE_NOT_IN);
      case Kind::Coalesce: return operation(expression, ExpressionType::OPERATOR_COALESCE);
      case Kind::Try: return operation(expression, ExpressionType::OPERATOR_TRY);
      case Kind::Case: return case_of(expression);
    }
    refuse("an expression of unknown kind");
  }

  Bound column(const Expression& expression) {
    if (expression.column >= input_.size()) {
      refuse(fmt::format("column #{} of a row with {} columns", expression.column, input_.size()));
    }
    // Types that differ by their alias only (JSON and VARCHAR) have one representation.
    if (input_[expression.column].InternalType() != expression.type.InternalType()) {
      refuse(fmt::format("column #{} is {}, not {}", expression.column, input_[expression.column].ToString(),
                         expression.type.ToString()));
    }
    return duckdb::make_uniq<duckdb::BoundReferenceExpression>(expression.type, expression.column);
  }

  Bound conjunction(const Expression& expression, ExpressionType type) {
    auto bound = duckdb::make_uniq<duckdb::BoundConjunctionExpression>(type);
    for (const Expression& child : expression.children) bound->children.push_back(rebuild(child));
    return bound;
  }

  Bound operation(const Expression& expression, ExpressionType type) {
    auto bound = duckdb::make_uniq<duckdb::BoundOperatorExpression>(type, expression.type);
    for (const Expression& child : expression.children) bound->children.push_back(rebuild(child));
    return bound;
  }

  Bound case_of(const Expression& expression) {
    auto bound = duckdb::make_uniq<duckdb::BoundCaseExpression>(expression.type);
    for (std::size_t i = 0; i + 1 < expression.children.size(); i += 2) {
      duckdb::BoundCaseCheck check;
      check.when_expr = rebuild(expression.children[i]);
      check.then_expr = rebuild(expression.children[i + 1]);
      bound->case_checks.push_back(std::move(check));
    }
    bound->else_expr = rebuild(expression.children.back());
    return bound;
  }

  Bound function(const Expression& expression) {
    // Decimal arithmetic widens its arguments when it is bound. Ours have been bound once: bound again as they stand
    // they would widen twice, to slower types. Bind what was widened instead, and see whether that gives the same
    // function.
    if (std::any_of(expression.children.begin(), expression.children.end(), is_decimal_cast)) {
      if (Bound bound = bind(expression, /*without_decimal_casts=*/true); same_function(*bound, expression))
        return bound;
    }
    return bind(expression, /*without_decimal_casts=*/false);
  }

  static bool is_decimal_cast(const Expression& expression) {
    return expression.kind == Kind::Cast && expression.type.id() == duckdb::LogicalTypeId::DECIMAL &&
           expression.children[0].type.id() == duckdb::LogicalTypeId::DECIMAL;
  }

  static bool same_function(const duckdb::Expression& bound, const Expression& expression) {
    if (bound.GetExpressionClass() != duckdb::ExpressionClass::BOUND_FUNCTION) return false;
    const auto& children = bound.Cast<duckdb::BoundFunctionExpression>().children;
    if (bound.return_type != expression.type || children.size() != expression.children.size()) return false;
    return std::equal(children.begin(), children.end(), expression.children.begin(),
                      [](const Bound& a, const Expression& b) { return a->return_type == b.type; });
  }

  Bound bind(const Expression& expression, bool without_decimal_casts) {
    duckdb::vector<Bound> children;
    for (const Expression& child : expression.children) {
      const bool skip = without_decimal_casts && is_decimal_cast(child);
      children.push_back(rebuild(skip ? child.children[0] : child));
    }
    name_members(expression, children);
    auto& entry = duckdb::Catalog::GetSystemCatalog(client_).GetEntry<duckdb::ScalarFunctionCatalogEntry>(
        client_, DEFAULT_SCHEMA, expression.name);
    for (const auto& overload : entry.functions.functions) {
      if (overload.HasBindExtendedCallback()) refuse(fmt::format("{}() keeps state in a catalog", expression.name));
    }
    duckdb::ErrorData error;
    auto bound = duckdb::FunctionBinder(client_).BindScalarFunction(entry, std::move(children), error);
    if (!bound) refuse(error.RawMessage());
    return bound;
  }

  /// struct_pack and struct_insert take member names from their arguments' aliases; ours stand in the result's type.
  static void name_members(const Expression& expression, duckdb::vector<Bound>& children) {
    if (expression.name != "struct_pack" && expression.name != "struct_insert") return;
    if (expression.type.id() != duckdb::LogicalTypeId::STRUCT) return;
    const auto& members = duckdb::StructType::GetChildTypes(expression.type);
    if (members.size() < children.size()) return;
    for (std::size_t i = 1; i <= children.size(); ++i) {
      children[children.size() - i]->SetAlias(members[members.size() - i].first);
    }
  }

  duckdb::ClientContext& client_;
  const RowType& input_;
};

/// Returns the first line of a message.
std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

/// Runs `call`. Returns the error if the rows it is about may be to blame; whatever else it throws passes on to the
/// wall: less memory, or a query that is called off, makes no row wrong.
template <typename Call>
Status try_on_rows(Call&& call) {
  try {
    call();
    return ok();
  } catch (...) {
    Error error = error_in_flight();
    switch (error.code()) {
      case ErrorCode::DataError:
      case ErrorCode::InvalidArgument:
      case ErrorCode::Unsupported: return error;
      default: throw;
    }
  }
}

/// Makes `view` the rows `begin` to `end` of `rows`.
void view_range(duckdb::DataChunk& rows, std::size_t begin, std::size_t end, duckdb::DataChunk& view) {
  duckdb::SelectionVector selection(end - begin);
  for (std::size_t i = begin; i < end; ++i) selection.set_index(i - begin, i);
  view.InitializeEmpty(rows.GetTypes());
  view.Slice(rows, selection, end - begin);
}

constexpr std::string_view kStoredVariants = "sluice_stored_variants";

/// Makes the function that stored_variants() calls; it returns its argument's type.
void add_stored_variants(duckdb::ClientContext& client) {
  duckdb::ScalarFunction function(
      std::string(kStoredVariants), {duckdb::LogicalType::ANY}, duckdb::LogicalType::ANY,
      [](duckdb::DataChunk& rows, duckdb::ExpressionState&, duckdb::Vector& result) {
        duckdb::Vector encoded(encoded_variant_type(rows.data[0].GetType()));
        encode_variants(rows.data[0], encoded, rows.size());
        decode_variants(encoded, result, rows.size());
      },
      [](duckdb::ClientContext&, duckdb::ScalarFunction& bound, duckdb::vector<Bound>& arguments) {
        bound.arguments[0] = arguments[0]->return_type;
        bound.SetReturnType(arguments[0]->return_type);
        return duckdb::unique_ptr<duckdb::FunctionData>();
      });
  duckdb::CreateScalarFunctionInfo info(std::move(function));
  duckdb::Catalog::GetSystemCatalog(client).CreateFunction(client, info);
}

}  // namespace

Expression stored_variants(Expression child) {
  const duckdb::LogicalType type = child.type;
  Expression call{Expression::Kind::Function, type, 0, duckdb::Value(), std::string(kStoredVariants), {}};
  call.children.push_back(std::move(child));
  return call;
}

KernelContext::KernelContext() = default;
KernelContext::~KernelContext() = default;

Result<std::unique_ptr<KernelContext>> KernelContext::create() {
  return guard([]() -> Result<std::unique_ptr<KernelContext>> {
    duckdb::DBConfig config;
    config.SetOptionByName("threads", duckdb::Value::UBIGINT(1));
    config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("enable_external_access", duckdb::Value::BOOLEAN(false));
    std::unique_ptr<KernelContext> context(new KernelContext());
    context->database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    context->connection_ = std::make_unique<duckdb::Connection>(*context->database_);
    const auto answer = context->connection_->Query("SET TimeZone = 'UTC'");
    if (answer->HasError()) return Error(ErrorCode::Internal, answer->GetError());
    // Function look-up and some kernels need a transaction; this one is never written to, so it may stay open.
    context->connection_->BeginTransaction();
    add_stored_variants(context->client());
    return context;
  });
}

duckdb::ClientContext& KernelContext::client() { return *connection_->context; }

struct Kernel::Impl {
  RowType types;
  RowType input;
  std::vector<std::string> texts;  // one per expression
  duckdb::vector<Bound> bound;
  std::vector<bool> may_share;  // per expression: its result may lie in memory that the next evaluation uses again
  std::unique_ptr<duckdb::ExpressionExecutor> executor;

  void evaluate_expression(std::size_t index, duckdb::DataChunk& rows, duckdb::Vector& out);
  void evaluate_all(duckdb::DataChunk& rows, duckdb::DataChunk& out);
  RowError describe_failure(duckdb::DataChunk& row, std::size_t row_index, const std::string& message);

  /// Calls `run` with ever smaller ranges of `rows` until those that succeed and the single rows that fail cover
  /// all; failing rows go to `errors`.
  template <typename Run>
  void run_in_halves(duckdb::DataChunk& rows, std::size_t begin, std::size_t end, Run&& run,
                     std::vector<RowError>& errors) {
    if (begin == end) return;
    duckdb::DataChunk view;
    view_range(rows, begin, end, view);
    for (auto& state : executor->GetStates()) state->root_state->ResetDictionaryStates();
    const Status status = try_on_rows([&] { run(view, begin); });
    if (status) return;
    if (end - begin == 1) {
      errors.push_back(describe_failure(view, begin, status.error().message()));
      return;
    }
    const std::size_t middle = begin + (end - begin) / 2;
    run_in_halves(rows, begin, middle, run, errors);
    run_in_halves(rows, middle, end, run, errors);
  }
};

Kernel::Kernel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Kernel::~Kernel() = default;

Result<std::unique_ptr<Kernel>> Kernel::create(KernelContext& context, std::vector<Expression> expressions,
                                               RowType input) {
  auto made = guard([&]() -> std::unique_ptr<Kernel> {
    auto impl = std::make_unique<Impl>();
    impl->input = std::move(input);
    impl->executor = std::make_unique<duckdb::ExpressionExecutor>(context.client());
    for (const Expression& expression : expressions) {
      auto bound = Rebuilder(context.client(), impl->input).rebuild(expression);
      bool has_intermediate = false;
      duckdb::ExpressionIterator::EnumerateChildren(*bound, [&](duckdb::Expression& child) {
        const auto kind = child.GetExpressionClass();
        has_intermediate = has_intermediate || (kind != duckdb::ExpressionClass::BOUND_REF &&
                                                kind != duckdb::ExpressionClass::BOUND_CONSTANT);
      });
      impl->types.push_back(expression.type);
      impl->texts.push_back(to_string(expression));
      impl->may_share.push_back(has_intermediate);
      impl->executor->AddExpression(*bound);
      impl->bound.push_back(std::move(bound));
    }
    return std::unique_ptr<Kernel>(new Kernel(std::move(impl)));
  });
  if (!made) return Error(ErrorCode::InvalidArgument, made.error().message());
  return made;
}

const RowType& Kernel::types() const { return impl_->types; }

void Kernel::Impl::evaluate_expression(std::size_t index, duckdb::DataChunk& rows, duckdb::Vector& out) {
  if (bound[index]->GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF) {
    out.Reference(rows.data[bound[index]->Cast<duckdb::BoundReferenceExpression>().index]);
    return;
  }
  duckdb::Vector result(types[index]);
  const auto* const own_memory = result.GetData();
  executor->ExecuteExpression(index, result);
  if (may_share[index] && (types[index].IsNested() || result.GetData() != own_memory)) {
    duckdb::Vector copy(types[index]);
    duckdb::VectorOperations::Copy(result, copy, rows.size(), 0, 0);
    out.Reference(copy);
  } else {
    out.Reference(result);
  }
}

void Kernel::Impl::evaluate_all(duckdb::DataChunk& rows, duckdb::DataChunk& out) {
  out.Destroy();
  out.InitializeEmpty(duckdb::vector<duckdb::LogicalType>(types.begin(), types.end()));
  executor->SetChunk(&rows);
  for (std::size_t i = 0; i < bound.size(); ++i) evaluate_expression(i, rows, out.data[i]);
  out.SetCardinality(rows.size());
}

RowError Kernel::Impl::describe_failure(duckdb::DataChunk& row, std::size_t row_index, const std::string& message) {
  executor->SetChunk(&row);
  for (std::size_t i = 0; i < bound.size(); ++i) {
    duckdb::Vector result(types[i]);
    const Status status = try_on_rows([&] { executor->ExecuteExpression(i, result); });
    if (!status) return RowError{row_index, texts[i], first_line(status.error().message())};
  }
  return RowError{row_index, texts.empty() ? "" : texts[0], first_line(message)};
}

void Kernel::evaluate(duckdb::DataChunk& rows, duckdb::DataChunk& out, std::vector<std::uint32_t>& kept,
                      std::vector<RowError>& errors) {
  kept.clear();
  if (try_on_rows([&] { impl_->evaluate_all(rows, out); })) return;

  out.Destroy();
  out.Initialize(duckdb::Allocator::DefaultAllocator(),
                 duckdb::vector<duckdb::LogicalType>(impl_->types.begin(), impl_->types.end()));
  const std::size_t errors_before = errors.size();
  const auto run = [&](duckdb::DataChunk& part, std::size_t first_row) {
    duckdb::DataChunk result;
    impl_->evaluate_all(part, result);
    out.Append(result);
    for (std::size_t i = 0; i < part.size(); ++i) kept.push_back(static_cast<std::uint32_t>(first_row + i));
  };
  impl_->run_in_halves(rows, 0, rows.size(), run, errors);
  if (errors.size() == errors_before) kept.clear();
}

void Kernel::select(duckdb::DataChunk& rows, std::vector<std::uint32_t>& kept, std::vector<RowError>& errors) {
  SLUICE_CHECK(impl_->bound.size() == 1 && impl_->types[0].id() == duckdb::LogicalTypeId::BOOLEAN,
               "select() is for one condition");
  const auto run = [&](duckdb::DataChunk& part, std::size_t first_row) {
    duckdb::SelectionVector selection(STANDARD_VECTOR_SIZE);
    const std::size_t count = impl_->executor->SelectExpression(part, selection);
    for (std::size_t i = 0; i < count; ++i) {
      kept.push_back(static_cast<std::uint32_t>(first_row + selection.get_index(i)));
    }
  };
  kept.clear();
  if (try_on_rows([&] { run(rows, 0); })) return;
  kept.clear();
  impl_->run_in_halves(rows, 0, rows.size(), run, errors);
}

ChangeBatch slice(ChangeBatch& batch, const std::vector<std::uint32_t>& kept) {
  duckdb::SelectionVector selection(std::max<std::size_t>(kept.size(), 1));
  for (std::size_t i = 0; i < kept.size(); ++i) selection.set_index(i, kept[i]);
  duckdb::DataChunk rows;
  rows.InitializeEmpty(batch.rows().GetTypes());
  rows.Slice(batch.rows(), selection, kept.size());
  if (batch.insert_only()) return ChangeBatch(std::move(rows));
  std::vector<std::int64_t> weights;
  weights.reserve(kept.size());
  for (const std::uint32_t row : kept) weights.push_back(batch.weight(row));
  return ChangeBatch(std::move(rows), std::move(weights));
}

}  // namespace sluice::columnar
