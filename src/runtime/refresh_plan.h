#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/schema.h"
#include "plan/pipeline.h"
#include "runtime/epoch_records.h"

namespace sluice::runtime {

/// What an epoch has to do for a dataset before it can take changes in.
enum class RefreshKind {
  Append,    ///< Streaming table that goes on: new input only.
  Create,    ///< No table yet, or no more: everything its inputs hold.
  Replace,   ///< Everything anew, in place of all rows: full refresh, view of another schema.
  Maintain,  ///< View that goes on: changes of its inputs, on top of state rebuilt from what they held.
  Rebuild,   ///< View whose query, rules or inputs changed: computed anew and committed as a difference.
};

/// The decision for one dataset.
struct Refresh {
  RefreshKind kind = RefreshKind::Append;
  std::int64_t generation = 1;
  /// Datasets and tracked sources whose rows as of the last epoch this one takes in first, as if they had just been
  /// added. For Maintain they only rebuild state and give no output.
  std::vector<std::string> scans;

  friend bool operator==(const Refresh&, const Refresh&) = default;
};

/// Which datasets the user wants computed from scratch.
struct FullRefresh {
  bool all = false;
  std::set<std::string> datasets;  ///< As the user wrote them.

  /// Names are compared without regard to case.
  bool covers(const std::string& dataset) const;
};

/// What a decision rests on.
struct RefreshFacts {
  Epoch epoch;                               ///< Of the manifest.
  std::map<std::string, TableState> tables;  ///< The manifest's, by dataset name.
  std::set<std::string> gone;                ///< Datasets of the manifest whose table is no longer there.
  std::set<std::string> schema_changed;      ///< Views whose table has other columns, or is partitioned by others.
  std::set<std::string> sources_changed;  ///< Views of which a tracked source has other rows, and does not say which.
  FullRefresh full_refresh;
};

/// Returns what the manifest says, with nothing gone, changed or asked for. Datasets are those whose tables lie in
/// `schema`.
RefreshFacts facts_of(const Manifest& manifest, const std::string& schema);

/// Decides, for every dataset of the pipeline, how it goes from the manifest's epoch to the next one (design §3,
/// "Changing the SQL"). Pure. A view that was not part of the pipeline for a while is rebuilt: its inputs went on
/// without it. A full refresh does not look at the rows a table holds, so it also mends one that lost files.
///
/// Errors, all InvalidArgument: a streaming table was a view before, or was left out while a table it reads went on; a
/// full refresh names no dataset of the pipeline or one that may not be reset (pipelines.reset.allowed), or would give
/// a streaming table that is not itself refreshed the same rows again (the message names both).
Result<std::map<std::string, Refresh>> decide_refresh(const plan::Pipeline& pipeline, const RefreshFacts& facts);

/// A table's rows as they are stored.
struct StoredShape {
  columnar::Schema columns;
  std::vector<std::string> partition_columns;
};

/// Checks that the rows a streaming table has fit what it is to be from now on: columns may come, and types widen if
/// inference found wider ones in the files (`types_may_widen`). InvalidArgument otherwise, with the way out.
Status check_fit(const plan::Pipeline& pipeline, const plan::Dataset& dataset, const StoredShape& stored,
                 bool types_may_widen);

/// Returns the dataset and the streaming tables that would be given its rows a second time by its full refresh, in
/// dependency order: what --full-refresh must name together.
std::vector<std::string> refreshed_together(const plan::Pipeline& pipeline, const std::string& dataset);

/// Returns the tables of the manifest that no dataset of the pipeline writes any more, sorted.
std::vector<std::string> find_removed(const plan::Pipeline& pipeline, const std::map<std::string, TableState>& tables);

}  // namespace sluice::runtime
