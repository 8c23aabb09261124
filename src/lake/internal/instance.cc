#include "lake/internal/instance.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>
#include <duckdb/common/virtual_file_system.hpp>
#include <duckdb/optimizer/optimizer_extension.hpp>

#include "columnar/guard.h"
#include "lake/internal/exact_sums.h"
#include "lake/internal/query_error.h"
#include "lake/total_order.h"

namespace sluice::lake {
namespace {

void lock_down(duckdb::DBConfig& config, const InstanceOptions& options) {
  if (options.thread_count > 0) config.options.maximum_threads = options.thread_count;
  if (options.memory_bytes_max > 0) config.options.maximum_memory = options.memory_bytes_max;
  config.options.use_temporary_directory = !options.spill_folder.empty();
  config.options.temporary_directory = options.spill_folder;
  for (const char* off : {"autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions",
                          "enable_external_file_cache"}) {
    config.SetOptionByName(off, duckdb::Value::BOOLEAN(false));
  }
}

void seal(duckdb::DuckDB& database, const InstanceOptions& options) {
  auto& config = database.instance->config;
  config.options.allowed_directories.insert(ObjectFileSystem::kScheme);
  if (!options.spill_folder.empty()) config.AddAllowedDirectory(options.spill_folder);
  duckdb::Connection connection(database);
  for (const char* setting : {"SET GLOBAL TimeZone = 'UTC'", "SET GLOBAL errors_as_json = true",
                              "SET GLOBAL enable_external_access = false", "SET GLOBAL lock_configuration = true"}) {
    auto result = connection.Query(setting);
    if (result->HasError()) result->ThrowError();
  }
}

void pin_order(duckdb::DBConfig& config) {
  duckdb::OptimizerExtension pinning;
  pinning.pre_optimize_function = [](duckdb::OptimizerExtensionInput&,
                                     duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
    use_exact_sums(*plan);
    pin_ties(plan);
    pin_aggregates(plan);
  };
  duckdb::OptimizerExtension::Register(config, pinning);
}

std::optional<std::size_t> position_of(const duckdb::ErrorData& error) {
  const auto found = error.ExtraInfo().find("position");
  if (found == error.ExtraInfo().end()) return std::nullopt;
  std::size_t position = 0;
  const std::string& text = found->second;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), position);
  return failed == std::errc() ? std::optional(position) : std::nullopt;
}

}  // namespace

Result<std::shared_ptr<Instance>> Instance::create(const InstanceOptions& options) {
  return columnar::guard([&] {
    std::shared_ptr<Instance> instance(new Instance(options.ad_hoc));
    duckdb::DBConfig config;
    lock_down(config, options);
    if (options.pins_order) pin_order(config);
    if (options.open_folder) register_attached_catalog(config, options.open_folder);
    instance->database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    auto files = duckdb::make_uniq<ObjectFileSystem>();
    instance->files_ = files.get();
    instance->database_->instance->GetFileSystem().RegisterSubSystem(std::move(files));
    register_query_names(*instance->database_->instance);
    seal(*instance->database_, options);
    return instance;
  });
}

Result<std::unique_ptr<duckdb::Connection>> Instance::connect(QueryNames::Sources sources, StatementExtras extras) {
  std::unique_ptr<duckdb::Connection> connection;
  SLUICE_TRY(run(StatementText(""), [&] {
    connection = std::make_unique<duckdb::Connection>(*database_);
    renew_names(*connection, std::move(sources), std::move(extras));
  }));
  return connection;
}

void Instance::renew_names(duckdb::Connection& connection, QueryNames::Sources sources, StatementExtras extras) {
  auto& states = *connection.context->registered_state;
  states.Remove(QueryNames::kKey);
  states.Insert(QueryNames::kKey, duckdb::make_shared_ptr<QueryNames>(std::move(sources), *files_, std::move(extras)));
}

Error Instance::error_of(duckdb::ErrorData error, const StatementText& statement) {
  // Errors of queries come as JSON, which keeps the position apart from the message.
  if (error.RawMessage().starts_with('{')) error = duckdb::ErrorData(error.RawMessage());
  const bool bug = error.Type() == duckdb::ExceptionType::INTERNAL || error.Type() == duckdb::ExceptionType::FATAL;
  if (bug && ad_hoc_) {
    broken_.store(true);
    return Error(ErrorCode::Internal, fmt::format("DuckDB failed with a bug of its own: {}", error.RawMessage()));
  }
  if (error.Type() == duckdb::ExceptionType::OUT_OF_MEMORY) {
    // DuckDB's advice is about settings that are not within reach here.
    const std::string& message = error.RawMessage();
    return Error(ErrorCode::ResourceExhausted,
                 fmt::format("the query needs more memory than it may have: {}", message.substr(0, message.find('\n'))))
        .with_help("raise the memory limit, or name a folder to spill to");
  }
  Error mapped = ad_hoc_ ? query_error(error) : columnar::guard([&] { error.Throw(); }).error();
  const auto position = position_of(error);
  if (!position) return mapped;
  return std::move(mapped).at(locate(statement.written(), statement.written_position(*position)));
}

}  // namespace sluice::lake
