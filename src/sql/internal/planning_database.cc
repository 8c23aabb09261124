#include "sql/internal/planning_database.h"

#include <set>

#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/config.hpp>
#include <duckdb/optimizer/optimizer.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/parser/expression/function_expression.hpp>
#include <duckdb/parser/parsed_data/create_table_function_info.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/tableref/table_function_ref.hpp>
#include <duckdb/planner/binder.hpp>
#include <duckdb/planner/operator/logical_get.hpp>

#include "columnar/guard.h"
#include "sql/internal/optimizer_rules.h"

namespace sluice::sql {
namespace {

struct StandInInfo final : duckdb::TableFunctionInfo {
  explicit StandInInfo(std::shared_ptr<StandIns> relations) : stand_ins(std::move(relations)) {}
  std::shared_ptr<StandIns> stand_ins;
};

struct StandInBinding final : duckdb::TableFunctionData {
  StandInUse use;

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    auto copy = duckdb::make_uniq<StandInBinding>();
    copy->use = use;
    return copy;
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& binding = other.Cast<StandInBinding>();
    return use.relation == binding.use.relation && use.stream == binding.use.stream;
  }
};

duckdb::unique_ptr<duckdb::FunctionData> bind_stand_in(duckdb::ClientContext&, duckdb::TableFunctionBindInput& input,
                                                       duckdb::vector<duckdb::LogicalType>& types,
                                                       duckdb::vector<duckdb::string>& names) {
  auto binding = duckdb::make_uniq<StandInBinding>();
  binding->use = {duckdb::StringValue::Get(input.inputs[0]), duckdb::BooleanValue::Get(input.inputs[1])};
  const auto& relations = *input.info->Cast<StandInInfo>().stand_ins;
  const auto relation = relations.find(binding->use.relation);
  if (relation == relations.end())
    throw duckdb::BinderException("relation \"%s\" is not defined", binding->use.relation);
  for (const columnar::Field& field : relation->second.fields) {
    names.push_back(field.name);
    types.push_back(field.type);
  }
  return binding;
}

void scan_nothing(duckdb::ClientContext&, duckdb::TableFunctionInput&, duckdb::DataChunk&) {}

std::set<duckdb::OptimizerType> disabled_optimizers() {
  std::set<duckdb::OptimizerType> disabled;
  for (const OptimizerRule& rule : optimizer_rules()) {
    if (!rule.keep) disabled.insert(duckdb::OptimizerTypeFromString(std::string(rule.name)));
  }
  return disabled;
}

}  // namespace

std::optional<StandInUse> find_stand_in(const duckdb::LogicalOperator& get) {
  const auto& scan = get.Cast<duckdb::LogicalGet>();
  if (scan.function.name != kStandInFunction) return std::nullopt;
  return scan.bind_data->Cast<StandInBinding>().use;
}

duckdb::unique_ptr<duckdb::TableRef> stand_in_ref(const StandInUse& use, std::string alias,
                                                  duckdb::vector<duckdb::string> column_aliases, std::size_t location) {
  duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> arguments;
  arguments.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(use.relation)));
  arguments.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value::BOOLEAN(use.stream)));
  auto call = duckdb::make_uniq<duckdb::FunctionExpression>(std::string(kStandInFunction), std::move(arguments));
  call->SetQueryLocation(location);
  auto ref = duckdb::make_uniq<duckdb::TableFunctionRef>();
  ref->function = std::move(call);
  ref->alias = std::move(alias);
  ref->column_name_alias = std::move(column_aliases);
  ref->query_location = location;
  return ref;
}

PlanningDatabase::PlanningDatabase() : stand_ins_(std::make_shared<StandIns>()) {}
PlanningDatabase::~PlanningDatabase() = default;

Result<std::unique_ptr<PlanningDatabase>> PlanningDatabase::create() {
  return columnar::guard([] {
    std::unique_ptr<PlanningDatabase> database(new PlanningDatabase());
    database->open();
    return database;
  });
}

void PlanningDatabase::open() {
  duckdb::DBConfig config;
  config.SetOptionByName("enable_external_access", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("threads", duckdb::Value::BIGINT(1));
  connection_.reset();
  database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
  connection_ = std::make_unique<duckdb::Connection>(*database_);
  const auto run = [&](const std::string& statement) {
    auto result = connection_->Query(statement);
    if (result->HasError()) result->ThrowError();
  };
  run("SET TimeZone = 'UTC'");

  duckdb::TableFunction function(std::string(kStandInFunction),
                                 {duckdb::LogicalType::VARCHAR, duckdb::LogicalType::BOOLEAN}, scan_nothing,
                                 bind_stand_in);
  function.projection_pushdown = true;
  function.verify_serialization = false;
  function.function_info = duckdb::make_shared_ptr<StandInInfo>(stand_ins_);
  duckdb::ClientContext& client = *connection_->context;
  client.RunFunctionInTransaction([&] {
    duckdb::CreateTableFunctionInfo info(function);
    duckdb::Catalog::GetSystemCatalog(client).CreateTableFunction(client, info);
  });
}

std::optional<duckdb::ErrorData> PlanningDatabase::attempt(const std::function<void()>& work) {
  try {
    connection_->context->RunFunctionInTransaction(work);
    return std::nullopt;
  } catch (const std::exception& exception) {
    duckdb::ErrorData error(exception);
    if (error.Type() == duckdb::ExceptionType::INTERNAL || error.Type() == duckdb::ExceptionType::FATAL) open();
    return error;
  }
}

duckdb::ClientContext& PlanningDatabase::context() { return *connection_->context; }

duckdb::unique_ptr<duckdb::LogicalOperator> PlanningDatabase::optimize(
    duckdb::Binder& binder, duckdb::unique_ptr<duckdb::LogicalOperator> plan) {
  static const std::set<duckdb::OptimizerType> kDisabled = disabled_optimizers();
  auto& disabled = duckdb::DBConfig::GetConfig(context()).options.disabled_optimizers;
  struct Reset {
    std::set<duckdb::OptimizerType>& disabled;
    ~Reset() { disabled.clear(); }
  } reset{disabled};
  disabled = kDisabled;
  duckdb::Optimizer optimizer(binder, context());
  return optimizer.Optimize(std::move(plan));
}

duckdb::unique_ptr<duckdb::SelectStatement> PlanningDatabase::parse(const std::string& text) {
  duckdb::Parser parser(context().GetParserOptions());
  parser.ParseQuery(text);
  if (parser.statements.size() != 1 || parser.statements[0]->type != duckdb::StatementType::SELECT_STATEMENT)
    return nullptr;
  return duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(std::move(parser.statements[0]));
}

std::optional<duckdb::LogicalType> PlanningDatabase::find_type(const std::string& text) {
  std::optional<duckdb::LogicalType> type;
  const auto error = attempt([&] { type = duckdb::TransformStringToLogicalType(text, context()); });
  return error ? std::nullopt : type;
}

std::vector<std::string> PlanningDatabase::names_of(const std::string& query) {
  std::vector<std::string> names;
  auto result = connection_->Query(query);
  if (result->HasError()) return names;
  for (duckdb::idx_t row = 0; row < result->RowCount(); ++row) names.push_back(result->GetValue(0, row).ToString());
  return names;
}

const std::vector<std::string>& PlanningDatabase::type_names() {
  if (type_names_.empty()) type_names_ = names_of("SELECT DISTINCT type_name FROM duckdb_types() ORDER BY ALL");
  return type_names_;
}

const std::vector<std::string>& PlanningDatabase::function_names() {
  if (function_names_.empty()) {
    function_names_ = names_of(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type IN ('scalar', 'aggregate', 'macro') AND function_name ~ '[a-z][a-z0-9_]*' ORDER BY ALL");
  }
  return function_names_;
}

}  // namespace sluice::sql
