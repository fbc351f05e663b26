#include "app/cli/load_words.h"

#include "app/cli/duration.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <optional>

namespace gantry::cli {
namespace {

constexpr std::size_t kMostLevels = 1000;
constexpr double kMostInFlight = 1024; // a thread each

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

std::optional<double> numberOf(std::string_view text)
{
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos)
            return parts;
        text.remove_prefix(at + 1);
    }
}

} // namespace

Result<load::ModelShare> parseModelShare(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    const auto share = colon == std::string_view::npos ? std::nullopt : numberOf(text.substr(colon + 1));
    load::ModelShare model{std::string(share ? text.substr(0, colon) : text), share.value_or(1)};
    if (model.name.empty() || !(model.share > 0))
        return badInput(fmt::format("'{}' is no model: write its name, or NAME:SHARE with a share above 0, such as bert:0.7", text));
    return model;
}

Result<std::vector<load::LoadLevel>> parseLevels(std::string_view text, bool isRate)
{
    const auto refuse = [&] {
        return badInput(isRate
                            ? fmt::format("'{}' is no range of rates: write START:END:STEP in requests a second, such as 100:500:100", text)
                            : fmt::format("'{}' is no range of requests in flight: write START:END:STEP of whole numbers from 1 to 1024, "
                                          "such as 1:8:1",
                                          text));
    };
    const std::vector<std::string_view> parts = split(text, ':');
    std::vector<double> numbers;
    for (const std::string_view part : parts)
        numbers.push_back(numberOf(part).value_or(-1));
    if (numbers.size() > 3)
        return refuse();
    const double start = numbers[0], end = numbers.size() > 1 ? numbers[1] : start, step = numbers.size() > 2 ? numbers[2] : 1;
    const bool areWhole = std::floor(start) == start && std::floor(end) == end && std::floor(step) == step;
    if (!(start > 0) || !(end >= start) || !(step > 0) || (!isRate && (!areWhole || end > kMostInFlight)))
        return refuse();
    std::vector<load::LoadLevel> levels;
    // By number and not by sum: 0.1 ten times is not 1.
    for (std::size_t i = 0; start + static_cast<double>(i) * step <= end * (1 + 1e-12); ++i) {
        if (levels.size() == kMostLevels)
            return badInput(fmt::format("'{}' is more than 1,000 levels: take a larger step", text));
        levels.push_back({isRate, start + static_cast<double>(i) * step});
    }
    return levels;
}

Result<DurationNs> parseMilliseconds(std::string_view text)
{
    if (const auto number = numberOf(text); number && *number >= 1 && *number < 1e9)
        return static_cast<DurationNs>(*number * 1e6);
    return parseDuration(text);
}

Result<load::Distribution> parseDistribution(std::string_view text)
{
    if (text == "constant")
        return load::Distribution::Constant;
    if (text == "poisson")
        return load::Distribution::Poisson;
    return badInput(fmt::format("'{}' is no distribution of requests over time: write constant or poisson", text));
}

} // namespace gantry::cli
