#include "delta/internal/checkpoint_reader.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/common/error_data.hpp>
#include <duckdb/common/virtual_file_system.hpp>
#include <duckdb/parser/parsed_data/create_scalar_function_info.hpp>

#include "delta/action_json.h"
#include "delta/data_path.h"
#include "delta/internal/parsed_columns.h"
#include "delta/internal/store_file_system.h"

namespace sluice::delta::internal {
namespace {

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

  /// The text where it lies, while the chunk lives.
  std::optional<std::string_view> text_view(std::size_t row) const {
    if (is_null(row)) return std::nullopt;
    const duckdb::string_t& text =
        duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format_)[format_.sel->get_index(row)];
    return std::string_view(text.GetData(), text.GetSize());
  }

 private:
  duckdb::Vector& vector_;
  duckdb::UnifiedVectorFormat format_;
};

/// A MAP(VARCHAR, VARCHAR) column of a chunk, any encoding.
class TextMapView {
 public:
  TextMapView(duckdb::DataChunk& chunk, std::size_t index) : lists_(chunk, index) {
    duckdb::Vector& vector = chunk.data[index];
    const duckdb::idx_t size = duckdb::ListVector::GetListSize(vector);
    duckdb::MapVector::GetKeys(vector).ToUnifiedFormat(size, keys_);
    duckdb::MapVector::GetValues(vector).ToUnifiedFormat(size, values_);
  }

  /// Passes on the entries of the row's map; texts lie where they are while the chunk lives.
  template <typename Use>
  void each(std::size_t row, Use&& use) const {
    if (lists_.is_null(row)) return;
    const auto entry = lists_.value<duckdb::list_entry_t>(row);
    for (duckdb::idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
      const auto key = text(keys_, i);
      if (key) use(*key, text(values_, i));
    }
  }

 private:
  static std::optional<std::string_view> text(const duckdb::UnifiedVectorFormat& format, duckdb::idx_t i) {
    const duckdb::idx_t index = format.sel->get_index(i);
    if (!format.validity.RowIsValid(index)) return std::nullopt;
    const duckdb::string_t& text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format)[index];
    return std::string_view(text.GetData(), text.GetSize());
  }

  ColumnView lists_;
  duckdb::UnifiedVectorFormat keys_;
  duckdb::UnifiedVectorFormat values_;
};

/// The columns that a scan for files asks for; chunks have them in this order.
struct FileColumn {
  std::string_view name;  ///< Path below `add`.
  duckdb::LogicalType type;
};

std::span<const FileColumn> add_columns() {
  using duckdb::LogicalType;
  static const std::array<FileColumn, 15> kColumns{{
      {"path", LogicalType::VARCHAR},
      {"partitionValues", LogicalType::MAP(LogicalType::VARCHAR, LogicalType::VARCHAR)},
      {"size", LogicalType::BIGINT},
      {"modificationTime", LogicalType::BIGINT},
      {"dataChange", LogicalType::BOOLEAN},
      {"stats", LogicalType::VARCHAR},
      {"tags", LogicalType::MAP(LogicalType::VARCHAR, LogicalType::VARCHAR)},
      {"baseRowId", LogicalType::BIGINT},
      {"defaultRowCommitVersion", LogicalType::BIGINT},
      {"clusteringProvider", LogicalType::VARCHAR},
      {"deletionVector.storageType", LogicalType::VARCHAR},
      {"deletionVector.pathOrInlineDv", LogicalType::VARCHAR},
      {"deletionVector.offset", LogicalType::INTEGER},
      {"deletionVector.sizeInBytes", LogicalType::INTEGER},
      {"deletionVector.cardinality", LogicalType::BIGINT},
  }};
  return kColumns;
}

/// A column of a log checkpoint that is not about live files.
struct ActionColumn {
  std::string_view name;
  std::string_view required_member;  ///< What every action of the kind has.
  std::string_view least_value;      ///< SQL; none is less.
};

/// Returns the type of the member of a struct type.
const duckdb::LogicalType* find_member(const duckdb::LogicalType& type, std::string_view name) {
  if (type.id() != duckdb::LogicalTypeId::STRUCT) return nullptr;
  for (const auto& [member_name, member] : duckdb::StructType::GetChildTypes(type)) {
    if (member_name == name) return &member;
  }
  return nullptr;
}

/// Makes a block of the files in a chunk with the columns of add_columns() and, behind them, statistics as a struct or NULL.
std::shared_ptr<const FileBlock> make_block(duckdb::DataChunk& chunk) {
  std::vector<ColumnView> columns;
  for (std::size_t i = 0; i < add_columns().size(); ++i) columns.emplace_back(chunk, i);
  const TextMapView partition_values(chunk, 1);
  const TextMapView tags(chunk, 6);
  const auto millis = [](std::int64_t value) { return UnixMillis(std::chrono::milliseconds(value)); };
  // Rows refer to what stands in these two; the first must not move while it grows.
  std::vector<PartitionEntry> entries;
  std::deque<RareParts> rare;
  std::size_t entry_count = 0;
  for (std::size_t row = 0; row < chunk.size(); ++row) {
    partition_values.each(row, [&](std::string_view, std::optional<std::string_view>) { ++entry_count; });
  }
  entries.reserve(entry_count);
  const auto is_absent = [&](std::size_t column) {
    return chunk.data[column].GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR && columns[column].is_null(0);
  };
  duckdb::Vector& parsed = chunk.data[add_columns().size()];
  const auto parsed_statistics = parsed.GetType().id() == duckdb::LogicalTypeId::STRUCT
                                     ? read_parsed_statistics(parsed, chunk.size())
                                     : std::vector<std::optional<std::string>>();
  const bool has_rare = !is_absent(6) || !is_absent(9) || !is_absent(10);
  std::vector<FileRow> rows(chunk.size());
  for (std::size_t row = 0; row < chunk.size(); ++row) {
    FileRow& file = rows[row];
    file.path = columns[0].text_view(row).value_or("");
    const std::size_t first = entries.size();
    partition_values.each(row, [&](std::string_view name, std::optional<std::string_view> value) {
      entries.push_back({name, value});
    });
    file.partition_values = std::span(entries).subspan(first);
    file.size_bytes = columns[2].optional<std::int64_t>(row).value_or(0);
    file.modification_time = millis(columns[3].optional<std::int64_t>(row).value_or(0));
    file.data_change = columns[4].optional<bool>(row).value_or(false);
    file.stats = columns[5].text_view(row);
    if (!file.stats && !parsed_statistics.empty()) file.stats = parsed_statistics[row];
    file.base_row_id = columns[7].optional<std::int64_t>(row);
    file.default_row_commit_version = columns[8].optional<std::int64_t>(row);
    if (!has_rare) continue;
    RareParts parts;
    tags.each(row,
              [&](std::string_view name, std::optional<std::string_view> value) { parts.tags.emplace(name, value); });
    parts.clustering_provider = columns[9].text(row);
    const auto storage_type = columns[10].text_view(row);
    if (storage_type && storage_type->size() == 1) {
      parts.deletion_vector = DeletionVectorDescriptor{
          (*storage_type)[0], columns[11].text(row).value_or(""), columns[12].optional<std::int32_t>(row),
          columns[13].optional<std::int32_t>(row).value_or(0), columns[14].optional<std::int64_t>(row).value_or(0)};
    }
    if (!parts.empty()) file.rare = &rare.emplace_back(std::move(parts));
  }
  return FileBlock::make(rows);
}

/// One DuckDB instance that reads the Parquet files of one checkpoint. Throws what DuckDB throws.
class ParquetActions {
 public:
  /// A file, and what it has.
  struct File {
    std::string key;
    std::uint64_t size_bytes = 0;
    std::map<std::string, duckdb::LogicalType> columns;
    std::set<std::string> empty_columns;  ///< Paths with dots, from the root, of columns that hold nothing but nulls.

    /// True if every column below the path is empty.
    bool is_empty(const std::string& path) const { return empty_columns.contains(path); }
  };

  ParquetActions(store::ObjectStore& store, const std::function<void(std::shared_ptr<const FileBlock>)>& take_files)
      : take_files_(take_files) {
    duckdb::DBConfig config;
    config.options.maximum_threads = 1;
    config.options.maximum_memory = kMemoryBytesMax;
    config.options.use_temporary_directory = false;
    config.SetOptionByName("autoinstall_known_extensions", false);
    config.SetOptionByName("autoload_known_extensions", false);
    config.SetOptionByName("preserve_insertion_order", false);
    database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    auto files = duckdb::make_uniq<StoreFileSystem>(store);
    files_ = files.get();
    database_->GetFileSystem().RegisterSubSystem(std::move(files));
    connection_ = std::make_unique<duckdb::Connection>(*database_);
    add_take_function();
  }

  /// Returns the first error the store gave, if any.
  std::optional<Error> store_failure() const { return files_->failure(); }

  /// Learns which columns the file has.
  File open(std::string key, std::uint64_t size_bytes) {
    File file{std::move(key), size_bytes, {}, {}};
    const auto result = run(fmt::format("SELECT * FROM {} LIMIT 0", scan_of({&file, 1})));
    for (std::size_t i = 0; i < result->names.size(); ++i) file.columns.emplace(result->names[i], result->types[i]);
    find_empty_columns(file);
    return file;
  }

  /// Passes on the actions of the kinds named, if the file has them.
  Status read_by_json(std::span<const ActionColumn> actions, const File& file,
                      const std::function<void(Action&&)>& take) {
    for (const ActionColumn& action : actions) {
      const auto column = file.columns.find(std::string(action.name));
      if (column == file.columns.end() || file.is_empty(std::string(action.name))) continue;
      if (find_member(column->second, action.required_member) == nullptr) continue;
      // Compared with the least value, rather than with NULL, so that DuckDB leaves out row groups without any.
      const auto result = run(fmt::format(
          "SELECT CAST(to_json(struct_pack({0} := {0})) AS VARCHAR) FROM {1} WHERE {0}.{2} >= {3}",
          quote_name(action.name), scan_of({&file, 1}), quote_name(action.required_member), action.least_value));
      while (const auto chunk = result->Fetch()) {
        const ColumnView lines(*chunk, 0);
        for (std::size_t row = 0; row < chunk->size(); ++row) {
          auto read = read_actions(lines.text(row).value_or(""), file.key);
          if (!read) return damaged(file.key, read.error().message());
          for (Action& each : *read) take(std::move(each));
        }
      }
    }
    return ok();
  }

  /// Passes on the AddFile actions of files that have the same columns.
  void read_adds(std::span<const File> files) {
    const auto add = files.front().columns.find("add");
    if (add == files.front().columns.end()) return;
    std::string list;
    for (const FileColumn& column : add_columns()) {
      if (!list.empty()) list += ", ";
      const std::string path = fmt::format("add.{}", column.name);
      const bool is_empty = std::ranges::all_of(files, [&](const File& file) { return file.is_empty(path); });
      list += fmt::format("CAST({} AS {})", is_empty ? "NULL" : expression_for(add->second, column.name),
                          column.type.ToString());
    }
    // Those that have the JSON form need no other.
    const bool is_json = find_member(add->second, "stats") != nullptr &&
                         !std::ranges::all_of(files, [](const File& file) { return file.is_empty("add.stats"); });
    list += is_json || find_member(add->second, "stats_parsed") == nullptr ? ", NULL" : ", \"add\".\"stats_parsed\"";
    std::uint64_t size_bytes = 0;
    for (const File& file : files) size_bytes += file.size_bytes;
    set_threads(size_bytes);
    run(fmt::format("SELECT count({}({})) FROM {} WHERE \"add\".\"path\" IS NOT NULL", kTakeFunction, list,
                    scan_of(files)))
        ->Fetch();
  }

 private:
  static constexpr std::string_view kTakeFunction = "take_files";

  /// Makes the function that takes the files of a chunk, where DuckDB's threads have just read it.
  void add_take_function() {
    duckdb::vector<duckdb::LogicalType> types;
    for (const FileColumn& column : add_columns()) types.push_back(column.type);
    types.push_back(duckdb::LogicalType::ANY);
    duckdb::ScalarFunction function(std::string(kTakeFunction), std::move(types), duckdb::LogicalType::BOOLEAN,
                                    [this](duckdb::DataChunk& chunk, duckdb::ExpressionState&, duckdb::Vector& result) {
                                      auto block = make_block(chunk);
                                      {
                                        const std::lock_guard lock(mutex_);
                                        take_files_(std::move(block));
                                      }
                                      result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
                                      duckdb::ConstantVector::GetData<bool>(result)[0] = true;
                                    });
    function.SetStability(duckdb::FunctionStability::VOLATILE);
    function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
    duckdb::CreateScalarFunctionInfo info(std::move(function));
    duckdb::ClientContext& client = *connection_->context;
    client.RunFunctionInTransaction([&] { duckdb::Catalog::GetSystemCatalog(client).CreateFunction(client, info); });
  }

  /// Learns from the file's footer which columns need not be read. A column that is nothing but nulls takes as long to
  /// read as others, and log checkpoints have many of these.
  void find_empty_columns(File& file) {
    const auto result =
        run(fmt::format("SELECT path_in_schema, bool_and(coalesce(stats_null_count = num_values, false)) FROM "
                        "parquet_metadata('{}{}') GROUP BY 1",
                        StoreFileSystem::kScheme, file.key));
    std::set<std::string> others;
    while (const auto chunk = result->Fetch()) {
      const ColumnView paths(*chunk, 0);
      const ColumnView empty(*chunk, 1);
      for (std::size_t row = 0; row < chunk->size(); ++row) {
        const std::string leaf = paths.text(row).value_or("");
        std::string path;  // each column above the leaf, then the leaf
        for (std::size_t begin = 0; begin < leaf.size();) {
          const std::size_t end = std::min(leaf.find(", ", begin), leaf.size());
          path += (path.empty() ? "" : ".") + leaf.substr(begin, end - begin);
          (empty.optional<bool>(row).value_or(false) ? file.empty_columns : others).insert(path);
          begin = end + 2;
        }
      }
    }
    for (const std::string& path : others) file.empty_columns.erase(path);
  }

  /// As many threads as so many bytes are worth: starting one takes as long as reading a megabyte.
  void set_threads(std::uint64_t size_bytes) {
    constexpr std::uint64_t kBytesPerThread = 4 << 20;
    const auto machine = duckdb::DBConfig::GetSystemMaxThreads(database_->GetFileSystem());
    const auto count = std::min<std::uint64_t>({machine, kCheckpointThreadsMax, size_bytes / kBytesPerThread + 1});
    run(fmt::format("SET threads = {}", count));
  }

  static std::string scan_of(std::span<const File> files) {
    std::string list;
    for (const File& file : files) {
      if (!list.empty()) list += ", ";
      list += fmt::format("'{}{}'", StoreFileSystem::kScheme, file.key);
    }
    return fmt::format("read_parquet([{}], binary_as_string = true, hive_partitioning = false)", list);
  }

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
      if (type == nullptr) return "NULL";
      sql += fmt::format(".{}", quote_name(name));
    }
    return sql;
  }

  const std::function<void(std::shared_ptr<const FileBlock>)>& take_files_;
  std::mutex mutex_;  // held around take_files_
  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
  StoreFileSystem* files_ = nullptr;  // owned by database_
};

/// Reads one checkpoint; holds the DuckDB instance while it does.
class CheckpointReader {
 public:
  CheckpointReader(store::ObjectStore& store, CheckpointContent content, const CheckpointSink& sink)
      : store_(store), content_(content), sink_(sink) {
    if (sink_.take_files) {
      take_files_ = sink_.take_files;
    } else {
      take_files_ = [this](const std::shared_ptr<const FileBlock>& block) {
        for (std::size_t row = 0; row < block->size(); ++row) {
          AddFile file;
          block->read(row, file);
          sink_.take(std::move(file));
        }
      };
    }
  }

  Status read(std::span<const LogFile> files) {
    for (const LogFile& file : files) {
      if (file.path.kind == LogPath::Kind::UuidCheckpointJson) {
        SLUICE_TRY(read_json(file.info.key));
      } else {
        SLUICE_TRY(read_parquet(file.info.key, file.info.size_bytes));
      }
      const std::vector<Sidecar> sidecars = std::move(sidecars_);
      sidecars_.clear();
      for (const Sidecar& sidecar : sidecars) {
        const auto path = resolve_path(sidecar.path);
        if (!path || path->absolute || path->path.find_first_of("'*?[/") != std::string::npos) {
          return damaged(file.info.key, fmt::format("it names the sidecar \"{}\"", sidecar.path));
        }
        SLUICE_TRY(read_parquet(std::string(kSidecarFolder) + path->path,
                                static_cast<std::uint64_t>(std::max<std::int64_t>(sidecar.size_bytes, 0))));
      }
    }
    return read_adds();
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

  /// Runs what DuckDB does with the file.
  template <typename Call>
  Status with_duckdb(const std::string& key, Call&& call) {
    try {
      if (!parquet_) parquet_ = std::make_unique<ParquetActions>(store_, take_files_);
      return call();
    } catch (const std::exception& exception) {
      if (parquet_) {
        const auto failure = parquet_->store_failure();
        if (failure && is_store_error(*failure)) return *failure;
      }
      return damaged(key, duckdb::ErrorData(exception).RawMessage());
    }
  }

  /// Reads what the file holds but AddFile actions.
  Status read_parquet(const std::string& key, std::uint64_t size_bytes) {
    static constexpr ActionColumn kStateActions[] = {{"protocol", "minReaderVersion", "0"},
                                                     {"metaData", "id", "''"},
                                                     {"txn", "appId", "''"},
                                                     {"domainMetadata", "domain", "''"},
                                                     {"sidecar", "path", "''"}};
    static constexpr ActionColumn kTombstoneActions[] = {{"remove", "path", "''"}, {"sidecar", "path", "''"}};
    static constexpr ActionColumn kSidecarActions[] = {{"sidecar", "path", "''"}};
    std::span<const ActionColumn> actions = kStateActions;
    if (content_ == CheckpointContent::Tombstones) actions = kTombstoneActions;
    if (content_ == CheckpointContent::Sidecars) actions = kSidecarActions;
    return with_duckdb(key, [&]() -> Status {
      ParquetActions::File file = parquet_->open(key, size_bytes);
      SLUICE_TRY(parquet_->read_by_json(actions, file, [&](Action&& action) { take(std::move(action)); }));
      if (content_ == CheckpointContent::State) files_.push_back(std::move(file));
      return ok();
    });
  }

  /// Reads the AddFile actions of all files, those with the same columns at once, so that all threads have work.
  Status read_adds() {
    while (!files_.empty()) {
      const auto others = std::stable_partition(files_.begin(), files_.end(), [&](const ParquetActions::File& file) {
        return file.columns == files_.front().columns;
      });
      const std::span<const ParquetActions::File> alike(files_.begin(), others);
      const Status read = with_duckdb(alike.front().key, [&] {
        parquet_->read_adds(alike);
        return ok();
      });
      if (!read) return alike.size() == 1 || is_store_error(read.error()) ? read : blame(alike, read.error());
      files_.erase(files_.begin(), others);
    }
    return ok();
  }

  /// Finds out which of the files it is that cannot be read.
  Status blame(std::span<const ParquetActions::File> files, const Error& error) {
    take_files_ = [](const std::shared_ptr<const FileBlock>&) {};
    for (const ParquetActions::File& file : files) {
      SLUICE_TRY(with_duckdb(file.key, [&] {
        parquet_->read_adds({&file, 1});
        return ok();
      }));
    }
    return error;
  }

  void take(Action&& action) {
    auto* sidecar = std::get_if<Sidecar>(&action);
    if (sidecar != nullptr && content_ != CheckpointContent::Sidecars) {
      sidecars_.push_back(std::move(*sidecar));
      return;
    }
    const bool is_tombstone = std::holds_alternative<RemoveFile>(action);
    const auto kind = sidecar != nullptr ? CheckpointContent::Sidecars
                      : is_tombstone     ? CheckpointContent::Tombstones
                                         : CheckpointContent::State;
    if (kind == content_) sink_.take(std::move(action));
  }

  store::ObjectStore& store_;
  const CheckpointContent content_;
  const CheckpointSink& sink_;
  std::function<void(std::shared_ptr<const FileBlock>)> take_files_;
  std::unique_ptr<ParquetActions> parquet_;
  std::vector<ParquetActions::File> files_;
  std::vector<Sidecar> sidecars_;
};

}  // namespace

Status read_checkpoint(store::ObjectStore& store, std::span<const LogFile> files, CheckpointContent content,
                       const CheckpointSink& sink) {
  return CheckpointReader(store, content, sink).read(files);
}

}  // namespace sluice::delta::internal
