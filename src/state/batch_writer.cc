#include "state/batch_writer.h"

#include <utility>

namespace sluice::state {

using columnar::ChangeBatch;

void BatchWriter::add(std::string_view row, std::int64_t weight) {
  if (weight == 0) return;
  bytes_.append(row);
  ends_.push_back(bytes_.size());
  weights_.push_back(weight);
  if (ends_.size() == ChangeBatch::kBatchRowsMax) finish();
}

void BatchWriter::finish() {
  if (ends_.empty()) return;
  std::vector<std::string_view> rows;
  rows.reserve(ends_.size());
  std::size_t begin = 0;
  for (const std::size_t end : ends_) {
    rows.push_back(std::string_view(bytes_).substr(begin, end - begin));
    begin = end;
  }
  ChangeBatch batch(codec_.types());
  codec_.decode(rows, batch.rows());
  batch.rows().SetCardinality(rows.size());
  batch.set_weights(std::exchange(weights_, {}));
  bytes_.clear();
  ends_.clear();
  take_(std::move(batch));
}

}  // namespace sluice::state
