#include "engine/consolidate.h"

#include <utility>

namespace sluice::engine {

Result<Consolidator> Consolidator::create(columnar::RowType types) {
  SLUICE_TRY_ASSIGN(auto codec, columnar::RowCodec::create(std::move(types)));
  return Consolidator(std::move(codec));
}

void Consolidator::add(columnar::ChangeBatch& changes) {
  codec_.encode(changes.rows(), {}, encoded_);
  rows_.add(encoded_, changes.weights());
}

void Consolidator::finish(const Take& take) {
  const state::Multiset rows = std::exchange(rows_, state::Multiset());
  state::for_each_batch(rows, codec_, take);
}

}  // namespace sluice::engine
