#include "tests/support/node_fixture.h"
#include "tests/support/sshd_fixture.h"

#include <chrono>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string readText(const std::filesystem::path& path)
{
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

/// A program on a terminal of its own, and the person in front of it.
class OnTerminal
{
public:
    explicit OnTerminal(const std::vector<std::string>& argv)
    {
        std::vector<char*> arguments;
        for (const std::string& argument : argv)
            arguments.push_back(const_cast<char*>(argument.c_str()));
        arguments.push_back(nullptr);
        m_pid = ::forkpty(&m_terminal, nullptr, nullptr, nullptr);
        if (m_pid == 0) {
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
    }
    OnTerminal(const OnTerminal&) = delete;
    OnTerminal& operator=(const OnTerminal&) = delete;
    ~OnTerminal()
    {
        if (m_pid > 0) {
            ::kill(m_pid, SIGKILL);
            ::waitpid(m_pid, nullptr, 0);
        }
        ::close(m_terminal);
    }

    /// Reads until the text has been shown behind what was asked for before; false when the program ends without it.
    bool shows(const std::string& text)
    {
        while (m_shown.find(text, m_seen) == std::string::npos)
            if (!readSome())
                return false;
        m_seen = m_shown.find(text, m_seen) + text.size();
        return true;
    }
    void type(const std::string& text) const
    {
        ASSERT_EQ(::write(m_terminal, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] bool showsWhatIsTyped() const
    {
        termios now{};
        return ::tcgetattr(m_terminal, &now) == 0 && (now.c_lflag & ECHO) != 0;
    }
    /// Reads to the end; the exit status.
    int end()
    {
        while (readSome()) {
        }
        int status = 0;
        ::waitpid(m_pid, &status, 0);
        m_pid = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    [[nodiscard]] const std::string& shown() const { return m_shown; }

private:
    bool readSome()
    {
        pollfd waiting{m_terminal, POLLIN, 0};
        char buffer[4096];
        if (::poll(&waiting, 1, 60'000) != 1)
            return false;
        const ssize_t count = ::read(m_terminal, buffer, sizeof buffer);
        if (count > 0)
            m_shown.append(buffer, static_cast<std::size_t>(count));
        return count > 0;
    }

    pid_t m_pid = -1;
    int m_terminal = -1;
    std::string m_shown;
    std::size_t m_seen = 0;
};

/// gantryctl, a real sshd and a real gantryd behind it.
class SshTerminal : public testing::Test
{
protected:
    void SetUp() override
    {
        if (const auto reason = test::whyNoSshd())
            GTEST_SKIP() << *reason;
        m_sshd = std::make_unique<test::SshdFixture>();
        m_node = std::make_unique<test::NodeFixture>(test::Programs{GANTRYD, GANTRY_SERVE, GANTRYCTL, {}});
    }
    [[nodiscard]] std::vector<std::string> gantryctl(const std::filesystem::path& config, std::vector<std::string> arguments) const
    {
        arguments.insert(
            arguments.begin(),
            {GANTRYCTL, "--node", "ssh://node?config=" + config.string() + "&socket=" + (m_node->folder() / "gantryd.sock").string()});
        return arguments;
    }

    std::unique_ptr<test::SshdFixture> m_sshd;
    std::unique_ptr<test::NodeFixture> m_node;
};

TEST_F(SshTerminal, AnUnknownHostKeyIsAskedAboutOnTheTerminal)
{
    const auto config = m_sshd->writeConfig({}, false);
    OnTerminal first(gantryctl(config, {"node", "list"}));
    ASSERT_TRUE(first.shows("SHA256:")) << first.shown();
    ASSERT_TRUE(first.shows("Type yes, no, or the fingerprint: "));
    first.type("y\n");
    ASSERT_TRUE(first.shows("Type yes, no, or the fingerprint: ")) << "not taken for yes";
    first.type("yes\n");
    EXPECT_TRUE(first.shows("gantryd " GANTRY_VERSION)) << first.shown();
    EXPECT_EQ(first.end(), 0);
    OnTerminal second(gantryctl(config, {"node", "list"}));
    EXPECT_EQ(second.end(), 0);
    EXPECT_THAT(second.shown(), Not(HasSubstr("SHA256:")));
}

TEST_F(SshTerminal, AHostKeyThatIsNotRightEndsItAndIsNotKept)
{
    const auto config = m_sshd->writeConfig({}, false);
    OnTerminal terminal(gantryctl(config, {"node", "info"}));
    ASSERT_TRUE(terminal.shows("fingerprint: "));
    terminal.type("no\n");
    EXPECT_EQ(terminal.end(), 77);
    EXPECT_EQ(readText(m_sshd->knownHosts()), "");
}

TEST_F(SshTerminal, APassphraseIsNotShownWhileItIsTyped)
{
    const auto key = m_sshd->addClientKey("locked", "open sesame");
    const auto config = m_sshd->writeConfig({"IdentityFile " + key.string()});
    std::filesystem::rename(m_sshd->clientKey(), m_sshd->clientKey().string() + ".away");
    OnTerminal terminal(gantryctl(config, {"node", "info"}));
    ASSERT_TRUE(terminal.shows("Passphrase of " + key.string() + ": ")) << terminal.shown();
    EXPECT_FALSE(terminal.showsWhatIsTyped());
    terminal.type("wrong\n");
    ASSERT_TRUE(terminal.shows("That was not right."));
    terminal.type("oops\x15open sesamx\x7f"
                  "e\n");
    EXPECT_EQ(terminal.end(), 0) << terminal.shown();
    EXPECT_THAT(terminal.shown(), AllOf(Not(HasSubstr("sesam")), Not(HasSubstr("wrong"))));
}

// A report comes over a session of its own, which reads the configuration again.
TEST_F(SshTerminal, WhatTheConfigurationAsksForInVainIsToldOnce)
{
    const auto config = m_sshd->writeConfig({"StrictHostKeyChecking no"});
    std::ofstream(m_node->reportFolder() / "some.gantry") << "not even a report";
    const auto output = m_sshd->folder() / "some.gantry";
    const auto run = test::runProcess(gantryctl(config, {"report", "fetch", "some.gantry", "-o", output.string()}));
    EXPECT_EQ(readText(output), "not even a report") << run.err;
    const std::string note = "stricthostkeychecking no is not followed";
    const auto first = run.err.find(note);
    ASSERT_NE(first, std::string::npos) << run.err;
    EXPECT_EQ(run.err.find(note, first + 1), std::string::npos) << run.err;
    EXPECT_THAT(run.out, Not(HasSubstr(note)));
}

TEST_F(SshTerminal, ControlCLeavesTheTerminalAsItWas)
{
    const auto config = m_sshd->writeConfig({}, false);
    OnTerminal terminal(gantryctl(config, {"node", "info"}));
    ASSERT_TRUE(terminal.shows("fingerprint: "));
    EXPECT_FALSE(terminal.showsWhatIsTyped());
    terminal.type("\x03");
    EXPECT_EQ(terminal.end(), 2);
    EXPECT_TRUE(terminal.showsWhatIsTyped());
}

TEST_F(SshTerminal, WithoutATerminalNothingIsAskedAndTheRefusalSaysWhatToDo)
{
    std::vector<std::string> command = gantryctl(m_sshd->writeConfig({}, false), {"node", "info", "--json"});
    command.insert(command.begin(), {"/usr/bin/setsid", "--wait"});
    const test::ProcessResult refused = test::runProcess(command);
    EXPECT_EQ(refused.exitStatus, 77);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("is not known"), HasSubstr("SHA256:"), HasSubstr("nobody is there to ask")));
    EXPECT_EQ(nlohmann::json::parse(refused.out).at("error").at("code"), "not_permitted");
}

TEST_F(SshTerminal, ACaptureAndItsReportComeThroughSsh)
{
    const auto config = m_sshd->writeConfig();
    const auto server = m_node->launchServer();
    test::BackgroundLoad load(server.address);
    const std::string captured = (m_node->folder() / "captured.gantry").string(), fetched = (m_node->folder() / "fetched.gantry").string();
    const test::ProcessResult capture =
        test::runProcess(gantryctl(config, {"capture", "--target", server.target.id, "--for", "500ms", "-o", captured}));
    ASSERT_EQ(capture.exitStatus, 0) << capture.err;
    const test::ProcessResult list = test::runProcess(gantryctl(config, {"report", "list", "--json"}));
    ASSERT_EQ(list.exitStatus, 0) << list.err;
    const std::string name = nlohmann::json::parse(list.out).at(0).at("name");
    const test::ProcessResult fetch = test::runProcess(gantryctl(config, {"report", "fetch", name, "-o", fetched}));
    ASSERT_EQ(fetch.exitStatus, 0) << fetch.err;
    EXPECT_EQ(readText(fetched), readText(captured));
    EXPECT_GT(readText(fetched).size(), 0u);
    EXPECT_GT(load.finish().ok, 0u);
}

} // namespace
} // namespace gantry::cli
