#include "remote_server/node/server_trace_rows.h"

#include "trace_model/import/event_sink.h"
#include "trace_model/import/triton_trace.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gantry::node {
namespace {

using report::TextId;

/// Keeps what the reader of the trace delivers until the times that it counts from are known. A trace of a server has requests, batches,
/// ranges and marks, and nothing else.
class TraceRows final : public importing::EventSink, public importing::RowSink
{
public:
    explicit TraceRows(report::ReportWriter& writer) : m_writer(writer) {}

    TextId intern(std::string_view text) override { return m_writer.intern(text); }
    RowSink& rows() override { return *this; }
    void add(const report::RequestRow& row) override { requests.push_back(row); }
    void add(const report::ExecutionRow& row) override { executions.push_back(row); }
    void add(const importing::RangeRow& row) override { ranges.push_back(row); }
    void add(const importing::MarkRow& row) override { marks.push_back(row); }
    void add(Loss loss) override { losses.push_back(std::move(loss)); }
    void nameThread(std::uint64_t globalTid, std::string_view name) override { threads[globalTid] = name; }
    void nameThread(std::uint64_t, TextId) override {}
    void nameProcess(std::uint64_t globalPid, std::string_view name) override { processes[globalPid] = name; }
    importing::TraceMeta& meta() override { return m_meta; }
    importing::ImportReport& report() override { return m_report; }

    void nameDomain(TextId, TextId) override {}
    void nameCategory(std::uint64_t, TextId, std::uint32_t, TextId) override {}
    void nameStream(std::uint64_t, std::uint32_t, std::uint32_t, std::uint32_t, std::string_view) override {}
    std::uint32_t define(const importing::CounterDefinition&) override { return 0; }
    void add(importing::SummaryTable) override {}
    void setWindow(TimeRange) override {}
    void add(const report::KernelRow&) override {}
    void add(const report::MemcpyRow&) override {}
    void add(const report::MemsetRow&) override {}
    void add(const report::SynchronizationRow&) override {}
    void add(const report::OverheadRow&) override {}
    void add(const importing::CallRow&) override {}
    void add(const importing::GraphRow&) override {}
    void add(const importing::GpuRangeRow&) override {}
    void add(const importing::CounterSample&) override {}

    std::vector<report::RequestRow> requests;
    std::vector<report::ExecutionRow> executions;
    std::vector<importing::RangeRow> ranges;
    std::vector<importing::MarkRow> marks;
    std::map<std::uint64_t, std::string> threads, processes;
    Losses losses;

private:
    report::ReportWriter& m_writer;
    importing::TraceMeta m_meta;
    importing::ImportReport m_report;
};

/// Puts a trace's rows on the clock of the report and under the process that wrote them.
class Placement
{
public:
    Placement(const WindowCapture& window, DurationNs shift, std::size_t runs)
        : m_shift(shift), m_length(window.closeMonotonicNs - window.openMonotonicNs), m_pid(runs == 1 ? window.serverPid : 0)
    {
    }

    [[nodiscard]] TimestampNs time(TimestampNs t) const { return t + m_shift; }
    [[nodiscard]] std::optional<TimestampNs> time(std::optional<TimestampNs> t) const { return t ? std::optional(time(*t)) : t; }
    /// A reader numbers processes from 1, and threads too: as ids of the system they would be those of others.
    [[nodiscard]] std::uint64_t process(std::uint64_t globalPid) const
    {
        const std::uint64_t number = globalPid >> 24;
        return (m_pid > 0 ? static_cast<std::uint64_t>(m_pid) : importing::kFirstMadeUpId + number) << 24;
    }
    [[nodiscard]] std::uint64_t thread(std::uint64_t globalTid) const
    {
        return process(globalTid) | importing::kFirstMadeUpId | (globalTid & 0xFFFFFF);
    }
    [[nodiscard]] bool isInWindow(TimestampNs start, TimestampNs end) const { return time(start) < m_length && time(end) >= 0; }

private:
    DurationNs m_shift, m_length;
    int m_pid;
};

} // namespace

Result<Losses> addServerTrace(const WindowCapture& window, report::ReportWriter& writer)
{
    TraceRows rows(writer);
    GANTRY_CHECK(importing::parseTritonTrace(window.serverTrace, rows, {}));
    const Placement place(window, rows.meta().sessionMonotonicNs - window.openMonotonicNs, rows.processes.size());

    std::set<std::uint64_t> batches;
    for (report::RequestRow& request : rows.requests) {
        if (!place.isInWindow(request.start.value_or(request.end.value_or(0)), request.end.value_or(request.start.value_or(0))))
            continue;
        request.globalPid = place.process(request.globalPid);
        request.start = place.time(request.start);
        request.end = place.time(request.end);
        for (auto& phase : request.phases)
            if (phase)
                phase = TimeRange{place.time(phase->start), place.time(phase->end)};
        if (request.batchId)
            batches.insert(*request.batchId);
        writer.add(request);
    }
    for (report::ExecutionRow& batch : rows.executions) {
        if (!batches.contains(batch.batchId))
            continue;
        batch.globalTid = place.thread(batch.globalTid);
        batch.start = place.time(batch.start);
        batch.end = place.time(batch.end);
        writer.add(batch);
    }

    // Numbers of domains are those of the process, whose own begin at 0.
    std::map<std::pair<std::uint64_t, TextId>, std::uint32_t> domains;
    const auto domainOf = [&](std::uint64_t globalTid, TextId text) {
        constexpr std::uint32_t kFirst = 0x40000000;
        const std::uint64_t process = place.process(globalTid);
        const auto [found, isNew] = domains.try_emplace({process, text}, kFirst + static_cast<std::uint32_t>(domains.size()));
        if (isNew) {
            report::NvtxRow domain;
            domain.type = report::NvtxEventType::DomainCreate;
            domain.domainId = found->second;
            domain.textId = text;
            domain.globalTid = process;
            writer.add(domain);
        }
        return found->second;
    };
    const auto addEvent = [&](const auto& row, report::NvtxEventType type, TimestampNs start, std::optional<TimestampNs> end) {
        if (!place.isInWindow(start, end.value_or(start)))
            return;
        report::NvtxRow event;
        event.type = type;
        event.start = place.time(start);
        event.end = place.time(end);
        event.globalTid = place.thread(row.globalTid);
        event.textId = row.textId;
        event.domainId = domainOf(row.globalTid, row.domainId);
        event.uint64Value = row.payload;
        writer.add(event);
    };
    for (const importing::RangeRow& range : rows.ranges)
        addEvent(range, report::NvtxEventType::StartEndRange, range.start, range.end);
    for (const importing::MarkRow& mark : rows.marks)
        addEvent(mark, report::NvtxEventType::Mark, mark.time, std::nullopt);
    for (const auto& [thread, name] : rows.threads)
        writer.addThreadName(place.thread(thread), name);
    for (const auto& [process, name] : rows.processes) {
        const auto pid = static_cast<int>(place.process(process) >> 24);
        const bool isThere = std::any_of(window.processes.begin(), window.processes.end(), [&](const auto& one) { return one.pid == pid; });
        if (!isThere)
            writer.add(report::ProcessRow{place.process(process), pid, name});
    }
    return std::move(rows.losses);
}

} // namespace gantry::node
