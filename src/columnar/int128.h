#pragma once

namespace sluice::columnar {

/// 128-bit integers, which the compilers we use have and the standard does not.
__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

}  // namespace sluice::columnar
