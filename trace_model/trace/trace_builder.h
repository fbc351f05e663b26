#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/trace/trace.h"

#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace gantry::trace {

/// Turns what readers find into a Trace. Readers fill it one after the other, each after beginFile(); then finish().
class TraceBuilder final : public importing::EventSink
{
public:
    /// How much of opening a file is reading it; the rest is finish().
    static constexpr double kReadingShare = 0.9;

    /// `cacheKey`: see Trace. `spillFolder`: where columns lie that are too large for memory; empty: in memory.
    explicit TraceBuilder(std::string cacheKey = {}, std::filesystem::path spillFolder = {});
    ~TraceBuilder() override;

    /// What comes now is of another file. `offset`: from its time 0 to that of the first file (ns, added to its times); absent: found by
    /// the clocks that the files know, else 0. Processes of different files are different ones, whatever their numbers.
    void beginFile(const std::filesystem::path& path, std::optional<DurationNs> offset = {});

    importing::TextId intern(std::string_view text) override;
    void nameCategory(std::uint64_t globalPid, importing::TextId domain, std::uint32_t category, importing::TextId name) override;
    void nameDomain(importing::TextId text, importing::TextId meaning) override { m_domains.emplace_back(text, meaning); }
    importing::RowSink& rows() override;
    std::uint32_t define(const importing::CounterDefinition& counter) override;
    void add(const report::RequestRow& row) override;
    void add(const report::ExecutionRow& row) override;
    void add(Loss loss) override { m_trace->losses.push_back(std::move(loss)); }
    void add(importing::SummaryTable table) override { m_trace->summaries.push_back(std::move(table)); }
    void nameThread(std::uint64_t globalTid, std::string_view name) override { m_trace->threadNames[keyed(globalTid)] = name; }
    void nameThread(std::uint64_t globalTid, importing::TextId name) override;
    void nameProcess(std::uint64_t globalPid, std::string_view name) override { m_trace->processNames[keyed(globalPid)] = name; }
    void nameStream(std::uint64_t globalPid, std::uint32_t device, std::uint32_t context, std::uint32_t stream,
                    std::string_view name) override
    {
        m_trace->streamNames[{keyed(globalPid), device, context, stream}] = name;
    }
    void setWindow(TimeRange window) override { m_files.back().window = window; }
    importing::TraceMeta& meta() override { return m_files.back().meta; }
    importing::ImportReport& report() override { return m_trace->imports.back(); }

    /// Everything is read: sorts, joins requests to executions, arranges tracks. Once. Errors: Cancelled, BadInput (too many events
    /// of a kind).
    [[nodiscard]] Result<std::shared_ptr<const Trace>> finish(const importing::ReadControl& control);

private:
    class Part;

    /// What one file is, and where what it gave begins.
    struct File
    {
        TraceMeta meta;
        TimeRange window;                 ///< on the clock of the first file, once they are aligned
        std::optional<DurationNs> offset; ///< as asked for
        std::size_t firstPart = 0, firstRequest = 0, firstExecution = 0;
    };

    [[nodiscard]] std::uint64_t keyed(std::uint64_t process) const;
    [[nodiscard]] TimeRange extentOf(std::size_t file) const;
    void align(std::size_t file);
    void alignAll();
    void warnOfAlignment(std::size_t file);
    [[nodiscard]] std::tuple<std::size_t, std::size_t, std::size_t> endOf(std::size_t file) const;
    void moveFile(std::size_t file, DurationNs offset);
    void joinMeta();

    Result<void> joinParts(const std::stop_token& stop);
    void applyDomains();
    [[nodiscard]] TimeRange windowOf(std::uint64_t process) const;
    [[nodiscard]] std::vector<TimeRange> requestWindows() const;
    void closeOpenRanges();
    void joinExecutions();
    void addPhases();
    void addPhasesOf(RequestIndex index, std::vector<std::pair<TimeRange, std::pair<RequestIndex, records::RequestPhase>>>& rows) const;
    [[nodiscard]] std::vector<Track> counterTracks();
    void measureTime(const std::vector<Track>& counters);

    std::filesystem::path m_spillFolder;
    std::shared_ptr<Trace> m_trace;
    StringId m_unknown; ///< "(unknown)": of what has no name
    std::mutex m_internMutex;
    std::vector<File> m_files;
    std::deque<Part> m_parts;
    std::vector<importing::CounterDefinition> m_counters;
    std::vector<std::pair<importing::TextId, importing::TextId>> m_domains;
    struct CategoryName
    {
        std::uint64_t globalPid;
        importing::TextId domain;
        std::uint32_t category;
        importing::TextId name;
    };
    std::vector<CategoryName> m_categories;
    std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> m_batchOf; ///< process and last batch, by request
    std::map<std::size_t, std::vector<std::uint64_t>> m_earlierBatches;            ///< by request
    TimeRange m_window;
};

} // namespace gantry::trace
