#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::golden {

/// What reading a table at a version must give.
struct Expectation {
  enum class Outcome {
    Rows,   ///< Exactly the rows of `files`.
    Error,  ///< An error that names the cause.
    Log,    ///< The log loads; its data files are not there.
  };

  std::optional<std::int64_t> version;  ///< nullopt: the newest.
  Outcome outcome = Outcome::Rows;
  std::vector<std::filesystem::path> files = {};  ///< Parquet.
  std::set<std::string> json_columns = {};        ///< Those that the files hold as JSON text.

  /// Names the version in messages.
  std::string at() const;
};

/// A table that another program wrote, unpacked.
struct Table {
  std::string group;  ///< golden, spark or delta-rs.
  std::string name;
  std::filesystem::path folder;

  std::filesystem::path delta() const { return folder / "delta"; }
  std::string id() const { return group + "/" + name; }
  /// The id in letters that GoogleTest takes.
  std::string test_name() const;
};

/// Prints the table's id for GoogleTest.
std::ostream& operator<<(std::ostream& out, const Table& table);

/// Returns all unpacked tables, sorted. Stops the program if there is none in a group.
std::vector<Table> all_tables();

/// Returns the whole file.
std::string read_file(const std::filesystem::path& path);

/// Returns what readers must find in the table: its newest version and every version it lists.
std::vector<Expectation> expectations_of(const Table& table);

/// Returns phrases one of which an error must have where this table cannot be read; none if nobody said which.
std::vector<std::string> causes_of(const Table& table);

/// What docs/delta-support.md names as skipped.
struct Skip {
  std::string table;                ///< Its id.
  std::set<std::int64_t> versions;  ///< Empty: the whole table.
};

/// Returns all that is named there.
std::vector<Skip> all_skips();

/// True if the table is named there, as a whole or with the version.
bool is_skipped(const Table& table, const std::optional<std::int64_t>& version);

}  // namespace sluice::golden
