#include "delta/schema_change.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "columnar/column_names.h"
#include "delta/column_assignment.h"
#include "delta/duckdb_schema.h"
#include "delta/features.h"
#include "delta/table_definition.h"
#include "delta/type_widening.h"

namespace sluice::delta {
namespace {

bool is_same_name(const std::string& left, const std::string& right) {
  return columnar::lower_case(left) == columnar::lower_case(right);
}

std::string text_of(std::span<const std::string> path) { return fmt::format("{}", fmt::join(path, ".")); }

/// Returns the type within `type` that the path leads to; nullptr if it leads nowhere.
const DataType* type_at(const DataType& type, std::span<const std::string> path) {
  const DataType* at = &type;
  for (const std::string& name : path) {
    if (at->kind == DataType::Kind::Array && is_same_name(name, "element")) {
      at = &at->children[0];
    } else if (at->kind == DataType::Kind::Map && is_same_name(name, "key")) {
      at = &at->children[0];
    } else if (at->kind == DataType::Kind::Map && is_same_name(name, "value")) {
      at = &at->children[1];
    } else {
      const auto found =
          std::ranges::find_if(at->fields, [&](const StructField& field) { return is_same_name(field.name, name); });
      if (found == at->fields.end()) return nullptr;
      at = &found->type;
    }
  }
  return at;
}

/// Returns the struct that holds the column, and its place there; nullopt if there is no such column.
struct Place {
  DataType* parent;
  std::vector<StructField>::iterator field;
};

std::optional<Place> find_place(DataType& schema, std::span<const std::string> path) {
  if (path.empty()) return std::nullopt;
  auto* parent = const_cast<DataType*>(type_at(schema, path.first(path.size() - 1)));  // NOLINT: of a mutable schema
  if (parent == nullptr) return std::nullopt;
  const auto field = std::ranges::find_if(
      parent->fields, [&](const StructField& candidate) { return is_same_name(candidate.name, path.back()); });
  if (field == parent->fields.end()) return std::nullopt;
  return Place{parent, field};
}

/// A type in a schema, and the field that notes how it changes.
struct NotedType {
  DataType* type = nullptr;
  StructField* field = nullptr;
  std::string path_in_field;  ///< Through lists and maps.

  NotedType part(std::string_view name, DataType& child) const {
    return {&child, field, path_in_field + (path_in_field.empty() ? "" : ".") + std::string(name)};
  }
};

/// Returns the type that the path leads to; without one if it leads nowhere.
NotedType find_noted_type(DataType& schema, std::span<const std::string> path) {
  NotedType at{&schema, nullptr, ""};
  for (const std::string& name : path) {
    DataType& type = *at.type;
    if (type.kind == DataType::Kind::Array && is_same_name(name, "element")) {
      at = at.part("element", type.children[0]);
    } else if (type.kind == DataType::Kind::Map && is_same_name(name, "key")) {
      at = at.part("key", type.children[0]);
    } else if (type.kind == DataType::Kind::Map && is_same_name(name, "value")) {
      at = at.part("value", type.children[1]);
    } else {
      const auto found =
          std::ranges::find_if(type.fields, [&](const StructField& field) { return is_same_name(field.name, name); });
      if (found == type.fields.end()) return {};
      at = {&found->type, &*found, ""};
    }
  }
  return at;
}

/// Widens a type to another, at every depth. `text` names it in errors.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
Status widen(const NotedType& at, const DataType& to, const std::string& text) {
  DataType& type = *at.type;
  const auto cannot_become = [&](std::string help) {
    return Error(ErrorCode::InvalidArgument, fmt::format("column {} has type {}, which cannot be widened to {}", text,
                                                         logical_type(type).ToString(), logical_type(to).ToString()))
        .with_number(4206)
        .with_help(std::move(help));
  };
  if (type.kind == DataType::Kind::Struct && to.kind == type.kind) {
    if (to.fields.size() != type.fields.size()) return cannot_become("name all members of the struct, and no others");
    for (const StructField& member : to.fields) {
      const auto found = std::ranges::find_if(
          type.fields, [&](const StructField& field) { return is_same_name(field.name, member.name); });
      if (found == type.fields.end()) return cannot_become("name all members of the struct, and no others");
      SLUICE_TRY(widen({&found->type, &*found, ""}, member.type, text + "." + found->name));
    }
    return ok();
  }
  if (type.kind == DataType::Kind::Array && to.kind == type.kind) {
    return widen(at.part("element", type.children[0]), to.children[0], text + ".element");
  }
  if (type.kind == DataType::Kind::Map && to.kind == type.kind) {
    SLUICE_TRY(widen(at.part("key", type.children[0]), to.children[0], text + ".key"));
    return widen(at.part("value", type.children[1]), to.children[1], text + ".value");
  }
  if (type.kind == to.kind && type.precision == to.precision && type.scale == to.scale) return ok();
  if (!is_widening(type, to)) {
    const std::string wider = wider_types(type);
    return cannot_become(wider.empty() ? fmt::format("{} can become no other type", logical_type(type).ToString())
                                       : fmt::format("it can become {}", wider));
  }
  note_type_change(*at.field, type, to, at.path_in_field);
  type = to;
  return ok();
}

Error no_column(const DataType& schema, std::span<const std::string> path) {
  Error error(ErrorCode::NotFound, fmt::format("the table has no column {}", text_of(path)));
  const DataType* parent = path.empty() ? nullptr : type_at(schema, path.first(path.size() - 1));
  if (parent == nullptr) return error;
  std::vector<std::string> names;
  for (const StructField& field : parent->fields) names.push_back(field.name);
  const auto near = near_names(path.back(), names);
  return near.empty() ? error : std::move(error).with_help(fmt::format("did you mean {}?", fmt::join(near, ", ")));
}

}  // namespace

SchemaChange::SchemaChange(const Snapshot& table)
    : table_(table), schema_(table.schema()), present_(table.schema()), metadata_(table.metadata()) {}

const StructField* SchemaChange::find(std::span<const std::string> path) const {
  auto& schema = const_cast<DataType&>(schema_);  // NOLINT: only looked at
  const auto place = find_place(schema, path);
  return place ? &*place->field : nullptr;
}

Status SchemaChange::add_column(std::span<const std::string> parent, StructField field) {
  auto* type = const_cast<DataType*>(type_at(schema_, parent));  // NOLINT: of our own schema
  if (type == nullptr) return no_column(schema_, parent);
  if (type->kind != DataType::Kind::Struct) {
    return Error(ErrorCode::InvalidArgument, fmt::format("{} is no STRUCT, so it gets no member", text_of(parent)));
  }
  const bool is_there =
      std::ranges::any_of(type->fields, [&](const StructField& other) { return is_same_name(other.name, field.name); });
  if (is_there) {
    return Error(ErrorCode::AlreadyExists, fmt::format("the table has a column {} already", field.name));
  }
  if (!field.nullable) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("the new column {} cannot be NOT NULL: it is NULL in the rows there are", field.name))
        .with_help("add it without NOT NULL, fill it by UPDATE, then ALTER COLUMN … SET NOT NULL");
  }
  type->fields.push_back(std::move(field));
  return ok();
}

Status SchemaChange::check_renameable(std::span<const std::string> path) const {
  if (find(path) == nullptr) return no_column(schema_, path);
  const auto mode = read_properties(metadata_.configuration);
  if (!mode) return mode.error();
  if (mode->column_mapping_mode == ColumnMappingMode::None) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("column {} can neither be renamed nor dropped: data files have it under its name",
                             text_of(path)))
        .with_number(4207)
        .with_help(
            "ALTER TABLE … SET ('delta.columnMapping.mode' = 'name') makes names free of the files; readers "
            "must know column mapping then");
  }
  return ok();
}

Status SchemaChange::rename_column(std::span<const std::string> path, const std::string& name) {
  SLUICE_TRY(check_renameable(path));
  const Place place = *find_place(schema_, path);
  const bool is_taken = std::ranges::any_of(place.parent->fields, [&](const StructField& other) {
    return &other != &*place.field && is_same_name(other.name, name);
  });
  if (is_taken) return Error(ErrorCode::AlreadyExists, fmt::format("the table has a column {} already", name));
  if (path.size() == 1) std::ranges::replace(metadata_.partition_columns, place.field->name, name);
  place.field->name = name;
  if (const auto present = find_place(present_, path)) present->field->name = name;
  return ok();
}

Status SchemaChange::drop_column(std::span<const std::string> path) {
  SLUICE_TRY(check_renameable(path));
  const Place place = *find_place(schema_, path);
  if (path.size() == 1 && std::ranges::count(metadata_.partition_columns, place.field->name) > 0) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("column {} cannot be dropped: the table is partitioned by it", text_of(path)));
  }
  if (place.parent->fields.size() == 1) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("column {} cannot be dropped: it is the only one", text_of(path)));
  }
  place.parent->fields.erase(place.field);
  if (const auto present = find_place(present_, path)) present->parent->fields.erase(present->field);
  return ok();
}

Status SchemaChange::widen_type(std::span<const std::string> path, const DataType& type) {
  const NotedType at = path.empty() ? NotedType() : find_noted_type(schema_, path);
  if (at.type == nullptr) return no_column(schema_, path);
  SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(metadata_.configuration));
  if (!properties.enable_type_widening) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("the type of column {} cannot be changed: the table has no type widening", text_of(path)))
        .with_number(4206)
        .with_help(
            "ALTER TABLE … SET ('delta.enableTypeWidening' = 'true') turns it on; readers must know type widening "
            "then, which delta-rs does not");
  }
  return widen(at, type, text_of(path));
}

Status SchemaChange::set_nullable(std::span<const std::string> path, bool nullable) {
  const auto place = find_place(schema_, path);
  if (!place) return no_column(schema_, path);
  place->field->nullable = nullable;
  return ok();
}

Status SchemaChange::move_column(std::span<const std::string> path, const std::optional<std::string>& after) {
  const auto place = find_place(schema_, path);
  if (!place) return no_column(schema_, path);
  auto& fields = place->parent->fields;
  auto target = fields.begin();
  if (after) {
    std::vector<std::string> neighbour(path.begin(), path.end());
    neighbour.back() = *after;
    const auto behind = find_place(schema_, neighbour);
    if (!behind) return no_column(schema_, neighbour);
    if (behind->field == place->field) {
      return Error(ErrorCode::InvalidArgument, fmt::format("column {} cannot stand behind itself", text_of(path)));
    }
    target = behind->field + 1;
  }
  if (target <= place->field) {
    std::rotate(target, place->field, place->field + 1);
  } else {
    std::rotate(place->field, place->field + 1, target);
  }
  return ok();
}

Status SchemaChange::set_comment(std::span<const std::string> path, const std::optional<std::string>& comment) {
  const auto place = find_place(schema_, path);
  if (!place) return no_column(schema_, path);
  if (comment) {
    place->field->metadata.insert_or_assign("comment", json_quote(*comment));
  } else {
    place->field->metadata.erase("comment");
  }
  return ok();
}

Status SchemaChange::set_property(const std::string& key, std::optional<std::string> value) {
  if (key == "delta.columnMapping.maxColumnId" || key.starts_with("delta.inCommitTimestampEnablement") ||
      key.starts_with(kConstraintPrefix)) {
    return Error(ErrorCode::InvalidArgument, fmt::format("the property {} cannot be set by hand", key))
        .with_number(4206)
        .with_help(key.starts_with(kConstraintPrefix) ? "ALTER TABLE … ADD CONSTRAINT checks the rows there are"
                                                      : "whoever writes the table states it");
  }
  if (is_protocol_property(key)) {
    if (value) {
      SLUICE_TRY(protocol_.take(key, *value));
      return ok();
    }
    return Error(ErrorCode::InvalidArgument, fmt::format("{} cannot be taken back: a protocol is never lowered", key))
        .with_number(4206);
  }
  if (value) {
    metadata_.configuration.insert_or_assign(key, std::move(*value));
  } else {
    metadata_.configuration.erase(key);
  }
  return ok();
}

Status SchemaChange::set_constraint(const std::string& name, const std::optional<std::string>& expression) {
  const auto found = std::ranges::find_if(metadata_.configuration, [&](const auto& property) {
    return property.first.starts_with(kConstraintPrefix) &&
           is_same_name(property.first.substr(kConstraintPrefix.size()), name);
  });
  const bool is_there = found != metadata_.configuration.end();
  if (expression && is_there) {
    return Error(ErrorCode::AlreadyExists,
                 fmt::format("the table has a constraint {} already: {}", name, found->second))
        .with_number(4206)
        .with_help("ALTER TABLE … DROP CONSTRAINT comes first");
  }
  if (!expression && !is_there) {
    return Error(ErrorCode::NotFound, fmt::format("the table has no constraint {}", name)).with_number(4206);
  }
  if (expression) {
    metadata_.configuration.emplace(std::string(kConstraintPrefix) + columnar::lower_case(name), *expression);
  } else {
    metadata_.configuration.erase(found);
  }
  return ok();
}

Result<std::vector<Action>> SchemaChange::finish(Random& random) && {
  SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(metadata_.configuration));
  const ColumnMappingMode before = table_.properties().column_mapping_mode;
  const ColumnMappingMode after = properties.column_mapping_mode;
  SLUICE_TRY(check_mode_change(before, after));
  SLUICE_TRY(check_columns(schema_, metadata_.partition_columns, after));
  if (after != ColumnMappingMode::None) {
    const PresentColumns present{present_, before};
    SLUICE_TRY(assign_columns(schema_, &present, metadata_.configuration, random));
  }
  if (schema_ != table_.schema()) metadata_.schema_string = write_schema(schema_);
  SLUICE_TRY_ASSIGN(const auto features, required_features(schema_, metadata_.configuration));
  SLUICE_TRY_ASSIGN(Protocol protocol, protocol_.raise(upgraded_protocol(table_.protocol(), features)));
  std::vector<Action> actions;
  if (protocol != table_.protocol()) actions.emplace_back(std::move(protocol));
  if (metadata_ != table_.metadata()) actions.emplace_back(std::move(metadata_));
  return actions;
}

}  // namespace sluice::delta
