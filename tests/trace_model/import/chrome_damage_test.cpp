#include "tests/trace_model/import/trace_files.h"

#include <gmock/gmock.h>

#include <random>
#include <stop_token>

namespace gantry::importing {
namespace {

using test::listOf;
using test::readTrace;
using testing::HasSubstr;

/// Where the objects of the outermost list end, one behind the other.
std::vector<std::size_t> eventEnds(std::string_view text)
{
    std::vector<std::size_t> ends;
    const std::size_t key = text.find("\"traceEvents\"");
    std::size_t at = text.find('[', key == std::string_view::npos ? 0 : key) + 1;
    int depth = 0;
    bool inString = false;
    for (; at < text.size(); ++at) {
        if (inString) {
            if (text[at] == '\\')
                ++at;
            else if (text[at] == '"')
                inString = false;
        } else if (text[at] == '"') {
            inString = true;
        } else if (text[at] == '{' || text[at] == '[') {
            ++depth;
        } else if (text[at] == '}' || text[at] == ']') {
            if (--depth < 0)
                break;
            if (depth == 0)
                ends.push_back(at + 1);
        }
    }
    return ends;
}

std::uint64_t rowsMet(test::ReadTrace& trace)
{
    std::uint64_t rows = 0;
    for (const TableTally& tally : trace.sink.report().tables)
        rows += tally.rows;
    return rows;
}

std::filesystem::path sample(const char* name)
{
    return std::filesystem::path(GANTRY_SOURCE_DIR "/../shared/data/kineto") / name;
}

class TruncatedTrace : public testing::TestWithParam<const char*>
{
};

TEST_P(TruncatedTrace, KeepsEveryEventThatIsWhole)
{
    if (!std::filesystem::exists(sample(GetParam())))
        GTEST_SKIP() << "shared/data/kineto is not beside the source tree";
    const std::string text = test::gunzipped(sample(GetParam()));
    const std::vector<std::size_t> ends = eventEnds(text);
    ASSERT_FALSE(ends.empty());
    for (std::size_t part = 0; part < 1000; ++part) {
        const std::size_t cut = std::max<std::size_t>(1, text.size() * part / 1000);
        const auto whole = static_cast<std::uint64_t>(std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin());
        const auto trace = readTrace(text.substr(0, cut));
        if (!trace->result) {
            ASSERT_EQ(whole, 0u) << "cut at " << cut << ": " << trace->result.error().text();
            ASSERT_EQ(trace->result.error().code, ErrorCode::NotAReport);
            continue;
        }
        const std::uint64_t cutOff = trace->skipped("(no category)", "cut off at the end of the file");
        ASSERT_LE(cutOff, 1u);
        ASSERT_EQ(rowsMet(*trace) - cutOff, whole) << "cut at " << cut;
        if (cut < ends.back()) {
            ASSERT_FALSE(trace->sink.meta().warnings.empty()) << "cut at " << cut;
        }
    }
}

TEST_P(TruncatedTrace, PackedKeepsWhatCanBeUnpacked)
{
    if (!std::filesystem::exists(sample(GetParam())))
        GTEST_SKIP() << "shared/data/kineto is not beside the source tree";
    const std::string text = test::gunzipped(sample(GetParam()));
    const std::string packed = test::gzipped(text);
    std::uint64_t before = 0;
    for (std::size_t part = 1; part < 1000; part += 9) {
        const auto trace = readTrace(packed.substr(0, std::max<std::size_t>(2, packed.size() * part / 1000)));
        if (!trace->result) {
            ASSERT_EQ(before, 0u);
            ASSERT_EQ(trace->result.error().code, ErrorCode::NotAReport);
            continue;
        }
        ASSERT_GE(rowsMet(*trace) + 1, before); // 1: the one that was cut off
        before = rowsMet(*trace);
        ASSERT_FALSE(trace->sink.meta().warnings.empty());
        ASSERT_THAT(trace->sink.meta().warnings.front(), HasSubstr("cut off"));
    }
    EXPECT_GT(before, eventEnds(text).size() * 9 / 10);
}

INSTANTIATE_TEST_SUITE_P(SharedData, TruncatedTrace,
                         testing::Values("HolisticTraceAnalysis__alexnet__benchmark_result_2869224_1695835535_trace.json.gz",
                                         "TraceLens__sglang_decode__sglang_Qwen3-8B_decode.json.gz", "kineto__data__trace.json",
                                         "kineto__traces__after_fix_trace.json"));

constexpr char kGood[] = R"({"ph":"X","name":"good","pid":1,"tid":1,"ts":1,"dur":1})";

std::size_t goodRanges(test::ReadTrace& trace)
{
    std::size_t count = 0;
    for (const RangeRow& row : trace.sink.all(&test::CollectedRows::ranges))
        count += trace.sink.text(row.textId) == "good" ? 1 : 0;
    return count;
}

TEST(DamagedTrace, EventsAroundABadOneAreRead)
{
    const char* const bad[] = {
        R"({"ph":"X","name":"no dur","pid":1,"tid":1,"ts":1})",
        R"({"ph":"X","name":"negative","pid":1,"tid":1,"ts":1,"dur":-5})",
        R"({"ph":"X","name":"no ts","pid":1,"tid":1,"dur":1})",
        R"({"ph":"X","name":"huge","pid":1,"tid":1,"ts":1e400,"dur":1})",
        R"({"ph":"X","name":"huge","pid":1,"tid":1,"ts":123456789012345678901234567890,"dur":1})",
        R"({"ph":"X","name":"long","pid":1,"tid":1,"ts":1,"dur":9223372036854775})",
        R"({"ph":"X","name":"types","pid":[1],"tid":{"a":[]},"ts":true,"dur":"x"})",
        R"({"ph":["X"],"name":{},"cat":7,"args":[1,2]})",
        R"({})",
        R"({"ph":"X" "name":"no comma","ts":1,"dur":1})",
        R"({"ph":"X","name":"no colon","ts" 1,"dur":1})",
        R"({"ph":"X","name":"no value","ts":,"dur":1})",
        R"({"ph":"X","name":"bare",ts:1})",
        R"({'ph':'X'})",
        R"("text instead")",
        R"(17)",
        R"([{"ph":"X","ts":1,"dur":1}])",
        R"(null)",
    };
    for (const char* const event : bad) {
        for (const char* const layout : {"%s,%s,%s,%s", "\n  %s,\n  %s,\n  %s,\n  %s\n  "}) {
            std::string events = layout;
            for (const char* const part : {kGood, kGood, event, kGood})
                events.replace(events.find("%s"), 2, part);
            const auto trace = readTrace(listOf(events));
            ASSERT_TRUE(trace->result) << event;
            EXPECT_EQ(goodRanges(*trace), 3u) << event;
            EXPECT_EQ(trace->sink.all(&test::CollectedRows::ranges).size(), goodRanges(*trace)) << event;
        }
    }
}

TEST(DamagedTrace, QuotesThatWereNotEscapedAreReadAsTheyWereMeant)
{
    const auto trace = readTrace(listOf(std::string(kGood) + R"(,
  {
    "ph": "X", "cat": "cpu_op", "name": "call "inner" with, commas", "pid": 1, "tid": 1,
    "ts": 2, "dur": 3,
    "args": {
      "External id": 4,"Comms": "group "a", rank 1", "correlation": 8
    }
  },
)" + kGood));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(goodRanges(*trace), 2u);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    ASSERT_EQ(ranges.size(), 3u);
    EXPECT_EQ(trace->sink.text(ranges[1].textId), "call \"inner\" with, commas");
    EXPECT_EQ(ranges[1].end, 4000);
    ASSERT_EQ(trace->sink.meta().warnings.size(), 1u);
    EXPECT_THAT(trace->sink.meta().warnings[0], HasSubstr("1 event with quotes"));
}

TEST(DamagedTrace, SaysWhereTheFirstUnreadableEventIs)
{
    const std::string text = listOf(std::string(kGood) + R"(,{"ph":"X",,},)" + kGood + R"(,{"ph":;},)" + kGood);
    const auto trace = readTrace(text);
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(goodRanges(*trace), 3u);
    EXPECT_EQ(trace->skipped("(no category)", "not JSON"), 2u);
    ASSERT_EQ(trace->sink.meta().warnings.size(), 1u);
    EXPECT_THAT(trace->sink.meta().warnings[0], HasSubstr("the first at byte " + std::to_string(text.find(R"({"ph":"X",,)"))));
    EXPECT_THAT(trace->sink.meta().warnings[0], HasSubstr("2 events skipped"));
    EXPECT_TRUE(trace->sink.losses.empty()) << "those are of the recording";
}

TEST(DamagedTrace, ControlCharactersAndDuplicateKeysAreTaken)
{
    std::string events = R"({"ph":"X","name":"a_b","name":"last_name","pid":1,"tid":1,"ts":9,"ts":1,"dur":1,"args":{"x":1,"x":2}})";
    std::replace(events.begin(), events.end(), '_', '\0');
    const auto trace = readTrace(listOf(std::string(kGood) + "," + events + "," + kGood + "\0"));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(goodRanges(*trace), 2u);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    EXPECT_EQ(trace->sink.text(ranges[1].textId), std::string("last\0name", 9));
    EXPECT_EQ(ranges[1].start, 0);
}

TEST(DamagedTrace, DeepNestingIsSkipped)
{
    const std::string deep(2'000'000, '['), closed(2'000'000, ']');
    const std::string event = R"({"ph":"X","name":"good","pid":1,"tid":1,"ts":1,"dur":1,"args":{"deep":)";
    auto trace = readTrace(R"({"x":)" + deep + closed + R"(,"traceEvents":[)" + event + deep + closed + "}}," + kGood + "]}");
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(goodRanges(*trace), 2u);
    trace = readTrace(listOf(std::string(kGood) + "," + event + deep));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(goodRanges(*trace), 1u);
}

TEST(DamagedTrace, AStringThatNeverEndsHidesNothingBehindIt)
{
    std::string events = std::string(kGood) + R"(,{"ph":"X","name":"never ends,"pid":1},)";
    for (int i = 0; i < 1000; ++i)
        events += std::string(kGood) + ",";
    const auto trace = readTrace(listOf(events));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(goodRanges(*trace), 1001u);
}

TEST(DamagedTrace, AMissingBracketHidesNothingBehindIt)
{
    for (const char* const open : {R"("args":{"x":[1,2)", R"("args":{"x":{"y":1)", R"("args":{"x":"y)"}) {
        std::string events = std::string(kGood) + R"(,{"ph":"X","name":"open","pid":1,"tid":1,"ts":1,"dur":1,)" + open + "}},";
        for (int i = 0; i < 1000; ++i)
            events += std::string(kGood) + ",";
        const auto trace = readTrace(listOf(events));
        ASSERT_TRUE(trace->result);
        EXPECT_GE(goodRanges(*trace), 1000u) << open;
        EXPECT_FALSE(trace->sink.meta().warnings.empty()) << open;
    }
}

TEST(DamagedTrace, ManyEventsThatNeverEndAreGivenUp)
{
    std::string events = std::string(kGood);
    while (events.size() < 20'000'000)
        events += R"(},{"ph":[[)"; // each of these looks like the begin of one that goes on to the end of the file
    const auto trace = readTrace(listOf(events));
    ASSERT_TRUE(trace->result);
    EXPECT_EQ(goodRanges(*trace), 1u);
    EXPECT_LE(trace->skipped("(no category)", "not JSON"), 100u);
    EXPECT_FALSE(trace->sink.meta().warnings.empty());
}

TEST(DamagedTrace, AMillionNamesCategoriesAndThreadsAreRead)
{
    std::string events;
    for (int i = 0; i < 1'000'000; ++i) {
        const std::string number = std::to_string(i);
        events += R"({"ph":"X","name":"n)" + number + R"(","cat":"c)" + number + R"(","pid":"p)" + std::to_string(i / 10'000) +
                  R"(","tid":"t)" + std::to_string(i / 10) + R"(","ts":)" + number + R"(,"dur":1},)";
    }
    const auto trace = readTrace(listOf(events));
    ASSERT_TRUE(trace->result);
    const auto ranges = trace->sink.all(&test::CollectedRows::ranges);
    ASSERT_EQ(ranges.size(), 1'000'000u);
    EXPECT_EQ(trace->sink.text(ranges[777'777].textId), "n777777");
    EXPECT_LE(trace->sink.report().tables.size(), 257u);
    EXPECT_EQ(rowsMet(*trace), 1'000'000u);
    EXPECT_EQ(trace->sink.threadNames.size(), 100'000u);
    EXPECT_EQ(trace->sink.threadNames.at(ranges[777'777].globalTid), "t77777");
}

TEST(DamagedTrace, ABombIsAnErrorWithASentence)
{
    std::string bomb = "{\"x\":\"" + std::string(30'000'000, ' ');
    const auto trace = readTrace(test::gzipped(bomb), {.limits = {1'000'000, 100}});
    ASSERT_FALSE(trace->result);
    EXPECT_EQ(trace->result.error().code, ErrorCode::BadInput);
    EXPECT_THAT(trace->result.error().text(), HasSubstr("100 times its size"));
}

TEST(DamagedTrace, FilesWithoutEventsAreRefusedWithASentence)
{
    const auto refusal = [](const std::string& text) {
        const auto trace = readTrace(text);
        EXPECT_FALSE(trace->result);
        return trace->result ? std::string() : trace->result.error().message;
    };
    EXPECT_THAT(refusal("{}"), HasSubstr("holds no events"));
    EXPECT_THAT(refusal("[]"), HasSubstr("holds no events"));
    EXPECT_THAT(refusal("{\"traceEvents\":[]}"), HasSubstr("holds no events"));
    EXPECT_THAT(refusal("{\"traceEvents\":{}}"), HasSubstr("holds no events"));
    EXPECT_THAT(refusal("hello"), HasSubstr("holds no events"));
    EXPECT_THAT(refusal("   "), HasSubstr("holds no events"));
    EXPECT_THAT(refusal(std::string(100, '\0')), HasSubstr("holds no events"));
    EXPECT_THAT(refusal(R"({"schema":"1.0.3","nodes":[{"id":1}]})"), HasSubstr("execution trace"));
    EXPECT_THAT(refusal(test::gzipped("{\"traceEvents\":[")), HasSubstr("holds no events"));
}

TEST(DamagedTrace, ReadingStopsWhenAsked)
{
    std::string events;
    for (int i = 0; i < 50'000; ++i)
        events += std::string(kGood) + ",";
    const test::TemporaryFolder folder;
    test::writeFile(folder / "plain.json", listOf(events));
    test::writeFile(folder / "packed.json", test::gzipped(listOf(events)));
    for (const char* const name : {"plain.json", "packed.json"}) {
        for (const unsigned threads : {1u, 3u}) {
            std::stop_source source;
            ReadControl control;
            control.stop = source.get_token();
            int calls = 0;
            control.progress = [&](double, std::string_view) {
                ++calls;
                source.request_stop();
            };
            test::CollectingSink sink;
            const auto result =
                readChromeTrace(folder / name, sink, control, {.parallelFrom = 1, .partBytes = 100'000, .threads = threads});
            ASSERT_FALSE(result) << name;
            EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
            EXPECT_EQ(calls, 1);
        }
    }
}

TEST(DamagedTrace, MutatedBytesGiveATraceOrAnError)
{
    std::string text = R"({"schemaVersion":1,"deviceProperties":[{"id":0,"name":"GPU"}],"traceEvents":[)";
    for (int i = 0; i < 6; ++i)
        text +=
            R"({"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 1.5, "dur": 2, "args": {"device": 0, "stream": 7, "correlation": 1, "grid": [1, 2, 3]}},
                   {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 9, "tid": 9, "ts": 1, "dur": 0.5, "args": {"correlation": 1}},
                   {"ph": "B", "name": "b\u0041", "pid": 9, "tid": 9, "ts": 1}, {"ph": "E", "pid": 9, "tid": 9, "ts": 2},
                   {"ph": "b", "cat": "c", "id": "0x1", "ts": 1}, {"ph": "e", "cat": "c", "id": "0x1", "ts": 2},
                   {"ph": "C", "name": "c", "ts": 1, "args": {"": 1, "x": "2"}}, {"ph": "M", "name": "thread_name", "pid": 9, "tid": 9, "args": {"name": "t"}},)";
    text += "{}],\"baseTimeNanoseconds\":1}";
    std::mt19937 random(0xC4A0);
    for (int mutation = 0; mutation < 4000; ++mutation) {
        std::string mutated = text;
        constexpr std::string_view kHot = "\"\\{}[],:0123456789.-eE\n \0n";
        for (std::size_t changes = 1 + random() % 6; changes > 0; --changes) {
            const std::size_t at = random() % mutated.size();
            switch (random() % 4) {
            case 0:
                mutated[at] = kHot[random() % kHot.size()];
                break;
            case 1:
                mutated[at] = static_cast<char>(random());
                break;
            case 2:
                mutated.erase(at, 1 + random() % 8);
                break;
            case 3:
                mutated.insert(at, mutated.substr(random() % mutated.size(), random() % 32));
                break;
            }
        }
        const auto trace = readTrace(mutated, {.parallelFrom = random() % 2 == 0 ? 1u : 1u << 30, .partBytes = 64, .threads = 2});
        EXPECT_TRUE(trace->result || !trace->result.error().text().empty()) << "mutation " << mutation;
    }
}

TEST(DamagedTrace, SaysThatItIsNotComplete)
{
    const std::string event = R"({"ph":"X","name":"a","pid":1,"tid":1,"ts":1,"dur":1})", list = listOf(event + "," + event);
    const auto isComplete = [](std::string_view bytes) {
        const auto trace = readTrace(bytes);
        EXPECT_TRUE(trace->result);
        EXPECT_EQ(trace->sink.meta().complete, trace->sink.meta().whyIncomplete.empty());
        return trace->sink.meta().complete;
    };
    EXPECT_TRUE(isComplete(list));
    EXPECT_TRUE(isComplete("[" + event + ",\n")) << "as programs leave it that are ended while they write";
    EXPECT_FALSE(isComplete("[" + event + "," + event.substr(0, 20)));
    EXPECT_FALSE(isComplete(list.substr(0, list.size() - 2)));
    EXPECT_FALSE(isComplete(listOf(event + R"(,{"ph":"X" nonsense},)" + event)));
    std::string many;
    for (int i = 0; i < 20'000; ++i)
        many += R"({"ph":"X","name":"a)" + std::to_string(i * 7919) + R"(","pid":1,"tid":1,"ts":)" + std::to_string(i) + R"(,"dur":1},)";
    const std::string packed = test::gzipped("[" + many);
    EXPECT_TRUE(isComplete(packed));
    EXPECT_FALSE(isComplete(std::string_view(packed).substr(0, packed.size() / 2)));
}

} // namespace
} // namespace gantry::importing
