// Whatever call of the store fails while the log is written, before or after it took effect: the table is what it was or
// what it was to become, nothing of it is damaged, and the next attempt succeeds.

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"
#include "delta/log_checkpoint.h"
#include "delta/log_cleanup.h"
#include "delta/transaction.h"
#include "delta/verify.h"
#include "delta/version_checksum.h"
#include "store/fault_store.h"

namespace sluice::delta {
namespace {

using store::Fault;
using store::Operation;
using ::testing::IsEmpty;

constexpr Operation kOperations[] = {Operation::Get,    Operation::Open,   Operation::Read,        Operation::Head,
                                     Operation::List,   Operation::Put,    Operation::PutIfAbsent, Operation::Create,
                                     Operation::Append, Operation::Finish, Operation::Remove};

// Of calls that there are many of, the first ones and some behind them.
constexpr std::uint64_t kCallsMax = 4;

/// A table of some versions, with log checkpoints, tombstones and a past that is to be cleaned up, as plain objects.
class Original {
 public:
  explicit Original(const std::string& policy) {
    table_.create({{"delta.checkpointPolicy", policy}});
    for (const char* name : {"a", "b", "c", "d", "ours"})
      SLUICE_CHECK_OK(table_.store.put(name, std::string(100, 'x')));
    table_.put({TestTable::file("a"), SetTransaction{"app", 1, std::nullopt}});
    table_.put({TestTable::file("b")});
    for (int i = 0; i < 2; ++i) write_checkpoint();  // the second leaves sidecars behind, if there are any
    table_.put({TestTable::file("c"), TestTable::removal_of(TestTable::file("a"))});
    table_.clock.advance(std::chrono::hours(24 * 40));
    table_.put({TestTable::file("d")});
    table_.clock.advance(std::chrono::hours(1));
    auto listing = table_.store.list("", "");
    SLUICE_CHECK_OK(listing);
    std::ranges::stable_sort(*listing, {}, &store::ObjectInfo::modified);
    for (const store::ObjectInfo& info : *listing) objects_.emplace_back(info, **table_.store.get(info.key));
  }

  /// Fills an empty store, whose clock is at the beginning, with the same objects at the same times.
  void copy_to(store::ObjectStore& store, ManualClock& clock) const {
    for (const auto& [info, bytes] : objects_) {
      clock.advance(info.modified - clock.now());
      SLUICE_CHECK_OK(store.put(info.key, bytes));
    }
    clock.advance(table_.clock.now() - clock.now());
  }

 private:
  void write_checkpoint() {
    SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random));
  }

  mutable TestTable table_;
  std::vector<std::pair<store::ObjectInfo, Bytes>> objects_;
};

/// What is done to the log; returns whether it says that it succeeded.
using Deed = std::function<bool(store::ObjectStore& store, const std::shared_ptr<const Snapshot>& base, Clock& clock,
                                Random& random)>;

bool commit(store::ObjectStore& store, const std::shared_ptr<const Snapshot>& base, Clock& clock, Random& random) {
  CommitRequest request;
  request.actions = {TestTable::file("ours")};
  request.info.operation = "WRITE";
  request.info.txn_id = "our-id";
  const auto outcome = Transaction(store, clock, random, base).commit(request);
  return outcome && std::holds_alternative<Committed>(*outcome);
}

bool write_checksum(store::ObjectStore& store, const std::shared_ptr<const Snapshot>& base, Clock&, Random&) {
  return write_version_checksum(store, *base).has_value();
}

bool write_checkpoint(store::ObjectStore& store, const std::shared_ptr<const Snapshot>& base, Clock& clock,
                      Random& random) {
  return write_log_checkpoint(store, *base, clock, random).has_value();
}

bool clean(store::ObjectStore& store, const std::shared_ptr<const Snapshot>& base, Clock& clock, Random&) {
  return clean_log(store, *base, clock).has_value();
}

class LogFaultTest : public ::testing::TestWithParam<const char*> {
 protected:
  LogFaultTest() : original_(GetParam()) {}

  static std::vector<std::string> verified(store::ObjectStore& store) {
    auto result = verify_table(store);
    SLUICE_CHECK_OK(result);
    return (*result)->findings;
  }

  /// Lets calls of the deed fail, one in each run. Returns how many did.
  int fail_each(const Deed& deed, const std::vector<std::string>& after) {
    const std::vector<std::string> before = {"b", "c", "d"};
    int struck = 0;
    for (const Operation operation : kOperations) {
      for (const auto moment : {Fault::Moment::Before, Fault::Moment::After}) {
        // Of the many calls that move bytes not each one.
        for (std::uint64_t nth = 1; nth <= kCallsMax; nth *= 2) {
          SCOPED_TRACE(testing::Message() << "operation " << static_cast<int>(operation) << ", call " << nth
                                          << (moment == Fault::Moment::After ? ", after" : ", before"));
          ManualClock clock{UnixMillis(std::chrono::milliseconds(1'700'000'000'000))};
          SeededRandom random(nth);
          store::MemoryStore store(clock);
          original_.copy_to(store, clock);
          const auto base = *Snapshot::load(store);
          store::FaultStore faulty(store, {Fault{operation, "", nth, ErrorCode::Unavailable, moment}});
          const bool done = deed(faulty, base, clock, random);
          if (faulty.struck_count() == 0) {
            EXPECT_TRUE(done);
            break;
          }
          ++struck;
          const auto loaded = Snapshot::load(store);
          EXPECT_TRUE(loaded) << loaded.error().message();
          if (!loaded) return struck;
          const auto paths = TestTable::paths(**loaded);
          EXPECT_TRUE(paths == after || (paths == before && !done)) << testing::PrintToString(paths);
          EXPECT_EQ((*loaded)->transaction_version("app"), 1);
          // The deed is done again from either state, so half of the runs look at each.
          if (struck % 2 == 0) {
            EXPECT_THAT(verified(store), IsEmpty());
          }
          EXPECT_TRUE(deed(store, base, clock, random));
          EXPECT_EQ(TestTable::paths(**Snapshot::load(store)), after);
          if (struck % 2 == 1) {
            EXPECT_THAT(verified(store), IsEmpty());
          }
        }
      }
    }
    return struck;
  }

  const Original original_;
};

TEST_P(LogFaultTest, ACommitIsThereOrNot) { EXPECT_GE(fail_each(commit, {"b", "c", "d", "ours"}), 2); }

TEST_P(LogFaultTest, AVersionChecksumChangesNothing) { EXPECT_EQ(fail_each(write_checksum, {"b", "c", "d"}), 2); }

TEST_P(LogFaultTest, ALogCheckpointChangesNothing) { EXPECT_GE(fail_each(write_checkpoint, {"b", "c", "d"}), 15); }

TEST_P(LogFaultTest, ACleanUpChangesNothing) { EXPECT_GE(fail_each(clean, {"b", "c", "d"}), 10); }

INSTANTIATE_TEST_SUITE_P(Policies, LogFaultTest, ::testing::Values("classic", "v2"),
                         [](const auto& policy) { return std::string(policy.param); });

}  // namespace
}  // namespace sluice::delta
