#pragma once

#include "trace_model/base/result.h"
#include "widgets/theme/format.h"

#include <QString>
#include <QStringList>

#include <filesystem>
#include <string>
#include <vector>

namespace gantry::desktop {

using widgets::formatBytes;
using widgets::formatCount;
using widgets::formatDuration;
using widgets::toQString;

[[nodiscard]] inline QString pathText(const std::filesystem::path& path)
{
    return toQString(path.native());
}

[[nodiscard]] inline std::filesystem::path toPath(const QString& path)
{
    return std::filesystem::path(path.toStdString());
}

[[nodiscard]] std::vector<std::filesystem::path> toPaths(const QStringList& paths);

/// What a person reads about a failure: one sentence with cause and next step, and what a bug report needs.
struct UserMessage
{
    QString sentence;
    QString details; ///< error code and frames, outermost first
};

[[nodiscard]] UserMessage describe(const Error& error);

/// Prints a sentence to standard error, behind the program's name.
void printNote(const QString& sentence);

/// How this program names itself to a node: "alice@desk: gantry".
[[nodiscard]] std::string clientName();

} // namespace gantry::desktop
