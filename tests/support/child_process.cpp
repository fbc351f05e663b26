#include "tests/support/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace gantry::test {

namespace {

std::string readFile(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

} // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv, const Options& options)
{
    const std::string out = m_folder / "out", err = m_folder / "err";
    std::vector<char*> arguments;
    for (const std::string& argument : argv)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    std::vector<std::string> variables;
    for (char** entry = environ; *entry; ++entry) {
        const std::string name(*entry, std::strcspn(*entry, "="));
        if (!options.environment.contains(name))
            variables.emplace_back(*entry);
    }
    for (const auto& [key, value] : options.environment)
        variables.push_back(key + "=" + value);
    std::vector<char*> environment;
    for (std::string& variable : variables)
        environment.push_back(variable.data());
    environment.push_back(nullptr);

    m_pid = ::fork();
    if (m_pid < 0)
        throw std::runtime_error("cannot fork");
    if (m_pid == 0) {
        // The numbers that open() gives must not go on to what the program starts.
        ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
        ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 1);
        ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 2);
        if (options.beforeExec)
            options.beforeExec();
        ::execvpe(arguments.front(), arguments.data(), environment.data());
        ::_exit(127);
    }
}

ChildProcess::~ChildProcess()
{
    kill();
}

void ChildProcess::reap(int options)
{
    if (m_status)
        return;
    int status = 0;
    pid_t got = 0;
    while ((got = ::waitpid(m_pid, &status, options)) < 0 && errno == EINTR) {
    }
    if (got == m_pid)
        m_status = status;
}

bool ChildProcess::isRunning()
{
    reap(WNOHANG);
    return !m_status;
}

void ChildProcess::signal(int number) const
{
    if (!m_status) // a reaped process's number may be somebody else's
        ::kill(m_pid, number);
}

void ChildProcess::kill()
{
    signal(SIGKILL);
    reap(0);
}

std::optional<ProcessResult> ChildProcess::wait(std::chrono::milliseconds timeout)
{
    if (!eventually([this] { return !isRunning(); }, timeout))
        return std::nullopt;
    ProcessResult result;
    if (WIFEXITED(*m_status))
        result.exitStatus = WEXITSTATUS(*m_status);
    else
        result.signal = WTERMSIG(*m_status);
    result.out = readFile(m_folder / "out");
    result.err = errorText();
    return result;
}

std::string ChildProcess::errorText() const
{
    return readFile(m_folder / "err");
}

ProcessResult runProcess(const std::vector<std::string>& argv, std::chrono::milliseconds timeout)
{
    ChildProcess process(argv);
    const std::optional<ProcessResult> result = process.wait(timeout);
    if (!result)
        throw std::runtime_error(argv.front() + " did not end in time; it wrote: " + process.errorText());
    return *result;
}

bool isRunning(pid_t pid)
{
    // proc(5): PID (COMM) STATE …; COMM may hold anything.
    const std::string text = readFile("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t nameEnd = text.rfind(") ");
    return nameEnd != std::string::npos && text[nameEnd + 2] != 'Z' && text[nameEnd + 2] != 'X';
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds timeout)
{
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline)
            return condition();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

} // namespace gantry::test
