#pragma once

#include "app/remote/node_client.h"
#include "remote_server/load/load_generator.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace gantry::test {

/// Programs of the build under test.
struct Programs
{
    std::string gantryd, gantryServe, gantryctl, nvtxTarget;
};

/// A real gantryd on a socket and with a report folder of its own, and what a test starts through it. Everything ends and is
/// removed with this object, also targets that outlived their daemon. Throws std::runtime_error when something does not start.
class NodeFixture
{
public:
    struct Options
    {
        bool tcp = false;                   ///< loopback TCP with a token, on a free port
        std::filesystem::path reportFolder; ///< default: in the temporary folder
        std::filesystem::path nsys;         ///< empty: as gantryd finds it
    };

    explicit NodeFixture(Programs programs) : NodeFixture(std::move(programs), Options{}) {}
    NodeFixture(Programs programs, Options options);
    NodeFixture(const NodeFixture&) = delete;
    NodeFixture& operator=(const NodeFixture&) = delete;
    ~NodeFixture();

    /// Starts gantryd and waits until it listens.
    void startDaemon();
    /// SIGKILL: no chance to clean up.
    void killDaemon();
    [[nodiscard]] bool daemonRuns() { return m_daemon && m_daemon->isRunning(); }

    [[nodiscard]] const std::filesystem::path& folder() const { return m_folder.path(); }
    [[nodiscard]] const std::filesystem::path& reportFolder() const { return m_options.reportFolder; }
    [[nodiscard]] const std::string& address() const { return m_address; } ///< as NodeClient takes it, with the token file
    [[nodiscard]] const std::filesystem::path& tokenFile() const { return m_tokenFile; }

    /// A new connection.
    [[nodiscard]] std::shared_ptr<app::NodeClient> connect(const std::string& name = "test@here: fixture") const;

    struct Server
    {
        proto::Target target;
        std::string address; ///< of its gRPC service
    };
    /// gantry-serve with the add_sub model on free ports, answering and ready for capture.
    [[nodiscard]] Server launchServer();
    /// Any program, ready for capture.
    [[nodiscard]] proto::Target launch(const std::vector<std::string>& argv);
    /// The target of this process, once the daemon knows it and can capture it.
    [[nodiscard]] proto::Target waitForTarget(int pid) const;

    /// Runs gantryctl with --node of this daemon.
    [[nodiscard]] ProcessResult gantryctl(std::vector<std::string> arguments) const;
    [[nodiscard]] const Programs& programs() const { return m_programs; }

private:
    TemporaryFolder m_folder;
    Programs m_programs;
    Options m_options;
    std::string m_address;
    std::filesystem::path m_tokenFile;
    std::unique_ptr<ChildProcess> m_daemon;
    std::vector<int> m_targets; ///< pids
};

/// A closed-loop load that runs until it is ended.
class BackgroundLoad
{
public:
    explicit BackgroundLoad(const std::string& address);
    ~BackgroundLoad() { m_stop.request_stop(); }

    /// Ends the load and returns its result. Throws when the load itself failed.
    [[nodiscard]] load::LoadResult finish();

private:
    std::stop_source m_stop;
    std::optional<Result<load::LoadResult>> m_result;
    std::jthread m_thread;
};

} // namespace gantry::test
