#include "trace_model/import/iteration_log.h"

#include "trace_model/base/counted.h"
#include "trace_model/import/file_contents.h"
#include "trace_model/import/iteration_counters.h"
#include "trace_model/import/iteration_entries.h"
#include "trace_model/import/session_start.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

namespace gantry::importing {
namespace {

constexpr std::uint64_t kGlobalPid = std::uint64_t{1} << 24;
constexpr std::size_t kMostRanks = 1024;   // more are no ranks but damage
constexpr std::size_t kMostCounters = 256; // of one rank
constexpr double kNsPerMs = 1e6;
constexpr double kLongestStepMs = 86'400'000; // a day
/// Between entries that have neither a time nor a duration.
constexpr DurationNs kUnknownStep = 1'000'000;

std::string_view name(IterationSource source)
{
    switch (source) {
    case IterationSource::TensorRtLlm: return "TensorRT-LLM";
    case IterationSource::Vllm: return "vLLM";
    case IterationSource::Sglang: return "SGLang";
    }
    return "";
}

struct Counter
{
    std::uint32_t id = 0;
    double factor = 1;
};

struct Rank
{
    std::unordered_map<std::string, Counter> counters; ///< by key
    std::map<std::string, std::uint32_t> idsByName;    ///< several keys may mean the same
    TimestampNs previousStart = 0;
    std::optional<TimestampNs> previousEnd;
    std::optional<std::int64_t> previousIteration;
};

class IterationLogReader
{
public:
    /// Gives the text from its begin on, and how much of it that was.
    struct Text
    {
        TextWindow::Read read;
        std::uint64_t expectedBytes = 0; ///< see TextWindow
        std::function<double()> fractionRead;
    };
    /// Called for each of two walks.
    using Open = std::function<Result<Text>()>;

    IterationLogReader(Open open, EventSink& sink, const ReadControl& control) : m_open(std::move(open)), m_sink(sink), m_control(control), m_rows(sink.rows()) {}

    [[nodiscard]] Result<void> read()
    {
        GANTRY_CHECK(forEachEntry(0, [&](const IterationEntry& entry) {
            ++m_entries;
            if (entry.time)
                m_times.push_back(entry.time->time);
        }));
        if (m_entries == 0)
            return Error{ErrorCode::BadInput,
                         "nothing in this log is about iterations: run TensorRT-LLM with enable_iter_perf_stats or print_iter_log, vLLM and SGLang with their statistics on", {}};
        m_start = sessionStart(m_times, [](TimestampNs time) { return time; }).value_or(0);
        GANTRY_CHECK(forEachEntry(0.5, [&](const IterationEntry& entry) { deliver(entry); }));
        describe();
        return {};
    }

private:
    /// Walks the log; half of the progress.
    template <typename Call>
    Result<void> forEachEntry(double progressBefore, Call call)
    {
        GANTRY_TRY(Text text, m_open());
        IterationEntries entries(std::move(text.read), text.expectedBytes);
        std::uint64_t reported = 0;
        while (true) {
            if (m_control.stop.stop_requested())
                return Error{ErrorCode::Cancelled, "reading the iteration log was cancelled", {}};
            GANTRY_TRY(const bool isMore, entries.next());
            if (!isMore)
                break;
            if (entries.hasEntry())
                call(entries.entry());
            if (m_control.progress && entries.position() - reported > 65536) {
                reported = entries.position();
                m_control.progress(progressBefore + 0.5 * std::min(1.0, text.fractionRead()), "iterations");
            }
        }
        m_damaged = entries.damaged();
        return {};
    }

    void deliver(const IterationEntry& entry)
    {
        TableTally& tally = m_sink.report().table("iterations");
        if (entry.rank < 0 || (m_ranks.size() >= kMostRanks && !m_ranks.contains(entry.rank)))
            return tally.skip("no such rank");
        const bool hasStep = entry.stepMs && *entry.stepMs >= 0 && *entry.stepMs <= kLongestStepMs;
        if (entry.stepMs && !hasStep)
            ++m_impossibleSteps;
        const DurationNs step = hasStep ? std::llround(*entry.stepMs * kNsPerMs) : 0;
        Rank& rank = m_ranks[entry.rank];
        std::optional<TimestampNs> start;
        if (entry.time) {
            start = startOf(*entry.time, step, rank);
            m_hasUndated = m_hasUndated || !entry.time->hasDate;
        } else if (m_times.empty() || rank.previousEnd) {
            start = rank.previousEnd.value_or(0) + (hasStep ? 0 : kUnknownStep);
            ++m_withoutTime;
        }
        if (!start || !areEventTimes(*start, *start + step))
            return tally.skip(start ? "too far from all others" : "no time");
        tally.keep();
        m_sources[static_cast<std::size_t>(entry.source)] += 1;
        const TimestampNs end = *start + step;
        if (hasStep)
            addRange(entry, *start, end);
        addSamples(entry, rank, *start);
        m_time = {std::min(m_time.start, *start), std::max(m_time.end, end)};
        rank.previousStart = *start;
        rank.previousEnd = end;
        rank.previousIteration = entry.iteration;
    }

    /// The time is taken when an iteration ends. Where it is written in whole seconds, iterations of one second follow each other.
    std::optional<TimestampNs> startOf(const LogTime& time, DurationNs step, const Rank& rank) const
    {
        constexpr DurationNs kFine = 1'000'000;
        const auto end = sessionTime(time.time, m_start);
        if (!end)
            return std::nullopt;
        const TimestampNs earliest = *end - step;
        if (time.resolution <= kFine || !rank.previousEnd || step == 0)
            return earliest;
        return std::clamp(*rank.previousEnd, earliest, earliest + time.resolution - 1);
    }

    void addRange(const IterationEntry& entry, TimestampNs start, TimestampNs end)
    {
        RangeRow range;
        range.start = start;
        range.end = end;
        range.globalTid = threadOf(entry.rank);
        range.textId = m_sink.intern("iteration");
        range.domainId = m_sink.intern(name(entry.source));
        if (entry.iteration && *entry.iteration >= 0)
            range.payload = static_cast<std::uint64_t>(*entry.iteration);
        m_rows.add(range);
    }

    /// `time`: when the iteration began; what is said of it holds over all of it.
    void addSamples(const IterationEntry& entry, Rank& rank, TimestampNs time)
    {
        TableTally& tally = m_sink.report().table("values");
        std::optional<double> blocksUsed, blocksTotal;
        bool isUtilisationKnown = false;
        for (const auto& [key, value] : entry.values) {
            const auto counter = counterOf(rank, entry.rank, key);
            if (!counter || !std::isfinite(value * counter->factor)) {
                tally.skip(counter ? "not a finite number" : "more than 256 kinds of values");
                continue;
            }
            tally.keep();
            m_rows.add(CounterSample{counter->id, time, value * counter->factor});
            if (key == "Used KV cache blocks" || key == "kvCacheStats.usedNumBlocks")
                blocksUsed = value;
            else if (key == "Max KV cache blocks" || key == "kvCacheStats.maxNumBlocks")
                blocksTotal = value;
            isUtilisationKnown = isUtilisationKnown || key == "kv_cache_util";
        }
        if (blocksUsed && blocksTotal && *blocksTotal > 0 && !isUtilisationKnown)
            if (const auto counter = counterOf(rank, entry.rank, "kv_cache_util"))
                m_rows.add(CounterSample{counter->id, time, *blocksUsed / *blocksTotal * counter->factor});
        // The GPU's time is known one iteration later.
        if (entry.previousDeviceStepMs && rank.previousEnd && rank.previousIteration && entry.iteration && *rank.previousIteration + 1 == *entry.iteration)
            if (const auto counter = counterOf(rank, entry.rank, "prev_device_step_time")) {
                tally.keep();
                m_rows.add(CounterSample{counter->id, rank.previousStart, *entry.previousDeviceStepMs});
            }
    }

    std::optional<Counter> counterOf(Rank& rank, std::int64_t number, const std::string& key)
    {
        const auto found = rank.counters.find(key);
        if (found != rank.counters.end())
            return found->second;
        if (rank.counters.size() >= kMostCounters)
            return std::nullopt;
        const IterationCounter meaning = iterationCounter(key);
        const auto named = rank.idsByName.find(meaning.name);
        const std::uint32_t id = named != rank.idsByName.end() ? named->second : m_sink.define({meaning.name, meaning.unit, groupOf(number), key});
        rank.idsByName[meaning.name] = id;
        return rank.counters[key] = Counter{id, meaning.factor};
    }

    static std::string groupOf(std::int64_t rank) { return "rank " + std::to_string(rank); }
    static std::uint64_t threadOf(std::int64_t rank) { return kGlobalPid | (static_cast<std::uint64_t>(rank) % 0xFFFFFE + 1); }

    void describe()
    {
        const auto most = std::max_element(m_sources.begin(), m_sources.end());
        const std::string producer(name(static_cast<IterationSource>(most - m_sources.begin())));
        m_sink.nameProcess(kGlobalPid, producer);
        for (const auto& [number, rank] : m_ranks)
            m_sink.nameThread(threadOf(number), groupOf(number));
        TraceMeta& meta = m_sink.meta();
        meta.format = "iteration-log";
        meta.producer = producer;
        meta.targetName = producer;
        ImportReport& report = m_sink.report();
        report.format = "iteration log";
        report.producer = producer;
        report.time = m_time;
        const auto warn = [&](bool isSo, const std::string& sentence) {
            if (isSo)
                meta.warnings.push_back(sentence);
        };
        const bool hasWallClock = !m_times.empty() && !m_hasUndated;
        if (hasWallClock)
            meta.sessionUtcNs = m_start;
        meta.isUtcOfUnknownZone = hasWallClock;
        if (m_damaged > 0)
            meta.spoil("entries of the log are cut off");
        if (m_times.empty())
            report.clock = "The file has no times: iterations are shown one behind the other.";
        else if (hasWallClock)
            report.clock = "Times are the server's local time, whose zone the file does not say: they are read as UTC.";
        else
            report.clock = "Times are the server's local time without zone and date.";
        warn(hasWallClock, "The log's times are local time without a zone; they are read as UTC.");
        warn(!hasWallClock && !m_times.empty(), "The log's times have no date; the trace has no wall clock.");
        warn(m_withoutTime > 0, fmt::format("{} without a time, shown behind the one before.", counted(m_withoutTime, "entry")));
        warn(m_impossibleSteps > 0, fmt::format("{} of a negative or impossible duration, of which only counters are shown.",
                                                counted(m_impossibleSteps, "iteration")));
        warn(m_damaged > 0, fmt::format("{} of the log cut off and not shown.", counted(m_damaged, "entry")));
    }

    Open m_open;
    EventSink& m_sink;
    const ReadControl& m_control;
    RowSink& m_rows;
    std::map<std::int64_t, Rank> m_ranks;
    std::vector<TimestampNs> m_times;
    std::array<std::uint64_t, 3> m_sources{};
    TimestampNs m_start = 0;
    TimeRange m_time;
    std::uint64_t m_entries = 0, m_withoutTime = 0, m_impossibleSteps = 0, m_damaged = 0;
    bool m_hasUndated = false;
};

} // namespace

Result<void> readIterationLog(const std::filesystem::path& path, EventSink& sink, const ReadControl& control)
{
    std::shared_ptr<report::ByteSource> source; // of the last walk
    const auto open = [&]() -> Result<IterationLogReader::Text> {
        GANTRY_TRY(source, report::ByteSource::open(path));
        IterationLogReader::Text text;
        text.read = [source](std::span<char> into) { return source->read(into); };
        text.expectedBytes = source->packing() == Packing::None ? source->fileBytes() : std::numeric_limits<std::uint64_t>::max();
        text.fractionRead = [source] { return static_cast<double>(source->fileBytesRead()) / static_cast<double>(source->fileBytes()); };
        return text;
    };
    GANTRY_CHECK(IterationLogReader(open, sink, control).read().context(path.string()));
    describeFile(path, *source, sink);
    return {};
}

Result<void> parseIterationLog(std::string_view content, EventSink& sink, const ReadControl& control)
{
    const auto open = [&]() -> Result<IterationLogReader::Text> {
        const auto at = std::make_shared<std::size_t>(0);
        IterationLogReader::Text text;
        text.read = [content, at](std::span<char> into) -> Result<std::size_t> {
            const std::size_t count = content.copy(into.data(), into.size(), *at);
            *at += count;
            return count;
        };
        text.expectedBytes = content.size();
        text.fractionRead = [content, at] { return static_cast<double>(*at) / static_cast<double>(content.size()); };
        return text;
    };
    return IterationLogReader(open, sink, control).read();
}

} // namespace gantry::importing
