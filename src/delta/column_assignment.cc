#include "delta/column_assignment.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/log.h"
#include "columnar/column_names.h"
#include "delta/column_mapping.h"

namespace sluice::delta {
namespace {

constexpr const char* kMaxColumnIdProperty = "delta.columnMapping.maxColumnId";

class Assignment {
 public:
  Assignment(std::int32_t id_max, const PresentColumns* present, Random& random)
      : id_max_(id_max),
        is_new_table_(present == nullptr),
        was_mapped_(present != nullptr && present->mode != ColumnMappingMode::None),
        random_(random) {}

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
  Status assign(DataType& type, const DataType* present) {
    if (present != nullptr && present->kind != type.kind) present = nullptr;
    for (StructField& field : type.fields) {
      const StructField* before = present == nullptr ? nullptr : find(*present, field.name);
      SLUICE_TRY(assign(field, before));
      SLUICE_TRY(assign(field.type, before == nullptr ? nullptr : &before->type));
    }
    for (std::size_t i = 0; i < type.children.size(); ++i)
      SLUICE_TRY(assign(type.children[i], present == nullptr ? nullptr : &present->children[i]));
    return ok();
  }

  std::int32_t id_max() const { return id_max_; }

 private:
  static const StructField* find(const DataType& type, const std::string& name) {
    const std::string wanted = columnar::lower_case(name);
    const auto found = std::ranges::find_if(
        type.fields, [&](const StructField& field) { return columnar::lower_case(field.name) == wanted; });
    return found == type.fields.end() ? nullptr : &*found;
  }

  Status assign(StructField& field, const StructField* before) {
    const std::string id_key(kColumnIdKey);
    const std::string name_key(kPhysicalNameKey);
    if (before != nullptr && was_mapped_) {
      if (!column_id(*before) || !before->metadata.contains(name_key)) {
        return Error(ErrorCode::Corruption,
                     fmt::format("column \"{}\" has no field id, though the table has column mapping", before->name))
            .with_number(4202);
      }
      field.metadata[id_key] = before->metadata.at(id_key);
      field.metadata[name_key] = before->metadata.at(name_key);
      return ok();
    }
    if (id_max_ == std::numeric_limits<std::int32_t>::max())
      return Error(ErrorCode::Corruption, "the table has used up all ids of columns").with_number(4202);
    const bool own_name = before != nullptr || (is_new_table_ && columnar::is_storable_name(field.name));
    field.metadata[id_key] = std::to_string(++id_max_);
    // What files know a column by is its name as it was written then.
    const std::string& name = before != nullptr ? before->name : field.name;
    field.metadata[name_key] = json_quote(own_name ? name : fmt::format("col-{}", random_.uuid()));
    return ok();
  }

  std::int32_t id_max_;
  const bool is_new_table_;
  const bool was_mapped_;
  Random& random_;
};

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
std::int32_t highest_id(const DataType& type) {
  std::int32_t highest = 0;
  for (const StructField& field : type.fields)
    highest = std::max({highest, column_id(field).value_or(0), highest_id(field.type)});
  for (const DataType& child : type.children) highest = std::max(highest, highest_id(child));
  return highest;
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
bool needs_column_mapping(const DataType& schema) {
  return std::ranges::any_of(schema.fields,
                             [](const StructField& field) {
                               return !columnar::is_storable_name(field.name) || needs_column_mapping(field.type);
                             }) ||
         std::ranges::any_of(schema.children, needs_column_mapping);
}

Status assign_columns(DataType& schema, const PresentColumns* present,
                      std::map<std::string, std::string>& configuration, Random& random) {
  std::int32_t id_max = 0;
  std::string& stated = configuration[kMaxColumnIdProperty];
  std::from_chars(stated.data(), stated.data() + stated.size(), id_max);
  // Whoever wrote before may have stated too little.
  if (present != nullptr) id_max = std::max(id_max, highest_id(present->schema));
  Assignment assignment(std::max(id_max, 0), present, random);
  SLUICE_TRY(assignment.assign(schema, present == nullptr ? nullptr : &present->schema));
  stated = std::to_string(assignment.id_max());
  return ok();
}

}  // namespace sluice::delta
