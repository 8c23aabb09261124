#include "delta/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/table_properties.h"

namespace sluice::delta {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using Features = std::set<std::string>;

DataType schema_of(DataType::Kind kind) { return DataType::structure({{"c", DataType::primitive(kind), true, {}}}); }

TEST(FeaturesTest, LegacyVersionsStandForTheirFeatures) {
  EXPECT_THAT(feature_names({1, 2, std::nullopt, std::nullopt}), UnorderedElementsAre("appendOnly", "invariants"));
  EXPECT_THAT(feature_names({2, 5, std::nullopt, std::nullopt}), Contains("columnMapping"));
  EXPECT_THAT(feature_names({1, 7, std::nullopt, Features{"appendOnly"}}), ElementsAre("appendOnly"));
}

TEST(FeaturesTest, UnknownReaderFeaturesAreRefusedByName) {
  const auto status =
      check_readable({3, 7, Features{"deletionVectors", "fancyRead"}, Features{"deletionVectors", "fancyRead"}});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(status.error().message(), HasSubstr("fancyRead"));
  EXPECT_THAT(status.error().message(), Not(HasSubstr("deletionVectors")));
}

TEST(FeaturesTest, UnknownVersionsAreRefused) {
  EXPECT_FALSE(check_readable({4, 7, std::nullopt, std::nullopt}));
  EXPECT_FALSE(check_readable({0, 2, std::nullopt, std::nullopt}));
  EXPECT_FALSE(check_writable({1, 8, std::nullopt, std::nullopt}, {}, {}));
}

TEST(FeaturesTest, UnknownWriterFeaturesForbidOnlyWriting) {
  const Protocol protocol{1, 7, std::nullopt, Features{"fancyWrite"}};
  EXPECT_TRUE(check_readable(protocol));
  const auto status = check_writable(protocol, {}, {});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("fancyWrite"));
}

TEST(FeaturesTest, FeaturesWeDoNotWriteYetAreFineUntilUsed) {
  const Protocol protocol{1, 4, std::nullopt, std::nullopt};
  Metadata metadata;
  EXPECT_TRUE(check_writable(protocol, metadata, schema_of(DataType::Kind::Long)));
  DataType nested = DataType::structure({{"l", DataType::array(schema_of(DataType::Kind::Long)), true, {}}});
  nested.fields[0].type.children[0].fields[0].metadata["delta.generationExpression"] = "\"1\"";
  EXPECT_FALSE(check_writable(protocol, metadata, nested));
}

TEST(FeaturesTest, EveryFeatureWeDoNotWriteIsRefusedByName) {
  for (const Feature& feature : known_features()) {
    if (feature.write != WriteSupport::None || !feature.read) continue;
    Protocol protocol{1, 7, std::nullopt, Features{std::string(feature.name)}};
    if (feature.reader_writer) {
      protocol.min_reader_version = 3;
      protocol.reader_features = protocol.writer_features;
    }
    EXPECT_TRUE(check_readable(protocol)) << feature.name;
    const auto status = check_writable(protocol, {}, schema_of(DataType::Kind::Long));
    ASSERT_FALSE(status) << feature.name;
    EXPECT_THAT(status.error().message(), HasSubstr(std::string(feature.name)));
  }
}

TEST(FeaturesTest, EveryFeatureWeWriteOnlyUnusedIsRefusedInUse) {
  struct Use {
    std::map<std::string, std::string> properties;
    std::map<std::string, std::string> field_metadata;
    DataType::Kind kind = DataType::Kind::Long;
  };
  const std::map<std::string, Use> uses{
      {"generatedColumns", {{}, {{"delta.generationExpression", "\"1\""}}}},
      {"identityColumns", {{}, {{"delta.identity.start", "1"}}}},
      {"allowColumnDefaults", {{}, {{"CURRENT_DEFAULT", "\"1\""}}}},
      {"clustering", {{}, {}}},
      {"variantType-preview", {{}, {}, DataType::Kind::Variant}},
      {"variantShredding", {{{"delta.enableVariantShredding", "true"}}, {}, DataType::Kind::Variant}},
      {"variantShredding-preview", {{{"delta.enableVariantShredding", "true"}}, {}, DataType::Kind::Variant}},
  };
  for (const Feature& feature : known_features()) {
    if (feature.write != WriteSupport::Inactive) continue;
    const std::string name(feature.name);
    ASSERT_TRUE(uses.contains(name)) << name;
    const Use& use = uses.at(name);
    Protocol protocol{1, 7, std::nullopt, Features{name}};
    if (feature.reader_writer) {
      protocol.min_reader_version = 3;
      protocol.reader_features = protocol.writer_features;
    }
    if (name != "clustering") {
      EXPECT_TRUE(check_writable(protocol, {}, schema_of(DataType::Kind::Long))) << name;
    }
    Metadata metadata;
    metadata.configuration = use.properties;
    DataType schema = schema_of(use.kind);
    for (const auto& [key, value] : use.field_metadata) schema.fields[0].metadata[key] = value;
    const auto status = check_writable(protocol, metadata, schema);
    ASSERT_FALSE(status) << name;
    EXPECT_THAT(status.error().message(), HasSubstr(name));
  }
}

TEST(FeaturesTest, TablesThatListVariantsAreWrittenUntilTheyAreToBeShredded) {
  // delta-rs lists variantShredding in every table that gets deletion vectors.
  const Features listed{"deletionVectors", "variantShredding", "variantType"};
  const Protocol protocol{3, 7, listed, listed};
  EXPECT_TRUE(check_writable(protocol, {}, schema_of(DataType::Kind::Long)));
  EXPECT_TRUE(check_writable(protocol, {}, schema_of(DataType::Kind::Variant)));
  Metadata metadata;
  metadata.configuration = {{"delta.enableVariantShredding", "true"}};
  EXPECT_TRUE(check_writable(protocol, metadata, schema_of(DataType::Kind::Long)));
  const auto status = check_writable(protocol, metadata, schema_of(DataType::Kind::Variant));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("enableVariantShredding"));
}

TEST(FeaturesTest, CatalogManagedTablesAreRefused) {
  EXPECT_FALSE(check_readable({3, 7, Features{"catalogManaged"}, Features{"catalogManaged"}}));
}

Protocol new_protocol(DataType::Kind kind, const std::map<std::string, std::string>& properties) {
  const auto features = required_features(schema_of(kind), properties);
  SLUICE_CHECK_OK(features);
  return minimal_protocol(*features);
}

TEST(FeaturesTest, ANewTableAsksForNoMoreThanItUses) {
  EXPECT_EQ(new_protocol(DataType::Kind::Long, {}), (Protocol{1, 2, std::nullopt, std::nullopt}));
  EXPECT_EQ(new_protocol(DataType::Kind::Long, {{"delta.appendOnly", "true"}}),
            (Protocol{1, 2, std::nullopt, std::nullopt}));
  EXPECT_EQ(new_protocol(DataType::Kind::Long, {{"delta.enableDeletionVectors", "true"}}),
            (Protocol{3, 7, Features{"deletionVectors"}, Features{"deletionVectors"}}));
  EXPECT_EQ(new_protocol(DataType::Kind::TimestampNtz, {{"delta.appendOnly", "true"}}),
            (Protocol{3, 7, Features{"timestampNtz"}, Features{"appendOnly", "timestampNtz"}}));
}

TEST(FeaturesTest, ATableWithColumnsThatAreNotNullListsInvariants) {
  DataType schema = schema_of(DataType::Kind::TimestampNtz);
  schema.fields.front().nullable = false;
  EXPECT_EQ(*required_features(schema, {}), (Features{"invariants", "timestampNtz"}));
  DataType outer = schema_of(DataType::Kind::Struct);
  outer.fields.front().type = std::move(schema);
  EXPECT_EQ(*required_features(outer, {}), (Features{"invariants", "timestampNtz"}));
}

TEST(FeaturesTest, ANewTableWithWhatWeDoNotWriteIsRefused) {
  EXPECT_FALSE(required_features(schema_of(DataType::Kind::Long), {{"delta.enableRowTracking", "true"}}));
}

TEST(FeaturesTest, VariantsAskForTheirFeature) {
  EXPECT_EQ(new_protocol(DataType::Kind::Variant, {}),
            (Protocol{3, 7, Features{"variantType"}, Features{"variantType"}}));
}

TEST(FeaturesTest, ConstraintsAskForTheirFeature) {
  EXPECT_EQ(*required_features(schema_of(DataType::Kind::Long), {{"delta.constraints.c", "x > 1"}}),
            Features{"checkConstraints"});
}

TEST(FeaturesTest, AnUpgradeListsWhatTheOldVersionsImplied) {
  const Protocol old{1, 4, std::nullopt, std::nullopt};
  EXPECT_EQ(upgraded_protocol(old, {"deletionVectors"}),
            (Protocol{3, 7, Features{"deletionVectors"},
                      Features{"appendOnly", "changeDataFeed", "checkConstraints", "deletionVectors",
                               "generatedColumns", "invariants"}}));
  EXPECT_EQ(upgraded_protocol({2, 5, std::nullopt, std::nullopt}, {"deletionVectors"}).reader_features,
            (Features{"columnMapping", "deletionVectors"}));
}

TEST(FeaturesTest, AnUpgradeNeverTakesAnythingAway) {
  const Protocol foreign{3, 7, Features{"fancyRead"}, Features{"fancyRead", "appendOnly"}};
  EXPECT_EQ(upgraded_protocol(foreign, {"appendOnly"}), foreign);
  EXPECT_EQ(upgraded_protocol(foreign, {"deletionVectors"}),
            (Protocol{3, 7, Features{"deletionVectors", "fancyRead"},
                      Features{"appendOnly", "deletionVectors", "fancyRead"}}));
  EXPECT_EQ(upgraded_protocol({1, 2, std::nullopt, std::nullopt}, {"changeDataFeed"}),
            (Protocol{1, 4, std::nullopt, std::nullopt}));
}

TEST(TablePropertiesTest, AbsentKeysHaveTheSpecificationsDefaults) {
  const auto properties = read_properties({});
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->checkpoint_interval, 10);
  EXPECT_EQ(properties->statistics_columns_max, 32);
  EXPECT_EQ(properties->deleted_file_retention, std::chrono::hours(7 * 24));
  EXPECT_FALSE(properties->enable_deletion_vectors);
}

TEST(TablePropertiesTest, ReadsWhatIsSet) {
  const auto properties = read_properties({{"delta.enableDeletionVectors", "TRUE"},
                                           {"delta.checkpointInterval", "3"},
                                           {"delta.columnMapping.mode", "name"},
                                           {"delta.dataSkippingStatsColumns", "a, b.c,`d.e`.`f``g`"},
                                           {"delta.deletedFileRetentionDuration", "interval 1 week 2 days"},
                                           {"delta.constraints.x", "a > 0"},
                                           {"someone.else", "7"}});
  ASSERT_TRUE(properties);
  EXPECT_TRUE(properties->enable_deletion_vectors);
  EXPECT_EQ(properties->checkpoint_interval, 3);
  EXPECT_EQ(properties->column_mapping_mode, ColumnMappingMode::Name);
  EXPECT_EQ(*properties->statistics_columns,
            (std::vector<std::vector<std::string>>{{"a"}, {"b", "c"}, {"d.e", "f`g"}}));
  EXPECT_EQ(properties->deleted_file_retention, std::chrono::hours(9 * 24));
  EXPECT_EQ(properties->constraints.at("x"), "a > 0");
}

TEST(TablePropertiesTest, MeaninglessValuesAreRefusedByKey) {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"delta.appendOnly", "yes"},
                                                                     {"delta.checkpointInterval", "0"},
                                                                     {"delta.columnMapping.mode", "both"},
                                                                     {"delta.logRetentionDuration", "1 month"},
                                                                     {"delta.dataSkippingNumIndexedCols", "-2"}}) {
    const auto properties = read_properties({{key, value}});
    ASSERT_FALSE(properties) << key;
    EXPECT_THAT(properties.error().message(), HasSubstr(key));
    EXPECT_THAT(properties.error().message(), HasSubstr(value));
  }
}

TEST(TablePropertiesTest, SizesHaveUnitsAsSparkWritesThem) {
  const auto target = [](const std::string& value) {
    const auto properties = read_properties({{"delta.targetFileSize", value}});
    return properties ? properties->file_bytes_target : 0;
  };
  EXPECT_EQ(read_properties({})->file_bytes_target, 134'217'728u);
  EXPECT_EQ(target("1000"), 1000u);
  EXPECT_EQ(target("1000B"), 1000u);
  EXPECT_EQ(target("64k"), 65'536u);
  EXPECT_EQ(target("100MB"), 104'857'600u);
  EXPECT_EQ(target("2 gb"), 2'147'483'648u);
  EXPECT_EQ(target("1t"), 1'099'511'627'776u);
  for (const char* value : {"", "mb", "-1", "0", "1.5g", "10 mib", "10bb", "9000000000g", "99999999999999999999"}) {
    EXPECT_EQ(target(value), 0u) << value;
  }
}

TEST(TablePropertiesTest, CodecsThatAreNotWrittenCountAsNone) {
  const auto codec = [](const std::string& value) {
    return read_properties({{"delta.parquet.compression.codec", value}})->compression;
  };
  EXPECT_EQ(codec("SNAPPY"), columnar::ParquetCompression::Snappy);
  EXPECT_EQ(codec("uncompressed"), columnar::ParquetCompression::None);
  EXPECT_EQ(codec("lzo"), columnar::ParquetCompression::Zstd);
}

TEST(TablePropertiesTest, IntervalsAddUp) {
  EXPECT_EQ(*read_interval("interval 7 days"), std::chrono::hours(168));
  EXPECT_EQ(*read_interval("INTERVAL '1' HOUR 30 minutes"), std::chrono::minutes(90));
  for (const char* text : {"", "interval", "7", "days 7", "7 fortnights", "9223372036854775807 weeks", "-1 day"}) {
    EXPECT_FALSE(read_interval(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::delta
