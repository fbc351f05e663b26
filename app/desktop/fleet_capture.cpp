#include "app/desktop/fleet_capture.h"

#include "app/desktop/capture_limits.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"
#include "app/remote/error_code.h"
#include "app/remote/report_fetcher.h"

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
    : QObject(parent), m_runner(runner), m_settings(settings)
{
}

void FleetCapture::start(const std::vector<NodeController*>& nodes)
{
    if (isBusy())
        return;
    m_captured.clear();
    m_failures.clear();
    m_slots.clear();
    // A window until stopped on many nodes would have nobody who stops it.
    m_length = m_settings.captureDuration() > 0 ? m_settings.captureDuration() : kUsualLength;
    m_running = 1; // until all have been started
    for (NodeController* node : nodes) {
        const proto::Target* target = node->client() && node->info() ? targetOf(*node) : nullptr;
        if (!node->client())
            m_failures << tr("%1 is not connected.").arg(node->title());
        else if (!target)
            m_failures << tr("%1 runs no server that could be captured.").arg(node->title());
        else
            startOn(*node, *target);
    }
    endOne();
}

void FleetCapture::startOn(NodeController& node, const proto::Target& target)
{
    proto::CaptureRequest request;
    request.targetId = target.id;
    request.engine = captureLimits(*node.info(), target).usualEngine();
    request.durationNs = m_length;
    request.clientName = clientName();
    ++m_running;
    m_slots.emplace_back(m_runner).run(
        [client = node.client(), request](const jobs::JobContext& context) -> Result<proto::CaptureStatus> {
            GANTRY_TRY(const auto started, client->startCapture(request, context.stop()));
            return client->watchCapture(started.captureId, nullptr, context.stop());
        },
        [this, node = QPointer(&node), client = node.client(), title = node.title(),
         folder = m_settings.reportFolder(node.name())](Result<proto::CaptureStatus> last) {
            if (last && last->state == proto::CaptureState::Failed)
                last = Error{app::errorCodeFromName(last->error), last->message, {}};
            if (!last)
                m_failures << tr("%1: %2").arg(title, describe(last.error()).sentence);
            else if (last->reportNames.empty())
                m_failures << tr("%1: nothing was captured. %2").arg(title, toQString(last->message));
            else
                m_captured.push_back({client, last->reportNames.back(), folder});
            if (node)
                node->refresh();
            endOne();
        });
}

void FleetCapture::endOne()
{
    --m_running;
    emit changed();
    if (m_running > 0)
        return;
    const auto windows = m_captured.size();
    const QString length = tr("%1 s").arg(widgets::formatNumber(static_cast<double>(m_length) / 1e9, 3));
    QString sentence = windows == 0 ? tr("Nothing was captured.")
                       : windows == 1
                           ? tr("A window of %1 was captured on 1 node; its report is there, under Nodes.").arg(length)
                           : tr("Windows of %1 were captured on %2 nodes; their reports are there, under Nodes.").arg(length).arg(windows);
    if (!m_failures.isEmpty())
        sentence += QLatin1Char(' ') +
                    (m_failures.size() == 1 ? m_failures.front() : tr("On %1 nodes it was not possible.").arg(m_failures.size()));
    emit told({m_failures.isEmpty() ? MessageBar::Kind::Information : MessageBar::Kind::Warning, sentence,
               m_failures.size() > 1 ? m_failures.join(QLatin1Char('\n')) : QString(),
               windows == 0   ? QString()
               : windows == 1 ? tr("Fetch and open")
                              : tr("Fetch and open together"),
               [this] { fetchAll(); }, QString::fromLatin1(kTopic)});
}

void FleetCapture::fetchAll()
{
    if (isBusy() || m_captured.empty())
        return;
    ++m_running;
    emit changed();
    m_slots.emplace_back(m_runner).run(
        [captured = m_captured](const jobs::JobContext& context) -> Result<std::vector<std::filesystem::path>> {
            std::vector<std::filesystem::path> paths;
            for (const Captured& one : captured) {
                std::error_code failure;
                std::filesystem::create_directories(one.folder, failure);
                if (failure)
                    return errnoError(failure.value(), "cannot make the folder " + one.folder.string());
                GANTRY_TRY(const std::filesystem::path name, app::localFileName(one.report));
                GANTRY_TRY(auto fetched, app::fetchReport(*one.client, one.report, one.folder / name, {}, context.stop()));
                paths.push_back(std::move(fetched.path));
            }
            return paths;
        },
        [this](Result<std::vector<std::filesystem::path>> paths) {
            --m_running;
            emit changed();
            if (paths)
                return emit fetched(*paths);
            const UserMessage message = describe(paths.error());
            emit told({MessageBar::Kind::Error,
                       tr("The reports were not fetched: %1").arg(message.sentence),
                       message.details,
                       {},
                       {},
                       QString::fromLatin1(kTopic)});
        });
}

} // namespace gantry::desktop
