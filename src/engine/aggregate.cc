#include "engine/aggregate.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <duckdb/common/vector_operations/vector_operations.hpp>

#include "columnar/row_codec.h"
#include "engine/internal/accumulator.h"
#include "engine/internal/row_errors.h"
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
  std::string text;                            // "sum(#1)", for errors
  std::optional<std::size_t> argument;         // the first
  std::vector<columnar::ColumnIndex> columns;  // of order keys, then arguments, if DuckDB runs the function
  std::optional<std::size_t> filter;
  std::unique_ptr<internal::Accumulator> accumulator;
  std::optional<RowCodec> result_codec;  // if results that SQL holds equal may read differently
};

/// Groups that have no result, by their place among others, and why: "expression | message".
using GroupFailures = std::map<std::size_t, std::string>;

/// The results that the changed groups had before the epoch.
struct OldResults {
  std::vector<std::unique_ptr<DataChunk>> chunks;  // all full but the last
  GroupFailures failures;                          // by place among all changed groups
};

std::string call_text(const AggregateCall& call) {
  std::string text = call.function + (call.distinct ? "(DISTINCT " : "(");
  for (std::size_t i = 0; i < call.arguments.size(); ++i) text += (i == 0 ? "" : ", ") + to_string(call.arguments[i]);
  for (std::size_t i = 0; i < call.order.size(); ++i) {
    text += (i == 0 ? " ORDER BY " : ", ") + to_string(call.order[i].expression);
  }
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

  explicit Impl(RowCodec keys) : key_codec(std::move(keys)) {}

  Status add(DataChunk& values, OperatorCounters& counters);
  void make_room();
  Status finish_groups(std::span<const Slot> some, DataChunk& out, columnar::ColumnIndex first_column,
                       std::size_t first_row, GroupFailures& failures) const;
  Status remember(std::span<const Slot> some);
  Status emit_created(std::span<const Slot> some, Output& output) const;
  Status emit_changed(std::size_t chunk, Output& output) const;
  void decode_keys(std::span<const Slot> some, DataChunk& out) const;
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

std::uint64_t Aggregate::state_reads() const {
  std::uint64_t reads = impl_->groups.reads();
  for (const RunningCall& call : impl_->calls) reads += call.accumulator->state_reads();
  return reads;
}

Result<std::unique_ptr<Aggregate>> Aggregate::create(columnar::KernelContext& context, Definition definition,
                                                     RowType input) {
  RowType key_types;
  for (const auto& group : definition.groups) key_types.push_back(group.type);
  RowType result_types;
  for (const auto& call : definition.calls) result_types.push_back(call.type);
  RowType types = key_types;
  types.insert(types.end(), result_types.begin(), result_types.end());
  SLUICE_TRY_ASSIGN(auto keys, RowCodec::create_for_groups(std::move(key_types)));

  auto impl = std::make_unique<Impl>(std::move(keys));
  impl->types = std::move(types);
  impl->result_types = std::move(result_types);
  impl->append_only = definition.append_only_input;
  impl->is_global = definition.groups.empty();
  std::vector<columnar::Expression> expressions = std::move(definition.groups);
  for (std::size_t i = 0; i < expressions.size(); ++i) impl->group_columns.push_back(i);
  for (AggregateCall& call : definition.calls) {
    RunningCall running;
    running.text = call_text(call);
    SLUICE_TRY_ASSIGN(running.accumulator, internal::make_accumulator(context, call, impl->append_only));
    if (columnar::has_several_forms(call.type)) {
      SLUICE_TRY_ASSIGN(running.result_codec, RowCodec::create({call.type}));
    }
    if (!call.kernel.empty()) {
      for (OrderKey& key : call.order) {
        running.columns.push_back(expressions.size());
        expressions.push_back(std::move(key.expression));
      }
      for (columnar::Expression& argument : call.arguments) {
        running.columns.push_back(expressions.size());
        expressions.push_back(std::move(argument));
      }
    } else if (!call.arguments.empty()) {
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
    const bool had_row = is_global ? global_row_is_out : row_counts[group] != 0;
    (had_row ? first_touched : created).push_back(group);
  }
  SLUICE_TRY(remember(first_touched));

  for (std::size_t i = 0; i < count; ++i) row_counts[slots[i]] += weights.empty() ? 1 : weights[i];
  std::vector<std::uint32_t> filtered;
  for (RunningCall& call : calls) {
    internal::AccumulatorInput input{
        call.argument ? &values.data[*call.argument] : nullptr, &values, call.columns, count, slots, weights, {}};
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
    counters.state_writes += call.accumulator->update(input);
  }
  return ok();
}

/// Writes the calls' results for some groups into `out` from a row on; those that cannot be represented go to
/// `failures`, by their place in `out`.
Status Aggregate::Impl::finish_groups(std::span<const Slot> some, DataChunk& out, columnar::ColumnIndex first_column,
                                      std::size_t first_row, GroupFailures& failures) const {
  internal::Failures of_call;
  for (std::size_t c = 0; c < calls.size(); ++c) {
    of_call.clear();
    SLUICE_TRY(calls[c].accumulator->finish(some, out.data[first_column + c], first_row, of_call));
    for (const auto& [place, message] : of_call) failures.emplace(first_row + place, calls[c].text + " | " + message);
  }
  out.SetCardinality(first_row + some.size());
  return ok();
}

/// Keeps the results that groups have before they are changed for the first time in the epoch.
Status Aggregate::Impl::remember(std::span<const Slot> some) {
  while (!some.empty()) {
    if (old_results.chunks.empty() || old_results.chunks.back()->size() == ChangeBatch::kBatchRowsMax) {
      old_results.chunks.push_back(std::make_unique<DataChunk>());
      old_results.chunks.back()->Initialize(duckdb::Allocator::DefaultAllocator(), to_duckdb(result_types));
    }
    DataChunk& chunk = *old_results.chunks.back();
    const std::size_t begin = chunk.size();
    const auto part = some.first(std::min(some.size(), ChangeBatch::kBatchRowsMax - begin));
    GroupFailures failures;
    SLUICE_TRY(finish_groups(part, chunk, 0, begin, failures));
    const std::size_t chunk_begin = changed.size() - begin;
    for (auto& [place, failure] : failures) old_results.failures.emplace(chunk_begin + place, std::move(failure));
    changed.insert(changed.end(), part.begin(), part.end());
    some = some.subspan(part.size());
  }
  return ok();
}

void Aggregate::Impl::decode_keys(std::span<const Slot> some, DataChunk& out) const {
  std::vector<std::string_view> keys;
  keys.reserve(some.size());
  for (const Slot group : some) keys.push_back(groups.key(group));
  key_codec.decode(keys, out);
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

/// Emits the rows of groups that had none before.
Status Aggregate::Impl::emit_created(std::span<const Slot> some, Output& output) const {
  ChangeBatch batch(types);
  GroupFailures failures;
  SLUICE_TRY(finish_groups(some, batch.rows(), group_columns.size(), 0, failures));
  decode_keys(some, batch.rows());
  if (failures.empty()) {
    output.emit(std::move(batch));
    return ok();
  }
  std::vector<std::uint32_t> good;
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (!failures.contains(i)) good.push_back(static_cast<std::uint32_t>(i));
  }
  for (const auto& [place, failure] : failures) fail(some[place], failure, 1, output);
  output.emit(columnar::slice(batch, good));
  return ok();
}

/// Emits what changed in the groups whose old results are in a chunk: the old rows taken away, then the new ones.
Status Aggregate::Impl::emit_changed(std::size_t chunk, Output& output) const {
  DataChunk& old = *old_results.chunks[chunk];
  const std::size_t begin = chunk * ChangeBatch::kBatchRowsMax;
  const std::size_t count = old.size();
  const auto some = std::span(changed).subspan(begin, count);
  ChangeBatch now(types);
  GroupFailures new_failures;
  SLUICE_TRY(finish_groups(some, now.rows(), group_columns.size(), 0, new_failures));

  std::vector<bool> differs(count, false);
  for (std::size_t c = 0; c < calls.size(); ++c) {
    if (calls[c].result_codec) {
      // What was emitted must be taken back as it was: 0.0 for -0.0 would be another row.
      columnar::EncodedRows before;
      columnar::EncodedRows after;
      calls[c].result_codec->encode(old, std::array{c}, before);
      calls[c].result_codec->encode(now.rows(), std::array{group_columns.size() + c}, after);
      for (std::size_t i = 0; i < count; ++i) differs[i] = differs[i] || before.row(i) != after.row(i);
      continue;
    }
    duckdb::Vector flags(duckdb::LogicalType::BOOLEAN);
    duckdb::VectorOperations::DistinctFrom(old.data[c], now.rows().data[group_columns.size() + c], flags, count);
    flags.Flatten(count);
    const bool* const flag = duckdb::FlatVector::GetData<bool>(flags);
    for (std::size_t i = 0; i < count; ++i) differs[i] = differs[i] || flag[i];
  }
  const auto find = [](const GroupFailures& failures, std::size_t place) {
    const auto found = failures.find(place);
    return found == failures.end() ? nullptr : &found->second;
  };
  std::vector<std::uint32_t> taken;
  std::vector<std::uint32_t> given;
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_there = is_global || row_counts[some[i]] != 0;
    const std::string* const before = find(old_results.failures, begin + i);
    const std::string* const after = is_there ? find(new_failures, i) : nullptr;
    const bool same_failure = before != nullptr && after != nullptr && *before == *after;
    if (before != nullptr && !same_failure) fail(some[i], *before, -1, output);
    if (after != nullptr && !same_failure) fail(some[i], *after, 1, output);
    const bool had_row = before == nullptr;
    const bool has_row = is_there && after == nullptr;
    if (had_row && (!has_row || differs[i])) taken.push_back(static_cast<std::uint32_t>(i));
    if (has_row && (!had_row || differs[i])) given.push_back(static_cast<std::uint32_t>(i));
  }
  if (taken.empty() && given.empty()) return ok();

  decode_keys(some, now.rows());
  DataChunk was_rows;
  was_rows.InitializeEmpty(to_duckdb(types));
  for (std::size_t c = 0; c < types.size(); ++c) {
    const bool is_key = c < group_columns.size();
    was_rows.data[c].Reference(is_key ? now.rows().data[c] : old.data[c - group_columns.size()]);
  }
  was_rows.SetCardinality(count);
  ChangeBatch was(std::move(was_rows), std::vector<std::int64_t>(count, -1));
  output.emit(columnar::slice(was, taken));
  output.emit(columnar::slice(now, given));
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

  for (std::size_t i = 0; i < impl.old_results.chunks.size(); ++i) SLUICE_TRY(impl.emit_changed(i, output));
  std::vector<Slot> born;
  for (const Slot group : impl.created) {
    if (impl.is_global || impl.row_counts[group] != 0) born.push_back(group);
  }
  for (std::size_t begin = 0; begin < born.size(); begin += ChangeBatch::kBatchRowsMax) {
    const std::size_t count = std::min(ChangeBatch::kBatchRowsMax, born.size() - begin);
    SLUICE_TRY(impl.emit_created(std::span(born).subspan(begin, count), output));
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
