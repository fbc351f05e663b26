#include "remote_server/node/target_registry.h"

#include "remote_server/capture/control_protocol.h"
#include "remote_server/node/clock.h"
#include "remote_server/node/engines/nsys_tool.h"
#include "remote_server/node/log_level.h"
#include "remote_server/node/process_environment.h"
#include "remote_server/node/python_functions.h"
#include "remote_server/node/sampling/process_sampler.h"
#include "remote_server/node/sampling/prometheus_scraper.h"
#include "remote_server/node/server_probe.h"
#include "trace_model/base/new_file.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <set>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::node {
namespace {

constexpr DurationNs kDefaultGraceNs = 10'000'000'000;
constexpr DurationNs kLongestGraceNs = 3'600'000'000'000;
constexpr std::chrono::seconds kProbePeriod{2};
constexpr std::chrono::milliseconds kRoundPeriod{50};
constexpr off_t kFreedOutputBytes = 1 << 20; // output that was read gives its disk space back in pieces of this size
constexpr std::size_t kKeptTargets = 64;

/// The key of the source that measures its processes; that of its endpoint is its id.
std::string processSourceOf(const std::string& targetId)
{
    return targetId + ".processes";
}

/// A file without a name that a target writes its output to. Not a pipe: with the daemon killed, that would end the target by
/// SIGPIPE at its next line, and with the daemon busy it would block it.
Result<int> makeOutputFile(const std::filesystem::path& folder)
{
    std::string path = (folder / "output-XXXXXX").string();
    const int file = mkostemp(path.data(), O_APPEND | O_CLOEXEC);
    if (file < 0)
        return errnoError(errno, "cannot make a file for the target's output in " + folder.string());
    unlink(path.c_str()); // gone with the last process that has it open
    return file;
}

/// A file that only this user may read, whatever the umask.
Result<void> writePrivately(const std::filesystem::path& path, const std::string& text)
{
    GANTRY_TRY(NewFile file, NewFile::create(path, FileAccess::OwnerOnly));
    GANTRY_CHECK(file.write(text));
    return file.publish(Durability::Volatile);
}

std::vector<std::string> wordsOf(const std::string& line)
{
    std::istringstream words(line);
    return {std::istream_iterator<std::string>(words), {}};
}

/// Whether a process of the group runs; one that has ended and waits for its parent does not count.
bool groupRuns(pid_t group)
{
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
        if (!std::isdigit(static_cast<unsigned char>(entry->path().filename().native().front())))
            continue;
        std::ifstream file(entry->path() / "stat");
        std::string text;
        std::getline(file, text);
        // proc(5): PID (COMM) STATE PPID PGRP …; COMM may hold anything, also ')' and blanks.
        const std::size_t nameEnd = text.rfind(')');
        if (nameEnd == std::string::npos)
            continue;
        std::istringstream fields(text.substr(nameEnd + 1));
        char state = 0;
        pid_t parent = 0, itsGroup = 0;
        if (fields >> state >> parent >> itsGroup && itsGroup == group && state != 'Z' && state != 'X')
            return true;
    }
    return false;
}

std::string signalText(int signal)
{
    const char* name = sigabbrev_np(signal);
    return name ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

} // namespace

struct TargetRegistry::Launched
{
    proto::Target info;
    proto::LaunchRequest request; ///< as it was asked for, to launch it again
    std::string nsysSession; ///< empty: not of nsys
    int output = -1;         ///< file of makeOutputFile()
    off_t outputRead = 0, outputFreed = 0;
    std::string partialLine;
    std::shared_ptr<LogRing> log = std::make_shared<LogRing>();
    std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point probed{};
    std::atomic<bool> isRestarting{false};
    std::string successor;             ///< what it was started again as; empty: it was not
    std::atomic<bool> stopping{false}; ///< somebody waits for the end of its whole process group
    bool ended = false;
    std::filesystem::path pythonFunctions; ///< file for its processes, also those that outlive the first; empty: none

    ~Launched()
    {
        std::error_code ignored;
        if (!pythonFunctions.empty())
            std::filesystem::remove(pythonFunctions, ignored);
        if (output >= 0)
            close(output);
    }
};

TargetRegistry::TargetRegistry(Options options) : m_options(std::move(options))
{
    m_thread = std::jthread([this](std::stop_token stop) { run(stop); });
}

TargetRegistry::~TargetRegistry()
{
    m_engine = nullptr; // made after this object, so gone before it
    for (const proto::Target& target : list())
        if (!target.adopted && (target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting))
            if (const auto stopped = stop(target.id, kDefaultGraceNs); !stopped)
                spdlog::warn("{}", stopped.error().text());
    m_thread.request_stop();
    m_thread = {};
}

Result<proto::Target> TargetRegistry::launch(const proto::LaunchRequest& request)
{
    if (request.argv.empty() || request.argv.front().empty())
        return Error{ErrorCode::BadInput, "a target needs a command to run", {}};
    if (!request.metricsUrl.empty() && !PrometheusScraper::isScrapable(request.metricsUrl))
        return Error{ErrorCode::BadInput, "the metrics URL must be http://HOST:PORT/PATH or https, not \"" + request.metricsUrl + "\"", {}};
    std::error_code ignored;
    if (!request.workingDirectory.empty() && !std::filesystem::is_directory(request.workingDirectory, ignored))
        return Error{ErrorCode::NotFound, "there is no working directory " + request.workingDirectory + " on this node", {}};
    auto target = std::make_shared<Launched>();
    target->request = request;
    proto::Target& info = target->info;
    if (request.isPlanOnly) {
        info.id = "t" + std::to_string(lastNumber() + 1); // as it would be now
    } else {
        GANTRY_TRY(info.id, newId());
    }
    auto environment = currentEnvironment();
    for (const auto& [key, value] : request.environment)
        environment[key] = value;
    proto::LaunchRequest wanted = request;
    GANTRY_CHECK(applyProfile(wanted, *target, environment));
    GANTRY_CHECK(prepare(wanted, *target, environment));
    if (request.isPlanOnly)
        return info;
    if (!request.pythonFunctions.empty())
        GANTRY_CHECK(prepareFunctions(request, *target, environment));

    GANTRY_TRY(target->output, makeOutputFile(m_options.captureSocket.parent_path()));
    std::vector<std::string> variables;
    for (const auto& [key, value] : environment)
        variables.push_back(key + "=" + value);
    std::vector<char*> argv, envp;
    for (const std::string& argument : info.argv)
        argv.push_back(const_cast<char*>(argument.c_str()));
    for (const std::string& variable : variables)
        envp.push_back(const_cast<char*>(variable.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, target->output, 1);
    posix_spawn_file_actions_adddup2(&actions, target->output, 2);
    if (!request.workingDirectory.empty())
        posix_spawn_file_actions_addchdir_np(&actions, request.workingDirectory.c_str());
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, standard;
    sigemptyset(&none);
    sigfillset(&standard);
    posix_spawnattr_setsigmask(&attributes, &none); // the daemon blocks its termination signals
    posix_spawnattr_setsigdefault(&attributes, &standard);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int status = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0)
        return errnoError(status, "cannot start " + info.argv.front());

    info.pid = pid;
    info.state = proto::TargetState::Starting;
    info.startedUtcNs = utcNow();
    info.grpcAddress = request.grpcAddress;
    info.metricsUrl = request.metricsUrl;
    describeProfile(info, environment);
    if (m_options.sampler)
        m_options.sampler->addSource(processSourceOf(info.id), std::make_unique<ProcessSampler>(pid, info.id, info.name));
    if (m_options.sampler && !info.metricsUrl.empty())
        m_options.sampler->addSource(info.id, std::make_unique<PrometheusScraper>(info.metricsUrl, info.id));
    spdlog::info("target {} ({}) started as process {}", info.id, info.name, pid);
    const std::lock_guard lock(m_mutex);
    m_launched.push_back(target);
    for (auto old = m_launched.begin(); m_launched.size() > kKeptTargets && old != m_launched.end();)
        old = (*old)->ended ? m_launched.erase(old) : std::next(old);
    return info;
}

/// What the profile of the target's inference engine adds to its command line and environment.
Result<void> TargetRegistry::applyProfile(proto::LaunchRequest& request, Launched& target,
                                          std::map<std::string, std::string>& environment) const
{
    if (request.profile.empty() && request.iterations.empty())
        return {};
    static const TargetProfiles kNone;
    const TargetProfiles& profiles = m_options.profiles ? *m_options.profiles : kNone;
    GANTRY_TRY(const TargetProfile* profile, profiles.find(request.profile.empty() ? "auto" : request.profile, request.argv));
    target.info.profile = profile->name;
    request.argv = profile->withArguments(std::move(request.argv));
    if (request.iterations.empty())
        return {};
    GANTRY_TRY(const auto variables, profile->iterationEnvironment(request.iterations));
    for (const auto& [key, value] : variables)
        environment[key] = value;
    return {};
}

/// What is run, and with which environment, for the engine that the target is launched for.
Result<void> TargetRegistry::prepare(const proto::LaunchRequest& request, Launched& target,
                                     std::map<std::string, std::string>& environment) const
{
    proto::Target& info = target.info;
    info.argv = request.argv;
    info.name = request.name.empty() ? std::filesystem::path(request.argv.front()).filename().string() : request.name;
    info.engine = request.engine;
    if (request.engine == proto::EngineKind::Nsys) {
        if (!m_options.nsysCommand)
            return Error{ErrorCode::Unsupported, "this gantryd has no engine nsys", {}};
        for (const char* variable : {"CUDA_INJECTION64_PATH", "NVTX_INJECTION64_PATH"}) // it sets its own
            if (const auto taken = environment.find(variable); taken != environment.end() && !taken->second.empty())
                return Error{ErrorCode::Busy, std::string(variable) + " is taken by " + taken->second + ": unset it", {}};
        target.nsysSession = NsysTool::sessionName(info.id);
        GANTRY_TRY(info.argv, m_options.nsysCommand(request, target.nsysSession));
        return {};
    }
    if (request.engine == proto::EngineKind::Kineto) {
        if (m_options.kinetoEnvironment.empty())
            return Error{ErrorCode::Unsupported, "this gantryd has no engine kineto: its log says why", {}};
        for (const auto& [key, value] : m_options.kinetoEnvironment)
            environment[key] = value;
    }
    return request.inject ? setInjection(info.id, environment) : Result<void>();
}

Result<void> TargetRegistry::setInjection(const std::string& targetId, std::map<std::string, std::string>& environment) const
{
    if (m_options.captureLibrary.empty())
        return Error{ErrorCode::Unsupported,
                     "the capture library was not found beside gantryd: start gantryd with --capture-library, or launch without injection",
                     {}};
    for (const char* variable : {"CUDA_INJECTION64_PATH", "NVTX_INJECTION64_PATH"}) {
        const auto taken = environment.find(variable);
        if (taken != environment.end() && !taken->second.empty() && taken->second != m_options.captureLibrary)
            return Error{
                ErrorCode::Busy, std::string(variable) + " is taken by " + taken->second + ": unset it, or launch without injection", {}};
        environment[variable] = m_options.captureLibrary;
    }
    environment[capture::kSocketVariable] = m_options.captureSocket;
    // PyTorch's profiler keeps CUPTI for ever once it has run, and every window after it would be without CUDA, unless it is told to
    // give it back (Kineto, CuptiActivityApi; seen with PyTorch 2.11).
    environment.try_emplace("TEARDOWN_CUPTI", "1");
    environment[capture::kTargetVariable] = targetId;
    return {};
}

std::uint64_t TargetRegistry::lastNumber() const
{
    std::uint64_t last = 0;
    std::ifstream(numberFile()) >> last;
    return last;
}

Result<void> TargetRegistry::prepareFunctions(const proto::LaunchRequest& request, Launched& target,
                                              std::map<std::string, std::string>& environment) const
{
    if (!request.inject || request.engine == proto::EngineKind::Nsys)
        return Error{ErrorCode::BadInput, "Python functions are traced by the capture library: launch with injection, without nsys", {}};
    GANTRY_TRY(const auto functions, parsePythonFunctions(request.pythonFunctions));
    const std::filesystem::path file = m_options.captureSocket.parent_path() / ("python-functions-" + target.info.id);
    GANTRY_CHECK(addPythonFunctions(environment, m_options.captureLibrary, file));
    target.pythonFunctions = file;
    return writePrivately(file, pythonFunctionLines(functions));
}

/// The number goes on where the daemon before stopped: a process that it launched may still say "t1", and must not be taken for
/// one of ours.
Result<std::string> TargetRegistry::newId()
{
    const std::lock_guard lock(m_mutex);
    const std::filesystem::path path = numberFile();
    const std::uint64_t number = lastNumber() + 1;
    GANTRY_CHECK(writePrivately(path, std::to_string(number) + "\n"));
    return "t" + std::to_string(number);
}

Result<proto::Target> TargetRegistry::stop(const std::string& id, DurationNs graceNs)
{
    std::shared_ptr<Launched> target;
    {
        const std::lock_guard lock(m_mutex);
        for (const auto& candidate : m_launched)
            if (candidate->info.id == id)
                target = candidate;
    }
    if (!target)
        return Error{ErrorCode::NotFound, "gantryd did not launch a target " + id + ", so it does not stop it: end the process itself", {}};
    bool isKilled = false;
    std::unique_lock lock(m_mutex); // until the target is waited for, under this lock, its number is nobody else's
    if (!target->ended) {
        target->stopping = true;
        kill(-target->info.pid, SIGTERM);
        // Bounded, for a time beyond the end of the clock would be over at once.
        const std::chrono::nanoseconds grace(graceNs > 0 ? std::min(graceNs, kLongestGraceNs) : kDefaultGraceNs);
        if (!m_ended.wait_for(lock, grace, [&] { return target->ended; })) {
            kill(-target->info.pid, SIGKILL);
            isKilled = true;
            m_ended.wait(lock, [&] { return target->ended; });
        }
    }
    const proto::Target info = target->info;
    lock.unlock();
    if (isKilled && !target->nsysSession.empty() && m_options.endNsysSession) // its program has a process group of its own
        m_options.endNsysSession(target->nsysSession);
    return info;
}

Result<proto::Target> TargetRegistry::restart(const std::string& id, DurationNs graceNs)
{
    std::shared_ptr<Launched> target;
    {
        const std::lock_guard lock(m_mutex);
        const auto found =
            std::find_if(m_launched.begin(), m_launched.end(), [&](const auto& candidate) { return candidate->info.id == id; });
        if (found == m_launched.end())
            return Error{ErrorCode::NotFound,
                         "gantryd did not launch a target " + id +
                             ", so it does not know how: end the process, and launch it with `gantryctl target launch`",
                         {}};
        target = *found;
    }
    if (target->isRestarting.exchange(true))
        return Error{ErrorCode::Busy, "target " + id + " is being started again already, as another client asked", {}};
    const std::shared_ptr<void> restarted(nullptr, [target](void*) { target->isRestarting = false; }); // also after an exception
    const auto launched = [&]() -> Result<proto::Target> {
        if (const std::string successor = lastSuccessor(*target); !successor.empty())
            return startedAgainAs(successor, id);
        GANTRY_CHECK(stop(id, graceNs));
        GANTRY_TRY(const proto::Target next, launch(target->request));
        const std::lock_guard lock(m_mutex);
        target->successor = next.id;
        return next;
    }();
    return launched;
}

/// What it was started again as, and that again; empty: it was not.
std::string TargetRegistry::lastSuccessor(const Launched& target) const
{
    const std::lock_guard lock(m_mutex);
    std::string last = target.successor;
    for (const auto& candidate : m_launched) // in the order in which they were launched
        if (candidate->info.id == last && !candidate->successor.empty())
            last = candidate->successor;
    return last;
}

/// A client that lost the answer asks again, and must not get a second server.
Result<proto::Target> TargetRegistry::startedAgainAs(const std::string& successor, const std::string& id) const
{
    if (isRunning(successor))
        return find(successor);
    return Error{ErrorCode::TargetGone,
                 "target " + id + " was started again as " + successor + ", which has ended: `gantryctl target restart " + successor + "`",
                 {}};
}

Result<proto::Target> TargetRegistry::find(const std::string& id) const
{
    const std::lock_guard lock(m_mutex);
    for (const auto& target : m_launched)
        if (target->info.id == id)
            return target->info;
    return Error{ErrorCode::NotFound, "gantryd did not launch a target " + id + ": `gantryctl target list` shows those there are", {}};
}

Result<std::string> TargetRegistry::nsysSession(const std::string& id) const
{
    const std::lock_guard lock(m_mutex);
    const auto found = std::find_if(m_launched.begin(), m_launched.end(), [&](const auto& target) { return target->info.id == id; });
    if (found == m_launched.end())
        return Error{
            ErrorCode::NotFound,
            "gantryd did not launch a target " + id +
                ", and Nsight Systems cannot attach to a program that runs: launch it with `gantryctl target launch --engine nsys`",
            {}};
    if ((*found)->nsysSession.empty())
        return Error{
            ErrorCode::Unsupported,
            "target " + id +
                " does not run under nsys, and Nsight Systems cannot attach to a program that runs: launch it with `gantryctl target "
                "launch --engine nsys`, or capture it with Gantry's own engine",
            {}};
    return (*found)->nsysSession;
}

std::vector<proto::TargetProcess> TargetRegistry::processesOf(const std::string& id, const std::vector<AttachedProcess>& attached) const
{
    std::vector<proto::TargetProcess> processes;
    for (const AttachedProcess& process : attached)
        if (process.targetId == id)
            processes.push_back({process.pid, process.executable, true, process.cudaLoaded});
    return processes;
}

std::vector<proto::Target> TargetRegistry::list() const
{
    const CaptureEngine* engine = m_engine;
    const auto attached = engine ? engine->processes() : std::vector<AttachedProcess>();
    const std::lock_guard lock(m_mutex);
    std::vector<proto::Target> result;
    std::set<std::string> known;
    for (const auto& target : m_launched) {
        result.push_back(target->info);
        result.back().processes = processesOf(target->info.id, attached);
        known.insert(target->info.id);
    }
    // Started by hand, or launched by a daemon that is gone.
    for (const AttachedProcess& process : attached) {
        if (known.contains(process.targetId))
            continue;
        proto::Target target;
        target.id = "p" + std::to_string(process.pid);
        target.name = std::filesystem::path(process.executable).filename().string();
        target.argv = {process.commandLine};
        target.pid = process.pid;
        target.state = proto::TargetState::Running;
        target.adopted = true;
        target.processes = {{process.pid, process.executable, true, process.cudaLoaded}};
        target.argv = wordsOf(process.commandLine);
        describeProfile(target, {});
        target.argv = {process.commandLine};
        result.push_back(std::move(target));
    }
    return result;
}

/// Of the profile that it was launched with, or that its command line tells.
void TargetRegistry::describeProfile(proto::Target& target, const std::map<std::string, std::string>& environment) const
{
    if (!m_options.profiles)
        return;
    const auto found = m_options.profiles->find(target.profile.empty() ? "auto" : target.profile, target.argv);
    if (!found)
        return;
    const TargetProfile& profile = **found;
    target.profile = profile.name;
    if (profile.start)
        target.profilerUrl = "http://127.0.0.1:" + std::to_string(profile.portOf(target.argv, environment));
}

Result<TargetProfiler::Calls> TargetRegistry::profilerCalls(const std::string& id) const
{
    const std::vector<proto::Target> targets = list();
    const auto target = std::find_if(targets.begin(), targets.end(), [&](const proto::Target& candidate) { return candidate.id == id; });
    if (target == targets.end())
        return Error{ErrorCode::NotFound, "there is no target " + id + ": `gantryctl target list` shows them", {}};
    if (target->profilerUrl.empty())
        return Error{ErrorCode::Unsupported,
                     "target " + id +
                         " is of no engine with a profiler that can be asked: `gantryctl target profiles` shows those that are; "
                         "launch it with --profile, or capture by the clock",
                     {}};
    const TargetProfile& profile = **m_options.profiles->find(target->profile, {});
    return TargetProfiler::Calls{target->profilerUrl, *profile.start, *profile.stop, profile.title};
}

void TargetRegistry::terminate(const std::string& id)
{
    const std::lock_guard lock(m_mutex);
    for (const auto& target : m_launched)
        if (target->info.id == id && !target->ended) {
            target->stopping = true;
            kill(-target->info.pid, SIGTERM);
        }
}

bool TargetRegistry::isRunning(const std::string& id) const
{
    const std::lock_guard lock(m_mutex);
    return std::any_of(m_launched.begin(), m_launched.end(), [&](const auto& target) { return target->info.id == id && !target->ended; });
}

std::string TargetRegistry::nameOf(const std::string& id) const
{
    for (const proto::Target& target : list())
        if (target.id == id)
            return target.name;
    return {};
}

std::shared_ptr<LogRing> TargetRegistry::log(const std::string& id) const
{
    const std::lock_guard lock(m_mutex);
    for (const auto& target : m_launched)
        if (target->info.id == id)
            return target->log;
    return nullptr;
}

bool TargetRegistry::anyRunning() const
{
    const auto targets = list();
    return std::any_of(targets.begin(), targets.end(), [](const proto::Target& target) {
        return target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting;
    });
}

void TargetRegistry::addLine(Launched& target, std::string line)
{
    const proto::LogLevel level = logLevelOf(line);
    target.log->add(std::move(line), level);
}

void TargetRegistry::readLogs(Launched& target)
{
    char buffer[8192];
    ssize_t size = 0;
    // At a position of our own: the target appends through the same open file.
    while ((size = pread(target.output, buffer, sizeof buffer, target.outputRead)) > 0) {
        target.outputRead += size;
        // A file system that cannot free a part keeps it until the target ends.
        if (target.outputRead - target.outputFreed >= kFreedOutputBytes &&
            fallocate(target.output, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, target.outputFreed,
                      target.outputRead - target.outputFreed) == 0)
            target.outputFreed = target.outputRead;
        target.partialLine.append(buffer, static_cast<std::size_t>(size));
        std::size_t begin = 0;
        for (std::size_t end; (end = target.partialLine.find('\n', begin)) != std::string::npos; begin = end + 1)
            addLine(target, target.partialLine.substr(begin, end - begin));
        target.partialLine.erase(0, begin);
        if (target.partialLine.size() > sizeof buffer)
            addLine(target, std::exchange(target.partialLine, {}));
    }
}

void TargetRegistry::reap(Launched& target)
{
    int status = 0;
    siginfo_t state{};
    if (target.ended || waitid(P_PID, static_cast<id_t>(target.info.pid), &state, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        state.si_pid != target.info.pid)
        return;
    // Of a target that is being stopped, the children have the same time to end as itself.
    if (target.stopping && groupRuns(target.info.pid))
        return;
    readLogs(target);
    if (!target.partialLine.empty())
        addLine(target, std::exchange(target.partialLine, {}));
    std::unique_lock lock(m_mutex);
    waitpid(target.info.pid, &status, 0);
    target.ended = true;
    m_ended.notify_all();
    target.info.models.clear();
    if (WIFSIGNALED(status)) {
        target.info.state = proto::TargetState::Killed;
        target.info.exitSignal = WTERMSIG(status);
        target.info.message = "ended by " + signalText(target.info.exitSignal);
    } else {
        target.info.state = proto::TargetState::Exited;
        target.info.exitCode = WEXITSTATUS(status);
        target.info.message = "ended with status " + std::to_string(target.info.exitCode);
    }
    spdlog::info("target {} ({}) {}", target.info.id, target.info.name, target.info.message);
    lock.unlock(); // a scraper that waits for its server takes up to two seconds to end
    if (m_options.sampler) {
        m_options.sampler->removeSource(processSourceOf(target.info.id));
        m_options.sampler->removeSource(target.info.id);
    }
}

void TargetRegistry::askServer(Launched& target)
{
    const auto now = std::chrono::steady_clock::now();
    const bool starting = target.info.state == proto::TargetState::Starting;
    if (target.ended || now - target.probed < (starting ? std::chrono::milliseconds(200) : std::chrono::milliseconds(kProbePeriod)))
        return;
    target.probed = now;
    if (target.info.grpcAddress.empty()) {
        // A program without an endpoint runs when it has not ended at once.
        if (starting && now - target.started > std::chrono::milliseconds(200)) {
            const std::lock_guard lock(m_mutex);
            target.info.state = proto::TargetState::Running;
        }
        return;
    }
    auto models = readyModels(target.info.grpcAddress, target.info.models);
    if (!models)
        return;
    const std::lock_guard lock(m_mutex);
    target.info.models = std::move(*models);
    target.info.state = proto::TargetState::Running;
}

void TargetRegistry::run(std::stop_token stop)
{
    std::mutex mutex;
    std::condition_variable_any wake;
    while (!stop.stop_requested()) {
        std::vector<std::shared_ptr<Launched>> targets;
        {
            const std::lock_guard lock(m_mutex);
            targets = m_launched;
        }
        for (const auto& target : targets) {
            if (target->ended)
                continue;
            try {
                readLogs(*target);
                reap(*target);
                askServer(*target);
            } catch (const std::exception& exception) { // no memory, or a library's
                spdlog::error("target {}: {}", target->info.id, exception.what());
            }
        }
        std::unique_lock lock(mutex);
        wake.wait_for(lock, stop, kRoundPeriod, [] { return false; });
    }
}

} // namespace gantry::node
