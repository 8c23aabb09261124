#include "tests/random_sql/generator.h"

#include <algorithm>

#include "tests/random_sql/query_generator.h"

namespace sluice::random_sql {
namespace {

const std::vector<std::string> kTypes = {"BIGINT",  "INTEGER", "DOUBLE",    "DECIMAL(6,2)", "VARCHAR",
                                         "BOOLEAN", "DATE",    "TIMESTAMP", "BIGINT[]",     "VARCHAR[]"};
const std::vector<int> kTypeWeights = {20, 12, 12, 9, 18, 8, 8, 8, 6, 3};

/// Few values each, so that keys collide and ties happen. No -0.0 and one NaN: a table holds no others
/// (runtime::internal::FloatForms), expressions make them.
std::vector<std::string> domain_of(const std::string& type, bool wild) {
  switch (kind_of(type)) {
    case Kind::BigInt: return {"1", "2", "0", "3", "-1", "7", "100"};
    case Kind::Integer: return {"1", "0", "2", "3", "-2"};
    case Kind::Double:
      if (wild) return {"0.1", "1e16", "-1e16", "1", "0.0", "1e-3", "3e100", "nan", "inf", "-0.7"};
      return {"0.0", "1", "0.5", "-1.5", "2.25", "3", "nan"};
    case Kind::Decimal: return {"0", "1.5", "0.01", "-1.50", "10"};
    case Kind::Text: return {"a", "b", "", "ab", "A", "1", "é", "2"};
    case Kind::Bool: return {"true", "false"};
    case Kind::Date: return {"2024-01-01", "2024-02-29", "2023-12-31", "1970-01-01"};
    case Kind::Timestamp:
      return {"2024-01-01 00:00:00", "2024-01-01 00:30:00", "2024-02-29 12:00:00.000001", "1969-12-31 23:59:59.999999"};
    case Kind::BigIntList: return {"[1]", "[]", "[1, 2]", "[NULL]", "[2, 1, 2]"};
    case Kind::TextList: return {"[a]", "[]", "[a, b]", "[NULL, b]"};
  }
  return {};
}

std::vector<Table> random_tables(Dice& dice) {
  std::vector<Table> tables(static_cast<std::size_t>(dice.between(2, 3)));
  for (std::size_t t = 0; t < tables.size(); ++t) {
    tables[t].name = "t" + std::to_string(t);
    tables[t].append_only = dice.percent(25);
    for (int c = dice.between(2, 5); c > 0; --c) {
      tables[t].columns.push_back(
          {"k" + std::to_string(tables[t].columns.size()), kTypes[dice.weighted(kTypeWeights)]});
    }
  }
  return tables;
}

void random_rows(Dice& dice, RandomCase& made, bool wild) {
  for (std::size_t t = 0; t < made.tables.size(); ++t) {
    const Table& table = made.tables[t];
    std::vector<std::vector<std::string>> domains;
    std::vector<int> null_percent;
    for (const Column& column : table.columns) {
      domains.push_back(domain_of(column.type, wild));
      null_percent.push_back(dice.one_of(std::vector<int>{0, 15, 15, 40}));
    }
    const int count = dice.one_of(std::vector<int>{0, 3, 8, 12, 12, 20, 30});
    for (int r = 0; r < count; ++r) {
      RowLife row;
      row.table = t;
      for (std::size_t c = 0; c < domains.size(); ++c) {
        // Skewed: the first values come most often.
        const auto at = std::min(dice.roll(domains[c].size()), dice.roll(domains[c].size()));
        row.values.push_back(dice.percent(null_percent[c]) ? "NULL" : domains[c][at]);
      }
      row.copies = dice.percent(10) ? 2 : 1;
      row.born = dice.between(0, made.epochs - 1);
      if (!table.append_only && dice.percent(45)) row.dies = dice.between(row.born, made.epochs - 1);
      // An update is a death and a birth in one epoch: another row, often with the same key.
      if (row.dies >= 0 && dice.percent(50)) {
        RowLife next = row;
        next.born = row.dies;
        next.dies = -1;
        const std::size_t c = dice.roll(domains.size());
        next.values[c] = dice.percent(20) ? "NULL" : dice.one_of(domains[c]);
        made.rows.push_back(std::move(next));
      }
      made.rows.push_back(std::move(row));
    }
  }
}

}  // namespace

RandomCase generate(std::uint64_t tables_seed, std::uint64_t seed) {
  Dice tables_dice(tables_seed);
  RandomCase made;
  const bool wild = tables_dice.percent(15);
  made.tables = random_tables(tables_dice);
  Dice dice(seed);
  made.epochs = dice.between(1, 6);
  random_rows(dice, made, wild);
  for (int epoch = 0; epoch < made.epochs; ++epoch) made.restart_before.push_back(epoch > 0 && dice.percent(25));
  made.split_seed = dice.bits();
  made.fails_on_rows = dice.percent(7);
  QueryGenerator generator(dice, made.tables, wild);
  made.query = made.fails_on_rows ? generator.failing_query() : generator.query();
  made.plain_comparable = generator.plain_comparable();
  return made;
}

}  // namespace sluice::random_sql
