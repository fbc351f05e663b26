#include "remote_server/inference/classification.h"

#include "remote_server/inference/bytes_elements.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <numeric>
#include <span>

namespace gantry::inference_server {
namespace {

template <typename Element>
void appendHighest(std::string& data, std::span<const Element> row, std::size_t classes)
{
    std::vector<std::size_t> places(row.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    // Not-a-number is below everything: comparisons with it are no order.
    const auto isHigher = [&](std::size_t a, std::size_t b) {
        const bool aIsNumber = row[a] == row[a], bIsNumber = row[b] == row[b];
        if (!aIsNumber || !bIsNumber || row[a] == row[b])
            return aIsNumber != bIsNumber ? aIsNumber : a < b;
        return row[a] > row[b];
    };
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(classes);
    std::partial_sort(places.begin(), end, places.end(), isHigher);
    for (auto place = places.begin(); place != end; ++place) {
        if constexpr (std::is_integral_v<Element>)
            appendBytesElement(data, fmt::format("{}:{}", +row[*place], *place));
        else
            appendBytesElement(data, fmt::format("{:f}:{}", row[*place], *place));
    }
}

template <typename Element>
std::string highest(const Tensor& tensor, std::size_t rows, std::size_t classes)
{
    std::vector<Element> values(tensor.data.size() / sizeof(Element));
    if (!values.empty())
        std::memcpy(values.data(), tensor.data.data(), values.size() * sizeof(Element));
    const std::size_t width = rows == 0 ? 0 : values.size() / rows;
    std::string data;
    for (std::size_t row = 0; row < rows; ++row)
        appendHighest<Element>(data, std::span(values).subspan(row * width, width), std::min(classes, width));
    return data;
}

} // namespace

Result<Tensor> classified(const Tensor& tensor, std::uint64_t classes, bool hasRows)
{
    if (elementBytes(tensor.type) == 0 || tensor.shape.empty())
        return Error{ErrorCode::Unsupported,
                     fmt::format("class result not available for output '{}' of datatype {}", tensor.name, datatypeName(tensor.type)),
                     {}};
    const std::size_t rows = hasRows ? static_cast<std::size_t>(tensor.shape.front()) : 1;
    const std::size_t elements = tensor.data.size() / elementBytes(tensor.type);
    const std::size_t width = rows == 0 ? 0 : elements / rows;
    const std::size_t shown = std::min<std::size_t>(classes, width);
    Tensor result{tensor.name, inference::TYPE_STRING, {static_cast<std::int64_t>(shown)}, {}};
    if (hasRows)
        result.shape.insert(result.shape.begin(), static_cast<std::int64_t>(rows));
    switch (tensor.type) {
    case inference::TYPE_UINT8:
        result.data = highest<std::uint8_t>(tensor, rows, shown);
        break;
    case inference::TYPE_UINT16:
        result.data = highest<std::uint16_t>(tensor, rows, shown);
        break;
    case inference::TYPE_UINT32:
        result.data = highest<std::uint32_t>(tensor, rows, shown);
        break;
    case inference::TYPE_UINT64:
        result.data = highest<std::uint64_t>(tensor, rows, shown);
        break;
    case inference::TYPE_INT8:
        result.data = highest<std::int8_t>(tensor, rows, shown);
        break;
    case inference::TYPE_INT16:
        result.data = highest<std::int16_t>(tensor, rows, shown);
        break;
    case inference::TYPE_INT32:
        result.data = highest<std::int32_t>(tensor, rows, shown);
        break;
    case inference::TYPE_INT64:
        result.data = highest<std::int64_t>(tensor, rows, shown);
        break;
    case inference::TYPE_FP32:
        result.data = highest<float>(tensor, rows, shown);
        break;
    case inference::TYPE_FP64:
        result.data = highest<double>(tensor, rows, shown);
        break;
    default:
        return Error{ErrorCode::Unsupported,
                     fmt::format("class result not available for output '{}' of datatype {}", tensor.name, datatypeName(tensor.type)),
                     {}};
    }
    return result;
}

} // namespace gantry::inference_server
