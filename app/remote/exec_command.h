#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace gantry::app {

/// A command such as `kubectl exec -i POD -- gantryd --stdio`, whose standard input and output are a connection to a gantryd. It runs in
/// a session of its own, without a terminal: what would ask a question there fails instead of waiting for an answer. Its standard error
/// is read all the time and the end of it kept. Any thread.
class ExecCommand
{
public:
    /// Starts it. Errors: Unreachable (there is no such program, or it may not be run).
    [[nodiscard]] static Result<std::unique_ptr<ExecCommand>> start(std::vector<std::string> argv);
    /// Ends its input, and then the command: half a second at most.
    ~ExecCommand();
    ExecCommand(const ExecCommand&) = delete;
    ExecCommand& operator=(const ExecCommand&) = delete;

    /// Waits until a gRPC server speaks at the other end; it does so first. Errors: Unreachable (the command ended, prints something else,
    /// or nothing within `timeout`), Cancelled.
    [[nodiscard]] Result<void> awaitServer(std::chrono::milliseconds timeout, const std::stop_token& stop);

    /// The connection, for gRPC, which owns it from then on. Once.
    [[nodiscard]] int releaseStream();

    /// What has become of the command and what it said last, to be put behind a colon.
    [[nodiscard]] std::string state() const;
    /// The same of a command whose connection is gone, which ends with it as a rule: waits a second for that.
    [[nodiscard]] std::string stateAfterEnd() const;
    [[nodiscard]] bool hasEnded() const;

private:
    explicit ExecCommand(std::vector<std::string> argv) : m_argv(std::move(argv)) {}
    [[nodiscard]] Result<void> spawn();
    void watch(const std::stop_token& stop);
    void end();
    void readErrors();
    void takeStatus();
    [[nodiscard]] bool waitForEnd(std::chrono::milliseconds timeout) const;
    [[nodiscard]] Error unreachable(std::string_view problem) const;

    std::vector<std::string> m_argv;
    UniqueFd m_stream, m_streamCopy; ///< the copy ends the connection also when gRPC has it
    UniqueFd m_errors, m_process;    ///< the watcher's
    UniqueFd m_wake;                 ///< eventfd: the watcher is to look whether it shall stop
    pid_t m_pid = -1;

    mutable std::mutex m_mutex;
    mutable std::condition_variable m_changed;
    bool m_hasEnded = false;       ///< m_mutex
    std::optional<int> m_status;   ///< m_mutex; as waitpid() says; none: somebody else has waited for it
    std::string m_said;            ///< m_mutex; the end of standard error
    std::uint64_t m_saidBytes = 0; ///< m_mutex; all of it
    std::jthread m_watcher;
};

} // namespace gantry::app
