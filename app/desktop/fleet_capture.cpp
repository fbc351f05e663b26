#include "app/desktop/fleet_capture.h"

#include "app/desktop/capture_limits.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"

#include <algorithm>
#include <system_error>

namespace gantry::desktop {

namespace {

constexpr DurationNs kUsualLength = 2'000'000'000;
const char kTopic[] = "fleet capture";

/// The first server that runs and has the capture library in it; else the first that runs. Null: none does.
const proto::Target* targetOf(const NodeController& node)
{
    const auto runs = [](const proto::Target& target) {
        return target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting;
    };
    const auto isAttached = [&](const proto::Target& target) {
        return runs(target) &&
               std::any_of(target.processes.begin(), target.processes.end(), [](const auto& process) { return process.captureAttached; });
    };
    const std::vector<proto::Target>& targets = node.targets();
    auto found = std::find_if(targets.begin(), targets.end(), isAttached);
    if (found == targets.end())
        found = std::find_if(targets.begin(), targets.end(), runs);
    return found == targets.end() ? nullptr : &*found;
}

} // namespace

FleetCapture::FleetCapture(jobs::JobRunner& runner, const Settings& settings, QObject* parent)
    : QObject(parent), m_settings(settings), m_slot(runner)
{
}

void FleetCapture::start(const std::vector<NodeController*>& nodes)
{
    if (isBusy())
        return;
    m_nodes.clear();
    m_titles.clear();
    m_failures.clear();
    // A window until stopped on many nodes would have nobody who stops it.
    m_length = m_settings.captureDuration() > 0 ? m_settings.captureDuration() : kUsualLength;
    std::vector<app::SessionMember> members;
    for (NodeController* node : nodes) {
        const proto::Target* target = node->client() && node->info() ? targetOf(*node) : nullptr;
        if (!node->client()) {
            m_failures << tr("%1 is not connected.").arg(node->title());
        } else if (!target) {
            m_failures << tr("%1 runs no server that could be captured.").arg(node->title());
        } else {
            members.push_back(
                {node->client(), target->id, m_settings.reportFolder(node->name()), captureLimits(*node->info(), *target).usualEngine()});
            m_nodes.emplace_back(node);
            m_titles << node->title();
        }
    }
    if (members.empty())
        return end({});
    m_isRunning = true;
    emit changed();
    proto::CaptureRequest request;
    request.durationNs = m_length;
    request.clientName = clientName();
    using Reports = std::vector<Result<app::SessionReport>>;
    m_slot.run(
        [members = std::move(members), request](const jobs::JobContext& context) -> Result<Reports> {
            for (const app::SessionMember& member : members) {
                std::error_code failure;
                std::filesystem::create_directories(member.destination, failure);
                if (failure)
                    return errnoError(failure.value(), "cannot make the folder " + member.destination.string());
            }
            app::SessionWatch watch;
            watch.giveUp = context.stop();
            return app::captureTogether(members, request, watch);
        },
        [this](Result<Reports> reports) {
            m_isRunning = false;
            if (!reports)
                m_failures << describe(reports.error()).sentence;
            end(reports ? std::move(*reports) : Reports());
            for (const QPointer<NodeController>& node : m_nodes)
                if (node)
                    node->refresh();
        });
}

void FleetCapture::end(std::vector<Result<app::SessionReport>> reports)
{
    std::vector<std::filesystem::path> paths;
    std::vector<DurationNs> errors; ///< of the nodes' clocks
    for (std::size_t i = 0; i < reports.size(); ++i) {
        if (!reports[i]) {
            m_failures << tr("%1: %2").arg(m_titles[static_cast<int>(i)], describe(reports[i].error()).sentence);
            continue;
        }
        paths.push_back(reports[i]->fetched.path);
        if (reports[i]->clock)
            errors.push_back(reports[i]->clock->errorNs);
        else
            m_failures << tr("%1: %2.").arg(m_titles[static_cast<int>(i)], toQString(reports[i]->whyNoClock));
    }
    emit changed();
    const QString length = tr("%1 s").arg(widgets::formatNumber(static_cast<double>(m_length) / 1e9, 3));
    QString sentence = paths.empty()       ? tr("Nothing was captured.")
                       : paths.size() == 1 ? tr("A window of %1 was captured on 1 node.").arg(length)
                                           : tr("Windows of %1 were captured on %2 nodes at one instant.").arg(length).arg(paths.size());
    if (errors.size() > 1 && errors.size() == paths.size()) {
        std::sort(errors.rbegin(), errors.rend());
        sentence += tr(" Their clocks agree to ±%1.").arg(widgets::formatDuration(errors[0] + errors[1]));
    }
    if (!m_failures.isEmpty())
        sentence +=
            QLatin1Char(' ') + (m_failures.size() == 1 ? m_failures.front() : tr("%1 nodes have something to say.").arg(m_failures.size()));
    emit told({m_failures.isEmpty() ? MessageBar::Kind::Information : MessageBar::Kind::Warning, sentence,
               m_failures.size() > 1 ? m_failures.join(QLatin1Char('\n')) : QString(),
               paths.empty()       ? QString()
               : paths.size() == 1 ? tr("Open")
                                   : tr("Open together"),
               [this, paths] { emit openRequested(paths); }, QString::fromLatin1(kTopic)});
}

} // namespace gantry::desktop
