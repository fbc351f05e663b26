#include "app/desktop/readiness_text.h"

#include "app/desktop/text.h"
#include "widgets/theme/theme.h"

#include <QCoreApplication>

namespace gantry::desktop {

namespace {

using proto::ReadinessLevel;

struct Words
{
    Q_DECLARE_TR_FUNCTIONS(gantry::desktop::Readiness)
};

} // namespace

QString levelText(ReadinessLevel level)
{
    switch (level) {
    case ReadinessLevel::Ok:
        return Words::tr("works");
    case ReadinessLevel::Note:
        return Words::tr("note");
    case ReadinessLevel::Limited:
        return Words::tr("limited");
    case ReadinessLevel::Blocked:
        return Words::tr("blocked");
    case ReadinessLevel::Unknown:
        break;
    }
    return Words::tr("not known");
}

QColor levelColour(ReadinessLevel level, const widgets::Theme& theme)
{
    switch (level) {
    case ReadinessLevel::Ok:
        return theme.good;
    case ReadinessLevel::Limited:
        return theme.warning;
    case ReadinessLevel::Blocked:
        return theme.bad;
    case ReadinessLevel::Note:
    case ReadinessLevel::Unknown:
        break;
    }
    return theme.weakText;
}

bool isImpaired(const proto::ReadinessReport& report)
{
    const ReadinessLevel worst = report.worst();
    return worst == ReadinessLevel::Limited || worst == ReadinessLevel::Blocked;
}

QString worstText(const proto::ReadinessReport& report)
{
    const ReadinessLevel worst = report.worst();
    QStringList topics;
    for (const proto::ReadinessItem& item : report.items)
        if (item.level == worst)
            topics << toQString(item.topic);
    return topics.isEmpty() ? levelText(worst) : Words::tr("%1: %2").arg(levelText(worst), topics.join(QStringLiteral(", ")));
}

QString reportText(const proto::ReadinessReport& report)
{
    QStringList lines;
    for (const proto::ReadinessItem& item : report.items) {
        lines << QStringLiteral("[%1] %2: %3").arg(levelText(item.level), toQString(item.topic), toQString(item.finding));
        if (!item.effect.empty())
            lines << Words::tr("    effect: %1").arg(toQString(item.effect));
        if (!item.fix.empty())
            lines << Words::tr("    fix: %1").arg(toQString(item.fix));
    }
    return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

} // namespace gantry::desktop
