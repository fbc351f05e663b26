#include "widgets/theme/format.h"

#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace gantry::widgets {

namespace {

constexpr QChar kThinSpace(0x2009);

} // namespace

QString formatBytes(std::uint64_t bytes)
{
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1023.5 && unit + 1 < std::size(kUnits)) { // "1024 KiB" would be 1.0 MiB
        value /= 1024.0;
        ++unit;
    }
    const int digits = unit == 0 || value >= 100 ? 0 : 1;
    return QStringLiteral("%1 %2").arg(QString::number(value, 'f', digits), QLatin1String(kUnits[unit]));
}

QString formatCount(std::uint64_t count)
{
    return toQString(gantry::formatCount(count));
}

QString formatDuration(DurationNs duration)
{
    constexpr DurationNs kSecond = 1'000'000'000;
    const DurationNs magnitude = duration < 0 ? -duration : duration;
    const QString sign = duration < 0 ? QStringLiteral("−") : QString();
    const DurationNs seconds = (magnitude + kSecond / 2) / kSecond, minutes = (seconds + 30) / 60;
    if (minutes >= 60)
        return sign + QStringLiteral("%1 h %2 min").arg(minutes / 60).arg(minutes % 60);
    if (seconds >= 60)
        return sign + QStringLiteral("%1 min %2 s").arg(seconds / 60).arg(seconds % 60);
    return toQString(gantry::formatDuration(duration));
}

QString formatDurationExactly(DurationNs duration)
{
    constexpr DurationNs kMs = 1'000'000, kSecond = 1'000 * kMs, kMinute = 60 * kSecond, kHour = 60 * kMinute;
    const DurationNs magnitude = duration < 0 ? -duration : duration, rounded = (magnitude + kMs / 2) / kMs * kMs;
    if (rounded < kMinute)
        return toQString(gantry::formatDuration(duration));
    const QString sign = duration < 0 ? QStringLiteral("−") : QString();
    const QString seconds = QString::number(static_cast<double>(rounded % kMinute) / 1e9, 'f', 3);
    if (rounded < kHour)
        return sign + QStringLiteral("%1 min %2 s").arg(rounded / kMinute).arg(seconds);
    return sign + QStringLiteral("%1 h %2 min %3 s").arg(rounded / kHour).arg(rounded % kHour / kMinute).arg(seconds);
}

QString formatClock(TimestampNs time, DurationNs stepNs)
{
    constexpr DurationNs kSecond = 1'000'000'000;
    const DurationNs step = std::clamp<DurationNs>(stepNs, 1, kSecond);
    const int digits = static_cast<int>(std::ceil(9 - std::log10(static_cast<double>(step)) - 1e-9));
    DurationNs unit = kSecond; // of the last digit
    for (int i = 0; i < digits; ++i)
        unit /= 10;
    const DurationNs magnitude = (std::llabs(time) + unit / 2) / unit * unit, seconds = magnitude / kSecond;
    const auto two = [](DurationNs number) { return QStringLiteral("%1").arg(number, 2, 10, QLatin1Char('0')); };
    QString text = QStringLiteral(":%1:%2").arg(two(seconds / 60 % 60), two(seconds % 60));
    if (digits > 0)
        text += QStringLiteral(".%1").arg(magnitude % kSecond / unit, digits, 10, QLatin1Char('0'));
    const DurationNs days = seconds / 86'400, hours = seconds / 3'600 % 24;
    text.prepend(days > 0 ? QStringLiteral("%1 d %2").arg(days).arg(two(hours)) : QString::number(hours));
    return time < 0 ? QStringLiteral("-") + text : text;
}

QString formatTime(TimestampNs time, DurationNs stepNs)
{
    struct Unit
    {
        double ns;
        const char* name;
    };
    const auto magnitude = static_cast<double>(std::llabs(time));
    const Unit unit = magnitude >= 1e9   ? Unit{1e9, "s"}
                      : magnitude >= 1e6 ? Unit{1e6, "ms"}
                      : magnitude >= 1e3 ? Unit{1e3, "µs"}
                                         : Unit{1, "ns"};
    const double step = static_cast<double>(std::max<DurationNs>(stepNs, 1)) / unit.ns;
    const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
    QString text = QString::number(static_cast<double>(time) / unit.ns, 'f', digits);
    const qsizetype point = text.indexOf(QLatin1Char('.'));
    // Groups of three after the point too: 1.234 567 s is read at a glance, 1.234567 is counted.
    if (point >= 0) {
        for (qsizetype at = point + 4; at < text.size(); at += 4)
            text.insert(at, kThinSpace);
    }
    return text + QLatin1Char(' ') + QString::fromUtf8(unit.name);
}

QString formatNumber(double value, int significant)
{
    const double magnitude = std::fabs(value);
    if (magnitude >= 9999.5)
        return (value < 0 ? QStringLiteral("-") : QString()) + formatCount(static_cast<std::uint64_t>(std::llround(magnitude)));
    if (magnitude < 5e-7) // six digits after the point
        return QStringLiteral("0");
    const int digits = std::clamp(significant - 1 - static_cast<int>(std::floor(std::log10(magnitude))), 0, 6);
    QString text = QString::number(value, 'f', digits);
    if (text.contains(QLatin1Char('.'))) {
        while (text.endsWith(QLatin1Char('0')))
            text.chop(1);
        if (text.endsWith(QLatin1Char('.')))
            text.chop(1);
    }
    return text;
}

QString formatPercent(double ratio)
{
    const QString digits = QString::number(std::fabs(ratio) * 100, 'f', 1);
    const bool isNegative = ratio < 0 && digits != QLatin1String("0.0");
    return QStringLiteral("%1%2 %").arg(isNegative ? QStringLiteral("−") : QString(), digits);
}

} // namespace gantry::widgets
