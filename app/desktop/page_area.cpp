#include "app/desktop/page_area.h"

#include "app/desktop/compare_page.h"
#include "app/desktop/models_page.h"
#include "app/desktop/node_page.h"
#include "app/desktop/report_page.h"
#include "app/desktop/sweep_page.h"
#include "app/desktop/text.h"

#include <QTabBar>

#include <algorithm>
#include <system_error>
#include <utility>

namespace gantry::desktop {

PageArea::PageArea(QWidget* live, jobs::JobRunner& runner, TraceSource source, QWidget* parent)
    : QTabWidget(parent), m_runner(runner), m_source(std::move(source))
{
    setObjectName(QStringLiteral("pages"));
    setDocumentMode(true);
    setTabsClosable(true);
    setMovable(false); // the live page stays first
    setElideMode(Qt::ElideMiddle);
    setUsesScrollButtons(true);
    addTab(live, tr("Live"));
    // The live page has no close button, on whichever side the style puts it.
    tabBar()->setTabButton(0, QTabBar::RightSide, nullptr);
    tabBar()->setTabButton(0, QTabBar::LeftSide, nullptr);
    connect(this, &QTabWidget::tabCloseRequested, this, &PageArea::closePage);
    connect(this, &QTabWidget::currentChanged, this, &PageArea::pageChanged);
}

ReportPage& PageArea::openReport(const std::filesystem::path& path)
{
    return open({path});
}

ReportPage& PageArea::openTogether(const std::vector<std::filesystem::path>& paths, const std::vector<std::optional<DurationNs>>& offsets)
{
    return open(paths, offsets);
}

ReportPage& PageArea::open(std::vector<std::filesystem::path> paths, const std::vector<std::optional<DurationNs>>& offsets)
{
    for (std::filesystem::path& path : paths) {
        std::error_code failure;
        const auto absolute = std::filesystem::absolute(path, failure).lexically_normal();
        if (!failure)
            path = absolute;
    }
    const auto isOf = [&](const trace::LoadFile& file, const std::filesystem::path& path) { return file.path == path; };
    for (ReportPage* page : reports()) {
        if (std::equal(page->files().begin(), page->files().end(), paths.begin(), paths.end(), isOf)) {
            setCurrentWidget(page);
            return *page;
        }
    }
    std::vector<trace::LoadFile> files;
    QStringList names;
    for (const std::filesystem::path& path : paths) {
        const bool isShifted = !files.empty() && files.size() <= offsets.size();
        files.push_back({path, isShifted ? offsets[files.size() - 1] : std::nullopt});
        names << pathText(path);
    }
    auto* page = new ReportPage(std::move(files), m_runner, m_source, this);
    // Reports stay left of the comparison and the sweep.
    int index = count();
    for (QWidget* last : {static_cast<QWidget*>(m_compare), static_cast<QWidget*>(m_sweep)})
        if (last)
            index = std::min(index, indexOf(last));
    insertTab(index, page, page->title());
    setTabToolTip(index, names.join(QLatin1Char('\n')));
    connect(page, &ReportPage::closeRequested, this, [this, page] { closePage(indexOf(page)); });
    connect(page, &ReportPage::previewed, this, &PageArea::pageChanged);
    connect(page, &ReportPage::failed, this, &PageArea::pageChanged);
    connect(page, &ReportPage::loaded, this, [this] {
        offerReports();
        emit pageChanged();
    });
    emit reportOpened(page);
    setCurrentWidget(page);
    return *page;
}

ComparePage& PageArea::openCompare()
{
    if (!m_compare) {
        m_compare = new ComparePage(m_runner, m_source, this);
        addTab(m_compare, tr("Compare"));
        connect(m_compare, &ComparePage::ready, this, &PageArea::pageChanged);
        connect(m_compare, &ComparePage::closeRequested, this, [this, page = m_compare] { closePage(indexOf(page)); });
        offerReports();
        emit compareOpened(m_compare);
    }
    setCurrentWidget(m_compare);
    return *m_compare;
}

ComparePage& PageArea::openCompare(const std::filesystem::path& a, const std::filesystem::path& b)
{
    ComparePage& page = openCompare();
    page.setFiles(a, b);
    return page;
}

SweepPage& PageArea::openSweep()
{
    if (!m_sweep) {
        m_sweep = new SweepPage(m_runner, m_source, this);
        addTab(m_sweep, tr("Sweep"));
        connect(m_sweep, &SweepPage::ready, this, &PageArea::pageChanged);
        connect(m_sweep, &SweepPage::reportRequested, this, [this](const std::filesystem::path& report) { openReport(report); });
        connect(m_sweep, &SweepPage::comparisonRequested, this,
                [this](const std::filesystem::path& a, const std::filesystem::path& b) { openCompare(a, b); });
        emit sweepOpened(m_sweep);
    }
    setCurrentWidget(m_sweep);
    return *m_sweep;
}

ModelsPage& PageArea::openModels(NodeController& node, const QString& targetId, const QString& model)
{
    ModelsPage* page = nullptr;
    for (ModelsPage* open : findChildren<ModelsPage*>())
        if (open->node() == &node && open->targetId() == targetId.toStdString() && indexOf(open) >= 0)
            page = open;
    if (!page) {
        page = new ModelsPage(node, targetId.toStdString(), m_runner, this);
        showBesideLive(*page, page->title());
        setTabToolTip(indexOf(page), tr("%1 on %2").arg(page->title(), node.title()));
    }
    if (!model.isEmpty())
        page->select(model);
    setCurrentWidget(page);
    return *page;
}

NodePage& PageArea::openNode(NodeController& node)
{
    for (NodePage* open : findChildren<NodePage*>()) {
        if (open->node() != &node || indexOf(open) < 0)
            continue;
        setCurrentWidget(open);
        return *open;
    }
    auto* page = new NodePage(node, m_runner, this);
    connect(page, &NodePage::titleChanged, this, [this, page] {
        if (const int index = indexOf(page); index >= 0 && tabText(index) != page->title())
            setTabText(index, page->title());
    });
    emit nodeOpened(page);
    showBesideLive(*page, page->title());
    return *page;
}

void PageArea::showBesideLive(QWidget& page, const QString& title)
{
    if (indexOf(&page) < 0)
        insertTab(1, &page, title);
    setCurrentWidget(&page);
}

void PageArea::closePage(int index)
{
    QWidget* page = widget(index);
    if (index <= 0 || !page)
        return;
    removeTab(index);
    if (page == m_compare)
        m_compare = nullptr;
    if (page == m_sweep)
        m_sweep = nullptr;
    page->deleteLater();
    offerReports();
    emit pageChanged();
}

void PageArea::stepPage(int direction)
{
    setCurrentIndex((currentIndex() + direction + count()) % count());
}

ReportPage* PageArea::currentReport() const
{
    return qobject_cast<ReportPage*>(currentWidget());
}

ComparePage* PageArea::currentCompare() const
{
    return qobject_cast<ComparePage*>(currentWidget());
}

QList<ReportPage*> PageArea::reports() const
{
    QList<ReportPage*> pages;
    for (int i = 0; i < count(); ++i) {
        if (auto* page = qobject_cast<ReportPage*>(widget(i)))
            pages << page;
    }
    return pages;
}

void PageArea::offerReports()
{
    if (!m_compare)
        return;
    std::vector<OpenReport> open;
    for (const ReportPage* page : reports()) {
        if (page->state() == ReportPage::State::Loaded && page->files().size() == 1) // a comparison of samples would mislead
            open.push_back({page->path(), page->trace()});
    }
    m_compare->setOpenReports(std::move(open));
}

} // namespace gantry::desktop
