#include "connect/delta/change_reader.h"

#include <utility>

#include "base/hash.h"
#include "columnar/guard.h"
#include "columnar/kernel.h"
#include "columnar/row_codec.h"
#include "delta/duckdb_schema.h"
#include "state/multiset.h"

namespace sluice::connect {
namespace {

using Kind = delta::ChangeFile::Kind;

/// Those rows whose hash leaves the remainder.
struct Share {
  std::uint64_t divisor = 1;
  std::uint64_t remainder = 0;

  bool holds(std::string_view row) const { return divisor == 1 || hash64(row) % divisor == remainder; }
  Share first_half() const { return {divisor * 2, remainder}; }
  Share second_half() const { return {divisor * 2, remainder + divisor}; }
};

/// A share this small has hardly more than one row, however large that is.
constexpr std::uint64_t kDivisorMax = std::uint64_t{1} << 40U;

/// A commit that brought rows and took rows away, read share by share.
class RewrittenRows {
 public:
  using Scan = std::function<Status(const std::vector<delta::ChangeFile>& files, const ChangedRowSink& sink)>;

  RewrittenRows(columnar::RowCodec codec, std::uint64_t memory_bytes_max, const Scan& scan, const ChangedRowSink& sink)
      : codec_(std::move(codec)), memory_bytes_max_(memory_bytes_max), scan_(scan), sink_(sink) {}

  Status read(const std::vector<delta::ChangeFile>& gone, const std::vector<delta::ChangeFile>& come) {
    std::vector<Share> left = {Share()};
    while (!left.empty()) {
      const Share share = left.back();
      left.pop_back();
      SLUICE_TRY_ASSIGN(const bool fits, hold(gone, share));
      if (fits) {
        SLUICE_TRY(scan_(come, [&](columnar::ChangeBatch& rows) { return pass_new(rows, share); }));
        SLUICE_TRY(pass_held());
      } else {
        left.push_back(share.second_half());
        left.push_back(share.first_half());
      }
      held_ = state::Multiset();
    }
    return ok();
  }

 private:
  /// Holds the share of the rows that went. Returns false if that is too much.
  Result<bool> hold(const std::vector<delta::ChangeFile>& gone, Share share) {
    bool fits = true;
    const Status scanned = scan_(gone, [&](columnar::ChangeBatch& rows) -> Status {
      SLUICE_TRY(encode(rows));
      for (std::size_t row = 0; row < encoded_.size(); ++row) {
        if (share.holds(encoded_.row(row))) held_.add(encoded_.row(row), -1);
      }
      fits = held_.bytes() <= memory_bytes_max_ || held_.size() <= 1 || share.divisor >= kDivisorMax;
      return fits ? ok() : Status(Error(ErrorCode::ResourceExhausted, "the rows of a commit fill the memory limit"));
    });
    if (!fits) return false;
    SLUICE_TRY(scanned);
    return true;
  }

  /// Passes on those rows of the share that did not go.
  Status pass_new(columnar::ChangeBatch& rows, Share share) {
    SLUICE_TRY(encode(rows));
    std::vector<std::uint32_t> kept;
    for (std::uint32_t row = 0; row < encoded_.size(); ++row) {
      const std::string_view bytes = encoded_.row(row);
      if (!share.holds(bytes)) continue;
      if (held_.weight(bytes) < 0) {
        held_.add(bytes, 1);
      } else {
        kept.push_back(row);
      }
    }
    if (kept.empty()) return ok();
    if (kept.size() == rows.size()) return sink_(rows);
    columnar::ChangeBatch batch = columnar::slice(rows, kept);
    return sink_(batch);
  }

  /// Passes on what went and did not come again.
  Status pass_held() {
    Status status;
    SLUICE_TRY(columnar::guard([&] {
      state::for_each_batch(held_, codec_, [&](columnar::ChangeBatch&& batch) {
        if (status) status = sink_(batch);
      });
    }));
    return status;
  }

  Status encode(columnar::ChangeBatch& rows) {
    return columnar::guard([&] { codec_.encode(rows.rows(), {}, encoded_); });
  }

  columnar::RowCodec codec_;
  const std::uint64_t memory_bytes_max_;
  const Scan& scan_;
  const ChangedRowSink& sink_;
  state::Multiset held_;
  columnar::EncodedRows encoded_;
};

}  // namespace

Status ChangeReader::read(const delta::TableDifference& difference, const ChangedRowSink& sink) {
  const RewrittenRows::Scan scan = [&](const std::vector<delta::ChangeFile>& files, const ChangedRowSink& take) {
    return scan_(difference.after, files, take);
  };
  const columnar::RowType types = delta::columnar_schema(difference.after->schema()).types();
  for (const delta::CommitChanges& commit : difference.commits) {
    std::vector<delta::ChangeFile> gone;
    std::vector<delta::ChangeFile> come;
    for (const delta::ChangeFile& file : commit.files) (file.kind == Kind::Delete ? gone : come).push_back(file);
    if (gone.empty() || come.empty()) {
      SLUICE_TRY(scan(commit.files, sink));
      continue;
    }
    SLUICE_TRY_ASSIGN(auto codec, columnar::RowCodec::create(types));
    SLUICE_TRY(RewrittenRows(std::move(codec), memory_bytes_max_, scan, sink).read(gone, come));
  }
  return ok();
}

}  // namespace sluice::connect
