#include <string>
#include <type_traits>
#include <utility>

#include <duckdb/common/operator/comparison_operators.hpp>

#include "columnar/float_order.h"
#include "columnar/row_codec.h"
#include "engine/internal/accumulator.h"
#include "state/ordered_arrangement.h"

namespace sluice::engine::internal {
namespace {

using duckdb::FlatVector;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;
using state::kNoSlot;
using state::Slot;

/// min or max of an input that only grows, over values of fixed width: one value per group.
template <typename T>
class GrowingFixedMinMax final : public Accumulator {
 public:
  explicit GrowingFixedMinMax(bool is_max) : is_max_(is_max) {}

  void resize(Slot end) override {
    values_.resize(end);
    present_.resize(end);
  }

  std::uint64_t update(const AccumulatorInput& input) override {
    UnifiedVectorFormat format;
    input.argument->ToUnifiedFormat(input.count, format);
    const T* const data = UnifiedVectorFormat::GetData<T>(format);
    input.for_each_row([&](std::size_t row) {
      const auto index = format.sel->get_index(row);
      if (!format.validity.RowIsValid(index)) return;
      const T value = data[index];
      const Slot group = input.groups[row];
      if (!present_[group] || is_better(value, values_[group])) {
        values_[group] = value;
        present_[group] = 1;
      }
    });
    return 0;
  }

  void reset(Slot group) override { present_[group] = 0; }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row, Failures&) const override {
    T* const results = FlatVector::GetData<T>(out) + first_row;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      results[i] = values_[groups[i]];
      if (!present_[groups[i]]) FlatVector::SetNull(out, first_row + i, true);
    }
    return ok();
  }

  std::uint64_t bytes() const override { return values_.capacity() * sizeof(T) + present_.capacity(); }

 private:
  bool is_better(const T& value, const T& than) const {
    if constexpr (std::is_floating_point_v<T>) {
      // -0.0 and 0.0 are equal: the first to come must not decide.
      const auto number = columnar::FloatOrder<T>::number_of(value);
      const auto other = columnar::FloatOrder<T>::number_of(than);
      return is_max_ ? number > other : number < other;
    }
    return is_max_ ? duckdb::GreaterThan::Operation<T>(value, than) : duckdb::LessThan::Operation<T>(value, than);
  }

  bool is_max_;
  std::vector<T> values_;
  std::vector<std::uint8_t> present_;
};

/// Values as bytes that sort as they do.
class EncodedValues {
 public:
  explicit EncodedValues(columnar::RowCodec codec) : codec_(std::move(codec)) {}

  /// Calls `visit` with each row to take whose value is not NULL, and the value's bytes.
  template <typename Visit>
  void for_each(const AccumulatorInput& input, Visit&& visit) {
    duckdb::DataChunk values;
    values.InitializeEmpty({input.argument->GetType()});
    values.data[0].Reference(*input.argument);
    values.SetCardinality(input.count);
    codec_.encode(values, {}, encoded_);
    input.for_each_row([&](std::size_t row) {
      if (!encoded_.has_null[row]) visit(row, encoded_.row(row));
    });
  }

  /// Writes values[i] to row first_row + i of `out`; an empty one is NULL.
  void decode(std::span<const std::string_view> values, duckdb::Vector& out, std::size_t first_row) const {
    duckdb::DataChunk chunk;
    chunk.InitializeEmpty({out.GetType()});
    chunk.data[0].Reference(out);
    for (std::size_t begin = 0; begin < values.size();) {
      if (values[begin].empty()) {
        FlatVector::SetNull(chunk.data[0], first_row + begin++, true);
        continue;
      }
      std::size_t end = begin + 1;
      while (end < values.size() && !values[end].empty()) ++end;
      codec_.decode(values.subspan(begin, end - begin), chunk, first_row + begin);
      begin = end;
    }
    out.Reference(chunk.data[0]);
  }

 private:
  columnar::RowCodec codec_;
  columnar::EncodedRows encoded_;
};

/// min or max of an input that only grows, over any values: the bytes of one per group.
class GrowingMinMax final : public Accumulator {
 public:
  GrowingMinMax(bool is_max, columnar::RowCodec codec) : is_max_(is_max), encoded_(std::move(codec)) {}

  void resize(Slot end) override { slots_.resize(end, kNoSlot); }

  std::uint64_t update(const AccumulatorInput& input) override {
    encoded_.for_each(input, [&](std::size_t row, std::string_view value) {
      Slot& slot = slots_[input.groups[row]];
      if (slot != kNoSlot) {
        const int order = value.compare(values_.get(slot));
        if (is_max_ ? order <= 0 : order >= 0) return;
        values_.remove(slot);
      }
      slot = values_.add(value);
    });
    return 0;
  }

  void reset(Slot group) override {
    if (slots_[group] != kNoSlot) values_.remove(slots_[group]);
    slots_[group] = kNoSlot;
  }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row, Failures&) const override {
    std::vector<std::string_view> values(groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (slots_[groups[i]] != kNoSlot) values[i] = values_.get(slots_[groups[i]]);
    }
    encoded_.decode(values, out, first_row);
    return ok();
  }

  std::uint64_t bytes() const override { return slots_.capacity() * sizeof(Slot) + values_.bytes(); }

 private:
  bool is_max_;
  EncodedValues encoded_;
  std::vector<Slot> slots_;  // by group, into values_
  state::ByteStore values_;
};

/// min or max of an input that also shrinks: all values of the group, in order.
class GeneralMinMax final : public Accumulator {
 public:
  GeneralMinMax(bool is_max, columnar::RowCodec codec) : is_max_(is_max), encoded_(std::move(codec)) {}

  void resize(Slot) override {}

  std::uint64_t update(const AccumulatorInput& input) override {
    std::uint64_t touched = 0;
    encoded_.for_each(input, [&](std::size_t row, std::string_view value) {
      values_.add(input.groups[row], value, input.weight(row));
      ++touched;
    });
    return touched;
  }

  void reset(Slot group) override { values_.clear(group); }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row, Failures&) const override {
    std::vector<std::string_view> values(groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const auto best = is_max_ ? values_.last(groups[i]) : values_.first(groups[i]);
      if (!best) continue;
      if (best->weight < 0) {
        return Error(ErrorCode::Internal, "min or max: a value was taken away from a group that did not have it");
      }
      values[i] = best->row;
    }
    encoded_.decode(values, out, first_row);
    return ok();
  }

  std::uint64_t bytes() const override { return values_.bytes(); }
  std::uint64_t state_reads() const override { return values_.reads(); }

 private:
  bool is_max_;
  EncodedValues encoded_;
  state::OrderedArrangement values_;
};

/// Returns an accumulator of one value per group if the type has a fixed width and compares by its bits.
std::unique_ptr<Accumulator> make_growing_fixed(const duckdb::LogicalType& type, bool is_max) {
  if (type.id() == LogicalTypeId::TIME_TZ) return nullptr;
  switch (type.InternalType()) {
    case PhysicalType::INT8: return std::make_unique<GrowingFixedMinMax<std::int8_t>>(is_max);
    case PhysicalType::INT16: return std::make_unique<GrowingFixedMinMax<std::int16_t>>(is_max);
    case PhysicalType::INT32: return std::make_unique<GrowingFixedMinMax<std::int32_t>>(is_max);
    case PhysicalType::INT64: return std::make_unique<GrowingFixedMinMax<std::int64_t>>(is_max);
    case PhysicalType::UINT8: return std::make_unique<GrowingFixedMinMax<std::uint8_t>>(is_max);
    case PhysicalType::UINT16: return std::make_unique<GrowingFixedMinMax<std::uint16_t>>(is_max);
    case PhysicalType::UINT32: return std::make_unique<GrowingFixedMinMax<std::uint32_t>>(is_max);
    case PhysicalType::UINT64: return std::make_unique<GrowingFixedMinMax<std::uint64_t>>(is_max);
    case PhysicalType::INT128: return std::make_unique<GrowingFixedMinMax<duckdb::hugeint_t>>(is_max);
    case PhysicalType::FLOAT: return std::make_unique<GrowingFixedMinMax<float>>(is_max);
    case PhysicalType::DOUBLE: return std::make_unique<GrowingFixedMinMax<double>>(is_max);
    default: return nullptr;
  }
}

}  // namespace

Result<std::unique_ptr<Accumulator>> make_min_max(const AggregateCall& call, const duckdb::LogicalType& input,
                                                  bool append_only_input) {
  if (call.type.InternalType() != input.InternalType()) return unsupported(call);
  const bool is_max = call.function == "max";
  if (append_only_input) {
    if (auto fixed = make_growing_fixed(input, is_max)) return fixed;
  }
  SLUICE_TRY_ASSIGN(auto codec, columnar::RowCodec::create({input}));
  if (append_only_input) return std::make_unique<GrowingMinMax>(is_max, std::move(codec));
  return std::make_unique<GeneralMinMax>(is_max, std::move(codec));
}

}  // namespace sluice::engine::internal
