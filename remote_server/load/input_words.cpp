#include "remote_server/load/input_words.h"

#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace gantry::load {
namespace {

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

std::optional<std::int64_t> integerOf(std::string_view text)
{
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

} // namespace

Result<std::pair<std::string, std::vector<std::int64_t>>> parseInputShape(std::string_view text)
{
    const auto refuse = [&] { return badInput(fmt::format("'{}' is no shape: write INPUT:DIMENSIONS, such as IMAGE:3,224,224", text)); };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0)
        return refuse();
    std::vector<std::int64_t> shape;
    for (std::size_t at = colon; at != std::string_view::npos;) {
        const std::size_t comma = text.find(',', at + 1);
        const auto dimension = integerOf(text.substr(at + 1, comma - at - 1));
        if (!dimension || *dimension < 0 || *dimension > INT32_MAX)
            return refuse();
        shape.push_back(*dimension);
        at = comma;
    }
    return std::pair(std::string(text.substr(0, colon)), shape);
}

Result<std::pair<std::string, IntegerRange>> parseIntegerRange(std::string_view text)
{
    const std::size_t second = text.rfind(':');
    const std::size_t first = second == std::string_view::npos || second == 0 ? std::string_view::npos : text.rfind(':', second - 1);
    const std::string_view name = first == std::string_view::npos ? std::string_view() : text.substr(0, first);
    const std::size_t begin = first == std::string_view::npos ? 0 : first + 1;
    const auto low = second == std::string_view::npos ? std::nullopt : integerOf(text.substr(begin, second - begin));
    const auto high = second == std::string_view::npos ? std::nullopt : integerOf(text.substr(second + 1));
    if (!low || !high || *low > *high || first == 0)
        return badInput(fmt::format("'{}' is no range of numbers: write LOW:HIGH, such as 0:511, or INPUT:LOW:HIGH of one input", text));
    return std::pair(std::string(name), IntegerRange{*low, *high});
}

} // namespace gantry::load
