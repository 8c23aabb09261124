#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "delta/delta_schema.h"

namespace sluice::delta {

/// Field metadata that lists how the type of a field, or of what is in its lists and maps, was widened.
inline constexpr std::string_view kTypeChangesKey = "delta.typeChanges";

/// True if a column of the simple type `from` may become one of type `to` while its data files stay as they are. Equal
/// types are none of these. Spec: "Supported Type Changes".
bool is_widening(const DataType& from, const DataType& to);

/// Returns the types that a column of this type can become, for a message: "SMALLINT, INTEGER"; "" if there are none.
std::string wider_types(const DataType& from);

/// Notes on the field that its type, or one in its lists and maps, went from `from` to `to`. `field_path` leads there by
/// "element", "key" and "value", with dots between; "" is the field itself.
void note_type_change(StructField& field, const DataType& from, const DataType& to, const std::string& field_path);

/// Ok if all changes that are noted in the schema are widenings. Unsupported, naming column and change, if one is not;
/// Corruption if they cannot be read. Spec: "Reader Requirements for Type Widening".
Status check_type_changes(const DataType& schema);

}  // namespace sluice::delta
