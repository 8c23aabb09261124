#include "engine/partition_query.h"

#include <algorithm>
#include <utility>

#include <duckdb/common/allocator.hpp>

#include "engine/internal/row_errors.h"

namespace sluice::engine {
namespace {

using columnar::ChangeBatch;
using columnar::RowCodec;
using duckdb::ColumnDataCollection;
using state::kNoSlot;
using state::Multiset;
using state::Slot;

}  // namespace

bool rows_may_be_to_blame(const Error& error) {
  const bool kind = error.code() == ErrorCode::DataError || error.code() == ErrorCode::InvalidArgument ||
                    error.code() == ErrorCode::Unsupported;
  return kind && error.number() == 0;
}

Result<std::unique_ptr<PartitionQuery>> PartitionQuery::create(Definition definition, columnar::RowType input) {
  columnar::RowType key_types;
  for (const columnar::ColumnIndex column : definition.partition) key_types.push_back(input[column]);
  SLUICE_TRY_ASSIGN(auto keys, RowCodec::create_for_keys(std::move(key_types)));
  SLUICE_TRY_ASSIGN(auto rows, RowCodec::create(std::move(input)));
  SLUICE_TRY_ASSIGN(auto answers, RowCodec::create(definition.types));
  return std::unique_ptr<PartitionQuery>(
      new PartitionQuery(std::move(definition), std::move(keys), std::move(rows), std::move(answers)));
}

std::uint64_t PartitionQuery::state_bytes() const { return rows_.bytes() + is_touched_.capacity(); }

Status PartitionQuery::do_push(Port, ChangeBatch& changes, Output&) {
  key_codec_.encode(changes.rows(), definition_.partition, encoded_keys_);
  row_codec_.encode(changes.rows(), {}, encoded_rows_);
  rows_.insert(encoded_keys_, encoded_rows_, entries_);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Slot key = entries_[i].key;
    if (is_touched_.size() <= key) is_touched_.resize(key + 1);
    if (is_touched_[key] == 0) {
      is_touched_[key] = 1;
      touched_.push_back({key, rows_of(key)});
    }
    rows_.add_weight(entries_[i].row, changes.weight(i));
  }
  counters_.state_writes += changes.size();
  return ok();
}

/// Returns the rows that a partition holds now.
Multiset PartitionQuery::rows_of(Slot key) const {
  Multiset rows;
  for (Slot row = rows_.first_row(key); row != kNoSlot; row = rows_.next_row(row)) {
    if (rows_.weight(row) != 0) rows.add(rows_.row(row), rows_.weight(row));
  }
  return rows;
}

Status PartitionQuery::do_end_epoch(Epoch, Output& output) {
  if (touched_.empty()) return ok();
  std::vector<Multiset> now;
  std::vector<const Multiset*> before;
  std::vector<const Multiset*> after;
  std::vector<std::string> keys;
  for (const Touched& touched : touched_) {
    now.push_back(rows_of(touched.key));
    keys.emplace_back(rows_.key(touched.key));
  }
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    before.push_back(&touched_[i].before);
    after.push_back(&now[i]);
  }
  SLUICE_TRY_ASSIGN(const Answer old_answer, answer(before, keys));
  SLUICE_TRY_ASSIGN(const Answer new_answer, answer(after, keys));
  report(old_answer, new_answer, output);
  state::for_each_batch(state::difference(old_answer.rows, new_answer.rows), answer_codec_,
                        [&](ChangeBatch&& batch) { output.emit(std::move(batch)); });

  for (const Touched& touched : touched_) {
    is_touched_[touched.key] = 0;
    std::vector<Slot> gone;
    for (Slot row = rows_.first_row(touched.key); row != kNoSlot; row = rows_.next_row(row)) {
      if (rows_.weight(row) == 0) gone.push_back(row);
    }
    for (const Slot row : gone) rows_.drop_if_zero(row);
  }
  touched_.clear();
  return ok();
}

Result<PartitionQuery::Answer> PartitionQuery::answer(const std::vector<const Multiset*>& partitions,
                                                      const std::vector<std::string>& keys) {
  Answer answer;
  Status done = run(partitions, answer.rows);
  if (done) return answer;
  if (!rows_may_be_to_blame(done.error())) return std::move(done).error();
  // One partition or more make the query fail: each is asked alone.
  answer.rows.clear();
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    Multiset rows;
    Status alone = run({partitions[i]}, rows);
    if (alone) {
      rows.for_each([&](std::string_view row, std::int64_t weight) { answer.rows.add(row, weight); });
    } else if (rows_may_be_to_blame(alone.error())) {
      answer.failures.emplace(keys[i], alone.error().message());
    } else {
      return std::move(alone).error();
    }
  }
  return answer;
}

/// Adds what the query gives over the partitions' rows to `answer`.
Status PartitionQuery::run(const std::vector<const Multiset*>& partitions, Multiset& answer) const {
  const columnar::RowType& types = row_codec_.types();
  ColumnDataCollection input(duckdb::Allocator::DefaultAllocator(),
                             duckdb::vector<duckdb::LogicalType>(types.begin(), types.end()));
  std::vector<std::string_view> rows;
  bool is_sound = true;
  const auto flush = [&] {
    ChangeBatch batch(types);
    row_codec_.decode(rows, batch.rows());
    batch.rows().SetCardinality(rows.size());
    input.Append(batch.rows());
    rows.clear();
  };
  for (const Multiset* const partition : partitions) {
    partition->for_each([&](std::string_view row, std::int64_t weight) {
      is_sound = is_sound && weight > 0;
      for (std::int64_t copy = 0; copy < weight; ++copy) {
        rows.push_back(row);
        if (rows.size() == ChangeBatch::kBatchRowsMax) flush();
      }
    });
  }
  if (!is_sound) return Error(ErrorCode::Internal, "partition_query: a row was taken away that was not there");
  if (!rows.empty()) flush();
  if (input.Count() == 0) return ok();
  SLUICE_TRY_ASSIGN(const auto result, definition_.run(definition_.sql, types, input));
  if (columnar::RowType(result->Types().begin(), result->Types().end()) != definition_.types) {
    return Error(ErrorCode::Internal, "partition_query: the answer has other types than planned");
  }
  columnar::EncodedRows encoded;
  for (auto& chunk : result->Chunks()) {
    answer_codec_.encode(chunk, {}, encoded);
    answer.add(encoded, {});
  }
  return ok();
}

void PartitionQuery::report(const Answer& before, const Answer& after, Output& output) const {
  const auto fail = [&](const std::string& key, const std::string& message, std::int64_t weight) {
    duckdb::DataChunk values;
    if (!definition_.partition.empty()) {
      values.Initialize(duckdb::Allocator::DefaultAllocator(),
                        duckdb::vector<duckdb::LogicalType>(key_codec_.types().begin(), key_codec_.types().end()), 1);
      key_codec_.decode(key, values, 0);
    }
    values.SetCardinality(1);
    output.fail({internal::row_text(values, 0, definition_.partition.size()), definition_.text, message, weight});
  };
  const auto has = [](const Answer& answer, const std::string& key, const std::string& message) {
    const auto found = answer.failures.find(key);
    return found != answer.failures.end() && found->second == message;
  };
  for (const auto& [key, message] : before.failures) {
    if (!has(after, key, message)) fail(key, message, -1);
  }
  for (const auto& [key, message] : after.failures) {
    if (!has(before, key, message)) fail(key, message, 1);
  }
}

}  // namespace sluice::engine
