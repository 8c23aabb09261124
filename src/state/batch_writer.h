#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/change_batch.h"
#include "columnar/row_codec.h"

namespace sluice::state {

/// Turns encoded rows with weights into full batches. Copies the bytes it is given.
class BatchWriter {
 public:
  using Take = std::function<void(columnar::ChangeBatch&&)>;

  /// `codec` must outlive the writer.
  BatchWriter(const columnar::RowCodec& codec, Take take) : codec_(codec), take_(std::move(take)) {}
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;

  /// Adds a row; hands over a batch when it is full. A weight of 0 adds nothing.
  void add(std::string_view row, std::int64_t weight);
  /// Hands over what is left. Call it once, at the end.
  void finish();

 private:
  const columnar::RowCodec& codec_;
  Take take_;
  std::string bytes_;
  std::vector<std::size_t> ends_;  // of each row in bytes_
  std::vector<std::int64_t> weights_;
};

}  // namespace sluice::state
