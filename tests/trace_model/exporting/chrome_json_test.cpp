#include "tests/support/temporary_folder.h"
#include "tests/trace_model/exporting/trace_lines.h"
#include "trace_model/exporting/export_format.h"
#include "trace_model/trace/trace_builder.h"
#include "trace_model/trace/trace_loader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace gantry::exporting {
namespace {

using nlohmann::json;
using test::Lines;
using trace::EventKind;
using trace::Trace;

std::string contentOf(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

json exported(const Trace& trace)
{
    const test::TemporaryFolder folder;
    const auto written = exportTrace(trace, ExportFormat::ChromeJson, folder / "trace.json");
    EXPECT_TRUE(written) << written.error().text();
    return json::parse(contentOf(folder / "trace.json"));
}

Result<std::shared_ptr<const Trace>> throughChrome(const Trace& trace, const std::string& fileName = "trace.json")
{
    const test::TemporaryFolder folder;
    GANTRY_CHECK(exportTrace(trace, ExportFormat::ChromeJson, folder / fileName));
    return trace::loadTrace(folder / fileName);
}

/// Events with the thread that they are of.
using ThreadLines = std::vector<std::pair<std::string, std::string>>;

/// Of events that overlap others of their thread it is not known: they have a row of their own.
testing::AssertionResult isSame(const ThreadLines& actual, const ThreadLines& expected)
{
    Lines actualLines, expectedLines;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        const std::string& thread = actual[i].second;
        const bool isKnown = !thread.ends_with("/?") || i >= expected.size();
        actualLines.push_back(actual[i].first + " of " + (isKnown ? thread : expected[i].second));
    }
    for (const auto& [line, thread] : expected)
        expectedLines.push_back(line + " of " + thread);
    return test::isSame(actualLines, expectedLines);
}

/// What of a trace a Chrome trace holds, as lines that are the same for a trace and its copy.
class HeldByChrome
{
public:
    explicit HeldByChrome(const Trace& trace) : m_trace(trace)
    {
        m_origin = trace.time.end;
        for (int kind = 0; kind < trace::kEventKindCount; ++kind)
            if (const auto& columns = trace.columns(static_cast<EventKind>(kind)); columns.size() > 0)
                m_origin = std::min(m_origin, columns.start.front());
        for (const trace::Request& request : trace.requests)
            m_origin = std::min(m_origin, request.time.start);
        for (const trace::Execution& execution : trace.executions)
            m_origin = std::min(m_origin, execution.time.start);
        for (const trace::Track& track : trace.tracks)
            if (!track.counter.time.empty() && !track.counter.isDerived)
                m_origin = std::min(m_origin, track.counter.time.front());
    }

    [[nodiscard]] Lines gpuWork() const
    {
        Lines lines;
        for (std::size_t row = 0; row < m_trace.kernels.size(); ++row) {
            const trace::LaunchShape& shape = m_trace.kernels.shape(row);
            lines.push_back(fmt::format("kernel {} {} | {} grid {} block {} registers {} shared {} {} node {}", work(m_trace.kernels, row),
                                        m_trace.strings[m_trace.kernels.shortName(row)],
                                        m_trace.strings[m_trace.kernels.demangledName(row)], shape.grid, shape.block,
                                        shape.registersPerThread, shape.staticSharedMemory, shape.dynamicSharedMemory,
                                        m_trace.kernels.graphNode[row]));
        }
        for (std::size_t row = 0; row < m_trace.memcpys.size(); ++row) {
            const trace::CopyRoute route = m_trace.memcpys.route[row];
            lines.push_back(fmt::format("memcpy {} {} {} {} bytes {}", work(m_trace.memcpys, row), name(route.kind), name(route.source),
                                        name(route.destination), m_trace.memcpys.bytes[row]));
        }
        for (std::size_t row = 0; row < m_trace.memsets.size(); ++row)
            lines.push_back(fmt::format("memset {} {} bytes {}", work(m_trace.memsets, row), name(m_trace.memsets.memoryKind[row]),
                                        m_trace.memsets.bytes[row]));
        for (std::size_t row = 0; row < m_trace.synchronizations.size(); ++row)
            lines.push_back(fmt::format("wait {} {}", work(m_trace.synchronizations, row), name(m_trace.synchronizations.type[row])));
        for (std::size_t row = 0; row < m_trace.graphLaunches.size(); ++row)
            lines.push_back(fmt::format("graph {} {}", work(m_trace.graphLaunches, row), m_trace.graphLaunches.graph[row]));
        for (std::size_t row = 0; row < m_trace.gpuRanges.size(); ++row)
            lines.push_back(fmt::format("range {} {}", work(m_trace.gpuRanges, row), m_trace.strings[m_trace.gpuRanges.text[row]]));
        std::sort(lines.begin(), lines.end());
        return lines;
    }

    [[nodiscard]] ThreadLines calls() const
    {
        ThreadLines lines;
        const auto add = [&](const trace::CallColumns& calls, const char* kind) {
            for (std::size_t row = 0; row < calls.size(); ++row)
                lines.emplace_back(fmt::format("{} {} {} corr {}{} returned {}", kind, time(calls, row), m_trace.strings[calls.name(row)],
                                               calls.correlation[row], calls.isDriver(row) ? " driver" : "", calls.callee(row).returnValue),
                                   thread(calls.globalTid(row)));
        };
        add(m_trace.apiCalls, "api");
        add(m_trace.libraryCalls, "library");
        add(m_trace.osCalls, "os");
        for (std::size_t row = 0; row < m_trace.overheads.size(); ++row)
            lines.emplace_back(fmt::format("overhead {} {}", time(m_trace.overheads, row), m_trace.strings[m_trace.overheads.name[row]]),
                               thread(m_trace.overheads.globalTid(row)));
        std::sort(lines.begin(), lines.end());
        return lines;
    }

    [[nodiscard]] ThreadLines ranges() const
    {
        ThreadLines lines;
        const auto add = [&](const trace::NvtxColumns& columns, bool isMark) {
            for (std::size_t row = 0; row < columns.size(); ++row) {
                const trace::NvtxLabel& label = columns.label(row);
                const TimestampNs start = columns.start[row] - m_origin;
                lines.emplace_back(fmt::format("{} {} {} domain {} category {} color {:08x} payload {}{}{}", isMark ? "mark" : "range",
                                               columns.isOpen(row) ? fmt::format("{}..", start) : time(columns, row),
                                               m_trace.strings[columns.text(row)], m_trace.strings[label.domain], label.category,
                                               label.color, columns.payload(row) ? std::to_string(*columns.payload(row)) : "none",
                                               columns.isStartEnd(row) ? " start/end" : "", columns.isOpen(row) ? " open" : ""),
                                   thread(columns.globalTid(row)));
            }
        };
        add(m_trace.nvtxRanges, false);
        add(m_trace.nvtxMarks, true);
        std::sort(lines.begin(), lines.end());
        return lines;
    }

    /// Requests with all that is known of them, executions with their members, window and names of streams.
    [[nodiscard]] Lines records() const
    {
        Lines lines;
        for (const trace::Request& request : m_trace.requests) {
            std::string line =
                fmt::format("request {} client {} model {} version {} {} parent {} batch {}{}{}", request.id,
                            m_trace.strings[request.clientId], m_trace.strings[request.model], m_trace.strings[request.version],
                            time(request.time), request.parentId ? std::to_string(*request.parentId) : "none",
                            request.execution.isNone() ? "none" : std::to_string(m_trace.executions[request.execution.value].batchId),
                            request.failed ? " failed" : "", request.cutByWindow ? " cut" : "");
            for (std::size_t phase = 0; phase < request.phases.size(); ++phase)
                if (request.phases[phase])
                    line += fmt::format(" {} {}", name(static_cast<records::RequestPhase>(phase)), time(*request.phases[phase]));
            lines.push_back(std::move(line));
        }
        for (const trace::Execution& execution : m_trace.executions)
            lines.push_back(fmt::format("execution {} model {} version {} instance {} {} members {}", execution.batchId,
                                        m_trace.strings[execution.model], m_trace.strings[execution.version],
                                        m_trace.strings[execution.instance], time(execution.time), execution.memberCount));
        if (!m_trace.window.isEmpty())
            lines.push_back("window " + time(m_trace.window));
        for (const auto& [key, name] : m_trace.streamNames)
            lines.push_back(fmt::format("stream {} {} {} {}", std::get<0>(key), std::get<1>(key), std::get<2>(key), name));
        for (const Loss& loss : m_trace.losses)
            if (loss.count > 0) // a reader says of itself that it lost none
                lines.push_back(fmt::format("loss {} {} {} {}", loss.name, name(loss.severity), loss.count, loss.help));
        for (const std::string& warning : m_trace.meta.warnings)
            lines.push_back("warning " + warning);
        std::sort(lines.begin(), lines.end());
        return lines;
    }

    /// `isCopy`: with the name of the process and the unit where the copy has them.
    [[nodiscard]] Lines counters(bool isCopy) const
    {
        Lines lines;
        for (const trace::Track& track : m_trace.tracks) {
            if (track.kind != trace::TrackKind::Counter || track.counter.isDerived)
                continue;
            std::string name = track.name;
            if (!isCopy) {
                name = "Metrics " + name;
                if (!track.counter.unit.empty())
                    name += ": " + track.counter.unit;
            }
            for (std::size_t i = 0; i < track.counter.time.size(); ++i)
                lines.push_back(fmt::format("{} {} = {}", name, track.counter.time[i] - m_origin, track.counter.value[i]));
        }
        std::sort(lines.begin(), lines.end());
        return lines;
    }

private:
    [[nodiscard]] std::string time(TimeRange range) const { return fmt::format("{}..{}", range.start - m_origin, range.end - m_origin); }
    [[nodiscard]] std::string time(const trace::EventColumns& columns, std::size_t row) const { return time(columns.time(row)); }
    /// Numbers that are none of the operating system's are made up anew by each reader.
    [[nodiscard]] static std::string thread(std::uint64_t globalTid)
    {
        constexpr std::uint32_t kLargest = 1u << 22; // proc(5), pid_max
        const auto number = [](std::uint32_t id) { return id > kLargest ? std::string("?") : std::to_string(id); };
        return Trace::pidOf(globalTid) == 0 ? "?/" + number(Trace::tidOf(globalTid))
                                            : number(Trace::pidOf(globalTid)) + '/' + number(Trace::tidOf(globalTid));
    }
    [[nodiscard]] std::string work(const trace::GpuEventColumns& columns, std::size_t row) const
    {
        const trace::GpuPlace& place = columns.place(row);
        return fmt::format("{} gpu{}/context{}/stream{} corr {} process {}", time(columns, row), place.device, place.context, place.stream,
                           columns.correlation[row], Trace::pidOf(place.globalPid));
    }

    const Trace& m_trace;
    TimestampNs m_origin = 0;
};

void expectSame(const Trace& copy, const Trace& trace)
{
    const HeldByChrome actual(copy), expected(trace);
    EXPECT_TRUE(test::isSame(actual.gpuWork(), expected.gpuWork()));
    EXPECT_TRUE(isSame(actual.calls(), expected.calls()));
    EXPECT_TRUE(isSame(actual.ranges(), expected.ranges()));
    EXPECT_TRUE(test::isSame(actual.records(), expected.records()));
    EXPECT_TRUE(test::isSame(actual.counters(true), expected.counters(false)));
}

TEST(ChromeExport, IsReadBackWithAllTimesNamesAndLaunches)
{
    const auto trace = test::traceWithEverything();
    const auto copy = throughChrome(*trace);
    ASSERT_TRUE(copy) << copy.error().text();
    expectSame(**copy, *trace);
    EXPECT_EQ((*copy)->meta.producer, trace->meta.producer);
    ASSERT_EQ((*copy)->meta.gpus.size(), 2u);
    EXPECT_EQ((*copy)->meta.gpus[1].name, "NVIDIA H100");
    // The wall clock of any event: times may count from another one.
    EXPECT_EQ((*copy)->meta.sessionUtcNs + (*copy)->kernels.start[0], trace->meta.sessionUtcNs + trace->kernels.start[0]);
}

TEST(ChromeExport, IsReadBackTheSameWhenItIsCompressed)
{
    const auto trace = test::traceWithEverything();
    const auto copy = throughChrome(*trace, "trace.json.gz");
    ASSERT_TRUE(copy) << copy.error().text();
    expectSame(**copy, *trace);
    const test::TemporaryFolder folder;
    ASSERT_TRUE(exportTrace(*trace, ExportFormat::ChromeJson, folder / "trace.json.gz"));
    EXPECT_EQ(contentOf(folder / "trace.json.gz").substr(0, 2), "\x1f\x8b");
}

TEST(ChromeExport, IsReadBackTheSameForEveryGoldenScript)
{
    for (const auto& [name, trace] : test::goldenTraces()) {
        SCOPED_TRACE(name);
        const auto copy = throughChrome(*trace);
        ASSERT_TRUE(copy) << copy.error().text();
        expectSame(**copy, *trace);
    }
}

TEST(ChromeExport, IsReadBackTheSameForEveryRealFile)
{
    const std::vector<std::string> files = test::realTraces();
    if (files.empty())
        GTEST_SKIP() << "the shared exports and traces are not here";
    for (const std::string& file : files) {
        SCOPED_TRACE(file);
        const auto trace = trace::loadTrace(file);
        ASSERT_TRUE(trace) << trace.error().text();
        if ((*trace)->eventCount() == 0)
            continue; // a Chrome trace without events is none
        const auto copy = throughChrome(**trace);
        ASSERT_TRUE(copy) << copy.error().text();
        expectSame(**copy, **trace);
    }
}

// All requests were lost, and the default domain was called "user_annotation".
TEST(ChromeExport, KeepsTheRequestsOfACapture)
{
    const auto trace = trace::loadTrace(GANTRY_SOURCE_DIR "/resources/demo/bert-pinned.gantry.zst");
    ASSERT_TRUE(trace) << trace.error().text();
    ASSERT_GT((*trace)->requests.size(), 1000u);
    const auto copy = throughChrome(**trace);
    ASSERT_TRUE(copy) << copy.error().text();
    expectSame(**copy, **trace);
}

// It wrote a file that no reader takes for a trace.
TEST(ChromeExport, RefusesWhatHasNoTimes)
{
    trace::TraceBuilder builder;
    builder.beginFile("summary.csv");
    builder.add(importing::SummaryTable{"perf_analyzer", {"Concurrency"}, {{"1"}}});
    const auto trace = builder.finish({});
    ASSERT_TRUE(trace);
    const test::TemporaryFolder folder;
    const auto written = exportTrace(**trace, ExportFormat::ChromeJson, folder / "trace.json");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::BadInput);
    EXPECT_NE(written.error().message.find("convert it to csv or sqlite"), std::string::npos);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

/// The slices of each thread, as a viewer stacks them.
std::map<std::pair<std::int64_t, std::int64_t>, std::vector<TimeRange>> slicesByRow(const json& document)
{
    const auto ns = [](const json& microseconds) { return std::llround(microseconds.get<double>() * 1000); };
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<TimeRange>> rows;
    for (const json& event : document.at("traceEvents"))
        if (event.at("ph") == "X")
            rows[{event.at("pid"), event.at("tid")}].push_back({ns(event.at("ts")), ns(event.at("ts")) + ns(event.at("dur"))});
    return rows;
}

TEST(ChromeExport, SlicesOfAThreadNest)
{
    std::vector<std::shared_ptr<const Trace>> traces{test::traceWithEverything()};
    for (const auto& [name, trace] : test::goldenTraces())
        traces.push_back(trace);
    for (const std::string& file : test::nsysExports())
        traces.push_back(*trace::loadTrace(file));
    for (const auto& trace : traces) {
        SCOPED_TRACE(trace->meta.title);
        if (trace->eventCount() == 0)
            continue;
        for (auto& [row, slices] : slicesByRow(exported(*trace))) {
            std::sort(slices.begin(), slices.end(),
                      [](TimeRange a, TimeRange b) { return std::tuple(a.start, -a.end) < std::tuple(b.start, -b.end); });
            std::vector<TimestampNs> open;
            for (const TimeRange slice : slices) {
                while (!open.empty() && open.back() <= slice.start)
                    open.pop_back();
                ASSERT_TRUE(open.empty() || slice.end <= open.back())
                    << row.first << '/' << row.second << " at " << slice.start << ".." << slice.end;
                open.push_back(slice.end);
            }
        }
    }
}

TEST(ChromeExport, FlowsLeadFromACallToItsWorkAndHaveIdsOfTheirOwn)
{
    const auto trace = test::traceWithEverything();
    const json document = exported(*trace);
    std::map<std::uint64_t, json> starts, ends;
    for (const json& event : document.at("traceEvents")) {
        if (event.at("ph") == "s") {
            EXPECT_TRUE(starts.emplace(event.at("id"), event).second) << "the id of " << event << " is that of another flow";
        }
        if (event.at("ph") == "f") {
            EXPECT_TRUE(ends.emplace(event.at("id"), event).second) << "the id of " << event << " is that of another flow";
            EXPECT_EQ(event.at("bp"), "e");
        }
    }
    // Correlation 2 is in two processes, and in one of them a driver call within the runtime call: the outer one counts.
    ASSERT_EQ(starts.size(), 2u);
    std::set<std::int64_t> launching, running;
    for (const auto& [id, start] : starts) {
        ASSERT_TRUE(ends.contains(id));
        EXPECT_EQ(start.at("cat"), "ac2g");
        launching.insert(start.at("pid").get<std::int64_t>());
        running.insert(ends[id].at("pid").get<std::int64_t>());
        const auto isSliceAt = [](const json& flow, const std::string& category) {
            return [&, category](const json& event) {
                return event.at("ph") == "X" && event.at("cat") == category && event.at("pid") == flow.at("pid") &&
                       event.at("tid") == flow.at("tid") && event.at("ts") == flow.at("ts");
            };
        };
        const json& events = document.at("traceEvents");
        EXPECT_TRUE(std::any_of(events.begin(), events.end(), isSliceAt(start, "cuda_runtime"))) << start;
        EXPECT_TRUE(std::any_of(events.begin(), events.end(), isSliceAt(ends[id], "kernel"))) << ends[id];
    }
    EXPECT_EQ(launching, (std::set<std::int64_t>{4711, 5000}));
    EXPECT_EQ(running.size(), 2u);
}

TEST(ChromeExport, SaysWhatRowsAreAndKeepsTextsWhole)
{
    const json document = exported(*test::traceWithEverything());
    EXPECT_EQ(document.at("displayTimeUnit"), "ns");
    EXPECT_EQ(document.at("traceStartUnixNs"), "1699999999999999500"); // the window begins after the first kernel
    EXPECT_FALSE(document.contains("baseTimeNanoseconds"));
    std::set<std::string> processes, threads, labels, kernels;
    for (const json& event : document.at("traceEvents")) {
        if (event.at("ph") == "M" && event.at("name") == "process_name")
            processes.insert(event.at("args").at("name").get<std::string>());
        if (event.at("ph") == "M" && event.at("name") == "process_labels")
            labels.insert(event.at("args").at("labels").get<std::string>());
        if (event.at("ph") == "M" && event.at("name") == "thread_name")
            threads.insert(event.at("args").at("name").get<std::string>());
        if (event.value("cat", "") == "kernel")
            kernels.insert(event.at("name").get<std::string>());
    }
    EXPECT_TRUE(processes.contains("python, \"quoted\"\n"));
    EXPECT_TRUE(processes.contains("GPU 1 · NVIDIA H100 · process 5000"));
    EXPECT_TRUE(processes.contains("Requests"));
    EXPECT_EQ(labels, (std::set<std::string>{"CPU", "GPU 0", "GPU 1"}));
    EXPECT_TRUE(threads.contains("main"));
    EXPECT_TRUE(threads.contains("Stream 7 · default"));
    EXPECT_TRUE(threads.contains("Stream 7 · default (2)")) << "kernels that overlap have a row each";
    EXPECT_EQ(kernels, (std::set<std::string>{"void gemm<float, \"4\">(int)\\x\x01"}));
}

TEST(ChromeExport, LeavesNothingWhenItIsCancelledAndTheOldFileAsItWas)
{
    const test::TemporaryFolder folder;
    const std::filesystem::path path = folder / "trace.json";
    std::ofstream(path) << "old";
    std::stop_source stop;
    stop.request_stop();
    ExportOptions options;
    options.stop = stop.get_token();
    for (const ExportFormat format : {ExportFormat::ChromeJson, ExportFormat::Csv, ExportFormat::NsysSqlite}) {
        options.table = "kernels";
        const auto written = exportTrace(*test::traceWithEverything(), format, path, options);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().code, ErrorCode::Cancelled);
        EXPECT_EQ(contentOf(path), "old");
        EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()), 1);
    }
}

TEST(ChromeExport, TellsHowFarItIs)
{
    const test::TemporaryFolder folder;
    for (const ExportFormat format : {ExportFormat::ChromeJson, ExportFormat::Csv, ExportFormat::NsysSqlite}) {
        std::vector<double> fractions;
        ExportOptions options;
        options.table = "kernels";
        options.progress = [&](double fraction) { fractions.push_back(fraction); };
        ASSERT_TRUE(exportTrace(*test::traceWithEverything(), format, folder / "out", options));
        ASSERT_FALSE(fractions.empty());
        EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
        EXPECT_EQ(fractions.back(), 1.0);
    }
}

} // namespace
} // namespace gantry::exporting
