#include "tests/fuzz/checked_events.h"
#include "trace_model/import/iteration_log.h"

namespace gantry {

std::vector<std::string> fuzz::seeds()
{
    return {
        R"([TensorRT-LLM][INFO] {"Active Request Count":249,"Iteration Counter":90,"Max KV cache blocks":2448,"Timestamp":"12-13-2023 14:55:14","Used KV cache blocks":2448})"
        "\n",
        R"({"timestamp":"08-19-2026 14:11:49.500000","iter":1,"iterLatencyMS":1500.5,"kvCacheStats":{"maxNumBlocks":200,"usedNumBlocks":50},"crossKvCacheStats":null,"attentionDpRank":1})"
        "\n"
        R"({"timestamp":"08-19-2026 14:11:49.520000","iter":2,"iterLatencyMS":20})",
        "[\n {\n  \"iter\": 1,\n  \"iterLatencyMS\": 100\n },\n {\n  \"iter\": 2,\n  \"iterLatencyMS\": 20\n }\n]",
        "\x1B[32m[06/01/2025-10:00:00] [TRT-LLM] [RANK 1] [I]\x1B[0m iter = 1, global_rank = 1, rank = 1, currank_total_requests = 1/1, host_step_time = 12.3ms, prev_device_step_time = N/A, "
        "timestamp = 2025-06-01 10:00:00, num_scheduled_requests: 1, states = {'num_ctx_requests': 1, 'num_ctx_tokens': 13}\niter = 2, elapsed_time = 0.01s, prev_device_step_time = 6.9ms, states = {}\n",
        "INFO 08-19 14:11:49 [loggers.py:111] Engine 001: Avg prompt throughput: 4.3 tokens/s, Running: 1 reqs, GPU KV cache usage: 0.1%\n"
        "[2025-02-27 04:46:41 DP1 TP0] Decode batch, #running-req: 8, #token: 62531, token usage: 0.12, gen throughput (token/s): 186.64\n",
    };
}

} // namespace gantry

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gantry;
    test::CollectingSink sink;
    fuzz::checkOutcome(importing::parseIterationLog({reinterpret_cast<const char*>(data), size}, sink, {}), sink);
    return 0;
}
