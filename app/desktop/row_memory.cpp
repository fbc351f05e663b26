#include "app/desktop/row_memory.h"

#include "app/desktop/report_page.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"
#include "widgets/timeline/saved_rows.h"
#include "widgets/timeline/timeline_widget.h"

#include <QRegularExpression>

#include <utility>

namespace gantry::desktop {

namespace {

void restore(const ReportPage& page, const Settings& settings)
{
    if (!page.timeline() || !page.trace())
        return;
    auto restored = widgets::restoredRows(*page.trace(), settings.rows(rowsKind(page.trace()->meta)));
    page.timeline()->setRows(std::move(restored.rows), std::move(restored.styles));
}

void remember(const ReportPage& page, Settings& settings)
{
    const QString kind = rowsKind(page.trace()->meta);
    const widgets::TimelineWidget& timeline = *page.timeline();
    settings.setRows(kind, widgets::savedRows(*page.trace(), timeline.rows(), timeline.state().counterStyles, settings.rows(kind)));
}

} // namespace

QString rowsKind(const importing::TraceMeta& meta)
{
    static const QRegularExpression kVersion(QStringLiteral("\\s+v?\\d.*$")), kSeparator(QStringLiteral("[/\\\\\\s]+"));
    QString producer = toQString(meta.producer);
    producer.remove(kVersion);
    QString kind = producer.isEmpty() ? toQString(meta.format) : QStringLiteral("%1 %2").arg(toQString(meta.format), producer);
    return kind.replace(kSeparator, QStringLiteral("_"));
}

void rememberRows(ReportPage& page, Settings& settings)
{
    const auto arrange = [&page, &settings] {
        restore(page, settings);
        // A page that reads its files again keeps its timeline.
        auto* timeline = page.timeline();
        QObject::disconnect(timeline, &widgets::TimelineWidget::rowsChanged, &page, nullptr);
        QObject::connect(timeline, &widgets::TimelineWidget::rowsChanged, &page, [&page, &settings] { remember(page, settings); });
    };
    QObject::connect(&page, &ReportPage::previewed, &page, arrange);
    QObject::connect(&page, &ReportPage::loaded, &page, arrange);
}

} // namespace gantry::desktop
