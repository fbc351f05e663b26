#include "trace_model/import/sqlite_server.h"

#include "trace_model/metrics/derived_metrics.h"
#include "trace_model/metrics/prometheus_text.h"

#include <cmath>
#include <fmt/format.h>
#include <map>

namespace gantry::importing {
namespace {

using report::TableCursor;

constexpr const char* kNoValue = "without a value, or with one that is no number";
constexpr const char* kNoSeries = "of a metric that the file does not name";
constexpr const char* kOfNoRequest = "of a request that is not in the file, or not shown";

std::uint64_t bits(const TableCursor& row, std::size_t column)
{
    return static_cast<std::uint64_t>(row.integer(column));
}

/// A time that may be absent. False: there is something that is none.
bool takeTime(std::optional<TimestampNs>& time, const TableCursor& row, std::size_t column)
{
    bool isBad = false;
    const TimestampNs value = row.whole(column, kNoTime, isBad);
    time = value == kNoTime ? std::nullopt : std::optional(value);
    return !isBad && (!time || areEventTimes(value, value));
}

Result<void> readGpuMetrics(SqliteTables& tables)
{
    std::map<std::pair<std::int64_t, std::int64_t>, std::uint32_t> counters; // by type and metric
    GANTRY_CHECK(tables.each("TARGET_INFO_GPU_METRICS", {"typeId", "metricId", "metricName"}, [&](TableCursor& row) {
        // The low bits of the type are the GPU's index.
        const std::string group = fmt::format("GPU {}", row.integer(0) & 0xFF);
        counters.try_emplace({row.integer(0), row.integer(1)}, tables.sink().define({std::string(row.text(2)), {}, group, {}}));
    }));
    return tables.eachEvent("GPU_METRICS", {"typeId", "metricId", "timestamp", "value"},
                            [&](SqliteWorker& worker, const TableCursor& row) -> const char* {
                                const auto counter = counters.find({row.integer(0), row.integer(1)});
                                if (counter == counters.end())
                                    return kNoSeries;
                                bool isBad = false;
                                const TimestampNs time = row.whole(2, kNoTime, isBad);
                                if (isBad || !areEventTimes(time, time))
                                    return skipped::kNoTimes;
                                const std::optional<double> value = row.number(3);
                                if (!value)
                                    return kNoValue;
                                worker.cover(time, time);
                                worker.rows.add(CounterSample{counter->second, time, *value});
                                return nullptr;
                            });
}

} // namespace

Result<void> readRequests(SqliteTables& tables, const SqliteFacts& facts)
{
    std::vector<report::RequestRow> requests;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> index;
    GANTRY_CHECK(tables.each("GANTRY_REQUESTS",
                             {"globalPid", "requestId", "clientId", "model", "version", "start", "end", "failed", "batchId", "parentId"},
                             [&](TableCursor& row) -> const char* {
                                 report::RequestRow request;
                                 if (!takeTime(request.start, row, 5) || !takeTime(request.end, row, 6) ||
                                     (request.start && request.end && *request.end < *request.start))
                                     return skipped::kNoTimes;
                                 request.globalPid = bits(row, 0);
                                 request.requestId = bits(row, 1);
                                 if (!row.isNull(2))
                                     request.clientId = facts.text(row.integer(2));
                                 request.model = facts.text(row.integer(3));
                                 request.version = facts.text(row.integer(4));
                                 request.failed = row.integer(7) != 0;
                                 if (!row.isNull(8))
                                     request.batchId = bits(row, 8);
                                 if (!row.isNull(9))
                                     request.parentId = bits(row, 9);
                                 index[{request.globalPid, request.requestId}] = requests.size();
                                 requests.push_back(request);
                                 return nullptr;
                             }));
    GANTRY_CHECK(
        tables.each("GANTRY_REQUEST_PHASES", {"globalPid", "requestId", "phase", "start", "end"}, [&](TableCursor& row) -> const char* {
            const auto request = index.find({bits(row, 0), bits(row, 1)});
            if (request == index.end())
                return kOfNoRequest;
            const std::int64_t phase = row.integer(2, -1);
            if (phase < 0 || phase >= records::kRequestPhaseCount)
                return "of a phase that this version does not know";
            TimeRange time;
            if (!RowNumbers(row).times(3, time.start, time.end))
                return skipped::kNoTimes;
            requests[request->second].phases[static_cast<std::size_t>(phase)] = time;
            return nullptr;
        }));
    GANTRY_CHECK(tables.each("GANTRY_EARLIER_BATCHES", {"globalPid", "requestId", "batchId"}, [&](TableCursor& row) -> const char* {
        const auto request = index.find({bits(row, 0), bits(row, 1)});
        if (request == index.end())
            return kOfNoRequest;
        requests[request->second].earlierBatches.push_back(bits(row, 2));
        return nullptr;
    }));
    for (const report::RequestRow& request : requests)
        tables.sink().add(request);
    return {};
}

Result<void> readExecutions(SqliteTables& tables, const SqliteFacts& facts)
{
    return tables.each("GANTRY_EXECUTIONS", {"batchId", "globalTid", "model", "version", "instance", "start", "end"},
                       [&](TableCursor& row) -> const char* {
                           std::optional<TimestampNs> start;
                           report::ExecutionRow execution;
                           if (!takeTime(start, row, 5) || !start || !takeTime(execution.end, row, 6) ||
                               execution.end.value_or(*start) < *start)
                               return skipped::kNoTimes;
                           execution.start = *start;
                           execution.batchId = bits(row, 0);
                           execution.globalTid = bits(row, 1);
                           execution.model = facts.text(row.integer(2));
                           execution.version = facts.text(row.integer(3));
                           execution.instance = facts.text(row.integer(4));
                           tables.sink().add(execution);
                           return nullptr;
                       });
}

/// Series become rows as people read them, at the time of the sample; a rate is that since the sample before. What was saved as it
/// was shown is such a row already.
Result<void> readMetrics(SqliteTables& tables, const SqliteFacts&)
{
    constexpr std::int64_t kCounter = 1, kLine = 2, kExactLine = 3; // ENUM_GANTRY_SERIES_KIND
    EventSink& sink = tables.sink();
    RowSink& rows = tables.workers().front().rows;
    metrics::SeriesStore store(std::numeric_limits<std::size_t>::max());
    std::map<std::uint32_t, std::uint32_t> lines; // counters by id
    std::set<std::uint32_t> series;
    GANTRY_CHECK(tables.each("GANTRY_SERIES", {"id", "name", "unit", "kind", "labels"}, [&](TableCursor& row) -> const char* {
        RowNumbers numbers(row);
        const std::uint32_t id = numbers.required(0);
        if (!numbers.areGood())
            return skipped::kBadNumber;
        if (row.integer(3) == kLine || row.integer(3) == kExactLine) {
            lines[id] = sink.define({std::string(row.text(1)),
                                     std::string(row.text(2)),
                                     {},
                                     metrics::parseLabels(row.text(4))["source"],
                                     row.integer(3) == kExactLine});
            return nullptr;
        }
        series.insert(id);
        store.define({id,
                      std::string(row.text(1)),
                      std::string(row.text(2)),
                      row.integer(3) == kCounter ? metrics::SeriesKind::Counter : metrics::SeriesKind::Gauge,
                      metrics::parseLabels(row.text(4)),
                      {}});
        return nullptr;
    }));
    std::vector<metrics::Sample> samples;
    GANTRY_CHECK(tables.each("GANTRY_SAMPLES", {"seriesId", "time", "value"}, [&](TableCursor& row) -> const char* {
        RowNumbers numbers(row);
        const std::uint32_t id = numbers.required(0);
        if (!numbers.areGood())
            return skipped::kBadNumber;
        bool isBad = false;
        const TimestampNs time = row.whole(1, kNoTime, isBad);
        if (isBad || !areEventTimes(time, time))
            return skipped::kNoTimes;
        const std::optional<double> value = row.number(2);
        if (!value)
            return kNoValue;
        if (const auto line = lines.find(id); line != lines.end())
            rows.add(CounterSample{line->second, time, *value});
        else if (series.contains(id))
            samples.push_back({id, time, *value});
        else
            return kNoSeries;
        return nullptr;
    }));
    std::stable_sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    for (const metrics::Sample& sample : samples)
        store.append(sample);
    constexpr TimeRange kAlways{std::numeric_limits<TimestampNs>::min(), std::numeric_limits<TimestampNs>::max()};
    for (const metrics::DerivedMetric& metric : metrics::derivedMetrics(store, kAlways, 0)) {
        const std::uint32_t counter = sink.define({metric.name, metric.unit, metric.subject, metric.source});
        for (const metrics::Point& point : metric.points)
            if (std::isfinite(point.value))
                rows.add(CounterSample{counter, point.time, point.value});
    }
    return readGpuMetrics(tables);
}

/// Tables without times, cell by cell.
Result<void> readSummaries(SqliteTables& tables, const SqliteFacts&)
{
    std::vector<SummaryTable> summaries;
    GANTRY_CHECK(tables.each("GANTRY_SUMMARIES", {"name", "row", "cell", "value"}, [&](TableCursor& row) -> const char* {
        if (summaries.empty() || summaries.back().name != row.text(0))
            summaries.push_back({std::string(row.text(0)), {}, {}});
        SummaryTable& table = summaries.back();
        if (row.integer(1) == 0) {
            table.columns.emplace_back(row.text(3));
            return nullptr;
        }
        if (row.integer(2) == 0)
            table.rows.emplace_back();
        if (table.rows.empty() || table.rows.back().size() >= table.columns.size())
            return "outside the table's columns";
        table.rows.back().emplace_back(row.text(3));
        return nullptr;
    }));
    for (SummaryTable& table : summaries) {
        for (std::vector<std::string>& cells : table.rows)
            cells.resize(table.columns.size());
        tables.sink().add(std::move(table));
    }
    return {};
}

Result<void> readLosses(SqliteTables& tables, const SqliteFacts&)
{
    GANTRY_CHECK(tables.each("GANTRY_LOSSES", {"name", "severity", "count", "help"}, [&](TableCursor& row) {
        const std::int64_t severity = row.integer(1);
        const bool isKnown = severity >= 0 && severity <= static_cast<std::int64_t>(LossSeverity::Error);
        tables.sink().add(Loss{std::string(row.text(0)), isKnown ? static_cast<LossSeverity>(severity) : LossSeverity::Warning,
                               bits(row, 2), std::string(row.text(3))});
    }));
    return tables.each("DIAGNOSTIC_EVENT", {"severity", "text"}, [&](TableCursor& row) -> const char* {
        if (row.integer(0) != 2 && row.integer(0) != 3)
            return "neither warnings nor errors";
        tables.sink().meta().warnings.emplace_back(row.text(1));
        return nullptr;
    });
}

} // namespace gantry::importing
