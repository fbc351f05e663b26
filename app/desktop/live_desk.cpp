#include "app/desktop/live_desk.h"

#include "app/desktop/capture_bar.h"
#include "app/desktop/capture_controller.h"
#include "app/desktop/live_page.h"
#include "app/desktop/node_list.h"
#include "app/desktop/page_area.h"
#include "app/desktop/recorder_control.h"
#include "app/desktop/report_page.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"

#include <QAction>
#include <QMenu>

#include <algorithm>
#include <system_error>
#include <utility>

namespace gantry::desktop {

namespace {

/// An entry of a menu that cannot be chosen says why.
QString offerText(const QString& offer, const QString& whyNot)
{
    return whyNot.isEmpty() ? offer : LiveDesk::tr("%1 (%2)").arg(offer, whyNot);
}

} // namespace

LiveDesk::LiveDesk(const Parts& parts) : m_parts(parts), m_bands(parts.nodes, parts.settings, parts.runner)
{
    connect(&m_bands, &CaptureBands::changed, this, [this] { m_parts.live.setBands(m_bands.bands()); });
    connect(&m_parts.live, &LivePage::bandActivated, this, &LiveDesk::openAt);
    connect(&m_parts.live, &LivePage::menuRequested, this, &LiveDesk::showMenu);
    connect(&m_parts.live, &LivePage::instantHovered, this, [this](std::optional<std::int64_t> utcNs) {
        if (!utcNs)
            return; // what was pointed at last stays marked: to look at it, one goes to the other page
        for (ReportPage* page : m_parts.pages.reports())
            if (nodeOf(*page) == m_parts.nodes.current())
                page->markInstant(utcNs);
    });
    connect(&m_parts.pages, &PageArea::reportOpened, this, &LiveDesk::watchPage);
    connect(&m_parts.nodes, &NodeList::currentChanged, this, [this] { m_parts.live.setInstant(std::nullopt); });
    connect(&m_parts.capture, &CaptureController::reportsReady, this, &LiveDesk::onFetched);
    connect(&m_parts.capture, &CaptureController::failed, this, [this] { m_wanted.reset(); });
    connect(&m_parts.capture, &CaptureController::cancelled, this, [this] { m_wanted.reset(); });
    m_parts.live.setBands(m_bands.bands());
}

NodeController* LiveDesk::nodeOf(const ReportPage& page) const
{
    const std::filesystem::path folder = page.path().parent_path();
    for (const auto& node : m_parts.nodes.nodes())
        if (m_parts.settings.reportFolder(node->title()) == folder)
            return node.get();
    return nullptr;
}

void LiveDesk::watchPage(ReportPage* page)
{
    connect(page, &ReportPage::instantHovered, this, [this, page](std::optional<std::int64_t> utcNs) {
        if (utcNs && m_parts.nodes.current() && nodeOf(*page) == m_parts.nodes.current())
            m_parts.live.setInstant(utcNs, page->title());
    });
}

void LiveDesk::showLive(const ReportPage& page)
{
    NodeController* node = nodeOf(page);
    const auto utcNs = page.shownUtc();
    if (!node || !utcNs)
        return emit refused(node ? tr("This report does not say when it was recorded.")
                                 : tr("This report was not fetched from a node that is in the list: connect to its node first."));
    m_parts.nodes.setCurrent(node);
    m_parts.pages.showLive();
    m_parts.live.setInstant(utcNs, page.title());
    m_parts.live.showInstant(*utcNs);
}

void LiveDesk::openAt(const std::string& report, std::int64_t utcNs)
{
    NodeController* node = m_parts.nodes.current();
    const CaptureBand* band = m_bands.find(report);
    if (!node || !band)
        return;
    if (band->isOpen)
        return emit refused(tr("This window is still open, or its report is being written: click again when the report is there."));
    std::error_code gone;
    if (!band->file.empty() && std::filesystem::exists(band->file, gone)) {
        show({band->file, *band, utcNs});
        return;
    }
    const auto& reports = node->reports();
    const auto listed = std::find_if(reports.begin(), reports.end(), [&](const proto::ReportInfo& one) { return one.name == report; });
    if (listed == reports.end())
        return emit refused(tr("%1 is no longer on the node, nor on this machine.").arg(toQString(report)));
    if (!m_parts.capture.isBusy()) // else it is refused, with the reason
        m_wanted = Wanted{m_parts.settings.reportFolder(node->title()) / report, *band, utcNs};
    emit fetchRequested(node, proto::ReportInfo(*listed));
}

/// Where a band lies right to a second only, the place in it that was clicked says more than the time.
void LiveDesk::show(const Wanted& wanted)
{
    ReportPage& page = m_parts.pages.openReport(wanted.file);
    const CaptureBand& band = wanted.band;
    if (band.isExact)
        return page.showInstant(wanted.utcNs);
    const auto length = static_cast<double>(std::max<DurationNs>(1, band.endUtcNs - band.beginUtcNs));
    page.showShare(std::clamp(static_cast<double>(wanted.utcNs - band.beginUtcNs) / length, 0.0, 1.0));
}

void LiveDesk::onFetched(const std::vector<std::filesystem::path>& files)
{
    m_bands.refresh();
    const auto wanted = std::exchange(m_wanted, std::nullopt);
    if (!wanted || std::find(files.begin(), files.end(), wanted->file) == files.end())
        return;
    show(*wanted);
}

/// Why a flight recorder cannot be saved; empty: it can.
QString LiveDesk::whyNoSave() const
{
    const NodeController* node = m_parts.nodes.current();
    if (!node || node->state() != NodeController::State::Connected)
        return tr("the node is not connected");
    const proto::CaptureStatus* recorder = m_parts.recorder.recorder();
    if (!recorder)
        return m_parts.bar.targetId().empty() ? tr("no server runs on this node")
                                              : tr("no flight recorder runs on %1").arg(m_parts.bar.targetName());
    if (m_parts.capture.isBusy())
        return tr("a capture or fetch is running");
    return recorder->state == proto::CaptureState::Capturing ? QString() : tr("the recorder stands still");
}

void LiveDesk::showMenu(const QPoint& point, std::int64_t utcNs, const std::string& report)
{
    auto* menu = new QMenu(&m_parts.live);
    menu->setObjectName(QStringLiteral("plotMenu"));
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->setToolTipsVisible(true);
    if (const CaptureBand* band = report.empty() ? nullptr : m_bands.find(report); band && !band->isOpen) {
        menu->addAction(band->file.empty() ? tr("Fetch the report and open it at this instant") : tr("Open the report at this instant"),
                        this, [this, report, utcNs] { openAt(report, utcNs); });
        menu->setDefaultAction(menu->actions().constFirst());
        menu->addSeparator();
    }
    const QAction* start = m_parts.bar.startAction();
    QAction* capture = menu->addAction(offerText(tr("Capture now"), start->isEnabled() ? QString() : start->toolTip()), this,
                                       [this] { m_parts.bar.startAction()->trigger(); });
    capture->setObjectName(QStringLiteral("captureNow"));
    capture->setEnabled(start->isEnabled());
    capture->setToolTip(start->toolTip());
    const QString why = whyNoSave();
    QAction* save = menu->addAction(offerText(tr("Save the last 10 s"), why), this, [this] { m_parts.recorder.save(kSaved); });
    save->setObjectName(QStringLiteral("saveLast"));
    save->setEnabled(why.isEmpty());
    menu->popup(point);
}

} // namespace gantry::desktop
