#include "trace_model/metrics/iteration_stats.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

namespace gantry::metrics {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "trtllm.";
constexpr std::size_t kMostIterations = 10'000; // the server keeps 1,000 (TensorRT-LLM, iter_stats_max_iterations)
constexpr std::size_t kMostValues = 128;        // it has some 60
constexpr int kMostDepth = 2;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kBelievable = 3600 * kSecond; // how long a list may have waited for somebody to read it

/// A number of so many digits in front of `after`; moves `text` behind it.
std::optional<int> take(std::string_view& text, std::size_t digits, char after)
{
    int number = 0;
    if (text.size() < digits)
        return std::nullopt;
    const auto read = std::from_chars(text.data(), text.data() + digits, number);
    if (read.ec != std::errc() || read.ptr != text.data() + digits || number < 0)
        return std::nullopt;
    text.remove_prefix(digits);
    if (after == '\0')
        return number;
    if (text.empty() || text.front() != after)
        return std::nullopt;
    text.remove_prefix(1);
    return number;
}

/// "08-23-2026 01:02:03.123456"
std::optional<std::int64_t> timeOf(std::string_view text)
{
    const auto month = take(text, 2, '-'), day = take(text, 2, '-'), year = take(text, 4, ' ');
    const auto hour = take(text, 2, ':'), minute = take(text, 2, ':'), second = take(text, 2, '\0');
    if (!month || !day || !year || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    using namespace std::chrono;
    const year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                              std::chrono::day(static_cast<unsigned>(*day)));
    if (!date.ok() || *year < 1970 || *year > 2200)
        return std::nullopt;
    double fraction = 0;
    if (text.starts_with('.')) {
        const auto read = std::from_chars(text.data(), text.data() + text.size(), fraction);
        if (read.ec != std::errc() || read.ptr != text.data() + text.size())
            return std::nullopt;
    } else if (!text.empty())
        return std::nullopt;
    const std::int64_t seconds = sys_days(date).time_since_epoch().count() * std::int64_t{86'400} + *hour * 3600 + *minute * 60 + *second;
    return seconds * kSecond + std::llround(fraction * kSecond);
}

void addValues(const json& object, const std::string& prefix, int depth, IterationStats& stats)
{
    for (const auto& [key, value] : object.items()) {
        if (stats.values.size() >= kMostValues)
            return;
        if (value.is_object() && depth < kMostDepth)
            addValues(value, prefix + key + '.', depth + 1, stats);
        else if (value.is_number() && std::isfinite(value.get<double>()))
            stats.values.emplace_back(prefix + key, value.get<double>());
    }
}

} // namespace

bool isIterationStats(std::string_view body)
{
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && body[first] == '['; // no line of a Prometheus text begins with it
}

IterationStatsList readIterationStats(std::string_view body)
{
    IterationStatsList list;
    const json document = json::parse(body, nullptr, false);
    if (!document.is_array()) {
        ++list.malformed;
        return list;
    }
    for (const json& entry : document) {
        IterationStats stats;
        if (entry.is_object())
            addValues(entry, std::string(kPrefix), 0, stats);
        if (stats.values.empty() || list.iterations.size() >= kMostIterations) {
            ++list.malformed;
            continue;
        }
        if (const auto time = entry.find("timestamp"); time != entry.end() && time->is_string())
            stats.localNs = timeOf(time->get_ref<const std::string&>());
        list.iterations.push_back(std::move(stats));
    }
    return list;
}

std::string_view unitOfIterationStat(std::string_view name)
{
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kEndings = {
        {{"MS", "ms"}, {"MemUsage", "bytes"}, {"Rate", "ratio"}, {"Overhead", "ratio"}, {"Utilization", "ratio"}}};
    for (const auto& [ending, unit] : kEndings)
        if (name.ends_with(ending))
            return unit;
    return "count";
}

std::optional<std::int64_t> iterationClock(std::int64_t newestLocalNs, std::int64_t utcNowNs, std::int64_t zoneNs)
{
    std::optional<std::int64_t> best;
    for (const std::int64_t added : {std::int64_t{0}, -zoneNs}) {
        const std::int64_t age = utcNowNs - (newestLocalNs + added);
        const bool isBelievable = age > -kSecond && age < kBelievable; // clocks of containers are that of their host
        if (isBelievable && (!best || age < utcNowNs - (newestLocalNs + *best)))
            best = added;
    }
    return best;
}

} // namespace gantry::metrics
