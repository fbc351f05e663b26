#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/load_files.h"
#include "app/cli/load_text.h"
#include "app/cli/load_words.h"
#include "remote_server/load/input_words.h"

#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

namespace gantry::cli {
namespace {

constexpr int kMostInFlight = 1024; // a thread each
constexpr int kOpenLoopInFlight = 32;

/// The command line as it was typed.
struct LoadArguments
{
    load::LoadOptions options;
    std::vector<std::string> models, shapes, ranges;
    std::string length, warmUp, concurrencyRange, rateRange, distribution, interval, inputData;
    double stabilityPercent = 10;
    int maxTrials = 10;
    bool hasConcurrency = false, hasWindows = false;
    LoadFiles files;
};

/// What is to be done, checked.
struct LoadPlan
{
    load::LoadOptions options;
    std::vector<load::LoadLevel> levels;
};

Result<void> applyInputs(const LoadArguments& arguments, load::LoadOptions& options)
{
    for (const std::string& text : arguments.models) {
        GANTRY_TRY(load::ModelShare model, parseModelShare(text));
        options.models.push_back(std::move(model));
    }
    for (const std::string& text : arguments.shapes) {
        GANTRY_TRY(auto shape, load::parseInputShape(text));
        options.input.shape.insert_or_assign(shape.first, shape.second);
    }
    for (const std::string& text : arguments.ranges) {
        GANTRY_TRY(auto range, load::parseIntegerRange(text));
        options.input.ranges.insert_or_assign(range.first, range.second);
    }
    options.input.isZero = arguments.inputData == "zero";
    if (!options.input.isZero && arguments.inputData != "random")
        options.input.dataFile = arguments.inputData;
    return {};
}

Result<void> applyEnd(const LoadArguments& arguments, load::LoadOptions& options)
{
    if (!arguments.length.empty()) {
        GANTRY_TRY(options.duration, parseDuration(arguments.length));
    }
    if (!arguments.warmUp.empty()) {
        GANTRY_TRY(options.warmUp, parseDuration(arguments.warmUp));
    }
    const bool isBounded = options.duration > 0 || options.count > 0;
    if (isBounded && arguments.hasWindows)
        return Error{ErrorCode::BadInput,
                     "a load ends by time or number (--for, --count), or when its windows agree (--measurement-interval, "
                     "--stability-percentage, --max-trials): give one of them",
                     {}};
    if (!isBounded) {
        options.rule.emplace();
        options.rule->ratio = arguments.stabilityPercent / 100;
        options.rule->maxTrials = arguments.maxTrials;
        GANTRY_TRY(options.rule->interval, parseMilliseconds(arguments.interval));
    }
    return {};
}

Result<LoadPlan> planOf(const LoadArguments& arguments)
{
    LoadPlan plan{arguments.options, {}};
    GANTRY_CHECK(applyInputs(arguments, plan.options));
    GANTRY_CHECK(applyEnd(arguments, plan.options));
    plan.options.keepsRequests = !arguments.files.profile.empty();
    if (!arguments.concurrencyRange.empty()) {
        GANTRY_TRY(plan.levels, parseLevels(arguments.concurrencyRange, false));
    } else if (!arguments.rateRange.empty()) {
        GANTRY_TRY(plan.levels, parseLevels(arguments.rateRange, true));
        plan.options.distribution = load::Distribution::Constant; // as perf_analyzer has it
    } else {
        const double rate = plan.options.ratePerSecond;
        plan.levels.push_back({rate > 0, rate > 0 ? rate : plan.options.concurrency});
    }
    if (plan.levels.front().isRate && !arguments.hasConcurrency)
        plan.options.concurrency = kOpenLoopInFlight;
    if (!arguments.distribution.empty()) {
        GANTRY_TRY(plan.options.distribution, parseDistribution(arguments.distribution));
    }
    return plan;
}

void show(const std::vector<load::LoadResult>& levels, const CommonOptions& common)
{
    if (common.json)
        return print(toJson(levels));
    if (levels.size() > 1)
        return sayLines(levelTable(levels));
    for (const load::LoadResult& level : levels) {
        say("{}\n", text(level));
        sayLines(breakdownText(level));
    }
}

int run(const CommonOptions& common, const LoadArguments& arguments)
{
    const auto plan = planOf(arguments);
    if (!plan)
        return reportUsage(plan.error().text(), common);
    if (const auto writable = checkWritable(arguments.files); !writable)
        return report(writable.error(), common);
    std::stop_source stop;
    const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
    ProgressLine progress(!common.json);
    const auto result = load::runLevels(plan->options, plan->levels, stop.get_token(),
                                        [&](const load::LoadProgress& now) { progress.show(progressText(now)); });
    if (!result)
        return report(result.error(), common);
    show(*result, common);
    if (const auto written = writeLoadFiles(arguments.files, *result, plan->options); !written)
        return report(written.error(), common);
    std::map<std::string, std::uint64_t> errors;
    for (const load::LoadResult& level : *result)
        for (const auto& [message, count] : level.errors)
            errors[message] += count;
    for (const auto& [message, count] : errors)
        sayTo(stderr, "gantryctl: {} requests failed: {}\n", count, message);
    return errors.empty() ? 0 : 1;
}

void addLevelOptions(CLI::App& command, LoadArguments& arguments)
{
    auto* concurrency =
        command.add_option("--concurrency", arguments.options.concurrency, "requests in flight; in an open loop at most, 32 unless given")
            ->check(CLI::Range(1, kMostInFlight))
            ->capture_default_str();
    auto* range = command.add_option("--concurrency-range", arguments.concurrencyRange, "START:END:STEP, one level after the other");
    auto* rate = command
                     .add_option("--rate", arguments.options.ratePerSecond,
                                 "requests per second (open loop); without it a closed loop. Poisson unless --request-distribution")
                     ->check(CLI::PositiveNumber);
    auto* rates = command.add_option("--request-rate-range", arguments.rateRange,
                                     "START:END:STEP in requests per second (open loop). Constant unless --request-distribution");
    command.add_option("--request-distribution", arguments.distribution, "times between requests of an open loop: constant or poisson")
        ->check(CLI::IsMember({"constant", "poisson"}));
    range->excludes(concurrency)->excludes(rate)->excludes(rates);
    rate->excludes(rates);
}

void addInputOptions(CLI::App& command, LoadArguments& arguments)
{
    load::InputOptions& input = arguments.options.input;
    command.add_option("-m,--model", arguments.models, "model name; several with their shares: --model a:0.7 --model b:0.3")
        ->required()
        ->expected(1)
        ->take_all();
    command.add_option("-b,--batch", input.batch, "inferences in a request")->check(CLI::Range(1, 1'000'000))->capture_default_str();
    command.add_option("--shape", arguments.shapes, "INPUT:DIMENSIONS without the batch, e.g. IMAGE:3,224,224; may be repeated")
        ->expected(1)
        ->take_all();
    command.add_option("--sequence", input.sequenceLength, "length of open dimensions, e.g. tokens")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    command.add_option("--input-data", arguments.inputData, "random, zero, or a JSON file as perf_analyzer takes it")
        ->default_val("random");
    command
        .add_option("--int-range", arguments.ranges,
                    "LOW:HIGH of made-up whole numbers, or INPUT:LOW:HIGH of one input; may be repeated. Unless given 0:999, and no more "
                    "than the vocabulary in the model's configuration")
        ->expected(1)
        ->take_all();
    command
        .add_option("--output-tokens", input.outputTokens,
                    "made-up value of inputs that say how many tokens to make: MAX_TOKENS, max_new_tokens, request_output_len")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    command.add_option("--string-length", input.stringLength, "of made-up texts")->check(CLI::Range(0, 1'000'000))->capture_default_str();
}

void addWindowOptions(CLI::App& command, LoadArguments& arguments)
{
    command.add_option("-p,--measurement-interval", arguments.interval, "length of a window, in ms or with its unit")->default_val("5s");
    command
        .add_option("-s,--stability-percentage", arguments.stabilityPercent,
                    "how far throughput and latency of three windows may lie apart")
        ->check(CLI::Range(0.001, 1000.0))
        ->capture_default_str();
    command.add_option("-r,--max-trials", arguments.maxTrials, "windows at most")->check(CLI::Range(1, 10'000))->capture_default_str();
    command.add_option("--warm-up", arguments.warmUp, "time that is loaded and not measured, e.g. 2s");
    command.add_option("--warmup-request-count", arguments.options.warmUpCount, "as many answers are not measured");
    command.add_option("--for", arguments.length, "measure one window of this length instead, e.g. 10s");
    command.add_option("--count", arguments.options.count, "measure this many requests instead");
    command.add_option("-f", arguments.files.csv, "write a table in perf_analyzer's columns (CSV) to this file");
    command.add_option("--profile-export-file", arguments.files.profile, "write every request to this file, as perf_analyzer does (JSON)");
}

} // namespace

void addLoadCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto arguments = std::make_shared<LoadArguments>();
    auto* command = app.add_subcommand("load", "Send inference requests to a KServe v2 server and measure latency");
    command->add_option("-u,--address", arguments->options.address, "HOST:PORT of its gRPC service")->capture_default_str();
    addInputOptions(*command, *arguments);
    addLevelOptions(*command, *arguments);
    addWindowOptions(*command, *arguments);
    command->footer("Without --for and --count windows are measured until the last three agree.\n"
                    "Ctrl-C ends the load and prints what was measured. Exit status 1: some requests failed.\n"
                    "In an open loop latency counts from the moment a request was meant to leave.\n"
                    "Decoupled models are asked by ModelStreamInfer: latency is to the last response, and the times to the\n"
                    "first response (TTFT) and between responses (ITL) are beside it.\n\n"
                    "  gantryctl load --model bert_base --concurrency 8 --for 10s\n"
                    "  gantryctl load --model bert_base --concurrency-range 1:8:1 -f levels.csv\n"
                    "  gantryctl load --model bert_base:0.7 --model add_sub:0.3 --request-rate-range 50:200:50\n"
                    "  gantryctl load --model tiny_decoder --sequence 64 --output-tokens 128 --for 10s\n"
                    "  gantryctl load --model add_sub --rate 200 --count 1000 --json");
    command->callback([&, arguments, command] {
        arguments->hasConcurrency = command->count("--concurrency") > 0;
        arguments->hasWindows = command->count("-p") + command->count("-s") + command->count("-r") > 0;
        action = [&, arguments] { return run(common, *arguments); };
    });
}

} // namespace gantry::cli
