#include "sql/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::sql {
namespace {

TEST(Probe, Run) {}

}  // namespace
}  // namespace sluice::sql
