#include "app/desktop/saved_view.h"

#include "app/desktop/text.h"
#include "trace_model/base/new_file.h"

#include <QFile>
#include <QJsonDocument>

#include <string>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr int kVersion = 1;
constexpr qint64 kLargestFile = 16 << 20; // bytes: thousands of marks fit many times

const QString kFormat = QStringLiteral("format"), kFormatName = QStringLiteral("gantry-view"), kVersionName = QStringLiteral("version"),
              kView = QStringLiteral("view"), kRows = QStringLiteral("rows"), kMarks = QStringLiteral("marks"),
              kStart = QStringLiteral("start_ns"), kEnd = QStringLiteral("end_ns");

QJsonObject rangeObject(TimeRange range)
{
    return {{kStart, static_cast<qint64>(range.start)}, {kEnd, static_cast<qint64>(range.end)}};
}

/// As written; nothing where it is no range.
std::optional<TimeRange> rangeOf(const QJsonObject& object)
{
    if (!object[kStart].isDouble() || !object[kEnd].isDouble())
        return std::nullopt;
    const TimeRange range{object[kStart].toInteger(), object[kEnd].toInteger()};
    return range.end < range.start ? std::nullopt : std::optional(range);
}

} // namespace

std::filesystem::path viewFileOf(const std::filesystem::path& report)
{
    std::filesystem::path path = report;
    path += ".gantry-view.json";
    return path;
}

QByteArray toJson(const SavedView& view)
{
    return QJsonDocument(QJsonObject{{kFormat, kFormatName},
                                     {kVersionName, kVersion},
                                     {kView, rangeObject(view.range)},
                                     {kRows, view.rows},
                                     {kMarks, view.marks}})
        .toJson();
}

Result<SavedView> parseSavedView(const QByteArray& json)
{
    const QJsonObject object = QJsonDocument::fromJson(json).object();
    const auto range = rangeOf(object[kView].toObject());
    if (object[kFormat].toString() != kFormatName || object[kVersionName].toInt() != kVersion || !range)
        return Error{ErrorCode::BadInput, "it is damaged or of a newer version", {}};
    return SavedView{*range, object[kRows].toObject(), object[kMarks].toArray()};
}

Result<void> writeSavedView(const std::filesystem::path& report, const QByteArray& json)
{
    GANTRY_TRY(NewFile file, NewFile::create(viewFileOf(report), FileAccess::OwnerOnly));
    GANTRY_CHECK(file.write(std::string_view(json.constData(), static_cast<std::size_t>(json.size()))));
    return file.publish();
}

Result<std::optional<SavedView>> readSavedView(const std::filesystem::path& report)
{
    QFile file(pathText(viewFileOf(report)));
    if (!file.exists())
        return std::optional<SavedView>();
    if (!file.open(QIODevice::ReadOnly) || file.size() > kLargestFile)
        return Error{ErrorCode::BadInput, "it cannot be read, or is too large", {}};
    GANTRY_TRY(SavedView view, parseSavedView(file.readAll()));
    return std::optional(std::move(view));
}

} // namespace gantry::desktop
