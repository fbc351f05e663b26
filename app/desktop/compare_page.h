#pragma once

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
class QLabel;
class QStackedWidget;

namespace gantry::widgets {
class CompareView;
}

namespace gantry::desktop {

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

    [[nodiscard]] bool isReady() const { return m_comparison.has_value(); }
    /// Why there is no comparison although both sides were chosen.
    [[nodiscard]] const std::optional<Error>& error() const;
    [[nodiscard]] const std::optional<analysis::Comparison>& comparison() const { return m_comparison; }
    [[nodiscard]] widgets::CompareView* view() const { return m_view; }
    [[nodiscard]] std::filesystem::path file(int side) const { return m_sides[static_cast<std::size_t>(side)].path; }

signals:
    /// Both sides are loaded, compared and shown.
    void ready();
    void failed();
    /// The user wants to choose a file for a side (0 = A, 1 = B).
    void fileRequested(int side);

private:
    struct Side
    {
        std::filesystem::path path;
        std::shared_ptr<const trace::Trace> trace;
        std::optional<Error> error; ///< why it was not opened
        QComboBox* box = nullptr;
    };

    void load(int side);
    void compare();
    void refreshBoxes();
    /// What is missing before there is anything to compare.
    void showMissing();
    void showState(const QString& sentence, const QString& details = {});

    std::vector<OpenReport> m_open;
    std::array<Side, 2> m_sides;
    std::optional<Error> m_compareError;
    std::optional<analysis::Comparison> m_comparison;
    TraceSource m_source;
    QStackedWidget* m_stack;
    QLabel* m_sentence;
    QLabel* m_details;
    widgets::CompareView* m_view;
    std::array<std::unique_ptr<jobs::JobSlot>, 2> m_loadSlots;
    jobs::JobSlot m_compareSlot;
};

} // namespace gantry::desktop
