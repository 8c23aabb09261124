#include "lake/internal/file_metadata.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <duckdb/planner/expression_iterator.hpp>

#include "columnar/guard.h"
#include "delta/data_path.h"

namespace sluice::lake {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

/// Returns the URL of a path as Java writes it, and so Spark.
std::string url_of_path(std::string_view path) {
  std::string url = "file://";
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool is_kept = static_cast<unsigned char>(path[i]) >= 0x80 || path[i] == ':';
    url += is_kept ? std::string(1, path[i]) : delta::encode_path(path.substr(i, 1));
  }
  return url;
}

std::string url_of(const delta::AddFile& file, const store::ObjectStore& store) {
  const auto path = delta::resolve_path(file.path);
  if (!path) return file.path;
  if (path->absolute) return path->path.starts_with('/') ? url_of_path(path->path) : file.path;
  const auto local = store.local_path(path->path);
  if (!local) return file.path;
  return url_of_path(std::filesystem::path(*local).lexically_normal().string());
}

/// Makes references to the column those to the only one of a chunk. False if there are others.
bool refer_to_chunk(duckdb::unique_ptr<duckdb::Expression>& expression, duckdb::idx_t table_index,
                    const duckdb::vector<duckdb::column_t>& column_ids) {
  if (expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF) {
    const auto& binding = expression->Cast<duckdb::BoundColumnRefExpression>().binding;
    if (binding.table_index != table_index || binding.column_index >= column_ids.size()) return false;
    if (column_ids[binding.column_index] != kFileMetadataColumn) return false;
    expression = duckdb::make_uniq<duckdb::BoundReferenceExpression>(expression->return_type, 0);
    return true;
  }
  bool only = true;
  duckdb::ExpressionIterator::EnumerateChildren(*expression, [&](duckdb::unique_ptr<duckdb::Expression>& child) {
    only = only && refer_to_chunk(child, table_index, column_ids);
  });
  return only;
}

}  // namespace

LogicalType file_metadata_type() {
  return LogicalType::STRUCT({{"file_path", LogicalType::VARCHAR},
                              {"file_name", LogicalType::VARCHAR},
                              {"file_size", LogicalType::BIGINT},
                              {"file_block_start", LogicalType::BIGINT},
                              {"file_block_length", LogicalType::BIGINT},
                              {"file_modification_time", LogicalType::TIMESTAMP_TZ}});
}

Value file_metadata(const delta::AddFile& file, const store::ObjectStore& store) {
  const std::string url = url_of(file, store);
  const std::chrono::microseconds modified = file.modification_time.time_since_epoch();
  return Value::STRUCT({{"file_path", Value(url)},
                        {"file_name", Value(url.substr(url.rfind('/') + 1))},
                        {"file_size", Value::BIGINT(file.size_bytes)},
                        {"file_block_start", Value::BIGINT(0)},
                        {"file_block_length", Value::BIGINT(file.size_bytes)},
                        {"file_modification_time", Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(modified.count()))}});
}

duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> conditions_on_files(
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& conditions, duckdb::idx_t table_index,
    const duckdb::vector<duckdb::column_t>& column_ids) {
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> on_files;
  if (std::ranges::find(column_ids, kFileMetadataColumn) == column_ids.end()) return on_files;
  for (const auto& condition : conditions) {
    if (condition->IsVolatile() || condition->HasSubquery() || condition->HasParameter() || condition->IsFoldable()) {
      continue;
    }
    auto copy = condition->Copy();
    if (refer_to_chunk(copy, table_index, column_ids)) on_files.push_back(std::move(copy));
  }
  return on_files;
}

std::vector<std::size_t> select_files(duckdb::ClientContext& client,
                                      const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& conditions,
                                      std::span<const std::size_t> numbers,
                                      const std::function<Value(std::size_t)>& value_of) {
  std::vector<std::size_t> selected;
  const Status evaluated = columnar::guard([&] {
    duckdb::ExpressionExecutor executor(client);
    for (const auto& condition : conditions) executor.AddExpression(*condition);
    duckdb::DataChunk files;
    files.Initialize(client, {file_metadata_type()});
    for (std::size_t first = 0; first < numbers.size(); first += STANDARD_VECTOR_SIZE) {
      const auto part = numbers.subspan(first, std::min<std::size_t>(STANDARD_VECTOR_SIZE, numbers.size() - first));
      files.Reset();
      for (std::size_t i = 0; i < part.size(); ++i) files.SetValue(0, i, value_of(part[i]));
      files.SetCardinality(part.size());
      duckdb::DataChunk answers;
      answers.Initialize(client, duckdb::vector<LogicalType>(conditions.size(), LogicalType::BOOLEAN));
      executor.Execute(files, answers);
      answers.Flatten();
      for (std::size_t i = 0; i < part.size(); ++i) {
        const auto is_true = [&](const duckdb::Vector& answer) {
          return duckdb::FlatVector::Validity(answer).RowIsValid(i) && duckdb::FlatVector::GetData<bool>(answer)[i];
        };
        if (std::ranges::all_of(answers.data, is_true)) selected.push_back(part[i]);
      }
    }
  });
  // The query itself evaluates them again, and says what is wrong.
  if (!evaluated) return {numbers.begin(), numbers.end()};
  return selected;
}

}  // namespace sluice::lake
