#pragma once

#include "remote_server/proto/node_types.h"

#include <optional>
#include <string>
#include <string_view>

namespace gantry::app {

/// Which lines of a log are shown. A line that says no level, as those of a stack trace, is of the level of the line before it.
class LogFilter
{
public:
    LogFilter() = default;
    /// `least`: lines below are left out; Unknown: none. `text`: lines without it are left out, whatever the case of its ASCII letters.
    LogFilter(proto::LogLevel least, std::string text);

    [[nodiscard]] bool shows(const proto::LogLine& line);
    /// The level of the line that shows() was asked about last.
    [[nodiscard]] proto::LogLevel level() const { return m_last; }

private:
    proto::LogLevel m_least = proto::LogLevel::Unknown;
    std::string m_text;                                ///< in small letters
    proto::LogLevel m_last = proto::LogLevel::Unknown; ///< of the last line that said one
};

/// Of "debug", "info", "warning" and "error"; nothing for another word.
[[nodiscard]] std::optional<proto::LogLevel> logLevelNamed(std::string_view name);

} // namespace gantry::app
