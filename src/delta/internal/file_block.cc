#include "delta/internal/file_block.h"

#include <cstring>
#include <limits>
#include <unordered_map>

#include "base/check.h"
#include "base/hash.h"
#include "delta/data_path.h"

namespace sluice::delta::internal {
namespace {

constexpr std::size_t kTextsPerRow = 3;
constexpr std::uint8_t kDataChange = 1;
constexpr std::uint8_t kHasStats = 2;
constexpr std::uint32_t kNull = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();

/// Appends a text after its length; nullopt is a length that no text has.
void encode(std::optional<std::string_view> text, std::string& out) {
  const std::uint32_t length = text ? static_cast<std::uint32_t>(text->size()) : kNull;
  out.append(reinterpret_cast<const char*>(&length), sizeof(length));
  if (text) out.append(*text);
}

/// Takes what encode() wrote off the front of `in`.
std::optional<std::string_view> decode(std::string_view& in) {
  std::uint32_t length = 0;
  std::memcpy(&length, in.data(), sizeof(length));
  in.remove_prefix(sizeof(length));
  if (length == kNull) return std::nullopt;
  const std::string_view text = in.substr(0, length);
  in.remove_prefix(length);
  return text;
}

/// True if the canonical form of a path may be another text.
bool is_escaped(std::string_view path) { return path.find('%') != std::string_view::npos || path.starts_with("file:"); }

std::optional<std::int64_t> value_of(const std::vector<std::int64_t>& column, std::size_t row) {
  if (column.empty() || column[row] == kNone) return std::nullopt;
  return column[row];
}

}  // namespace

std::shared_ptr<const FileBlock> FileBlock::make(std::span<const FileRow> rows) {
  SLUICE_CHECK(rows.size() <= kRowsMax, "a block holds fewer files");
  std::shared_ptr<FileBlock> block(new FileBlock());
  block->add_texts(rows);
  block->add_tuples(rows);
  block->add_numbers(rows);
  block->is_sorted_ = block->keys_ascend();
  return block;
}

std::shared_ptr<const FileBlock> FileBlock::make_of(std::span<const AddFile* const> files) {
  std::vector<PartitionEntry> entries;
  std::vector<RareParts> rare(files.size());
  std::vector<FileRow> rows;
  std::size_t entry_count = 0;
  for (const AddFile* file : files) entry_count += file->partition_values.size();
  entries.reserve(entry_count);  // the spans of the rows must stay
  for (std::size_t i = 0; i < files.size(); ++i) {
    const AddFile& file = *files[i];
    const std::size_t begin = entries.size();
    for (const auto& [name, value] : file.partition_values) entries.push_back({name, value});
    rare[i] = {file.tags, file.deletion_vector, file.clustering_provider};
    rows.push_back({file.path, std::span(entries).subspan(begin), file.size_bytes, file.modification_time,
                    file.data_change, file.stats, file.base_row_id, file.default_row_commit_version,
                    rare[i].empty() ? nullptr : &rare[i]});
  }
  return make(rows);
}

void FileBlock::add_texts(std::span<const FileRow> rows) {
  std::vector<std::pair<std::size_t, std::string>> canonical;  // of those paths that differ from theirs
  std::size_t length = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    length += rows[i].path.size() + rows[i].stats.value_or("").size();
    if (!is_escaped(rows[i].path)) continue;
    canonical.emplace_back(i, delta::canonical_path(rows[i].path));
    length += canonical.back().second.size();
  }
  texts_ = std::make_unique_for_overwrite<char[]>(length);
  ends_.reserve(rows.size() * kTextsPerRow);
  hashes_.reserve(rows.size());
  std::size_t end = 0;
  const auto append = [&](std::string_view text) {
    if (!text.empty()) std::memcpy(texts_.get() + end, text.data(), text.size());
    end += text.size();
    ends_.push_back(end);
  };
  auto next = canonical.begin();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    append(rows[i].path);
    const bool differs = next != canonical.end() && next->first == i;
    append(differs ? std::string_view(next->second) : std::string_view());
    append(rows[i].stats.value_or(""));
    hashes_.push_back(hash64(differs ? std::string_view(next->second) : rows[i].path));
    if (differs) ++next;
  }
}

void FileBlock::add_tuples(std::span<const FileRow> rows) {
  std::unordered_map<std::string, std::uint16_t> known;
  std::string encoded;
  tuple_index_.reserve(rows.size());
  for (const FileRow& row : rows) {
    encoded.clear();
    for (const PartitionEntry& entry : row.partition_values) {
      encode(entry.name, encoded);
      encode(entry.value, encoded);
    }
    if (!tuple_index_.empty() && tuples_[tuple_index_.back()] == encoded) {
      tuple_index_.push_back(tuple_index_.back());
      continue;
    }
    const auto [found, is_new] = known.try_emplace(encoded, static_cast<std::uint16_t>(tuples_.size()));
    if (is_new) tuples_.push_back(encoded);
    tuple_index_.push_back(found->second);
  }
  tuples_.shrink_to_fit();
}

void FileBlock::add_numbers(std::span<const FileRow> rows) {
  sizes_.reserve(rows.size());
  times_.reserve(rows.size());
  flags_.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const FileRow& row = rows[i];
    sizes_.push_back(row.size_bytes);
    times_.push_back(row.modification_time.time_since_epoch().count());
    flags_.push_back(static_cast<std::uint8_t>((row.data_change ? kDataChange : 0) | (row.stats ? kHasStats : 0)));
    const auto put = [&](std::vector<std::int64_t>& column, std::optional<std::int64_t> value) {
      if (!value) return;
      if (column.empty()) column.resize(rows.size(), kNone);
      column[i] = *value;
    };
    put(base_row_ids_, row.base_row_id);
    put(row_commit_versions_, row.default_row_commit_version);
    if (row.rare == nullptr) continue;
    if (rare_index_.empty()) rare_index_.resize(rows.size());
    rare_.push_back(*row.rare);
    rare_index_[i] = static_cast<std::uint16_t>(rare_.size());
  }
}

bool FileBlock::keys_ascend() const {
  for (std::size_t row = 1; row < size(); ++row) {
    const int order = canonical_path(row - 1).compare(canonical_path(row));
    if (order > 0 || (order == 0 && dv_id(row - 1) >= dv_id(row))) return false;
  }
  return true;
}

std::string_view FileBlock::text(std::size_t row, std::size_t part) const {
  const std::size_t index = row * kTextsPerRow + part;
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return {texts_.get() + begin, ends_[index] - begin};
}

std::string_view FileBlock::canonical_path(std::size_t row) const {
  const std::string_view other = text(row, 1);
  return other.empty() ? text(row, 0) : other;
}

std::string FileBlock::dv_id(std::size_t row) const {
  if (rare_index_.empty() || rare_index_[row] == 0) return {};
  const auto& descriptor = rare_[rare_index_[row] - 1].deletion_vector;
  return descriptor ? descriptor->unique_id() : std::string();
}

std::optional<std::string_view> FileBlock::stats(std::size_t row) const {
  if ((flags_[row] & kHasStats) == 0) return std::nullopt;
  return text(row, 2);
}

void FileBlock::read_partition_values(std::size_t row, PartitionValues& values) const {
  values.clear();
  for (std::string_view rest = tuples_[tuple_index_[row]]; !rest.empty();) {
    const auto name = decode(rest);
    const auto value = decode(rest);
    values.emplace(*name, value);
  }
}

void FileBlock::read(std::size_t row, AddFile& file) const {
  file.path = text(row, 0);
  read_partition_values(row, file.partition_values);
  file.size_bytes = sizes_[row];
  file.modification_time = UnixMillis(std::chrono::milliseconds(times_[row]));
  file.data_change = (flags_[row] & kDataChange) != 0;
  if ((flags_[row] & kHasStats) == 0) {
    file.stats.reset();
  } else if (file.stats) {
    file.stats->assign(text(row, 2));  // keeps the memory that it has
  } else {
    file.stats.emplace(text(row, 2));
  }
  file.base_row_id = value_of(base_row_ids_, row);
  file.default_row_commit_version = value_of(row_commit_versions_, row);
  static const RareParts kNoParts;
  const bool has_rare = !rare_index_.empty() && rare_index_[row] != 0;
  const RareParts& rare = has_rare ? rare_[rare_index_[row] - 1] : kNoParts;
  file.tags = rare.tags;
  file.deletion_vector = rare.deletion_vector;
  file.clustering_provider = rare.clustering_provider;
}

}  // namespace sluice::delta::internal
