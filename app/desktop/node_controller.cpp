#include "app/desktop/node_controller.h"

#include "app/desktop/text.h"

#include <algorithm>
#include <chrono>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;

constexpr auto kRefreshInterval = 2s;
constexpr std::uint32_t kMetricsRateHz = 5;
constexpr std::uint32_t kLogLines = 200;
constexpr int kLongestRetrySeconds = 30;

/// A tree that is rebuilt only when this says so keeps its selection and scroll position.
std::string fingerprint(const std::vector<proto::Target>& targets, const std::vector<proto::ReportInfo>& reports)
{
    std::string text;
    for (const proto::Target& target : targets) {
        text += target.id + '\t' + target.name + '\t' + proto::name(target.state) + '\t' + std::to_string(target.pid) + '\t' + target.message;
        for (const proto::TargetProcess& process : target.processes)
            text += std::to_string(process.pid) + (process.captureAttached ? "a" : "-") + (process.cudaLoaded ? "c" : "-");
        for (const proto::ModelInfo& model : target.models)
            text += '\t' + model.name + ':' + model.version + ' ' + model.state;
        text += '\n';
    }
    for (const proto::ReportInfo& report : reports)
        text += report.name + '\t' + std::to_string(report.sizeBytes) + '\n';
    return text;
}

} // namespace

NodeController::NodeController(std::string address, jobs::JobRunner& runner, QObject* parent) :
    QObject(parent),
    m_address(std::move(address)),
    m_runner(runner),
    m_connectSlot(runner),
    m_refreshSlot(runner)
{
    m_retryTimer.setSingleShot(true);
    connect(&m_retryTimer, &QTimer::timeout, this, &NodeController::open);
    m_refreshTimer.setInterval(kRefreshInterval);
    connect(&m_refreshTimer, &QTimer::timeout, this, [this] {
        // A slow node is not asked again before it has answered.
        if (!m_refreshSlot.isRunning())
            refresh();
    });
}

NodeController::~NodeController() = default;

QString NodeController::title() const
{
    return m_hasNamesake ? tr("%1 (%2)").arg(name(), m_address.empty() ? tr("this machine") : toQString(m_address)) : name();
}

QString NodeController::name() const
{
    if (m_info && !m_info->hostName.empty())
        return toQString(m_info->hostName);
    return m_address.empty() ? tr("this machine") : toQString(m_address);
}

int NodeController::retryInSeconds() const
{
    return m_retryTimer.isActive() ? static_cast<int>((m_retryTimer.remainingTime() + 999) / 1000) : 0;
}

const proto::Target* NodeController::target(const std::string& id) const
{
    const auto found = std::find_if(m_targets.begin(), m_targets.end(), [&](const proto::Target& target) { return target.id == id; });
    return found == m_targets.end() ? nullptr : &*found;
}

const proto::CaptureStatus* NodeController::recorderOf(const std::string& targetId) const
{
    const auto found = std::find_if(m_captures.begin(), m_captures.end(), [&](const proto::CaptureStatus& status) {
        return status.ringNs > 0 && !status.isFinished() && status.targetId == targetId;
    });
    return found == m_captures.end() ? nullptr : &*found;
}

Result<NodeController::Content> NodeController::readContent(app::NodeClient& client, const std::stop_token& stop)
{
    Content content;
    GANTRY_TRY(content.info, client.nodeInfo(stop));
    GANTRY_TRY(content.targets, client.targets(stop));
    GANTRY_TRY(content.reports, client.reports(stop));
    GANTRY_TRY(content.captures, client.captures(stop));
    return content;
}

void NodeController::open()
{
    if (m_state == State::Connecting || m_state == State::Connected)
        return;
    m_retryTimer.stop();
    setState(State::Connecting);

    using Opened = std::pair<std::shared_ptr<app::NodeClient>, Content>;
    m_connectSlot.run(
        [address = m_address](const jobs::JobContext& context) -> Result<Opened> {
            GANTRY_TRY(auto client, app::NodeClient::connect(address, clientName(), std::nullopt, context.stop()));
            GANTRY_TRY(auto content, readContent(*client, context.stop()));
            return Opened{std::move(client), std::move(content)};
        },
        [this](Result<Opened> opened) {
            if (!opened)
                return onLost(opened.error());
            onConnected(std::move(opened->first), std::move(opened->second));
        });
}

void NodeController::close()
{
    m_retryTimer.stop();
    m_refreshTimer.stop();
    m_connectSlot.cancel();
    m_refreshSlot.cancel();
    m_metrics.reset();
    m_log.reset();
    m_client.reset();
    m_error.reset();
    m_failures = 0;
    setState(State::Disconnected);
}

void NodeController::refresh()
{
    if (m_state != State::Connected)
        return;
    m_refreshSlot.run([client = m_client](const jobs::JobContext& context) { return readContent(*client, context.stop()); },
                      [this](Result<Content> content) {
                          if (content)
                              return setContent(std::move(*content));
                          onLost(content.error());
                      });
}

jobs::JobSlot& NodeController::newAction()
{
    m_actions.remove_if([](const jobs::JobSlot& slot) { return !slot.isRunning(); });
    return m_actions.emplace_back(m_runner);
}

void NodeController::stopTarget(const std::string& id)
{
    if (!m_client)
        return;
    newAction().run([client = m_client, id](const jobs::JobContext& context) { return client->stopTarget(id, 0, context.stop()); },
                    [this](Result<proto::Target> stopped) {
                        if (!stopped)
                            emit actionFailed(tr("Stopping the server"), stopped.error());
                        refresh();
                    });
}

void NodeController::deleteReport(const std::string& name)
{
    if (!m_client)
        return;
    newAction().run([client = m_client, name](const jobs::JobContext& context) { return client->deleteReport(name, context.stop()); },
                    [this](Result<void> deleted) {
                        if (!deleted)
                            emit actionFailed(tr("Deleting the report"), deleted.error());
                        refresh();
                    });
}

void NodeController::setState(State state)
{
    m_state = state;
    emit stateChanged();
}

void NodeController::onConnected(std::shared_ptr<app::NodeClient> client, Content content)
{
    m_client = std::move(client);
    m_error.reset();
    m_failures = 0;
    m_info.reset(); // so that setContent() tells about it
    setContent(std::move(content));
    setState(State::Connected);
    startFeeds();
    m_refreshTimer.start();
}

void NodeController::onLost(const Error& error)
{
    m_refreshTimer.stop();
    m_refreshSlot.cancel();
    m_metrics.reset();
    m_log.reset();
    m_client.reset();
    m_error = error;
    ++m_failures;
    // Trying again cannot cure a wrong token, a wrong address or a wrong version; the user can, and then presses Retry.
    const bool mayHeal = error.code != ErrorCode::NotPermitted && error.code != ErrorCode::VersionMismatch && error.code != ErrorCode::BadInput;
    if (mayHeal)
        m_retryTimer.start(std::chrono::seconds(std::min(kLongestRetrySeconds, 1 << std::min(m_failures - 1, 5))));
    setState(State::Lost);
}

void NodeController::setContent(Content content)
{
    const bool differs = !m_info || m_info->nsysPath != content.info.nsysPath ||
                         fingerprint(m_targets, m_reports) != fingerprint(content.targets, content.reports);
    m_info = std::move(content.info);
    m_targets = std::move(content.targets);
    m_reports = std::move(content.reports);
    m_captures = std::move(content.captures);
    if (differs)
        emit contentChanged();
    emit capturesChanged();
}

void NodeController::startFeeds()
{
    emit metricsRestarted(m_client->hello().bootId);
    m_metrics = std::make_unique<StreamFeed<proto::MetricsBatch>>(
        [client = m_client](const std::function<void(const proto::MetricsBatch&)>& emitItem, std::stop_token stop) {
            return client->streamMetrics(kMetricsRateHz, emitItem, std::move(stop));
        },
        [this](std::vector<proto::MetricsBatch> batches, std::size_t) { emit metricsArrived(batches); },
        [this](Result<void> how) {
            // A stream that the node ends politely is a daemon that goes away.
            onLost(how ? Error{ErrorCode::Unreachable, "the node ended the connection", {}} : how.error());
        });
    m_log = std::make_unique<StreamFeed<proto::LogLine>>(
        [client = m_client](const std::function<void(const proto::LogLine&)>& emitItem, std::stop_token stop) {
            return client->tailLog({}, kLogLines, emitItem, std::move(stop));
        },
        [this](std::vector<proto::LogLine> lines, std::size_t dropped) { emit logArrived(lines, dropped); },
        // The metric stream says that the node is gone; a log that ends alone is no reason to reconnect.
        [](Result<void>) {});
}

} // namespace gantry::desktop
