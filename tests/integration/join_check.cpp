// Compares which execution Gantry says GPU work belongs to with what gantry-serve knows that it did.
//
//     join_check REPORT GROUND_TRUTH
//
// The log says which requests an instance computed when; a stream has the name of its instance. So the stream and the time of a kernel or
// memcpy say whose it is, without the calls, threads, ranges and correlation ids that the join goes by. Prints one JSON object.

#include "trace_model/analysis/request_join.h"
#include "trace_model/trace/trace_loader.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

using namespace gantry;

namespace {

using RequestIds = std::set<std::uint64_t>;

/// When an instance computed its requests: those of a batch at the same time, those that are batched in flight one beside the other.
class Computed
{
public:
    void add(TimeRange time, std::uint64_t request)
    {
        for (std::int64_t bucket = time.start / kBucketNs; bucket <= time.end / kBucketNs; ++bucket)
            m_buckets[bucket].emplace_back(time, request);
    }

    [[nodiscard]] RequestIds at(TimestampNs time) const
    {
        RequestIds requests;
        if (const auto bucket = m_buckets.find(time / kBucketNs); bucket != m_buckets.end())
            for (const auto& [computed, request] : bucket->second)
                if (computed.start <= time && time <= computed.end)
                    requests.insert(request);
        return requests;
    }

private:
    static constexpr std::int64_t kBucketNs = 10'000'000;
    std::map<std::int64_t, std::vector<std::pair<TimeRange, std::uint64_t>>> m_buckets;
};

/// Times of CLOCK_MONOTONIC.
struct GroundTruth
{
    std::map<std::string, Computed> instances;
    std::map<std::uint64_t, std::int64_t> starts; ///< of requests
};

GroundTruth readGroundTruth(const char* path)
{
    GroundTruth truth;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const auto entry = nlohmann::json::parse(line, nullptr, false);
        if (entry.is_discarded() || !entry.contains("request")) // the first line, the last, or one that is being written
            continue;
        truth.starts[entry["request"]] = entry["start_ns"];
        if (!entry["compute_start_ns"].is_null() && entry["cache_hit"] != true)
            truth.instances[entry["instance"]].add({entry["compute_start_ns"], entry["compute_end_ns"]}, entry["request"]);
    }
    return truth;
}

/// What to add to CLOCK_MONOTONIC for a time of the trace: the median over the requests that both know.
DurationNs offsetOf(const trace::Trace& trace, const GroundTruth& truth)
{
    std::vector<DurationNs> offsets;
    for (const trace::Request& request : trace.requests)
        if (const auto known = truth.starts.find(request.id); known != truth.starts.end() && !request.cutByWindow)
            offsets.push_back(request.time.start - known->second);
    if (offsets.empty())
        return 0;
    const auto middle = offsets.begin() + static_cast<std::ptrdiff_t>(offsets.size() / 2);
    std::nth_element(offsets.begin(), middle, offsets.end());
    return *middle;
}

struct Counts
{
    std::size_t events = 0, right = 0, wrong = 0, unknown = 0; ///< of streams of instances, while they computed
    std::size_t elsewhere = 0;                                 ///< of other streams, or at other times
};

class Check
{
public:
    Check(const trace::Trace& trace, const GroundTruth& truth) : m_trace(trace), m_truth(truth), m_offset(offsetOf(trace, truth)) {}

    template <typename Columns>
    void count(const Columns& columns, trace::EventKind kind)
    {
        for (std::size_t row = 0; row < columns.size(); ++row) {
            const RequestIds known = computedAt(columns, row);
            if (known.empty()) {
                ++m_counts.elsewhere;
                keepExample("elsewhere", columns, row, {}, known);
                continue;
            }
            ++m_counts.events;
            RequestIds named;
            for (const trace::RequestIndex request : analysis::requestsOf(m_trace, trace::EventId{kind, static_cast<std::uint32_t>(row)}))
                named.insert(m_trace.requests[request.value].id);
            ++(named.empty() ? m_counts.unknown : named == known ? m_counts.right : m_counts.wrong);
            if (named != known)
                keepExample(named.empty() ? "unknown" : "wrong", columns, row, named, known);
        }
    }

    [[nodiscard]] const Counts& counts() const { return m_counts; }
    [[nodiscard]] const nlohmann::json& examples() const { return m_examples; }

private:
    /// A few of each kind: where to look.
    template <typename Columns>
    void keepExample(const char* what, const Columns& columns, std::size_t row, const RequestIds& named, const RequestIds& known)
    {
        constexpr int kOfEach = 4;
        if (m_examplesOf[what]++ >= kOfEach)
            return;
        const std::string* stream =
            m_trace.streamName(columns.globalPid(row), columns.device(row), columns.context(row), columns.stream(row));
        m_examples.push_back({{"what", what},
                              {"start_ns", columns.start[row]},
                              {"duration_ns", columns.duration(row)},
                              {"correlation", columns.correlation[row]},
                              {"stream", stream ? *stream : std::to_string(columns.stream(row))},
                              {"named", named},
                              {"known", known}});
    }

    template <typename Columns>
    RequestIds computedAt(const Columns& columns, std::size_t row) const
    {
        const std::string* name =
            m_trace.streamName(columns.globalPid(row), columns.device(row), columns.context(row), columns.stream(row));
        // "bert_base_0_1 · stream 17"
        const auto instance = name ? m_truth.instances.find(name->substr(0, name->find(" · "))) : m_truth.instances.end();
        if (instance == m_truth.instances.end())
            return {};
        return instance->second.at(columns.start[row] + columns.duration(row) / 2 - m_offset);
    }

    const trace::Trace& m_trace;
    const GroundTruth& m_truth;
    const DurationNs m_offset;
    Counts m_counts;
    std::map<std::string, int> m_examplesOf;
    nlohmann::json m_examples = nlohmann::json::array();
};

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3) {
        fmt::print(stderr, "usage: join_check REPORT GROUND_TRUTH\n");
        return 64;
    }
    const auto trace = trace::loadTrace(argv[1]);
    if (!trace) {
        fmt::print(stderr, "join_check: {}\n", trace.error().text());
        return 65;
    }
    const GroundTruth truth = readGroundTruth(argv[2]);
    Check check(**trace, truth);
    check.count((*trace)->kernels, trace::EventKind::Kernel);
    check.count((*trace)->memcpys, trace::EventKind::Memcpy);
    const Counts& counts = check.counts();
    fmt::print("{}\n", nlohmann::json({{"events", counts.events},
                                       {"right", counts.right},
                                       {"wrong", counts.wrong},
                                       {"unknown", counts.unknown},
                                       {"elsewhere", counts.elsewhere},
                                       {"examples", check.examples()}})
                           .dump());
    return 0;
}
