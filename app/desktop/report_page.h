#pragma once

#include "app/jobs/job_slot.h"
#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <QString>
#include <QWidget>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

class QLabel;
class QProgressBar;
class QStackedWidget;

namespace gantry::widgets {
class TimelineWidget;
}

namespace gantry::desktop {

/// One open report: loads it, shows the timeline with its trust strip, and searches in it. UI thread; loading and searching are
/// jobs.
class ReportPage : public QWidget
{
    Q_OBJECT

public:
    enum class State { Loading, Loaded, Failed };

    ReportPage(std::filesystem::path path, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ReportPage() override;

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
    /// File name without Gantry's extensions.
    [[nodiscard]] QString title() const;
    [[nodiscard]] State state() const { return m_state; }
    [[nodiscard]] const std::shared_ptr<const trace::Trace>& trace() const { return m_trace; }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    /// Null until loaded.
    [[nodiscard]] widgets::TimelineWidget* timeline() const { return m_timeline; }

    /// Looks for events by name. Empty text ends the search.
    void find(const QString& text);
    /// To the next (+1) or previous (-1) match, around the ends.
    void stepMatch(int direction);
    /// "3 of 41", "no match", "searching…" or empty.
    [[nodiscard]] QString matchText() const;
    [[nodiscard]] const QString& searchText() const { return m_searchText; }

    /// Selects a request and shows it with its neighbours: the view is `lengths` times as long as the request took.
    void showRequest(trace::RequestIndex request, int lengths = 3);
    /// Shows the request with this number or client id, or the "slowest". NotFound: there is none.
    [[nodiscard]] Result<void> showRequestNamed(const QString& name);
    /// Shows the slowest complete request; with one selected, the next slower (-1) or the next faster (+1) one.
    void stepSlowest(int direction);

    [[nodiscard]] trace::EventId selectedEvent() const;
    [[nodiscard]] trace::RequestIndex selectedRequest() const;
    /// The measured range if there is one, else the visible range: what statistics are about.
    [[nodiscard]] TimeRange statisticsRange() const;

signals:
    void loaded();
    void failed();
    void closeRequested();
    void selectionChanged();
    void rangeChanged();
    void searchChanged();

private:
    void load();
    void onLoaded(std::shared_ptr<const trace::Trace> trace);
    void onFailed(const Error& error);
    QWidget* makeLoadingPanel();
    QWidget* makeErrorPanel();
    void goToMatch(std::size_t index);

    std::filesystem::path m_path;
    State m_state = State::Loading;
    std::shared_ptr<const trace::Trace> m_trace;
    std::optional<Error> m_error;

    QStackedWidget* m_stack;
    QLabel* m_stageLabel = nullptr;
    QProgressBar* m_progress = nullptr;
    QLabel* m_errorSentence = nullptr;
    QLabel* m_errorDetails = nullptr;
    widgets::TimelineWidget* m_timeline = nullptr;

    QString m_searchText;
    std::vector<trace::EventId> m_matches;
    std::optional<std::size_t> m_match;
    std::vector<trace::RequestIndex> m_slowest; ///< complete requests, slowest first; filled when first asked for
    jobs::JobSlot m_loadSlot;
    jobs::JobSlot m_searchSlot;
};

} // namespace gantry::desktop
