#pragma once

#include "tests/support/child_process.h"
#include "tests/support/test_files.h"

#include "gantry/v1/node.grpc.pb.h"

#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace gantry::test {

/// Permission bits of a file, not of what it links to; 0: it is not there.
[[nodiscard]] inline unsigned modeOf(const std::filesystem::path& path)
{
    struct stat status
    {
    };
    return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0U;
}

} // namespace gantry::test

namespace gantry::node {

/// One run of the program, with a ready file and a report folder in `folder`.
class Gantryd
{
public:
    Gantryd(const std::filesystem::path& folder, const std::vector<std::string>& arguments)
        : m_ready(folder / "ready"), m_process(commandLine(folder, m_ready, arguments))
    {
    }

    /// True once it listens.
    [[nodiscard]] bool isReady()
    {
        return test::eventually([&] { return std::filesystem::exists(m_ready) || !m_process.isRunning(); }) && m_process.isRunning();
    }
    [[nodiscard]] nlohmann::json ready() const { return nlohmann::json::parse(test::readFile(m_ready)); }
    [[nodiscard]] int pid() const { return m_process.pid(); }
    [[nodiscard]] std::string log() const { return m_process.errorText(); }
    void signal(int number) const { m_process.signal(number); }

    /// Exit status; 128 + number when a signal ended it, nothing when it runs for 30 s more.
    [[nodiscard]] std::optional<int> exitStatus()
    {
        const auto result = m_process.wait(std::chrono::seconds(30));
        if (!result)
            return std::nullopt;
        return result->signal ? 128 + result->signal : result->exitStatus;
    }

    [[nodiscard]] std::unique_ptr<v1::Node::Stub> connect() const
    {
        return v1::Node::NewStub(grpc::CreateChannel(ready()["address"].get<std::string>(), grpc::InsecureChannelCredentials()));
    }

private:
    static std::vector<std::string> commandLine(const std::filesystem::path& folder, const std::filesystem::path& ready,
                                                const std::vector<std::string>& arguments)
    {
        std::filesystem::remove(ready); // of the run before
        std::vector<std::string> argv{GANTRYD, "--ready-file", ready, "--report-folder", folder / "reports"};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        return argv;
    }

    std::filesystem::path m_ready;
    test::ChildProcess m_process;
};

} // namespace gantry::node
