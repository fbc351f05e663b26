#include "trace_model/import/file_format.h"

#include "tests/support/packing.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <utility>

namespace gantry::importing {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::optional<FileFormat> formatOf(std::string_view text)
{
    const auto format = recogniseContent(text);
    return format ? std::optional(*format) : std::nullopt;
}

TEST(FileFormat, RecognisesEveryFormatByItsContent)
{
    const std::pair<std::string_view, FileFormat> cases[] = {
        {"SQLite format 3\0rest"sv, FileFormat::Sqlite},
        {"NVIDIA Tegra Profiler Report 2025@1@1@110-251135451612v0.", FileFormat::NsysReport},
        {"{\"traceEvents\": []}", FileFormat::ChromeTrace},
        {"\xEF\xBB\xBF\r\n{\"displayTimeUnit\": \"ms\", \"otherData\": {", FileFormat::ChromeTrace},
        {"[{\"name\": \"a\", \"ph\": \"X\", \"ts\": 1, \"dur\": 2, \"pid\": 1, \"tid\": 1},", FileFormat::ChromeTrace},
        {"{\"schemaVersion\": 1, \"deviceProperties\": [", FileFormat::ChromeTrace},
        {"{\"ph\":\"X\",\"ts\":1}\n{\"ph\":\"X\",\"ts\":2}\n", FileFormat::ChromeTrace},
        {R"([{"id":1,"timestamps":[{"name":"HTTP_RECV_START","ns":5294383183578}]},{"id")", FileFormat::TritonTrace},
        {R"([{"id":1,"model_name":"simple","model_version":1},)", FileFormat::TritonTrace},
        {R"({"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"a"}})", FileFormat::TritonTrace},
        {R"({"experiments":[{"experiment":{"mode":"concurrency","value":1},"requests":[)", FileFormat::PerfAnalyzerProfile},
        {"Concurrency,Inferences/Second,Client Send\n1,2,3\n", FileFormat::PerfAnalyzerCsv},
        {"Request Rate,Inferences/Second\r\n", FileFormat::PerfAnalyzerCsv},
        {"Model,GPU UUID,GPU Memory Usage (MB)\n", FileFormat::PerfAnalyzerCsv},
        {"Metric,avg,min,max,p99\n", FileFormat::PerfAnalyzerCsv},
        {"$ perf_analyzer -m x\n*** Measurement Settings ***\n  Batch size: 1\n", FileFormat::PerfAnalyzerText},
        {"Request concurrency: 4\n  Client: \n    Request count: 5\n    Throughput: 3 infer/sec\n", FileFormat::PerfAnalyzerText},
        {"[TensorRT-LLM][INFO] Engine version 0.10 found\n", FileFormat::IterationLog},
        {"{\"iter\":1,\"iterLatencyMS\":5}\n", FileFormat::IterationLog},
        {"[{\"cpuMemUsage\": 0, \"iter\": 1, \"kvCacheStats\": {", FileFormat::IterationLog},
        {"I1120 02:29:01.795279 42888 libtensorrtllm.cc:1009] {\"Active Request Count\":0,\"Iteration Counter\":1",
         FileFormat::IterationLog},
        {"[2025-02-27 04:46:39 TP0] Decode batch. #running-req: 8, #token: 62531", FileFormat::IterationLog},
        {"INFO 08-19 14:11:49 loggers.py] Engine 000: Avg prompt throughput: 4.3 tokens/s", FileFormat::IterationLog},
    };
    for (const auto& [text, format] : cases)
        EXPECT_EQ(formatOf(text), format) << text;
}

TEST(FileFormat, SaysWhatAForeignFileIsAndWhatToDo)
{
    const std::pair<std::string_view, const char*> cases[] = {
        {"", "empty"},
        {" \n\n", "nothing but blanks"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"},
        {"<!DOCTYPE html>\n<html><body>[TensorRT-LLM] 404</body>", "web page"},
        {"  <HTML>", "web page"},
        {"NVR\0\x10\0\0\0"sv, "Nsight Compute"},
        {"PK\x03\x04....", "ZIP"},
        {"\x7F"
         "ELF\x02\x01\x01\0"sv,
         "program"},
        {"\x18\0\0\0\0\0\0\0\xa3\x7fK\x22\t\0\0\xc0\xe6\x81\xff\xd8"
         "A\x1a\rbrain.Event:2"sv,
         "TensorBoard"},
        {"\x0A\x04\x08\x01\x10\x02\x0A\x02\x50\x01\x0A\x02\x50\x02\x0A"sv, "Perfetto"},
        {R"({"resourceSpans":[{"resource":{}}]})", "OpenTelemetry"},
        {R"({"schema": "1.0.1", "pid": 1, "nodes": [{"id": 1, "name": "[pytorch|profiler]"}]})", "Chakra"},
        {R"({"ResultManager.results": {"_results": {}}})", "Model Analyzer checkpoint"},
        {R"({"request_throughput":{"unit":"requests/sec","avg":1},"request_latency":{}})", "genai-perf"},
        {"Time (%),Total Time (ns),Instances,Avg (ns)\n50,1,1,1\n", "nsys stats"},
        {"# HELP nv_inference_count x\n# TYPE nv_inference_count counter\n", "metrics"},
        {"SQLite format 3\0 CREATE TABLE rocpd_kernel_dispatch"sv, "rocpd"},
        {"{\"answer\": 42}", "JSON, but no trace"},
        {"[]", "JSON, but no trace"},
        {"1.0 1.599805e+02 2.930929e+01\n4.0 1.7\n", "this is a text of no kind"},
        {"\x01\x02\0\x03"sv, "this is a binary file of 4 bytes, too short to be a report or a trace"},
        {"0123456789", "this is a text of 10 bytes, too short to be a report or a trace"},
        {"\x01\x02\0\x03\x01\x02\0\x03\x01\x02\0\x03\x01\x02\0\x03"sv, "this is a binary file of no kind"},
        {"\n\n\n\n\nplain words after blank lines\n", "this is a text of no kind"},
    };
    for (const auto& [text, words] : cases) {
        const auto format = recogniseContent(text);
        ASSERT_FALSE(format) << text;
        EXPECT_EQ(format.error().code, ErrorCode::NotAReport) << text;
        EXPECT_NE(format.error().message.find(words), std::string::npos) << text << "\n" << format.error().message;
        EXPECT_NE(format.error().message.find_first_of(":,"), std::string::npos) << "no next step: " << format.error().message;
    }
}

TEST(FileFormat, RecognisesTheRealFiles)
{
    if (test::sharedFiles("triton_trace").empty())
        GTEST_SKIP() << "the shared reports are not here";
    const std::pair<const char*, FileFormat> folders[] = {{"kineto", FileFormat::ChromeTrace},
                                                          {"triton_trace", FileFormat::TritonTrace},
                                                          {"nsys_sqlite", FileFormat::Sqlite},
                                                          {"nsys_rep", FileFormat::NsysReport},
                                                          {"trtllm", FileFormat::IterationLog}};
    for (const auto& [folder, expected] : folders)
        for (const auto& file : test::sharedFiles(folder)) {
            const auto format = recogniseFormat(file);
            ASSERT_TRUE(format) << format.error().text();
            EXPECT_EQ(*format, expected) << file;
        }
    const auto inFolder = [](const std::string& folder) {
        std::map<std::string, std::string> formats;
        for (const auto& file : test::sharedFiles(folder)) {
            const auto format = recogniseFormat(file);
            formats[file.filename().string()] = format ? std::string(name(*format)) : format.error().message.substr(0, 30);
        }
        return formats;
    };
    EXPECT_EQ(inFolder("perf_analyzer"),
              (std::map<std::string, std::string>{
                  {"NguyenTranDat__results_metrics-model-inference.csv", "perf_analyzer table"},
                  {"docs_benchmarking__profile_export_head21.json.txt", "perf_analyzer profile"},
                  {"docs_measurements_metrics__gpu_simplified.csv", "perf_analyzer table"},
                  {"docs_measurements_metrics__perf.csv", "perf_analyzer table"},
                  {"levipereira__report_rtx_4090_yolov7_concurrency_8-128_instance_4_batch_size_8.txt", "perf_analyzer output"},
                  {"nuSONIC__results_rscaletest-gke4.txt", "this is a text of no kind that"},
              }));
    EXPECT_EQ(inFolder("model_analyzer"), (std::map<std::string, std::string>{
                                              {"single-model-ckpt__0.ckpt", "this is a Model Analyzer check"},
                                              {"single-model-ckpt__golden-metrics-model-gpu.csv", "perf_analyzer table"},
                                              {"single-model-ckpt__golden-metrics-model-inference.csv", "perf_analyzer table"},
                                              {"single-model-ckpt__golden-metrics-server-only.csv", "perf_analyzer table"},
                                          }));
    const auto seed = inFolder("seed");
    EXPECT_EQ(seed.at("perf_analyzer_particlenet_b10.txt"), "perf_analyzer output");
    EXPECT_EQ(seed.at("tensorrt_llm_iteration.log"), "iteration log");
    EXPECT_EQ(seed.at("triton_2.24_metrics_after.txt"), "this is one reading of a serve");
}

TEST(FileFormat, AnySampleCutAnywhereIsRecognisedOrExplained)
{
    for (const char* folder : {"kineto", "triton_trace", "perf_analyzer", "model_analyzer", "trtllm", "seed", "nsys_rep"})
        for (const auto& file : test::sharedFiles(folder)) {
            const std::string head = test::readFile(file).substr(0, 64 * 1024);
            test::forEachTruncation(head, [&](std::string_view text) {
                const auto format = recogniseContent(text);
                if (!format) {
                    EXPECT_FALSE(format.error().message.empty()) << file;
                }
            });
        }
}

TEST(FileFormat, ATextInAFileIsFoundThroughItsPacking)
{
    const test::TemporaryFolder folder;
    const std::string trace = "[{\"id\":1,\"timestamps\":[]}]", database = "SQLite format 3\0"s, report = "NVIDIA Tegra Profiler Report 1.";
    const auto formatOfFile = [&](const std::string& bytes) {
        test::writeFile(folder / "trace.bin", bytes);
        return recogniseFormat(folder / "trace.bin");
    };
    for (const std::string& bytes : {trace, test::gzip(trace), test::zstd(trace)})
        EXPECT_EQ(formatOfFile(bytes).value(), FileFormat::TritonTrace);
    for (const std::string& bytes : {test::zstd(database), test::gzip(database)})
        EXPECT_EQ(formatOfFile(bytes).value(), FileFormat::Sqlite);
    for (const auto& [bytes, tool] : {std::pair(test::gzip(report), "`gunzip`"), std::pair(test::zstd(report), "`unzstd`")}) {
        const auto format = formatOfFile(bytes);
        ASSERT_FALSE(format);
        EXPECT_EQ(format.error().code, ErrorCode::NotAReport);
        EXPECT_NE(format.error().message.find(tool), std::string::npos) << format.error().message;
    }
    // What a server prints at its start can be longer than what is looked at first.
    const std::string start(3'000'000, 'x');
    EXPECT_EQ(formatOfFile("INFO loading weights " + start + "\nINFO 01-02 03:04:05 metrics.py:449] Avg prompt throughput: 1.0 tokens/s\n")
                  .value(),
              FileFormat::IterationLog);
    EXPECT_FALSE(formatOfFile("INFO loading weights " + start + start));
    test::writeFile(folder / "cut.gz", "\x1F\x8B\x08");
    EXPECT_EQ(recogniseFormat(folder / "cut.gz").error().code, ErrorCode::Truncated);
    EXPECT_EQ(recogniseFormat(folder.path()).error().code, ErrorCode::NotAReport);
    EXPECT_EQ(recogniseFormat(folder / "absent").error().code, ErrorCode::NotFound);
}

} // namespace
} // namespace gantry::importing
