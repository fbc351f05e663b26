#include "remote_server/inference/config_text.h"
#include "remote_server/inference/model_config.h"
#include "tests/fuzz/fuzz_target.h"

namespace gantry {

std::vector<std::string> fuzz::seeds()
{
    return {
        R"(# a comment
name: "m" backend: "add_sub" max_batch_size: 16
input [ { name: "A" data_type: TYPE_FP32 dims: [ 4, -1 ] reshape { shape: [ -1, 4 ] } } ]
output { name: 'B' data_type: TYPE_FP32 dims: 4 label_filename: "l" }
)",
        R"(backend: "bert"
instance_group [ { count: 2 kind: KIND_GPU gpus: [ 0, 1 ] rate_limiter { resources [ { name: "R" global: true count: 4 } ] priority: 2 } } ]
dynamic_batching {
  preferred_batch_size: [ 2, 4 ] max_queue_delay_microseconds: 100 preserve_ordering: true priority_levels: 3 default_priority_level: 2
  default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 9 allow_timeout_override: true max_queue_size: 7 }
  priority_queue_policy { key: 1 value { max_queue_size: 3 } }
}
)",
        R"(backend: "identity"
input { name: "X" data_type: TYPE_STRING dims: 2 optional: true } version_policy { specific { versions: [ 1, 3 ] } }
response_cache { enable: true } optimization { cuda { graphs: true } input_pinned_memory { enable: false } }
model_warmup { name: "w" count: 3 inputs { key: "X" value { data_type: TYPE_STRING dims: 2 random_data: true } } }
parameters { key: "execute_delay_ms" value { string_value: "1" } } unknown { field: [ 1.5, -2e9, inf ] < deep: 0x1F > }
)",
        R"(version_policy: { latest: { num_versions: 2 } } sequence_batching { direct { } }
model_transaction_policy { decoupled: true } metric_tags { key: "a" value: "b" }
)",
    };
}

} // namespace gantry

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gantry::inference_server;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const AutoComplete complete : {AutoComplete::Off, AutoComplete::On}) {
        const auto parsed = parseModelConfig(text, "m", "config.pbtxt", complete);
        if (!parsed) {
            GANTRY_FUZZ_CHECK(parsed.error().message.starts_with("config.pbtxt:"));
            GANTRY_FUZZ_CHECK(parsed.error().message.size() < size + 1'000);
            continue;
        }
        // What is served has been checked, and can be completed again without another result.
        GANTRY_FUZZ_CHECK(parsed->config.name() == "m" && parsed->config.input_size() > 0 && parsed->config.instance_group_size() > 0);
        const auto again = completeModelConfig(parsed->config, "m", AutoComplete::Off);
        GANTRY_FUZZ_CHECK(again && again->ByteSizeLong() == parsed->config.ByteSizeLong());
        GANTRY_FUZZ_CHECK(wantedVersions(parsed->config.version_policy(), {3, 1, 1}).size() <= 2);
    }
    GANTRY_FUZZ_CHECK(deepestNesting(text).depth >= 0);
    return 0;
}
