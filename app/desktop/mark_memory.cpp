#include "app/desktop/mark_memory.h"

#include "app/desktop/report_page.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"
#include "widgets/timeline/saved_marks.h"
#include "widgets/timeline/timeline_widget.h"

#include <QCryptographicHash>

namespace gantry::desktop {

namespace {

/// What a report is known by: the places of its files. One that was written again keeps its marks.
QString keyOf(const ReportPage& page)
{
    QCryptographicHash hash(QCryptographicHash::Sha256);
    for (const trace::LoadFile& file : page.files()) {
        std::error_code unknown;
        const std::filesystem::path path = std::filesystem::absolute(file.path, unknown);
        hash.addData(QByteArray::fromStdString((unknown ? file.path : path.lexically_normal()).string()));
        hash.addData(QByteArrayLiteral("\n"));
    }
    return QString::fromLatin1(hash.result().toHex().left(32));
}

} // namespace

void rememberMarks(ReportPage& page, Settings& settings)
{
    QObject::connect(&page, &ReportPage::loaded, &page, [&page, &settings] {
        widgets::TimelineWidget* timeline = page.timeline();
        if (!timeline || !page.trace())
            return;
        // A page that reads its files again keeps its timeline, and its marks.
        QObject::disconnect(timeline, &widgets::TimelineWidget::marksChanged, &page, nullptr);
        const QString key = keyOf(page);
        if (timeline->marks().empty())
            timeline->setMarks(widgets::restoredMarks(*page.trace(), settings.marks(key)));
        QObject::connect(timeline, &widgets::TimelineWidget::marksChanged, &page, [&page, &settings, key] {
            if (page.trace())
                settings.setMarks(key, widgets::savedMarks(*page.trace(), page.timeline()->marks()));
        });
    });
}

} // namespace gantry::desktop
