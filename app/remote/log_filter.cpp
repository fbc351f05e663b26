#include "app/remote/log_filter.h"

#include "remote_server/proto/management_types.h"

#include <algorithm>
#include <utility>

namespace gantry::app {
namespace {

std::string inSmallLetters(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

} // namespace

LogFilter::LogFilter(proto::LogLevel least, std::string text) : m_least(least), m_text(inSmallLetters(std::move(text))) {}

bool LogFilter::shows(const proto::LogLine& line)
{
    if (line.level != proto::LogLevel::Unknown)
        m_last = line.level;
    return m_last >= m_least && (m_text.empty() || inSmallLetters(line.text).find(m_text) != std::string::npos);
}

std::optional<proto::LogLevel> logLevelNamed(std::string_view name)
{
    for (const proto::LogLevel level : {proto::LogLevel::Debug, proto::LogLevel::Info, proto::LogLevel::Warning, proto::LogLevel::Error})
        if (name == proto::name(level))
            return level;
    return std::nullopt;
}

} // namespace gantry::app
