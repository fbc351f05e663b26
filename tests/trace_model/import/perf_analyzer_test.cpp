#include "trace_model/import/perf_analyzer_profile.h"
#include "trace_model/import/perf_analyzer_tables.h"

#include "tests/support/collecting_sink.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::importing {
namespace {

using test::CollectedRows;
using test::CollectingSink;
using testing::ElementsAre;
using testing::HasSubstr;

using Cells = std::vector<std::string>;

std::filesystem::path sharedFile(const std::string& folder, std::string_view ending)
{
    for (const auto& file : test::sharedFiles(folder))
        if (file.filename().string().ends_with(ending))
            return file;
    return {};
}

class ReadingPerfAnalyzer : public testing::Test
{
protected:
    [[nodiscard]] const SummaryTable& csv(std::string_view text)
    {
        const auto done = parsePerfAnalyzerCsv(text, sink);
        EXPECT_TRUE(done) << (done ? "" : done.error().text());
        return table();
    }
    [[nodiscard]] const SummaryTable& output(std::string_view text)
    {
        const auto done = parsePerfAnalyzerText(text, sink);
        EXPECT_TRUE(done) << (done ? "" : done.error().text());
        return table();
    }
    void profile(std::string_view text)
    {
        const auto done = parsePerfAnalyzerProfile(text, sink, {});
        ASSERT_TRUE(done) << done.error().text();
    }
    [[nodiscard]] const SummaryTable& table() const
    {
        static const SummaryTable kNone;
        return sink.summaries.empty() ? kNone : sink.summaries.front();
    }
    [[nodiscard]] std::string cell(std::size_t row, const std::string& column) const
    {
        const auto found = std::find(table().columns.begin(), table().columns.end(), column);
        return found == table().columns.end() ? "no column" : table().rows.at(row).at(static_cast<std::size_t>(found - table().columns.begin()));
    }
    [[nodiscard]] std::uint64_t skipped(std::string_view name, std::string_view reason)
    {
        for (const SkippedRows& rows : sink.report().table(name).skipped)
            if (rows.reason == reason)
                return rows.count;
        return 0;
    }
    /// Time and value of a counter's samples.
    [[nodiscard]] std::vector<std::pair<TimestampNs, double>> samples(std::string_view counter) const
    {
        std::vector<std::pair<TimestampNs, double>> found;
        for (const CounterSample& sample : sink.all(&CollectedRows::samples))
            if (sink.counters.at(sample.counter).name == counter)
                found.emplace_back(sample.time, sample.value);
        return found;
    }
    [[nodiscard]] std::vector<std::string> marks() const
    {
        std::vector<std::string> found;
        for (const MarkRow& mark : sink.all(&CollectedRows::marks))
            found.push_back(sink.text(mark.textId) + " " + std::to_string(mark.time));
        return found;
    }

    CollectingSink sink;
};

// Tables.

TEST_F(ReadingPerfAnalyzer, ATableIsSortedByLoadAndItsColumnsHaveUnits)
{
    const auto& table = csv("Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,p99 latency\r\n"
                            "10,84.2,237,1768,21673,51701\r\n2,87.2,235,1973,9151,34766\r\n1,69.2,225,2148,64,21018\r\n");
    EXPECT_THAT(table.columns, ElementsAre("Concurrency", "Inferences/Second", "Client Send (µs)", "Network+Server Send/Recv (µs)", "Server Queue (µs)", "p99 latency (µs)"));
    EXPECT_THAT(table.rows, ElementsAre(Cells{"1", "69.2", "225", "2148", "64", "21018"}, Cells{"2", "87.2", "235", "1973", "9151", "34766"},
                                        Cells{"10", "84.2", "237", "1768", "21673", "51701"}));
    EXPECT_EQ(table.name, "perf_analyzer");
    EXPECT_EQ(sink.meta().format, "perf-analyzer");
    EXPECT_EQ(sink.report().table("rows").kept, 3u);
}

TEST_F(ReadingPerfAnalyzer, ATableShowsWhatEachGpuUsed)
{
    static_cast<void>(csv("Request Rate,Avg GPU Utilization,Avg GPU Power Usage,Max GPU Memory Usage,Total GPU Memory\n"
                          "100,GPU-a:0.33;GPU-b:0.5;,GPU-a:55.3;GPU-b:56;,GPU-a:1;,GPU-a:2;,\n"));
    EXPECT_EQ(cell(0, "Request Rate (1/s)"), "100");
    EXPECT_EQ(cell(0, "Avg GPU Utilization (ratio)"), "GPU-a: 0.33; GPU-b: 0.5");
    EXPECT_EQ(cell(0, "Avg GPU Power Usage (W)"), "GPU-a: 55.3; GPU-b: 56");
    EXPECT_EQ(cell(0, "Max GPU Memory Usage (bytes)"), "GPU-a: 1");
}

TEST_F(ReadingPerfAnalyzer, ATableOfModelAnalyzerIsSortedByVariantThenLoad)
{
    const auto& table = csv("Model,Batch,Concurrency,Model Config Path,Throughput (infer/sec)\nm,1,8,m_config_1,9\nm,1,16,m_config_0,8\nm,1,2,m_config_1,7\nm,1,4,m_config_0,6\n");
    EXPECT_EQ(table.name, "Model Analyzer");
    std::vector<std::string> order;
    for (const Cells& row : table.rows)
        order.push_back(row[3] + " " + row[2]);
    EXPECT_THAT(order, ElementsAre("m_config_0 4", "m_config_0 16", "m_config_1 2", "m_config_1 8"));
    EXPECT_EQ(table.columns.back(), "Throughput (infer/sec)");
}

TEST_F(ReadingPerfAnalyzer, AFileOfGenAiPerfHasSeveralTables)
{
    static_cast<void>(csv("Metric,avg,min\nRequest Latency (ms),\"1,234.5\",\"a \"\"b\"\"\"\n\nMetric,Value\nRequest Count,10\n"));
    ASSERT_EQ(sink.summaries.size(), 2u);
    EXPECT_EQ(sink.summaries[0].name, "genai-perf");
    EXPECT_EQ(sink.summaries[0].rows[0], (Cells{"Request Latency (ms)", "1,234.5", "a \"b\""}));
    EXPECT_EQ(sink.summaries[1].rows[0], (Cells{"Request Count", "10"}));
}

TEST_F(ReadingPerfAnalyzer, ValuesThatAreNoNumbersAreSortedBehindThoseThatAre)
{
    std::string text = "Concurrency,Inferences/Second\n";
    for (int i = 0; i < 50; ++i)
        text += std::string(i % 3 == 0 ? "nan" : i % 3 == 1 ? "inf" : std::to_string(50 - i)) + ",1\n";
    const auto& table = csv(text);
    ASSERT_EQ(table.rows.size(), 50u);
    EXPECT_EQ(table.rows[0][0], "3");
    EXPECT_EQ(table.rows[15][0], "48");
    EXPECT_EQ(table.rows[16][0], "inf");
    EXPECT_EQ(table.rows[49][0], "nan");
}

TEST_F(ReadingPerfAnalyzer, RowsThatDoNotFitTheHeaderAreCounted)
{
    const auto& table = csv("Concurrency,Inferences/Second\n1,2\n3\n4,5,6\n7,8,\n");
    EXPECT_EQ(table.rows.size(), 2u);
    EXPECT_EQ(skipped("rows", "fewer cells than columns"), 1u);
    EXPECT_EQ(skipped("rows", "more cells than columns"), 1u);
}

TEST_F(ReadingPerfAnalyzer, ATableWithoutRowsIsAnError)
{
    for (const char* text : {"", "\n\n", "Concurrency,Inferences/Second\n", "x"}) {
        const auto done = parsePerfAnalyzerCsv(text, sink);
        ASSERT_FALSE(done) << text;
        EXPECT_EQ(done.error().code, ErrorCode::BadInput);
    }
}

TEST_F(ReadingPerfAnalyzer, TheRealTablesAreReadWhole)
{
    if (test::sharedFiles("perf_analyzer").empty())
        GTEST_SKIP() << "the shared files are not here";
    const std::tuple<const char*, const char*, std::size_t, std::size_t, std::uint64_t> cases[] = {
        {"perf_analyzer", "metrics-model-inference.csv", 24, 9, 0}, {"perf_analyzer", "gpu_simplified.csv", 3, 6, 1}, // a line of ``` at its end
        {"perf_analyzer", "metrics__perf.csv", 4, 13, 0},           {"model_analyzer", "metrics-model-gpu.csv", 16, 10, 0},
        {"model_analyzer", "metrics-model-inference.csv", 16, 9, 0}, {"model_analyzer", "metrics-server-only.csv", 1, 5, 0},
    };
    for (const auto& [folder, file, rows, columns, skippedRows] : cases) {
        SCOPED_TRACE(file);
        CollectingSink fresh;
        const auto done = readPerfAnalyzerCsv(sharedFile(folder, file), fresh, {});
        ASSERT_TRUE(done) << done.error().text();
        ASSERT_EQ(fresh.summaries.size(), 1u);
        EXPECT_EQ(fresh.summaries[0].columns.size(), columns);
        EXPECT_EQ(fresh.summaries[0].rows.size(), rows);
        EXPECT_EQ(fresh.report().table("rows").rows, rows + skippedRows);
        for (const Cells& row : fresh.summaries[0].rows)
            EXPECT_EQ(row.size(), columns);
    }
}

// Output.

TEST_F(ReadingPerfAnalyzer, TheOutputBecomesARowForEachLoad)
{
    const auto& table = output("perf_analyzer -m yolov7 -u 127.0.0.1:8001\n\n*** Measurement Settings ***\n  Batch size: 8\n  Using asynchronous calls for inference\n\n"
                               "Request concurrency: 16\n  Client: \n    Request count: 13392\n    Throughput: 743.934 infer/sec\n"
                               "    Avg latency: 21496 usec (standard deviation 145 usec)\n    p99 latency: 22015 usec\n"
                               "    Avg gRPC time: 21482 usec ((un)marshal request/response 9 usec + response wait 21473 usec)\n"
                               "  Server: \n    Inference count: 107136\n    Avg request latency: 21286 usec (overhead 177 usec + queue 1091 usec + compute input 10887 usec)\n\n"
                               "Request concurrency: 8\n  Client: \n    Request count: 8672\n    Throughput: 481.744 infer/sec\n\n"
                               "Inferences/Second vs. Client Average Batch Latency\nConcurrency: 8, throughput: 481.744 infer/sec, latency 16601 usec\n");
    ASSERT_EQ(table.rows.size(), 2u);
    EXPECT_EQ(cell(0, "Request concurrency"), "8");
    EXPECT_EQ(cell(1, "Request concurrency"), "16");
    EXPECT_EQ(cell(1, "Throughput (infer/s)"), "743.934");
    EXPECT_EQ(cell(1, "Avg latency (µs)"), "21496");
    EXPECT_EQ(cell(1, "standard deviation (µs)"), "145");
    EXPECT_EQ(cell(1, "(un)marshal request/response (µs)"), "9");
    EXPECT_EQ(cell(1, "response wait (µs)"), "21473");
    EXPECT_EQ(cell(1, "Inference count"), "107136");
    EXPECT_EQ(cell(1, "compute input (µs)"), "10887");
    EXPECT_EQ(cell(0, "p99 latency (µs)"), "") << "not measured is empty";
    EXPECT_EQ(sink.meta().settings.at("Batch size"), "8");
    EXPECT_EQ(sink.meta().settings.at("Measurement"), "Using asynchronous calls for inference");
    EXPECT_EQ(sink.meta().settings.at("Command"), "perf_analyzer -m yolov7 -u 127.0.0.1:8001");
}

TEST_F(ReadingPerfAnalyzer, TheOutputTellsModelsOfAnEnsembleAndGpusApart)
{
    static_cast<void>(output("Request Rate: 100 inference requests per seconds\n  Client: \n    Request count: 5\n  Server: \n    Inference count: 10\n\n  Composing models: \n"
                             "  dali, version: 1\n      Inference count: 11\n      Avg request latency: 2307 usec (overhead 3 usec + queue 42 usec)\n\n"
                             "  resnet50, version: \n      Inference count: 12\n\n  Server Prometheus Metrics: \n    Avg GPU Utilization:\n      GPU-a : 54.3%\n"));
    EXPECT_EQ(cell(0, "Request Rate (1/s)"), "100");
    EXPECT_EQ(cell(0, "Inference count"), "10");
    EXPECT_EQ(cell(0, "dali, version 1: Inference count"), "11");
    EXPECT_EQ(cell(0, "dali, version 1: queue (µs)"), "42");
    EXPECT_EQ(cell(0, "resnet50, version: Inference count"), "12");
    EXPECT_EQ(cell(0, "Avg GPU Utilization: GPU-a (%)"), "54.3");
}

TEST_F(ReadingPerfAnalyzer, AnUnstableMeasurementIsAWarning)
{
    static_cast<void>(output("Request concurrency: 1\n    Throughput: 1 infer/sec\nFailed to obtain stable measurement within 10 measurement windows for concurrency 1. Please try to increase it.\n"));
    EXPECT_THAT(sink.meta().warnings, ElementsAre(HasSubstr("Failed to obtain stable measurement")));
}

TEST_F(ReadingPerfAnalyzer, AListAloneBecomesATable)
{
    static_cast<void>(output("Inferences/Second vs. Client p95 Batch Latency\nConcurrency: 2, throughput: 20.5 infer/sec, latency 7 usec\nConcurrency: 1, throughput: 10 infer/sec, latency 5 usec\n"));
    EXPECT_EQ(cell(0, "Concurrency"), "1");
    EXPECT_EQ(cell(1, "throughput (infer/s)"), "20.5");
    EXPECT_EQ(cell(1, "latency (µs)"), "7");
}

TEST_F(ReadingPerfAnalyzer, AnOutputWithoutMeasurementIsAnError)
{
    for (const char* text : {"", "*** Measurement Settings ***\n  Batch size: 1\n", "words: 12\n", "Request concurrency: many\n"})
        EXPECT_EQ(parsePerfAnalyzerText(text, sink).error().code, ErrorCode::BadInput) << text;
}

TEST_F(ReadingPerfAnalyzer, TheRealOutputsAreReadWhole)
{
    if (test::sharedFiles("perf_analyzer").empty())
        GTEST_SKIP() << "the shared files are not here";
    ASSERT_TRUE(readPerfAnalyzerText(sharedFile("perf_analyzer", "batch_size_8.txt"), sink, {}));
    ASSERT_EQ(table().rows.size(), 16u);
    EXPECT_EQ(cell(0, "Request concurrency"), "8");
    EXPECT_EQ(cell(15, "Request concurrency"), "128");
    EXPECT_EQ(cell(1, "queue (µs)"), "1091");
    for (const Cells& row : table().rows)
        EXPECT_THAT(row, testing::Not(testing::Contains(""))) << "every measurement has every value";
    CollectingSink seed;
    ASSERT_TRUE(readPerfAnalyzerText(sharedFile("seed", "particlenet_b10.txt"), seed, {}));
    ASSERT_EQ(seed.summaries.at(0).rows.size(), 1u);
    EXPECT_EQ(seed.meta().settings.at("Batch size"), "10");
}

// Profiles.

constexpr char kStreaming[] = R"({"experiments":[{"experiment":{"mode":"concurrency","value":8},"requests":[
  {"timestamp":1741134590000000000,"sequence_id":3,"request_inputs":{"payload":"{\"model\":\"llama\",\"messages\":[]}"},
   "response_timestamps":[1741134590050000000,1741134590060000000,1741134590080000000],"response_outputs":[{"response":"data: a\n\n"},{"response":"data: b\n\n"},{"response":""}]},
  {"timestamp":1741134590200000000,"response_timestamps":[]},
  {"timestamp":1741134590900000000,"response_timestamps":[1741134590950000000]}
 ],"window_boundaries":[1741134590100000000,1741134590800000000]}],
 "version":"2.50.0","service_kind":"openai","endpoint":"v1/chat/completions"})";

TEST_F(ReadingPerfAnalyzer, AProfileBecomesRequests)
{
    profile(kStreaming);
    ASSERT_EQ(sink.requests.size(), 3u);
    EXPECT_EQ(sink.requests[0].start, 0);
    EXPECT_EQ(sink.requests[0].end, 80'000'000);
    EXPECT_EQ(sink.text(sink.requests[0].model), "llama");
    EXPECT_EQ(sink.text(sink.requests[0].clientId.value()), "sequence 3");
    EXPECT_FALSE(sink.requests[0].failed);
    EXPECT_TRUE(sink.requests[1].failed) << "no response";
    EXPECT_FALSE(sink.requests[1].end);
    EXPECT_EQ(sink.meta().sessionUtcNs, 1741134590000000000);
    EXPECT_EQ(sink.meta().format, "perf-analyzer");
    EXPECT_EQ(sink.meta().producer, "perf_analyzer 2.50.0");
    EXPECT_EQ(sink.meta().settings.at("service_kind"), "openai");
    EXPECT_TRUE(sink.meta().complete);
    EXPECT_THAT(sink.meta().warnings,
                ElementsAre(HasSubstr("Of 3 requests, 2 sent outside the measurement windows"), "1 request without a response."));
    EXPECT_THAT(marks(), ElementsAre("measurement window 100000000", "measurement window 800000000"));
}

TEST_F(ReadingPerfAnalyzer, AStreamGivesTheTimeToItsFirstTokenAndBetweenTokens)
{
    profile(kStreaming);
    EXPECT_THAT(samples("time to first token"), ElementsAre(std::pair(50'000'000, 50.0), std::pair(950'000'000, 50.0)));
    EXPECT_THAT(samples("inter-token latency"), ElementsAre(std::pair(60'000'000, 10.0))) << "the empty response that ends the stream is no token";
    EXPECT_EQ(sink.counters[0].unit, "ms");
}

TEST_F(ReadingPerfAnalyzer, OneResponseForEachRequestIsNoStream)
{
    profile(R"({"experiments":[{"experiment":{"mode":"request_rate","value":2.5},"requests":[{"timestamp":100,"response_timestamps":[150]}]}],"endpoint":"v2/models/bert/infer"})");
    EXPECT_TRUE(sink.counters.empty());
    EXPECT_EQ(sink.text(sink.requests[0].model), "v2/models/bert/infer");
}

TEST_F(ReadingPerfAnalyzer, SeveralExperimentsAreToldApartByTheirLoad)
{
    profile(R"({"experiments":[{"experiment":{"mode":"concurrency","value":1},"requests":[{"timestamp":1000,"response_timestamps":[1500]}]},
               {"experiment":{"mode":"request_rate","value":2.5},"requests":[{"timestamp":3000,"response_timestamps":[3100]},{"timestamp":2000,"response_timestamps":[2500]}]}]})");
    ASSERT_EQ(sink.requests.size(), 3u);
    EXPECT_EQ(sink.text(sink.requests[0].model), "concurrency 1");
    EXPECT_EQ(sink.text(sink.requests[1].model), "request rate 2.5");
    EXPECT_THAT(marks(), ElementsAre("concurrency 1 0", "request rate 2.5 1000"));
}

TEST_F(ReadingPerfAnalyzer, MalformedRequestsAreCountedAndSkipped)
{
    profile(R"({"experiments":[7,{"requests":[3,{},{"timestamp":"x","response_timestamps":[1]},{"timestamp":100},{"timestamp":100,"response_timestamps":7},
               {"timestamp":100,"response_timestamps":["x"]},{"timestamp":100,"response_timestamps":[50]},{"timestamp":100,"response_timestamps":[300,200]},
               {"timestamp":-9223372036854775808,"response_timestamps":[200]},{"timestamp":100,"response_timestamps":[9223372036854775807]},{"timestamp":100,"response_timestamps":[1e400]}]}]})");
    ASSERT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(sink.requests[0].end, 200) << "responses need no order";
    EXPECT_EQ(skipped("requests", "no time sent or no list of responses"), 7u);
    EXPECT_EQ(skipped("requests", "a response before the request was sent"), 1u);
    EXPECT_EQ(skipped("requests", "too far from all others"), 2u);
    EXPECT_EQ(skipped("experiments", "not an object"), 1u);
}

TEST_F(ReadingPerfAnalyzer, AProfileThatWasCutGivesTheRequestsBeforeTheCut)
{
    const std::string_view whole = kStreaming;
    std::size_t before = 0;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        CollectingSink cut;
        const auto done = parsePerfAnalyzerProfile(whole.substr(0, size), cut, {});
        if (!done) {
            EXPECT_EQ(done.error().code, ErrorCode::Truncated);
            EXPECT_EQ(before, 0u);
            continue;
        }
        EXPECT_GE(cut.requests.size(), before);
        before = cut.requests.size();
        EXPECT_EQ(cut.meta().complete, size == whole.size());
    }
    EXPECT_EQ(before, 3u);
}

TEST_F(ReadingPerfAnalyzer, AProfileWithoutRequestsIsAnError)
{
    for (const char* text : {"{\"experiments\":[]}", "{}", "{\"experiments\":[{\"requests\":[]}]}"})
        EXPECT_EQ(parsePerfAnalyzerProfile(text, sink, {}).error().code, ErrorCode::BadInput) << text;
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(parsePerfAnalyzerProfile(kStreaming, sink, {{}, stop.get_token()}).error().code, ErrorCode::Cancelled);
}

TEST_F(ReadingPerfAnalyzer, TheSampleOfTheDocumentationIsReadUpToItsCut)
{
    const auto file = sharedFile("perf_analyzer", "head21.json.txt");
    if (file.empty())
        GTEST_SKIP() << "the shared files are not here";
    ASSERT_TRUE(readPerfAnalyzerProfile(file, sink, {}));
    ASSERT_EQ(sink.requests.size(), 1u) << "its times are whole, only its text is cut";
    EXPECT_THAT(sink.meta().whyIncomplete, testing::ElementsAre("the file ends too early"));
    EXPECT_EQ(sink.requests[0].end, 1741134590728534586 - 1741134590669919999);
    EXPECT_EQ(sink.text(sink.requests[0].model), "facebook/opt-125m");
    EXPECT_FALSE(sink.meta().complete);
}

TEST_F(ReadingPerfAnalyzer, ManyRequestsReportTheirProgress)
{
    std::string text = R"({"experiments":[{"requests":[)";
    for (int i = 0; i < 100'000; ++i)
        text += "{\"timestamp\":" + std::to_string(1000 + i) + ",\"response_timestamps\":[" + std::to_string(2000 + i) + "]},";
    double last = 0;
    const auto done = parsePerfAnalyzerProfile(text, sink, {[&](double fraction, std::string_view) {
                                                                EXPECT_GE(fraction, last);
                                                                EXPECT_LE(fraction, 1.0);
                                                                last = fraction;
                                                            },
                                                            {}});
    ASSERT_TRUE(done);
    EXPECT_EQ(sink.requests.size(), 100'000u);
    EXPECT_GT(last, 0.9);
}

TEST_F(ReadingPerfAnalyzer, AnyRealFileCutAnywhereGivesAValueOrAnError)
{
    for (const char* folder : {"perf_analyzer", "model_analyzer", "seed"})
        for (const auto& file : test::sharedFiles(folder)) {
            const std::string whole = test::readFile(file).substr(0, 65536);
            test::forEachTruncation(whole, [&](std::string_view text) {
                CollectingSink cut;
                const Result<void> results[] = {parsePerfAnalyzerCsv(text, cut), parsePerfAnalyzerText(text, cut), parsePerfAnalyzerProfile(text, cut, {})};
                for (const auto& done : results)
                    EXPECT_TRUE(done || !done.error().message.empty());
                for (const SummaryTable& table : cut.summaries)
                    for (const Cells& row : table.rows)
                        ASSERT_EQ(row.size(), table.columns.size()) << file;
            });
        }
}

} // namespace
} // namespace gantry::importing
