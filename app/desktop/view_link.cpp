#include "app/desktop/view_link.h"

#include "app/cli/duration.h"
#include "app/desktop/text.h"

#include <QRegularExpression>
#include <QStringList>

#include <charconv>
#include <string>

namespace gantry::desktop {

namespace {

/// As one word of a POSIX shell.
QString quoted(const QString& text)
{
    static const QRegularExpression kPlain(QStringLiteral("^[\\w@%+=:,./-]+$"));
    if (kPlain.match(text).hasMatch() && !text.startsWith(QLatin1Char('-')))
        return text;
    QString inside = text;
    return QStringLiteral("'%1'").arg(inside.replace(QLatin1Char('\''), QStringLiteral("'\\''")));
}

QString nanoseconds(DurationNs time)
{
    return time == 0 ? QStringLiteral("0") : QStringLiteral("%1ns").arg(time);
}

} // namespace

Result<TimeRange> parseViewRange(std::string_view text)
{
    const Error wrong{ErrorCode::BadInput, "'" + std::string(text) + "' is no range of time like 12.5ms..14ms, from the report's start", {}};
    const std::size_t dots = text.find("..");
    if (dots == std::string_view::npos)
        return wrong;
    const auto start = cli::parseOffset(text.substr(0, dots)), end = cli::parseOffset(text.substr(dots + 2));
    if (!start || !end || !*start || !*end || **end <= **start)
        return wrong;
    return TimeRange{**start, **end};
}

Result<trace::EventId> parseSelected(std::string_view text)
{
    const std::size_t colon = text.find(':');
    const std::string_view kindName = text.substr(0, colon), number = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    std::uint32_t row = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), row);
    if (!number.empty() && parsed.ec == std::errc() && parsed.ptr == number.data() + number.size() && row < trace::kMostRows)
        for (int i = 0; i < trace::kEventKindCount; ++i)
            if (const auto kind = static_cast<trace::EventKind>(i); trace::name(kind) == kindName)
                return trace::EventId(kind, row);
    return Error{ErrorCode::BadInput, "'" + std::string(text) + "' is no event like kernel:12", {}};
}

QString viewCommand(const ViewPlace& place, const std::vector<trace::LoadFile>& files)
{
    QStringList words{QStringLiteral("gantry")};
    if (place.range)
        words << QStringLiteral("--view") << nanoseconds(place.range->start) + QStringLiteral("..") + nanoseconds(place.range->end);
    if (!place.selected.isNone())
        words << QStringLiteral("--select") << QStringLiteral("%1:%2").arg(toQString(trace::name(place.selected.kind()))).arg(place.selected.row());
    if (files.size() > 1)
        words << QStringLiteral("--together");
    for (std::size_t i = 1; i < files.size(); ++i)
        words << QStringLiteral("--offset=%1").arg(files[i].offset ? nanoseconds(*files[i].offset) : QStringLiteral("auto"));
    for (const trace::LoadFile& file : files)
        words << quoted(pathText(file.path));
    return words.join(QLatin1Char(' '));
}

} // namespace gantry::desktop
