#include "app/desktop/fleet_work.h"

#include "app/desktop/readiness_text.h"
#include "app/desktop/text.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr std::ptrdiff_t kAtOnce = 8; // nodes: requests of a person's other work go between

} // namespace

void FleetWork::start(const QString& title, const std::vector<NodeController*>& nodes, Request request)
{
    if (isBusy())
        return;
    ++m_run;
    m_title = title;
    m_request = std::move(request);
    m_members.clear();
    for (NodeController* node : nodes)
        m_members.push_back({node, node->title(), FleetStep::Kind::Waiting, tr("waits for its turn")});
    beginSome();
}

std::vector<FleetStep> FleetWork::steps() const
{
    std::vector<FleetStep> steps;
    for (const Member& member : m_members)
        steps.push_back({member.name, member.kind, member.text, {}});
    return steps;
}

bool FleetWork::isBusy() const
{
    return std::any_of(m_members.begin(), m_members.end(), [](const Member& member) {
        return member.kind == FleetStep::Kind::Waiting || member.kind == FleetStep::Kind::Running;
    });
}

void FleetWork::cancel()
{
    for (Member& member : m_members)
        if (member.kind == FleetStep::Kind::Waiting) {
            member.kind = FleetStep::Kind::Failed;
            member.text = tr("was not asked: cancelled");
        }
    emit changed();
}

void FleetWork::beginSome()
{
    if (std::exchange(m_isBeginning, true))
        return;
    for (std::size_t index = 0; index < m_members.size(); ++index) {
        const auto running =
            std::count_if(m_members.begin(), m_members.end(), [](const Member& member) { return member.kind == FleetStep::Kind::Running; });
        if (running >= kAtOnce)
            break;
        Member& member = m_members[index];
        if (member.kind != FleetStep::Kind::Waiting)
            continue;
        member.kind = FleetStep::Kind::Running;
        member.text = tr("under way");
        if (!member.node) {
            settle(m_run, index, {false, tr("the node was removed from the list")});
            continue;
        }
        connect(member.node, &QObject::destroyed, this, [this, run = m_run, index] {
            settle(run, index, {false, tr("the node was removed from the list")});
        });
        m_request(*member.node, index, [self = QPointer(this), run = m_run, index](const Outcome& outcome) {
            if (self)
                self->settle(run, index, outcome);
        });
    }
    m_isBeginning = false;
    emit changed();
}

void FleetWork::settle(std::size_t run, std::size_t index, const Outcome& outcome)
{
    if (run != m_run || m_members[index].kind != FleetStep::Kind::Running)
        return;
    Member& member = m_members[index];
    member.kind = outcome.isDone ? FleetStep::Kind::Done : FleetStep::Kind::Failed;
    member.text = outcome.text;
    if (member.node)
        member.node->disconnect(this);
    beginSome();
}

FleetWork::Request readinessRequest()
{
    return [](NodeController& node, std::size_t, FleetWork::Done done) {
        if (!node.client())
            return done({false, FleetWork::tr("is not connected")});
        node.checkReadiness();
        const ReadinessCheck& check = node.readiness();
        // For one answer.
        auto listening = std::make_shared<QMetaObject::Connection>();
        *listening = QObject::connect(&check, &ReadinessCheck::changed, &node, [&node, &check, listening, done] {
            if (check.isRunning())
                return;
            QObject::disconnect(*listening);
            if (node.state() != NodeController::State::Connected) // what is known is of the connection before
                done({false, FleetWork::tr("the connection was lost meanwhile")});
            else if (check.error())
                done({false, describe(*check.error()).sentence});
            else if (check.report())
                done({!isImpaired(*check.report()), worstText(*check.report())});
            else
                done({false, FleetWork::tr("the connection was lost meanwhile")});
        });
    };
}

std::vector<proto::Target> stoppableTargets(const NodeController& node)
{
    std::vector<proto::Target> targets = node.targets();
    std::erase_if(targets, [](const proto::Target& target) {
        const bool isRunning = target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting;
        return !isRunning || target.adopted;
    });
    return targets;
}

FleetWork::Request stopRequest()
{
    return [](NodeController& node, std::size_t, FleetWork::Done done) {
        const std::vector<proto::Target> targets = stoppableTargets(node);
        if (targets.empty())
            return done({true, FleetWork::tr("runs no server that gantryd started")});
        QStringList names;
        for (const proto::Target& target : targets)
            names << toQString(target.name);
        node.perform(
            [targets](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
                Result<void> all;
                for (const proto::Target& target : targets) {
                    const auto stopped = client.stopTarget(target.id, 0, stop);
                    if (!stopped && all && stopped.error().code != ErrorCode::TargetGone)
                        all = stopped.error();
                }
                return all;
            },
            [done, names = names.join(QStringLiteral(", "))](const Result<void>& stopped) {
                stopped ? done({true, FleetWork::tr("stopped %1").arg(names)}) : done({false, describe(stopped.error()).sentence});
            });
    };
}

} // namespace gantry::desktop
