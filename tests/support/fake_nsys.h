#pragma once

#include "tests/support/child_process.h"
#include "tests/support/test_files.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace gantry::test {

/// A report as Nsight Systems frames it: header, content, table of contents, its place, the end's mark. `version` as the header has it:
/// "2025@1@1@110-251135451612v0", or "1" before 2023.3.
[[nodiscard]] inline std::string nsysReport(const std::string& version, const std::string& content)
{
    std::string report = "NVIDIA Tegra Profiler Report " + version + ".\n\x0BLocal (CLI)" + content;
    const std::uint64_t table = report.size();
    report += "\n\x0B\n\x07UI Data\x10\x01";
    for (int byte = 0; byte < 8; ++byte)
        report += static_cast<char>(table >> (8 * byte) & 0xFF);
    return report + "U3w[END]";
}

/// fake_nsys.sh in a folder, where it finds what it is to do and leaves what it was asked.
class FakeNsys
{
public:
    /// `folder`: is made.
    explicit FakeNsys(std::filesystem::path folder) : m_folder(std::move(folder)) { std::filesystem::create_directories(m_folder); }

    [[nodiscard]] std::filesystem::path program() const { return m_folder / "nsys"; }
    /// What it makes of any report.
    [[nodiscard]] std::filesystem::path exported() const { return m_folder / "export.sqlite"; }

    /// Installs it, to do what this mode of the script says.
    void install(const std::string& mode) const
    {
        std::filesystem::copy_file(GANTRY_SOURCE_DIR "/tests/support/fake_nsys.sh", program(),
                                   std::filesystem::copy_options::overwrite_existing);
        writeFile(m_folder / "mode", mode);
    }

    [[nodiscard]] bool wasRun() const { return std::filesystem::exists(m_folder / "arguments"); }
    [[nodiscard]] std::vector<std::string> arguments() const
    {
        std::vector<std::string> arguments;
        std::istringstream lines(readFile(m_folder / "arguments"));
        for (std::string line; std::getline(lines, line);)
            arguments.push_back(line);
        return arguments;
    }
    /// It and its child, once a mode that waits has begun to; empty when it does not.
    [[nodiscard]] std::vector<pid_t> waitForProcesses() const
    {
        std::vector<pid_t> pids;
        if (!eventually([&] { return std::filesystem::exists(m_folder / "pids"); }))
            return pids;
        std::istringstream text(readFile(m_folder / "pids"));
        for (pid_t pid = 0; text >> pid;)
            pids.push_back(pid);
        std::filesystem::remove(m_folder / "pids"); // the next run writes it anew
        return pids;
    }
    /// What "keep" kept.
    [[nodiscard]] std::string received() const { return readFile(m_folder / "received"); }
    [[nodiscard]] std::string receivedMode() const { return readFile(m_folder / "received.mode"); }

private:
    std::filesystem::path m_folder;
};

/// Whether all of them end in time.
[[nodiscard]] inline bool allEnd(const std::vector<pid_t>& pids)
{
    return eventually([&] { return std::none_of(pids.begin(), pids.end(), [](pid_t pid) { return isRunning(pid); }); });
}

} // namespace gantry::test
