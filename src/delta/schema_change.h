#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "delta/actions.h"
#include "delta/delta_schema.h"
#include "delta/protocol_request.h"
#include "delta/snapshot.h"

namespace sluice::delta {

/// A change of a table's columns, comments and properties, that leaves its data files as they are. Steps are taken one
/// by one; finish() says by which actions they are committed.
///
/// A column is named by its path: {"a"}, or {"a", "b"} for member b of struct a; through arrays and maps the path goes
/// by "element", "key" and "value", as in Spark. Names are compared without regard to case.
/// Errors of the steps: NotFound, naming the column and near names; InvalidArgument, saying what stands against it.
/// Spec: "Schema Evolution"; "Column Mapping" for renaming and dropping, which need it.
class SchemaChange {
 public:
  explicit SchemaChange(const Snapshot& table);

  /// Adds a column, or a member of the struct at `parent`, as the last. It must be nullable: it is NULL in all rows
  /// there are.
  Status add_column(std::span<const std::string> parent, StructField field);
  Status rename_column(std::span<const std::string> path, const std::string& name);
  Status drop_column(std::span<const std::string> path);
  /// Widens the type of a column, or of what is in it: of structs the members of the same names, of lists and maps their
  /// parts. Needs delta.enableTypeWidening. Spec: "Type Widening". Statistics, partition values and files stay as they
  /// are: readers cast.
  Status widen_type(std::span<const std::string> path, const DataType& type);
  /// Whether rows there are have no NULL is the caller's to know.
  Status set_nullable(std::span<const std::string> path, bool nullable);
  /// nullopt: no comment.
  Status set_comment(std::span<const std::string> path, const std::optional<std::string>& comment);

  void set_description(std::optional<std::string> description) { metadata_.description = std::move(description); }
  /// Puts a column first among its neighbours, or behind the one called `after`.
  Status move_column(std::span<const std::string> path, const std::optional<std::string>& after);
  /// nullopt: the property goes. Those that ask for a protocol (protocol_request.h) raise it and are not kept.
  /// InvalidArgument for those that only the protocol sets; errors of ProtocolRequest::take().
  Status set_property(const std::string& key, std::optional<std::string> value);

  /// Whether the rows there are meet the constraint is the caller's to know. nullopt: it goes. NotFound, AlreadyExists.
  Status set_constraint(const std::string& name, const std::optional<std::string>& expression);

  /// Returns the column; nullptr if there is none.
  const StructField* find(std::span<const std::string> path) const;

  /// Returns the Metadata, and the Protocol if it must rise; nothing if nothing changes. InvalidArgument, Unsupported:
  /// see alter_table_actions().
  Result<std::vector<Action>> finish(Random& random) &&;

 private:
  Status check_renameable(std::span<const std::string> path) const;

  const Snapshot& table_;
  DataType schema_;
  DataType present_;  // without the columns that were added
  Metadata metadata_;
  ProtocolRequest protocol_;
};

}  // namespace sluice::delta
