#include "app/cli/window_options.h"

#include "app/cli/duration.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fmt/ranges.h>
#include <iterator>
#include <utility>

namespace gantry::cli {
namespace {

constexpr DurationNs kLongestWindowNs = 600'000'000'000; // node.proto, StartCaptureRequest.duration_ns
constexpr std::uint32_t kMostWindows = 10'000;
constexpr std::uint32_t kMostSkipped = 1'000'000;

Error usage(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

/// "stop", "stop-shutdown", "repeat[:N]" or "repeat-shutdown:N".
Result<void> applyRangeEnd(std::string_view text, proto::CaptureRequest& request)
{
    const std::size_t colon = text.find(':');
    const std::string_view word = text.substr(0, colon);
    request.stopTarget = word == "stop-shutdown" || word == "repeat-shutdown";
    if ((word == "stop" || word == "stop-shutdown") && colon == std::string_view::npos) {
        request.windowCount = 1;
        return {};
    }
    if (word == "repeat" && colon == std::string_view::npos) {
        request.windowCount = kMostWindows;
        return {};
    }
    if ((word == "repeat" || word == "repeat-shutdown") && colon != std::string_view::npos) {
        const std::string_view digits = text.substr(colon + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), request.windowCount);
        if (error == std::errc() && end == digits.data() + digits.size() && request.windowCount > 0)
            return {};
    }
    return usage(fmt::format("'{}' does not say how a range ends: write stop, stop-shutdown, repeat, repeat:N or repeat-shutdown:N", text));
}

/// What is recorded where nothing else is asked for, by the names of --trace.
constexpr bool proto::CaptureContent::*kUsualContent[] = {
    &proto::CaptureContent::nvtx,       &proto::CaptureContent::kernels,   &proto::CaptureContent::memcpy,
    &proto::CaptureContent::runtimeApi, &proto::CaptureContent::driverApi, &proto::CaptureContent::synchronization,
    &proto::CaptureContent::overhead,   &proto::CaptureContent::metrics,
};
constexpr std::string_view kContentNames[] = {"nvtx", "kernels", "memcpy", "runtime", "driver", "sync", "overhead", "metrics"};
static_assert(std::size(kContentNames) == std::size(kUsualContent));

/// "nvtx,kernels": these of the usual ones and no others; "cuda" is all of CUDA.
Result<void> applyTrace(std::string_view names, proto::CaptureContent& content)
{
    for (bool proto::CaptureContent::*part : kUsualContent)
        content.*part = false;
    while (!names.empty()) {
        const std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        bool isKnown = false;
        for (std::size_t i = 0; i < std::size(kUsualContent); ++i)
            if (name == kContentNames[i] || (name == "cuda" && kContentNames[i] != "nvtx" && kContentNames[i] != "metrics"))
                content.*kUsualContent[i] = isKnown = true;
        if (!isKnown)
            return usage(fmt::format("'{}' is nothing to record: write cuda, {}", name, fmt::join(kContentNames, ", ")));
    }
    return {};
}

struct Share
{
    std::uint32_t kept = 1, of = 1;
};

/// "2/10".
Result<Share> parseShare(std::string_view text)
{
    Share share;
    const auto [slash, kept] = std::from_chars(text.data(), text.data() + text.size(), share.kept);
    if (kept == std::errc() && slash != text.data() + text.size() && *slash == '/') {
        const auto [end, of] = std::from_chars(slash + 1, text.data() + text.size(), share.of);
        if (of == std::errc() && end == text.data() + text.size() && share.kept > 0 && share.kept <= share.of && share.of <= kMostSkipped)
            return share;
    }
    return usage(fmt::format("'{}' is no part of a whole: write K/N, such as 1/10", text));
}

Result<void> applyRange(const WindowOptions& options, proto::CaptureRequest& request)
{
    if (options.range == "cudaProfilerApi") {
        request.trigger = proto::CaptureTrigger::CudaProfiler;
    } else if (options.range.starts_with("nvtx:") && options.range.size() > 5) {
        request.trigger = proto::CaptureTrigger::NvtxRange;
        request.triggerRange = options.range.substr(5);
    } else {
        return usage(fmt::format("'{}' is no capture range: write cudaProfilerApi, nvtx:MESSAGE, nvtx:MESSAGE@DOMAIN or nvtx:MESSAGE@*",
                                 options.range));
    }
    request.triggerEvery = options.rangeEvery;
    if (!options.some.empty()) {
        if (options.rangeEvery != 1)
            return usage("--range-every N is --some 1/N: give one of them");
        GANTRY_TRY(const Share share, parseShare(options.some));
        request.kept = share.kept;
        request.triggerEvery = share.of;
    }
    return applyRangeEnd(options.rangeEnd, request);
}

} // namespace

void WindowOptions::addTo(CLI::App& command)
{
    command.add_option("--for", length, "length of the window, e.g. 2s");
    command.add_option("--requests", requests, "end after this many complete requests")->check(CLI::PositiveNumber);
    command.add_option("--iterations", iterations, "end after this many complete iterations")->check(CLI::PositiveNumber);
    command.add_option("--iteration-range", iterationRange,
                       "the NVTX range that is an iteration, MESSAGE@DOMAIN (default: executions of gantry-serve)");
    command.add_option("--size", size, "end when this much was recorded, e.g. 64MiB");
    command.add_flag("--until-exit", untilExit, "end with the target, or with Ctrl-C");
    auto* afterOption = command.add_option("--after", after, "begin after this time, e.g. 30s");
    command.add_option("--at", at, "begin at this time of day, 14:03:20, or instant, 2026-11-21T14:03:20")->excludes(afterOption);
    command.add_option("--repeat", repeat, "this many windows, each a report of its own")->check(CLI::Range(1u, kMostWindows));
    command.add_option("--every", every, "from the start of a window to the start of the next, e.g. 10s (default: one after the other)");
    command.add_option("--some", some,
                       "K/N: of each N periods of --every, or of each N ranges of --capture-range, capture the first K, e.g. 1/10");
    command.add_option(
        "--gpu-metrics", gpuMetrics,
        "sample the GPUs' hardware counters at this rate, 10Hz to 200kHz, e.g. 10kHz; above that samples are lost, and counted");
    command.add_option("--trace", trace,
                       "record this only: of cuda, nvtx, kernels, memcpy, runtime, driver, sync, overhead, metrics (default: all)");
    command.add_flag("--api-queries", apiQueries, "record also CUDA calls that only ask, such as cuCtxGetCurrent: many, and dear");
    command.add_flag("--cuda-memory-usage", memoryAllocations, "record also each allocation and release of GPU memory and pinned memory");
    command
        .add_option(
            "--cuda-graph-trace", graphTrace,
            "node: the work of each node of a CUDA graph; graph: each launch as a whole, cheaper, in programs that use CUDA only after the "
            "window was opened, as with --launch and --until-exit")
        ->check(CLI::IsMember({"node", "graph"}))
        ->capture_default_str();
    command.add_flag("--cuda-modules", modules, "record also GPU code that is loaded, JIT compilation and lazy loading");
    command.add_flag("--context-switches", contextSwitches, "record when threads run on a processor, where the kernel permits it");
    command.add_flag("--queue", mayQueue, "wait while another client captures");
    command.add_option("--capture-range", range,
                       "windows are ranges of the program: cudaProfilerApi, nvtx:MESSAGE, nvtx:MESSAGE@DOMAIN, nvtx:MESSAGE@*");
    command
        .add_option("--capture-range-end", rangeEnd, "stop, stop-shutdown, repeat, repeat:N or repeat-shutdown:N; shutdown ends the target")
        ->capture_default_str();
    command.add_flag("--profiler", drivesProfiler,
                     "the engine's own profiler opens the window, in all of its workers (`gantryctl target profiles`); ends it, too");
    command.add_option("--range-every", rangeEvery, "capture one of so many ranges")
        ->check(CLI::Range(1u, 1'000'000u))
        ->capture_default_str();
}

Result<proto::CaptureRequest> WindowOptions::request() const
{
    proto::CaptureRequest request;
    if (!length.empty()) {
        GANTRY_TRY(request.durationNs, parseDuration(length));
        if (request.durationNs > kLongestWindowNs)
            return usage(fmt::format("a window is at most 10 minutes long, not {}", length));
    }
    if (!size.empty()) {
        GANTRY_TRY(request.maxBytes, parseSize(size));
    }
    if (!after.empty()) {
        GANTRY_TRY(request.delayNs, parseDuration(after));
    }
    if (!at.empty()) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        GANTRY_TRY(request.startUtcNs, parseInstant(at, std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
    }
    if (!every.empty()) {
        GANTRY_TRY(request.periodNs, parseDuration(every));
        if (request.durationNs > request.periodNs)
            return usage(fmt::format("windows of {} do not fit into {}: make --every longer", length, every));
    }
    if (!gpuMetrics.empty()) {
        GANTRY_TRY(request.content.gpuMetricsHz, parseSampleRate(gpuMetrics));
    }
    if (!trace.empty())
        GANTRY_CHECK(applyTrace(trace, request.content));
    request.content.apiQueries = apiQueries;
    request.content.memoryAllocations = memoryAllocations;
    request.content.wholeGraphs = graphTrace == "graph";
    request.content.modules = modules;
    request.content.contextSwitches = contextSwitches;
    request.maxRequests = requests;
    request.maxIterations = iterations;
    request.iterationRange = iterationRange;
    request.windowCount = repeat;
    request.mayQueue = mayQueue;
    if (drivesProfiler || isOpenedByIterations) {
        if (!range.empty() || repeat != 1 || !every.empty() || !some.empty())
            return usage("a window that the engine opens is one: leave out --capture-range, --repeat, --every and --some");
        if (drivesProfiler && length.empty())
            return usage("say how long the engine is to profile: --for 2s");
        request.trigger = proto::CaptureTrigger::CudaProfiler;
        request.drivesProfiler = drivesProfiler;
        return request;
    }
    if (range.empty() && !some.empty()) {
        if (every.empty())
            return usage("--some is of the periods of --every, or of the ranges of --capture-range: give one of them");
        GANTRY_TRY(const Share share, parseShare(some));
        request.kept = share.kept;
        request.keptOf = share.of;
    }
    if (!range.empty()) {
        if (repeat != 1 || !every.empty())
            return usage("--repeat and --every are of windows by the clock: with --capture-range write --capture-range-end repeat:N");
        GANTRY_CHECK(applyRange(*this, request));
        return request;
    }
    const bool isBounded = request.durationNs > 0 || requests > 0 || iterations > 0 || request.maxBytes > 0;
    if (!isBounded && !untilExit)
        return usage("say when the window ends: --for 2s, --requests N, --iterations N, --size 64MiB, --until-exit or --capture-range");
    if (!isBounded && repeat > 1)
        return usage("several windows need an end each: --for 2s, --requests N, --iterations N or --size 64MiB");
    return request;
}

Result<std::uint64_t> parseSize(std::string_view text)
{
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    static constexpr std::pair<std::string_view, double> kUnits[] = {
        {"", 1},         {"B", 1},         {"kB", 1e3},         {"KB", 1e3},   {"MB", 1e6},    {"GB", 1e9},
        {"KiB", 1024.0}, {"MiB", 1048576}, {"GiB", 1073741824}, {"K", 1024.0}, {"M", 1048576}, {"G", 1073741824},
    };
    if (error == std::errc())
        for (const auto& [name, factor] : kUnits)
            if (unit == name && number * factor >= 1 && number * factor < 9e15)
                return static_cast<std::uint64_t>(std::llround(number * factor));
    return usage(fmt::format("'{}' is not a size: write a number with its unit, such as 64MiB or 1.5GB", text));
}

Result<std::uint32_t> parseSampleRate(std::string_view text)
{
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const double hertz = number * (unit == "kHz" ? 1000 : unit == "Hz" ? 1 : 0);
    if (error == std::errc() && hertz >= 10 && hertz <= 200'000)
        return static_cast<std::uint32_t>(std::lround(hertz));
    return usage(fmt::format("'{}' is no rate to sample at: write 10Hz to 200kHz, such as 10kHz", text));
}

Result<std::int64_t> parseInstant(std::string_view text, std::int64_t nowUtcNs)
{
    const auto refuse = [&] { return usage(fmt::format("'{}' is no time to begin: write 14:03, 14:03:20 or 2026-11-21T14:03:20", text)); };
    const std::time_t now = nowUtcNs / 1'000'000'000;
    std::tm local{};
    localtime_r(&now, &local);
    const std::size_t t = text.find('T');
    const bool hasDate = t != std::string_view::npos;
    const std::string date(hasDate ? text.substr(0, t) : std::string_view());
    if (hasDate) {
        const char* rest = strptime(date.c_str(), "%Y-%m-%d", &local);
        if (!rest || *rest)
            return refuse();
    }
    const std::string time(hasDate ? text.substr(t + 1) : text);
    local.tm_hour = local.tm_min = local.tm_sec = 0;
    const char* rest = strptime(time.c_str(), "%H:%M", &local);
    double seconds = 0;
    if (rest && *rest == ':') {
        const auto [end, error] = std::from_chars(rest + 1, time.c_str() + time.size(), seconds, std::chars_format::fixed);
        rest = error == std::errc() && seconds >= 0 && seconds < 61 ? end : nullptr;
    }
    if (!rest || *rest)
        return refuse();
    local.tm_isdst = -1;
    std::int64_t instant = static_cast<std::int64_t>(std::mktime(&local)) * 1'000'000'000 + std::llround(seconds * 1e9);
    if (!hasDate && instant <= nowUtcNs) { // tomorrow
        ++local.tm_mday;
        local.tm_isdst = -1;
        instant = static_cast<std::int64_t>(std::mktime(&local)) * 1'000'000'000 + std::llround(seconds * 1e9);
    }
    if (instant <= nowUtcNs)
        return usage(fmt::format("'{}' has gone by", text));
    return instant;
}

} // namespace gantry::cli
