#include "trace_model/import/iteration_counters.h"

#include <cctype>

namespace gantry::importing {
namespace {

struct Known
{
    std::string_view key, name, unit;
    double factor = 1;
};

constexpr Known kKnown[] = {
    // Requests.
    {"Active Request Count", "requests active", ""},
    {"numActiveRequests", "requests active", ""},
    {"Max Request Count", "requests active, at most", ""},
    {"maxNumActiveRequests", "requests active, at most", ""},
    {"numNewActiveRequests", "requests new", ""},
    {"numQueuedRequests", "requests queued", ""},
    {"numCompletedRequests", "requests completed", ""},
    {"newActiveRequestsQueueLatencyMS", "queue latency of new requests", "ms"},
    {"Scheduled Requests", "requests scheduled", ""},
    {"inflightBatchingStats.numScheduledRequests", "requests scheduled", ""},
    {"staticBatchingStats.numScheduledRequests", "requests scheduled", ""},
    {"num_scheduled_requests", "requests scheduled", ""},
    {"currank_total_requests", "requests fetched", ""},
    {"Context Requests", "context requests", ""},
    {"inflightBatchingStats.numContextRequests", "context requests", ""},
    {"staticBatchingStats.numContextRequests", "context requests", ""},
    {"num_ctx_requests", "context requests", ""},
    {"Generation Requests", "generation requests", ""},
    {"inflightBatchingStats.numGenRequests", "generation requests", ""},
    {"inflightBatchingStats.numPausedRequests", "requests paused", ""},
    {"inflightBatchingStats.numQueuedContextRequests", "context requests queued", ""},
    {"inflightBatchingStats.numQueuedGenRequests", "generation requests queued", ""},
    // Tokens.
    {"Total Context Tokens", "context tokens", ""},
    {"inflightBatchingStats.numCtxTokens", "context tokens", ""},
    {"staticBatchingStats.numCtxTokens", "context tokens", ""},
    {"num_ctx_tokens", "context tokens", ""},
    {"Total Generation Tokens", "generation tokens", ""},
    {"staticBatchingStats.numGenTokens", "generation tokens", ""},
    {"num_generation_tokens", "generation tokens", ""},
    {"cached_kv_tokens", "tokens in the KV cache", ""},
    {"inflightBatchingStats.numCtxKvTokens", "KV tokens of context requests", ""},
    {"inflightBatchingStats.numGenKvTokens", "KV tokens of generation requests", ""},
    {"inflightBatchingStats.numPausedKvTokens", "KV tokens of paused requests", ""},
    {"inflightBatchingStats.numQueuedCtxTokens", "context tokens queued", ""},
    {"inflightBatchingStats.numQueuedGenKvTokens", "KV tokens of queued generation requests", ""},
    {"inflightBatchingStats.avgNumDecodedTokensPerIter", "decoded tokens per iteration", ""},
    {"Empty Generation Slots", "generation slots empty", ""},
    {"staticBatchingStats.emptyGenSlots", "generation slots empty", ""},
    // KV cache.
    {"Used KV cache blocks", "KV cache blocks used", ""},
    {"kvCacheStats.usedNumBlocks", "KV cache blocks used", ""},
    {"Free KV cache blocks", "KV cache blocks free", ""},
    {"kvCacheStats.freeNumBlocks", "KV cache blocks free", ""},
    {"Max KV cache blocks", "KV cache blocks total", ""},
    {"kvCacheStats.maxNumBlocks", "KV cache blocks total", ""},
    {"Tokens per KV cache block", "tokens per KV cache block", ""},
    {"kvCacheStats.tokensPerBlock", "tokens per KV cache block", ""},
    {"kvCacheStats.allocTotalBlocks", "KV cache blocks allocated", ""},
    {"kvCacheStats.allocNewBlocks", "KV cache blocks allocated new", ""},
    {"kvCacheStats.reusedBlocks", "KV cache blocks reused", ""},
    {"kvCacheStats.missedBlocks", "KV cache blocks missed", ""},
    {"kvCacheStats.cacheHitRate", "KV cache hit rate", "%", 100},
    {"crossKvCacheStats.usedNumBlocks", "cross KV cache blocks used", ""},
    {"crossKvCacheStats.freeNumBlocks", "cross KV cache blocks free", ""},
    {"crossKvCacheStats.maxNumBlocks", "cross KV cache blocks total", ""},
    {"crossKvCacheStats.cacheHitRate", "cross KV cache hit rate", "%", 100},
    {"kv_cache_util", "KV cache utilisation", "%", 100},
    // Memory.
    {"Runtime GPU Memory Usage", "GPU memory", "bytes"},
    {"gpuMemUsage", "GPU memory", "bytes"},
    {"Runtime CPU Memory Usage", "CPU memory", "bytes"},
    {"cpuMemUsage", "CPU memory", "bytes"},
    {"Runtime Pinned Memory Usage", "pinned memory", "bytes"},
    {"pinnedMemUsage", "pinned memory", "bytes"},
    // Times.
    {"iterLatencyMS", "iteration latency", "ms"},
    {"host_step_time", "iteration latency", "ms"},
    {"elapsed_time", "iteration latency", "ms"},
    {"prev_device_step_time", "device step time", "ms"},
    {"gpuForwardTimeMS", "GPU forward time", "ms"},
    // Limits and speculation.
    {"maxBatchSizeStatic", "batch size limit, static", ""},
    {"maxBatchSizeTunerRecommended", "batch size limit, recommended", ""},
    {"maxBatchSizeRuntime", "batch size limit", ""},
    {"maxNumTokensStatic", "token limit, static", ""},
    {"maxNumTokensTunerRecommended", "token limit, recommended", ""},
    {"maxNumTokensRuntime", "token limit", ""},
    {"specDecodingStats.numDraftTokens", "draft tokens", ""},
    {"specDecodingStats.numAcceptedTokens", "draft tokens accepted", ""},
    {"specDecodingStats.numRequestsWithDraftTokens", "requests with draft tokens", ""},
    {"specDecodingStats.acceptanceLength", "draft acceptance length", ""},
    {"specDecodingStats.iterLatencyMS", "draft latency", "ms"},
    {"specDecodingStats.draftOverhead", "draft overhead", "%", 100},
    // vLLM.
    {"Avg prompt throughput", "prompt throughput", "tokens/s"},
    {"Avg generation throughput", "generation throughput", "tokens/s"},
    {"Running", "requests active", ""},
    {"Waiting", "requests queued", ""},
    {"Pending", "requests queued", ""},
    {"Swapped", "requests swapped", ""},
    {"GPU KV cache usage", "KV cache utilisation", "%"},
    {"CPU KV cache usage", "KV cache utilisation, CPU", "%"},
    {"Prefix cache hit rate", "KV cache hit rate", "%"},
    // SGLang.
    {"#running-req", "requests active", ""},
    {"#queue-req", "requests queued", ""},
    {"#new-seq", "requests new", ""},
    {"#new-token", "context tokens", ""},
    {"#cached-token", "context tokens cached", ""},
    {"#token", "tokens in the KV cache", ""},
    {"token usage", "KV cache utilisation", "%", 100},
    {"cache hit rate", "KV cache hit rate", "%"},
    {"gen throughput (token/s)", "generation throughput", "tokens/s"},
    {"input throughput (token/s)", "prompt throughput", "tokens/s"},
};

/// "kvCacheStats.someNewCountMS" as "some new count ms".
std::string spelledOut(std::string_view key)
{
    std::string name;
    char before = 0;
    for (const char c : key.substr(key.rfind('.') + 1)) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isupper(byte) && before && std::islower(static_cast<unsigned char>(before)))
            name += ' ';
        name += c == '_' ? ' ' : static_cast<char>(std::tolower(byte));
        before = c;
    }
    return name;
}

} // namespace

IterationCounter iterationCounter(std::string_view key)
{
    for (const Known& known : kKnown)
        if (known.key == key)
            return {std::string(known.name), std::string(known.unit), known.factor};
    return {spelledOut(key), "", 1};
}

} // namespace gantry::importing
