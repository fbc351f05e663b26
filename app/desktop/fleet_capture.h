#pragma once

#include "app/desktop/message_bar.h"
#include "app/desktop/node_controller.h"
#include "app/jobs/job_slot.h"
#include "app/remote/node_session.h"
#include "trace_model/base/time.h"

#include <QObject>
#include <QPointer>
#include <QString>
#include <QStringList>

#include <filesystem>
#include <vector>

namespace gantry::desktop {

class Settings;

/// A capture window on each of several nodes, at one instant, and their reports on one clock (app/remote/node_session.h). UI thread; the
/// work runs as a job.
class FleetCapture : public QObject
{
    Q_OBJECT

public:
    /// Both outlive this.
    FleetCapture(jobs::JobRunner& runner, const Settings& settings, QObject* parent = nullptr);

    [[nodiscard]] bool isBusy() const { return m_isRunning; }
    /// Ignored while busy. Nodes that are not connected, or run no server, are told of.
    void start(const std::vector<NodeController*>& nodes);

signals:
    void changed();
    /// What became of it, with the next step.
    void told(const gantry::desktop::MessageBar::Message& message);
    /// The person wants to see the reports, which are on this machine, in the order of their nodes.
    void openRequested(const std::vector<std::filesystem::path>& reports);

private:
    void end(std::vector<Result<app::SessionReport>> reports);

    const Settings& m_settings;
    DurationNs m_length = 0;
    bool m_isRunning = false;
    std::vector<QPointer<NodeController>> m_nodes; ///< that take part, in the order of their reports
    QStringList m_titles;                          ///< of them
    QStringList m_failures;                        ///< a sentence for each node
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
