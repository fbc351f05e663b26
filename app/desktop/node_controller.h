#pragma once

#include "app/desktop/connect_talk.h"
#include "app/desktop/node_entry.h"
#include "app/desktop/readiness_check.h"
#include "app/desktop/stream_feed.h"
#include "app/jobs/job_slot.h"
#include "app/remote/node_client.h"

#include <QDateTime>
#include <QObject>
#include <QString>
#include <QStringList>
#include <QTimer>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace gantry::desktop {

/// How far a connection that is being made has come.
struct ConnectProgress
{
    std::optional<app::ConnectStep> now;         ///< nothing: it has not begun
    std::map<app::ConnectStep, QString> details; ///< of the steps that were taken; of the last host where the way is over several
};

/// A connection that was lost and is there again.
struct Outage
{
    QDateTime since, until;
    Error cause;
};

/// One node: connects, keeps what is known of it fresh, and carries its metric and log streams to the UI thread. When the
/// connection breaks it tries again by itself, each time later, and keeps everything it knew; where that needs a person it waits for one.
/// Secrets are asked for once and kept in memory until close() or a refusal. UI thread; nothing here blocks.
class NodeController : public QObject
{
    Q_OBJECT

public:
    enum class State
    {
        Disconnected, ///< by the user, or never connected
        Connecting,
        Connected,
        Lost ///< was connected or failed to; tries again at retryInSeconds()
    };
    /// Who answers what connecting asks.
    enum class Asked
    {
        Person,
        Nobody ///< an unattended run: what only a person could answer ends the attempt
    };

    /// `address` as NodeClient::connect takes it; empty: the node of this machine.
    NodeController(std::string address, jobs::JobRunner& runner, QObject* parent = nullptr);
    ~NodeController() override;

    [[nodiscard]] const std::string& address() const { return m_address; }
    /// What the user calls it; else its host name once that is known, else the host of its address, or the whole address.
    [[nodiscard]] QString name() const;
    /// The name, with the address where another node of the list has the same one.
    [[nodiscard]] QString title() const;
    /// What the user calls it, and the group and tags it has.
    [[nodiscard]] const NodeEntry& entry() const { return m_entry; }
    void setEntry(NodeEntry entry);
    void setNamesake(bool hasNamesake);
    [[nodiscard]] State state() const { return m_state; }
    /// Why the node is Lost; kept while it is tried again by itself.
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    [[nodiscard]] int retryInSeconds() const;
    /// Since when it has not been reached, through all attempts; invalid: it is connected, or was not asked for.
    [[nodiscard]] const QDateTime& lostSince() const { return m_lostSince; }
    /// Lost, and only a person can do something about it: answer a question, mend an address.
    [[nodiscard]] bool needsPerson() const { return m_state == State::Lost && !m_retryTimer.isActive(); }
    [[nodiscard]] const ConnectProgress& progress() const { return m_progress; }
    /// What the connection waits for; null: nothing.
    [[nodiscard]] const std::shared_ptr<PersonQuestion>& question() const { return m_question; }
    /// What the configuration asks for and Gantry does not do, a sentence each.
    [[nodiscard]] const QStringList& notes() const { return m_notes; }
    [[nodiscard]] const std::shared_ptr<app::NodeClient>& client() const { return m_client; }

    // What is known of the node; kept while it is lost.
    [[nodiscard]] const std::optional<proto::NodeInfo>& info() const { return m_info; }
    [[nodiscard]] const std::vector<proto::Target>& targets() const { return m_targets; }
    [[nodiscard]] const std::vector<proto::ReportInfo>& reports() const { return m_reports; }
    /// Those that have not ended, and some that have.
    [[nodiscard]] const std::vector<proto::CaptureStatus>& captures() const { return m_captures; }
    [[nodiscard]] const proto::Target* target(const std::string& id) const;
    /// The flight recorder that runs on a target, whoever started it; null: none.
    [[nodiscard]] const proto::CaptureStatus* recorderOf(const std::string& targetId) const;

    /// What of Gantry works on it; asked each time it is connected.
    [[nodiscard]] const ReadinessCheck& readiness() const { return m_readiness; }
    void checkReadiness();

    /// Starts to connect, at once also when a retry is waiting. The person who asks for it is there to answer questions, unless it is
    /// nobody.
    void open(Asked asked = Asked::Person);
    /// Also ends a connection that is being made, at any step.
    void close();
    /// Asks for targets, reports and captures again, outside the regular turn.
    void refresh();
    /// The way to it may be another one now, as after this machine slept: what waits to be tried again is tried at once, and a connection
    /// is made to show that it still is one. Nobody is asked anything.
    void checkNow();
    void stopTarget(const std::string& id);
    /// It has a new id then.
    void restartTarget(const std::string& id);
    void deleteReport(const std::string& name);
    using Work = std::function<Result<void>(app::NodeClient& client, const std::stop_token& stop)>;
    /// Something else that the person asks of the node, beside all that runs. `done` is called on the UI thread, with Unreachable at once
    /// where the node is not connected, and not at all once the node is destroyed; what is known of the node is asked for again after it.
    void perform(Work work, std::function<void(const Result<void>&)> done);

signals:
    void stateChanged();
    /// The connection that is being made has come further.
    void progressed();
    void questionChanged();
    /// Another sentence in notes().
    void noted(const QString& sentence);
    /// The connection was lost, while it was in use. Not told again of one that breaks before it has returned().
    void lost(const gantry::Error& error);
    /// It is there again and of use: metrics arrive, or it has held for a while.
    void returned(const gantry::desktop::Outage& outage);
    /// Another node has the same name now, or no other has it any more.
    void titleChanged();
    /// Node info, targets or reports differ from before.
    void contentChanged();
    /// Captures and recorders were asked for again: how long they hold and how much changes each time.
    void capturesChanged();
    void metricsArrived(const std::vector<gantry::proto::MetricsBatch>& batches);
    /// A new metric stream begins: series ids of the one before mean nothing, nor does its clock if `bootId` is another.
    void metricsRestarted(const std::string& bootId);
    void logArrived(const std::vector<gantry::proto::LogLine>& lines, std::size_t dropped);
    /// A request of the user's failed; the connection itself may be fine.
    void actionFailed(const QString& doing, const gantry::Error& error);

private:
    struct Content
    {
        proto::NodeInfo info;
        std::vector<proto::Target> targets;
        std::vector<proto::ReportInfo> reports;
        std::vector<proto::CaptureStatus> captures;
    };

    using Opened = std::pair<std::shared_ptr<app::NodeClient>, Content>;

    [[nodiscard]] static Result<Content> readContent(app::NodeClient& client, const std::stop_token& stop);
    [[nodiscard]] jobs::JobSlot& newAction();
    void setState(State state);
    void connectNow(bool isPersonThere);
    [[nodiscard]] static ConnectTalk::Listener listenerOf(NodeController* self, const jobs::JobContext& context, bool isPersonThere);
    void setStep(app::ConnectStep step, const QString& detail);
    void setQuestion(std::shared_ptr<PersonQuestion> question);
    void addNote(const QString& sentence);
    void endAttempt();
    /// Ends the streams; what they are from is released where it may take its time.
    void dropConnection();
    void onConnected(std::shared_ptr<app::NodeClient> client, Content content);
    void onLost(const Error& error);
    void tellOfReturn();
    void setContent(Content content);
    void startFeeds();

    std::string m_address;
    jobs::JobRunner& m_runner;
    NodeEntry m_entry;
    bool m_hasNamesake = false;
    State m_state = State::Disconnected;
    std::optional<Error> m_error;
    QDateTime m_lostSince;
    std::shared_ptr<app::NodeClient> m_client;
    std::optional<proto::NodeInfo> m_info;
    std::vector<proto::Target> m_targets;
    std::vector<proto::ReportInfo> m_reports;
    std::vector<proto::CaptureStatus> m_captures;

    std::shared_ptr<app::SecretMemory> m_secrets = std::make_shared<app::SecretMemory>();
    std::shared_ptr<ConnectTalk> m_talk; ///< of the last connection
    bool m_isPersonThere = false;        ///< for the connection that is being made
    ConnectProgress m_progress;
    std::shared_ptr<PersonQuestion> m_question;
    QStringList m_notes;
    std::optional<Outage> m_outage; ///< since a connection that was in use was lost; until returned() is told

    QTimer m_retryTimer;
    QTimer m_refreshTimer;
    QTimer m_steadyTimer;
    int m_failures = 0; ///< since a connection held for a while
    std::unique_ptr<StreamFeed<proto::MetricsBatch>> m_metrics;
    std::unique_ptr<StreamFeed<proto::LogLine>> m_log;
    ReadinessCheck m_readiness;
    jobs::JobSlot m_connectSlot;
    jobs::JobSlot m_refreshSlot;
    std::list<jobs::JobSlot> m_actions; ///< what the user asked for; one does not replace another
};

/// What is shown of the node was recorded, maybe on another machine; unknown of one that has not answered yet.
[[nodiscard]] inline bool isRecording(const NodeController& node)
{
    return node.info() && node.info()->isRehearsal();
}

} // namespace gantry::desktop
