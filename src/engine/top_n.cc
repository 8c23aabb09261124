#include "engine/top_n.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "engine/internal/row_errors.h"
#include "state/key_index.h"
#include "state/ordered_arrangement.h"

namespace sluice::engine {
namespace {

using columnar::ChangeBatch;
using columnar::RowCodec;
using columnar::RowType;
using duckdb::DataChunk;
using state::Slot;

/// Copies of one row at neighbouring positions.
struct Placed {
  std::string row;         // its order, what breaks ties, then the row, as bytes
  std::uint64_t position;  // of the first copy, from 1
  std::uint64_t copies;
};
/// What a partition shows: the rows at the wanted positions, in order.
using Window = std::vector<Placed>;

/// Encoded rows with weights and, if asked for, positions, on their way out.
class Writer {
 public:
  Writer(const RowCodec& codec, const RowType& types, bool with_rank, Output& output)
      : codec_(codec), types_(types), with_rank_(with_rank), output_(output) {}

  void add(std::string_view row, std::uint64_t position, std::int64_t weight) {
    if (weight == 0) return;
    bytes_.append(row);
    ends_.push_back(bytes_.size());
    positions_.push_back(static_cast<std::int64_t>(position));
    weights_.push_back(weight);
    if (ends_.size() == ChangeBatch::kBatchRowsMax) finish();
  }

  void finish() {
    if (ends_.empty()) return;
    std::vector<std::string_view> rows;
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      rows.push_back(std::string_view(bytes_).substr(begin, end - begin));
      begin = end;
    }
    ChangeBatch batch(types_);
    codec_.decode(rows, batch.rows());
    if (with_rank_) {
      std::copy(positions_.begin(), positions_.end(),
                duckdb::FlatVector::GetData<std::int64_t>(batch.rows().data[types_.size() - 1]));
    }
    batch.rows().SetCardinality(rows.size());
    batch.set_weights(std::exchange(weights_, {}));
    output_.emit(std::move(batch));
    bytes_.clear();
    ends_.clear();
    positions_.clear();
  }

 private:
  const RowCodec& codec_;
  const RowType& types_;
  bool with_rank_;
  Output& output_;
  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::vector<std::int64_t> positions_;
  std::vector<std::int64_t> weights_;
};

}  // namespace

struct TopN::Impl {
  RowType types;
  bool with_rank = false;
  bool append_only = false;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;                     // positions behind it do not matter
  std::unique_ptr<columnar::Kernel> kernel;  // partition, then order; none without either
  std::vector<columnar::ColumnIndex> partition_columns;
  std::vector<columnar::ColumnIndex> order_columns;
  RowCodec partition_codec;
  RowCodec order_codec;
  std::optional<RowCodec> tie_codec;  // of the whole row, if its values have several forms
  RowCodec row_codec;

  state::KeyIndex partitions;
  state::OrderedArrangement rows;     // by partition; order, what breaks ties, then row
  std::vector<std::int64_t> copies;   // by partition
  std::vector<std::uint8_t> touched;  // by partition, in this epoch
  struct Touched {
    Slot partition;
    Window before;
  };
  std::vector<Touched> touched_partitions;

  // Of the batch being pushed.
  columnar::EncodedRows encoded_partitions;
  columnar::EncodedRows encoded_orders;
  columnar::EncodedRows encoded_ties;
  columnar::EncodedRows encoded_rows;
  std::vector<Slot> slots;

  Impl(RowCodec by_partition, RowCodec by_order, RowCodec whole)
      : partition_codec(std::move(by_partition)), order_codec(std::move(by_order)), row_codec(std::move(whole)) {}

  Status push(ChangeBatch& changes, DataChunk& keys, OperatorCounters& counters);
  Result<Window> window(Slot partition) const;
  void emit_difference(const Window& before, const Window& after, Writer& writer) const;
};

TopN::TopN(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TopN::~TopN() = default;

const RowType& TopN::types() const noexcept { return impl_->types; }

std::uint64_t TopN::state_bytes() const {
  return impl_->partitions.bytes() + impl_->rows.bytes() + impl_->copies.capacity() * sizeof(std::int64_t);
}

std::uint64_t TopN::state_reads() const { return impl_->partitions.reads() + impl_->rows.reads(); }

Result<std::unique_ptr<TopN>> TopN::create(columnar::KernelContext& context, Definition definition, RowType input) {
  RowType partition_types;
  for (const auto& expression : definition.partition) partition_types.push_back(expression.type);
  RowType order_types;
  std::vector<columnar::ColumnOrder> orders;
  for (const auto& key : definition.order) {
    order_types.push_back(key.expression.type);
    orders.push_back(key.order);
  }
  SLUICE_TRY_ASSIGN(auto by_partition, RowCodec::create_for_keys(std::move(partition_types)));
  SLUICE_TRY_ASSIGN(auto by_order, RowCodec::create_for_keys(std::move(order_types), std::move(orders)));
  SLUICE_TRY_ASSIGN(auto whole, RowCodec::create(input));
  auto impl = std::make_unique<Impl>(std::move(by_partition), std::move(by_order), std::move(whole));
  if (std::any_of(input.begin(), input.end(), columnar::has_several_forms)) {
    SLUICE_TRY_ASSIGN(impl->tie_codec, RowCodec::create_for_keys(input));
  }
  impl->types = input;
  if (definition.emit_rank) impl->types.push_back(duckdb::LogicalType::BIGINT);
  impl->with_rank = definition.emit_rank;
  impl->append_only = definition.append_only_input;
  impl->offset = definition.offset;
  const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - definition.offset;
  impl->end = definition.offset + std::min(definition.limit, room);
  std::vector<columnar::Expression> keys = std::move(definition.partition);
  for (std::size_t i = 0; i < keys.size(); ++i) impl->partition_columns.push_back(i);
  for (auto& key : definition.order) {
    impl->order_columns.push_back(keys.size());
    keys.push_back(std::move(key.expression));
  }
  if (!keys.empty()) {
    SLUICE_TRY_ASSIGN(impl->kernel, columnar::Kernel::create(context, std::move(keys), std::move(input)));
  }
  return std::unique_ptr<TopN>(new TopN(std::move(impl)));
}

Status TopN::do_push(Port, ChangeBatch& changes, Output& output) {
  DataChunk keys;
  std::vector<std::uint32_t> kept;
  std::vector<columnar::RowError> errors;
  if (impl_->kernel) {
    impl_->kernel->evaluate(changes.rows(), keys, kept, errors);
  } else {
    keys.SetCardinality(changes.size());
  }
  internal::report(errors, changes, output);
  if (errors.empty()) return impl_->push(changes, keys, counters_);
  ChangeBatch good = columnar::slice(changes, kept);
  return impl_->push(good, keys, counters_);
}

Status TopN::Impl::push(ChangeBatch& changes, DataChunk& keys, OperatorCounters& counters) {
  if (end == 0) return ok();
  partition_codec.encode(keys, partition_columns, encoded_partitions);
  order_codec.encode(keys, order_columns, encoded_orders);
  if (tie_codec) tie_codec->encode(changes.rows(), {}, encoded_ties);
  row_codec.encode(changes.rows(), {}, encoded_rows);
  partitions.insert(encoded_partitions, slots);
  if (copies.size() < partitions.slot_end()) {
    copies.resize(partitions.slot_end());
    touched.resize(partitions.slot_end());
  }
  std::string row;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Slot partition = slots[i];
    const std::int64_t weight = changes.weight(i);
    row.assign(encoded_orders.row(i));
    if (tie_codec) row.append(encoded_ties.row(i));
    row.append(encoded_rows.row(i));
    if (append_only) {
      if (weight < 0) return Error(ErrorCode::Internal, "top_n: a row was taken away from an input that only grows");
      const bool is_full = static_cast<std::uint64_t>(copies[partition]) >= end;
      if (is_full && row >= rows.last(partition)->row) continue;
    }
    if (!touched[partition]) {
      touched[partition] = 1;
      SLUICE_TRY_ASSIGN(auto before, window(partition));
      touched_partitions.push_back({partition, std::move(before)});
    }
    rows.add(partition, row, weight);
    copies[partition] += weight;
    ++counters.state_writes;
    if (append_only && static_cast<std::uint64_t>(copies[partition]) / 2 > end) {
      copies[partition] = static_cast<std::int64_t>(rows.keep_first(partition, end));
    }
  }
  return ok();
}

/// Returns the rows at the wanted positions of a partition.
Result<Window> TopN::Impl::window(Slot partition) const {
  Window found;
  std::uint64_t position = 0;
  bool is_sound = true;
  rows.for_each(partition, [&](const state::OrderedArrangement::Entry& entry) {
    is_sound = entry.weight > 0;
    if (!is_sound) return false;
    const std::uint64_t behind = position + static_cast<std::uint64_t>(entry.weight);
    const std::uint64_t first = std::max(position, offset);
    const std::uint64_t last = std::min(behind, end);
    if (first < last) found.push_back({std::string(entry.row), first + 1, last - first});
    position = behind;
    return position < end;
  });
  if (!is_sound) return Error(ErrorCode::Internal, "top_n: a row was taken away that was not there");
  return found;
}

void TopN::Impl::emit_difference(const Window& before, const Window& after, Writer& writer) const {
  const auto whole_row = [&](const Placed& placed) {
    std::string_view row = placed.row;
    row.remove_prefix(order_codec.encoded_size(row));
    if (tie_codec) row.remove_prefix(tie_codec->encoded_size(row));
    return row;
  };
  // Writes the positions of `placed` that `other` does not have.
  const auto write = [&](const Placed& placed, const Placed* other, std::int64_t weight) {
    if (!with_rank) {
      const std::uint64_t common = other == nullptr ? 0 : std::min(placed.copies, other->copies);
      writer.add(whole_row(placed), 0, weight * static_cast<std::int64_t>(placed.copies - common));
      return;
    }
    for (std::uint64_t p = placed.position; p < placed.position + placed.copies; ++p) {
      const bool in_other = other != nullptr && p >= other->position && p < other->position + other->copies;
      if (!in_other) writer.add(whole_row(placed), p, weight);
    }
  };
  std::size_t b = 0;
  std::size_t a = 0;
  while (b < before.size() || a < after.size()) {
    const int order = b == before.size() ? 1 : a == after.size() ? -1 : before[b].row.compare(after[a].row);
    if (order <= 0) write(before[b], order == 0 ? &after[a] : nullptr, -1);
    if (order >= 0) write(after[a], order == 0 ? &before[b] : nullptr, 1);
    if (order <= 0) ++b;
    if (order >= 0) ++a;
  }
}

Status TopN::do_end_epoch(Epoch, Output& output) {
  Impl& impl = *impl_;
  Writer writer(impl.row_codec, impl.types, impl.with_rank, output);
  for (const Impl::Touched& touched : impl.touched_partitions) {
    const Slot partition = touched.partition;
    SLUICE_TRY_ASSIGN(const auto after, impl.window(partition));
    impl.emit_difference(touched.before, after, writer);
    if (impl.append_only) impl.copies[partition] = static_cast<std::int64_t>(impl.rows.keep_first(partition, impl.end));
    impl.touched[partition] = 0;
    if (!impl.rows.first(partition)) {
      if (impl.copies[partition] != 0) return Error(ErrorCode::Internal, "top_n: a partition lost count of its rows");
      impl.partitions.erase(partition);
    }
  }
  writer.finish();
  impl.touched_partitions.clear();
  return ok();
}

}  // namespace sluice::engine
