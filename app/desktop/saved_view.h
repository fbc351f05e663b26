#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <QByteArray>
#include <QJsonArray>
#include <QJsonObject>

#include <filesystem>
#include <optional>

namespace gantry::desktop {

/// How a report was looked at, as the file beside it keeps it.
struct SavedView
{
    TimeRange range;  ///< from the report's start
    QJsonObject rows; ///< see widgets::savedRows()
    QJsonArray marks; ///< see widgets::savedMarks()
};

/// `<report>.gantry-view.json`
[[nodiscard]] std::filesystem::path viewFileOf(const std::filesystem::path& report);

[[nodiscard]] QByteArray toJson(const SavedView& view);
/// Errors: BadInput.
[[nodiscard]] Result<SavedView> parseSavedView(const QByteArray& json);

/// Any thread. Readable by the owner alone. Errors: CannotWrite.
[[nodiscard]] Result<void> writeSavedView(const std::filesystem::path& report, const QByteArray& json);
/// Any thread. Nothing: there is no such file. Errors: BadInput.
[[nodiscard]] Result<std::optional<SavedView>> readSavedView(const std::filesystem::path& report);

} // namespace gantry::desktop
