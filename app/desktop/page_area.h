#pragma once

#include "app/desktop/trace_source.h"

#include <QTabWidget>

#include <filesystem>
#include <vector>

namespace gantry::jobs {
class JobRunner;
}

namespace gantry::desktop {

class ComparePage;
class ModelsPage;
class NodeController;
class NodePage;
class ReportPage;
class SweepPage;

/// The tabs in the middle: the live page (always there, first), one page per open report, the comparison and the sweep. UI thread.
class PageArea : public QTabWidget
{
    Q_OBJECT

public:
    /// `live` is the first tab; owned by the tabs from here on.
    PageArea(QWidget* live, jobs::JobRunner& runner, TraceSource source = {}, QWidget* parent = nullptr);

    /// The page of this file, opened when it is not open yet, and brought to the front.
    ReportPage& openReport(const std::filesystem::path& path);
    /// One page of all these files on one clock, as openReport(). At least one file. `offsets`: of the second file and those after it, to
    /// the first; may be fewer. A page that is open already keeps its own.
    ReportPage& openTogether(const std::vector<std::filesystem::path>& paths, const std::vector<std::optional<DurationNs>>& offsets = {});
    /// The comparison, made when there is none, and brought to the front.
    ComparePage& openCompare();
    /// The comparison with these two files as A and B.
    ComparePage& openCompare(const std::filesystem::path& a, const std::filesystem::path& b);

    /// The sweep, made when there is none, and brought to the front.
    SweepPage& openSweep();

    /// The page of a server's models, opened when it is not open yet, and brought to the front; with `model` chosen, unless that is empty.
    ModelsPage& openModels(NodeController& node, const QString& targetId, const QString& model);

    /// The page of a node, opened when it is not open yet, and brought to the front.
    NodePage& openNode(NodeController& node);

    void showLive() { setCurrentIndex(0); }
    /// Brings a page of other things than a report to the front; one that has no tab yet gets one beside the live page, and is this
    /// widget's from here on.
    void showBesideLive(QWidget& page, const QString& title);
    /// Closes a report, the comparison or the sweep; the live page stays.
    void closePage(int index);
    void stepPage(int direction);

    /// The report in front, or null.
    [[nodiscard]] ReportPage* currentReport() const;
    /// The comparison in front, or null.
    [[nodiscard]] ComparePage* currentCompare() const;
    /// The comparison, in front or not, or null.
    [[nodiscard]] ComparePage* compare() const { return m_compare; }
    /// All open reports, in tab order.
    [[nodiscard]] QList<ReportPage*> reports() const;

signals:
    /// Another page came to the front, or the one in front was loaded.
    void pageChanged();
    void reportOpened(gantry::desktop::ReportPage* page);
    void compareOpened(gantry::desktop::ComparePage* page);
    void sweepOpened(gantry::desktop::SweepPage* page);
    void nodeOpened(gantry::desktop::NodePage* page);

private:
    ReportPage& open(std::vector<std::filesystem::path> paths, const std::vector<std::optional<DurationNs>>& offsets = {});
    void offerReports();

    jobs::JobRunner& m_runner;
    TraceSource m_source;
    ComparePage* m_compare = nullptr;
    SweepPage* m_sweep = nullptr;
};

} // namespace gantry::desktop
