#include "delta/column_assignment.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/log.h"
#include "columnar/column_names.h"

namespace sluice::delta {
namespace {

constexpr const char* kMaxColumnIdProperty = "delta.columnMapping.maxColumnId";

class Assignment {
 public:
  Assignment(std::int64_t id_max, const PresentColumns* present, Random& random)
      : id_max_(id_max),
        is_new_table_(present == nullptr),
        was_mapped_(present != nullptr && present->mode != ColumnMappingMode::None),
        random_(random) {}

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
  void assign(DataType& type, const DataType* present) {
    if (present != nullptr && present->kind != type.kind) present = nullptr;
    for (StructField& field : type.fields) {
      const StructField* before = present == nullptr ? nullptr : find(*present, field.name);
      assign(field, before);
      assign(field.type, before == nullptr ? nullptr : &before->type);
    }
    for (std::size_t i = 0; i < type.children.size(); ++i)
      assign(type.children[i], present == nullptr ? nullptr : &present->children[i]);
  }

  std::int64_t id_max() const { return id_max_; }

 private:
  static const StructField* find(const DataType& type, const std::string& name) {
    const auto found = std::ranges::find(type.fields, name, &StructField::name);
    return found == type.fields.end() ? nullptr : &*found;
  }

  void assign(StructField& field, const StructField* before) {
    const std::string id_key(kColumnIdKey);
    const std::string name_key(kPhysicalNameKey);
    if (before != nullptr && was_mapped_) {
      field.metadata[id_key] = before->metadata.at(id_key);
      field.metadata[name_key] = before->metadata.at(name_key);
      return;
    }
    const bool own_name = before != nullptr || (is_new_table_ && columnar::is_storable_name(field.name));
    field.metadata[id_key] = std::to_string(++id_max_);
    field.metadata[name_key] = json_quote(own_name ? field.name : fmt::format("col-{}", random_.uuid()));
  }

  std::int64_t id_max_;
  const bool is_new_table_;
  const bool was_mapped_;
  Random& random_;
};

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
bool needs_column_mapping(const DataType& schema) {
  return std::ranges::any_of(schema.fields,
                             [](const StructField& field) {
                               return !columnar::is_storable_name(field.name) || needs_column_mapping(field.type);
                             }) ||
         std::ranges::any_of(schema.children, needs_column_mapping);
}

void assign_columns(DataType& schema, const PresentColumns* present, std::map<std::string, std::string>& configuration,
                    Random& random) {
  std::int64_t id_max = 0;
  std::string& stated = configuration[kMaxColumnIdProperty];
  std::from_chars(stated.data(), stated.data() + stated.size(), id_max);
  Assignment assignment(id_max, present, random);
  assignment.assign(schema, present == nullptr ? nullptr : &present->schema);
  stated = std::to_string(assignment.id_max());
}

}  // namespace sluice::delta
