#include "connect/delta/internal/epoch_changes.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "columnar/guard.h"

namespace sluice::connect::internal {
namespace {

constexpr std::size_t kTextBytesMax = 1000;

duckdb::vector<duckdb::LogicalType> to_duckdb(const columnar::RowType& types) {
  return duckdb::vector<duckdb::LogicalType>(types.begin(), types.end());
}

/// Makes `part` the rows of `rows` at the given indices, without copying values.
void slice(duckdb::DataChunk& rows, const std::vector<std::uint32_t>& indices, duckdb::DataChunk& part) {
  duckdb::SelectionVector selection(indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) selection.set_index(i, indices[i]);
  part.InitializeEmpty(rows.GetTypes());
  part.Slice(rows, selection, indices.size());
}

}  // namespace

Result<RowHasher> RowHasher::create(columnar::RowType types) {
  SLUICE_TRY_ASSIGN(auto codec, columnar::RowCodec::create_for_keys(std::move(types)));
  return RowHasher(std::move(codec));
}

Status RowHasher::hash(duckdb::DataChunk& rows, std::vector<Hash128>& hashes) {
  SLUICE_TRY(columnar::guard([&] { codec_.encode(rows, {}, encoded_); }));
  hashes.clear();
  for (std::size_t row = 0; row < rows.size(); ++row) hashes.push_back(hash128(encoded_.row(row)));
  return ok();
}

EpochChanges::EpochChanges(columnar::ParquetContext& context, const columnar::RowType& types)
    : types_(to_duckdb(types)), rows_(context.client(), types_) {
  rows_.InitializeAppend(append_);
}

Status EpochChanges::add(duckdb::DataChunk& rows, const columnar::ChangeBatch& weights,
                         const std::vector<Hash128>& hashes) {
  std::vector<std::uint32_t> new_rows;
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    const auto [slot, is_new] = index_of_.try_emplace(hashes[row], weights_.size());
    if (is_new) {
      new_rows.push_back(row);
      hashes_.push_back(hashes[row]);
      weights_.push_back(0);
    }
    weights_[slot->second] += weights.weight(row);
  }
  if (new_rows.empty()) return ok();
  return columnar::guard([&] {
    duckdb::DataChunk part;
    slice(rows, new_rows, part);
    rows_.Append(append_, part);
  });
}

std::vector<EpochChanges::Removal> EpochChanges::removals() const {
  std::vector<Removal> removals;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] < 0) removals.push_back({hashes_[i], static_cast<std::uint64_t>(-weights_[i]), i});
  }
  return removals;
}

Status EpochChanges::for_each(
    Sign sign, const std::function<Status(duckdb::DataChunk& rows, const std::vector<Hash128>& hashes)>& sink) const {
  Status outcome = ok();
  std::size_t first = 0;
  std::vector<std::uint64_t> copies;
  std::vector<Hash128> hashes;
  SLUICE_TRY(columnar::guard([&] {
    for (auto& chunk : rows_.Chunks()) {
      copies.clear();
      for (std::size_t row = 0; row < chunk.size(); ++row) {
        const std::int64_t weight = sign == Sign::Added ? weights_[first + row] : -weights_[first + row];
        copies.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(weight, 0)));
      }
      outcome = repeat_rows(chunk, copies, [&](duckdb::DataChunk& rows, const std::vector<std::uint32_t>& repeated) {
        hashes.clear();
        for (const std::uint32_t row : repeated) hashes.push_back(hashes_[first + row]);
        return sink(rows, hashes);
      });
      if (!outcome) return;
      first += chunk.size();
    }
  }));
  return outcome;
}

std::string EpochChanges::text_of(std::size_t index) const {
  std::string text;
  const Status read = columnar::guard([&] {
    for (const auto& row : rows_.Rows()) {
      if (index-- > 0) continue;
      for (std::size_t column = 0; column < types_.size(); ++column) {
        text += (column == 0 ? "" : ", ") + row.GetValue(column).ToString();
      }
      break;
    }
  });
  if (!read) return "(unreadable)";
  if (text.size() <= kTextBytesMax) return text;
  std::size_t size = kTextBytesMax;
  while ((text[size] & 0xC0) == 0x80) --size;  // not within a character
  text.resize(size);
  text += "…";
  return text;
}

Status repeat_rows(
    duckdb::DataChunk& rows, const std::vector<std::uint64_t>& copies,
    const std::function<Status(duckdb::DataChunk& rows, const std::vector<std::uint32_t>& repeated)>& sink) {
  std::vector<std::uint32_t> repeated;
  const auto pass_on = [&]() -> Status {
    if (repeated.empty()) return ok();
    duckdb::DataChunk part;
    SLUICE_TRY(columnar::guard([&] { slice(rows, repeated, part); }));
    SLUICE_TRY(sink(part, repeated));
    repeated.clear();
    return ok();
  };
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    for (std::uint64_t i = 0; i < copies[row]; ++i) {
      repeated.push_back(row);
      if (repeated.size() == STANDARD_VECTOR_SIZE) {
        SLUICE_TRY(pass_on());
      }
    }
  }
  return pass_on();
}

}  // namespace sluice::connect::internal
