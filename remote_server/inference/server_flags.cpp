#include "remote_server/inference/server_flags.h"

#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <string_view>

namespace gantry::inference_server {
namespace {

std::optional<std::uint64_t> numberOf(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

Error usage(const std::string& flag, const std::string& value, const std::string& form)
{
    return {ErrorCode::BadInput, fmt::format("{}={}: it has the form {}", flag, value, form), {}};
}

/// "local,size=N"
Result<std::uint64_t> cacheBytesOf(const std::string& value)
{
    constexpr std::string_view kBefore = "local,size=";
    const auto size = value.starts_with(kBefore) ? numberOf(std::string_view(value).substr(kBefore.size())) : std::nullopt;
    if (!size)
        return usage("--cache-config", value, "local,size=BYTES; there is no other cache");
    return *size;
}

/// "NAME:COUNT" on each device, "NAME:COUNT:DEVICE", or "NAME:COUNT:global"
Result<RateLimiter::Limits::value_type> limitOf(const std::string& value)
{
    const Error error = usage("--rate-limit-resource", value, "NAME:COUNT, NAME:COUNT:DEVICE or NAME:COUNT:global");
    const std::size_t first = value.find(':'), second = value.find(':', first + 1);
    if (first == std::string::npos || first == 0)
        return error;
    const auto count = numberOf(std::string_view(value).substr(first + 1, second == std::string::npos ? second : second - first - 1));
    if (!count)
        return error;
    int device = RateLimiter::kEveryDevice;
    if (second != std::string::npos) {
        const std::string_view text = std::string_view(value).substr(second + 1);
        const auto number = numberOf(text);
        if (text != "global" && (!number || *number > 1'000))
            return error;
        device = text == "global" ? RateLimiter::kGlobal : static_cast<int>(*number);
    }
    return RateLimiter::Limits::value_type{{value.substr(0, first), device}, *count};
}

} // namespace

void addServerFlags(CLI::App& app, ServerFlags& flags)
{
    app.add_option("--model-repository", flags.repository, "folder of models, each with config.pbtxt and a folder for each version")
        ->required();
    app.add_option("--model-control-mode", flags.control, "which models are served: all, all and what changes, or those that are asked for")
        ->check(CLI::IsMember({"none", "poll", "explicit"}));
    app.add_option("--repository-poll-secs", flags.pollSeconds, "with poll: seconds between two looks at the repository")
        ->check(CLI::Range(1, 1'000'000));
    app.add_option("--load-model", flags.loadModels,
                   "with explicit: a model to load at the start, \"*\" for all; may be given several times")
        ->allow_extra_args(false);
    app.add_option("--exit-on-error", flags.exitOnError, "with explicit: end when a --load-model does not load at the start");
    app.add_option("--strict-readiness", flags.strictReadiness, "be ready only while every model that was to be loaded serves");
    app.add_flag("--disable-auto-complete-config", flags.noAutoComplete,
                 "take a configuration as it stands, without what its backend knows");
    app.add_option("--cache-config", flags.cacheConfigs, "local,size=BYTES: keep answers of models with response_cache")
        ->allow_extra_args(false);
    app.add_option("--rate-limit", flags.rateLimit, "whether instances wait for the resources that their rate_limiter names")
        ->check(CLI::IsMember({"off", "execution_count"}));
    app.add_option("--rate-limit-resource", flags.resources, "NAME:COUNT[:DEVICE|:global], how much there is of a resource")
        ->allow_extra_args(false);
    app.add_option("--ground-truth", flags.groundTruth, "write what happened to every request here, one JSON object a line");
    app.add_option("--iteration-log", flags.iterationLog,
                   "write a line for each iteration of models that batch in flight here, as TensorRT-LLM does");
    app.add_option("--profile-iterations", flags.profileIterations,
                   "A,B-C,…: iterations of these models, from 0, around which to call cudaProfilerStart and cudaProfilerStop");
    app.add_option("--exit-timeout-secs", flags.exitTimeoutSeconds,
                   "how long requests in flight may take once SIGTERM came; a second one ends at once")
        ->check(CLI::Range(0, 1'000'000));
    app.add_option("--output-memory", flags.outputMemory, "host memory that GPU outputs are copied to")
        ->check(CLI::IsMember({"pageable", "pinned"}));
    app.add_flag("--cpu-only", flags.cpuOnly, "do not look for a GPU");
}

Result<ServerOptions> serverOptions(const ServerFlags& flags)
{
    ServerOptions options;
    options.backend = {!flags.cpuOnly, flags.outputMemory == "pinned"};
    options.control = flags.control == "poll"       ? ModelControl::Poll
                      : flags.control == "explicit" ? ModelControl::Explicit
                                                    : ModelControl::None;
    if (!flags.loadModels.empty() && options.control != ModelControl::Explicit)
        return Error{
            ErrorCode::BadInput,
            fmt::format("--load-model {} goes with --model-control-mode explicit; in mode {} all models of the repository are loaded",
                        flags.loadModels.front(), flags.control),
            {}};
    options.exitOnError = flags.exitOnError;
    options.strictReadiness = flags.strictReadiness;
    options.startupModels = flags.loadModels;
    options.pollInterval = std::chrono::seconds(flags.pollSeconds);
    options.autoComplete = flags.noAutoComplete ? AutoComplete::Off : AutoComplete::On;
    options.groundTruth = flags.groundTruth;
    options.iterationLog = flags.iterationLog;
    if (!flags.profileIterations.empty()) {
        GANTRY_TRY(options.profiledIterations, iterationWindows(flags.profileIterations).context("--profile-iterations"));
    }
    for (const std::string& config : flags.cacheConfigs) {
        GANTRY_TRY(options.cacheBytes, cacheBytesOf(config));
    }
    RateLimiter::Limits limits;
    for (const std::string& resource : flags.resources) {
        GANTRY_TRY(auto limit, limitOf(resource));
        limits.insert(std::move(limit));
    }
    if (flags.rateLimit != "off")
        options.rateLimits = std::move(limits);
    else if (!limits.empty())
        return Error{ErrorCode::BadInput,
                     fmt::format("--rate-limit-resource {} has no effect: write --rate-limit execution_count too", flags.resources.front()),
                     {}};
    return options;
}

} // namespace gantry::inference_server
