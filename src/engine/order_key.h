#pragma once

#include "columnar/expression.h"
#include "columnar/row_codec.h"

namespace sluice::engine {

/// An expression by which rows are sorted.
struct OrderKey {
  columnar::Expression expression;
  columnar::ColumnOrder order;
};

}  // namespace sluice::engine
