#include "trace_model/import/log_time.h"

#include <chrono>

namespace gantry::importing {
namespace {

constexpr DurationNs kSecond = 1'000'000'000;

bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

/// The number of exactly `digits` digits at `at`.
std::optional<int> digitsAt(std::string_view text, std::size_t at, std::size_t digits)
{
    if (at > text.size() || text.size() - at < digits)
        return std::nullopt;
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
        if (!isDigit(text[i]))
            return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

struct Date
{
    int year = 2000, month = 1, day = 1;
    bool hasYear = false;
};

/// The date that ends `text`.
Date dateAtEnd(std::string_view text)
{
    const auto separated = [&](std::size_t length, std::size_t first, std::size_t second) {
        if (text.size() < length)
            return false;
        const std::string_view end = text.substr(text.size() - length);
        return end[first] == end[second] && (end[first] == '-' || end[first] == '/');
    };
    if (separated(10, 4, 7)) { // YYYY-MM-DD
        const std::size_t begin = text.size() - 10;
        const auto year = digitsAt(text, begin, 4), month = digitsAt(text, begin + 5, 2), day = digitsAt(text, begin + 8, 2);
        if (year && month && day)
            return {*year, *month, *day, true};
    }
    if (separated(10, 2, 5)) { // MM-DD-YYYY
        const std::size_t begin = text.size() - 10;
        const auto month = digitsAt(text, begin, 2), day = digitsAt(text, begin + 3, 2), year = digitsAt(text, begin + 6, 4);
        if (year && month && day)
            return {*year, *month, *day, true};
    }
    if (separated(5, 2, 2)) { // MM-DD
        const std::size_t begin = text.size() - 5;
        const auto month = digitsAt(text, begin, 2), day = digitsAt(text, begin + 3, 2);
        if (month && day)
            return {2000, *month, *day, false};
    }
    return {};
}

} // namespace

std::optional<LogTime> findLogTime(std::string_view text)
{
    for (std::size_t colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1)) {
        if (colon < 2 || (colon >= 3 && isDigit(text[colon - 3])) || colon + 3 >= text.size() || text[colon + 3] != ':')
            continue;
        const auto hour = digitsAt(text, colon - 2, 2), minute = digitsAt(text, colon + 1, 2), second = digitsAt(text, colon + 4, 2);
        if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60)
            continue;
        LogTime result;
        result.resolution = kSecond;
        DurationNs fraction = 0;
        const std::size_t behind = colon + 6;
        if (behind < text.size() && (text[behind] == '.' || text[behind] == ','))
            for (std::size_t i = behind + 1; i < text.size() && isDigit(text[i]) && result.resolution > 1; ++i) {
                result.resolution /= 10;
                fraction += (text[i] - '0') * result.resolution;
            }
        std::string_view before = text.substr(0, colon - 2);
        if (!before.empty() && (before.back() == ' ' || before.back() == 'T' || before.back() == '-'))
            before.remove_suffix(1);
        const Date date = dateAtEnd(before);
        const std::chrono::year_month_day day{std::chrono::year(date.year), std::chrono::month(static_cast<unsigned>(date.month)),
                                              std::chrono::day(static_cast<unsigned>(date.day))};
        if (!day.ok() || date.year < 1971 || date.year > 2200)
            return std::nullopt;
        const auto days = std::chrono::sys_days(day).time_since_epoch().count();
        result.hasDate = date.hasYear;
        result.time = (static_cast<TimestampNs>(days) * 86400 + *hour * 3600 + *minute * 60 + *second) * kSecond + fraction;
        return result;
    }
    return std::nullopt;
}

} // namespace gantry::importing
