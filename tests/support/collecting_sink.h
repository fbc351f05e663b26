#pragma once

#include "trace_model/import/event_sink.h"

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace gantry::test {

/// Rows of one thread, as they came.
struct CollectedRows : importing::RowSink
{
    void add(const report::KernelRow& row) override { kernels.push_back(row); }
    void add(const report::MemcpyRow& row) override { memcpys.push_back(row); }
    void add(const report::MemsetRow& row) override { memsets.push_back(row); }
    void add(const report::SynchronizationRow& row) override { synchronizations.push_back(row); }
    void add(const report::OverheadRow& row) override { overheads.push_back(row); }
    void add(const importing::CallRow& row) override { calls.push_back(row); }
    void add(const importing::RangeRow& row) override { ranges.push_back(row); }
    void add(const importing::MarkRow& row) override { marks.push_back(row); }
    void add(const importing::GraphRow& row) override { graphs.push_back(row); }
    void add(const importing::GpuRangeRow& row) override { gpuRanges.push_back(row); }
    void add(const importing::CounterSample& sample) override { samples.push_back(sample); }

    std::vector<report::KernelRow> kernels;
    std::vector<report::MemcpyRow> memcpys;
    std::vector<report::MemsetRow> memsets;
    std::vector<report::SynchronizationRow> synchronizations;
    std::vector<report::OverheadRow> overheads;
    std::vector<importing::CallRow> calls;
    std::vector<importing::RangeRow> ranges;
    std::vector<importing::MarkRow> marks;
    std::vector<importing::GraphRow> graphs;
    std::vector<importing::GpuRangeRow> gpuRanges;
    std::vector<importing::CounterSample> samples;
};

/// Keeps everything a reader delivers, for tests to look at.
class CollectingSink : public importing::EventSink
{
public:
    CollectingSink() { static_cast<void>(intern("")); } // id 0 is none

    report::TextId intern(std::string_view text) override
    {
        const std::lock_guard lock(m_mutex);
        const auto [found, isNew] = m_ids.try_emplace(std::string(text), static_cast<report::TextId>(m_texts.size()));
        if (isNew)
            m_texts.emplace_back(text);
        return found->second;
    }
    void nameDomain(report::TextId text, report::TextId meaning) override { domains[text] = meaning; }
    importing::RowSink& rows() override { return parts.emplace_back(); }
    std::uint32_t define(const importing::CounterDefinition& counter) override
    {
        counters.push_back(counter);
        return static_cast<std::uint32_t>(counters.size() - 1);
    }
    void add(const report::RequestRow& row) override { requests.push_back(row); }
    void add(const report::ExecutionRow& row) override { executions.push_back(row); }
    void add(Loss loss) override { losses.push_back(std::move(loss)); }
    void add(importing::SummaryTable table) override { summaries.push_back(std::move(table)); }
    void nameThread(std::uint64_t globalTid, std::string_view name) override { threadNames[globalTid] = name; }
    void nameThread(std::uint64_t globalTid, report::TextId name) override { threadNames[globalTid] = text(name); }
    void nameProcess(std::uint64_t globalPid, std::string_view name) override { processNames[globalPid] = name; }
    void nameStream(std::uint64_t globalPid, std::uint32_t device, std::uint32_t context, std::uint32_t stream,
                    std::string_view name) override
    {
        streamNames[{globalPid, device, context, stream}] = name;
    }
    void nameCategory(std::uint64_t globalPid, report::TextId domain, std::uint32_t category, report::TextId name) override
    {
        categoryNames[{globalPid, text(domain), category}] = text(name);
    }
    void setWindow(TimeRange time) override { window = time; }
    importing::TraceMeta& meta() override { return m_meta; }
    importing::ImportReport& report() override { return m_report; }

    [[nodiscard]] const std::string& text(report::TextId id) const { return m_texts.at(static_cast<std::size_t>(id)); }
    /// All rows of one kind, part after part: `all(&CollectedRows::kernels)`.
    template <typename Row>
    [[nodiscard]] std::vector<Row> all(std::vector<Row> CollectedRows::*kind) const
    {
        std::vector<Row> rows;
        for (const CollectedRows& part : parts)
            rows.insert(rows.end(), (part.*kind).begin(), (part.*kind).end());
        return rows;
    }

    std::deque<CollectedRows> parts;
    std::vector<importing::CounterDefinition> counters;
    std::vector<report::RequestRow> requests;
    std::vector<report::ExecutionRow> executions;
    Losses losses;
    std::vector<importing::SummaryTable> summaries;
    std::map<std::uint64_t, std::string> threadNames, processNames;
    std::map<std::tuple<std::uint64_t, std::uint32_t, std::uint32_t, std::uint32_t>, std::string>
        streamNames;                                                                            ///< by process, device, context, stream
    std::map<std::tuple<std::uint64_t, std::string, std::uint32_t>, std::string> categoryNames; ///< by process, domain, number
    std::map<report::TextId, report::TextId> domains;
    TimeRange window;

private:
    std::mutex m_mutex;
    std::deque<std::string> m_texts;
    std::map<std::string, report::TextId> m_ids;
    importing::TraceMeta m_meta;
    importing::ImportReport m_report;
};

} // namespace gantry::test
