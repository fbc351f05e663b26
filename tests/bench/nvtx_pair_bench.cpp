// Guards what an NVTX range costs its program: with the capture library injected and idle at most 1.1 x what it costs without any tool,
// while a window records at most 1.15 x a tool that does nothing but write two time stamps into a ring (nvtx_ring.cpp). Four processes
// run the same loop in turn, a burst at a time, so that whatever else the machine does meets all of them; the ratios are those of
// the medians of their bursts.
//
//   nvtx_pair_bench [--rounds N] [--benchmark_out=FILE] [...]      400 rounds unless said otherwise

#include "tests/bench/bench_arguments.h"
#include "tests/remote_server/capture/recording_daemon.h"

#include <benchmark/benchmark.h>
#include <nvtx3/nvToolsExt.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace gantry;

constexpr std::uint32_t kPairs = 20'000; // of a burst: 2 MB of records
constexpr std::uint32_t kWindow = 1;
constexpr const char* kChildOption = "--child";
int g_rounds = 400; // set by main() before the bench runs

enum class Push : std::uint32_t
{
    Text,
    RegisteredString
};

double nowNs()
{
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// What the measured processes do: for each kind of push that is read, a burst of pairs, answered with ns per pair.
int runChild()
{
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("bench");
    nvtxEventAttributes_t step{};
    step.version = NVTX_VERSION;
    step.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    step.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    step.message.registered = nvtxDomainRegisterStringA(domain, "step");
    Push push{};
    while (read(STDIN_FILENO, &push, sizeof push) == sizeof push) {
        const double start = nowNs();
        if (push == Push::Text)
            for (std::uint32_t i = 0; i < kPairs; ++i) {
                nvtxRangePushA("ProfilerStep forward");
                asm volatile("" ::: "memory");
                nvtxRangePop();
            }
        else
            for (std::uint32_t i = 0; i < kPairs; ++i) {
                nvtxDomainRangePushEx(domain, &step);
                asm volatile("" ::: "memory");
                nvtxDomainRangePop(domain);
            }
        const double perPair = (nowNs() - start) / kPairs;
        if (write(STDOUT_FILENO, &perPair, sizeof perPair) != sizeof perPair)
            return 1;
    }
    return 0;
}

void check(bool good, const char* what)
{
    if (!good)
        throw std::runtime_error(what);
}

/// A process that runs the loop with this tool, if any, and what it has taken.
class Child
{
public:
    Child(const char* tool, const std::string& socketPath)
    {
        int requests[2], answers[2];
        check(pipe2(requests, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0, "no pipes");
        m_pid = fork();
        if (m_pid == 0) {
            dup2(requests[0], STDIN_FILENO);
            dup2(answers[1], STDOUT_FILENO);
            if (tool)
                setenv("NVTX_INJECTION64_PATH", tool, 1);
            else
                unsetenv("NVTX_INJECTION64_PATH");
            setenv(capture::kSocketVariable, socketPath.c_str(), 1);
            execl("/proc/self/exe", "nvtx_pair_bench", kChildOption, nullptr);
            _exit(127);
        }
        close(requests[0]);
        close(answers[1]);
        m_requests = requests[1];
        m_answers = answers[0];
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child()
    {
        close(m_requests);
        close(m_answers);
        waitpid(m_pid, nullptr, 0);
    }

    void burst(Push push)
    {
        double perPair = 0;
        check(write(m_requests, &push, sizeof push) == sizeof push && read(m_answers, &perPair, sizeof perPair) == sizeof perPair,
              "a measured process ended");
        m_bursts.push_back(perPair);
    }

    [[nodiscard]] double medianNs()
    {
        const auto middle = m_bursts.begin() + static_cast<std::ptrdiff_t>(m_bursts.size() / 2);
        std::nth_element(m_bursts.begin(), middle, m_bursts.end());
        return *middle;
    }

private:
    pid_t m_pid = -1;
    int m_requests = -1, m_answers = -1;
    std::vector<double> m_bursts;
};

void nvtxPair(benchmark::State& state, Push push)
{
    capture::RecordingDaemon ofIdle, ofRecording;
    Child none(nullptr, {}), ring(GANTRY_NVTX_RING, {});
    Child idle(GANTRY_CAPTURE_LIBRARY, ofIdle.socketPath());
    ofIdle.accept();
    Child recording(GANTRY_CAPTURE_LIBRARY, ofRecording.socketPath());
    ofRecording.accept();
    ofRecording.open(kWindow);
    std::uint64_t lost = 0;
    for (auto _ : state) {
        for (int round = 0; round < g_rounds; ++round) {
            none.burst(push);
            idle.burst(push);
            ring.burst(push);
            recording.burst(push);
            lost += 2 * kPairs - ofRecording.read(kWindow).events.size();
        }
        state.SetIterationTime(recording.medianNs() * 1e-9);
    }
    state.counters["no_tool_ns"] = none.medianNs();
    state.counters["idle_ns"] = idle.medianNs();
    state.counters["ring_ns"] = ring.medianNs();
    state.counters["recording_ns"] = recording.medianNs();
    state.counters["idle_to_no_tool"] = idle.medianNs() / none.medianNs();
    state.counters["recording_to_ring"] = recording.medianNs() / ring.medianNs();
    state.counters["lost_events"] = static_cast<double>(lost);
}

BENCHMARK_CAPTURE(nvtxPair, text, Push::Text)->UseManualTime()->Iterations(1)->Unit(benchmark::kNanosecond);
BENCHMARK_CAPTURE(nvtxPair, registered_string, Push::RegisteredString)->UseManualTime()->Iterations(1)->Unit(benchmark::kNanosecond);

} // namespace

int main(int argc, char** argv)
{
    if (argc == 2 && std::strcmp(argv[1], kChildOption) == 0)
        return runChild();
    if (!bench::takeNumber(argc, argv, "--rounds", g_rounds, int{1})) {
        std::fprintf(stderr, "nvtx_pair_bench: --rounds takes a number\n");
        return 64;
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 64;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
