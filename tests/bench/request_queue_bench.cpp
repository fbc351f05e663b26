// Guards what a request costs that comes to a long queue in which every request has a deadline: the same as with a short one, but for
// the logarithm and the caches of the processor. With every arrival walking the queue, the depth of 10,000 took thousands of times as
// long as that of 10.
//
//   request_queue_bench [--benchmark_out=FILE] [...]

#include "remote_server/inference/request_queue.h"

#include <benchmark/benchmark.h>

#include <memory>

namespace {

using namespace gantry::inference_server;

/// A request comes, and one is taken, with as many waiting as the argument says.
void arrival(benchmark::State& state)
{
    inference::ModelConfig config;
    config.set_max_batch_size(1);
    auto& policy = *config.mutable_dynamic_batching()->mutable_default_queue_policy();
    policy.set_default_timeout_microseconds(1'000'000'000);
    RequestQueue queue(config);
    std::int64_t now = 1;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        auto job = std::make_unique<InferJob>();
        job->times.queueStart = now++;
        benchmark::DoNotOptimize(queue.push(std::move(job)));
    }
    for ([[maybe_unused]] auto step : state) {
        RequestQueue::Job job = std::move(queue.take(queue.plan(now).requests).front());
        job->times.queueStart = now;
        benchmark::DoNotOptimize(queue.takeExpired(now));
        benchmark::DoNotOptimize(queue.push(std::move(job)));
        ++now;
    }
}
BENCHMARK(arrival)->Arg(10)->Arg(100)->Arg(1'000)->Arg(10'000);

} // namespace

BENCHMARK_MAIN();
