#include "base/executor.h"

namespace sluice {

void InlineExecutor::run_all(std::vector<std::function<void()>> tasks) {
  for (const auto& task : tasks) task();
}

}  // namespace sluice
