#include "tests/support/simulated_server.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace gantry::test {
namespace {

using trace::Trace;

constexpr std::uint64_t kProcess = 4711u << 24;
constexpr DurationNs kMicrosecond = 1000, kMillisecond = 1'000'000;

struct KernelKind
{
    const char* name;
    double microseconds; ///< of a batch of one
    int times;           ///< in an execution
};
constexpr std::array kModel = {KernelKind{"embed", 12, 1},     KernelKind{"gemm_qkv", 60, 4},  KernelKind{"attention", 45, 4},
                               KernelKind{"gemm_ffn", 80, 4}, KernelKind{"layer_norm", 8, 8}, KernelKind{"gelu", 10, 4}};

/// How busy the machine is over time: a factor around 1 that wanders.
class Busyness
{
public:
    Busyness(std::mt19937_64& random, double memory, DurationNs length)
    {
        std::normal_distribution<double> step(0, 1);
        double state = step(random);
        for (DurationNs at = 0; at <= length; at += kMillisecond) {
            m_factor.push_back(std::exp(0.06 * state));
            state = memory * state + std::sqrt(1 - memory * memory) * step(random);
        }
    }
    /// Of the host's work.
    [[nodiscard]] double at(TimestampNs time) const
    {
        return m_factor[std::min(static_cast<std::size_t>(time / kMillisecond), m_factor.size() - 1)];
    }

    /// Of the GPU's: it has less to do with others.
    [[nodiscard]] double ofGpuAt(TimestampNs time) const { return std::pow(at(time), 0.25); }

private:
    std::vector<double> m_factor;
};

struct Waiting
{
    TimestampNs arrival;
    int client;
};

class Server
{
public:
    explicit Server(const ServerSetup& setup)
        : m_setup(setup), m_random(setup.seed), m_busyness(m_random, setup.memory, 60'000 * kMillisecond), m_trace(std::make_shared<Trace>())
    {
        m_model = m_trace->strings.intern("bert");
        m_launch = m_trace->apiCalls.callees.add({m_trace->strings.intern("cudaLaunchKernel"), 0, 0});
    }

    std::shared_ptr<const Trace> run()
    {
        std::vector<TimestampNs> freeAt(static_cast<std::size_t>(m_setup.instances), 0);
        for (int client = 0; client < m_setup.clients; ++client)
            m_waiting.push_back({think(0), client});
        while (m_served < m_setup.requests) {
            const auto instance = std::min_element(freeAt.begin(), freeAt.end());
            sortWaiting();
            const TimestampNs begin = std::max(*instance, m_waiting.front().arrival);
            *instance = serve(static_cast<std::uint32_t>(instance - freeAt.begin()), begin);
        }
        return finish();
    }

private:
    double noise(double spread) { return std::exp(spread * m_normal(m_random)); }
    TimestampNs think(TimestampNs from)
    {
        return from + static_cast<DurationNs>(m_exponential(m_random) * 2.5 * kMillisecond * m_busyness.at(from));
    }
    void sortWaiting()
    {
        std::sort(m_waiting.begin(), m_waiting.end(), [](const Waiting& a, const Waiting& b) { return a.arrival < b.arrival; });
    }

    /// Executes what waits at `begin`; returns when the instance is free again.
    TimestampNs serve(std::uint32_t instance, TimestampNs begin)
    {
        std::vector<Waiting> batch;
        while (!m_waiting.empty() && m_waiting.front().arrival <= begin && static_cast<int>(batch.size()) < m_setup.largestBatch) {
            batch.push_back(m_waiting.front());
            m_waiting.erase(m_waiting.begin());
        }
        const double size = static_cast<double>(batch.size());
        TimestampNs now = begin + microseconds(15 * noise(0.2));
        now = copy(instance, now, {trace::CopyKind::HtoD, trace::MemoryKind::Pinned, trace::MemoryKind::Device}, 4 + size);
        const TimestampNs inferStart = now;
        for (const KernelKind& kind : kModel)
            for (int i = 0; i < kind.times; ++i)
                now = kernel(instance, now + microseconds(1.5 * noise(0.3)), kind, size);
        const TimestampNs inferEnd = now;
        const auto host = m_setup.isPageable ? trace::MemoryKind::Pageable : trace::MemoryKind::Pinned;
        now = copy(instance, now + microseconds(3), {trace::CopyKind::DtoH, trace::MemoryKind::Device, host}, (m_setup.isPageable ? 6 : 2) * (8 + 4 * size));
        addExecution(instance, batch, {begin, now}, {inferStart, inferEnd});
        return now + microseconds(5);
    }

    static DurationNs microseconds(double count) { return static_cast<DurationNs>(count * kMicrosecond); }

    TimestampNs kernel(std::uint32_t instance, TimestampNs at, const KernelKind& kind, double batch)
    {
        const auto slower = m_setup.slower.find(kind.name);
        const double factor = (slower == m_setup.slower.end() ? 1 : slower->second) / m_setup.clock * m_busyness.ofGpuAt(at) * noise(0.02);
        const TimestampNs end = at + microseconds(kind.microseconds * (0.8 + 0.2 * batch) * factor);
        launch(instance, at - kMicrosecond);
        const trace::StringId name = m_trace->strings.intern(kind.name);
        m_kernels.push_back({{at, end}, instance, m_correlation, m_trace->kernels.names.add({name, name}), {}});
        return end;
    }

    TimestampNs copy(std::uint32_t instance, TimestampNs at, trace::CopyRoute route, double length)
    {
        const TimestampNs end = at + microseconds(length * m_busyness.at(at) * noise(0.05));
        launch(instance, at - kMicrosecond);
        m_copies.push_back({{at, end}, instance, m_correlation, 0, route});
        return end;
    }

    void launch(std::uint32_t instance, TimestampNs at) { m_calls.push_back({{at, at + 800}, instance, ++m_correlation, 0, {}}); }

    void addExecution(std::uint32_t instance, const std::vector<Waiting>& batch, TimeRange time, TimeRange infer)
    {
        trace::Execution execution;
        execution.batchId = m_trace->executions.size() + 1;
        execution.model = m_model;
        execution.instance = m_trace->strings.intern("bert_0_" + std::to_string(instance));
        execution.globalTid = threadOf(instance);
        execution.time = time;
        m_trace->executions.push_back(execution);
        for (const Waiting& member : batch) {
            trace::Request request;
            request.id = static_cast<std::uint64_t>(++m_served);
            request.model = m_model;
            const TimestampNs answered = time.end + microseconds(20 * noise(0.2));
            request.time = {member.arrival, answered};
            request.execution = trace::ExecutionIndex(static_cast<std::uint32_t>(m_trace->executions.size() - 1));
            using records::RequestPhase;
            const auto phase = [&](RequestPhase which) -> auto& { return request.phases[static_cast<std::size_t>(which)]; };
            phase(RequestPhase::Queue) = TimeRange{member.arrival, time.start};
            phase(RequestPhase::ComputeInput) = TimeRange{time.start, infer.start};
            phase(RequestPhase::ComputeInfer) = infer;
            phase(RequestPhase::ComputeOutput) = TimeRange{infer.end, time.end};
            m_requests.push_back(request);
            m_waiting.push_back({think(answered), member.client});
        }
    }

    [[nodiscard]] static std::uint64_t threadOf(std::uint32_t instance) { return kProcess | (100 + instance); }

    struct Event
    {
        TimeRange time;
        std::uint32_t instance, correlation, name;
        trace::CopyRoute route;
    };

    static void sortByStart(std::vector<Event>& events)
    {
        std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.time.start < b.time.start; });
    }

    void place(trace::GpuEventColumns& columns, const Event& event)
    {
        columns.addTimes(event.time.start, event.time.end);
        columns.correlation.push_back(event.correlation);
        columns.placeNumber.push_back(columns.places.add({kProcess, 0, 1, 7 + event.instance, 0}));
    }

    std::shared_ptr<const Trace> finish()
    {
        for (auto* events : {&m_kernels, &m_copies, &m_calls})
            sortByStart(*events);
        for (const Event& event : m_kernels) {
            place(m_trace->kernels, event);
            m_trace->kernels.nameNumber.push_back(event.name);
            m_trace->kernels.shapeNumber.push_back(m_trace->kernels.shapes.add({}));
        }
        for (const Event& event : m_copies) {
            place(m_trace->memcpys, event);
            m_trace->memcpys.bytes.push_back(4096);
            m_trace->memcpys.route.push_back(event.route);
        }
        for (std::size_t row = 0; row < m_calls.size(); ++row) {
            trace::CallColumns& calls = m_trace->apiCalls;
            calls.addTimes(m_calls[row].time.start, m_calls[row].time.end);
            calls.threadNumber.push_back(calls.threads.add(threadOf(m_calls[row].instance)));
            calls.calleeNumber.push_back(m_launch);
            calls.correlation.add(row, m_calls[row].correlation);
        }
        arrangeRequests();
        m_trace->time = {0, m_end};
        m_trace->window = m_trace->time;
        m_trace->meta.gpus = {{0, "Simulated GPU", "GPU-0", 0}};
        addClock();
        return std::move(m_trace);
    }

    void arrangeRequests()
    {
        std::stable_sort(m_requests.begin(), m_requests.end(), [](const auto& a, const auto& b) { return a.time.start < b.time.start; });
        std::vector<std::vector<trace::RequestIndex>> members(m_trace->executions.size());
        for (const trace::Request& request : m_requests) {
            members[request.execution.value].emplace_back(static_cast<std::uint32_t>(m_trace->requests.size()));
            m_trace->requests.push_back(request);
            m_end = std::max(m_end, request.time.end);
        }
        for (std::size_t i = 0; i < members.size(); ++i) {
            m_trace->executions[i].firstMember = static_cast<std::uint32_t>(m_trace->executionMembers.size());
            m_trace->executions[i].memberCount = static_cast<std::uint32_t>(members[i].size());
            for (const trace::RequestIndex member : members[i])
                m_trace->executionMembers.push_back(member);
        }
    }

    void addClock()
    {
        trace::Track track;
        track.kind = trace::TrackKind::Counter;
        track.name = "gpu_sm_clock_hz";
        track.counter.unit = "Hz";
        for (TimestampNs at = 0; at < m_end; at += 10 * kMillisecond) {
            track.counter.time.push_back(at);
            track.counter.value.push_back(1.98e9 * m_setup.clock);
        }
        m_trace->tracks.push_back(std::move(track));
    }

    const ServerSetup& m_setup;
    std::mt19937_64 m_random;
    std::normal_distribution<double> m_normal;
    std::exponential_distribution<double> m_exponential;
    Busyness m_busyness;
    std::shared_ptr<Trace> m_trace;
    trace::StringId m_model;
    std::uint32_t m_launch = 0, m_correlation = 0;
    std::vector<Waiting> m_waiting;
    std::vector<Event> m_kernels, m_copies, m_calls;
    std::vector<trace::Request> m_requests;
    TimestampNs m_end = 0;
    int m_served = 0;
};

} // namespace

std::shared_ptr<const trace::Trace> traceOfServer(const ServerSetup& setup)
{
    return Server(setup).run();
}

} // namespace gantry::test
