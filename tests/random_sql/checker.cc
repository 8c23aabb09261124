#include "tests/random_sql/checker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <duckdb.hpp>

#include "columnar/guard.h"
#include "engine/operator.h"
#include "runtime/dataflow.h"
#include "sql/compile.h"
#include "tests/random_sql/dice.h"
#include "tests/random_sql/query_generator.h"

namespace sluice::random_sql {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Value;

constexpr std::size_t kAnswerRowsMax = 20'000;

/// Rows as text, and how many there are of each.
using Bag = std::map<std::string, std::int64_t>;

std::string double_text(double number, bool exact) {
  if (std::isnan(number)) return "nan";
  if (number == 0) return "0";  // both zeros
  // Nine digits, rounded where no answer stands but for chance: means of small numbers often end in a 5.
  return exact ? fmt::format("{}", number) : fmt::format("{:.9g}", number * (1 + 1e-12));
}

/// A value in the one form in which a table holds it (runtime::internal::FloatForms).
// NOLINTNEXTLINE(misc-no-recursion)
void write_value(const Value& value, bool exact, std::string& out) {
  if (value.IsNull()) {
    out += "NULL";
    return;
  }
  switch (value.type().id()) {
    case LogicalTypeId::FLOAT: out += double_text(static_cast<double>(value.GetValue<float>()), exact); return;
    case LogicalTypeId::DOUBLE: out += double_text(value.GetValue<double>(), exact); return;
    case LogicalTypeId::LIST:
      out += '[';
      for (const Value& child : duckdb::ListValue::GetChildren(value)) {
        write_value(child, exact, out);
        out += ", ";
      }
      out += ']';
      return;
    case LogicalTypeId::VARCHAR: out += '\'' + value.ToString() + '\''; return;
    default: out += value.ToString();
  }
}

std::string row_text(const duckdb::DataChunk& rows, std::size_t row, bool exact) {
  std::string out;
  for (std::size_t c = 0; c < rows.ColumnCount(); ++c) {
    if (c > 0) out += " | ";
    write_value(rows.GetValue(c, row), exact, out);
  }
  return out;
}

void add_rows(const duckdb::DataChunk& rows, bool exact, Bag& bag) {
  for (std::size_t r = 0; r < rows.size(); ++r) ++bag[row_text(rows, r, exact)];
}

std::string difference(const std::string& left_name, const Bag& left, const std::string& right_name, const Bag& right) {
  std::string out;
  int lines = 0;
  const auto line = [&](const std::string& row, std::int64_t a, std::int64_t b) {
    if (a != b && ++lines <= 8) out += fmt::format("  {} x {}, {} x {}: {}\n", left_name, a, right_name, b, row);
  };
  for (const auto& [row, count] : left) {
    const auto found = right.find(row);
    line(row, count, found == right.end() ? 0 : found->second);
  }
  for (const auto& [row, count] : right) {
    if (!left.contains(row)) line(row, 0, count);
  }
  return lines > 8 ? out + fmt::format("  and {} more\n", lines - 8) : out;
}

LogicalType type_of(const std::string& name) {
  switch (kind_of(name)) {
    case Kind::BigInt: return LogicalType::BIGINT;
    case Kind::Integer: return LogicalType::INTEGER;
    case Kind::Double: return LogicalType::DOUBLE;
    case Kind::Decimal: return LogicalType::DECIMAL(6, 2);
    case Kind::Text: return LogicalType::VARCHAR;
    case Kind::Bool: return LogicalType::BOOLEAN;
    case Kind::Date: return LogicalType::DATE;
    case Kind::Timestamp: return LogicalType::TIMESTAMP;
    case Kind::BigIntList: return LogicalType::LIST(LogicalType::BIGINT);
    case Kind::TextList: return LogicalType::LIST(LogicalType::VARCHAR);
  }
  return LogicalType::SQLNULL;
}

columnar::Schema schema_of(const Table& table) {
  columnar::Schema schema;
  for (const Column& column : table.columns) schema.fields.push_back({column.name, type_of(column.type), true, {}});
  return schema;
}

class TableSchemas final : public sql::SchemaProvider {
 public:
  explicit TableSchemas(const std::vector<Table>& tables) : tables_(tables) {}

  Status check_table_property(const std::string&, const std::string&) override { return ok(); }
  Result<columnar::Schema> source_schema(const plan::Source& source) override {
    for (const Table& table : tables_) {
      if (source.path == table.name + "/*.jsonl") return schema_of(table);
    }
    return Error(ErrorCode::NotFound, "no table");
  }

 private:
  const std::vector<Table>& tables_;
};

/// Sums up what a dataflow gives.
class Sum final : public engine::Output {
 public:
  void emit(columnar::ChangeBatch&& changes) override {
    for (std::size_t r = 0; r < changes.size(); ++r) {
      const std::string text = row_text(changes.rows(), r, /*exact=*/true);
      if ((rows_[text] += changes.weight(r)) == 0) rows_.erase(text);
    }
  }
  void fail(engine::EvaluationError error) override {
    const std::string text = error.key + " | " + error.expression + " | " + error.message;
    if ((errors_[text] += error.weight) == 0) errors_.erase(text);
  }

  const Bag& rows() const { return rows_; }
  const Bag& errors() const { return errors_; }

 private:
  Bag rows_;
  Bag errors_;
};

/// Drops what it is given.
class Nothing final : public engine::Output {
 public:
  void emit(columnar::ChangeBatch&& /*changes*/) override {}
  void fail(engine::EvaluationError /*error*/) override {}
};

struct Change {
  std::size_t row;  ///< In RandomCase::rows.
  std::int64_t weight;
};

/// Plays one case.
class Play {
 public:
  Play(const RandomCase& random_case, const Compilation& compiled, columnar::KernelContext& kernels, lake::Lake& lake,
       duckdb::Connection& connection)
      : case_(random_case),
        compiled_(compiled),
        kernels_(kernels),
        lake_(lake),
        connection_(connection),
        dice_(random_case.split_seed) {}

  Verdict run() {
    if (!take_plan()) return std::move(verdict_);
    read_values();
    if (plan_.incremental() && !make_dataflow()) return std::move(verdict_);
    for (epoch_ = 0; epoch_ < case_.epochs; ++epoch_) {
      if (!play_epoch()) return std::move(verdict_);
    }
    if (!plan_.incremental()) verdict_.outcome = Outcome::Recomputed;
    return std::move(verdict_);
  }

 private:
  bool end(Outcome outcome, std::string kind, std::string detail) {
    verdict_.outcome = outcome;
    verdict_.kind = std::move(kind);
    verdict_.detail = std::move(detail);
    return false;
  }
  bool differs(std::string kind, const std::string& detail) {
    return end(Outcome::Differs, std::move(kind), fmt::format("after epoch {}\n{}", epoch_ + 1, detail));
  }

  bool take_plan() {
    if (!compiled_.plan)
      return end(compiled_.internal ? Outcome::Differs : Outcome::Invalid, compiled_.internal ? "compiling fails" : "",
                 compiled_.error);
    plan_ = *compiled_.plan;
    verdict_.reasons = plan_.reasons;
    return true;
  }

  void read_values() {
    for (const RowLife& row : case_.rows) {
      const Table& table = case_.tables[row.table];
      std::vector<Value> values;
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const LogicalType type = type_of(table.columns[c].type);
        values.push_back(row.values[c] == "NULL" ? Value(type) : Value(row.values[c]).DefaultCastAs(type));
      }
      values_.push_back(std::move(values));
    }
  }

  bool make_dataflow() {
    auto made = runtime::Dataflow::create(
        plan_, kernels_,
        [&](const std::string& relation) {
          return std::any_of(case_.tables.begin(), case_.tables.end(),
                             [&](const Table& table) { return table.name == relation && table.append_only; });
        },
        runtime::run_by_lake(lake_, [] { return std::stop_token(); }));
    if (!made) return differs("no dataflow", made.error().message());
    dataflow_ = std::move(*made);
    return true;
  }

  bool play_epoch() {
    if (dataflow_ && case_.restart_before[static_cast<std::size_t>(epoch_)] && !restart()) return false;
    if (dataflow_ && !push(changes_of(epoch_), sum_)) return false;
    load_tables();
    Bag expected;
    if (!batch_answer(expected)) return false;
    if (dataflow_ && !compare(expected)) return false;
    return !case_.plain_comparable || !verdict_.duckdb_bug.empty() || compare_with_duckdb();
  }

  bool restart() {
    dataflow_.reset();
    if (!make_dataflow()) return false;
    std::vector<Change> standing;
    for (std::size_t r = 0; r < case_.rows.size(); ++r) {
      if (lives(case_.rows[r], epoch_ - 1)) standing.push_back({r, case_.rows[r].copies});
    }
    Nothing nothing;
    return push(std::move(standing), nothing);
  }

  static bool lives(const RowLife& row, int epoch) { return row.born <= epoch && (row.dies < 0 || row.dies > epoch); }

  std::vector<Change> changes_of(int epoch) {
    std::vector<Change> changes;
    for (std::size_t r = 0; r < case_.rows.size(); ++r) {
      const RowLife& row = case_.rows[r];
      if (row.born == epoch) changes.push_back({r, row.copies});
      if (row.dies == epoch) changes.push_back({r, -row.copies});
    }
    return changes;
  }

  /// Pushes the changes in any order and any batches, and ends the epoch.
  bool push(std::vector<Change> changes, engine::Output& output) {
    dice_.shuffle(changes);
    std::vector<std::vector<Change>> batches;
    const std::size_t size_max = dice_.one_of(std::vector<std::size_t>{1, 3, 7, 100});
    for (std::size_t t = 0; t < case_.tables.size(); ++t) {
      std::vector<Change> of_table;
      for (const Change& change : changes) {
        if (case_.rows[change.row].table == t) of_table.push_back(change);
      }
      for (std::size_t begin = 0; begin < of_table.size(); begin += size_max) {
        const std::size_t end = std::min(of_table.size(), begin + size_max);
        batches.emplace_back(of_table.begin() + static_cast<std::ptrdiff_t>(begin),
                             of_table.begin() + static_cast<std::ptrdiff_t>(end));
      }
    }
    dice_.shuffle(batches);
    for (const auto& batch : batches) {
      const std::size_t table = case_.rows[batch[0].row].table;
      duckdb::DataChunk rows;
      prepare(table, rows);
      std::vector<std::int64_t> weights;
      for (std::size_t r = 0; r < batch.size(); ++r) {
        set_row(rows, r, batch[r].row);
        weights.push_back(batch[r].weight);
      }
      rows.SetCardinality(batch.size());
      columnar::ChangeBatch change_batch(std::move(rows));
      change_batch.set_weights(std::move(weights));
      const Status pushed = dataflow_->push(case_.tables[table].name, change_batch, output);
      if (!pushed) return differs("the dataflow fails", pushed.error().message());
    }
    ticks_ = ticks_.next();
    const Status ended = dataflow_->end_epoch(ticks_, output);
    if (!ended) return differs("the dataflow fails", ended.error().message());
    return true;
  }

  void prepare(std::size_t table, duckdb::DataChunk& rows) const {
    duckdb::vector<LogicalType> types;
    for (const Column& column : case_.tables[table].columns) types.push_back(type_of(column.type));
    rows.Initialize(duckdb::Allocator::DefaultAllocator(), types);
  }
  void set_row(duckdb::DataChunk& rows, std::size_t at, std::size_t row) const {
    for (std::size_t c = 0; c < values_[row].size(); ++c) rows.SetValue(c, at, values_[row][c]);
  }

  void load_tables() {
    contents_.clear();
    for (std::size_t t = 0; t < case_.tables.size(); ++t) {
      duckdb::DataChunk rows;
      prepare(t, rows);
      std::size_t count = 0;
      for (std::size_t r = 0; r < case_.rows.size(); ++r) {
        if (case_.rows[r].table != t || !lives(case_.rows[r], epoch_)) continue;
        for (int copy = 0; copy < case_.rows[r].copies; ++copy) set_row(rows, count++, r);
      }
      rows.SetCardinality(count);
      contents_.push_back(
          std::make_unique<duckdb::ColumnDataCollection>(duckdb::Allocator::DefaultAllocator(), rows.GetTypes()));
      contents_.back()->Append(rows);
    }
  }

  std::string oracle_sql() const { return case_.fails_on_rows ? oracle_of(case_.query) : plan_.sql; }

  bool batch_answer(Bag& expected) {
    std::vector<lake::View> views;
    std::vector<lake::Relation> relations;
    for (std::size_t t = 0; t < case_.tables.size(); ++t) {
      relations.push_back(lake::Relation::of_rows(case_.tables[t].name, schema_of(case_.tables[t]), *contents_[t]));
    }
    const auto fails = [&](const Error& error) {
      if (error.code() == ErrorCode::DataError) return end(Outcome::Fails, "", error.message());
      return differs("the batch answer fails", error.message());
    };
    auto rows = lake_.execute(oracle_sql(), views, std::move(relations));
    if (!rows) return fails(rows.error());
    if (dataflow_ && !case_.fails_on_rows && (*rows)->types() != dataflow_->types()) {
      std::string types;
      for (const LogicalType& type : dataflow_->types()) types += type.ToString() + ", ";
      types += "and in the batch answer ";
      for (const LogicalType& type : (*rows)->types()) types += type.ToString() + ", ";
      return differs("types differ", types);
    }
    std::size_t count = 0;
    batch_loosely_.clear();
    for (;;) {
      auto chunk = (*rows)->next();
      if (!chunk) return fails(chunk.error());
      if (!*chunk) return true;
      count += (*chunk)->size();
      if (count > kAnswerRowsMax) return end(Outcome::TooLarge, "", "");
      if (dataflow_) add_rows(**chunk, /*exact=*/true, expected);
      if (case_.plain_comparable) add_rows(**chunk, /*exact=*/false, batch_loosely_);
    }
  }

  bool compare(const Bag& expected) {
    if (!case_.fails_on_rows && !sum_.errors().empty()) {
      return differs("rows fail that the batch answer has", sum_.errors().begin()->first);
    }
    if (sum_.rows() == expected) return true;
    return differs("the view is not the batch answer", difference("view", sum_.rows(), "batch", expected));
  }

  bool compare_with_duckdb() {
    for (std::size_t t = 0; t < case_.tables.size(); ++t) {
      const Table& table = case_.tables[t];
      if (epoch_ == 0) {
        std::string columns;
        for (const Column& column : table.columns)
          columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", column.name, column.type);
        query(fmt::format("CREATE OR REPLACE TABLE {} ({})", table.name, columns));
      } else {
        query("DELETE FROM " + table.name);
      }
      duckdb::Appender appender(connection_, table.name);
      for (auto& chunk : contents_[t]->Chunks()) appender.AppendDataChunk(chunk);
      appender.Close();
    }
    const auto answer = connection_.Query(oracle_sql());
    if (answer->HasError()) {
      // A bug of DuckDB's own ends its instance and says nothing about ours.
      if (answer->GetErrorObject().Type() != duckdb::ExceptionType::INTERNAL)
        return differs("DuckDB fails", answer->GetError());
      verdict_.duckdb_bug = answer->GetErrorObject().RawMessage();
      return true;
    }
    Bag expected;
    for (auto& chunk : answer->Collection().Chunks()) add_rows(chunk, /*exact=*/false, expected);
    verdict_.compared_with_duckdb = true;
    if (batch_loosely_ == expected) return true;
    return differs("the batch answer is not DuckDB's", difference("batch", batch_loosely_, "duckdb", expected));
  }

  void query(const std::string& text) {
    const auto done = connection_.Query(text);
    SLUICE_CHECK(!done->HasError(), done->GetError());
  }

  const RandomCase& case_;
  const Compilation& compiled_;
  columnar::KernelContext& kernels_;
  lake::Lake& lake_;
  duckdb::Connection& connection_;
  Dice dice_;
  Verdict verdict_;
  plan::QueryPlan plan_;
  std::unique_ptr<runtime::Dataflow> dataflow_;
  std::vector<std::vector<Value>> values_;  ///< Per row of the case.
  std::vector<std::unique_ptr<duckdb::ColumnDataCollection>> contents_;
  Sum sum_;
  Bag batch_loosely_;  ///< With the last digits of floating-point numbers left out.
  Epoch ticks_{0};
  int epoch_ = 0;
};

}  // namespace

std::string view_statement(const RandomCase& random_case, const std::string& name) {
  return fmt::format("CREATE MATERIALIZED VIEW {} AS\n{};\n", name, sql_of(random_case.query));
}

std::vector<Compilation> compile_cases(const std::vector<RandomCase>& cases) {
  const std::vector<Table>& tables = cases.front().tables;
  std::string text;
  for (const Table& table : tables) {
    text += fmt::format(
        "CREATE STREAMING TABLE {0} AS SELECT * EXCLUDE (_rescued_data) FROM STREAM read_files('{0}/*.jsonl');\n",
        table.name);
  }
  TableSchemas schemas(tables);
  std::vector<Compilation> compilations(cases.size());
  // Those with errors are left out; then the others compile.
  for (;;) {
    std::vector<sql::SourceFile> files = {{"tables.sql", text}};
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const std::string name = fmt::format("v{}", i);
      if (compilations[i].error.empty()) files.push_back({name, view_statement(cases[i], name)});
    }
    sql::Compiled compiled = sql::compile(files, schemas, {});
    if (compiled.pipeline) {
      for (std::size_t i = 0; i < cases.size(); ++i) {
        if (compilations[i].error.empty())
          compilations[i].plan = compiled.pipeline->find_dataset(fmt::format("v{}", i))->query;
      }
      return compilations;
    }
    for (const Error& error : compiled.errors) {
      SLUICE_CHECK(error.location() && error.location()->file.starts_with('v'), render(error));
      Compilation& broken = compilations[std::stoull(error.location()->file.substr(1))];
      broken.internal = broken.internal || error.code() == ErrorCode::Internal;
      broken.error += error.message();
    }
  }
}

Checker::Checker() = default;
Checker::~Checker() = default;

Result<std::unique_ptr<Checker>> Checker::create() {
  std::unique_ptr<Checker> checker(new Checker());
  SLUICE_TRY_ASSIGN(checker->kernels_, columnar::KernelContext::create());
  SLUICE_TRY_ASSIGN(checker->lake_, lake::Lake::create({}));
  SLUICE_TRY(columnar::guard([&] { checker->open_duckdb(); }));
  return checker;
}

void Checker::open_duckdb() {
  connection_.reset();
  duckdb::DBConfig config;
  config.SetOptionByName("threads", Value::BIGINT(1));
  database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
  connection_ = std::make_unique<duckdb::Connection>(*database_);
}

Verdict Checker::check(const RandomCase& random_case, const Compilation& compiled) {
  auto verdict = columnar::guard([&] { return Play(random_case, compiled, *kernels_, *lake_, *connection_).run(); });
  if (!verdict) return {Outcome::Differs, "an exception", verdict.error().message(), {}, false, ""};
  if (!verdict->duckdb_bug.empty()) open_duckdb();
  return std::move(*verdict);
}

}  // namespace sluice::random_sql
