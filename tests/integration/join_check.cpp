// Compares which execution Gantry says GPU work belongs to with what gantry-serve knows that it did.
//
//     join_check REPORT GROUND_TRUTH
//
// The log says which batch an instance computed when; a stream has the name of its instance. So the stream and the time of a kernel or
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

struct Batch
{
    TimeRange time; ///< CLOCK_MONOTONIC
    std::set<std::uint64_t> requests;
};

/// Of one instance, by number.
using Batches = std::map<std::uint64_t, Batch>;

struct GroundTruth
{
    std::map<std::string, Batches> instances;
    std::map<std::uint64_t, std::int64_t> starts; ///< of requests, CLOCK_MONOTONIC
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
        if (entry["compute_start_ns"].is_null() || entry["cache_hit"] == true)
            continue;
        Batch& batch = truth.instances[entry["instance"]][entry["batch"]];
        batch.time = {entry["compute_start_ns"], entry["compute_end_ns"]};
        batch.requests.insert(entry["request"].get<std::uint64_t>());
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
    std::size_t events = 0, right = 0, wrong = 0, unknown = 0; ///< of streams of instances, in a batch that the server knows
    std::size_t elsewhere = 0;                                 ///< of other streams, or in no batch
};

class Check
{
public:
    Check(const trace::Trace& trace, const GroundTruth& truth) : m_trace(trace), m_truth(truth), m_offset(offsetOf(trace, truth)) {}

    template <typename Columns>
    void count(const Columns& columns, trace::EventKind kind)
    {
        for (std::size_t row = 0; row < columns.size(); ++row) {
            const Batch* batch = batchOf(columns, row);
            if (!batch) {
                ++m_counts.elsewhere;
                continue;
            }
            ++m_counts.events;
            std::set<std::uint64_t> named;
            for (const trace::RequestIndex request : analysis::requestsOf(m_trace, trace::EventId{kind, static_cast<std::uint32_t>(row)}))
                named.insert(m_trace.requests[request.value].id);
            ++(named.empty() ? m_counts.unknown : named == batch->requests ? m_counts.right : m_counts.wrong);
        }
    }

    [[nodiscard]] const Counts& counts() const { return m_counts; }

private:
    template <typename Columns>
    const Batch* batchOf(const Columns& columns, std::size_t row) const
    {
        const std::string* name = m_trace.streamName(columns.globalPid(row), columns.device(row), columns.context(row), columns.stream(row));
        // "bert_base_0_1 · stream 17"
        const auto batches = name ? m_truth.instances.find(name->substr(0, name->find(" · "))) : m_truth.instances.end();
        if (batches == m_truth.instances.end())
            return nullptr;
        const TimestampNs middle = columns.start[row] + columns.duration(row) / 2 - m_offset;
        for (const auto& [number, batch] : batches->second)
            if (batch.time.start <= middle && middle <= batch.time.end)
                return &batch;
        return nullptr;
    }

    const trace::Trace& m_trace;
    const GroundTruth& m_truth;
    const DurationNs m_offset;
    Counts m_counts;
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
    fmt::print("{}\n", nlohmann::json({{"events", counts.events}, {"right", counts.right}, {"wrong", counts.wrong},
                                       {"unknown", counts.unknown}, {"elsewhere", counts.elsewhere}})
                           .dump());
    return 0;
}
