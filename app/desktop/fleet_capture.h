#pragma once

#include "app/desktop/fleet_task.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_controller.h"
#include "app/jobs/job_slot.h"
#include "app/remote/node_session.h"
#include "trace_model/base/time.h"

#include <QObject>
#include <QPointer>
#include <QString>
#include <QStringList>
#include <QTimer>

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace gantry::desktop {

class Settings;

/// A capture window on each of several nodes, at one instant, and their reports on one clock (app/remote/node_session.h). UI thread; the
/// work runs as a job.
class FleetCapture : public FleetTask
{
    Q_OBJECT

public:
    /// Both outlive this.
    FleetCapture(jobs::JobRunner& runner, const Settings& settings, QObject* parent = nullptr);
    ~FleetCapture() override;

    [[nodiscard]] QString title() const override;
    [[nodiscard]] std::vector<FleetStep> steps() const override;
    [[nodiscard]] bool isBusy() const override { return m_isRunning; }
    [[nodiscard]] bool canStop() const override;
    /// Closes the windows; their reports are fetched.
    void stop() override;
    /// Also ends fetches; reports that nodes have finished stay there.
    void cancel() override;

    /// Ignored while busy. Nodes that are not connected, or run no server, are told of.
    void start(const std::vector<NodeController*>& nodes);

signals:
    /// What became of it, with the next step.
    void told(const gantry::desktop::MessageBar::Message& message);
    /// The person wants to see the reports, which are on this machine, in the order of their nodes.
    void openRequested(const std::vector<std::filesystem::path>& reports);

private:
    using Reports = std::vector<Result<app::SessionReport>>;
    class Board;
    struct Member
    {
        QPointer<NodeController> node;
        QString name;
        std::optional<FleetStep> outcome; ///< of one that has ended, or takes no part
    };

    [[nodiscard]] std::vector<app::SessionMember> choose(const std::vector<NodeController*>& nodes);
    [[nodiscard]] proto::CaptureRequest request() const;
    void run(std::vector<app::SessionMember> members);
    void settle(const Reports& reports);
    void end(const Reports& reports);

    const Settings& m_settings;
    DurationNs m_length = 0;
    bool m_isRunning = false;
    std::vector<Member> m_members;           ///< all that were chosen
    std::vector<std::size_t> m_participants; ///< places in m_members, in the order of their reports
    QStringList m_failures;                  ///< a sentence for each node
    std::shared_ptr<Board> m_board;          ///< what the nodes say meanwhile; null before the first run
    std::stop_source m_close, m_giveUp;      ///< of the run
    QTimer m_look;                           ///< at the board
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
