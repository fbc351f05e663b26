#pragma once

#include "remote_server/node/capture_engine.h"
#include "remote_server/node/log_ring.h"
#include "remote_server/node/sampling/sampler.h"
#include "remote_server/node/target_profiler.h"
#include "remote_server/node/target_profiles.h"
#include "remote_server/node/targets.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gantry::node {

/// The processes that can be captured: those the daemon launched, and those started by hand with the capture library in them.
/// Any thread; owns a thread that reaps, reads logs and asks servers for their models.
class TargetRegistry final : public Targets
{
public:
    struct Options
    {
        std::filesystem::path captureLibrary; ///< absolute; empty: launching with injection is refused
        std::filesystem::path captureSocket;  ///< its folder, private to the user, also keeps targets' output and the last target number
        Sampler* sampler = nullptr;           ///< gets a scraper for each target with a metrics URL; null: none
        /// What is run instead of a target's own command for an engine that starts it itself, and what ends its session when the target
        /// does not. Empty: there is no such engine.
        std::function<Result<std::vector<std::string>>(const proto::LaunchRequest& request, const std::string& session)> nsysCommand;
        std::function<void(const std::string& session)> endNsysSession;
        /// Added to the environment of a target of PyTorch's profiler; empty: there is no such engine.
        std::map<std::string, std::string> kinetoEnvironment;
        const TargetProfiles* profiles = nullptr; ///< null: no engine is known
    };

    explicit TargetRegistry(Options options);
    ~TargetRegistry() override; ///< stops the targets it launched

    void setEngine(const CaptureEngine* engine) { m_engine = engine; }

    /// Errors: BadInput (no command, a metrics URL or Python functions that are none), NotFound (no such program), Busy (an injection
    /// variable is taken), Unsupported; those of Options::nsysCommand.
    [[nodiscard]] Result<proto::Target> launch(const proto::LaunchRequest& request) override;
    /// SIGTERM to its process group, SIGKILL after `graceNs` (0: 10 s; an hour at most). Returns when the whole group has ended.
    [[nodiscard]] Result<proto::Target> stop(const std::string& id, DurationNs graceNs) override;
    /// Stops it as stop() does, if it still runs, and launches it again as it was launched, with a new id. One that was started again
    /// already answers with what it is now. Errors: NotFound, also for one that was started by hand; Busy while another client's call does
    /// the same; TargetGone: what it was started again as, which the message names, has ended; those of launch().
    [[nodiscard]] Result<proto::Target> restart(const std::string& id, DurationNs graceNs) override;
    /// SIGTERM to its process group, if it was launched here; does not wait.
    void terminate(const std::string& id);
    [[nodiscard]] bool isRunning(const std::string& id) const; ///< and was launched here
    /// The nsys session of a target. Errors: NotFound, Unsupported for one that was launched for another engine; both say what to do.
    [[nodiscard]] Result<std::string> nsysSession(const std::string& id) const;
    [[nodiscard]] std::vector<proto::Target> list() const override;
    [[nodiscard]] Result<proto::Target> find(const std::string& id) const override;
    /// How the profiler of a target's engine is asked. Errors: NotFound (no such target), Unsupported (its engine has none, or is not
    /// known).
    [[nodiscard]] Result<TargetProfiler::Calls> profilerCalls(const std::string& id) const override;
    [[nodiscard]] std::string nameOf(const std::string& id) const;
    [[nodiscard]] std::shared_ptr<LogRing> log(const std::string& id) const override;
    [[nodiscard]] bool anyRunning() const;

private:
    struct Launched;
    void run(std::stop_token stop);
    [[nodiscard]] Result<void> prepare(const proto::LaunchRequest& request, Launched& target,
                                       std::map<std::string, std::string>& environment) const;
    [[nodiscard]] Result<void> setInjection(const std::string& targetId, std::map<std::string, std::string>& environment) const;
    [[nodiscard]] std::filesystem::path numberFile() const { return m_options.captureSocket.parent_path() / "last-target"; }
    [[nodiscard]] std::uint64_t lastNumber() const;
    [[nodiscard]] Result<std::string> newId();
    [[nodiscard]] Result<void> prepareFunctions(const proto::LaunchRequest& request, Launched& target,
                                                std::map<std::string, std::string>& environment) const;
    [[nodiscard]] Result<void> applyProfile(proto::LaunchRequest& request, Launched& target,
                                            std::map<std::string, std::string>& environment) const;
    void describeProfile(proto::Target& target, const std::map<std::string, std::string>& environment) const;
    [[nodiscard]] std::string lastSuccessor(const Launched& target) const;
    [[nodiscard]] Result<proto::Target> startedAgainAs(const std::string& successor, const std::string& id) const;
    static void addLine(Launched& target, std::string line);
    void readLogs(Launched& target);
    void reap(Launched& target);
    void askServer(Launched& target);
    [[nodiscard]] std::vector<proto::TargetProcess> processesOf(const std::string& id, const std::vector<AttachedProcess>& attached) const;

    Options m_options;
    std::atomic<const CaptureEngine*> m_engine{nullptr};
    mutable std::mutex m_mutex;      ///< everything below
    std::condition_variable m_ended; ///< some target has
    std::vector<std::shared_ptr<Launched>> m_launched;
    std::jthread m_thread;
};

} // namespace gantry::node
