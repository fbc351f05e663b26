#include "tests/fuzz/checked_events.h"
#include "trace_model/analysis/sweep/sweep_files.h"
#include "trace_model/analysis/sweep/sweep_grid.h"
#include "trace_model/analysis/sweep/sweep_table.h"
#include "trace_model/import/perf_analyzer_profile.h"
#include "trace_model/import/perf_analyzer_tables.h"

namespace gantry {

std::vector<std::string> fuzz::seeds()
{
    return {
        "Concurrency,Inferences/Second,Server Queue,Avg GPU Utilization,p99 "
        "latency\n2,10,1,GPU-a:0.5;,5\n1,9.5,2,\"GPU-a:0.4;GPU-b:1;\",7\n",
        "Model,Batch,Concurrency,Model Config Path,Throughput (infer/sec)\nm,1,8,c1,9\nm,1,16,c0,8\n\nMetric,avg\nx,\"1,2\"\n",
        "perf_analyzer -m x\n*** Measurement Settings ***\n  Batch size: 8\n  Using synchronous calls\n\nRequest concurrency: 8\n  Client: "
        "\n    Throughput: 481.744 infer/sec\n"
        "    Avg gRPC time: 16589 usec ((un)marshal request/response 7 usec + response wait 16582 usec)\n  Server: \n    Avg request "
        "latency: 1 usec (overhead 156 usec + queue 83 usec)\n"
        "  Composing models: \n  dali, version: 1\n    Inference count: 1\n\nConcurrency: 8, throughput: 481.744 infer/sec, latency 16601 "
        "usec\n",
        R"({"format":"gantry-sweep","version":1,"points":[{"parameters":[{"name":"a","value":"1"}],"report":"b.gantry","load":{},"error":null}]})",
        R"({"experiments":[{"experiment":{"mode":"concurrency","value":8},"requests":[{"timestamp":1000,"sequence_id":1,"request_inputs":{"payload":"{\"model\":\"m\"}"},)"
        R"("response_timestamps":[1100,1200,1300],"response_outputs":[{"response":"data"},{"response":""}]},{"timestamp":5000,"response_timestamps":[]}],"window_boundaries":[1050,4000]},)"
        R"({"experiment":{"mode":"request_rate","value":0.5},"requests":[{"timestamp":7000,"response_timestamps":[7100]}]}],"version":"1","service_kind":"triton","endpoint":""})",
    };
}

namespace {

/// Points of any table can be put in order and shown.
void checkSweep(std::string_view text)
{
    auto points = sweep::pointsOfCsv(text, "table.csv");
    if (!points)
        return;
    sweep::joinGpuRows(*points);
    const sweep::Sweep all = sweep::arranged(std::move(*points));
    for (const sweep::Column& column : sweep::columnsOf(all))
        for (std::size_t i = 0; i < all.points.size(); ++i)
            static_cast<void>(sweep::cellOf(all, i, column));
}

} // namespace
} // namespace gantry

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gantry;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    test::CollectingSink csv, output, profile;
    fuzz::checkOutcome(importing::parsePerfAnalyzerCsv(text, csv), csv);
    fuzz::checkOutcome(importing::parsePerfAnalyzerText(text, output), output);
    fuzz::checkOutcome(importing::parsePerfAnalyzerProfile(text, profile, {}), profile);
    checkSweep(text);
    if (const auto entries = sweep::parseIndex(text))
        static_cast<void>(sweep::indexText("sweep", *entries));
    return 0;
}
