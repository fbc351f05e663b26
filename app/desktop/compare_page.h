#pragma once

#include "app/desktop/open_failure_panel.h"
#include "app/desktop/trace_source.h"
#include "app/jobs/job_slot.h"
#include "trace_model/analysis/comparison.h"
#include "trace_model/trace/trace.h"

#include <QWidget>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

class QComboBox;
class QToolButton;
class QLabel;
class QStackedWidget;

namespace gantry::widgets {
class CompareView;
}

namespace gantry::desktop {

class LoadingPanel;

/// A report that is open in a tab: the comparison uses its trace instead of loading the file again.
struct OpenReport
{
    std::filesystem::path path;
    std::shared_ptr<const trace::Trace> trace;
};

/// Two reports beside each other: timelines that pan and zoom together, and the table of differences. UI thread; loading and
/// comparing are jobs.
class ComparePage : public QWidget
{
    Q_OBJECT

public:
    explicit ComparePage(jobs::JobRunner& runner, TraceSource source = {}, QWidget* parent = nullptr);
    ~ComparePage() override;

    /// What can be chosen as A and B; files that were chosen before stay.
    void setOpenReports(std::vector<OpenReport> reports);
    void setFiles(const std::filesystem::path& a, const std::filesystem::path& b);
    void setSide(int side, const std::filesystem::path& path);
    /// Nodes that could export what only Nsight Systems reads: offered where that is why a side was not opened.
    void setNsysOffers(std::vector<NsysOffer> offers);

    [[nodiscard]] bool isReady() const { return m_comparison.has_value(); }
    /// Why there is no comparison although both sides were chosen.
    [[nodiscard]] const std::optional<Error>& error() const;
    [[nodiscard]] const std::optional<analysis::Comparison>& comparison() const { return m_comparison; }
    /// Writes a summary with the page's picture; says in the log where it is, or why not.
    void savePdf(const std::filesystem::path& path);
    [[nodiscard]] widgets::CompareView* view() const { return m_view; }
    [[nodiscard]] std::filesystem::path file(int side) const { return m_sides[static_cast<std::size_t>(side)].path; }

signals:
    /// Both sides are loaded, compared and shown.
    void ready();
    void failed();
    /// The user wants to choose a file for a side (0 = A, 1 = B).
    void fileRequested(int side);
    void closeRequested();
    /// Another node is wanted, for one that has Nsight Systems.
    void nodeRequested();
    /// Something that stands in nobody's way, but that the log should say.
    void logged(const QString& line);
    void pdfSaved(const QString& file);

private:
    struct Side
    {
        std::filesystem::path path;
        std::shared_ptr<const trace::Trace> trace;
        std::optional<Error> error; ///< why it was not opened
        OpenFailurePanel::Remedy remedy = OpenFailurePanel::Remedy::None;
        std::optional<QString> exportedOn; ///< the node whose nsys it is read with; none: this machine's
        double fraction = 0;               ///< of it that is read, 0..1
        QString stage;                     ///< of reading
        QComboBox* box = nullptr;
        std::unique_ptr<jobs::JobSlot> loadSlot, keepSlot;
    };

    void load(int side, importing::NsysExporter nsys = {});
    void keepForNextTime(Side& side);
    void cancelLoading();
    /// As when side B had not been chosen yet.
    void cancelComparison();
    void compare();
    void askForPdf();
    /// The figures of what the view's alignment leaves, in place of those that are shown.
    void compareAligned();
    void refreshBoxes();
    /// What is missing before there is anything to compare.
    void showMissing();
    void showFailure(int side);
    void showLoading(int side);
    void showState(const QString& sentence, const QString& details = {});

    std::vector<OpenReport> m_open;
    std::array<Side, 2> m_sides;
    std::optional<Error> m_compareError;
    std::optional<analysis::Comparison> m_comparison;
    TraceSource m_source;
    int m_failedSide = 0; ///< that the failure panel is about
    QStackedWidget* m_stack;
    LoadingPanel* m_loading;
    OpenFailurePanel* m_failure;
    QLabel* m_sentence;
    QLabel* m_details;
    widgets::CompareView* m_view;
    QToolButton* m_pdf;
    jobs::JobSlot m_compareSlot, m_pdfSlot;
};

} // namespace gantry::desktop
