#include "app/desktop/fleet_capture.h"

#include "app/desktop/capture_limits.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <system_error>
#include <utility>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 200ms; // a hundred nodes say something several times a second each
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

QString seconds(DurationNs duration)
{
    return FleetCapture::tr("%1 s").arg(static_cast<double>(duration) / 1e9, 0, 'f', 1);
}

/// Of one whose clock is known, and which has been told when to open its window.
FleetStep stepOf(const proto::CaptureStatus& status)
{
    using proto::CaptureState;
    FleetStep step{{}, FleetStep::Kind::Running, {}, {}};
    switch (status.state) {
    case CaptureState::Capturing:
        step.text = FleetCapture::tr("recording, %1 of %2").arg(seconds(status.elapsedNs), seconds(status.durationNs));
        break;
    case CaptureState::Closing:
        step.text = FleetCapture::tr("closing the window");
        break;
    case CaptureState::Assembling:
        step.text = FleetCapture::tr("writing the report");
        break;
    case CaptureState::Done:
        step.text = FleetCapture::tr("the report is written");
        break;
    case CaptureState::Failed:
        step.text = FleetCapture::tr("failed");
        break;
    default:
        step.text = status.waitsFor.empty() ? FleetCapture::tr("clock measured; armed for the common instant")
                                            : FleetCapture::tr("queued behind %1").arg(toQString(status.waitsFor));
        break;
    }
    return step;
}

FleetStep stepOf(std::uint64_t bytes, std::uint64_t total)
{
    FleetStep step{{}, FleetStep::Kind::Running, FleetCapture::tr("fetching the report"), {}};
    if (total == 0)
        return step;
    if (bytes >= total)
        step.text = FleetCapture::tr("fetched %1; the others go on").arg(formatBytes(total));
    else
        step.fraction = static_cast<double>(bytes) / static_cast<double>(total);
    return step;
}

} // namespace

/// What the nodes say, from the threads that hear it to the one that shows it.
class FleetCapture::Board
{
public:
    explicit Board(std::size_t members)
        : m_steps(members, FleetStep{{}, FleetStep::Kind::Running, FleetCapture::tr("measuring the clock"), {}})
    {
    }

    void set(std::size_t index, FleetStep step)
    {
        const std::lock_guard lock(m_mutex);
        m_steps[index] = std::move(step);
    }

    [[nodiscard]] FleetStep at(std::size_t index) const
    {
        const std::lock_guard lock(m_mutex);
        return m_steps[index];
    }

private:
    mutable std::mutex m_mutex;
    std::vector<FleetStep> m_steps; ///< guarded by m_mutex
};

FleetCapture::FleetCapture(jobs::JobRunner& runner, const Settings& settings, QObject* parent)
    : FleetTask(parent), m_settings(settings), m_slot(runner)
{
    m_look.setInterval(kLook);
    connect(&m_look, &QTimer::timeout, this, &FleetTask::changed);
}

FleetCapture::~FleetCapture()
{
    m_giveUp.request_stop();
}

QString FleetCapture::title() const
{
    return tr("Capture of %1").arg(seconds(m_length));
}

std::vector<FleetStep> FleetCapture::steps() const
{
    std::vector<FleetStep> steps;
    for (const Member& member : m_members)
        steps.push_back(member.outcome.value_or(FleetStep()));
    for (std::size_t i = 0; i < m_participants.size(); ++i)
        if (FleetStep& step = steps[m_participants[i]]; !m_members[m_participants[i]].outcome)
            step = m_board->at(i);
    for (std::size_t i = 0; i < steps.size(); ++i)
        steps[i].node = m_members[i].name;
    return steps;
}

bool FleetCapture::canStop() const
{
    return m_isRunning && !m_close.stop_requested() && !m_giveUp.stop_requested();
}

void FleetCapture::stop()
{
    m_close.request_stop();
    emit changed();
}

void FleetCapture::cancel()
{
    m_giveUp.request_stop();
    emit changed();
}

void FleetCapture::start(const std::vector<NodeController*>& nodes)
{
    if (isBusy())
        return;
    // A window until stopped on many nodes is easily forgotten.
    m_length = m_settings.captureDuration() > 0 ? m_settings.captureDuration() : kUsualLength;
    std::vector<app::SessionMember> members = choose(nodes);
    m_board = std::make_shared<Board>(members.size());
    if (members.empty())
        return end({});
    run(std::move(members));
}

std::vector<app::SessionMember> FleetCapture::choose(const std::vector<NodeController*>& nodes)
{
    m_members.clear();
    m_participants.clear();
    m_failures.clear();
    std::vector<app::SessionMember> members;
    for (NodeController* node : nodes) {
        m_members.push_back({node, node->title(), {}});
        const proto::Target* target = node->client() && node->info() ? targetOf(*node) : nullptr;
        if (target) {
            members.push_back(
                {node->client(), target->id, m_settings.reportFolder(node->title()), captureLimits(*node->info(), *target).usualEngine()});
            m_participants.push_back(m_members.size() - 1);
            continue;
        }
        m_failures << (node->client() ? tr("%1 runs no server that could be captured.") : tr("%1 is not connected.")).arg(node->title());
        m_members.back().outcome = FleetStep{
            {}, FleetStep::Kind::Failed, node->client() ? tr("runs no server that could be captured") : tr("is not connected"), {}};
    }
    return members;
}

proto::CaptureRequest FleetCapture::request() const
{
    proto::CaptureRequest request;
    request.durationNs = m_length;
    request.clientName = clientName();
    return request;
}

void FleetCapture::run(std::vector<app::SessionMember> members)
{
    m_isRunning = true;
    m_close = {};
    m_giveUp = {};
    m_look.start();
    emit changed();
    m_slot.run(
        [members = std::move(members), request = request(), board = m_board, close = m_close.get_token(),
         giveUp = m_giveUp](const jobs::JobContext& context) mutable -> Result<Reports> {
            for (const app::SessionMember& member : members) {
                std::error_code failure;
                std::filesystem::create_directories(member.destination, failure);
                if (failure)
                    return errnoError(failure.value(), "cannot make the folder " + member.destination.string());
            }
            // The job's own stop is that of a program that ends.
            const std::stop_callback ended(context.stop(), [&giveUp] { giveUp.request_stop(); });
            app::SessionWatch watch;
            watch.close = close;
            watch.giveUp = giveUp.get_token();
            watch.onStatus = [&board](std::size_t index, const proto::CaptureStatus& status) { board->set(index, stepOf(status)); };
            watch.onFetch = [&board](std::size_t index, std::uint64_t bytes, std::uint64_t total) {
                board->set(index, stepOf(bytes, total));
            };
            return app::captureTogether(members, request, watch);
        },
        [this](const Result<Reports>& reports) {
            m_isRunning = false;
            m_look.stop();
            if (!reports) {
                m_failures << describe(reports.error()).sentence;
                for (const std::size_t place : m_participants)
                    m_members[place].outcome = FleetStep{{}, FleetStep::Kind::Failed, describe(reports.error()).sentence, {}};
            }
            settle(reports ? *reports : Reports());
            end(reports ? *reports : Reports());
            for (const Member& member : m_members)
                if (member.node)
                    member.node->refresh();
        });
}

void FleetCapture::settle(const Reports& reports)
{
    for (std::size_t i = 0; i < reports.size(); ++i) {
        Member& member = m_members[m_participants[i]];
        if (!reports[i]) {
            member.outcome = FleetStep{{}, FleetStep::Kind::Failed, describe(reports[i].error()).sentence, {}};
            m_failures << tr("%1: %2").arg(member.name, describe(reports[i].error()).sentence);
            continue;
        }
        const QString size = formatBytes(reports[i]->fetched.bytes);
        const auto& clock = reports[i]->clock;
        member.outcome = FleetStep{{},
                                   FleetStep::Kind::Done,
                                   clock ? tr("report of %1, clock ±%2").arg(size, widgets::formatDuration(clock->errorNs))
                                         : tr("report of %1; %2").arg(size, toQString(reports[i]->whyNoClock)),
                                   {}};
        if (!clock)
            m_failures << tr("%1: %2.").arg(member.name, toQString(reports[i]->whyNoClock));
    }
}

void FleetCapture::end(const Reports& reports)
{
    std::vector<std::filesystem::path> paths;
    std::vector<DurationNs> errors; ///< of the nodes' clocks
    for (const Result<app::SessionReport>& report : reports) {
        if (!report)
            continue;
        paths.push_back(report->fetched.path);
        if (report->clock)
            errors.push_back(report->clock->errorNs);
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
