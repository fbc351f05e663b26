#include "app/desktop/node_controller.h"

#include "app/desktop/text.h"
#include "app/remote/node_address.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;

constexpr auto kRefreshInterval = 2s;
constexpr std::uint32_t kMetricsRateHz = 10;
constexpr std::uint32_t kLogLines = 200;
constexpr int kLongestRetrySeconds = 30;
constexpr auto kSteadyAfter = 5s; ///< a connection that holds so long is no attempt any more

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

/// A talk has a listener for as long as the job runs that the listener posts to.
class ListeningTime
{
public:
    ListeningTime(ConnectTalk& talk, ConnectTalk::Listener listener) : m_talk(talk) { m_talk.listen(std::move(listener)); }
    ListeningTime(const ListeningTime&) = delete;
    ListeningTime& operator=(const ListeningTime&) = delete;
    ~ListeningTime() { m_talk.silence(); }

private:
    ConnectTalk& m_talk;
};

} // namespace

NodeController::NodeController(std::string address, jobs::JobRunner& runner, QObject* parent)
    : QObject(parent), m_address(std::move(address)), m_runner(runner), m_readiness(runner), m_connectSlot(runner), m_refreshSlot(runner)
{
    m_retryTimer.setSingleShot(true);
    connect(&m_retryTimer, &QTimer::timeout, this, [this] { connectNow(false); });
    m_steadyTimer.setSingleShot(true);
    m_steadyTimer.setInterval(kSteadyAfter);
    connect(&m_steadyTimer, &QTimer::timeout, this, [this] {
        m_failures = 0;
        tellOfReturn();
    });
    m_refreshTimer.setInterval(kRefreshInterval);
    connect(&m_refreshTimer, &QTimer::timeout, this, [this] {
        // A slow node is not asked again before it has answered.
        if (!m_refreshSlot.isRunning())
            refresh();
    });
}

NodeController::~NodeController()
{
    endAttempt();
    dropConnection();
}

QString NodeController::title() const
{
    return m_hasNamesake ? tr("%1 (%2)").arg(name(), m_address.empty() ? tr("this machine") : toQString(m_address)) : name();
}

QString NodeController::name() const
{
    if (!m_entry.name.isEmpty())
        return m_entry.name;
    if (m_info && !m_info->hostName.empty())
        return toQString(m_info->hostName);
    if (m_address.empty())
        return tr("this machine");
    // Of the way over SSH only the host, as ssh(1) is given it: the rest is how to get in, not what it is called.
    const Result<app::NodeAddress> address = app::NodeAddress::parse(m_address);
    const bool isHost = address && address->transport == app::NodeAddress::Transport::Ssh;
    return toQString(isHost ? address->host : m_address);
}

void NodeController::setEntry(NodeEntry entry)
{
    if (entry == m_entry)
        return;
    m_entry = std::move(entry);
    emit contentChanged();
}

void NodeController::setNamesake(bool hasNamesake)
{
    if (std::exchange(m_hasNamesake, hasNamesake) != hasNamesake)
        emit titleChanged();
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

void NodeController::open(Asked asked)
{
    const bool isPersonThere = asked == Asked::Person;
    if (m_state == State::Connected || (m_state == State::Connecting && (m_isPersonThere || !isPersonThere)))
        return;
    connectNow(isPersonThere);
}

void NodeController::connectNow(bool isPersonThere)
{
    m_retryTimer.stop();
    endAttempt();
    m_isPersonThere = isPersonThere;
    m_progress = {};
    if (isPersonThere)
        m_error.reset();
    setState(State::Connecting);

    const auto talk = m_talk = std::make_shared<ConnectTalk>(m_secrets);
    m_connectSlot.run(
        [this, address = m_address, talk, isPersonThere](const jobs::JobContext& context) -> Result<Opened> {
            const ListeningTime listening(*talk, listenerOf(this, context, isPersonThere));
            app::NodeClient::ConnectOptions options;
            options.clientName = clientName();
            options.prompter = std::shared_ptr<app::SshPrompter>(talk, &talk->prompter());
            options.onStep = [talk](app::ConnectStep step, const std::string& detail) { talk->step(step, detail); };
            Result<std::shared_ptr<app::NodeClient>> client = app::NodeClient::connect(address, std::move(options), context.stop());
            if (!client)
                return std::move(client).error();
            GANTRY_TRY(auto content, readContent(**client, context.stop()));
            return Opened{std::move(*client), std::move(content)};
        },
        [this](Result<Opened> opened) {
            setQuestion(nullptr);
            if (!opened)
                return onLost(opened.error());
            onConnected(std::move(opened->first), std::move(opened->second));
        });
}

/// Called on the job's thread: `self` is used only in calls that are dropped with the job.
ConnectTalk::Listener NodeController::listenerOf(NodeController* self, const jobs::JobContext& context, bool isPersonThere)
{
    ConnectTalk::Listener listener;
    listener.onStep = [self, &context](app::ConnectStep step, const std::string& detail) {
        context.post([self, step, text = toQString(detail)] { self->setStep(step, text); });
    };
    listener.onNote = [self, &context](const std::string& sentence) {
        context.post([self, text = toQString(sentence)] { self->addNote(text); });
    };
    if (!isPersonThere)
        return listener;
    listener.onQuestion = [self, &context](std::shared_ptr<PersonQuestion> question) {
        context.post([self, question = std::move(question)] { self->setQuestion(question); });
    };
    listener.onAnswered = [self, &context] { context.post([self] { self->setQuestion(nullptr); }); };
    return listener;
}

void NodeController::setStep(app::ConnectStep step, const QString& detail)
{
    // Back to an earlier one: the next host of a way over several, or a second session. What was said of later steps is of the one before.
    if (m_progress.now && step < *m_progress.now)
        m_progress.details.erase(m_progress.details.upper_bound(step), m_progress.details.end());
    m_progress.now = step;
    m_progress.details[step] = detail;
    emit progressed();
}

void NodeController::setQuestion(std::shared_ptr<PersonQuestion> question)
{
    if (question == m_question)
        return;
    m_question = std::move(question);
    emit questionChanged();
}

void NodeController::addNote(const QString& sentence)
{
    if (m_notes.contains(sentence))
        return;
    m_notes << sentence;
    emit noted(sentence);
    emit contentChanged();
}

void NodeController::endAttempt()
{
    m_connectSlot.cancel();
    if (m_talk)
        m_talk->silence();
    m_talk.reset();
    if (m_question)
        m_question->giveUp();
    setQuestion(nullptr);
}

void NodeController::close()
{
    m_retryTimer.stop();
    endAttempt();
    dropConnection();
    m_secrets->forgetAll();
    m_error.reset();
    m_outage.reset();
    m_lostSince = {};
    m_progress = {};
    m_failures = 0;
    setState(State::Disconnected);
}

void NodeController::dropConnection()
{
    m_refreshTimer.stop();
    m_steadyTimer.stop();
    m_refreshSlot.cancel();
    m_readiness.cancel();
    m_metrics.reset();
    m_log.reset();
    // The end of a connection over SSH may wait for its threads.
    if (m_client)
        m_runner.enqueue({}, [client = std::move(m_client)](const std::stop_token&) mutable { client.reset(); });
    m_client.reset();
}

void NodeController::checkNow()
{
    if (m_state == State::Lost && m_retryTimer.isActive()) {
        m_failures = 0; // of another network, perhaps
        connectNow(false);
    }
    refresh();
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

void NodeController::checkReadiness()
{
    if (m_client)
        m_readiness.run(m_client);
}

void NodeController::perform(Work work, std::function<void(const Result<void>&)> done)
{
    if (!m_client)
        return done(Error{ErrorCode::Unreachable, "the node is not connected; connect to it first", {}});
    newAction().run([client = m_client, work = std::move(work)](const jobs::JobContext& context) { return work(*client, context.stop()); },
                    [this, done = std::move(done)](const Result<void>& how) {
                        done(how);
                        refresh();
                    });
}

void NodeController::stopTarget(const std::string& id)
{
    perform(
        [id](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
            GANTRY_CHECK(client.stopTarget(id, 0, stop));
            return {};
        },
        [this](const Result<void>& stopped) {
            if (!stopped)
                emit actionFailed(tr("Stopping the server"), stopped.error());
        });
}

void NodeController::restartTarget(const std::string& id)
{
    perform(
        [id](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
            GANTRY_CHECK(client.restartTarget(id, 0, stop));
            return {};
        },
        [this](const Result<void>& restarted) {
            if (!restarted)
                emit actionFailed(tr("Starting the server again"), restarted.error());
        });
}

void NodeController::deleteReport(const std::string& name)
{
    perform([name](app::NodeClient& client, const std::stop_token& stop) { return client.deleteReport(name, stop); },
            [this](const Result<void>& deleted) {
                if (!deleted)
                    emit actionFailed(tr("Deleting the report"), deleted.error());
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
    m_lostSince = {};
    m_info.reset(); // so that setContent() tells about it
    setContent(std::move(content));
    setState(State::Connected);
    startFeeds();
    m_refreshTimer.start();
    m_steadyTimer.start();
    checkReadiness();
}

void NodeController::tellOfReturn()
{
    if (std::optional<Outage> outage = std::exchange(m_outage, std::nullopt)) {
        outage->until = QDateTime::currentDateTime();
        emit returned(*outage);
    }
}

void NodeController::onLost(const Error& error)
{
    const bool wasConnected = m_state == State::Connected;
    const bool wasPersonNeeded = error.code == ErrorCode::NotPermitted && m_talk && m_talk->wasPersonNeeded();
    dropConnection();
    // The person gave no answer: what they want is that it stops.
    if (!wasConnected && error.code == ErrorCode::Cancelled)
        return close();
    m_error = error;
    if (!m_lostSince.isValid())
        m_lostSince = QDateTime::currentDateTime();
    ++m_failures;
    if (error.code == ErrorCode::NotPermitted && !wasPersonNeeded)
        m_secrets->forgetAll(); // one of them may be the reason
    // Trying again cannot cure a wrong token, a wrong address or a wrong version; the user can, and then presses Retry.
    const bool mayHeal =
        error.code != ErrorCode::NotPermitted && error.code != ErrorCode::VersionMismatch && error.code != ErrorCode::BadInput;
    if (mayHeal)
        m_retryTimer.start(std::chrono::seconds(std::min(kLongestRetrySeconds, 1 << std::min(m_failures - 1, 5))));
    // One that breaks before it was of use is still the same outage.
    const bool isNewOutage = wasConnected && !m_outage;
    if (isNewOutage)
        m_outage = Outage{QDateTime::currentDateTime(), {}, error};
    setState(State::Lost);
    if (isNewOutage)
        emit lost(error);
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
        [this](std::vector<proto::MetricsBatch> batches, std::size_t) {
            tellOfReturn();
            emit metricsArrived(batches);
        },
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
