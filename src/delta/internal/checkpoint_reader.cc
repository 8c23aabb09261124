#include "delta/internal/checkpoint_reader.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <duckdb.hpp>
#include <duckdb/common/error_data.hpp>
#include <duckdb/common/virtual_file_system.hpp>

#include "delta/action_json.h"
#include "delta/data_path.h"
#include "delta/internal/store_file_system.h"

namespace sluice::delta::internal {
namespace {

constexpr std::string_view kSidecarFolder = "_delta_log/_sidecars/";
/// What a damaged file may make DuckDB ask for at most.
constexpr std::uint64_t kMemoryBytesMax = std::uint64_t{4} << 30;

Error damaged(const std::string& key, std::string_view why) {
  // DuckDB's messages may be long; the first line says what there is to say.
  return Error(ErrorCode::Corruption,
               fmt::format("the log checkpoint {} cannot be read: {}", key, why.substr(0, why.find('\n'))))
      .with_number(4203);
}

bool is_store_error(const Error& error) {
  return error.code() == ErrorCode::Unavailable || error.code() == ErrorCode::PermissionDenied ||
         error.code() == ErrorCode::ResourceExhausted;
}

std::string quote_name(std::string_view name) { return fmt::format("\"{}\"", name); }

/// Column `index` of a chunk, any encoding.
class ColumnView {
 public:
  ColumnView(duckdb::DataChunk& chunk, std::size_t index) : vector_(chunk.data[index]) {
    vector_.ToUnifiedFormat(chunk.size(), format_);
  }

  bool is_null(std::size_t row) const { return !format_.validity.RowIsValid(format_.sel->get_index(row)); }

  template <typename T>
  T value(std::size_t row) const {
    return duckdb::UnifiedVectorFormat::GetData<T>(format_)[format_.sel->get_index(row)];
  }

  template <typename T>
  std::optional<T> optional(std::size_t row) const {
    if (is_null(row)) return std::nullopt;
    return value<T>(row);
  }

  std::optional<std::string> text(std::size_t row) const {
    if (is_null(row)) return std::nullopt;
    return value<duckdb::string_t>(row).GetString();
  }

  /// Of a MAP(VARCHAR, VARCHAR).
  std::map<std::string, std::optional<std::string>> text_map(std::size_t row) const {
    std::map<std::string, std::optional<std::string>> map;
    if (is_null(row)) return map;
    const auto entry = value<duckdb::list_entry_t>(row);
    const duckdb::idx_t size = duckdb::ListVector::GetListSize(vector_);
    duckdb::UnifiedVectorFormat keys;
    duckdb::UnifiedVectorFormat values;
    duckdb::MapVector::GetKeys(vector_).ToUnifiedFormat(size, keys);
    duckdb::MapVector::GetValues(vector_).ToUnifiedFormat(size, values);
    for (duckdb::idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
      const auto key = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(keys)[keys.sel->get_index(i)];
      const duckdb::idx_t value_index = values.sel->get_index(i);
      std::optional<std::string> text;
      if (values.validity.RowIsValid(value_index)) {
        text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(values)[value_index].GetString();
      }
      map.emplace(key.GetString(), std::move(text));
    }
    return map;
  }

 private:
  duckdb::Vector& vector_;
  duckdb::UnifiedVectorFormat format_;
};

/// The columns that a scan for files asks for; the order is that of the constants below.
struct FileColumn {
  std::string_view name;  ///< Path below `add`.
  std::string_view type;
};
constexpr std::array<FileColumn, 15> kAddColumns{{
    {"path", "VARCHAR"},
    {"partitionValues", "MAP(VARCHAR, VARCHAR)"},
    {"size", "BIGINT"},
    {"modificationTime", "BIGINT"},
    {"dataChange", "BOOLEAN"},
    {"stats", "VARCHAR"},
    {"tags", "MAP(VARCHAR, VARCHAR)"},
    {"baseRowId", "BIGINT"},
    {"defaultRowCommitVersion", "BIGINT"},
    {"clusteringProvider", "VARCHAR"},
    {"deletionVector.storageType", "VARCHAR"},
    {"deletionVector.pathOrInlineDv", "VARCHAR"},
    {"deletionVector.offset", "INTEGER"},
    {"deletionVector.sizeInBytes", "INTEGER"},
    {"deletionVector.cardinality", "BIGINT"},
}};

/// Returns the type of the member of a struct type.
const duckdb::LogicalType* find_member(const duckdb::LogicalType& type, std::string_view name) {
  if (type.id() != duckdb::LogicalTypeId::STRUCT) return nullptr;
  for (const auto& [member_name, member] : duckdb::StructType::GetChildTypes(type)) {
    if (member_name == name) return &member;
  }
  return nullptr;
}

/// One DuckDB instance that reads the Parquet files of one checkpoint. Throws what DuckDB throws.
class ParquetActions {
 public:
  explicit ParquetActions(store::ObjectStore& store) {
    duckdb::DBConfig config;
    config.options.maximum_threads = 1;
    config.options.maximum_memory = kMemoryBytesMax;
    config.options.use_temporary_directory = false;
    config.SetOptionByName("autoinstall_known_extensions", false);
    config.SetOptionByName("autoload_known_extensions", false);
    database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    auto files = duckdb::make_uniq<StoreFileSystem>(store);
    files_ = files.get();
    database_->GetFileSystem().RegisterSubSystem(std::move(files));
    connection_ = std::make_unique<duckdb::Connection>(*database_);
  }

  /// Returns the first error the store gave, if any.
  std::optional<Error> store_failure() const { return files_->failure(); }

  /// Learns which columns the file has. To be called before the others.
  void open(const std::string& key) {
    from_ = fmt::format("read_parquet('{}{}', binary_as_string = true, hive_partitioning = false)",
                        StoreFileSystem::kScheme, key);
    columns_.clear();
    const auto result = run(fmt::format("SELECT * FROM {} LIMIT 0", from_));
    for (std::size_t i = 0; i < result->names.size(); ++i) columns_.emplace(result->names[i], result->types[i]);
  }

  /// Passes on the actions of the kinds named, if the file has them.
  Status read_by_json(std::span<const std::string_view> names, const std::string& key,
                      const std::function<void(Action&&)>& take) {
    std::string members;
    std::string condition;
    for (const std::string_view name : names) {
      const auto column = columns_.find(std::string(name));
      if (column == columns_.end() || column->second.id() != duckdb::LogicalTypeId::STRUCT) continue;
      if (!members.empty()) {
        members += ", ";
        condition += " OR ";
      }
      members += fmt::format("{} := {}", quote_name(name), quote_name(name));
      condition += fmt::format("{} IS NOT NULL", quote_name(name));
    }
    if (members.empty()) return ok();
    const auto result = run(
        fmt::format("SELECT CAST(to_json(struct_pack({})) AS VARCHAR) FROM {} WHERE {}", members, from_, condition));
    while (const auto chunk = result->Fetch()) {
      const ColumnView lines(*chunk, 0);
      for (std::size_t row = 0; row < chunk->size(); ++row) {
        auto actions = read_actions(lines.text(row).value_or(""), key);
        if (!actions) return damaged(key, actions.error().message());
        for (Action& action : *actions) take(std::move(action));
      }
    }
    return ok();
  }

  /// Passes on the file's AddFile actions.
  void read_adds(const std::function<void(Action&&)>& take) {
    const auto add = columns_.find("add");
    if (add == columns_.end()) return;
    std::string list;
    for (const FileColumn& column : kAddColumns) {
      if (!list.empty()) list += ", ";
      list += fmt::format("CAST({} AS {})", expression_for(add->second, column.name), column.type);
    }
    const auto result = run(fmt::format("SELECT {} FROM {} WHERE \"add\".\"path\" IS NOT NULL", list, from_));
    while (const auto chunk = result->Fetch()) take_adds(*chunk, take);
  }

 private:
  duckdb::unique_ptr<duckdb::QueryResult> run(const std::string& sql) {
    auto result = connection_->SendQuery(sql);
    if (result->HasError()) result->ThrowError();
    return result;
  }

  /// Returns SQL for a member of `add`, NULL if the file lacks it.
  static std::string expression_for(const duckdb::LogicalType& add, std::string_view path) {
    const duckdb::LogicalType* type = &add;
    std::string sql = "\"add\"";
    for (std::string_view rest = path; !rest.empty();) {
      const std::size_t dot = std::min(rest.find('.'), rest.size());
      const std::string_view name = rest.substr(0, dot);
      rest.remove_prefix(std::min(dot + 1, rest.size()));
      type = find_member(*type, name);
      if (type == nullptr) return path == "stats" ? parsed_statistics(add) : "NULL";
      sql += fmt::format(".{}", quote_name(name));
    }
    return path == "stats" ? fmt::format("coalesce({}, {})", sql, parsed_statistics(add)) : sql;
  }

  /// Returns SQL for what the struct form of the statistics says as counts, for checkpoints without the JSON form.
  /// Bounds are left out: unknown is right, a timestamp in another spelling might not be.
  static std::string parsed_statistics(const duckdb::LogicalType& add) {
    const duckdb::LogicalType* statistics = find_member(add, "stats_parsed");
    if (statistics == nullptr || find_member(*statistics, "numRecords") == nullptr) return "NULL";
    std::string members;
    for (const std::string_view name : {"numRecords", "tightBounds", "nullCount"}) {
      if (find_member(*statistics, name) == nullptr) continue;
      if (!members.empty()) members += ", ";
      members += fmt::format("{} := \"add\".\"stats_parsed\".{}", quote_name(name), quote_name(name));
    }
    return fmt::format(
        "CASE WHEN \"add\".\"stats_parsed\".\"numRecords\" IS NOT NULL THEN CAST(to_json(struct_pack({})) AS VARCHAR) "
        "END",
        members);
  }

  static void take_adds(duckdb::DataChunk& chunk, const std::function<void(Action&&)>& take) {
    std::vector<ColumnView> columns;
    for (std::size_t i = 0; i < kAddColumns.size(); ++i) columns.emplace_back(chunk, i);
    const auto millis = [](std::int64_t value) { return UnixMillis(std::chrono::milliseconds(value)); };
    for (std::size_t row = 0; row < chunk.size(); ++row) {
      AddFile add;
      add.path = *columns[0].text(row);
      add.partition_values = columns[1].text_map(row);
      add.size_bytes = columns[2].optional<std::int64_t>(row).value_or(0);
      add.modification_time = millis(columns[3].optional<std::int64_t>(row).value_or(0));
      add.data_change = columns[4].optional<bool>(row).value_or(false);
      add.stats = columns[5].text(row);
      add.tags = columns[6].text_map(row);
      add.base_row_id = columns[7].optional<std::int64_t>(row);
      add.default_row_commit_version = columns[8].optional<std::int64_t>(row);
      add.clustering_provider = columns[9].text(row);
      const std::optional<std::string> storage_type = columns[10].text(row);
      if (storage_type && storage_type->size() == 1) {
        add.deletion_vector = DeletionVectorDescriptor{
            (*storage_type)[0], columns[11].text(row).value_or(""), columns[12].optional<std::int32_t>(row),
            columns[13].optional<std::int32_t>(row).value_or(0), columns[14].optional<std::int64_t>(row).value_or(0)};
      }
      take(std::move(add));
    }
  }

  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
  StoreFileSystem* files_ = nullptr;  // owned by database_
  std::string from_;
  std::map<std::string, duckdb::LogicalType> columns_;
};

/// Reads one checkpoint; holds the DuckDB instance while it does.
class CheckpointReader {
 public:
  CheckpointReader(store::ObjectStore& store, CheckpointContent content, const std::function<void(Action&&)>& take)
      : store_(store), content_(content), take_(take) {}

  Status read(const LogFile& file) {
    if (file.path.kind == LogPath::Kind::UuidCheckpointJson) {
      SLUICE_TRY(read_json(file.info.key));
    } else {
      SLUICE_TRY(read_parquet(file.info.key));
    }
    const std::vector<Sidecar> sidecars = std::move(sidecars_);
    sidecars_.clear();
    for (const Sidecar& sidecar : sidecars) {
      const auto path = resolve_path(sidecar.path);
      if (!path || path->absolute || path->path.find_first_of("'*?[/") != std::string::npos) {
        return damaged(file.info.key, fmt::format("it names the sidecar \"{}\"", sidecar.path));
      }
      SLUICE_TRY(read_parquet(std::string(kSidecarFolder) + path->path));
    }
    return ok();
  }

 private:
  Status read_json(const std::string& key) {
    SLUICE_TRY_ASSIGN(const auto text, store_.get(key));
    if (!text) return damaged(key, "it is gone");
    auto actions = read_actions(*text, key);
    if (!actions) return damaged(key, actions.error().message());
    for (Action& action : *actions) take(std::move(action));
    return ok();
  }

  Status read_parquet(const std::string& key) {
    try {
      if (!parquet_) parquet_ = std::make_unique<ParquetActions>(store_);
      return read_with_duckdb(key);
    } catch (const std::exception& exception) {
      if (parquet_) {
        const auto failure = parquet_->store_failure();
        if (failure && is_store_error(*failure)) return *failure;
      }
      return damaged(key, duckdb::ErrorData(exception).RawMessage());
    }
  }

  Status read_with_duckdb(const std::string& key) {
    static constexpr std::string_view kStateActions[] = {"protocol", "metaData", "txn", "domainMetadata", "sidecar"};
    static constexpr std::string_view kTombstoneActions[] = {"remove", "sidecar"};
    const std::function<void(Action &&)> pass = [&](Action&& action) { take(std::move(action)); };
    parquet_->open(key);
    if (content_ == CheckpointContent::Tombstones) return parquet_->read_by_json(kTombstoneActions, key, pass);
    SLUICE_TRY(parquet_->read_by_json(kStateActions, key, pass));
    parquet_->read_adds(pass);
    return ok();
  }

  void take(Action&& action) {
    if (auto* sidecar = std::get_if<Sidecar>(&action)) {
      sidecars_.push_back(std::move(*sidecar));
      return;
    }
    const bool is_tombstone = std::holds_alternative<RemoveFile>(action);
    if (is_tombstone == (content_ == CheckpointContent::Tombstones)) take_(std::move(action));
  }

  store::ObjectStore& store_;
  const CheckpointContent content_;
  const std::function<void(Action&&)>& take_;
  std::unique_ptr<ParquetActions> parquet_;
  std::vector<Sidecar> sidecars_;
};

}  // namespace

Status read_checkpoint(store::ObjectStore& store, std::span<const LogFile> files, CheckpointContent content,
                       const std::function<void(Action&&)>& take) {
  CheckpointReader reader(store, content, take);
  for (const LogFile& file : files) SLUICE_TRY(reader.read(file));
  return ok();
}

}  // namespace sluice::delta::internal
