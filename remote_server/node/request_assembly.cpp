#include "remote_server/node/request_assembly.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

namespace gantry::node {
namespace {

namespace convention = records::nvtx_convention;
using records::RequestPhase;

/// "bert_base:1" → model and version; no colon: version "".
std::pair<std::string_view, std::string_view> modelAndVersion(std::string_view category)
{
    const std::size_t colon = category.rfind(':');
    if (colon == std::string_view::npos)
        return {category, {}};
    return {category.substr(0, colon), category.substr(colon + 1)};
}

/// "bert_0_1", the second instance of the first group of a model, → "bert".
std::string_view modelOfInstance(std::string_view instance)
{
    for (int numbers = 0; numbers < 2; ++numbers) {
        const std::size_t last = instance.find_last_not_of("0123456789");
        if (last == std::string_view::npos || last == 0 || last + 1 == instance.size() || instance[last] != '_')
            break;
        instance.remove_suffix(instance.size() - last);
    }
    return instance;
}

class Assembly
{
public:
    Assembly(const std::vector<NvtxSpan>& spans, std::uint32_t domain, const NvtxNames& names, std::uint64_t globalPid,
             report::ReportWriter& writer)
        : m_spans(spans), m_domain(domain), m_names(names), m_globalPid(globalPid), m_writer(writer)
    {
    }

    RequestAssembly run()
    {
        for (const NvtxSpan& span : m_spans)
            if (span.domain == m_domain && span.payloadType != records::PayloadType::None)
                take(span);
        joinBatches();
        return finish();
    }

private:
    report::RequestRow& request(std::uint64_t id)
    {
        auto [place, isNew] = m_requestIndex.try_emplace(id, m_requests.size());
        if (isNew) {
            m_requests.emplace_back();
            m_requests.back().requestId = id;
            m_requests.back().globalPid = m_globalPid;
        }
        return m_requests[place->second];
    }

    using Compute = std::array<std::optional<TimeRange>, 3>; ///< of a batch: input, infer, output

    static std::optional<TimeRange> closed(const NvtxSpan& span)
    {
        return span.end ? std::optional(TimeRange{span.start, *span.end}) : std::nullopt;
    }

    void setModel(const NvtxSpan& span, report::TextId& model, report::TextId& version)
    {
        const auto category = m_names.categories.find({span.domain, span.category});
        const auto [name, number] =
            modelAndVersion(category == m_names.categories.end() ? std::string_view("(unknown model)") : category->second);
        model = m_writer.intern(name);
        version = m_writer.intern(number);
    }

    void take(const NvtxSpan& span)
    {
        const std::string_view text = m_names.text(span);
        if (text == convention::kRequest) {
            report::RequestRow& row = request(span.payload);
            row.start = span.start;
            row.end = span.end;
            setModel(span, row.model, row.version);
        } else if (text == convention::kQueue) {
            request(span.payload).phases[static_cast<int>(RequestPhase::Queue)] = closed(span);
        } else if (text == convention::kCache) {
            request(span.payload).phases[static_cast<int>(RequestPhase::Cache)] = closed(span);
        } else if (text == convention::kFailed) {
            request(span.payload).failed = true;
        } else if (text == convention::kRequestDone) {
            if (report::RequestRow& row = request(span.payload); !row.start) { // else its range says when it ended
                row.end = span.start;
                setModel(span, row.model, row.version);
            }
        } else if (text.starts_with(convention::kClientIdPrefix)) {
            request(span.payload).clientId = m_writer.intern(text.substr(sizeof convention::kClientIdPrefix - 1));
        } else if (text == convention::kExecute) {
            m_executionsOfThread[span.tid].push_back(addExecution(span));
        } else if (text == convention::kMember) {
            m_members.push_back(&span);
        } else if (text == convention::kMemberDone) {
            if (!m_executionsOfThread.contains(span.tid))
                m_members.push_back(&span);
        } else if (text == convention::kExecuteDone) {
            addIfUnderWay(span);
        } else if (text == convention::kComputeInput) {
            m_compute[span.payload][0] = closed(span);
        } else if (text == convention::kComputeInfer) {
            m_compute[span.payload][1] = closed(span);
        } else if (text == convention::kComputeOutput) {
            m_compute[span.payload][2] = closed(span);
        }
    }

    std::size_t addExecution(const NvtxSpan& span)
    {
        report::ExecutionRow row;
        row.batchId = span.payload;
        row.globalTid = m_globalPid | span.tid;
        row.start = span.start;
        row.end = span.end;
        setModel(span, row.model, row.version);
        const auto thread = m_names.threads.find(span.tid);
        row.instance = m_writer.intern(thread == m_names.threads.end() ? "thread " + std::to_string(span.tid) : thread->second);
        m_executions.push_back(row);
        return m_executions.size() - 1;
    }

    /// The mark at the end of an execution that began before the window, which is the first of its thread.
    void addIfUnderWay(NvtxSpan done)
    {
        std::vector<std::size_t>& ofThread = m_executionsOfThread[done.tid];
        if (!ofThread.empty())
            return;
        done.end = std::exchange(done.start, 0);
        ofThread.push_back(addExecution(done));
    }

    /// A member belongs to the execution of its thread that holds its time; executions of a thread come in order of time.
    void joinBatches()
    {
        for (const NvtxSpan* member : m_members) {
            const auto& candidates = m_executionsOfThread[member->tid];
            const auto after = std::upper_bound(candidates.begin(), candidates.end(), member->start,
                                                [this](TimestampNs t, std::size_t i) { return t < m_executions[i].start; });
            if (after == candidates.begin())
                continue; // the execution began before the window
            const report::ExecutionRow& execution = m_executions[*std::prev(after)];
            if (execution.end && member->start > *execution.end)
                continue;
            report::RequestRow& row = request(member->payload);
            if (const auto earlier = std::exchange(row.batchId, execution.batchId))
                row.earlierBatches.push_back(*earlier);
            if (!row.start && !row.end) { // it arrived before the window and ends after it: the batch knows its model
                row.model = execution.model;
                row.version = execution.version;
            }
            if (const auto compute = m_compute.find(execution.batchId); compute != m_compute.end())
                addCompute(row, compute->second);
        }
    }

    /// The phases of one more execution. Of a request with several, which come in order of time, compute input is the first one's, compute
    /// output the last one's, and compute infer what lies between.
    static void addCompute(report::RequestRow& row, const Compute& compute)
    {
        const auto phase = [&](RequestPhase which) -> std::optional<TimeRange>& { return row.phases[static_cast<std::size_t>(which)]; };
        const auto& [input, infer, output] = compute;
        auto& rowInfer = phase(RequestPhase::ComputeInfer);
        if (row.earlierBatches.empty()) {
            phase(RequestPhase::ComputeInput) = input;
            rowInfer = infer;
        } else if (rowInfer) {
            rowInfer = infer ? std::optional(TimeRange{rowInfer->start, infer->end}) : std::nullopt;
        }
        phase(RequestPhase::ComputeOutput) = output;
    }

    RequestAssembly finish()
    {
        const auto firstTime = [](const report::RequestRow& r) {
            if (r.start)
                return *r.start;
            for (const auto& phase : r.phases)
                if (phase)
                    return phase->start;
            return TimestampNs{0};
        };
        // A request of which only a mark or a cut phase was seen says nothing that could be drawn.
        std::erase_if(m_requests, [](const report::RequestRow& r) {
            return !r.start && !r.end && !r.batchId && std::none_of(r.phases.begin(), r.phases.end(), [](const auto& p) { return p.has_value(); });
        });
        std::stable_sort(m_requests.begin(), m_requests.end(), [&](const auto& a, const auto& b) { return firstTime(a) < firstTime(b); });
        std::stable_sort(m_executions.begin(), m_executions.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
        return {std::move(m_requests), std::move(m_executions)};
    }

    const std::vector<NvtxSpan>& m_spans;
    std::uint32_t m_domain;
    const NvtxNames& m_names;
    std::uint64_t m_globalPid;
    report::ReportWriter& m_writer;

    std::vector<report::RequestRow> m_requests;
    std::unordered_map<std::uint64_t, std::size_t> m_requestIndex;
    std::vector<report::ExecutionRow> m_executions;
    std::unordered_map<std::uint32_t, std::vector<std::size_t>> m_executionsOfThread;
    std::vector<const NvtxSpan*> m_members;
    std::unordered_map<std::uint64_t, Compute> m_compute; ///< by batch
};

} // namespace

RequestAssembly assembleRequests(const std::vector<NvtxSpan>& spans, std::uint32_t domain, const NvtxNames& names, std::uint64_t globalPid,
                                 report::ReportWriter& writer)
{
    return Assembly(spans, domain, names, globalPid, writer).run();
}

std::vector<report::ExecutionRow> assembleTritonExecutions(const std::vector<NvtxSpan>& spans, std::uint32_t domain, const NvtxNames& names,
                                                           std::uint64_t globalPid, report::ReportWriter& writer)
{
    constexpr std::string_view kExecution = "BackendThread ";
    std::vector<report::ExecutionRow> executions;
    for (const NvtxSpan& span : spans) {
        const std::string_view text = span.domain == domain ? names.text(span) : std::string_view();
        if (!text.starts_with(kExecution))
            continue;
        const std::string_view instance = text.substr(kExecution.size());
        report::ExecutionRow row;
        row.globalTid = globalPid | span.tid;
        row.start = span.start;
        row.end = span.end;
        row.model = writer.intern(modelOfInstance(instance));
        row.version = writer.intern("");
        row.instance = writer.intern(instance);
        executions.push_back(row);
    }
    std::stable_sort(executions.begin(), executions.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
    for (std::size_t i = 0; i < executions.size(); ++i)
        executions[i].batchId = i + 1;
    return executions;
}

} // namespace gantry::node
