#include "sql/internal/project.h"

#include <algorithm>

#include <fmt/format.h>

#include <duckdb/common/string_util.hpp>

namespace sluice::sql {
namespace {

constexpr std::uint8_t kNew = 0;
constexpr std::uint8_t kOpen = 1;
constexpr std::uint8_t kDone = 2;

std::string lower(const std::string& text) { return duckdb::StringUtil::Lower(text); }

std::string_view kind_name(plan::DatasetKind kind) {
  switch (kind) {
    case plan::DatasetKind::StreamingTable: return "streaming table";
    case plan::DatasetKind::MaterializedView: return "materialized view";
    case plan::DatasetKind::TemporaryView: return "temporary view";
  }
  return "";
}

}  // namespace

Project::Project(const std::vector<SourceFile>& files, const Settings& settings, PlanningDatabase& database)
    : files_(files), settings_(settings), database_(database), source_(files) {
  parse_files();
  define_names();
  parse_queries();
  sort_datasets();
  for (const std::size_t index : order_) check_streams(drafts_[index]);
}

void Project::parse_files() {
  file_tokens_.reserve(files_.size());  // token positions must not move
  for (std::size_t file = 0; file < files_.size(); ++file) {
    file_tokens_.push_back(tokenize(source_, source_.file_span(file)));
    Tokens& tokens = file_tokens_.back();
    token_index_.add(tokens.tokens);
    parsed_.push_back(parse_statements(source_, tokens.tokens, settings_.schema));
    // Text that is never closed swallows what follows; complaints about the stump would only distract.
    const std::vector<Error>& found = tokens.errors.empty() ? parsed_.back().errors : tokens.errors;
    errors_.insert(errors_.end(), found.begin(), found.end());
  }
}

void Project::define_names() {
  for (std::size_t file = 0; file < parsed_.size(); ++file) {
    for (const DatasetStatement& statement : parsed_[file].datasets) {
      const auto [at, is_new] = by_name_.emplace(lower(statement.name.text), drafts_.size());
      if (!is_new) {
        const SourceLocation first = drafts_[at->second].out.location;
        errors_.push_back(
            source_.error(SqlError::DuplicateDataset, statement.name.span,
                          fmt::format("there is another dataset \"{}\"", statement.name.text),
                          fmt::format("the first is at {}:{}:{}; names are compared without regard to case", first.file,
                                      first.line, first.column)));
        continue;
      }
      DatasetDraft draft;
      draft.statement = &statement;
      draft.broken = !file_tokens_[file].errors.empty();
      draft.out.name = statement.name.text;
      draft.out.kind = statement.kind;
      draft.out.is_private = statement.is_private;
      draft.out.location = source_.locate(statement.name.span);
      draft.out.comment = statement.comment;
      for (const auto& [key, value] : settings_.configuration) {
        if (key.starts_with("pipelines.")) draft.out.properties[key] = value;
      }
      for (const auto& [key, property] : statement.properties) draft.out.properties[key] = property.value;
      drafts_.push_back(std::move(draft));
    }
  }
}

void Project::parse_queries() {
  NameScope names;
  names.schema = settings_.schema;
  names.is_dataset = [&](const std::string& name) { return by_name_.contains(name); };
  for (const DatasetDraft& draft : drafts_) names.dataset_names.push_back(draft.out.name);
  for (DatasetDraft& draft : drafts_) {
    std::vector<Error> found;
    QueryText text(source_, draft.statement->query, found);
    // What the text itself refuses would only come back as a syntax error; of a broken file only the names count.
    if (draft.broken) found.clear();
    if (found.empty() && !draft.broken) {
      draft.query = parse_query(source_, token_index_, std::move(text), names, database_, found);
    } else {
      draft.query = std::make_unique<Query>(std::move(text));
    }
    draft.broken = draft.broken || !found.empty();
    errors_.insert(errors_.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
}

void Project::sort_datasets() {
  std::vector<std::uint8_t> state(drafts_.size(), kNew);
  std::vector<std::size_t> path;
  for (std::size_t i = 0; i < drafts_.size(); ++i) visit(i, path, state);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the graph.
void Project::visit(std::size_t index, std::vector<std::size_t>& path, std::vector<std::uint8_t>& state) {
  if (state[index] == kDone) return;
  if (state[index] == kOpen) {
    const auto first = std::ranges::find(path, index);
    report_cycle(path, static_cast<std::size_t>(first - path.begin()));
    return;
  }
  state[index] = kOpen;
  path.push_back(index);
  for (const auto& [offset, use] : drafts_[index].query->uses) {
    if (use.dataset.empty()) continue;
    const std::size_t child = by_name_.at(use.dataset);
    visit(child, path, state);
    if (drafts_[child].broken) drafts_[index].broken = true;
  }
  path.pop_back();
  state[index] = kDone;
  order_.push_back(index);
}

void Project::report_cycle(const std::vector<std::size_t>& path, std::size_t first) {
  // Told from the dataset that the text has first, at the reference with which its path begins.
  std::vector<std::size_t> members(path.begin() + static_cast<std::ptrdiff_t>(first), path.end());
  std::ranges::rotate(members, std::ranges::min_element(members));
  std::string text;
  for (const std::size_t member : members) {
    drafts_[member].broken = true;
    text += drafts_[member].out.name + " → ";
  }
  text += drafts_[members.front()].out.name;
  const std::string next = lower(drafts_[members[members.size() > 1 ? 1 : 0]].out.name);
  Span span = drafts_[members.front()].statement->name.span;
  for (const auto& [offset, use] : drafts_[members.front()].query->uses) {
    if (use.dataset == next) {
      span = use.span;
      break;
    }
  }
  errors_.push_back(source_.error(SqlError::Cycle, span, fmt::format("datasets read each other in a circle: {}", text),
                                  "a dataset must not depend on itself: break the circle at one of these"));
}

std::vector<DatasetDraft*> Project::in_dependency_order() {
  std::vector<DatasetDraft*> out;
  for (const std::size_t index : order_) out.push_back(&drafts_[index]);
  return out;
}

void Project::check_streams(DatasetDraft& draft) {
  for (const auto& [offset, use] : draft.query->uses) {
    const bool through_view = !use.dataset.empty() && get(use.dataset).out.kind == plan::DatasetKind::TemporaryView &&
                              get(use.dataset).streams;
    draft.streams = draft.streams || use.stream.has_value() || through_view;
  }
  if (draft.broken) return;
  const std::size_t before = errors_.size();
  for (const auto& [offset, use] : draft.query->uses) check_streaming_use(draft, use);
  if (draft.out.kind == plan::DatasetKind::StreamingTable && draft.query->uses.empty()) {
    errors_.push_back(source_.error(SqlError::TableWithoutStream, draft.statement->name.span,
                                    fmt::format("streaming table \"{}\" reads no stream", draft.out.name),
                                    "read one: FROM STREAM name, or make it a MATERIALIZED VIEW"));
  }
  draft.broken = errors_.size() > before;
}

void Project::check_streaming_use(DatasetDraft& draft, const RelationUse& use) {
  const DatasetDraft* target = use.dataset.empty() ? nullptr : &get(use.dataset);
  const auto fail = [&](SqlError number, Span span, std::string message, std::string help) {
    errors_.push_back(source_.error(number, span, std::move(message), std::move(help)));
  };
  const bool view_streams =
      target != nullptr && target->out.kind == plan::DatasetKind::TemporaryView && target->streams;
  if (use.stream && target != nullptr && target->out.kind == plan::DatasetKind::MaterializedView) {
    return fail(
        SqlError::StreamOfView, *use.stream,
        fmt::format(
            "STREAM of the materialized view \"{}\": its rows change and vanish, but a stream takes each row once",
            target->out.name),
        "read it without STREAM in a MATERIALIZED VIEW, or stream from the table it is made of");
  }
  if (use.stream && target != nullptr && target->out.kind == plan::DatasetKind::TemporaryView && !target->streams) {
    return fail(SqlError::StreamOfView, *use.stream,
                fmt::format("the temporary view \"{}\" reads no stream", target->out.name),
                fmt::format("put STREAM inside the view, before the table that \"{}\" reads", target->out.name));
  }
  if (draft.out.kind == plan::DatasetKind::MaterializedView && (use.stream || view_streams)) {
    return fail(SqlError::ViewReadsStream, use.stream.value_or(use.span),
                fmt::format("a {} always equals its query over all rows, so it cannot take a stream of new ones",
                            kind_name(draft.out.kind)),
                use.stream ? "leave out STREAM, or make it a STREAMING TABLE"
                           : fmt::format("view \"{}\" reads a STREAM: leave that out, or make this a STREAMING TABLE",
                                         target->out.name));
  }
  if (draft.out.kind == plan::DatasetKind::StreamingTable && !use.stream && !view_streams) {
    const std::string name =
        target == nullptr ? fmt::format("{}(…)", plan::function_of(use.source->kind)) : target->out.name;
    return fail(SqlError::TableWithoutStream, use.span,
                fmt::format("a streaming table takes each row of its inputs once, but {} is read as a whole", name),
                target != nullptr && target->out.kind == plan::DatasetKind::MaterializedView
                    ? "make it a MATERIALIZED VIEW: rows of a materialized view change"
                    : fmt::format("add STREAM: FROM STREAM {}", name));
  }
}

}  // namespace sluice::sql
