#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <QString>

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace gantry::desktop {

[[nodiscard]] inline QString toQString(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

[[nodiscard]] inline QString pathText(const std::filesystem::path& path)
{
    return toQString(path.native());
}

[[nodiscard]] inline std::filesystem::path toPath(const QString& path)
{
    return std::filesystem::path(path.toStdString());
}

/// "1.8 MiB", "512 B": binary units, two digits at least.
[[nodiscard]] QString formatBytes(std::uint64_t bytes);

/// "12 345": thin groups of three, so that long counts can be compared at a glance.
[[nodiscard]] QString formatCount(std::uint64_t count);

/// "1.235 ms", as gantry::formatDuration.
[[nodiscard]] QString formatDuration(DurationNs duration);

/// What a person reads about a failure: one sentence with cause and next step, and what a bug report needs.
struct UserMessage
{
    QString sentence;
    QString details; ///< error code and frames, outermost first
};

[[nodiscard]] UserMessage describe(const Error& error);

} // namespace gantry::desktop
