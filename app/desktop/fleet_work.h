#pragma once

#include "app/desktop/fleet_task.h"
#include "app/desktop/node_controller.h"

#include <QPointer>
#include <QString>

#include <cstddef>
#include <functional>
#include <vector>

namespace gantry::desktop {

/// One request of the person's to several nodes, some at a time, with what became of it on each. UI thread.
class FleetWork : public FleetTask
{
    Q_OBJECT

public:
    using FleetTask::FleetTask;

    struct Outcome
    {
        bool isDone = false;
        QString text; ///< what became of it, or why it failed
    };
    using Done = std::function<void(const Outcome& outcome)>;
    /// Asks one node, and calls `done` once, now or later, unless the node is removed. `index` is its place among the chosen ones.
    using Request = std::function<void(NodeController& node, std::size_t index, Done done)>;

    /// Ignored while busy.
    void start(const QString& title, const std::vector<NodeController*>& nodes, Request request);

    [[nodiscard]] QString title() const override { return m_title; }
    [[nodiscard]] std::vector<FleetStep> steps() const override;
    [[nodiscard]] bool isBusy() const override;
    /// Nodes that were asked already answer; the others are left alone.
    void cancel() override;

private:
    struct Member
    {
        QPointer<NodeController> node;
        QString name;
        FleetStep::Kind kind = FleetStep::Kind::Waiting;
        QString text;
    };

    void beginSome();
    void settle(std::size_t run, std::size_t index, const Outcome& outcome);

    QString m_title;
    Request m_request;
    std::vector<Member> m_members;
    std::size_t m_run = 0;      ///< answers of an earlier one do not count
    bool m_isBeginning = false; ///< a node that answers at once does not lead to the next from within
};

/// The request that asks a node what of Gantry works on it.
[[nodiscard]] FleetWork::Request readinessRequest();
/// That ends every server of a node that gantryd started.
[[nodiscard]] FleetWork::Request stopRequest();
/// Of those, the ones that run.
[[nodiscard]] std::vector<proto::Target> stoppableTargets(const NodeController& node);

} // namespace gantry::desktop
