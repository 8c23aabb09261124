#include "state/ordered_arrangement.h"

#include <algorithm>

namespace sluice::state {

void OrderedArrangement::add(Slot group, std::string_view row, std::int64_t weight) {
  if (weight == 0) return;
  ++reads_;
  if (group >= groups_.size()) groups_.resize(std::size_t(group) + 1);
  std::vector<Leaf>& leaves = groups_[group];
  const Place place = lower_bound(leaves, row);
  if (!leaves.empty() && place.index < leaves[place.leaf].size()) {
    const Slot slot = leaves[place.leaf][place.index];
    if (rows_.get(slot) == row) {
      weights_[slot] += weight;
      if (weights_[slot] != 0) return;
      Leaf& leaf = leaves[place.leaf];
      leaf.erase(leaf.begin() + static_cast<std::ptrdiff_t>(place.index));
      if (leaf.empty()) {
        leaves.erase(leaves.begin() + static_cast<std::ptrdiff_t>(place.leaf));
        --leaf_count_;
      }
      rows_.remove(slot);
      return;
    }
  }
  const Slot slot = rows_.add(row);
  if (slot >= weights_.size()) weights_.resize(rows_.slot_end());
  weights_[slot] = weight;
  insert(leaves, place, slot);
}

OrderedArrangement::Place OrderedArrangement::lower_bound(const std::vector<Leaf>& leaves, std::string_view row) const {
  if (leaves.empty()) return {0, 0};
  const auto before = [&](Slot slot, std::string_view bytes) { return rows_.get(slot) < bytes; };
  auto leaf = std::lower_bound(leaves.begin(), leaves.end(), row, [&](const Leaf& candidate, std::string_view bytes) {
    return before(candidate.back(), bytes);
  });
  if (leaf == leaves.end()) return {leaves.size() - 1, leaves.back().size()};
  const auto at = std::lower_bound(leaf->begin(), leaf->end(), row, before);
  return {static_cast<std::size_t>(leaf - leaves.begin()), static_cast<std::size_t>(at - leaf->begin())};
}

void OrderedArrangement::insert(std::vector<Leaf>& leaves, Place place, Slot slot) {
  if (leaves.empty()) {
    leaves.push_back({slot});
    ++leaf_count_;
    return;
  }
  Leaf& leaf = leaves[place.leaf];
  leaf.insert(leaf.begin() + static_cast<std::ptrdiff_t>(place.index), slot);
  if (leaf.size() <= kLeafRowsMax) return;
  const auto middle = leaf.begin() + static_cast<std::ptrdiff_t>(leaf.size() / 2);
  Leaf upper(middle, leaf.end());
  leaf.erase(middle, leaf.end());
  leaves.insert(leaves.begin() + static_cast<std::ptrdiff_t>(place.leaf) + 1, std::move(upper));
  ++leaf_count_;
}

void OrderedArrangement::clear(Slot group) {
  if (group >= groups_.size()) return;
  for (const Leaf& leaf : groups_[group]) {
    for (const Slot slot : leaf) rows_.remove(slot);
  }
  leaf_count_ -= groups_[group].size();
  groups_[group] = {};
}

std::uint64_t OrderedArrangement::keep_first(Slot group, std::uint64_t copies) {
  if (group >= groups_.size()) return 0;
  std::vector<Leaf>& leaves = groups_[group];
  std::uint64_t seen = 0;
  std::size_t l = 0;
  std::size_t i = 0;
  for (; l < leaves.size() && seen < copies; i + 1 < leaves[l].size() ? ++i : (++l, i = 0)) {
    seen += static_cast<std::uint64_t>(weights_[leaves[l][i]]);
    ++reads_;
  }
  if (l == leaves.size()) return seen;
  for (std::size_t leaf = l; leaf < leaves.size(); ++leaf) {
    for (std::size_t at = leaf == l ? i : 0; at < leaves[leaf].size(); ++at) rows_.remove(leaves[leaf][at]);
  }
  leaves[l].resize(i);
  const std::size_t leaves_kept = l + (i > 0 ? 1 : 0);
  leaf_count_ -= leaves.size() - leaves_kept;
  leaves.resize(leaves_kept);
  return seen;
}

std::optional<OrderedArrangement::Entry> OrderedArrangement::first(Slot group) const {
  if (group >= groups_.size() || groups_[group].empty()) return std::nullopt;
  ++reads_;
  const Slot slot = groups_[group].front().front();
  return Entry{rows_.get(slot), weights_[slot]};
}

std::optional<OrderedArrangement::Entry> OrderedArrangement::last(Slot group) const {
  if (group >= groups_.size() || groups_[group].empty()) return std::nullopt;
  ++reads_;
  const Slot slot = groups_[group].back().back();
  return Entry{rows_.get(slot), weights_[slot]};
}

std::uint64_t OrderedArrangement::bytes() const {
  return rows_.bytes() + weights_.capacity() * sizeof(std::int64_t) + groups_.capacity() * sizeof(groups_[0]) +
         leaf_count_ * sizeof(Leaf) + 2 * rows_.size() * sizeof(Slot);
}

}  // namespace sluice::state
