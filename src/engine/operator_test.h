#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "base/random.h"
#include "columnar/kernel.h"
#include "columnar/row_codec.h"
#include "engine/operator.h"
#include "state/multiset.h"

namespace sluice::engine {

using duckdb::LogicalType;
using duckdb::Value;

/// A row of values.
using Row = std::vector<Value>;

/// A change of one input, for scripts that are run in several splits.
struct InputChange {
  Port port = kOnlyPort;
  Row row;
  std::int64_t weight = 1;
};

/// Sums up what an operator emits and reports.
class Collector final : public Output {
 public:
  explicit Collector(const columnar::RowType& types) : codec_(*columnar::RowCodec::create(types)) {}

  void emit(columnar::ChangeBatch&& changes) override {
    ASSERT_EQ(changes.rows().ColumnCount(), codec_.types().size());
    columnar::EncodedRows encoded;
    codec_.encode(changes.rows(), {}, encoded);
    rows_.add(encoded, changes.weights());
  }
  void fail(EvaluationError error) override {
    const std::string text = error.key + " | " + error.expression + " | " + error.message;
    if ((errors_[text] += error.weight) == 0) errors_.erase(text);
  }

  const state::Multiset& rows() const { return rows_; }
  /// Net errors: text → weight.
  const std::map<std::string, std::int64_t>& errors() const { return errors_; }
  const columnar::RowCodec& codec() const { return codec_; }
  state::Multiset take() { return std::exchange(rows_, state::Multiset()); }

 private:
  columnar::RowCodec codec_;
  state::Multiset rows_;
  std::map<std::string, std::int64_t> errors_;
};

/// Runs one operator on changes written as text, or on random changes against DuckDB's answer.
class OperatorTest : public testing::Test {
 protected:
  using Changes = std::vector<std::string>;

  void SetUp() override {
    auto context = columnar::KernelContext::create();
    ASSERT_TRUE(context) << context.error().message();
    context_ = std::move(*context);
  }

  // Expressions, briefly.
  static columnar::Expression column(std::size_t index, LogicalType type) {
    return columnar::Expression::column_ref(index, std::move(type));
  }
  static columnar::Expression call(std::string name, LogicalType type, std::vector<columnar::Expression> children) {
    return make(columnar::Expression::Kind::Function, std::move(type), std::move(children), std::move(name));
  }
  static columnar::Expression compare(std::string name, columnar::Expression left, columnar::Expression right) {
    return make(columnar::Expression::Kind::Compare, LogicalType::BOOLEAN, {std::move(left), std::move(right)},
                std::move(name));
  }
  static columnar::Expression make(columnar::Expression::Kind kind, LogicalType type,
                                   std::vector<columnar::Expression> children, std::string name = "") {
    columnar::Expression expression;
    expression.kind = kind;
    expression.type = std::move(type);
    expression.children = std::move(children);
    expression.name = std::move(name);
    return expression;
  }

  /// Makes `made` the operator under test.
  template <typename SomeOperator>
  void use(Result<std::unique_ptr<SomeOperator>> made, columnar::RowType left, columnar::RowType right = {}) {
    ASSERT_TRUE(made) << made.error().message();
    operator_ = std::move(*made);
    left_types_ = std::move(left);
    right_types_ = std::move(right);
    collector_ = std::make_unique<Collector>(operator_->types());
    epoch_ = Epoch(0);
  }

  /// Pushes one batch: a line per change, "+1 | 7 | ann | NULL".
  void left(std::string_view text) { push(Port::Left, left_types_, text); }
  void right(std::string_view text) { push(Port::Right, right_types_, text); }

  /// Ends the epoch; returns the net changes of the output since the last end, sorted.
  Changes end_epoch() {
    epoch_ = epoch_.next();
    const Status status = operator_->end_epoch(epoch_, *collector_);
    EXPECT_TRUE(status) << status.error().message();
    return as_text(collector_->take(), collector_->codec());
  }

  /// Expected changes, sorted as end_epoch() sorts.
  template <typename... Lines>
  static Changes changes(Lines... lines) {
    Changes all = {std::string(lines)...};
    std::sort(all.begin(), all.end());
    return all;
  }

  /// Net errors so far: "+1 | key | expression | message".
  Changes errors() const {
    Changes lines;
    for (const auto& [text, weight] : collector_->errors()) lines.push_back(fmt::format("{:+} | {}", weight, text));
    return lines;
  }

  const OperatorCounters& counters() const { return operator_->counters(); }

  static Value parse(std::string_view text, const LogicalType& type) {
    const auto begin = text.find_first_not_of(' ');
    const auto end = text.find_last_not_of(' ');
    const std::string trimmed(begin == std::string_view::npos ? "" : text.substr(begin, end - begin + 1));
    return trimmed == "NULL" ? Value(type) : Value(trimmed).DefaultCastAs(type);
  }

  static columnar::ChangeBatch batch_of(const columnar::RowType& types, const std::vector<InputChange>& changes) {
    duckdb::DataChunk rows;
    rows.Initialize(duckdb::Allocator::DefaultAllocator(), duckdb::vector<LogicalType>(types.begin(), types.end()));
    std::vector<std::int64_t> weights;
    for (std::size_t r = 0; r < changes.size(); ++r) {
      for (std::size_t c = 0; c < types.size(); ++c) rows.SetValue(c, r, changes[r].row[c]);
      weights.push_back(changes[r].weight);
    }
    rows.SetCardinality(changes.size());
    return columnar::ChangeBatch(std::move(rows), std::move(weights));
  }

  /// What a law says: for every script of changes the operator's accumulated output is DuckDB's answer.
  struct Law {
    std::function<std::unique_ptr<Operator>()> make;
    columnar::RowType left;
    columnar::RowType right;
    std::string sql;  ///< Over l(c0, c1, …) and r(c0, …).
    std::function<Row(Port, SeededRandom&)> random_row;
    bool append_only = false;
    /// DOUBLEs are compared with DuckDB's to 9 digits; ours with ours are always compared exactly.
    bool approximate = false;
    /// Of numbers that SQL holds equal DuckDB shows any: they are compared with its as 0.0 and NaN. Ours with ours are
    /// always compared exactly.
    bool normal_form = false;
  };

  /// Checks the law for `seeds` random scripts of `epochs` epochs of up to `changes_max` changes each.
  void check_law(const Law& law, int seeds, int epochs = 6, int changes_max = 40) {
    if (!database_) {
      database_ = std::make_unique<duckdb::DuckDB>(nullptr);
      connection_ = std::make_unique<duckdb::Connection>(*database_);
    }
    for (int seed = 1; seed <= seeds; ++seed) {
      SCOPED_TRACE(fmt::format("seed {}", seed));
      SeededRandom random(static_cast<std::uint64_t>(seed) * 7919);
      const auto script = random_script(law, random, epochs, changes_max);
      const auto stepwise = run_script(law, script, random, /*check_each_epoch=*/true);
      if (HasFatalFailure()) return;
      std::vector<std::vector<InputChange>> at_once(1);
      for (const auto& epoch : script) at_once[0].insert(at_once[0].end(), epoch.begin(), epoch.end());
      const auto once = run_script(law, at_once, random, false);
      if (HasFatalFailure()) return;
      EXPECT_EQ(stepwise->errors(), once->errors());
      EXPECT_TRUE(state::difference(stepwise->rows(), once->rows()).empty())
          << "by epochs: " << testing::PrintToString(as_text(stepwise->rows(), stepwise->codec()))
          << "\nat once: " << testing::PrintToString(as_text(once->rows(), once->codec()));
      if (HasFailure()) return;
    }
  }

  static Changes as_text(const state::Multiset& rows, const columnar::RowCodec& codec) {
    return as_text(rows, codec, Law());
  }
  /// As the law compares them with DuckDB's.
  static Changes as_text(const state::Multiset& rows, const columnar::RowCodec& codec, const Law& law) {
    std::map<std::string, std::int64_t> sums;  // rows that differ in form only may have one text
    state::for_each_batch(rows, codec, [&](columnar::ChangeBatch&& batch) {
      for (std::size_t r = 0; r < batch.size(); ++r) {
        std::string text;
        for (std::size_t c = 0; c < batch.rows().ColumnCount(); ++c) {
          text += " | " + value_text(batch.rows().GetValue(c, r), law);
        }
        sums[text] += batch.weight(r);
      }
    });
    Changes lines;
    for (const auto& [text, weight] : sums) {
      if (weight != 0) lines.push_back(fmt::format("{:+}{}", weight, text));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  /// One of the values that are tempting to compare wrongly as keys, or NULL: -0.0 and 0.0, the NaNs, in lists and
  /// structs too; decimals of two widths. For columns of kKeyTypes.
  static Row random_keys(SeededRandom& random) {
    static const std::vector<std::vector<const char*>> kTexts = {
        {"-0.0", "0.0", "1.5", "-inf", "nan", "-nan"},
        {"-0.0", "0.0", "-1.5", "nan"},
        {"0", "-0.01", "99.99"},
        {"0", "-0.001", "12345678901234567890123.456"},
        {"[]", "[-0.0]", "[0.0]", "[0.0, 1.5]", "[-0.0, NULL]", "[nan]", "[-nan]"},
        {"{'a': 1, 'b': -0.0}", "{'a': 1, 'b': 0.0}", "{'a': NULL, 'b': nan}", "{'a': NULL, 'b': -nan}"}};
    Row row;
    for (std::size_t c = 0; c < kTexts.size(); ++c) {
      const auto pick = random.next() % (kTexts[c].size() + 1);
      row.push_back(pick == kTexts[c].size() ? Value(kKeyTypes[c])
                                             : Value(kTexts[c][pick]).DefaultCastAs(kKeyTypes[c]));
    }
    return row;
  }
  inline static const columnar::RowType kKeyTypes = {
      LogicalType::DOUBLE,
      LogicalType::FLOAT,
      LogicalType::DECIMAL(4, 2),
      LogicalType::DECIMAL(38, 3),
      LogicalType::LIST(LogicalType::DOUBLE),
      LogicalType::STRUCT({{"a", LogicalType::INTEGER}, {"b", LogicalType::FLOAT}})};

  std::unique_ptr<columnar::KernelContext> context_;
  std::unique_ptr<Operator> operator_;
  std::unique_ptr<Collector> collector_;

 private:
  static std::string value_text(const Value& value, const Law& law) {
    if (law.approximate && !value.IsNull() && value.type().id() == duckdb::LogicalTypeId::DOUBLE) {
      return fmt::format("{:.9g}", value.GetValue<double>());
    }
    if (!law.normal_form) return value.ToString();
    const std::string zeros = duckdb::StringUtil::Replace(value.ToString(), "-0.0", "0.0");
    return duckdb::StringUtil::Replace(zeros, "-nan", "nan");
  }

  void push(Port port, const columnar::RowType& types, std::string_view text) {
    std::vector<InputChange> changes;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
      if (line.find('|') == std::string::npos) continue;
      InputChange change{port, {}, 0};
      std::istringstream fields(line);
      std::string field;
      std::getline(fields, field, '|');
      change.weight = std::stoll(field);
      for (const LogicalType& type : types) {
        ASSERT_TRUE(std::getline(fields, field, '|')) << line;
        change.row.push_back(parse(field, type));
      }
      changes.push_back(std::move(change));
    }
    columnar::ChangeBatch batch = batch_of(types, changes);
    const Status status = operator_->push(port, batch, *collector_);
    ASSERT_TRUE(status) << status.error().message();
  }

  /// Inserts and, later or in the same epoch, deletes of rows that are there, in an order of their own.
  std::vector<std::vector<InputChange>> random_script(const Law& law, SeededRandom& random, int epochs,
                                                      int changes_max) {
    std::vector<std::vector<InputChange>> script(static_cast<std::size_t>(epochs));
    std::vector<InputChange> present;
    for (auto& epoch : script) {
      for (auto n = random.next() % static_cast<std::uint64_t>(changes_max + 1); n > 0; --n) {
        if (!law.append_only && !present.empty() && random.next() % 5 < 2) {
          const auto at = static_cast<std::ptrdiff_t>(random.next() % present.size());
          InputChange gone = present[static_cast<std::size_t>(at)];
          present.erase(present.begin() + at);
          gone.weight = -gone.weight;
          epoch.push_back(std::move(gone));
        } else {
          const Port port = !law.right.empty() && random.next() % 2 == 0 ? Port::Right : Port::Left;
          InputChange change{port, law.random_row(port, random), random.next() % 8 == 0 ? 2 : 1};
          present.push_back(change);
          epoch.push_back(std::move(change));
        }
      }
      for (std::size_t i = epoch.size(); i > 1; --i) std::swap(epoch[i - 1], epoch[random.next() % i]);
    }
    return script;
  }

  std::unique_ptr<Collector> run_script(const Law& law, const std::vector<std::vector<InputChange>>& script,
                                        SeededRandom& random, bool check_each_epoch) {
    const auto op = law.make();
    auto collector = std::make_unique<Collector>(op->types());
    std::map<Port, std::vector<InputChange>> present;
    Epoch epoch(0);
    for (const auto& changes : script) {
      push_in_batches(law, *op, changes, random, *collector);
      epoch = epoch.next();
      const Status ended = op->end_epoch(epoch, *collector);
      EXPECT_TRUE(ended) << ended.error().message();
      if (!check_each_epoch) continue;
      for (const InputChange& change : changes) present[change.port].push_back(change);
      load("l", law.left, present[Port::Left]);
      load("r", law.right, present[Port::Right]);
      compare_with_duckdb(law, *collector);
      if (HasFailure()) break;
    }
    return collector;
  }

  void push_in_batches(const Law& law, Operator& op, const std::vector<InputChange>& changes, SeededRandom& random,
                       Collector& collector) {
    for (std::size_t begin = 0; begin < changes.size();) {
      // A batch belongs to one port.
      const std::size_t size_max = 1 + random.next() % 20;
      std::vector<InputChange> batch;
      const Port port = changes[begin].port;
      while (begin < changes.size() && changes[begin].port == port && batch.size() < size_max)
        batch.push_back(changes[begin++]);
      columnar::ChangeBatch rows = batch_of(port == Port::Left ? law.left : law.right, batch);
      const Status pushed = op.push(port, rows, collector);
      EXPECT_TRUE(pushed) << pushed.error().message();
    }
  }

  /// Makes table `name` hold the sum of `changes`.
  void load(const std::string& name, const columnar::RowType& types, const std::vector<InputChange>& changes) {
    if (types.empty()) return;
    std::string columns;
    for (std::size_t c = 0; c < types.size(); ++c)
      columns += fmt::format("{}c{} {}", c == 0 ? "" : ", ", c, types[c].ToString());
    query(fmt::format("CREATE OR REPLACE TABLE {} ({})", name, columns));
    const auto codec = columnar::RowCodec::create(types);
    state::Multiset sum;
    for (std::size_t begin = 0; begin < changes.size(); begin += 1000) {
      const auto end = std::min(changes.size(), begin + 1000);
      auto batch = batch_of(types, std::vector<InputChange>(changes.begin() + static_cast<std::ptrdiff_t>(begin),
                                                            changes.begin() + static_cast<std::ptrdiff_t>(end)));
      columnar::EncodedRows encoded;
      codec->encode(batch.rows(), {}, encoded);
      sum.add(encoded, batch.weights());
    }
    duckdb::Appender appender(*connection_, name);
    state::for_each_batch(sum, *codec, [&](columnar::ChangeBatch&& batch) {
      for (std::size_t r = 0; r < batch.size(); ++r) {
        ASSERT_GT(batch.weight(r), 0);
        for (auto copies = batch.weight(r); copies > 0; --copies) {
          appender.BeginRow();
          for (std::size_t c = 0; c < types.size(); ++c) appender.Append(batch.rows().GetValue(c, r));
          appender.EndRow();
        }
      }
    });
    appender.Close();
  }

  void compare_with_duckdb(const Law& law, const Collector& collector) {
    const auto answer = query(law.sql);
    std::map<std::string, int> expected;
    for (std::size_t r = 0; r < answer->RowCount(); ++r) {
      std::string line;
      for (std::size_t c = 0; c < answer->ColumnCount(); ++c) line += " | " + value_text(answer->GetValue(c, r), law);
      ++expected[line];
    }
    Changes lines;
    for (const auto& [line, count] : expected) lines.push_back(fmt::format("{:+}{}", count, line));
    std::sort(lines.begin(), lines.end());
    ASSERT_EQ(as_text(collector.rows(), collector.codec(), law), lines) << law.sql;
  }

  duckdb::unique_ptr<duckdb::MaterializedQueryResult> query(const std::string& sql) {
    auto answer = connection_->Query(sql);
    EXPECT_FALSE(answer->HasError()) << sql << ": " << answer->GetError();
    return answer;
  }

  columnar::RowType left_types_;
  columnar::RowType right_types_;
  Epoch epoch_{0};
  std::unique_ptr<duckdb::DuckDB> database_;  // made for the first law of a test
  std::unique_ptr<duckdb::Connection> connection_;
};

}  // namespace sluice::engine
