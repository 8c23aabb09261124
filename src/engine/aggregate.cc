#include "engine/aggregate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "columnar/row_codec.h"
#include "engine/internal/accumulator.h"
#include "engine/internal/row_errors.h"
#include "state/batch_writer.h"
#include "state/key_index.h"

namespace sluice::engine {
namespace {

using columnar::ChangeBatch;
using columnar::RowCodec;
using columnar::RowType;
using duckdb::DataChunk;
using state::Slot;

/// A call, with the places of its argument and its condition among the evaluated columns.
struct RunningCall {
  std::string text;  // "sum(#1)", for errors
  std::optional<std::size_t> argument;
  std::optional<std::size_t> filter;
  std::unique_ptr<internal::Accumulator> accumulator;
};

/// A group's result: its bytes, or why it has none.
struct Outcome {
  std::string_view row;        // empty if it failed
  const std::string* failure;  // "expression | message"; null if it did not
};

/// The results of some groups, as bytes: what a group gave before the epoch.
struct OldResults {
  std::string bytes;
  std::vector<std::size_t> ends;      // per group, in bytes
  std::vector<std::string> failures;  // per group, empty if it did not fail

  Outcome get(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends[index - 1];
    return {std::string_view(bytes).substr(begin, ends[index] - begin),
            failures[index].empty() ? nullptr : &failures[index]};
  }
};

std::string call_text(const AggregateCall& call) {
  std::string text = call.function + (call.distinct ? "(DISTINCT " : "(");
  for (std::size_t i = 0; i < call.arguments.size(); ++i) text += (i == 0 ? "" : ", ") + to_string(call.arguments[i]);
  text += ')';
  if (call.filter) text += " FILTER (WHERE " + to_string(*call.filter) + ")";
  return text;
}

duckdb::vector<duckdb::LogicalType> to_duckdb(const RowType& types) {
  return duckdb::vector<duckdb::LogicalType>(types.begin(), types.end());
}

}  // namespace

struct Aggregate::Impl {
  RowType types;         // of the output
  RowType result_types;  // of the calls
  bool append_only = false;
  bool is_global = false;
  std::unique_ptr<columnar::Kernel> kernel;  // groups, then arguments and conditions
  std::vector<columnar::ColumnIndex> group_columns;
  RowCodec key_codec;
  RowCodec result_codec;
  RowCodec row_codec;
  std::vector<RunningCall> calls;

  state::KeyIndex groups;
  std::vector<std::int64_t> row_counts;  // by group
  std::vector<std::uint8_t> touched;     // by group, in this epoch
  bool global_row_is_out = false;

  // This epoch: groups that had a row before, with it, and groups that had none.
  std::vector<Slot> changed;
  OldResults old_results;
  std::vector<Slot> created;

  // Of the batch being pushed.
  columnar::EncodedRows encoded;
  std::vector<Slot> slots;
  std::vector<std::int64_t> weights;
  std::vector<Slot> first_touched;

  Impl(RowCodec keys, RowCodec results, RowCodec rows)
      : key_codec(std::move(keys)), result_codec(std::move(results)), row_codec(std::move(rows)) {}

  Status add(DataChunk& values, OperatorCounters& counters);
  void make_room();
  Status finish_groups(std::span<const Slot> some, DataChunk& out, columnar::ColumnIndex first_column,
                       std::vector<std::string>& failures) const;
  Status remember(std::span<const Slot> some);
  Status emit_created(std::span<const Slot> some, Output& output) const;
  Status emit_changed(std::size_t begin, std::size_t end, state::BatchWriter& writer, Output& output) const;
  void fail(Slot group, const std::string& failure, std::int64_t weight, Output& output) const;
};

Aggregate::Aggregate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Aggregate::~Aggregate() = default;

const RowType& Aggregate::types() const noexcept { return impl_->types; }

std::uint64_t Aggregate::state_bytes() const {
  std::uint64_t bytes = impl_->groups.bytes() + impl_->row_counts.capacity() * sizeof(std::int64_t);
  for (const RunningCall& call : impl_->calls) bytes += call.accumulator->bytes();
  return bytes;
}

Result<std::unique_ptr<Aggregate>> Aggregate::create(columnar::KernelContext& context, Definition definition,
                                                     RowType input) {
  RowType key_types;
  for (const auto& group : definition.groups) key_types.push_back(group.type);
  RowType result_types;
  for (const auto& call : definition.calls) result_types.push_back(call.type);
  RowType types = key_types;
  types.insert(types.end(), result_types.begin(), result_types.end());
  SLUICE_TRY_ASSIGN(auto keys, RowCodec::create(key_types));
  SLUICE_TRY_ASSIGN(auto results, RowCodec::create(result_types));
  SLUICE_TRY_ASSIGN(auto rows, RowCodec::create(types));

  auto impl = std::make_unique<Impl>(std::move(keys), std::move(results), std::move(rows));
  impl->types = std::move(types);
  impl->result_types = std::move(result_types);
  impl->append_only = definition.append_only_input;
  impl->is_global = definition.groups.empty();
  std::vector<columnar::Expression> expressions = std::move(definition.groups);
  for (std::size_t i = 0; i < expressions.size(); ++i) impl->group_columns.push_back(i);
  for (AggregateCall& call : definition.calls) {
    RunningCall running;
    running.text = call_text(call);
    SLUICE_TRY_ASSIGN(running.accumulator, internal::make_accumulator(call, impl->append_only));
    if (!call.arguments.empty()) {
      running.argument = expressions.size();
      expressions.push_back(std::move(call.arguments[0]));
    }
    if (call.filter) {
      if (call.filter->type.id() != duckdb::LogicalTypeId::BOOLEAN) {
        return Error(ErrorCode::InvalidArgument, "the FILTER of " + running.text + " is not BOOLEAN");
      }
      running.filter = expressions.size();
      expressions.push_back(std::move(*call.filter));
    }
    impl->calls.push_back(std::move(running));
  }
  SLUICE_TRY_ASSIGN(impl->kernel, columnar::Kernel::create(context, std::move(expressions), std::move(input)));
  if (impl->is_global) {
    impl->groups.insert("");
    impl->make_room();
  }
  return std::unique_ptr<Aggregate>(new Aggregate(std::move(impl)));
}

Status Aggregate::do_push(Port, ChangeBatch& changes, Output& output) {
  DataChunk values;
  std::vector<std::uint32_t> kept;
  std::vector<columnar::RowError> errors;
  impl_->kernel->evaluate(changes.rows(), values, kept, errors);
  internal::report(errors, changes, output);
  impl_->weights = changes.weights();
  if (!errors.empty() && !changes.insert_only()) {
    impl_->weights.clear();
    for (const std::uint32_t row : kept) impl_->weights.push_back(changes.weight(row));
  }
  return impl_->add(values, counters_);
}

void Aggregate::Impl::make_room() {
  const Slot end = groups.slot_end();
  if (row_counts.size() >= end) return;
  row_counts.resize(end);
  touched.resize(end);
  for (RunningCall& call : calls) call.accumulator->resize(end);
}

Status Aggregate::Impl::add(DataChunk& values, OperatorCounters& counters) {
  const std::size_t count = values.size();
  if (append_only && std::any_of(weights.begin(), weights.end(), [](std::int64_t weight) { return weight < 0; })) {
    return Error(ErrorCode::Internal, "aggregate: a row was taken away from an input that only grows");
  }
  if (is_global) {
    slots.assign(count, 0);
  } else {
    key_codec.encode(values, group_columns, encoded);
    groups.insert(encoded, slots);
    make_room();
  }
  first_touched.clear();
  for (const Slot group : slots) {
    if (touched[group]) continue;
    touched[group] = 1;
    ++counters.state_reads;
    const bool had_row = is_global ? global_row_is_out : row_counts[group] != 0;
    (had_row ? first_touched : created).push_back(group);
  }
  SLUICE_TRY(remember(first_touched));

  for (std::size_t i = 0; i < count; ++i) row_counts[slots[i]] += weights.empty() ? 1 : weights[i];
  std::vector<std::uint32_t> filtered;
  for (RunningCall& call : calls) {
    internal::AccumulatorInput input{call.argument ? &values.data[*call.argument] : nullptr, count, slots, weights, {}};
    if (call.filter) {
      filtered.clear();
      duckdb::UnifiedVectorFormat condition;
      values.data[*call.filter].ToUnifiedFormat(count, condition);
      const auto* const truth = duckdb::UnifiedVectorFormat::GetData<bool>(condition);
      for (std::size_t i = 0; i < count; ++i) {
        const auto index = condition.sel->get_index(i);
        if (condition.validity.RowIsValid(index) && truth[index]) filtered.push_back(static_cast<std::uint32_t>(i));
      }
      input.rows = filtered;
    }
    const std::uint64_t entries = call.accumulator->update(input);
    counters.state_reads += entries / 2;
    counters.state_writes += entries / 2;
  }
  return ok();
}

/// Writes the calls' results of at most a chunk of groups into `out`; failures[i] says if, and why, groups[i] has none.
Status Aggregate::Impl::finish_groups(std::span<const Slot> some, DataChunk& out, columnar::ColumnIndex first_column,
                                      std::vector<std::string>& failures) const {
  failures.assign(some.size(), "");
  std::vector<std::string> messages;
  for (std::size_t c = 0; c < calls.size(); ++c) {
    messages.assign(some.size(), "");
    SLUICE_TRY(calls[c].accumulator->finish(some, out.data[first_column + c], messages));
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (!messages[i].empty() && failures[i].empty()) failures[i] = calls[c].text + " | " + messages[i];
    }
  }
  out.SetCardinality(some.size());
  return ok();
}

/// Keeps the results that groups have before they are changed for the first time in the epoch.
Status Aggregate::Impl::remember(std::span<const Slot> some) {
  for (std::size_t begin = 0; begin < some.size(); begin += ChangeBatch::kBatchRowsMax) {
    const auto part = some.subspan(begin, std::min(ChangeBatch::kBatchRowsMax, some.size() - begin));
    DataChunk results;
    results.Initialize(duckdb::Allocator::DefaultAllocator(), to_duckdb(result_types));
    std::vector<std::string> failures;
    SLUICE_TRY(finish_groups(part, results, 0, failures));
    columnar::EncodedRows rows;
    result_codec.encode(results, {}, rows);
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (failures[i].empty()) old_results.bytes.append(rows.row(i));
      old_results.ends.push_back(old_results.bytes.size());
      old_results.failures.push_back(std::move(failures[i]));
      changed.push_back(part[i]);
    }
  }
  return ok();
}

void Aggregate::Impl::fail(Slot group, const std::string& failure, std::int64_t weight, Output& output) const {
  DataChunk key;
  if (!is_global) {
    key.Initialize(duckdb::Allocator::DefaultAllocator(), to_duckdb(key_codec.types()), 1);
    key_codec.decode(groups.key(group), key, 0);
    key.SetCardinality(1);
  }
  const std::size_t separator = failure.find(" | ");
  output.fail({internal::row_text(key, 0, group_columns.size()), failure.substr(0, separator),
               failure.substr(separator + 3), weight});
}

/// Emits the rows of groups that had none before, column by column.
Status Aggregate::Impl::emit_created(std::span<const Slot> some, Output& output) const {
  ChangeBatch batch(types);
  std::vector<std::string> failures;
  SLUICE_TRY(finish_groups(some, batch.rows(), group_columns.size(), failures));
  std::vector<std::string_view> keys;
  keys.reserve(some.size());
  for (const Slot group : some) keys.push_back(groups.key(group));
  key_codec.decode(keys, batch.rows());

  std::vector<std::uint32_t> good;
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (failures[i].empty()) {
      good.push_back(static_cast<std::uint32_t>(i));
    } else {
      fail(some[i], failures[i], 1, output);
    }
  }
  output.emit(good.size() == some.size() ? std::move(batch) : columnar::slice(batch, good));
  return ok();
}

/// Emits what changed in the groups changed[begin, end).
Status Aggregate::Impl::emit_changed(std::size_t begin, std::size_t end, state::BatchWriter& writer,
                                     Output& output) const {
  const std::span<const Slot> some = std::span(changed).subspan(begin, end - begin);
  DataChunk results;
  results.Initialize(duckdb::Allocator::DefaultAllocator(), to_duckdb(result_types));
  std::vector<std::string> failures;
  SLUICE_TRY(finish_groups(some, results, 0, failures));
  columnar::EncodedRows rows;
  result_codec.encode(results, {}, rows);
  std::string row;
  for (std::size_t i = 0; i < some.size(); ++i) {
    const Slot group = some[i];
    const bool is_there = is_global || row_counts[group] != 0;
    const Outcome before = old_results.get(begin + i);
    const std::string* const failure = failures[i].empty() ? nullptr : &failures[i];
    const bool same_failure = failure != nullptr && before.failure != nullptr && *failure == *before.failure;
    if (is_there && (same_failure || (failure == nullptr && before.failure == nullptr && rows.row(i) == before.row))) continue;
    const auto write = [&](std::string_view result, std::int64_t weight) {
      row.assign(groups.key(group));
      row.append(result);
      writer.add(row, weight);
    };
    before.failure != nullptr ? fail(group, *before.failure, -1, output) : write(before.row, -1);
    if (is_there) failure != nullptr ? fail(group, *failure, 1, output) : write(rows.row(i), 1);
  }
  return ok();
}

Status Aggregate::do_end_epoch(Epoch, Output& output) {
  Impl& impl = *impl_;
  if (impl.is_global && !impl.global_row_is_out && !impl.touched[0]) {
    impl.touched[0] = 1;
    impl.created.push_back(0);
  }
  std::vector<Slot> gone;
  for (const std::vector<Slot>* touched : {&impl.changed, &impl.created}) {
    for (const Slot group : *touched) {
      if (impl.row_counts[group] < 0) {
        return Error(ErrorCode::Internal, "aggregate: more rows were taken away from a group than it had");
      }
      if (impl.row_counts[group] == 0 && !impl.is_global) gone.push_back(group);
    }
  }
  counters_.state_writes += impl.changed.size() + impl.created.size();

  const auto chunk = [](std::size_t begin, std::size_t size) { return std::min(begin + ChangeBatch::kBatchRowsMax, size); };
  state::BatchWriter writer(impl.row_codec, [&](ChangeBatch&& batch) { output.emit(std::move(batch)); });
  for (std::size_t begin = 0; begin < impl.changed.size(); begin = chunk(begin, impl.changed.size())) {
    SLUICE_TRY(impl.emit_changed(begin, chunk(begin, impl.changed.size()), writer, output));
  }
  writer.finish();
  std::vector<Slot> born;
  for (const Slot group : impl.created) {
    if (impl.is_global || impl.row_counts[group] != 0) born.push_back(group);
  }
  for (std::size_t begin = 0; begin < born.size(); begin = chunk(begin, born.size())) {
    SLUICE_TRY(impl.emit_created(std::span(born).subspan(begin, chunk(begin, born.size()) - begin), output));
  }

  for (const std::vector<Slot>* touched : {&impl.changed, &impl.created}) {
    for (const Slot group : *touched) impl.touched[group] = 0;
  }
  for (const Slot group : gone) {
    for (RunningCall& call : impl.calls) call.accumulator->reset(group);
    impl.groups.erase(group);
  }
  impl.global_row_is_out = impl.is_global;
  impl.changed.clear();
  impl.created.clear();
  impl.old_results = OldResults();
  return ok();
}

}  // namespace sluice::engine
