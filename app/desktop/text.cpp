#include "app/desktop/text.h"

#include <QLocale>
#include <QStringList>

#include <cstdio>

namespace gantry::desktop {

QString formatBytes(std::uint64_t bytes)
{
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024.0 && unit + 1 < std::size(kUnits)) {
        value /= 1024.0;
        ++unit;
    }
    const int digits = unit == 0 || value >= 100 ? 0 : 1;
    return QStringLiteral("%1 %2").arg(QString::number(value, 'f', digits), QLatin1String(kUnits[unit]));
}

QString formatCount(std::uint64_t count)
{
    QString digits = QString::number(count);
    for (qsizetype at = digits.size() - 3; at > 0; at -= 3)
        digits.insert(at, QChar(0x2009)); // thin space
    return digits;
}

QString formatDuration(DurationNs duration)
{
    return toQString(gantry::formatDuration(duration));
}

UserMessage describe(const Error& error)
{
    UserMessage message;
    message.sentence = toQString(error.message);
    if (message.sentence.isEmpty())
        message.sentence = QStringLiteral("It did not work, and the cause is not known (%1).").arg(toQString(name(error.code)));
    message.sentence[0] = message.sentence.at(0).toUpper();
    if (!message.sentence.endsWith(QLatin1Char('.')))
        message.sentence += QLatin1Char('.');
    QStringList lines{QStringLiteral("error: %1").arg(toQString(name(error.code)))};
    for (auto frame = error.context.rbegin(); frame != error.context.rend(); ++frame)
        lines << toQString(*frame);
    message.details = lines.join(QLatin1Char('\n'));
    return message;
}

} // namespace gantry::desktop
