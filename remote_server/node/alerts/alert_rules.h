#pragma once

#include "remote_server/node/alerts/quiet_hours.h"
#include "remote_server/node/live_queue.h"
#include "remote_server/node/sampling/metrics_sink.h"
#include "remote_server/proto/live_types.h"
#include "trace_model/base/result.h"
#include "trace_model/metrics/alert_condition.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace gantry::node {

/// Rules that watch the node's metrics, with a client there or not. They are kept in a file (mode 0600) and survive the daemon; their
/// states and events do not. Any thread; owns the one that judges them, five times a second.
class AlertRules
{
public:
    static constexpr const char* kFileName = ".alerts.json"; ///< in the report folder; no name of a report begins with a dot
    static constexpr std::size_t kMostRules = 200;
    static constexpr std::size_t kMostEvents = 100; ///< of a rule, the newest

    struct Options
    {
        std::filesystem::path path; ///< empty: they are kept nowhere
        /// Does what a rule asks for, and says what was done, a sentence. On the judging thread. Empty: nothing can be done here.
        std::function<Result<std::string>(const proto::AlertRule& rule)> act;
        std::function<TimestampNs()> monoNow; ///< empty: the node's clocks
        std::function<std::int64_t()> utcNow;
    };

    /// `metrics` outlives it.
    AlertRules(MetricsSource& metrics, Options options);
    AlertRules(const AlertRules&) = delete;
    AlertRules& operator=(const AlertRules&) = delete;
    ~AlertRules();

    [[nodiscard]] std::vector<proto::AlertState> list() const;
    /// Adds a rule (empty id) or changes one, which is judged anew. Errors: BadInput (says what is wrong), NotFound, CannotWrite.
    [[nodiscard]] Result<proto::AlertState> set(proto::AlertRule rule);
    /// Errors: NotFound, CannotWrite.
    [[nodiscard]] Result<void> remove(const std::string& id);

    /// Whether any is to be judged: the daemon stays for it.
    [[nodiscard]] bool watchesAny() const;

    struct Changes
    {
        std::uint64_t version = 0; ///< to ask with next
        std::vector<proto::AlertState> states;
    };
    /// What has changed since a version (0: all rules), as soon as something has, or nothing after `timeout`. Values alone change at most
    /// once a second.
    [[nodiscard]] Changes waitForChanges(std::uint64_t known, std::chrono::milliseconds timeout) const;

private:
    /// What comes to be judged, series that have ended included.
    class Intake : public LiveQueue
    {
    public:
        void onRemoved(std::span<const std::uint32_t> seriesIds) override;
        [[nodiscard]] std::vector<std::uint32_t> takeRemoved();

    private:
        std::mutex m_mutex;
        std::vector<std::uint32_t> m_removed;
    };

    struct Watched
    {
        proto::AlertState state;
        metrics::AlertCondition condition;
        QuietHours quiet;
        std::optional<TimestampNs> trueSince;
        std::optional<TimestampNs> lastAction;
        TimestampNs lastShown = 0; ///< value in a change
        std::uint64_t version = 0;
    };
    [[nodiscard]] static Result<Watched> watched(const proto::AlertRule& rule);
    void readFile();
    [[nodiscard]] Result<void> writeFile() const;
    void run(const std::stop_token& stop);
    void take(const proto::MetricsBatch& batch);
    void forget(std::span<const std::uint32_t> seriesIds);
    [[nodiscard]] std::vector<proto::AlertRule> judgeAll(const std::optional<proto::MetricsBatch>& batch);
    [[nodiscard]] bool judge(Watched& rule);
    void enter(Watched& rule, proto::AlertPhase phase, std::string done, bool isHeldBack = false);
    [[nodiscard]] std::string whyHeldBack(const Watched& rule) const;
    [[nodiscard]] bool fire(Watched& rule);
    [[nodiscard]] std::string act(const proto::AlertRule& rule) const; ///< without the mutex
    void tellDone(const std::string& id, std::string done);
    void changed(Watched& rule);

    MetricsSource& m_metrics;
    Options m_options;
    Intake m_queue;
    mutable std::mutex m_mutex; ///< everything below
    mutable std::condition_variable m_changed;
    std::map<std::string, Watched> m_rules; ///< by id
    std::map<std::uint32_t, metrics::SeriesDefinition> m_series;
    std::uint64_t m_lastId = 0, m_version = 1;
    std::map<std::string, std::uint64_t> m_deleted; ///< ids with the version of that
    std::string m_fileProblem;                      ///< nothing is written over a file that cannot be read
    std::jthread m_thread;
};

} // namespace gantry::node
