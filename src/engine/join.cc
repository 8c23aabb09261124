#include "engine/join.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "columnar/row_codec.h"
#include "engine/internal/row_errors.h"
#include "state/arrangement.h"
#include "state/batch_writer.h"
#include "state/key_index.h"

namespace sluice::engine {
namespace {

using columnar::ChangeBatch;
using columnar::RowCodec;
using columnar::RowType;
using duckdb::DataChunk;
using state::kNoSlot;
using state::Slot;

duckdb::vector<duckdb::LogicalType> to_duckdb(const RowType& types) {
  return duckdb::vector<duckdb::LogicalType>(types.begin(), types.end());
}

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  SLUICE_CHECK(!__builtin_mul_overflow(a, b, &result), "a joined row has more than 2^63 copies");
  return result;
}

/// One input: its rows so far, and how its batches become keys and bytes.
struct Side {
  RowCodec row_codec;
  std::unique_ptr<columnar::Kernel> keys;  // none for a join without keys
  state::Arrangement rows;

  // Of the batch being pushed.
  columnar::EncodedRows encoded_keys;
  columnar::EncodedRows encoded_rows;
  std::vector<state::Arrangement::Entry> entries;
};

/// Pairs of a pushed row and a row of the other side, on their way out.
struct Pairs {
  std::vector<std::uint32_t> pushed;        // row of the batch
  std::vector<std::string_view> others;     // bytes; the other side does not change during a push
  std::vector<std::int64_t> weights;        // of the pair
  std::vector<Slot> left_rows;              // whose matches the pair counts for, or kNoSlot
  std::vector<std::int64_t> match_weights;  // by how much

  std::size_t size() const { return pushed.size(); }
  void clear() {
    pushed.clear();
    others.clear();
    weights.clear();
    left_rows.clear();
    match_weights.clear();
  }
};

}  // namespace

struct Join::Impl {
  Type type;
  RowType types;
  RowType left_types;
  RowType right_types;
  RowCodec key_codec;
  std::vector<std::size_t> unsafe_keys;  // those for which NULL equals nothing
  std::unique_ptr<columnar::Kernel> residual;
  Side left;
  Side right;

  // Left join only. What left rows, and (without a residual) keys of the right side, were when the epoch began; in it
  // no left row is dropped. With a residual a left row has matches of its own, without it has its key's weight on the
  // right.
  struct TouchedRow {
    Slot row;
    std::int64_t old_weight;
    std::int64_t old_matches;
  };
  std::vector<TouchedRow> touched_rows;
  std::vector<std::uint32_t> touch_of_row;   // by left row: index in touched_rows + 1, or 0
  std::vector<std::int64_t> matches_of_row;  // by left row
  state::KeyIndex touched_keys;
  std::vector<std::int64_t> old_key_matches;  // by slot of touched_keys

  // Of the batch being pushed.
  using RowList = std::vector<std::uint32_t>;
  std::vector<Slot> touched_key_slots;
  std::vector<Slot> other_keys;
  Pairs pairs;

  Impl(RowCodec keys, RowCodec left_codec, RowCodec right_codec)
      : key_codec(std::move(keys)), left{std::move(left_codec), {}, {}, {}, {}, {}}, right{std::move(right_codec),
                                                                                           {},
                                                                                           {},
                                                                                           {},
                                                                                           {},
                                                                                           {}} {}

  bool is_left() const { return type == Type::Left; }
  bool counts_per_row() const { return is_left() && residual != nullptr; }

  Status push(Port port, ChangeBatch& changes, DataChunk& keys, Output& output, OperatorCounters& counters);
  std::pair<RowList, RowList> split_by_null_keys(DataChunk& keys) const;
  void touch_row(Slot row);
  void touch_keys();
  void collect(Port port, ChangeBatch& changes, std::size_t row, Slot key, Output& output);
  void emit_pairs(Port port, ChangeBatch& changes, Output& output);
  ChangeBatch join_pairs(Port port, ChangeBatch& changes);
  void emit_alone(ChangeBatch&& left_rows, Output& output) const;

  Status end_epoch(Output& output);
  Status end_with_key_matches(state::BatchWriter& writer);
  Status end_with_row_matches(state::BatchWriter& writer);
};

Join::Join(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Join::~Join() = default;

std::string_view Join::name() const noexcept { return impl_->is_left() ? "left_join" : "inner_join"; }
const RowType& Join::types() const noexcept { return impl_->types; }

std::uint64_t Join::state_bytes() const {
  return impl_->left.rows.bytes() + impl_->right.rows.bytes() + impl_->touch_of_row.capacity() * sizeof(std::uint32_t) +
         impl_->matches_of_row.capacity() * sizeof(std::int64_t);
}

std::uint64_t Join::state_reads() const {
  return impl_->left.rows.reads() + impl_->right.rows.reads() + impl_->touched_keys.reads();
}

Result<std::unique_ptr<Join>> Join::create(columnar::KernelContext& context, Definition definition, RowType left,
                                           RowType right) {
  const std::size_t key_count = definition.left_keys.size();
  if (definition.right_keys.size() != key_count || definition.null_safe.size() != key_count) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("a join of {} left keys with {} right keys", key_count, definition.right_keys.size()));
  }
  RowType key_types;
  for (std::size_t i = 0; i < key_count; ++i) {
    key_types.push_back(definition.left_keys[i].type);
    if (definition.right_keys[i].type != key_types[i]) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("join key {} is {} on the left, {} on the right", i + 1, key_types[i].ToString(),
                               definition.right_keys[i].type.ToString()));
    }
  }
  SLUICE_TRY_ASSIGN(auto keys, RowCodec::create_for_keys(std::move(key_types)));
  SLUICE_TRY_ASSIGN(auto left_codec, RowCodec::create(left));
  SLUICE_TRY_ASSIGN(auto right_codec, RowCodec::create(right));
  auto impl = std::make_unique<Impl>(std::move(keys), std::move(left_codec), std::move(right_codec));
  impl->type = definition.type;
  impl->types = left;
  impl->types.insert(impl->types.end(), right.begin(), right.end());
  for (std::size_t i = 0; i < key_count; ++i) {
    if (!definition.null_safe[i]) impl->unsafe_keys.push_back(i);
  }
  if (key_count > 0) {
    SLUICE_TRY_ASSIGN(impl->left.keys, columnar::Kernel::create(context, std::move(definition.left_keys), left));
    SLUICE_TRY_ASSIGN(impl->right.keys, columnar::Kernel::create(context, std::move(definition.right_keys), right));
  }
  if (definition.residual) {
    if (definition.residual->type.id() != duckdb::LogicalTypeId::BOOLEAN) {
      return Error(ErrorCode::InvalidArgument, "a join's residual condition is not BOOLEAN");
    }
    SLUICE_TRY_ASSIGN(impl->residual,
                      columnar::Kernel::create(context, {std::move(*definition.residual)}, impl->types));
  }
  impl->left_types = std::move(left);
  impl->right_types = std::move(right);
  return std::unique_ptr<Join>(new Join(std::move(impl)));
}

Status Join::do_push(Port port, ChangeBatch& changes, Output& output) {
  Side& side = port == Port::Left ? impl_->left : impl_->right;
  DataChunk keys;
  std::vector<std::uint32_t> kept;
  std::vector<columnar::RowError> errors;
  if (side.keys) side.keys->evaluate(changes.rows(), keys, kept, errors);
  keys.SetCardinality(side.keys ? keys.size() : changes.size());
  internal::report(errors, changes, output);
  std::optional<ChangeBatch> evaluated;
  if (!errors.empty()) evaluated = columnar::slice(changes, kept);
  ChangeBatch& rows = evaluated ? *evaluated : changes;

  // Rows whose key is NULL match nothing and need no state.
  const auto [matchable, alone] = impl_->split_by_null_keys(keys);
  if (alone.empty()) return impl_->push(port, rows, keys, output, counters_);
  if (port == Port::Left && impl_->is_left()) impl_->emit_alone(columnar::slice(rows, alone), output);
  if (matchable.empty()) return ok();
  ChangeBatch matchable_rows = columnar::slice(rows, matchable);
  duckdb::SelectionVector selection(matchable.size());
  for (std::size_t i = 0; i < matchable.size(); ++i) selection.set_index(i, matchable[i]);
  keys.Slice(selection, matchable.size());
  return impl_->push(port, matchable_rows, keys, output, counters_);
}

/// Returns the rows that can match something, and those with a key that is NULL and not null-safe.
std::pair<Join::Impl::RowList, Join::Impl::RowList> Join::Impl::split_by_null_keys(DataChunk& keys) const {
  std::vector<bool> has_null(keys.size(), false);
  for (const std::size_t key : unsafe_keys) {
    duckdb::UnifiedVectorFormat format;
    keys.data[key].ToUnifiedFormat(keys.size(), format);
    if (format.validity.AllValid()) continue;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!format.validity.RowIsValid(format.sel->get_index(i))) has_null[i] = true;
    }
  }
  std::pair<RowList, RowList> lists;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    (has_null[i] ? lists.second : lists.first).push_back(static_cast<std::uint32_t>(i));
  }
  return lists;
}

Status Join::Impl::push(Port port, ChangeBatch& changes, DataChunk& keys, Output& output, OperatorCounters& counters) {
  Side& side = port == Port::Left ? left : right;
  Side& other = port == Port::Left ? right : left;
  key_codec.encode(keys, {}, side.encoded_keys);
  side.row_codec.encode(changes.rows(), {}, side.encoded_rows);
  side.rows.insert(side.encoded_keys, side.encoded_rows, side.entries);
  if (port == Port::Right && is_left() && !residual) touch_keys();
  other.rows.find_keys(side.encoded_keys, other_keys);
  counters.state_writes += changes.size();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (port == Port::Left && is_left()) touch_row(side.entries[i].row);
    side.rows.add_weight(side.entries[i].row, changes.weight(i));
    if (other_keys[i] != kNoSlot) collect(port, changes, i, other_keys[i], output);
  }
  emit_pairs(port, changes, output);
  if (port == Port::Right || !is_left()) {
    for (const auto& entry : side.entries) side.rows.drop_if_zero(entry.row);
  }
  return ok();
}

/// Remembers what a left row and its matches were before the epoch changed them for the first time.
void Join::Impl::touch_row(Slot row) {
  if (touch_of_row.size() <= row) {
    touch_of_row.resize(left.rows.row_end());
    matches_of_row.resize(left.rows.row_end());
  }
  if (touch_of_row[row] != 0) return;
  touched_rows.push_back({row, left.rows.weight(row), matches_of_row[row]});
  touch_of_row[row] = static_cast<std::uint32_t>(touched_rows.size());
}

/// Remembers how many matches the batch's keys had on the right side before the epoch changed them for the first time.
void Join::Impl::touch_keys() {
  touched_keys.insert(right.encoded_keys, touched_key_slots);
  for (std::size_t i = 0; i < touched_key_slots.size(); ++i) {
    // Keys are not erased within the epoch, so new ones have the next slots.
    if (touched_key_slots[i] == old_key_matches.size()) {
      old_key_matches.push_back(right.rows.key_weight(right.entries[i].key));
    }
  }
}

/// Pairs row `row` of the batch with the rows of its key on the other side.
void Join::Impl::collect(Port port, ChangeBatch& changes, std::size_t row, Slot key, Output& output) {
  const bool is_left_row = port == Port::Left;
  const state::Arrangement& others = is_left_row ? right.rows : left.rows;
  for (Slot other = others.first_row(key); other != kNoSlot; other = others.next_row(other)) {
    const std::int64_t weight = product(changes.weight(row), others.weight(other));
    if (weight == 0 && !counts_per_row()) continue;
    pairs.pushed.push_back(static_cast<std::uint32_t>(row));
    pairs.others.push_back(others.row(other));
    pairs.weights.push_back(weight);
    if (counts_per_row()) {
      // A new left row counts the matches that are there; a right row counts for every left row it matches.
      const Slot new_row = is_left_row && left.entries[row].is_new ? left.entries[row].row : kNoSlot;
      pairs.left_rows.push_back(is_left_row ? new_row : other);
      pairs.match_weights.push_back(is_left_row ? others.weight(other) : changes.weight(row));
    }
    if (pairs.size() == ChangeBatch::kBatchRowsMax) emit_pairs(port, changes, output);
  }
}

/// Returns the collected pairs as joined rows, with their weights.
ChangeBatch Join::Impl::join_pairs(Port port, ChangeBatch& changes) {
  const Side& other = port == Port::Left ? right : left;
  ChangeBatch pushed = columnar::slice(changes, pairs.pushed);
  ChangeBatch found(other.row_codec.types());
  other.row_codec.decode(pairs.others, found.rows());
  DataChunk joined;
  joined.InitializeEmpty(to_duckdb(types));
  DataChunk& left_rows = port == Port::Left ? pushed.rows() : found.rows();
  DataChunk& right_rows = port == Port::Left ? found.rows() : pushed.rows();
  for (std::size_t c = 0; c < left_types.size(); ++c) joined.data[c].Reference(left_rows.data[c]);
  for (std::size_t c = 0; c < right_types.size(); ++c) joined.data[left_types.size() + c].Reference(right_rows.data[c]);
  joined.SetCardinality(pairs.size());
  return ChangeBatch(std::move(joined), pairs.weights);
}

void Join::Impl::emit_pairs(Port port, ChangeBatch& changes, Output& output) {
  if (pairs.size() == 0) return;
  ChangeBatch joined = join_pairs(port, changes);
  if (!residual) {
    output.emit(std::move(joined));
    pairs.clear();
    return;
  }
  std::vector<std::uint32_t> kept;
  std::vector<columnar::RowError> errors;
  residual->select(joined.rows(), kept, errors);
  std::erase_if(errors, [&](const columnar::RowError& error) { return pairs.weights[error.row] == 0; });
  internal::report(errors, joined, output);
  if (counts_per_row()) {
    for (const std::uint32_t pair : kept) {
      const Slot row = pairs.left_rows[pair];
      if (row == kNoSlot) continue;
      touch_row(row);
      matches_of_row[row] += pairs.match_weights[pair];
    }
    std::erase_if(kept, [&](std::uint32_t pair) { return pairs.weights[pair] == 0; });
  }
  output.emit(columnar::slice(joined, kept));
  pairs.clear();
}

/// Emits left rows with NULLs on the right.
void Join::Impl::emit_alone(ChangeBatch&& left_rows, Output& output) const {
  DataChunk joined;
  joined.InitializeEmpty(to_duckdb(types));
  for (std::size_t c = 0; c < left_types.size(); ++c) joined.data[c].Reference(left_rows.rows().data[c]);
  for (std::size_t c = 0; c < right_types.size(); ++c) {
    duckdb::Vector null{duckdb::Value(right_types[c])};
    joined.data[left_types.size() + c].Reference(null);
  }
  joined.SetCardinality(left_rows.size());
  ChangeBatch batch(std::move(joined));
  if (!left_rows.insert_only()) batch.set_weights(left_rows.weights());
  output.emit(std::move(batch));
}

Status Join::do_end_epoch(Epoch, Output& output) { return impl_->is_left() ? impl_->end_epoch(output) : ok(); }

Status Join::Impl::end_epoch(Output& output) {
  state::BatchWriter writer(left.row_codec, [&](ChangeBatch&& rows) { emit_alone(std::move(rows), output); });
  SLUICE_TRY(counts_per_row() ? end_with_row_matches(writer) : end_with_key_matches(writer));
  writer.finish();
  for (const TouchedRow& touched : touched_rows) {
    touch_of_row[touched.row] = 0;
    if (left.rows.drop_if_zero(touched.row)) matches_of_row[touched.row] = 0;
  }
  touched_rows.clear();
  touched_keys.clear();
  old_key_matches.clear();
  return ok();
}

/// A left row stands alone while its key has no row on the right.
Status Join::Impl::end_with_key_matches(state::BatchWriter& writer) {
  const auto matches = [&](std::string_view key) {
    const Slot slot = right.rows.find_key(key);
    return slot == kNoSlot ? 0 : right.rows.key_weight(slot);
  };
  for (Slot touched = 0; touched < touched_keys.slot_end(); ++touched) {
    const std::string_view key = touched_keys.key(touched);
    const bool was_alone = old_key_matches[touched] == 0;
    const std::int64_t now = matches(key);
    if (now < 0) return Error(ErrorCode::Internal, "left_join: a right row was taken away that was not there");
    if (was_alone == (now == 0)) continue;
    const Slot left_key = left.rows.find_key(key);
    if (left_key == kNoSlot) continue;
    for (Slot row = left.rows.first_row(left_key); row != kNoSlot; row = left.rows.next_row(row)) {
      const bool is_touched = row < touch_of_row.size() && touch_of_row[row] != 0;
      const std::int64_t old_weight =
          is_touched ? touched_rows[touch_of_row[row] - 1].old_weight : left.rows.weight(row);
      writer.add(left.rows.row(row), was_alone ? -old_weight : left.rows.weight(row));
    }
  }
  for (const TouchedRow& row : touched_rows) {
    const std::string_view key = left.rows.key(left.rows.key_of(row.row));
    const bool is_alone = matches(key) == 0;
    const Slot touched = touched_keys.find(key);
    const bool was_alone = touched == kNoSlot ? is_alone : old_key_matches[touched] == 0;
    if (is_alone && was_alone) writer.add(left.rows.row(row.row), left.rows.weight(row.row) - row.old_weight);
  }
  return ok();
}

/// A left row stands alone while no pair with it passes the residual condition.
Status Join::Impl::end_with_row_matches(state::BatchWriter& writer) {
  for (const TouchedRow& row : touched_rows) {
    const std::int64_t matches = matches_of_row[row.row];
    if (matches < 0) return Error(ErrorCode::Internal, "left_join: a right row was taken away that was not there");
    const std::int64_t before = row.old_matches == 0 ? row.old_weight : 0;
    const std::int64_t after = matches == 0 ? left.rows.weight(row.row) : 0;
    writer.add(left.rows.row(row.row), after - before);
  }
  return ok();
}

}  // namespace sluice::engine
