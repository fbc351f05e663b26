#include "tests/trace_model/import/trace_files.h"

#include <gmock/gmock.h>

namespace gantry::importing {
namespace {

using test::listOf;
using test::readTrace;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t tidOf(std::uint64_t pid, std::uint64_t tid)
{
    return pid << 24 | tid;
}

TEST(ChromeTrace, ReadsTheObjectForm)
{
    const auto trace = readTrace(listOf(R"({"ph":"X","cat":"cpu_op","name":"aten::add","pid":12,"tid":13,"ts":5,"dur":2})"));
    ASSERT_TRUE(trace->result) << trace->result.error().text();
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    ASSERT_EQ(ranges.size(), 1u);
    EXPECT_EQ(ranges[0].start, 0);
    EXPECT_EQ(ranges[0].end, 2000);
    EXPECT_EQ(ranges[0].globalTid, tidOf(12, 13));
    EXPECT_EQ(trace->sink.text(ranges[0].textId), "aten::add");
    EXPECT_EQ(trace->sink.text(ranges[0].domainId), "cpu_op");
    EXPECT_FALSE(ranges[0].isStartEnd);
    EXPECT_EQ(trace->sink.meta().format, "chrome-trace");
    EXPECT_THAT(trace->sink.meta().warnings, IsEmpty());
}

TEST(ChromeTrace, ReadsABareArrayWithoutItsLastBracketAndWithATrailingComma)
{
    for (const std::string end : {"]", ",]", "", ",", ",\n"}) {
        const auto trace = readTrace(R"([{"ph":"X","name":"a","pid":1,"tid":1,"ts":0,"dur":1},
                                         {"ph":"X","name":"b","pid":1,"tid":1,"ts":1,"dur":1})" +
                                     end);
        ASSERT_TRUE(trace->result) << end;
        EXPECT_EQ(trace->sink.all(&test::CollectedRows::ranges).size(), 2u) << end;
        EXPECT_EQ(trace->sink.meta().warnings.size(), end.find(']') == std::string::npos ? 1u : 0u) << end;
    }
}

TEST(ChromeTrace, TakesMetadataBeforeAndBehindTheEvents)
{
    const std::string event = R"({"ph":"X","name":"a","pid":1,"tid":1,"ts":10.5,"dur":1})";
    for (const std::string& text : {R"({"baseTimeNanoseconds":1700000000000000001,"traceEvents":[)" + event + "]}",
                                    R"({"traceEvents":[)" + event + R"(],"x":{"y":[1,"]}"]},"baseTimeNanoseconds":1700000000000000001})"}) {
        const auto trace = readTrace(text);
        ASSERT_TRUE(trace->result);
        EXPECT_EQ(trace->sink.meta().sessionUtcNs, 1700000000000010501);
        EXPECT_EQ(trace->sink.meta().settings.at("baseTimeNanoseconds"), "1700000000000000001");
        EXPECT_EQ(trace->sink.all(&test::CollectedRows::ranges)[0].start, 0);
    }
}

TEST(ChromeTrace, KeepsNanosecondsOfEpochTimesThatADoubleWouldLose)
{
    const auto trace = readTrace(listOf(R"({"ph":"X","name":"a","pid":1,"tid":1,"ts":1712195495519689.047,"dur":0.001},
                                           {"ph":"X","name":"b","pid":1,"tid":1,"ts":1712195495519690.046,"dur":1.0006})"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->sink.meta().sessionUtcNs, 1712195495519689047);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    EXPECT_EQ(ranges[0].end, 1);
    EXPECT_EQ(ranges[1].start, 999);
    EXPECT_EQ(ranges[1].end, 999 + 1001);
}

TEST(ChromeTrace, ReadsTimesInEveryNotation)
{
    const auto trace = readTrace(listOf(R"({"ph":"X","name":"zero","pid":1,"tid":1,"ts":0,"dur":0},
                                           {"ph":"X","name":"a","pid":1,"tid":1,"ts":1e3,"dur":2.5E-1},
                                           {"ph":"X","name":"b","pid":1,"tid":1,"ts":"12.25","dur":"3"},
                                           {"ph":"X","name":"c","pid":1,"tid":1,"ts":-7.5,"dur":1.23456789})"));
    ASSERT_TRUE(trace->result);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    ASSERT_EQ(ranges.size(), 4u);
    EXPECT_EQ(ranges[1].start, 1'000'000);
    EXPECT_EQ(ranges[1].end, 1'000'250);
    EXPECT_EQ(ranges[2].start, 12'250);
    EXPECT_EQ(ranges[2].end, 15'250);
    EXPECT_EQ(ranges[3].start, -7'500);
    EXPECT_EQ(ranges[3].end, -7'500 + 1'235);
}

TEST(ChromeTrace, TimeZeroIsTheFirstEventsUnlessItsClockWasNotSet)
{
    const std::string events = R"({"ph":"X","name":"a","pid":1,"tid":1,"ts":1700000000000000,"dur":1},
                                  {"ph":"X","name":"b","pid":1,"tid":1,"ts":1700000000000005,"dur":1})";
    const auto trace = readTrace(listOf(R"({"ph":"X","name":"unset","pid":1,"tid":1,"ts":0,"dur":1},)" + events));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->sink.meta().sessionUtcNs, 1700000000000000000);
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::ranges).size(), 2u);
    EXPECT_EQ(trace->skipped("(no category)", "time more than nine years from the first event's"), 1u);
}

std::vector<std::string> rangeNames(const test::ReadTrace& trace)
{
    std::vector<std::string> names;
    for (const RangeRow& range : trace.sink.all(&test::CollectedRows::ranges))
        names.push_back(trace.sink.text(range.textId));
    return names;
}

// As catapult's own sample has them: which is around which only the order in the file tells.
constexpr std::string_view kOfOneExtent = R"({"ph":"B","name":"over","pid":1,"tid":1,"ts":860},
                                              {"ph":"X","name":"X","pid":1,"tid":1,"ts":860,"dur":10},
                                              {"ph":"B","name":"under","pid":1,"tid":1,"ts":860},
                                              {"ph":"B","name":"innermost","pid":1,"tid":1,"ts":860},
                                              {"ph":"E","pid":1,"tid":1,"ts":870},
                                              {"ph":"E","pid":1,"tid":1,"ts":870},
                                              {"ph":"E","pid":1,"tid":1,"ts":870})";

TEST(ChromeTrace, OfRangesOfOneExtentTheOneThatWasOpenedFirstIsTheOuterOne)
{
    const auto trace = readTrace(listOf(kOfOneExtent));
    ASSERT_TRUE(trace->result);
    EXPECT_THAT(rangeNames(*trace), ElementsAre("over", "X", "under", "innermost"));
}

TEST(ChromeTrace, KeepsWhatIsInsideOfARangeThatEndsBeforeItBegins)
{
    const auto trace = readTrace(listOf(R"({"ph":"B","name":"bad","pid":1,"tid":1,"ts":5},
                                           {"ph":"B","name":"good","pid":1,"tid":1,"ts":5},
                                           {"ph":"E","pid":1,"tid":1,"ts":6},
                                           {"ph":"E","pid":1,"tid":1,"ts":4})"));
    ASSERT_TRUE(trace->result);
    EXPECT_THAT(rangeNames(*trace), ElementsAre("good"));
}

TEST(ChromeTrace, KeepsWhatIsInsideOfARangeThatNeverEnds)
{
    const auto trace = readTrace(listOf(R"({"ph":"B","name":"open","pid":1,"tid":1,"ts":5},
                                           {"ph":"B","name":"inside","pid":1,"tid":1,"ts":5},
                                           {"ph":"E","pid":1,"tid":1,"ts":6})"));
    ASSERT_TRUE(trace->result);
    EXPECT_THAT(rangeNames(*trace), ElementsAre("open", "inside"));
}

TEST(ChromeTrace, PairsBeginsAndEndsOfEachThread)
{
    const auto trace = readTrace(listOf(R"({"ph":"B","name":"outer","cat":"c","pid":1,"tid":1,"ts":0},
                                           {"ph":"B","name":"other thread","pid":1,"tid":2,"ts":1},
                                           {"ph":"B","name":"inner","cat":"c","pid":1,"tid":1,"ts":2},
                                           {"ph":"E","pid":1,"tid":1,"ts":5},
                                           {"ph":"E","pid":1,"tid":1,"ts":7},
                                           {"ph":"E","pid":1,"tid":1,"ts":8},
                                           {"ph":"B","name":"never ends","pid":1,"tid":1,"ts":9},
                                           {"ph":"E","pid":1,"tid":2,"ts":0})"));
    ASSERT_TRUE(trace->result);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    ASSERT_EQ(ranges.size(), 3u);
    EXPECT_EQ(trace->sink.text(ranges[0].textId), "inner");
    EXPECT_EQ(ranges[0].start, 2000);
    EXPECT_EQ(ranges[0].end, 5000);
    EXPECT_EQ(trace->sink.text(ranges[1].textId), "outer");
    EXPECT_EQ(ranges[1].end, 7000);
    EXPECT_EQ(trace->sink.text(ranges[2].textId), "never ends");
    EXPECT_FALSE(ranges[2].end.has_value());
    EXPECT_EQ(trace->table("c")->kept, 2u);
    EXPECT_EQ(trace->skipped("(no category)", "end without a begin"), 1u);
    EXPECT_EQ(trace->skipped("(no category)", "end before its begin"), 2u);
}

TEST(ChromeTrace, PairsAsynchronousRangesByCategoryAndId)
{
    const auto trace = readTrace(listOf(R"({"ph":"b","cat":"req","name":"A","id":"0x1","pid":1,"tid":1,"ts":0},
                                           {"ph":"b","cat":"req","name":"B","id":2,"pid":1,"tid":1,"ts":1},
                                           {"ph":"n","cat":"req","name":"step","id":2,"pid":1,"tid":1,"ts":2},
                                           {"ph":"e","cat":"req","name":"A","id":"0x1","pid":1,"tid":9,"ts":3},
                                           {"ph":"e","cat":"other","name":"B","id":2,"pid":1,"tid":1,"ts":4},
                                           {"ph":"e","cat":"req","name":"B","id":2,"pid":1,"tid":1,"ts":5},
                                           {"ph":"b","cat":"req","name":"L","id2":{"local":"0x7"},"pid":1,"tid":1,"ts":6},
                                           {"ph":"b","cat":"req","name":"M","id2":{"local":"0x7"},"pid":2,"tid":1,"ts":7},
                                           {"ph":"e","cat":"req","id2":{"local":"0x7"},"pid":1,"tid":1,"ts":8},
                                           {"ph":"e","cat":"req","id2":{"local":"0x7"},"pid":2,"tid":1,"ts":9},
                                           {"ph":"S","cat":"old","name":"S","id":5,"pid":1,"tid":1,"ts":10},
                                           {"ph":"T","cat":"old","name":"S","id":5,"pid":1,"tid":1,"ts":11},
                                           {"ph":"F","cat":"old","name":"S","id":5,"pid":1,"tid":1,"ts":12})"));
    ASSERT_TRUE(trace->result);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    std::vector<std::string> texts;
    for (const RangeRow& row : ranges) {
        EXPECT_TRUE(row.isStartEnd);
        ASSERT_TRUE(row.end.has_value());
        texts.push_back(trace->sink.text(row.textId) + " " + std::to_string(row.start) + ".." + std::to_string(*row.end));
    }
    EXPECT_THAT(texts, ElementsAre("A 0..3000", "B 1000..5000", "L 6000..8000", "M 7000..9000", "S 10000..12000"));
    EXPECT_EQ(ranges[0].globalTid, tidOf(1, 1));
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::marks).size(), 1u);
    EXPECT_EQ(trace->skipped("other", "end without a begin"), 1u);
    EXPECT_EQ(trace->skipped("old", "step inside an asynchronous range"), 1u);
}

TEST(ChromeTrace, InstantsAreMarks)
{
    const auto trace = readTrace(listOf(R"({"ph":"i","name":"a","cat":"c","pid":3,"tid":4,"ts":0,"s":"t"},
                                           {"ph":"I","name":"process","pid":3,"ts":1,"s":"p"},
                                           {"ph":"i","name":"everything","pid":null,"tid":null,"ts":2,"s":"g"})"));
    ASSERT_TRUE(trace->result);
    const auto marks = trace->sink.all(&test::CollectedRows::marks);
    ASSERT_EQ(marks.size(), 3u);
    EXPECT_EQ(marks[0].globalTid, tidOf(3, 4));
    EXPECT_EQ(trace->sink.text(marks[0].domainId), "c");
    EXPECT_EQ(marks[1].globalTid, tidOf(3, 0));
    EXPECT_EQ(marks[1].time, 1000);
    EXPECT_EQ(marks[2].globalTid, 0u);
}

TEST(ChromeTrace, CountersHaveASeriesForEachNumber)
{
    const auto trace = readTrace(listOf(R"({"ph":"C","name":"cpu","pid":1,"ts":0,"args":{"user":1.5,"system":2,"note":"x","bad":NaN}},
                                           {"ph":"C","name":"cpu","pid":1,"ts":1,"args":{"user":3}},
                                           {"ph":"C","name":"sm__cycles","cat":"hardware_counters","pid":"GPU 0 Counters","ts":2,"args":{"":7}},
                                           {"ph":"C","name":"heap","id":"a","pid":2,"ts":3,"args":{"value":1}},
                                           {"ph":"C","name":"heap","id":"b","pid":2,"ts":3,"args":{"value":2}},
                                           {"ph":"C","name":"none","pid":2,"ts":3,"args":{"text":"x"}},
                                           {"ph":"M","name":"process_name","pid":2,"args":{"name":"server"}})"));
    ASSERT_TRUE(trace->result);
    std::vector<std::string> names;
    for (const CounterDefinition& counter : trace->sink.counters)
        names.push_back(counter.group + " / " + counter.name);
    EXPECT_THAT(names, ElementsAre("Process 1 / cpu: user", "Process 1 / cpu: system", "GPU 0 Counters / sm__cycles", "server / heap [a]",
                                   "server / heap [b]"));
    const auto samples = trace->sink.all(&test::CollectedRows::samples);
    ASSERT_EQ(samples.size(), 6u);
    EXPECT_EQ(samples[0].value, 1.5);
    EXPECT_EQ(samples[1].counter, 0u);
    EXPECT_EQ(samples[1].time, 1000);
    EXPECT_EQ(trace->skipped("(no category)", "counter without a number"), 1u);
}

TEST(ChromeTrace, TheLastNameCountsAndMayComeBehindTheEvents)
{
    const auto trace = readTrace(listOf(R"({"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"first"}},
                                           {"ph":"X","name":"a","pid":1,"tid":2,"ts":0,"dur":1},
                                           {"ph":"M","name":"process_name","pid":1,"args":{"name":"py\u0074hon"}},
                                           {"ph":"M","name":"process_sort_index","pid":1,"args":{"sort_index":4}},
                                           {"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"last"}})"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->sink.threadNames.at(tidOf(1, 2)), "last");
    EXPECT_EQ(trace->sink.processNames.at(tidOf(1, 0)), "python");
    EXPECT_EQ(trace->table("metadata")->kept, 3u);
    EXPECT_EQ(trace->skipped("metadata", "metadata that is not a name"), 1u);
}

TEST(ChromeTrace, PidsAndTidsThatDoNotFitGetOnesOfTheirOwnAndKeepTheirText)
{
    const std::string text = listOf(R"({"ph":"X","name":"a","pid":67844,"tid":"4093687616","ts":0,"dur":1},
                                       {"ph":"X","name":"b","pid":67844,"tid":4093687616,"ts":1,"dur":1},
                                       {"ph":"X","name":"c","pid":67844,"tid":4110464832,"ts":2,"dur":1},
                                       {"ph":"X","name":"d","pid":"Spans","tid":"PyTorch Profiler","ts":3,"dur":1},
                                       {"ph":"X","name":"e","pid":-1,"tid":0,"ts":4,"dur":1},
                                       {"ph":"X","name":"f","pid":"","tid":{"x":1},"ts":5,"dur":1},
                                       {"ph":"M","name":"thread_name","pid":67844,"tid":4093687616,"args":{"name":"worker"}})");
    const auto trace = readTrace(text);
    ASSERT_TRUE(trace->result);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    ASSERT_EQ(ranges.size(), 6u);
    EXPECT_EQ(ranges[0].globalTid, ranges[1].globalTid);
    EXPECT_NE(ranges[0].globalTid, ranges[2].globalTid);
    for (const RangeRow& row : ranges)
        EXPECT_LT(row.globalTid, std::uint64_t{1} << 48);
    EXPECT_EQ(ranges[0].globalTid >> 24, 67844u);
    EXPECT_EQ(trace->sink.threadNames.at(ranges[0].globalTid), "worker (4093687616)");
    EXPECT_EQ(trace->sink.threadNames.at(ranges[2].globalTid), "Thread 4110464832");
    EXPECT_EQ(trace->sink.processNames.at(ranges[3].globalTid & ~std::uint64_t{0xFFFFFF}), "Spans");
    EXPECT_EQ(trace->sink.threadNames.at(ranges[3].globalTid), "PyTorch Profiler");
    EXPECT_EQ(trace->sink.processNames.at(ranges[4].globalTid & ~std::uint64_t{0xFFFFFF}), "Process -1");
    EXPECT_EQ(ranges[0].globalTid, readTrace(text)->sink.all(&test::CollectedRows::ranges)[0].globalTid) << "the same in every run";
}

TEST(ChromeTrace, OtherKindsOfEventsAreCountedWithTheirLetter)
{
    const auto trace = readTrace(listOf(R"({"ph":"X","name":"a","pid":1,"tid":1,"ts":0,"dur":1},
                                           {"ph":"N","cat":"obj","name":"o","id":1,"pid":1,"tid":1,"ts":0},
                                           {"ph":"D","cat":"obj","name":"o","id":1,"pid":1,"tid":1,"ts":0},
                                           {"ph":"P","cat":"obj","name":"o","pid":1,"tid":1,"ts":0},
                                           {"name":"no ph","cat":"obj","ts":1},
                                           {"ph":"s","cat":"ac2g","id":1,"pid":1,"tid":1,"ts":0,"name":"ac2g"},
                                           {"ph":"f","cat":"ac2g","id":1,"pid":1,"tid":1,"ts":0,"name":"ac2g","bp":"e"})"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(trace->skipped("obj", "no such event kind: \"N\""), 1u);
    EXPECT_EQ(trace->skipped("obj", "no such event kind: \"D\""), 1u);
    EXPECT_EQ(trace->skipped("obj", "no such event kind: \"P\""), 1u);
    EXPECT_EQ(trace->table("obj")->rows, 4u);
    EXPECT_EQ(trace->table("ac2g")->rows, 2u);
    EXPECT_EQ(trace->table("ac2g")->kept, 0u) << "there is neither a call nor its work";
}

TEST(ChromeTrace, NamesWithEscapesAreResolved)
{
    const auto trace = readTrace(listOf(R"({"ph":"X","name":"a\"b\\c\n\u00e9\ud83d\ude00\ud800x","pid":1,"tid":1,"ts":0,"dur":1},
                                           {"ph":"X","name":"quote \" again","pid":1,"tid":1,"ts":1,"dur":1})"));
    ASSERT_TRUE(trace->result);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    EXPECT_EQ(trace->sink.text(ranges[0].textId), "a\"b\\c\n\u00e9\U0001F600\uFFFDx");
    EXPECT_EQ(trace->sink.text(ranges[1].textId), "quote \" again");
}

TEST(ChromeTrace, StreamsOfOtherWritersGpuProcessesAreDeviceWork)
{
    const auto trace = readTrace(listOf(R"json({"ph":"M","name":"process_name","pid":5,"args":{"name":"/device:GPU:1"}},
                                           {"ph":"M","name":"process_name","pid":6,"args":{"name":"/host:CPU"}},
                                           {"ph":"M","name":"process_name","pid":7,"args":{"name":"GPU Process"}},
                                           {"ph":"M","name":"thread_name","pid":5,"tid":14,"args":{"name":"Stream #13(Compute)"}},
                                           {"ph":"M","name":"thread_name","pid":5,"tid":20,"args":{"name":"XLA Ops"}},
                                           {"ph":"X","name":"fusion","pid":5,"tid":14,"ts":0,"dur":1},
                                           {"ph":"X","name":"op","pid":5,"tid":20,"ts":0,"dur":1},
                                           {"ph":"X","name":"host","pid":6,"tid":1,"ts":0,"dur":1},
                                           {"ph":"X","name":"browser","pid":7,"tid":1,"ts":0,"dur":1})json"));
    ASSERT_TRUE(trace->result);
    const auto kernels = trace->sink.all(&test::CollectedRows::kernels);
    ASSERT_EQ(kernels.size(), 1u);
    EXPECT_EQ(kernels[0].deviceId, 1u);
    EXPECT_EQ(kernels[0].streamId, 14u);
    EXPECT_EQ(trace->sink.text(kernels[0].demangledName), "fusion");
    EXPECT_EQ(trace->sink.streamNames.at({0, 1, 0, 14}), "Stream #13(Compute)");
    EXPECT_EQ(trace->sink.all(&test::CollectedRows::ranges).size(), 3u);
}

TEST(ChromeTrace, SaysWhatTheFileSaysOfItsProducer)
{
    const std::string event = R"({"ph":"X","name":"a","pid":1,"tid":1,"ts":0,"dur":1})";
    EXPECT_EQ(readTrace(R"({"traceEvents":[)" + event + R"(],"otherData":{"version":"My Application v1.0"}})")->sink.meta().producer,
              "My Application v1.0");
    EXPECT_EQ(readTrace("[" + event + "]")->sink.meta().producer, "");
    const auto kineto = readTrace(
        R"({"schemaVersion":1,"deviceProperties":[{"id":0,"name":"NVIDIA H100"},{"id":1,"name":""}],"traceEvents":[)" + event + "]}");
    EXPECT_EQ(kineto->sink.meta().producer, "PyTorch (Kineto)");
    EXPECT_EQ(kineto->sink.report().format, "Chrome trace (Kineto)");
    ASSERT_EQ(kineto->sink.meta().gpus.size(), 2u);
    EXPECT_EQ(kineto->sink.meta().gpus[0].name, "NVIDIA H100");
    EXPECT_EQ(kineto->sink.meta().gpus[1].device, 1u);
}

TEST(ChromeTrace, ReportsTimesNameAndProgress)
{
    const test::TemporaryFolder folder;
    test::writeFile(folder / "my.json", listOf(R"({"ph":"X","name":"a","pid":1,"tid":1,"ts":10,"dur":5},
                                                  {"ph":"X","name":"a","pid":1,"tid":1,"ts":2,"dur":1})"));
    test::CollectingSink sink;
    ReadControl control;
    std::vector<double> fractions;
    control.progress = [&](double fraction, std::string_view stage) {
        fractions.push_back(fraction);
        EXPECT_EQ(stage, "events");
    };
    ASSERT_TRUE(readChromeTrace(folder / "my.json", sink, control));
    EXPECT_EQ(sink.report().file, "my.json");
    EXPECT_EQ(sink.meta().title, "my.json");
    EXPECT_EQ(sink.report().fileBytes, std::filesystem::file_size(folder / "my.json"));
    EXPECT_EQ(sink.report().time, (TimeRange{-8000, 5000}));
    ASSERT_FALSE(fractions.empty());
    EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
    EXPECT_EQ(fractions.back(), 1.0);
}

} // namespace
} // namespace gantry::importing
