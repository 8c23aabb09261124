#include "lake/lake.h"

#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <duckdb.hpp>
#include <duckdb/common/string_util.hpp>
#include <duckdb/parser/keyword_helper.hpp>
#include <duckdb/parser/parsed_data/attach_info.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/statement/attach_statement.hpp>
#include <duckdb/parser/statement/create_statement.hpp>

#include "base/check.h"
#include "delta/history.h"
#include "lake/internal/adapt_statement.h"
#include "lake/internal/delta_scan.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/instance.h"
#include "lake/internal/query_error.h"
#include "lake/internal/query_names.h"
#include "lake/internal/statement_text.h"
#include "store/local_store.h"
#include "store/prefix_store.h"

namespace sluice::lake {
namespace {

/// A connection to an instance, and what its queries mean by their names. Shared by a session and its Rows.
struct Conversation {
  std::shared_ptr<Instance> instance;
  std::unique_ptr<duckdb::Connection> connection;
};

/// Ok if the statement is not one of Spark's that this version lacks.
Status check_lacking(const StatementText& statement) {
  if (statement.extras().lacking.empty()) return ok();
  return Error(ErrorCode::Unsupported, fmt::format("{} is not part of this version", statement.extras().lacking))
      .with_number(kErrorStatement)
      .with_help("docs/sql.md lists the statements there are")
      .at(locate(statement.written(), 0));
}

/// A running query and all it needs to go on.
class RunningQuery final : public Rows {
 public:
  RunningQuery(std::shared_ptr<Conversation> conversation, StatementText statement)
      : conversation_(std::move(conversation)), names_of_query_(names_of(client())), statement_(std::move(statement)) {}

  /// Plans and starts the query.
  Status start(std::stop_token stop) {
    if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "the query was stopped");
    SLUICE_TRY(check_lacking(statement_));
    duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>> statements;
    SLUICE_TRY(in_duckdb([&] { statements = connection().ExtractStatements(statement_.parsed()); }));
    if (statements.empty() || (statements.size() != 1 && !makes_pivot(statements))) {
      return Error(ErrorCode::InvalidArgument, fmt::format("one statement at a time, not {}", statements.size()))
          .with_number(kErrorNotOneStatement);
    }
    for (auto& statement : statements) {
      if (pending_) {
        SLUICE_TRY(in_duckdb([&] {
          const auto done = pending_->Execute();
          if (done->HasError()) done->ThrowError();
        }));
      }
      SLUICE_TRY(plan(std::move(statement)));
    }
    if (names_of_query_->lacks_overwrite()) {
      return Error(ErrorCode::InvalidArgument, "only rows of a Delta table can be put in place of others by INSERT")
          .with_number(kErrorStatement)
          .with_help("ATTACH 'folder' AS lake (TYPE delta); INSERT OVERWRITE lake.t …");
    }
    // Planning cleared earlier interrupts; a stop requested meanwhile strikes here.
    interrupt_.emplace(std::move(stop), Interrupt{&connection()});
    SLUICE_TRY(in_duckdb([&] {
      result_ = pending_->Execute();
      if (result_->HasError()) result_->ThrowError();
    }));
    names_.assign(result_->names.begin(), result_->names.end());
    types_.assign(result_->types.begin(), result_->types.end());
    return ok();
  }

  const std::vector<std::string>& names() const override { return names_; }
  const columnar::RowType& types() const override { return types_; }
  bool is_table() const override {
    return result_->properties.return_type == duckdb::StatementReturnType::QUERY_RESULT;
  }
  bool is_change() const override {
    return result_->properties.return_type == duckdb::StatementReturnType::CHANGED_ROWS;
  }

  Result<duckdb::unique_ptr<duckdb::DataChunk>> next() override {
    duckdb::unique_ptr<duckdb::DataChunk> chunk;
    if (finished_) return chunk;
    Status fetched = in_duckdb([&] {
      chunk = result_->FetchRaw();
      if (result_->HasError()) result_->ThrowError();
    });
    finished_ = !fetched || !chunk || chunk->size() == 0;
    if (!fetched) return std::move(fetched).error();
    if (finished_) chunk.reset();
    return chunk;
  }

 private:
  struct Interrupt {
    duckdb::Connection* connection;
    void operator()() const { connection->Interrupt(); }
  };

  duckdb::Connection& connection() const { return *conversation_->connection; }
  duckdb::ClientContext& client() const { return *connection().context; }

  /// Runs a call into DuckDB. The error of a name, file or cursor goes before the exception in which DuckDB wrapped it.
  template <typename Call>
  Status in_duckdb(Call&& call) {
    Status done = conversation_->instance->run(statement_, std::forward<Call>(call));
    if (done || done.error().code() == ErrorCode::Cancelled) return done;
    if (auto failure = names_of_query_->failure()) return std::move(*failure);
    if (auto missing = names_of_query_->missing_table()) {
      if (done.error().location()) return std::move(*missing).at(*done.error().location());
      return std::move(*missing);
    }
    return done;
  }

  /// Plans a statement, and sees to it that it changes nothing that lasts but Delta tables.
  Status plan(duckdb::unique_ptr<duckdb::SQLStatement> statement) {
    SLUICE_TRY(check_statement(*statement));
    SLUICE_TRY(in_duckdb([&] {
      adapt_statement(*statement, client(), *names_of_query_);
      pending_ = connection().PendingQuery(std::move(statement), /*allow_stream_result=*/true);
      if (pending_->HasError()) pending_->ThrowError();
    }));
    return refuse_lasting_changes();
  }

  /// Of a PIVOT that does not say which values become columns DuckDB makes several statements: temporary types with the
  /// values there are, and a query.
  static bool makes_pivot(const duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>>& statements) {
    const auto makes_type = [](const auto& statement) {
      return statement->type == duckdb::StatementType::CREATE_STATEMENT &&
             statement->template Cast<duckdb::CreateStatement>().info->type == duckdb::CatalogType::TYPE_ENTRY;
    };
    return std::all_of(statements.begin(), statements.end() - 1, makes_type);
  }

  /// Ok if the statement is one that a query may be, as far as its text tells.
  Status check_statement(const duckdb::SQLStatement& statement) {
    if (statement.type == duckdb::StatementType::ATTACH_STATEMENT) {
      return check_attach(*statement.Cast<duckdb::AttachStatement>().info);
    }
    if (statement.type != duckdb::StatementType::CREATE_STATEMENT) return ok();
    const duckdb::CreateInfo& info = *statement.Cast<duckdb::CreateStatement>().info;
    // Before it is planned: of a table that is planned and never made DuckDB leaks the description.
    if (info.type != duckdb::CatalogType::TABLE_ENTRY || info.temporary || info.catalog == TEMP_CATALOG ||
        info.schema == TEMP_CATALOG) {
      return ok();
    }
    bool in_attached = false;
    SLUICE_TRY(in_duckdb([&] { in_attached = is_in_attached(client(), info.catalog, info.schema); }));
    return in_attached ? ok() : lasting_change();
  }

  Status check_attach(const duckdb::AttachInfo& info) {
    const auto type = info.parsed_options.find("type");
    std::string name = type == info.parsed_options.end() ? "" : type->second->ToString();
    std::erase_if(name, [](char c) { return c == '\'' || c == '"'; });
    if (duckdb::StringUtil::CIEquals(name, AttachedCatalog::kType)) return ok();
    return Error(ErrorCode::InvalidArgument, "only folders of Delta tables can be attached")
        .with_number(kErrorReachesOutside)
        .with_help("ATTACH 'folder' AS lake (TYPE delta)");
  }

  Status refuse_lasting_changes() {
    for (const auto& [database, change] : pending_->properties.modified_databases) {
      bool allowed = database == TEMP_CATALOG;
      if (!allowed) {
        SLUICE_TRY(in_duckdb([&] { allowed = is_attached(client(), database); }));
      }
      if (!allowed) return lasting_change();
    }
    return ok();
  }

  static Error lasting_change() {
    return Error(ErrorCode::InvalidArgument, "a query changes nothing but attached folders and temporary objects")
        .with_number(kErrorChangesSomething)
        .with_help(
            "datasets are defined by the project's SQL files, and `sluice run` changes their tables; ATTACH 'folder' "
            "AS "
            "lake (TYPE delta) makes other tables open to INSERT, UPDATE, DELETE and MERGE");
  }

  const std::shared_ptr<Conversation> conversation_;
  const duckdb::shared_ptr<QueryNames> names_of_query_;
  const StatementText statement_;
  duckdb::unique_ptr<duckdb::PendingQueryResult> pending_;
  duckdb::unique_ptr<duckdb::QueryResult> result_;
  std::vector<std::string> names_;
  columnar::RowType types_;
  bool finished_ = false;
  std::optional<std::stop_callback<Interrupt>> interrupt_;  // before anything it interrupts goes away
};

/// Tables in the folders that read_delta() and table_changes() name.
class FolderOpener {
 public:
  explicit FolderOpener(std::string working_folder) : working_folder_(std::move(working_folder)) {}

  Result<DeltaTable> open(const std::string& path, const QueryNames::TableVersion& at) {
    SLUICE_TRY_ASSIGN(auto store, open_store(path));
    auto snapshot = load(*store, at);
    if (!snapshot) return version_error(std::move(snapshot).error()).in(fmt::format("read_delta('{}')", path));
    if (!*snapshot) return no_table(path);
    return DeltaTable{std::move(*snapshot), std::move(store)};
  }

  Result<DeltaChanges> open_changes(const std::string& path, std::int64_t from, std::optional<std::int64_t> to) {
    SLUICE_TRY_ASSIGN(auto store, open_store(path));
    const auto last = to ? std::optional(delta::Version(*to)) : std::nullopt;
    auto changes = delta::load_changes(*store, delta::Version(from), last);
    if (!changes) return version_error(std::move(changes).error()).in(fmt::format("table_changes('{}')", path));
    if (!*changes) return no_table(path);
    return DeltaChanges{std::move(**changes), std::move(store)};
  }

  Result<std::shared_ptr<store::ObjectStore>> open_store(std::string_view path) const {
    SLUICE_TRY_ASSIGN(const std::string key, key_of(path));
    std::error_code failed;
    if (key.empty() || !std::filesystem::is_directory("/" + key, failed)) return no_table(path);
    SLUICE_TRY_ASSIGN(auto root, store::LocalStore::create(std::string("/")));
    std::shared_ptr<store::LocalStore> shared_root = std::move(root);
    return std::shared_ptr<store::ObjectStore>(new store::PrefixStore(*shared_root, key),
                                               [shared_root](store::PrefixStore* store) { delete store; });
  }

  Result<std::shared_ptr<AttachedFolder>> attach(const std::string& path, Clock& clock, Random& random) const {
    SLUICE_TRY_ASSIGN(const std::string key, key_of(path));
    return AttachedFolder::open("/" + key, clock, random);
  }

 private:
  static Result<std::shared_ptr<const delta::Snapshot>> load(store::ObjectStore& store,
                                                             const QueryNames::TableVersion& at) {
    const auto version = at.version ? std::optional(delta::Version(*at.version)) : std::nullopt;
    SLUICE_TRY_ASSIGN(auto snapshot, delta::Snapshot::load(store, version));
    if (!snapshot || !at.time) return snapshot;
    SLUICE_TRY_ASSIGN(const delta::Version then, delta::find_version_at(store, *snapshot, *at.time));
    if (then == snapshot->version()) return snapshot;
    return delta::Snapshot::load(store, then);
  }

  static Error no_table(std::string_view path) {
    return Error(ErrorCode::NotFound, fmt::format("there is no Delta table in '{}'", path))
        .with_number(kErrorNoDeltaTable)
        .with_help("relative paths start at the project folder");
  }

  /// Returns the absolute path, without the leading '/'. Unsupported if it is not of this machine.
  Result<std::string> key_of(std::string_view path) const {
    constexpr std::string_view kFileScheme = "file://";
    if (path.starts_with(kFileScheme)) path.remove_prefix(kFileScheme.size());
    if (path.find("://") != std::string_view::npos) {
      return Error(ErrorCode::Unsupported, fmt::format("'{}': only local folders can be read", path))
          .with_number(kErrorNoDeltaTable);
    }
    std::error_code failed;
    const auto absolute = std::filesystem::absolute(std::filesystem::path(working_folder_) / path, failed);
    std::string key = absolute.lexically_normal().relative_path().generic_string();
    while (key.ends_with('/')) key.pop_back();
    return failed ? std::string() : key;
  }

  const std::string working_folder_;
};

}  // namespace

struct Lake::Impl {
  explicit Impl(LakeOptions lake_options) : options(std::move(lake_options)), folders(options.working_folder) {}

  /// Returns the instance for ad-hoc queries, a new one if the last is broken.
  Result<std::shared_ptr<Instance>> adhoc_instance() {
    const std::lock_guard lock(mutex);
    if (!adhoc || adhoc->broken()) {
      SLUICE_TRY_ASSIGN(adhoc, make_adhoc_instance());
    }
    return adhoc;
  }

  Result<std::shared_ptr<Instance>> make_adhoc_instance() {
    InstanceOptions wanted;
    wanted.thread_count = options.thread_count;
    wanted.memory_bytes_max = options.memory_bytes_max;
    wanted.spill_folder = options.spill_folder;
    wanted.ad_hoc = true;
    if (options.clock != nullptr && options.random != nullptr) {
      wanted.open_folder = [this](const std::string& path) {
        return folders.attach(path, *options.clock, *options.random);
      };
    }
    return Instance::create(wanted);
  }

  Result<std::shared_ptr<Instance>> pipeline_instance() {
    const std::lock_guard lock(mutex);
    if (!pipeline) {
      InstanceOptions wanted;
      wanted.thread_count = 1;
      wanted.memory_bytes_max = options.memory_bytes_max;
      wanted.spill_folder = options.spill_folder;
      wanted.pins_order = true;
      SLUICE_TRY_ASSIGN(pipeline, Instance::create(wanted));
    }
    return pipeline;
  }

  /// Returns what names mean in ad-hoc queries.
  QueryNames::Sources adhoc_sources() {
    QueryNames::Sources sources;
    sources.schema = options.schema;
    sources.find_table = options.find_table;
    sources.list_tables = options.list_tables;
    sources.open_table = [this](const std::string& path, const QueryNames::TableVersion& at) {
      return folders.open(path, at);
    };
    sources.open_changes = [this](const std::string& path, std::int64_t from, std::optional<std::int64_t> to) {
      return folders.open_changes(path, from, to);
    };
    if (options.warn) {
      sources.warn = [this](const std::string& warning) {
        {
          const std::lock_guard lock(mutex);
          if (!warned.insert(warning).second) return;
        }
        options.warn(warning);
      };
    }
    return sources;
  }

  const LakeOptions options;
  FolderOpener folders;
  std::mutex mutex;
  std::set<std::string> warned;        // guarded by mutex
  std::shared_ptr<Instance> adhoc;     // guarded by mutex
  std::shared_ptr<Instance> pipeline;  // guarded by mutex
};

namespace {

/// Statements on one connection.
class Session final : public LakeSession {
 public:
  /// `sources` says what names mean in each next query.
  Session(std::shared_ptr<Conversation> conversation, std::function<QueryNames::Sources()> sources)
      : conversation_(std::move(conversation)), sources_(std::move(sources)) {}

  Result<std::unique_ptr<Rows>> query(std::string_view sql, std::stop_token stop) override {
    if (conversation_->instance->broken()) {
      return Error(ErrorCode::Internal, "an earlier statement of this session met a bug of DuckDB; open a new one");
    }
    StatementText statement = StatementText::adapt(sql);
    conversation_->instance->renew_names(*conversation_->connection, sources_(), statement.extras());
    auto query = std::make_unique<RunningQuery>(conversation_, std::move(statement));
    SLUICE_TRY(query->start(std::move(stop)));
    return std::unique_ptr<Rows>(std::move(query));
  }

 private:
  const std::shared_ptr<Conversation> conversation_;
  const std::function<QueryNames::Sources()> sources_;
};

/// Returns a batch of the first columns of the rows; it shares their memory.
columnar::ChangeBatch batch_of(duckdb::DataChunk& rows, std::size_t column_count) {
  const auto types = rows.GetTypes();
  duckdb::DataChunk shared;
  shared.InitializeEmpty(
      duckdb::vector<duckdb::LogicalType>(types.begin(), types.begin() + static_cast<std::ptrdiff_t>(column_count)));
  for (std::size_t column = 0; column < column_count; ++column) shared.data[column].Reference(rows.data[column]);
  shared.SetCardinality(rows.size());
  return columnar::ChangeBatch(std::move(shared));
}

/// Returns what a file of the feed says in its last column: +1 for a row that came, -1 for one that went.
Result<std::vector<std::int64_t>> recorded_weights(duckdb::DataChunk& rows, const std::string& path) {
  duckdb::Vector& types = rows.data[rows.ColumnCount() - 1];
  types.Flatten(rows.size());
  std::vector<std::int64_t> weights;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const bool is_null = duckdb::FlatVector::IsNull(types, row);
    const std::string type = is_null ? "NULL" : duckdb::FlatVector::GetData<duckdb::string_t>(types)[row].GetString();
    if (type == "insert" || type == "update_postimage") {
      weights.push_back(1);
    } else if (type == "delete" || type == "update_preimage") {
      weights.push_back(-1);
    } else {
      return Error(ErrorCode::Corruption, fmt::format("file {} of the change data feed says \"{}\" of a row, which is "
                                                      "neither an insert nor a delete nor an update",
                                                      path, type));
    }
  }
  return weights;
}

}  // namespace

Error in_script(Error error, std::string_view script, std::size_t begin) {
  if (!error.location()) return error;
  // The statement's lines begin where the script's do, but for the first.
  const SourceLocation& in_statement = *error.location();
  const SourceLocation start = locate(script, begin);
  SourceLocation where = in_statement;
  where.line += start.line - 1;
  if (in_statement.line == 1) where.column += start.column - 1;
  std::size_t line_begin = 0;
  for (std::uint32_t line = 1; line < where.line; ++line) line_begin = script.find('\n', line_begin) + 1;
  where.text = script.substr(line_begin, script.find('\n', line_begin) - line_begin);
  return std::move(error).at(std::move(where));
}

Lake::Lake(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Lake::~Lake() = default;

Result<std::unique_ptr<Lake>> Lake::create(LakeOptions options) {
  return std::unique_ptr<Lake>(new Lake(std::make_unique<Impl>(std::move(options))));
}

Result<std::vector<ScriptPart>> Lake::split(std::string_view script) {
  SLUICE_TRY_ASSIGN(auto instance, impl_->adhoc_instance());
  std::vector<ScriptPart> parts;
  for (const TextRange& range : split_script(script)) {
    parts.push_back({range.begin, std::string(script.substr(range.begin, range.end - range.begin))});
    const StatementText statement = StatementText::adapt(parts.back().text);
    Status parsed = check_lacking(statement);
    if (parsed) parsed = instance->run(statement, [&] { duckdb::Parser().ParseQuery(statement.parsed()); });
    if (!parsed) return in_script(std::move(parsed).error(), script, range.begin);
  }
  return parts;
}

Result<std::unique_ptr<LakeSession>> Lake::open_session() {
  // A session has an instance of its own: DuckDB keeps what is attached with the instance.
  SLUICE_TRY_ASSIGN(auto instance, impl_->make_adhoc_instance());
  SLUICE_TRY_ASSIGN(auto connection, instance->connect({}));
  auto conversation = std::make_shared<Conversation>(Conversation{std::move(instance), std::move(connection)});
  return std::unique_ptr<LakeSession>(
      std::make_unique<Session>(std::move(conversation), [impl = impl_.get()] { return impl->adhoc_sources(); }));
}

Result<std::unique_ptr<Rows>> Lake::query(std::string_view sql, std::stop_token stop) {
  SLUICE_TRY_ASSIGN(auto instance, impl_->adhoc_instance());
  StatementText statement = StatementText::adapt(sql);
  SLUICE_TRY_ASSIGN(auto connection, instance->connect(impl_->adhoc_sources(), statement.extras()));
  auto query = std::make_unique<RunningQuery>(
      std::make_shared<Conversation>(Conversation{std::move(instance), std::move(connection)}), std::move(statement));
  SLUICE_TRY(query->start(std::move(stop)));
  return std::unique_ptr<Rows>(std::move(query));
}

Result<std::unique_ptr<Rows>> Lake::execute(std::string_view sql, const std::vector<View>& views,
                                            std::vector<Relation> relations, std::stop_token stop) {
  SLUICE_TRY_ASSIGN(auto instance, impl_->pipeline_instance());
  QueryNames::Sources sources;
  sources.schema = impl_->options.schema;
  sources.relations = std::move(relations);
  SLUICE_TRY_ASSIGN(auto connection, instance->connect(std::move(sources)));
  for (const View& view : views) {
    const std::string create =
        fmt::format("CREATE TEMP VIEW {} AS {}", duckdb::KeywordHelper::WriteQuoted(view.name, '"'), view.sql);
    SLUICE_TRY(instance->run(StatementText(create), [&] {
      auto created = connection->Query(create);
      if (created->HasError()) created->ThrowError();
    }));
  }
  auto query = std::make_unique<RunningQuery>(
      std::make_shared<Conversation>(Conversation{std::move(instance), std::move(connection)}),
      StatementText(std::string(sql)));
  SLUICE_TRY(query->start(std::move(stop)));
  return std::unique_ptr<Rows>(std::move(query));
}

Result<std::shared_ptr<store::ObjectStore>> Lake::open_folder(std::string_view path) const {
  return impl_->folders.open_store(path);
}

Status Lake::scan_table(const DeltaTable& table, const LiveRowSink& sink, std::stop_token stop) {
  SLUICE_TRY_ASSIGN(auto instance, impl_->pipeline_instance());
  SLUICE_TRY_ASSIGN(auto scan, DeltaScan::create(table, instance->files()));
  SLUICE_TRY_ASSIGN(auto connection, instance->connect({}));
  return run_delta_scan(*connection->context, scan, sink, stop);
}

Status Lake::scan_changed_rows(const DeltaTable& table, const std::vector<delta::ChangeFile>& files,
                               const NeededColumns& needed, const ChangedRowSink& sink, std::stop_token stop) {
  using Kind = delta::ChangeFile::Kind;
  if (files.empty()) return ok();
  SLUICE_TRY_ASSIGN(auto instance, impl_->pipeline_instance());
  SLUICE_TRY_ASSIGN(auto scan, DeltaScan::create_changed_rows(table, files, instance->files()));
  SLUICE_TRY_ASSIGN(auto connection, instance->connect({}));
  const std::size_t column_count = table.snapshot->schema().fields.size();
  const auto take = [&](duckdb::DataChunk& rows, std::size_t file) -> Status {
    columnar::ChangeBatch changes = batch_of(rows, column_count);
    if (files[file].kind == Kind::Recorded) {
      SLUICE_TRY_ASSIGN(auto weights, recorded_weights(rows, files[file].path));
      changes.set_weights(std::move(weights));
    } else if (files[file].kind == Kind::Delete) {
      changes.set_weights(std::vector<std::int64_t>(rows.size(), -1));
    }
    return sink(changes);
  };
  return run_file_scan(*connection->context, scan, needed, take, stop);
}

Status Lake::scan_feed(DeltaChanges changes, const NeededColumns& needed, const ChangedRowSink& sink,
                       std::stop_token stop) {
  SLUICE_TRY_ASSIGN(auto instance, impl_->pipeline_instance());
  SLUICE_TRY_ASSIGN(auto scan, DeltaScan::create_changes(std::move(changes), instance->files()));
  if (scan->file_count() == 0) return ok();
  SLUICE_TRY_ASSIGN(auto connection, instance->connect({}));
  const auto take = [&](duckdb::DataChunk& rows, std::size_t) {
    columnar::ChangeBatch batch = batch_of(rows, rows.ColumnCount());
    return sink(batch);
  };
  return run_file_scan(*connection->context, scan, needed, take, stop);
}

}  // namespace sluice::lake
