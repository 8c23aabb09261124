#include "columnar/aggregate_kernel.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <duckdb.hpp>
#include <duckdb/common/serializer/binary_deserializer.hpp>
#include <duckdb/common/serializer/binary_serializer.hpp>
#include <duckdb/common/serializer/memory_stream.hpp>
#include <duckdb/planner/expression/list.hpp>
#include <duckdb/storage/arena_allocator.hpp>

#include "columnar/guard.h"

namespace sluice::columnar {
namespace {

std::string to_hex(const char* bytes, std::size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += kDigits[byte / 16];
    text += kDigits[byte % 16];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned char byte = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace

struct AggregateKernel::Impl {
  /// What DuckDB keeps of the group at hand.
  class State {
   public:
    explicit State(const duckdb::BoundAggregateExpression& call)
        : call_(call),
          arena_(duckdb::Allocator::DefaultAllocator()),
          input_(call.bind_info.get(), arena_),
          bytes_(arena_.AllocateAligned(call.function.GetStateSizeCallback()(call.function))) {
      call_.function.GetStateInitCallback()(call_.function, bytes_);
    }
    ~State() {
      if (!call_.function.HasStateDestructorCallback()) return;
      duckdb::Vector pointers = pointer();
      call_.function.GetStateDestructorCallback()(pointers, input_, 1);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void add(duckdb::DataChunk& rows) {
      // Functions without this form take a vector of states, here all the same.
      if (call_.function.HasStateSimpleUpdateCallback()) {
        call_.function.GetStateSimpleUpdateCallback()(rows.data.data(), input_, rows.ColumnCount(), bytes_,
                                                      rows.size());
        return;
      }
      duckdb::Vector pointers = pointer();
      call_.function.GetStateUpdateCallback()(rows.data.data(), input_, rows.ColumnCount(), pointers, rows.size());
    }

    void finish(duckdb::Vector& out, std::size_t row) {
      duckdb::Vector pointers = pointer();
      call_.function.GetStateFinalizeCallback()(pointers, input_, out, 1, row);
    }

   private:
    duckdb::Vector pointer() const {
      return duckdb::Vector(duckdb::Value::POINTER(duckdb::CastPointerToValue(bytes_)));
    }

    const duckdb::BoundAggregateExpression& call_;
    duckdb::ArenaAllocator arena_;
    duckdb::AggregateInputData input_;
    duckdb::data_ptr_t bytes_;
  };

  duckdb::unique_ptr<duckdb::BoundAggregateExpression> call;
  RowType arguments;
  std::unique_ptr<State> state;
};

AggregateKernel::AggregateKernel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AggregateKernel::~AggregateKernel() = default;

Result<std::string> AggregateKernel::encode(const duckdb::BoundAggregateExpression& function) {
  const auto encoded = guard([&] {
    auto copy = duckdb::unique_ptr_cast<duckdb::Expression, duckdb::BoundAggregateExpression>(function.Copy());
    copy->filter.reset();
    copy->order_bys.reset();
    copy->aggr_type = duckdb::AggregateType::NON_DISTINCT;
    copy->SetAlias("");
    for (std::size_t i = 0; i < copy->children.size(); ++i) {
      copy->children[i] = duckdb::make_uniq<duckdb::BoundReferenceExpression>(copy->children[i]->return_type, i);
    }
    duckdb::MemoryStream stream(duckdb::Allocator::DefaultAllocator());
    duckdb::BinarySerializer::Serialize(*copy, stream);
    return to_hex(reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition());
  });
  if (encoded) return *encoded;
  return Error(ErrorCode::Unsupported, encoded.error().message());
}

Result<std::unique_ptr<AggregateKernel>> AggregateKernel::create(KernelContext& context, std::string_view encoded) {
  auto bytes = from_hex(encoded);
  const Error damaged(ErrorCode::Corruption, "a stored aggregate function cannot be read");
  if (!bytes) return damaged;
  return guard([&]() -> Result<std::unique_ptr<AggregateKernel>> {
    duckdb::MemoryStream stream(duckdb::data_ptr_cast(bytes->data()), bytes->size());
    duckdb::BinaryDeserializer deserializer(stream);
    deserializer.Set<duckdb::ClientContext&>(context.client());
    deserializer.Begin();
    auto expression = duckdb::Expression::Deserialize(deserializer);
    deserializer.End();
    if (expression->GetExpressionClass() != duckdb::ExpressionClass::BOUND_AGGREGATE) return damaged;
    auto impl = std::make_unique<Impl>();
    impl->call = duckdb::unique_ptr_cast<duckdb::Expression, duckdb::BoundAggregateExpression>(std::move(expression));
    const duckdb::AggregateFunction& function = impl->call->function;
    if (!function.HasStateUpdateCallback() || !function.HasStateFinalizeCallback()) {
      return Error(ErrorCode::Unsupported, fmt::format("{}() only runs over windows", function.name));
    }
    for (const auto& argument : impl->call->children) impl->arguments.push_back(argument->return_type);
    return std::unique_ptr<AggregateKernel>(new AggregateKernel(std::move(impl)));
  });
}

const RowType& AggregateKernel::arguments() const { return impl_->arguments; }
const duckdb::LogicalType& AggregateKernel::type() const { return impl_->call->return_type; }

void AggregateKernel::begin() { impl_->state = std::make_unique<Impl::State>(*impl_->call); }
void AggregateKernel::add(duckdb::DataChunk& rows) {
  if (rows.size() > 0) impl_->state->add(rows);
}
void AggregateKernel::finish(duckdb::Vector& out, std::size_t row) {
  const std::unique_ptr<Impl::State> state = std::move(impl_->state);
  state->finish(out, row);
}

}  // namespace sluice::columnar
