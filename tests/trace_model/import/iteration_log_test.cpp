#include "trace_model/import/iteration_log.h"

#include "tests/support/collecting_sink.h"
#include "tests/support/packing.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/import/iteration_entries.h"
#include "trace_model/import/log_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::importing {
namespace {

using test::CollectedRows;
using test::CollectingSink;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr DurationNs kMs = 1'000'000, kS = 1'000'000'000;

constexpr char kGptManager[] = R"([TensorRT-LLM][INFO] {"Active Request Count":249,"Context Requests":8,"Free KV cache blocks":612,"Generation Requests":231,"Iteration Counter":90,)"
                               R"("Max KV cache blocks":2448,"MicroBatch ID":0,"Runtime GPU Memory Usage":540173600,"Scheduled Requests":239,"Timestamp":"12-13-2023 14:55:14",)"
                               R"("Total Context Tokens":6904,"Used KV cache blocks":1836})";

class ReadingAnIterationLog : public testing::Test
{
protected:
    void read(std::string_view text)
    {
        const auto done = parseIterationLog(text, sink, {});
        ASSERT_TRUE(done) << done.error().text();
    }
    using Samples = std::vector<std::pair<TimestampNs, double>>;
    [[nodiscard]] Samples samples(std::string_view counter, std::string_view group = "rank 0") const
    {
        Samples found;
        for (const CounterSample& sample : sink.all(&CollectedRows::samples))
            if (sink.counters.at(sample.counter).name == counter && sink.counters.at(sample.counter).group == group)
                found.emplace_back(sample.time, sample.value);
        return found;
    }
    [[nodiscard]] std::vector<double> values(std::string_view counter, std::string_view group = "rank 0") const
    {
        std::vector<double> found;
        for (const auto& [time, value] : samples(counter, group))
            found.push_back(value);
        return found;
    }
    [[nodiscard]] std::string unit(std::string_view counter) const
    {
        for (const CounterDefinition& definition : sink.counters)
            if (definition.name == counter)
                return definition.unit;
        return "no such counter";
    }
    /// "thread number start..end" of each iteration.
    [[nodiscard]] std::vector<std::string> iterations() const
    {
        std::vector<std::string> found;
        for (const RangeRow& row : sink.all(&CollectedRows::ranges)) {
            EXPECT_EQ(sink.text(row.textId), "iteration");
            found.push_back(sink.threadNames.at(row.globalTid) + " " + (row.payload ? std::to_string(*row.payload) : "-") + " " + std::to_string(row.start / kMs) + ".."
                            + std::to_string(row.end.value() / kMs));
        }
        return found;
    }
    [[nodiscard]] std::uint64_t skipped(std::string_view table, std::string_view reason)
    {
        for (const SkippedRows& rows : sink.report().table(table).skipped)
            if (rows.reason == reason)
                return rows.count;
        return 0;
    }

    CollectingSink sink;
};

TEST(LogTime, IsReadHoweverItIsWritten)
{
    constexpr TimestampNs kTime = 1702479314 * kS; // 2023-12-13 14:55:14
    for (const char* text : {"12-13-2023 14:55:14", "[12/13/2023-14:55:14] [TRT-LLM]", "2023-12-13 14:55:14", "x 2023-12-13T14:55:14Z", "(pid=4:5) [2023-12-13 14:55:14 TP0]"}) {
        const auto time = findLogTime(text);
        ASSERT_TRUE(time) << text;
        EXPECT_EQ(time->time, kTime) << text;
        EXPECT_EQ(time->resolution, kS);
        EXPECT_TRUE(time->hasDate);
    }
    const auto fine = findLogTime("12-13-2023 14:55:14.250000");
    EXPECT_EQ(fine->time, kTime + kS / 4);
    EXPECT_EQ(fine->resolution, 1000);
    const auto undated = findLogTime("INFO 02-29 00:00:01 [loggers.py:111]"), clock = findLogTime("[16:43:29 TP0]");
    ASSERT_TRUE(undated && clock);
    EXPECT_FALSE(undated->hasDate || clock->hasDate);
    EXPECT_EQ(clock->time % (86400 * kS), (16 * 3600 + 43 * 60 + 29) * kS);
}

TEST(LogTime, IsNothingWhereThereIsNone)
{
    for (const char* text : {"", "12:34", "127.0.0.1:8001", "25:00:00", "a::b::c", "2023-13-13 14:55:14", "2023-02-30 14:55:14", "0000-01-01 00:00:00", "1:2:3", "99:99:99:"})
        EXPECT_FALSE(findLogTime(text)) << text;
}

TEST_F(ReadingAnIterationLog, GptManagersLineBecomesCounters)
{
    read(kGptManager);
    EXPECT_THAT(samples("requests active"), ElementsAre(std::pair(0, 249.0)));
    EXPECT_THAT(values("requests scheduled"), ElementsAre(239));
    EXPECT_THAT(values("context requests"), ElementsAre(8));
    EXPECT_THAT(values("generation requests"), ElementsAre(231));
    EXPECT_THAT(values("context tokens"), ElementsAre(6904));
    EXPECT_THAT(values("KV cache blocks used"), ElementsAre(1836));
    EXPECT_THAT(values("KV cache blocks free"), ElementsAre(612));
    EXPECT_THAT(values("KV cache blocks total"), ElementsAre(2448));
    EXPECT_THAT(values("KV cache utilisation"), ElementsAre(75)) << "of the blocks";
    EXPECT_EQ(unit("KV cache utilisation"), "%");
    EXPECT_THAT(values("GPU memory"), ElementsAre(540173600));
    EXPECT_EQ(unit("GPU memory"), "bytes");
    EXPECT_THAT(iterations(), IsEmpty()) << "no duration is known";
    EXPECT_EQ(sink.meta().format, "iteration-log");
    EXPECT_EQ(sink.meta().producer, "TensorRT-LLM");
    EXPECT_EQ(sink.meta().sessionUtcNs, 1702479314 * kS);
    EXPECT_TRUE(sink.meta().isUtcOfUnknownZone) << "nobody shall align other files by it";
    EXPECT_THAT(sink.report().clock, HasSubstr("read as UTC"));
    EXPECT_THAT(sink.meta().warnings, ElementsAre(HasSubstr("local time without a zone")));
}

TEST_F(ReadingAnIterationLog, TheExecutorsStatisticsBecomeCountersAndIterations)
{
    read(R"({"timestamp":"08-19-2026 14:11:49.500000","iter":1,"iterLatencyMS":1500.5,"numActiveRequests":3,"numQueuedRequests":2,"gpuMemUsage":1024,)"
         R"("kvCacheStats":{"maxNumBlocks":200,"usedNumBlocks":50,"cacheHitRate":0.25},"crossKvCacheStats":null,)"
         R"("inflightBatchingStats":{"numContextRequests":1,"numCtxTokens":13,"microBatchId":0},"specDecodingStats":{"iterLatencyMS":7}})"
         "\n"
         R"({"timestamp":"08-19-2026 14:11:49.520000","iter":2,"iterLatencyMS":20,"numActiveRequests":4})"
         "\n");
    EXPECT_THAT(iterations(), ElementsAre("rank 0 1 -1500..0", "rank 0 2 0..20"));
    EXPECT_THAT(samples("requests active"), ElementsAre(std::pair(-1500 * kMs - kMs / 2, 3.0), std::pair(TimestampNs{0}, 4.0))) << "over all of the iteration";
    EXPECT_THAT(values("requests queued"), ElementsAre(2));
    EXPECT_THAT(values("KV cache utilisation"), ElementsAre(25));
    EXPECT_THAT(values("KV cache hit rate"), ElementsAre(25));
    EXPECT_THAT(values("context tokens"), ElementsAre(13));
    EXPECT_THAT(values("iteration latency"), ElementsAre(1500.5, 20));
    EXPECT_EQ(unit("iteration latency"), "ms");
    EXPECT_THAT(values("draft latency"), ElementsAre(7)) << "of the block, not of the iteration";
}

/// As GET /metrics answers: an array without times.
class ReadingIterationsWithoutTimes : public ReadingAnIterationLog, public testing::WithParamInterface<const char*>
{
};

TEST_P(ReadingIterationsWithoutTimes, ShowsThemOneBehindTheOther)
{
    read(GetParam());
    EXPECT_THAT(iterations(), ElementsAre("rank 0 1 0..100", "rank 0 2 100..120"));
    EXPECT_EQ(sink.meta().sessionUtcNs, 0);
    EXPECT_THAT(sink.report().clock, HasSubstr("has no times"));
    EXPECT_THAT(sink.meta().warnings, ElementsAre(HasSubstr("2 entries without a time")));
}

INSTANTIATE_TEST_SUITE_P(OnOneLineAndOnMany, ReadingIterationsWithoutTimes,
                         testing::Values(R"([{"iter":1,"iterLatencyMS":100},{"iter":2,"iterLatencyMS":20}])",
                                         "[\n {\n  \"iter\": 1,\n  \"iterLatencyMS\": 100\n },\n {\n  \"iter\": 2,\n  \"iterLatencyMS\": 20\n }\n]"));

TEST_F(ReadingAnIterationLog, EachGenerationOfThePyTorchBackEndIsRead)
{
    read("[06/01/2025-10:00:00] [TRT-LLM] [I] iter = 1, global_rank = 0, rank = 0, currank_total_requests = 1/1, elapsed_time = 0.0123s, timestamp = 2025-06-01 10:00:00, "
         "num_scheduled_requests: 1, states = {'num_ctx_requests': 1, 'num_ctx_tokens': 13, 'num_generation_tokens': 0}\n"
         "[06/01/2025-10:00:01] [TRT-LLM] [RANK 0] [I] iter = 2, global_rank = 0, rank = 0, currank_total_requests = 1/1, host_step_time = 12.3ms, prev_device_step_time = N/A, "
         "timestamp = 2025-06-01 10:00:01, num_scheduled_requests: 2, states = {'num_ctx_requests': 2, 'num_ctx_tokens': 14, 'num_generation_tokens': 1}\n"
         "[06/01/2025-10:00:02] [TRT-LLM] [I] [_torch][RANK 0] iter = 3, global_rank = 0, rank = 0, num_scheduled_requests = 3, kv_cache_util = 0.100, currank_total_requests = 0/1, "
         "host_step_time = 5.0ms, prev_device_step_time = 6.94ms, timestamp = 2025-06-01 10:00:02, states = {'num_ctx_requests': 0, 'num_ctx_tokens': 0, "
         "'num_generation_tokens': 1, 'cached_kv_tokens': 20}\n");
    EXPECT_THAT(values("requests scheduled"), ElementsAre(1, 2, 3));
    EXPECT_THAT(values("context tokens"), ElementsAre(13, 14, 0));
    EXPECT_THAT(values("generation tokens"), ElementsAre(0, 1, 1));
    EXPECT_THAT(values("iteration latency"), ElementsAre(12.3, 12.3, 5)) << "seconds and milliseconds";
    EXPECT_THAT(values("KV cache utilisation"), ElementsAre(10));
    EXPECT_THAT(values("tokens in the KV cache"), ElementsAre(20));
    EXPECT_EQ(iterations().size(), 3u);
    EXPECT_THAT(samples("device step time"), ElementsAre(std::pair(987'700'000, 6.94))) << "of the iteration before the one that says it";
}

TEST_F(ReadingAnIterationLog, ADeviceTimeWhoseIterationIsMissingIsNotGivenToAnother)
{
    read("iter = 1, host_step_time = 5.0ms, timestamp = 2025-06-01 10:00:00, states = {}\niter = 7, host_step_time = 5.0ms, prev_device_step_time = 3ms, timestamp = 2025-06-01 10:00:01, states = {}\n");
    EXPECT_THAT(values("device step time"), IsEmpty());
}

TEST_F(ReadingAnIterationLog, IterationsOfOneSecondFollowEachOther)
{
    std::string text;
    for (int i = 1; i <= 4; ++i)
        text += "iter = " + std::to_string(i) + ", host_step_time = 300ms, timestamp = 2025-06-01 10:00:00, states = {}\n";
    read(text + "iter = 5, host_step_time = 300ms, timestamp = 2025-06-01 10:00:09, states = {}\n");
    EXPECT_THAT(iterations(), ElementsAre("rank 0 1 -300..0", "rank 0 2 0..300", "rank 0 3 300..600", "rank 0 4 600..900", "rank 0 5 8700..9000"));
}

TEST_F(ReadingAnIterationLog, RanksThatInterleaveAreToldApart)
{
    read("\x1B[38;20m[TRT-LLM] [RANK 1] [I] iter = 1, global_rank = 1, rank = 1, host_step_time = 5ms, timestamp = 2025-06-01 10:00:00, states = {'num_ctx_tokens': 7}\x1B[0m\r\n"
         "some other line {\n"
         "\x1B[32m[TRT-LLM] [RANK 0] [I]\x1B[0m iter = 1, global_rank = 0, host_step_time = 5ms, timestamp = 2025-06-01 10:00:00, states = {'num_ctx_tokens': 8}\n"
         "[TRT-LLM] [RANK 2] [I] {\"iter\":4,\"iterLatencyMS\":1,\"timestamp\":\"06-01-2025 10:00:01\",\"numActiveRequests\":9}\n"
         "{\"iter\":4,\"attentionDpRank\":3,\"iterLatencyMS\":1,\"timestamp\":\"06-01-2025 10:00:01\",\"numActiveRequests\":10}\n");
    EXPECT_THAT(values("context tokens", "rank 1"), ElementsAre(7));
    EXPECT_THAT(values("context tokens", "rank 0"), ElementsAre(8));
    EXPECT_THAT(values("requests active", "rank 2"), ElementsAre(9));
    EXPECT_THAT(values("requests active", "rank 3"), ElementsAre(10));
    EXPECT_THAT(iterations(), UnorderedElementsAre("rank 0 1 -5..0", "rank 1 1 -5..0", "rank 2 4 999..1000", "rank 3 4 999..1000"));
}

TEST_F(ReadingAnIterationLog, VllmsLinesBecomeCounters)
{
    read("(APIServer pid=7) INFO 08-19 14:11:49 [loggers.py:111] Engine 000: Avg prompt throughput: 4.3 tokens/s, Avg generation throughput: 16.2 tokens/s, Running: 1 reqs, "
         "Waiting: 2 reqs, GPU KV cache usage: 0.1%, Prefix cache hit rate: 50.0%\n"
         "INFO 08-19 14:11:59 [loggers.py:111] Engine 001: Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: 1.0 tokens/s, Running: 3 reqs, Waiting: 0 reqs\n");
    EXPECT_THAT(samples("prompt throughput"), ElementsAre(std::pair(0, 4.3)));
    EXPECT_EQ(unit("prompt throughput"), "tokens/s");
    EXPECT_THAT(values("requests queued"), ElementsAre(2));
    EXPECT_THAT(values("KV cache utilisation"), ElementsAre(0.1));
    EXPECT_THAT(values("KV cache hit rate"), ElementsAre(50));
    EXPECT_THAT(samples("requests active", "rank 1"), ElementsAre(std::pair(10 * kS, 3.0)));
    EXPECT_EQ(sink.meta().producer, "vLLM");
    EXPECT_EQ(sink.meta().sessionUtcNs, 0) << "the year is not written";
    EXPECT_FALSE(sink.meta().isUtcOfUnknownZone);
    EXPECT_THAT(sink.meta().warnings, ElementsAre(HasSubstr("no date")));
}

TEST_F(ReadingAnIterationLog, SglangsLinesBecomeCounters)
{
    read("[2025-02-27 04:46:39 TP0] Prefill batch. #new-seq: 4, #new-token: 8192, #cached-token: 291, cache hit rate: 2.76%, token usage: 0.04, #running-req: 1, #queue-req: 38\n"
         "[2025-02-27 04:46:41 DP1 TP0] Decode batch, #running-req: 8, #token: 62531, token usage: 0.12, cuda graph: True, gen throughput (token/s): 186.64, #queue-req: 0\n");
    EXPECT_THAT(values("requests new"), ElementsAre(4));
    EXPECT_THAT(values("context tokens"), ElementsAre(8192));
    EXPECT_THAT(values("KV cache utilisation"), ElementsAre(4));
    EXPECT_THAT(values("KV cache hit rate"), ElementsAre(2.76));
    EXPECT_THAT(samples("requests active", "rank 1"), ElementsAre(std::pair(2 * kS, 8.0)));
    EXPECT_THAT(values("generation throughput", "rank 1"), ElementsAre(186.64));
    EXPECT_EQ(sink.meta().producer, "SGLang");
    EXPECT_NE(sink.meta().sessionUtcNs, 0);
}

TEST_F(ReadingAnIterationLog, AValueThatNobodyKnowsIsShownUnderItsOwnName)
{
    read(R"({"iter":1,"iterLatencyMS":1,"scheduledNumCtxTokens":5,"newBlock":{"some_new_count":6}})");
    EXPECT_THAT(values("scheduled num ctx tokens"), ElementsAre(5));
    EXPECT_THAT(values("some new count"), ElementsAre(6));
}

TEST_F(ReadingAnIterationLog, TheFirstHugeIterationIsKept)
{
    read(R"({"iter":1,"iterLatencyMS":67526.06844902039,"timestamp":"08-19-2026 14:11:49"})");
    EXPECT_THAT(iterations(), ElementsAre("rank 0 1 -67526..0"));
}

TEST_F(ReadingAnIterationLog, MakesTheBestOfBadValues)
{
    read(R"({"iter":1,"iterLatencyMS":-5,"timestamp":"08-19-2026 14:11:49","numActiveRequests":1e308,"gpuMemUsage":null,"numQueuedRequests":"x","kvCacheStats":{"cacheHitRate":1e307}})"
         "\n"
         R"({"iter":2,"iterLatencyMS":1e300,"timestamp":"not a time"})"
         "\n"
         R"({"iter":3,"iterLatencyMS":1,"timestamp":"08-19-2199 14:11:49"})"
         "\n"
         R"({"iter":4,"attentionDpRank":-1,"timestamp":"08-19-2026 14:11:50"})"
         "\n"
         R"({"iter":5,"timestamp":"08-19-2026 14:11:51","numActiveRequests":2})"
         "\n"
         R"({"iter":6,"numActiveRequests":)");
    EXPECT_THAT(iterations(), IsEmpty());
    EXPECT_THAT(values("requests active"), ElementsAre(1e308, 2));
    EXPECT_THAT(values("requests queued"), IsEmpty());
    EXPECT_EQ(skipped("iterations", "too far from all others") + skipped("iterations", "no time"), 1u);
    EXPECT_EQ(skipped("iterations", "no such rank"), 1u);
    EXPECT_EQ(skipped("values", "not a finite number"), 1u);
    for (const CounterSample& sample : sink.all(&CollectedRows::samples))
        EXPECT_TRUE(std::isfinite(sample.value));
    EXPECT_THAT(sink.meta().warnings, testing::Contains(HasSubstr("2 iterations of a negative or impossible duration")));
    EXPECT_THAT(sink.meta().warnings, testing::Contains(HasSubstr("1 entry of the log cut off")));
}

TEST_F(ReadingAnIterationLog, ALogWithoutIterationsIsAnError)
{
    for (const char* text : {"", "\n", "[TensorRT-LLM][INFO] Engine version 0.10 found\n", "{\"cmdline\":{\"a\":\"b\"}}\n", "{", "#running-req: ", "\x1B[#running-req: "}) {
        const auto done = parseIterationLog(text, sink, {});
        ASSERT_FALSE(done) << text;
        EXPECT_EQ(done.error().code, ErrorCode::BadInput);
        EXPECT_THAT(done.error().message, HasSubstr("enable_iter_perf_stats"));
    }
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(parseIterationLog(kGptManager, sink, {{}, stop.get_token()}).error().code, ErrorCode::Cancelled);
}

TEST_F(ReadingAnIterationLog, AMillionRanksAndKeysStayBounded)
{
    std::string text;
    for (int i = 0; i < 200'000; ++i)
        text += "{\"iter\":1,\"iterLatencyMS\":1,\"attentionDpRank\":" + std::to_string(i) + ",\"key" + std::to_string(i) + "\":1}\n";
    for (int i = 0; i < 200'000; ++i)
        text += "{\"iter\":1,\"key" + std::to_string(i) + "\":1}\n";
    read(text);
    EXPECT_LE(sink.counters.size(), 1024u * 2 + 256u);
    EXPECT_LE(sink.threadNames.size(), 1024u);
    EXPECT_EQ(skipped("iterations", "no such rank"), 200'000u - 1024u);
    EXPECT_GT(skipped("values", "more than 256 kinds of values"), 190'000u);
}

TEST_F(ReadingAnIterationLog, AnArrayOfManyIterationsOnOneLineTakesNoLongerThanItsBytes)
{
    std::string text = "[";
    for (int i = 0; i < 100'000; ++i)
        text += "{\"iter\":" + std::to_string(i) + ",\"iterLatencyMS\":1},";
    double last = 0;
    ASSERT_TRUE(parseIterationLog(text, sink, {[&](double fraction, std::string_view) {
                                                   EXPECT_GE(fraction, last);
                                                   EXPECT_LE(fraction, 1.0);
                                                   last = fraction;
                                               },
                                               {}}));
    EXPECT_EQ(sink.all(&CollectedRows::ranges).size(), 100'000u);
    EXPECT_GT(last, 0.9);
}

/// Logs that are longer than what is kept of them at a time.
class ReadingALongIterationLog : public ReadingAnIterationLog
{
protected:
    static constexpr int kIterations = 60'000;

    /// Each entry between `before` and `behind`, with bytes that nobody reads.
    static std::string entries(std::string_view before, std::string_view behind)
    {
        std::string text;
        for (int i = 0; i < kIterations; ++i)
            text.append(before).append("{\"iter\":" + std::to_string(i) + ",\"iterLatencyMS\":1,\"note\":\"").append(static_cast<std::size_t>(i % 499), '{').append("\"}").append(behind);
        return text;
    }
    void expectAll()
    {
        const auto ranges = sink.all(&CollectedRows::ranges);
        ASSERT_EQ(ranges.size(), static_cast<std::size_t>(kIterations));
        for (int i = 0; i < kIterations; ++i)
            ASSERT_EQ(ranges[static_cast<std::size_t>(i)].payload, static_cast<std::uint64_t>(i));
        EXPECT_TRUE(sink.meta().complete);
    }
};

TEST_F(ReadingALongIterationLog, EntriesOnLinesAmongOthersAreAllThere)
{
    const std::string text = entries("[TRT-LLM] ", "\nsome other line\n\n");
    ASSERT_GT(text.size(), 2 * IterationEntries::kLongest);
    read(text);
    expectAll();
}

TEST_F(ReadingALongIterationLog, EntriesOnOneLineAreAllThere)
{
    read("[" + entries("", ",") + "]");
    expectAll();
}

TEST_F(ReadingALongIterationLog, EntriesOverSeveralLinesAreAllThere)
{
    std::string text = "[\n";
    for (int i = 0; i < kIterations; ++i)
        text += "  {\n    \"iter\": " + std::to_string(i) + ",\n    \"note\": \"" + std::string(static_cast<std::size_t>(i % 499), 'x') + "\",\n    \"iterLatencyMS\": 1\n  },\n";
    read(text + "]\n");
    expectAll();
}

TEST_F(ReadingALongIterationLog, AFileGivesTheSamePackedOrNot)
{
    const test::TemporaryFolder folder;
    const std::string text = entries("", "\n");
    for (const std::string& bytes : {text, test::gzip(text)}) {
        test::writeFile(folder / "log", bytes);
        CollectingSink fresh;
        const auto done = readIterationLog(folder / "log", fresh, {});
        ASSERT_TRUE(done) << done.error().text();
        EXPECT_EQ(fresh.all(&CollectedRows::ranges).size(), static_cast<std::size_t>(kIterations));
        EXPECT_EQ(fresh.report().fileBytes, bytes.size());
        EXPECT_TRUE(fresh.meta().complete);
    }
    test::writeFile(folder / "log", test::gzip(text).substr(0, 20'000));
    CollectingSink cut;
    ASSERT_TRUE(readIterationLog(folder / "log", cut, {}));
    EXPECT_GT(cut.all(&CollectedRows::ranges).size(), 100u);
    EXPECT_THAT(cut.meta().whyIncomplete, testing::Contains("the file is damaged or cut off"));
}

// Neither holds an iteration, and neither may take the memory that its length would.
TEST_F(ReadingALongIterationLog, ALineOrAnObjectLongerThanAnyEntryIsPassedOver)
{
    const std::string longLine(3 * IterationEntries::kLongest, 'x'), longText = "{\"iter\": 1, \"text\": \"" + longLine + "\"}";
    read(longLine + "\n{\"iter\":7,\"iterLatencyMS\":1}\n" + longText + "\n{\"iter\":8,\"iterLatencyMS\":1}\n");
    EXPECT_THAT(iterations(), ElementsAre("rank 0 7 0..1", "rank 0 8 1..2"));
    EXPECT_THAT(sink.meta().whyIncomplete, ElementsAre("entries of the log are cut off"));
}

TEST_F(ReadingAnIterationLog, TheRealLogsAreRead)
{
    std::vector<std::filesystem::path> files = test::sharedFiles("trtllm");
    if (files.empty())
        GTEST_SKIP() << "the shared logs are not here";
    for (const auto& file : test::sharedFiles("seed"))
        if (file.filename() == "tensorrt_llm_iteration.log")
            files.push_back(file);
    std::map<std::string, std::pair<std::size_t, std::size_t>> found; // samples, ranges
    for (const auto& file : files) {
        CollectingSink fresh;
        const auto done = readIterationLog(file, fresh, {});
        ASSERT_TRUE(done) << done.error().text();
        found[file.filename().string()] = {fresh.all(&CollectedRows::samples).size(), fresh.all(&CollectedRows::ranges).size()};
    }
    using Counts = std::pair<std::size_t, std::size_t>;
    EXPECT_EQ(found["FORMAT_SAMPLES_not_captured__pytorch_iterlog.log"], Counts(6 + 6 + 8 + 1, 3)) << "values as written, and one device time";
    EXPECT_EQ(found["gptmanager_2023-12__iteration_line.log"], Counts(14, 0));
    EXPECT_EQ(found["tensorrt_llm_iteration.log"], Counts(14, 0));
    EXPECT_EQ(found["trtllm-serve__metrics_docs_sample.json"], Counts(27 + 1, 1)) << "values as written, and the utilisation";
}

TEST_F(ReadingAnIterationLog, AnyLogCutAnywhereGivesAValueOrAnError)
{
    for (const auto& file : test::sharedFiles("trtllm")) {
        std::size_t before = 0;
        test::forEachTruncation(test::readFile(file), [&](std::string_view text) {
            CollectingSink cut;
            const auto done = parseIterationLog(text, cut, {});
            EXPECT_TRUE(done || !done.error().message.empty());
            EXPECT_GE(cut.report().table("iterations").kept, before) << file;
            before = cut.report().table("iterations").kept;
        });
    }
}

} // namespace
} // namespace gantry::importing
