#pragma once

#include "app/desktop/open_failure_panel.h"
#include "app/desktop/trace_source.h"
#include "app/desktop/view_link.h"
#include "app/jobs/job_slot.h"
#include "trace_model/base/result.h"
#include "trace_model/report/window_cost.h"
#include "trace_model/trace/trace.h"

#include <QString>
#include <QWidget>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

class QStackedWidget;

namespace gantry::widgets {
class TimelineWidget;
}

namespace gantry::desktop {

class LoadingPanel;
class TraceView;

/// One open report, of one file or of several on one clock: loads it, shows a sample until all is read, then the whole, and searches
/// in it. UI thread; loading, searching and keeping it for the next time are jobs.
class ReportPage : public QWidget
{
    Q_OBJECT

public:
    /// Preview: there is a trace to look at, but not of all that the files hold.
    enum class State
    {
        Loading,
        Preview,
        Loaded,
        Failed
    };

    /// `files`: at least one.
    ReportPage(std::vector<trace::LoadFile> files, jobs::JobRunner& runner, TraceSource source = {}, QWidget* parent = nullptr);
    ReportPage(std::filesystem::path path, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ReportPage() override;

    [[nodiscard]] const std::vector<trace::LoadFile>& files() const { return m_files; }
    /// Of the first file.
    [[nodiscard]] const std::filesystem::path& path() const { return m_files.front().path; }
    /// Reads the files again with these offsets, one for each file; nothing: as the clocks of the files say.
    void setOffsets(const std::vector<std::optional<DurationNs>>& offsets);
    /// Nodes that could export what only Nsight Systems reads: offered where that is why the report was not opened.
    void setNsysOffers(std::vector<NsysOffer> offers);
    /// What the window cost, measured since the report was fetched.
    void setCost(const report::WindowCost& cost);
    /// File name without Gantry's extensions, of the first file and how many more.
    [[nodiscard]] QString title() const;
    [[nodiscard]] State state() const { return m_state; }
    [[nodiscard]] const std::shared_ptr<const trace::Trace>& trace() const { return m_trace; }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    /// Null until there is a trace.
    [[nodiscard]] widgets::TimelineWidget* timeline() const { return m_timeline; }
    /// Whether there is a trace with anything on a time axis.
    [[nodiscard]] bool hasTimeline() const;

    /// Looks for the events that meet a filter, see analysis::readEventFilter(). Empty text ends the search.
    void find(const QString& text);
    /// To the next (+1) or previous (-1) match, around the ends.
    void stepMatch(int direction);
    /// "3 of 41", "no match", "searching…" or empty.
    [[nodiscard]] QString matchText() const;
    [[nodiscard]] const QString& searchText() const { return m_searchText; }
    /// Why the text cannot be searched for; empty: it can.
    [[nodiscard]] const QString& searchError() const { return m_searchError; }
    /// What of the text may have been meant otherwise than it is searched for; empty: nothing.
    [[nodiscard]] const QString& searchNote() const { return m_searchNote; }

    /// Selects a request and shows it with its neighbours: the view is `lengths` times as long as the request took.
    void showRequest(trace::RequestIndex request, int lengths = 3);
    /// Shows the request with this number or client id, or the "slowest". NotFound: there is none.
    [[nodiscard]] Result<void> showRequestNamed(const QString& name);
    /// Shows a range and selects an event, once all is read; a range that is not in the report is moved, see placeMoved(). NotFound: there
    /// is no such event, or no time axis.
    [[nodiscard]] Result<void> showPlace(const ViewPlace& place);
    /// Marks an instant of the wall clock and shows what is around it, once all is read; of one that is not in the report, its nearest end.
    void showInstant(std::int64_t utcNs);
    /// The middle of what is shown, by the wall clock; nothing: the report does not know it.
    [[nodiscard]] std::optional<std::int64_t> shownUtc() const;
    /// Marks it alone, where it is in the report; nothing: none.
    void markInstant(std::optional<std::int64_t> utcNs);
    /// What is shown and selected.
    [[nodiscard]] ViewPlace place() const;
    /// Writes range, rows and marks beside the report, and goes back to them where there is such a file. Of one file alone. Failures are
    /// lines of the log, a finished write is one too.
    void saveView();
    void restoreView();
    /// Shows the slowest complete request; with one selected, the next slower (-1) or the next faster (+1) one.
    void stepSlowest(int direction);

    [[nodiscard]] trace::EventId selectedEvent() const;
    [[nodiscard]] trace::RequestIndex selectedRequest() const;
    /// The measured range if there is one, else the visible range: what statistics are about.
    [[nodiscard]] TimeRange statisticsRange() const;

signals:
    /// Before there is a trace: this much of the files is read, 0..1.
    void progressed(double fraction);
    /// A sample can be looked at; loaded() or failed() follows.
    void previewed();
    void loaded();
    void failed();
    /// Something that stands in nobody's way, but that the log should say.
    void logged(const QString& line);
    /// The user's view was written, or could not be.
    void viewSaved(const QString& sentence, bool isSaved);
    /// What showPlace() shows instead of what was asked for, as a sentence.
    void placeMoved(const QString& sentence);
    void importRequested();
    void closeRequested();
    /// Another node is wanted, for one that has Nsight Systems.
    void nodeRequested();
    void selectionChanged();
    void rangeChanged();
    /// The mouse is at another time of the timeline, or has left it.
    void instantHovered(std::optional<std::int64_t> utcNs);
    void searchChanged();

private:
    void load();
    void loadWith(importing::NsysExporter nsys);
    void showTrace(std::shared_ptr<const trace::Trace> trace);
    void onPreview(std::shared_ptr<const trace::Trace> trace);
    void onLoaded(std::shared_ptr<const trace::Trace> trace);
    void onProgress(double fraction, const std::string& stage);
    void stopReading();
    void keepForNextTime();
    void onFailed(const Error& error);
    void cancelLoading();
    void exportOn(const NsysOffer& offer);
    void goToMatch(std::size_t index);
    /// On the report's clock; nothing: it does not know the wall clock.
    [[nodiscard]] std::optional<TimestampNs> timeOfUtc(std::int64_t utcNs) const;
    void search();

    std::vector<trace::LoadFile> m_files;
    TraceSource m_source;
    jobs::JobRunner& m_runner;
    State m_state = State::Loading;
    std::shared_ptr<const trace::Trace> m_trace;
    std::optional<Error> m_error;
    OpenFailurePanel::Remedy m_remedy = OpenFailurePanel::Remedy::None;
    std::optional<QString> m_exportedOn; ///< the node whose nsys the files are read with; none: this machine's

    QStackedWidget* m_stack;
    LoadingPanel* m_loading;
    OpenFailurePanel* m_failure;
    TraceView* m_view = nullptr;
    std::optional<std::int64_t> m_wantedInstant;   ///< until all is read
    std::optional<report::WindowCost> m_cost;      ///< newer than the trace's
    widgets::TimelineWidget* m_timeline = nullptr; ///< of the view

    QString m_searchText;
    QString m_searchError, m_searchNote;
    std::vector<trace::EventId> m_matches;
    std::optional<std::size_t> m_match;
    std::vector<trace::RequestIndex> m_slowest; ///< complete requests, slowest first; filled when first asked for
    jobs::JobSlot m_loadSlot;
    jobs::JobSlot m_searchSlot;
    jobs::JobSlot m_keepSlot;
    jobs::JobSlot m_viewSlot;
};

} // namespace gantry::desktop
