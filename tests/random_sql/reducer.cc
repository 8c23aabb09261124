#include "tests/random_sql/reducer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "tests/random_sql/checker.h"

namespace sluice::random_sql {
namespace {

class Reducer {
 public:
  Reducer(RandomCase failing, const std::function<bool(const RandomCase&)>& still_fails, int attempts_max)
      : best_(std::move(failing)), still_fails_(still_fails), attempts_left_(attempts_max) {}

  RandomCase run() {
    for (bool smaller = true; smaller && attempts_left_ > 0;) {
      smaller = drop_rows();
      smaller = shorten_query() || smaller;
      smaller = drop_epochs() || smaller;
      smaller = simplify_rows() || smaller;
      smaller = drop_columns() || smaller;
    }
    return best_;
  }

 private:
  bool accept(RandomCase smaller) {
    if (attempts_left_-- <= 0 || !still_fails_(smaller)) return false;
    best_ = std::move(smaller);
    return true;
  }

  bool drop_rows() {
    bool any = false;
    for (std::size_t count = std::max<std::size_t>(1, best_.rows.size() / 2); count > 0; count /= 2) {
      for (std::size_t begin = 0; begin < best_.rows.size();) {
        RandomCase smaller = best_;
        const std::size_t end = std::min(smaller.rows.size(), begin + count);
        smaller.rows.erase(smaller.rows.begin() + static_cast<std::ptrdiff_t>(begin),
                           smaller.rows.begin() + static_cast<std::ptrdiff_t>(end));
        if (accept(std::move(smaller))) {
          any = true;
        } else {
          begin += count;
        }
      }
    }
    return any;
  }

  bool shorten_query() {
    bool any = false;
    for (std::size_t place = 0; place < node_count(best_.query);) {
      bool replaced = false;
      for (SqlNode& form : smaller_forms(best_.query, place)) {
        RandomCase smaller = best_;
        smaller.query = std::move(form);
        if (sql_of(smaller.query).size() >= sql_of(best_.query).size()) continue;
        if (accept(std::move(smaller))) {
          any = replaced = true;
          break;
        }
      }
      if (!replaced) ++place;
    }
    return any;
  }

  bool drop_epochs() {
    bool any = false;
    for (int epoch = best_.epochs - 1; epoch > 0; --epoch) {
      // Joined with the one before.
      RandomCase smaller = best_;
      for (RowLife& row : smaller.rows) {
        if (row.born >= epoch) --row.born;
        if (row.dies >= epoch) --row.dies;
      }
      smaller.restart_before.erase(smaller.restart_before.begin() + epoch);
      --smaller.epochs;
      any = accept(std::move(smaller)) || any;
    }
    for (std::size_t epoch = 0; epoch < best_.restart_before.size(); ++epoch) {
      if (!best_.restart_before[epoch]) continue;
      RandomCase smaller = best_;
      smaller.restart_before[epoch] = false;
      any = accept(std::move(smaller)) || any;
    }
    return any;
  }

  bool simplify_rows() {
    bool any = false;
    const auto attempt = [&](std::size_t row, const auto& change) {
      RandomCase smaller = best_;
      if (change(smaller.rows[row])) any = accept(std::move(smaller)) || any;
    };
    for (std::size_t r = 0; r < best_.rows.size(); ++r) {
      attempt(r, [](RowLife& row) { return std::exchange(row.dies, -1) != -1; });
      attempt(r, [](RowLife& row) { return std::exchange(row.copies, 1) != 1; });
      for (std::size_t c = 0; c < best_.rows[r].values.size(); ++c)
        attempt(r, [&](RowLife& row) { return std::exchange(row.values[c], "NULL") != "NULL"; });
    }
    return any;
  }

  bool drop_columns() {
    bool any = false;
    for (std::size_t t = 0; t < best_.tables.size(); ++t) {
      for (std::size_t c = best_.tables[t].columns.size(); c-- > 0 && best_.tables[t].columns.size() > 1;) {
        RandomCase smaller = best_;
        smaller.tables[t].columns.erase(smaller.tables[t].columns.begin() + static_cast<std::ptrdiff_t>(c));
        for (RowLife& row : smaller.rows) {
          if (row.table == t) row.values.erase(row.values.begin() + static_cast<std::ptrdiff_t>(c));
        }
        any = accept(std::move(smaller)) || any;
      }
    }
    for (std::size_t t = best_.tables.size(); t-- > 0 && best_.tables.size() > 1;) {
      RandomCase smaller = best_;
      smaller.tables.erase(smaller.tables.begin() + static_cast<std::ptrdiff_t>(t));
      std::erase_if(smaller.rows, [&](const RowLife& row) { return row.table == t; });
      for (RowLife& row : smaller.rows) row.table -= row.table > t ? 1 : 0;
      any = accept(std::move(smaller)) || any;
    }
    return any;
  }

  RandomCase best_;
  const std::function<bool(const RandomCase&)>& still_fails_;
  int attempts_left_;
};

std::string json_text(const std::string& value) {
  if (value == "NULL") return "null";
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

RandomCase reduce(RandomCase failing, const std::function<bool(const RandomCase&)>& still_fails, int attempts_max) {
  return Reducer(std::move(failing), still_fails, attempts_max).run();
}

std::string script_of(const RandomCase& random_case, const std::string& title) {
  // Rows land as text. A table whose rows die is a view of the newest state of each row.
  std::string out = "=== title " + title + "\n=== file transformations/tables.sql\n";
  for (const Table& table : random_case.tables) {
    std::string fields;
    std::string casts;
    for (const Column& column : table.columns) {
      fields += fmt::format(", {} VARCHAR", column.name);
      casts += fmt::format("{}CAST({} AS {}) AS {}", casts.empty() ? "" : ", ", column.name, column.type, column.name);
    }
    if (table.append_only) {
      out += fmt::format(
          "CREATE STREAMING TABLE {0} AS SELECT {1}\nFROM STREAM read_files('{0}/*.jsonl', format => 'json', schema => "
          "'id BIGINT{2}');\n",
          table.name, casts, fields);
    } else {
      out += fmt::format(
          "CREATE STREAMING TABLE {0}_log AS SELECT * EXCLUDE (_rescued_data)\nFROM STREAM read_files('{0}/*.jsonl', "
          "format => 'json', schema => 'id BIGINT, gone BOOLEAN{2}');\n"
          "CREATE MATERIALIZED VIEW {0} AS SELECT {1}\nFROM (SELECT DISTINCT ON (id) * FROM {0}_log ORDER BY id, gone "
          "DESC) WHERE NOT gone;\n",
          table.name, casts, fields);
    }
  }
  out += "=== file transformations/view.sql\n" + view_statement(random_case);
  if (random_case.fails_on_rows) {
    out += "=== unlike-batch v a batch fails as a whole where one row cannot be evaluated\n";
  } else if (!random_case.plain_comparable) {
    out +=
        "=== unlike-batch v a query leaves ties, forms of a zero or last digits to chance: say what is right with a "
        "query\n";
  }
  for (int epoch = 0; epoch < random_case.epochs; ++epoch) {
    for (std::size_t t = 0; t < random_case.tables.size(); ++t) {
      const Table& table = random_case.tables[t];
      out += fmt::format("=== file {}/{}.jsonl\n", table.name, epoch + 1);
      std::size_t id = 0;
      for (const RowLife& row : random_case.rows) {
        for (int copy = 0; copy < row.copies; ++copy) {
          ++id;
          if (row.table != t || (row.born != epoch && row.dies != epoch)) continue;
          std::string fields;
          for (std::size_t c = 0; c < table.columns.size(); ++c)
            fields += fmt::format(", \"{}\": {}", table.columns[c].name, json_text(row.values[c]));
          const auto line = [&](const std::string& state) {
            out += fmt::format("{{\"id\": {}{}{}}}\n", id, state, fields);
          };
          if (table.append_only) {
            line("");
          } else {
            if (row.born == epoch) line(", \"gone\": false");
            if (row.dies == epoch) line(", \"gone\": true");
          }
        }
      }
    }
    out += "=== run\n";
  }
  return out;
}

}  // namespace sluice::random_sql
