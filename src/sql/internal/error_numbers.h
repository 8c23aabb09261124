#pragma once

#include <cstdint>

namespace sluice::sql {

/// The stable numbers of this module's errors, shown as SLUnnnn; docs/errors.md explains each. Numbers are never
/// reused.
enum class SqlError : std::uint32_t {
  // Text and statements.
  Syntax = 1001,
  Unterminated = 1002,
  NotUtf8 = 1003,
  UnknownStatement = 1004,
  ClauseTwice = 1005,
  UnknownClause = 1006,
  MissingQuery = 1007,
  NotYetStatement = 1008,
  NotYetClause = 1009,
  NotYetSource = 1010,
  SettingUnknown = 1011,
  UseOtherSchema = 1012,

  // Names and graph.
  DuplicateDataset = 1020,
  BadDatasetName = 1021,
  Cycle = 1022,
  OtherSchema = 1023,

  // Binding.
  UnknownDataset = 1040,
  UnknownFunction = 1041,
  UnknownColumn = 1042,
  WrongTypes = 1043,
  UnknownType = 1044,
  AmbiguousName = 1045,
  NotGrouped = 1046,
  BadConstant = 1047,
  Binding = 1049,

  // Streaming rules.
  ViewReadsStream = 1050,
  TableWithoutStream = 1051,
  StreamOfView = 1052,
  StreamingAggregate = 1053,
  StreamingOrder = 1054,
  StreamingWindow = 1055,
  StreamingJoin = 1056,
  StreamMisplaced = 1057,
  StreamingUnsupported = 1058,

  // read_files.
  UnknownOption = 1060,
  BadOption = 1061,
  BadFormat = 1062,
  BadSchemaText = 1063,

  // Columns, clauses, expectations.
  BadColumnName = 1070,
  BadColumnType = 1071,
  ColumnMismatch = 1072,
  BadLayoutColumn = 1073,
  BadProperty = 1074,
  DuplicateConstraint = 1075,
  ExpectationNotBoolean = 1076,
  ExpectationNotRowwise = 1077,

  // Refused by name (design §3).
  Sample = 1080,
  PositionalJoin = 1081,
  AsofJoin = 1082,
  OpenPivot = 1083,
  TableFunction = 1084,
  FileScan = 1085,
  Catalog = 1086,
  Volatile = 1087,
  Clock = 1088,
  Environment = 1089,
  TimeTravel = 1090,
  Show = 1091,
  Parameter = 1092,
  Approximate = 1093,
  NotAQuery = 1094,
  EventTime = 1095,

  /// DuckDB's planner failed internally; the fault is ours or DuckDB's, not the text's.
  PlannerFailed = 9001,
};

}  // namespace sluice::sql
