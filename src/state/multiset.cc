#include "state/multiset.h"

#include "state/batch_writer.h"

namespace sluice::state {

std::int64_t Multiset::add(std::string_view row, std::int64_t weight) {
  if (weight == 0) return this->weight(row);
  const Slot slot = rows_.insert(row);
  if (slot >= weights_.size()) weights_.resize(rows_.slot_end());
  weights_[slot] += weight;
  const std::int64_t after = weights_[slot];
  if (after == 0) rows_.erase(slot);
  return after;
}

void Multiset::add(const columnar::EncodedRows& rows, std::span<const std::int64_t> weights) {
  rows_.insert(rows, slots_);
  if (weights_.size() < rows_.slot_end()) weights_.resize(rows_.slot_end());
  for (std::size_t i = 0; i < slots_.size(); ++i) weights_[slots_[i]] += weights.empty() ? 1 : weights[i];
  for (const Slot slot : slots_) {  // a row that came twice may be erased already
    if (rows_.in_use(slot) && weights_[slot] == 0) rows_.erase(slot);
  }
}

void Multiset::clear() {
  rows_.clear();
  weights_.clear();
}

std::int64_t Multiset::weight(std::string_view row) const {
  const Slot slot = rows_.find(row);
  return slot == kNoSlot ? 0 : weights_[slot];
}

Multiset difference(const Multiset& from, const Multiset& to) {
  Multiset change;
  to.for_each([&](std::string_view row, std::int64_t weight) { change.add(row, weight - from.weight(row)); });
  from.for_each([&](std::string_view row, std::int64_t weight) {
    if (to.weight(row) == 0) change.add(row, -weight);
  });
  return change;
}

void for_each_batch(const Multiset& rows, const columnar::RowCodec& codec,
                    const std::function<void(columnar::ChangeBatch&&)>& take) {
  BatchWriter writer(codec, take);
  rows.for_each([&](std::string_view row, std::int64_t weight) { writer.add(row, weight); });
  writer.finish();
}

}  // namespace sluice::state
