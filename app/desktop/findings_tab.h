#pragma once

#include "app/jobs/job_slot.h"
#include "trace_model/analysis/findings/findings.h"
#include "trace_model/trace/trace.h"

#include <QObject>

#include <memory>
#include <utility>
#include <vector>

namespace gantry::widgets {
class FindingsPanel;
}

namespace gantry::desktop {

class ReportPage;

/// Has the report in front judged by the rules, as a job that ends with its page, and shows in its timeline what the user asks to see. UI
/// thread.
class FindingsTab : public QObject
{
    Q_OBJECT

public:
    FindingsTab(jobs::JobRunner& runner, QObject* parent);
    ~FindingsTab() override;

    /// To be put into a window; its parent owns it then.
    [[nodiscard]] widgets::FindingsPanel& panel() { return *m_panel; }
    /// What the page shows now is what is judged; null: no report. To be called again when the page's trace is another one.
    void follow(ReportPage* page);
    /// Says why there is nothing.
    void showMissing(const QString& why);

signals:
    /// So many problems and pieces of advice are in the report; -1: not known yet.
    void counted(int findings);

private:
    using Judged = std::shared_ptr<const findings::Diagnosis>;

    void judge(const std::shared_ptr<const trace::Trace>& trace);
    void show(const std::shared_ptr<const trace::Trace>& trace, const Judged& diagnosis);
    void reveal(const findings::Evidence& evidence);
    [[nodiscard]] Judged known(const std::shared_ptr<const trace::Trace>& trace);

    widgets::FindingsPanel* m_panel;
    ReportPage* m_page = nullptr;
    std::shared_ptr<const trace::Trace> m_trace;                               ///< that is shown or being judged
    std::vector<std::pair<std::weak_ptr<const trace::Trace>, Judged>> m_known; ///< of reports that are open
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
