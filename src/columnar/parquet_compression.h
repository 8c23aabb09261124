#pragma once

namespace sluice::columnar {

/// How the pages of a Parquet file are compressed.
enum class ParquetCompression {
  Zstd,    ///< Small: for data.
  Snappy,  ///< Half again as large, read in a third of the time: for what is read whole, and often.
  Gzip,
  Brotli,
  Lz4Raw,
  None,
};

}  // namespace sluice::columnar
