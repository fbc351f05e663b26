#pragma once

#include "app/desktop/trace_source.h"
#include "app/jobs/job_slot.h"
#include "trace_model/analysis/sweep/sweep.h"
#include "trace_model/base/result.h"

#include <QWidget>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

class QLabel;
class QStackedWidget;

namespace gantry::widgets {
class SweepView;
}

namespace gantry::desktop {

class LoadingPanel;

/// Measurements under different settings beside each other: throughput against p99 and a table, read from folders of recipes, reports and
/// tables. UI thread; reading is a job.
class SweepPage : public QWidget
{
    Q_OBJECT

public:
    explicit SweepPage(jobs::JobRunner& runner, TraceSource source = {}, QWidget* parent = nullptr);
    ~SweepPage() override;

    /// Reads these in the place of what was there.
    void setPaths(std::vector<std::filesystem::path> paths);
    void addPaths(const std::vector<std::filesystem::path>& paths);

    [[nodiscard]] const std::vector<std::filesystem::path>& paths() const { return m_paths; }
    [[nodiscard]] bool isReady() const { return m_sweep != nullptr; }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    [[nodiscard]] std::shared_ptr<const sweep::Sweep> sweep() const { return m_sweep; }
    [[nodiscard]] widgets::SweepView& view() { return *m_view; }

signals:
    void ready();
    void failed();
    /// The user wants to choose a folder, or files that are added to what is there.
    void folderRequested();
    void filesRequested();
    void reportRequested(const std::filesystem::path& report);
    void comparisonRequested(const std::filesystem::path& a, const std::filesystem::path& b);

private:
    [[nodiscard]] QWidget* makeState();
    void read();
    void showState(const QString& sentence, const QString& details = {});

    TraceSource m_source;
    std::vector<std::filesystem::path> m_paths;
    std::shared_ptr<const sweep::Sweep> m_sweep;
    std::optional<Error> m_error;
    QStackedWidget* m_stack;
    LoadingPanel* m_loading;
    QLabel *m_sentence, *m_details, *m_what;
    widgets::SweepView* m_view;
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
