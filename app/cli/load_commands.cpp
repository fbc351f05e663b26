#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/load_text.h"

#include <fmt/format.h>
#include <memory>

namespace gantry::cli {
namespace {

int run(const CommonOptions& common, load::LoadOptions options, const std::string& length)
{
    if (!length.empty()) {
        const auto time = parseDuration(length);
        if (!time)
            return reportUsage(time.error().text(), common);
        options.duration = *time;
    }
    if (options.duration == 0 && options.count == 0)
        return reportUsage("say when the load ends: --for 10s or --count N", common);
    std::stop_source stop;
    const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
    ProgressLine progress(!common.json);
    const auto result = load::runLoad(options, stop.get_token(), [&](const load::LoadResult& now) { progress.show(progressText(now)); });
    if (!result)
        return report(result.error(), common);
    const auto latency = [&](DurationNs value) { return result->ok > 0 ? nlohmann::json(value) : nlohmann::json(); };
    if (common.json)
        print({{"sent", result->sent},
               {"ok", result->ok},
               {"errors", result->errors},
               {"elapsed_s", result->seconds},
               {"requests_per_second", result->requestsPerSecond},
               {"latency_mean_ns", latency(result->mean)},
               {"latency_p50_ns", latency(result->p50)},
               {"latency_p90_ns", latency(result->p90)},
               {"latency_p95_ns", latency(result->p95)},
               {"latency_p99_ns", latency(result->p99)},
               {"latency_max_ns", latency(result->max)}});
    else
        say("{}\n", text(*result));
    for (const auto& [message, count] : result->errors)
        sayTo(stderr, "gantryctl: {} requests failed: {}\n", count, message);
    return result->errors.empty() ? 0 : 1;
}

} // namespace

void addLoadCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<load::LoadOptions>();
    auto length = std::make_shared<std::string>();
    auto* command = app.add_subcommand("load", "Send inference requests to a KServe v2 server and measure latency");
    command->add_option("--address", options->address, "HOST:PORT of its gRPC service")->capture_default_str();
    command->add_option("--model", options->model, "model name")->required();
    command->add_option("--concurrency", options->concurrency, "requests in flight")->check(CLI::Range(1, 1024))->capture_default_str();
    command->add_option("--rate", options->ratePerSecond, "requests per second at Poisson times (open loop); without it a closed loop")
        ->check(CLI::PositiveNumber);
    command->add_option("--for", *length, "how long, e.g. 10s");
    command->add_option("--count", options->count, "how many requests");
    command->add_option("--sequence", options->sequenceLength, "length of open dimensions, e.g. tokens")->capture_default_str();
    command->footer("Ctrl-C ends the load and prints what was measured. Exit status 1: some requests failed.\n"
                    "In an open loop latency counts from the moment a request was meant to leave.\n\n"
                    "  gantryctl load --model bert_base --concurrency 8 --for 10s\n"
                    "  gantryctl load --model add_sub --rate 200 --count 1000 --json");
    command->callback([&, options, length] { action = [&, options, length] { return run(common, *options, *length); }; });
}

} // namespace gantry::cli
