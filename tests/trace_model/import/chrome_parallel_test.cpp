#include "tests/trace_model/import/trace_files.h"

#include <gmock/gmock.h>

namespace gantry::importing {
namespace {

using test::CollectedRows;
using test::readTrace;
using test::ReadTrace;

constexpr ChromeReadOptions kSequential{.threads = 1};
constexpr ChromeReadOptions kParallel{.parallelFrom = 1, .partBytes = 20'000, .threads = 3};

/// Everything that a trace delivered, in order, as text.
std::string dump(ReadTrace& trace)
{
    std::string text;
    const auto add = [&](auto... values) { ((text += std::to_string(values) + " "), ...); };
    const auto name = [&](TextId id) { text += trace.sink.text(id) + "\n"; };
    for (const auto& row : trace.sink.all(&CollectedRows::kernels)) {
        add(row.start, row.end, row.globalPid, row.deviceId, row.contextId, row.streamId, row.correlationId, row.grid[0], row.block[0]);
        name(row.demangledName + row.mangledName);
    }
    for (const auto& row : trace.sink.all(&CollectedRows::memcpys))
        add(row.start, row.end, row.globalPid, row.correlationId, row.bytes);
    for (const auto& row : trace.sink.all(&CollectedRows::memsets))
        add(row.start, row.end, row.globalPid, row.correlationId, row.bytes);
    for (const auto& row : trace.sink.all(&CollectedRows::gpuRanges))
        add(row.start, row.end, row.globalPid, row.contextId);
    for (const auto& row : trace.sink.all(&CollectedRows::calls)) {
        add(row.start, row.end, row.globalTid, row.correlationId);
        name(row.nameId);
    }
    for (const auto& row : trace.sink.all(&CollectedRows::ranges)) {
        add(row.start, row.end.value_or(-1), row.globalTid);
        name(row.textId);
    }
    for (const auto& row : trace.sink.all(&CollectedRows::samples))
        add(row.counter, row.time, row.value);
    for (const auto& counter : trace.sink.counters)
        text += counter.group + "/" + counter.name + "\n";
    for (const auto& [key, thread] : trace.sink.threadNames)
        text += thread + "\n";
    for (const TableTally& tally : trace.sink.report().tables)
        text += tally.name + " " + std::to_string(tally.rows) + " " + std::to_string(tally.kept) + "\n";
    for (const std::string& warning : trace.sink.meta().warnings)
        text += warning + "\n";
    add(trace.sink.meta().sessionUtcNs, trace.sink.window.start, trace.sink.window.end, trace.sink.report().time.start,
        trace.sink.report().time.end);
    return text;
}

/// Ranges of B and E, and asynchronous ones, that reach over many parts; counters that begin in different parts; GPU work; names last.
std::string longTrace(bool isOneLine)
{
    std::string events;
    const auto add = [&](const std::string& event) { events += (events.empty() ? "" : isOneLine ? "," : ",\n  ") + event; };
    for (int i = 0; i < 8000; ++i) {
        const std::string at = std::to_string(i) + (i % 2 ? ".5" : ".125"), id = std::to_string(i + 1);
        add(R"({"ph": "X", "cat": "cuda_runtime", "name": "call }, {\"ph\": \"X\" )" + std::to_string(i % 7) + R"(", "pid": 604, "tid": )" +
            std::to_string(604 + i % 3) + R"(, "ts": )" + at + R"(, "dur": 0.25, "args": {"correlation": )" + id + "}}");
        add(R"({"ph": "X", "cat": "kernel", "name": "k)" + std::to_string(i % 50) + R"(", "pid": 0, "tid": 7, "ts": )" + at +
            R"(, "dur": 1, "args": {"device": 0, "context": 1, "stream": 7, "correlation": )" + id +
            R"(, "grid": [1, 1, 1], "block": [2, 1, 1]}})");
        if (i % 1000 == 0) {
            add(R"({"ph": "B", "name": "level )" + id + R"(", "pid": 604, "tid": 604, "ts": )" + at + "}");
            add(R"({"ph": "b", "cat": "async", "name": "request )" + id + R"(", "id": )" + std::to_string(i % 3000) +
                R"(, "pid": 604, "tid": 604, "ts": )" + at + "}");
            add(R"({"ph": "C", "name": "counter )" + id + R"(", "pid": 604, "ts": )" + at + R"(, "args": {"value": 1}})");
        }
        if (i % 900 == 899)
            add(R"({"ph": "E", "pid": 604, "tid": 604, "ts": )" + at + "}");
        if (i % 1100 == 1099)
            add(R"({"ph": "e", "cat": "async", "id": )" + std::to_string(i / 1100 % 3 * 1000) + R"(, "pid": 604, "tid": 604, "ts": )" + at +
                "}");
    }
    add(R"({"ph": "X", "cat": "gpu_user_annotation", "name": "step", "pid": 0, "tid": 7, "ts": 5, "dur": 7})");
    add(R"({"ph": "M", "name": "thread_name", "pid": 604, "tid": 604, "args": {"name": "main"}})");
    add(R"({"ph": "M", "name": "process_name", "pid": 604, "args": {"name": "python"}})");
    return R"({"schemaVersion": 1, "traceEvents": [)" + events + R"(], "traceName": "x", "baseTimeNanoseconds": 1700000000000000000})";
}

TEST(ParallelChromeTrace, GivesWhatOneThreadGives)
{
    for (const bool isOneLine : {false, true}) {
        const std::string text = longTrace(isOneLine);
        const auto sequential = readTrace(text, kSequential), parallel = readTrace(text, kParallel);
        ASSERT_TRUE(sequential->result);
        ASSERT_TRUE(parallel->result);
        EXPECT_EQ(sequential->sink.parts.size(), 1u);
        EXPECT_GT(parallel->sink.parts.size(), 6u);
        EXPECT_TRUE(sequential->sink.meta().warnings.empty());
        const auto kernels = parallel->sink.all(&CollectedRows::kernels);
        EXPECT_EQ(kernels.size(), 8000u);
        EXPECT_EQ(kernels.front().globalPid, std::uint64_t{604} << 24);
        EXPECT_EQ(parallel->sink.counters.size(), 8u);
        EXPECT_EQ(parallel->sink.counters[0].name, "counter 1");

        // Ranges are delivered when they end, or when the parts are joined: the same ones, in another order.
        const auto ranges = [](ReadTrace& trace) {
            std::vector<std::tuple<std::int64_t, std::int64_t, std::string>> rows;
            for (const RangeRow& row : trace.sink.all(&CollectedRows::ranges))
                rows.emplace_back(row.start, row.end.value_or(-1), trace.sink.text(row.textId));
            std::sort(rows.begin(), rows.end());
            return rows;
        };
        EXPECT_EQ(ranges(*sequential), ranges(*parallel));
        for (ReadTrace* trace : {sequential.get(), parallel.get()})
            for (CollectedRows& part : trace->sink.parts)
                part.ranges.clear();
        EXPECT_EQ(dump(*sequential), dump(*parallel));
    }
}

TEST(ParallelChromeTrace, OfRangesOfOneExtentTheOuterOneComesFirstWhereverTheyAreCut)
{
    // One begins, then come so many events that the other, which is inside of it, is of a later part.
    std::string events = R"({"ph": "B", "name": "outer", "pid": 604, "tid": 604, "ts": 5})";
    const auto addOthers = [&] {
        for (int i = 0; i < 3000; ++i)
            events += ",\n" + std::string(R"({"ph": "X", "cat": "cpu_op", "name": "op", "pid": 604, "tid": 605, "ts": )") +
                      std::to_string(i) + R"(, "dur": 1})";
    };
    addOthers();
    events += ",\n" + std::string(R"({"ph": "B", "name": "inner", "pid": 604, "tid": 604, "ts": 5})");
    addOthers();
    for (int i = 0; i < 2; ++i)
        events += ",\n" + std::string(R"({"ph": "E", "pid": 604, "tid": 604, "ts": 9})");
    addOthers();
    for (const ChromeReadOptions& options : {kSequential, kParallel}) {
        const auto trace = readTrace(test::listOf(events), options);
        ASSERT_TRUE(trace->result);
        std::vector<std::string> names;
        for (const RangeRow& row : trace->sink.all(&CollectedRows::ranges))
            if (row.globalTid == (std::uint64_t{604} << 24 | 604))
                names.push_back(trace->sink.text(row.textId));
        EXPECT_THAT(names, testing::ElementsAre("outer", "inner")) << options.threads;
    }
}

TEST(ParallelChromeTrace, GivesTheSameEachTime)
{
    const std::string text = longTrace(false);
    const std::string first = dump(*readTrace(text, kParallel));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(dump(*readTrace(text, kParallel)), first);
}

TEST(ParallelChromeTrace, SurvivesAnEndAnywhere)
{
    const std::string text = longTrace(false);
    for (std::size_t part = 1; part < 40; ++part) {
        const std::string cut = text.substr(0, text.size() * part / 40);
        const auto sequential = readTrace(cut, kSequential), parallel = readTrace(cut, kParallel);
        ASSERT_TRUE(sequential->result);
        ASSERT_TRUE(parallel->result);
        EXPECT_EQ(sequential->sink.all(&CollectedRows::kernels).size(), parallel->sink.all(&CollectedRows::kernels).size());
        EXPECT_EQ(sequential->sink.meta().warnings, parallel->sink.meta().warnings);
    }
}

TEST(ParallelChromeTrace, LongListsBehindTheEventsAreNotTakenForEvents)
{
    std::string text = longTrace(false);
    text.insert(text.rfind("], \"traceName\""), "], \"samples\": [{\"cpu\": 1}, {\"cpu\": 2}");
    std::string samples;
    for (int i = 0; i < 40'000; ++i)
        samples += ", {\"cpu\": " + std::to_string(i) + ", \"name\": \"x\"}";
    text.insert(text.rfind("], \"traceName\""), samples);
    const auto parallel = readTrace(text, kParallel);
    ASSERT_TRUE(parallel->result);
    EXPECT_EQ(parallel->sink.all(&CollectedRows::kernels).size(), 8000u);
    EXPECT_EQ(parallel->sink.meta().settings.at("traceName"), "x");
    EXPECT_TRUE(parallel->sink.meta().warnings.empty());
}

TEST(ParallelChromeTrace, SaysSoWhenEventsInsideAnEventMisledIt)
{
    std::string nested;
    for (int i = 0; i < 5000; ++i)
        nested += (i ? R"(, {"ph": "X", "name": "nested", "pid": 1, "tid": 1, "ts": 1, "dur": 1})" : R"({"ph": "X", "name": "nested"})");
    const auto parallel =
        readTrace(R"({"traceEvents": [{"ph": "X", "name": "outer", "pid": 1, "tid": 1, "ts": 1, "dur": 1, "args": {"events": [)" + nested +
                      R"(]}}, {"ph": "X", "name": "last", "pid": 1, "tid": 1, "ts": 1, "dur": 1}]})",
                  kParallel);
    ASSERT_TRUE(parallel->result);
    ASSERT_EQ(parallel->sink.meta().warnings.size(), 1u);
    EXPECT_THAT(parallel->sink.meta().warnings[0], testing::HasSubstr("inside of events"));
}

TEST(ParallelChromeTrace, SeveralCallingProcessesAreSeenBeforehand)
{
    std::string text = longTrace(false);
    std::size_t replaced = 0;
    for (std::size_t at = text.find("\"pid\": 604", text.size() / 2); at != std::string::npos && replaced < 200;
         at = text.find("\"pid\": 604", at + 1), ++replaced)
        text.replace(at, 10, "\"pid\": 605");
    const auto parallel = readTrace(text, kParallel);
    ASSERT_TRUE(parallel->result);
    for (const auto& row : parallel->sink.all(&CollectedRows::kernels))
        ASSERT_EQ(row.globalPid, 0u);
    EXPECT_EQ(parallel->sink.meta().warnings.size(), 1u);
}

} // namespace
} // namespace gantry::importing
