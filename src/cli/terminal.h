#pragma once

#include <cstddef>

namespace sluice::cli {

/// Returns the columns of the terminal behind a file descriptor; 0 if there is no terminal.
std::size_t terminal_width(int descriptor);

}  // namespace sluice::cli
