#include "engine/distinct.h"

#include <utility>

#include "state/batch_writer.h"

namespace sluice::engine {

Result<std::unique_ptr<Distinct>> Distinct::create(columnar::RowType types) {
  SLUICE_TRY_ASSIGN(auto codec, columnar::RowCodec::create_for_groups(std::move(types)));
  return std::unique_ptr<Distinct>(new Distinct(std::move(codec)));
}

std::uint64_t Distinct::state_bytes() const {
  return rows_.bytes() + counts_.capacity() * sizeof(std::int64_t) + touched_.capacity() / 8;
}

Status Distinct::do_push(Port, columnar::ChangeBatch& changes, Output&) {
  codec_.encode(changes.rows(), {}, encoded_);
  rows_.insert(encoded_, slots_);
  if (counts_.size() < rows_.slot_end()) {
    counts_.resize(rows_.slot_end());
    touched_.resize(rows_.slot_end());
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const state::Slot slot = slots_[i];
    if (!touched_[slot]) {
      touched_[slot] = true;
      touched_slots_.push_back({slot, counts_[slot] > 0});
    }
    counts_[slot] += changes.weight(i);
  }
  return ok();
}

Status Distinct::do_end_epoch(Epoch, Output& output) {
  state::BatchWriter writer(codec_, [&](columnar::ChangeBatch&& batch) { output.emit(std::move(batch)); });
  for (const Touched& touched : touched_slots_) {
    const std::int64_t count = counts_[touched.slot];
    if (count < 0) return Error(ErrorCode::Internal, "distinct: a row was taken away that was not there");
    writer.add(rows_.key(touched.slot), (count > 0 ? 1 : 0) - (touched.was_present ? 1 : 0));
    ++counters_.state_writes;
    touched_[touched.slot] = false;
    if (count == 0) rows_.erase(touched.slot);
  }
  writer.finish();
  touched_slots_.clear();
  return ok();
}

}  // namespace sluice::engine
