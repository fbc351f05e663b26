#include "remote_server/node/alerts/quiet_hours.h"

#include <charconv>
#include <ctime>
#include <fmt/format.h>

namespace gantry::node {
namespace {

constexpr int kNoMinute = -1;

/// Of the day, of "07:30".
int minuteOf(std::string_view text)
{
    int hour = 0, minute = 0;
    if (text.size() != 5 || text[2] != ':')
        return kNoMinute;
    const auto number = [](std::string_view two, int& value) {
        const auto [end, error] = std::from_chars(two.data(), two.data() + 2, value);
        return error == std::errc() && end == two.data() + 2;
    };
    if (!number(text.substr(0, 2), hour) || !number(text.substr(3), minute) || hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return kNoMinute;
    return hour * 60 + minute;
}

} // namespace

Result<QuietHours> QuietHours::parse(std::string_view text)
{
    QuietHours hours;
    if (text.empty())
        return hours;
    const std::size_t dash = text.find('-');
    const int begin = minuteOf(text.substr(0, dash));
    const int end = dash == std::string_view::npos ? kNoMinute : minuteOf(text.substr(dash + 1));
    if (begin == kNoMinute || end == kNoMinute || begin == end)
        return Error{ErrorCode::BadInput, fmt::format("'{}' are no quiet hours: write them as 22:00-07:00", text), {}};
    hours.m_beginMinute = begin;
    hours.m_endMinute = end;
    return hours;
}

bool QuietHours::includes(std::int64_t utcNs) const
{
    const std::time_t seconds = utcNs / 1'000'000'000;
    std::tm local = {};
    localtime_r(&seconds, &local);
    const int minute = local.tm_hour * 60 + local.tm_min;
    if (m_beginMinute <= m_endMinute)
        return minute >= m_beginMinute && minute < m_endMinute;
    return minute >= m_beginMinute || minute < m_endMinute;
}

} // namespace gantry::node
