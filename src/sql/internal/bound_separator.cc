#include "sql/internal/bound_separator.h"

#include <string_view>

#include <duckdb/common/serializer/serializer.hpp>

namespace sluice::sql {
namespace {

/// Writes nothing down but the text of the property "separator".
class SeparatorFinder final : public duckdb::Serializer {
 public:
  std::optional<std::string> take() && { return std::move(found_); }

 private:
  void OnPropertyBegin(duckdb::field_id_t, const char* tag) override { tag_ = tag; }
  void OnPropertyEnd() override { tag_ = {}; }
  void OnOptionalPropertyBegin(duckdb::field_id_t, const char* tag, bool present) override {
    tag_ = present ? std::string_view(tag) : std::string_view();
  }
  void OnOptionalPropertyEnd(bool) override { tag_ = {}; }
  void OnObjectBegin() override {}
  void OnObjectEnd() override {}
  void OnListBegin(duckdb::idx_t) override {}
  void OnListEnd() override {}
  void OnNullableBegin(bool) override {}
  void OnNullableEnd() override {}
  void WriteNull() override {}
  void WriteValue(bool) override {}
  void WriteValue(std::uint8_t) override {}
  void WriteValue(std::int8_t) override {}
  void WriteValue(std::uint16_t) override {}
  void WriteValue(std::int16_t) override {}
  void WriteValue(std::uint32_t) override {}
  void WriteValue(std::int32_t) override {}
  void WriteValue(std::uint64_t) override {}
  void WriteValue(std::int64_t) override {}
  void WriteValue(duckdb::hugeint_t) override {}
  void WriteValue(duckdb::uhugeint_t) override {}
  void WriteValue(float) override {}
  void WriteValue(double) override {}
  void WriteValue(const duckdb::string_t text) override { found(text.GetString()); }
  void WriteValue(const duckdb::string& text) override { found(text); }
  void WriteValue(const char* text) override { found(text); }
  void WriteDataPtr(duckdb::const_data_ptr_t, duckdb::idx_t) override {}

  void found(std::string text) {
    if (tag_ == "separator") found_ = std::move(text);
  }

  std::string_view tag_;
  std::optional<std::string> found_;
};

}  // namespace

std::optional<std::string> bound_separator(const duckdb::BoundFunctionExpression& call) {
  if (!call.function.HasSerializationCallbacks() || !call.bind_info) return std::nullopt;
  SeparatorFinder finder;
  call.function.GetSerializeCallback()(finder, call.bind_info.get(), call.function);
  return std::move(finder).take();
}

}  // namespace sluice::sql
