#include "delta/internal/checkpoint_rows.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <type_traits>

#include <duckdb/common/types/vector.hpp>

#include "base/check.h"

namespace sluice::delta::internal {
namespace {

using duckdb::FlatVector;
using duckdb::ListVector;
using duckdb::LogicalType;
using duckdb::StructVector;
using duckdb::Vector;

LogicalType text_map_type() { return LogicalType::MAP(LogicalType::VARCHAR, LogicalType::VARCHAR); }

LogicalType deletion_vector_type() {
  return LogicalType::STRUCT({{"storageType", LogicalType::VARCHAR},
                              {"pathOrInlineDv", LogicalType::VARCHAR},
                              {"offset", LogicalType::INTEGER},
                              {"sizeInBytes", LogicalType::INTEGER},
                              {"cardinality", LogicalType::BIGINT}});
}

/// Fills one row of a struct, member after member, in the order of its type.
class StructRow {
 public:
  StructRow(Vector& vector, std::size_t row) : members_(StructVector::GetEntries(vector)), row_(row) {}

  void put(const std::string& value) { put_text(next(), row_, value); }
  void put(std::int64_t value) { FlatVector::GetData<std::int64_t>(next())[row_] = value; }
  void put(std::int32_t value) { FlatVector::GetData<std::int32_t>(next())[row_] = value; }
  void put(bool value) { FlatVector::GetData<bool>(next())[row_] = value; }
  void put(UnixMillis value) { put(static_cast<std::int64_t>(value.time_since_epoch().count())); }

  template <typename T>
  void put(const std::optional<T>& value) {
    if (value) {
      put(*value);
    } else {
      put_null();
    }
  }

  template <typename Value>
  void put(const std::map<std::string, Value>& values) {
    Vector& vector = next();
    const std::size_t begin = begin_list(vector, values.size());
    std::size_t at = begin;
    for (const auto& [key, value] : values) {
      put_text(duckdb::MapVector::GetKeys(vector), at, key);
      if constexpr (std::is_same_v<Value, std::string>) {
        put_text(duckdb::MapVector::GetValues(vector), at, value);
      } else if (value) {
        put_text(duckdb::MapVector::GetValues(vector), at, *value);
      } else {
        FlatVector::SetNull(duckdb::MapVector::GetValues(vector), at, true);
      }
      ++at;
    }
  }

  template <typename Texts>
  void put_list(const Texts& texts) {
    Vector& vector = next();
    std::size_t at = begin_list(vector, texts.size());
    for (const std::string& text : texts) put_text(ListVector::GetEntry(vector), at++, text);
  }

  void put_null() { FlatVector::SetNull(next(), row_, true); }

  /// Returns the next member, a struct, to be filled.
  StructRow put_struct() { return StructRow(next(), row_); }

 private:
  Vector& next() { return *members_[index_++]; }

  static void put_text(Vector& vector, std::size_t row, const std::string& text) {
    FlatVector::GetData<duckdb::string_t>(vector)[row] = duckdb::StringVector::AddString(vector, text);
  }

  /// Makes this row's list `count` long; returns where its elements begin.
  std::size_t begin_list(Vector& vector, std::size_t count) {
    const std::size_t begin = ListVector::GetListSize(vector);
    ListVector::Reserve(vector, begin + count);
    ListVector::SetListSize(vector, begin + count);
    FlatVector::GetData<duckdb::list_entry_t>(vector)[row_] = {begin, count};
    return begin;
  }

  duckdb::vector<duckdb::unique_ptr<Vector>>& members_;
  const std::size_t row_;
  std::size_t index_ = 0;
};

void fill(StructRow& row, const std::optional<DeletionVectorDescriptor>& descriptor) {
  if (!descriptor) {
    row.put_null();
    return;
  }
  StructRow members = row.put_struct();
  members.put(std::string(1, descriptor->storage_type));
  members.put(descriptor->path_or_inline_dv);
  members.put(descriptor->offset);
  members.put(descriptor->size_bytes);
  members.put(descriptor->cardinality);
}

void fill(StructRow& row, const SetTransaction& txn) {
  row.put(txn.app_id);
  row.put(txn.version);
  row.put(txn.last_updated);
}

void fill(StructRow& row, const AddFile& add, const CheckpointForm& form) {
  row.put(add.path);
  row.put(add.partition_values);
  row.put(add.size_bytes);
  row.put(add.modification_time);
  row.put(false);  // dataChange: a checkpoint changes nothing
  if (form.stats_as_json) row.put(add.stats);
  if (add.tags.empty()) {
    row.put_null();
  } else {
    row.put(add.tags);
  }
  fill(row, add.deletion_vector);
  row.put(add.base_row_id);
  row.put(add.default_row_commit_version);
  row.put(add.clustering_provider);
}

void fill(StructRow& row, const RemoveFile& remove) {
  row.put(remove.path);
  row.put(remove.deletion_timestamp);
  row.put(false);
  row.put(remove.extended_file_metadata);
  row.put(remove.partition_values);
  row.put(remove.size_bytes);
  fill(row, remove.deletion_vector);
  row.put(remove.base_row_id);
  row.put(remove.default_row_commit_version);
}

void fill(StructRow& row, const Metadata& metadata) {
  row.put(metadata.id);
  row.put(metadata.name);
  row.put(metadata.description);
  StructRow format = row.put_struct();
  format.put(metadata.format_provider);
  format.put(metadata.format_options);
  row.put(metadata.schema_string);
  row.put_list(metadata.partition_columns);
  row.put(metadata.configuration);
  row.put(metadata.created_time);
}

void fill(StructRow& row, const Protocol& protocol) {
  row.put(protocol.min_reader_version);
  row.put(protocol.min_writer_version);
  for (const auto* features : {&protocol.reader_features, &protocol.writer_features}) {
    if (*features) {
      row.put_list(**features);
    } else {
      row.put_null();
    }
  }
}

void fill(StructRow& row, const DomainMetadata& domain) {
  row.put(domain.domain);
  row.put(domain.configuration);
  row.put(domain.removed);
}

void fill(StructRow& row, const Sidecar& sidecar) {
  row.put(sidecar.path);
  row.put(sidecar.size_bytes);
  row.put(sidecar.modification_time);
  row.put_null();  // tags
}

void fill(StructRow& row, const CheckpointMetadata& metadata) {
  row.put(metadata.version.value());
  row.put_null();  // tags
}

/// Name of an action's column; "" if log checkpoints do not have it.
template <typename T>
constexpr std::string_view kColumn = []() -> std::string_view {
  if constexpr (std::is_same_v<T, Protocol>) return "protocol";
  if constexpr (std::is_same_v<T, Metadata>) return "metaData";
  if constexpr (std::is_same_v<T, SetTransaction>) return "txn";
  if constexpr (std::is_same_v<T, DomainMetadata>) return "domainMetadata";
  if constexpr (std::is_same_v<T, AddFile>) return "add";
  if constexpr (std::is_same_v<T, RemoveFile>) return "remove";
  if constexpr (std::is_same_v<T, Sidecar>) return "sidecar";
  if constexpr (std::is_same_v<T, CheckpointMetadata>) return "checkpointMetadata";
  return "";
}();

duckdb::child_list_t<LogicalType> members_of_add(const CheckpointForm& form) {
  const LogicalType text = LogicalType::VARCHAR;
  const LogicalType number = LogicalType::BIGINT;
  duckdb::child_list_t<LogicalType> members = {{"path", text},
                                               {"partitionValues", text_map_type()},
                                               {"size", number},
                                               {"modificationTime", number},
                                               {"dataChange", LogicalType::BOOLEAN}};
  if (form.stats_as_json) members.emplace_back("stats", text);
  members.emplace_back("tags", text_map_type());
  members.emplace_back("deletionVector", deletion_vector_type());
  members.emplace_back("baseRowId", number);
  members.emplace_back("defaultRowCommitVersion", number);
  members.emplace_back("clusteringProvider", text);
  if (form.parsed == nullptr) return members;
  // The last ones: take() fills them.
  members.emplace_back("stats_parsed", form.parsed->statistics_type());
  if (const auto& type = form.parsed->partition_values_type()) members.emplace_back("partitionValues_parsed", *type);
  return members;
}

duckdb::child_list_t<LogicalType> members_of_remove() {
  const LogicalType number = LogicalType::BIGINT;
  return {{"path", LogicalType::VARCHAR},
          {"deletionTimestamp", number},
          {"dataChange", LogicalType::BOOLEAN},
          {"extendedFileMetadata", LogicalType::BOOLEAN},
          {"partitionValues", text_map_type()},
          {"size", number},
          {"deletionVector", deletion_vector_type()},
          {"baseRowId", number},
          {"defaultRowCommitVersion", number}};
}

}  // namespace

columnar::Schema checkpoint_schema(CheckpointPart part, const CheckpointForm& form) {
  const LogicalType text = LogicalType::VARCHAR;
  const LogicalType number = LogicalType::BIGINT;
  const LogicalType text_list = LogicalType::LIST(text);
  columnar::Schema schema;
  const auto column = [&](const char* name, duckdb::child_list_t<LogicalType> members) {
    schema.fields.push_back({name, LogicalType::STRUCT(std::move(members)), true, {}});
  };
  if (part != CheckpointPart::Sidecar) {
    column("protocol", {{"minReaderVersion", LogicalType::INTEGER},
                        {"minWriterVersion", LogicalType::INTEGER},
                        {"readerFeatures", text_list},
                        {"writerFeatures", text_list}});
    column("metaData", {{"id", text},
                        {"name", text},
                        {"description", text},
                        {"format", LogicalType::STRUCT({{"provider", text}, {"options", text_map_type()}})},
                        {"schemaString", text},
                        {"partitionColumns", text_list},
                        {"configuration", text_map_type()},
                        {"createdTime", number}});
    column("txn", {{"appId", text}, {"version", number}, {"lastUpdated", number}});
    column("domainMetadata", {{"domain", text}, {"configuration", text}, {"removed", LogicalType::BOOLEAN}});
  }
  column("add", members_of_add(form));
  column("remove", members_of_remove());
  if (part == CheckpointPart::Manifest) {
    column("checkpointMetadata", {{"version", number}, {"tags", text_map_type()}});
    column("sidecar",
           {{"path", text}, {"sizeInBytes", number}, {"modificationTime", number}, {"tags", text_map_type()}});
  }
  return schema;
}

CheckpointRows::CheckpointRows(CheckpointPart part, const CheckpointForm& form) : form_(form) {
  const columnar::Schema schema = checkpoint_schema(part, form);
  for (std::size_t i = 0; i < schema.fields.size(); ++i) columns_.emplace(schema.fields[i].name, i);
  const columnar::RowType types = schema.types();
  chunk_.Initialize(duckdb::Allocator::DefaultAllocator(), duckdb::vector<LogicalType>(types.begin(), types.end()));
}

void CheckpointRows::add(const Action& action) {
  if (taken_) {
    chunk_.Reset();
    row_count_ = 0;
    stats_.clear();
    partition_values_.clear();
    taken_ = false;
  }
  SLUICE_CHECK(row_count_ < STANDARD_VECTOR_SIZE, "the chunk is full");
  std::visit(
      [&](const auto& plain) {
        using Plain = std::remove_cvref_t<decltype(plain)>;
        const auto own = columns_.find(kColumn<Plain>);
        SLUICE_CHECK(own != columns_.end(), "the action does not belong into this file");
        for (std::size_t column = 0; column < chunk_.ColumnCount(); ++column) {
          if (column != own->second) FlatVector::SetNull(chunk_.data[column], row_count_, true);
        }
        StructRow row(chunk_.data[own->second], row_count_);
        if constexpr (std::is_same_v<Plain, AddFile>) {
          fill(row, plain, form_);
          if (form_.parsed != nullptr) {
            stats_.resize(row_count_ + 1);
            partition_values_.resize(row_count_ + 1);
            stats_.back() = plain.stats;
            partition_values_.back() = plain.partition_values;
          }
        } else if constexpr (!kColumn<Plain>.empty()) {
          fill(row, plain);
        }
      },
      action);
  ++row_count_;
}

duckdb::DataChunk& CheckpointRows::take() {
  chunk_.SetCardinality(row_count_);
  if (form_.parsed != nullptr) {
    Vector& add = chunk_.data[columns_.find("add")->second];
    auto& members = StructVector::GetEntries(add);
    const bool is_partitioned = form_.parsed->partition_values_type().has_value();
    stats_.resize(row_count_);
    form_.parsed->write_statistics(stats_, *members[members.size() - (is_partitioned ? 2 : 1)]);
    if (is_partitioned) {
      partition_values_.resize(row_count_);
      std::vector<const PartitionValues*> values;
      for (const auto& each : partition_values_) values.push_back(each ? &*each : nullptr);
      form_.parsed->write_partition_values(values, *members.back());
    }
  }
  taken_ = true;
  return chunk_;
}

}  // namespace sluice::delta::internal
