#pragma once

#include <parquet_reader.hpp>

namespace sluice::lake {

/// Makes the reader of one data file give dates and timestamps in the calendar that SQL uses (Gregorian, also before it
/// was introduced) if the file holds them in the one that Java once used: Julian before 1582-10-15. Spark says in the
/// footer which it is, and the date that a file shows is the same in both. To be called when the columns that are read
/// are settled; conditions pushed down to the reader then see what it gives.
/// The timestamps' zone is taken to be UTC, which matters only for those around the turn of a Julian century.
/// Not of the Delta specification; Spark's org.apache.spark.sql.execution.datasources.DataSourceUtils has the rules.
void correct_calendar(duckdb::ParquetReader& reader);

}  // namespace sluice::lake
