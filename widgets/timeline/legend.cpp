#include "widgets/timeline/legend.h"

#include "trace_model/trace/trace_words.h"
#include "widgets/theme/format.h"
#include "widgets/theme/glossary.h"
#include "widgets/theme/theme.h"
#include "widgets/timeline/event_text.h"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <map>
#include <set>

namespace gantry::widgets {

namespace {

constexpr int kSwatch = 10;
constexpr int kSwatchGap = 5;
constexpr int kMargin = 2; // above and below
constexpr int kGap = 16;
constexpr int kPadding = 8;

} // namespace

Legend::Legend(QWidget* parent) : QWidget(parent)
{
    QFont small = font();
    small.setPointSizeF(small.pointSizeF() * 0.85);
    setFont(small);
    setAccessibleName(tr("Legend"));
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void Legend::setTraces(std::initializer_list<const trace::Trace*> traces)
{
    using trace::EventId;
    using trace::EventKind;
    std::set<records::RequestPhase> phases;
    std::map<QString, std::function<QColor(const Theme&)>> copies;
    for (const trace::Trace* trace : traces) {
        phases.insert(trace->phases.phase.begin(), trace->phases.phase.end());
        for (const trace::CopyRoute& route : std::set<trace::CopyRoute>(trace->memcpys.route.begin(), trace->memcpys.route.end()))
            copies.try_emplace(toQString(trace::Trace::nameOf(route)), [route](const Theme& theme) { return theme.copy(route); });
    }
    const auto has = [&](EventKind kind) {
        return std::any_of(traces.begin(), traces.end(), [kind](const trace::Trace* trace) { return trace->columns(kind).size() > 0; });
    };
    m_entries.clear();
    for (const records::RequestPhase phase : phases)
        m_entries.push_back({phaseTitle(phase), [phase](const Theme& theme) { return theme.phase(phase); }});
    if (has(EventKind::Kernel))
        m_entries.push_back({tr("Kernel"), [](const Theme& theme) { return theme.kernel("gemm"); }});
    for (const auto& [name, color] : copies)
        m_entries.push_back({name, color});
    if (has(EventKind::Memset))
        m_entries.push_back({tr("Memset"), [](const Theme& theme) { return theme.memset(); }});
    if (has(EventKind::Synchronization))
        m_entries.push_back({tr("Synchronization"), [](const Theme& theme) { return theme.synchronization(); }});
    const auto* const caller =
        std::find_if(traces.begin(), traces.end(), [](const trace::Trace* trace) { return trace->apiCalls.size() > 0; });
    if (caller != traces.end())
        m_entries.push_back({toQString(trace::apiName(**caller)), [](const Theme& theme) { return theme.apiCall("cudaLaunchKernel"); }});
    if (has(EventKind::GraphLaunch))
        m_entries.push_back({tr("CUDA graph"), [](const Theme& theme) { return theme.graph(); }});
    if (has(EventKind::LibraryCall))
        m_entries.push_back({tr("Library call"), [](const Theme& theme) { return theme.libraryCall("cublasSgemm"); }});
    if (has(EventKind::OsCall))
        m_entries.push_back({tr("OS call"), [](const Theme& theme) { return theme.osCall("poll"); }});
    setVisible(!m_entries.empty());
    updateGeometry();
    update();
}

std::vector<QString> Legend::names() const
{
    std::vector<QString> names;
    for (const Entry& entry : m_entries)
        names.push_back(entry.name);
    return names;
}

std::vector<QRect> Legend::places(int width) const
{
    const int lineHeight = fontMetrics().height() + 4;
    std::vector<QRect> places;
    QPoint at(kPadding, kMargin);
    for (const Entry& entry : m_entries) {
        const int entryWidth = kSwatch + kSwatchGap + fontMetrics().horizontalAdvance(entry.name);
        if (at.x() > kPadding && at.x() + entryWidth > width)
            at = {kPadding, at.y() + lineHeight};
        places.emplace_back(at, QSize(entryWidth, lineHeight));
        at.rx() += entryWidth + kGap;
    }
    return places;
}

int Legend::heightForWidth(int width) const
{
    const auto entries = places(width);
    return entries.empty() ? 0 : entries.back().bottom() + 1 + kMargin;
}

QSize Legend::sizeHint() const
{
    constexpr int kAnyWidth = 1 << 20;
    const auto entries = places(kAnyWidth);
    return {entries.empty() ? 0 : entries.back().right() + kGap, heightForWidth(kAnyWidth)};
}

QSize Legend::minimumSizeHint() const
{
    return {80, sizeHint().height()};
}

bool Legend::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip)
        return QWidget::event(event);
    const auto* help = static_cast<const QHelpEvent*>(event);
    const auto entries = places(width());
    const auto hit = std::find_if(entries.begin(), entries.end(), [help](const QRect& place) { return place.contains(help->pos()); });
    const QString text = hit == entries.end() ? QString() : termToolTip(m_entries[static_cast<std::size_t>(hit - entries.begin())].name);
    if (text.isEmpty())
        QToolTip::hideText();
    else
        QToolTip::showText(help->globalPos(), text, this, *hit);
    return true;
}

void Legend::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    const Theme& theme = Theme::forPalette(palette());
    const auto entries = places(width());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const QRect& place = entries[i];
        painter.fillRect(place.left(), place.center().y() - kSwatch / 2 + 1, kSwatch, kSwatch, m_entries[i].color(theme));
        painter.setPen(theme.weakText);
        painter.drawText(place.adjusted(kSwatch + kSwatchGap, 0, 2, 0), Qt::AlignLeft | Qt::AlignVCenter, m_entries[i].name);
    }
}

} // namespace gantry::widgets
