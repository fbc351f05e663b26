#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace gantry::node {

/// The side of Kineto's "IPC fabric" that a profiling daemon has: PyTorch processes that were started with environment() ask it once a
/// second, over a datagram socket in a private folder, whether they are to trace something (libkineto, IpcFabricConfigClient). Any thread;
/// owns one.
class KinetoFabric
{
public:
    /// Errors: CannotWrite.
    [[nodiscard]] static Result<std::unique_ptr<KinetoFabric>> create();
    KinetoFabric(const KinetoFabric&) = delete;
    KinetoFabric& operator=(const KinetoFabric&) = delete;
    ~KinetoFabric(); ///< removes the folder

    /// What a PyTorch process needs in its environment.
    [[nodiscard]] std::map<std::string, std::string> environment() const;

    /// Processes that have asked for a while and lately, and are `root` or descend from it.
    [[nodiscard]] std::vector<int> processesOf(int root) const;

    /// The next time it asks and can trace, the process is told this configuration (libkineto, Config).
    void request(int pid, std::string configuration);
    /// Whether the process was told. False: it did not ask since, or asked while it traced something else.
    [[nodiscard]] bool isTold(int pid) const;
    /// When the process last asked for something to trace, which it does not while it traces or writes; CLOCK_MONOTONIC, 0: never.
    [[nodiscard]] std::int64_t lastIdleNs(int pid) const;
    /// Whatever was requested of it counts no more.
    void forget(int pid);

private:
    struct Process
    {
        std::vector<int> ancestors; ///< itself first
        std::int64_t firstAskedNs = 0, lastAskedNs = 0, lastIdleNs = 0;
    };

    KinetoFabric(std::filesystem::path folder, UniqueFd socket);
    void run(const std::stop_token& stop);
    [[nodiscard]] std::string answer(std::string_view type, std::string_view body);

    std::filesystem::path m_folder;
    UniqueFd m_socket;
    mutable std::mutex m_mutex; ///< everything below
    std::map<int, Process> m_processes;
    std::map<int, std::string> m_requests; ///< configurations that are to be told
    std::jthread m_thread;
};

} // namespace gantry::node
