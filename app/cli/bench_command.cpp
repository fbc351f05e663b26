#include "app/cli/commands.h"
#include "trace_model/analysis/kernel_stats.h"
#include "trace_model/trace/event_search.h"
#include "trace_model/trace/trace_cache.h"
#include "trace_model/trace/trace_loader.h"
#include "trace_model/trace/visible_spans.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <optional>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace gantry::cli {
namespace {

constexpr int kWidthPx = 4000;

double secondsOf(const std::function<void()>& work)
{
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Median of five runs.
double medianSeconds(const std::function<void()>& work)
{
    std::array<double, 5> runs{};
    for (double& run : runs)
        run = secondsOf(work);
    std::nth_element(runs.begin(), runs.begin() + 2, runs.end());
    return runs[2];
}

std::uint64_t residentBytes()
{
    std::ifstream statm("/proc/self/statm"); // proc(5): size, resident, ... in pages
    std::uint64_t size = 0, resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t peakBytes()
{
    struct rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

struct Figures
{
    std::uint64_t events = 0, fileBytes = 0, residentBytes = 0, peakBytes = 0;
    double openSeconds = 0, firstPaintSeconds = 0;
    std::optional<double> reopenSeconds;
    bool isTooSmallToKeep = false;                      ///< in a cache
    std::vector<std::pair<std::string, double>> stages; ///< in order, seconds
    double spansMedianUs = 0, spansMaxUs = 0, searchMs = 0, statsMs = 0;
};

/// What a window of the whole trace shows: every track once, as a first paint asks.
void paintOnce(const trace::Trace& trace)
{
    std::vector<trace::VisibleSpan> spans;
    for (std::uint32_t track = 0; track < trace.tracks.size(); ++track)
        trace::visibleSpans(trace, trace::TrackId(track), trace.time, kWidthPx, spans);
}

Result<std::shared_ptr<const trace::Trace>> measureOpening(const std::string& file, Figures& figures, ProgressLine& progress)
{
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    const std::uint64_t before = residentBytes();
    double stageStart = 0;
    std::string stage;
    int shownPercent = -1;
    trace::LoadOptions options;
    options.preview = [&](const std::shared_ptr<const trace::Trace>& sample) {
        paintOnce(*sample);
        figures.firstPaintSeconds = elapsed();
        stageStart = elapsed();
    };
    options.progress = [&](double fraction, std::string_view next) {
        // Once a stage and percent, so that the line costs nothing of what is measured.
        const int percent = static_cast<int>(fraction * 100);
        if (std::exchange(shownPercent, percent) != percent || next != stage)
            progress.show(fmt::format("{:>3} % {}", percent, next));
        if (next == stage)
            return;
        if (!stage.empty())
            figures.stages.emplace_back(stage, elapsed() - stageStart);
        stage = next;
        stageStart = elapsed();
    };
    const trace::LoadFile source{file, {}};
    GANTRY_TRY(auto trace, trace::loadTrace(std::span(&source, 1), options));
    figures.openSeconds = elapsed();
    figures.events = trace->eventCount();
    const std::uint64_t after = residentBytes();
    figures.residentBytes = after > before ? after - before : 0;
    figures.peakBytes = peakBytes();
    if (figures.firstPaintSeconds == 0) {
        paintOnce(*trace);
        figures.firstPaintSeconds = elapsed();
    }
    return trace;
}

/// Every track at zooms from the whole trace to a microsecond, at three places.
void measureDrawing(const trace::Trace& trace, Figures& figures)
{
    std::vector<double> times;
    std::vector<trace::VisibleSpan> spans;
    for (double length = static_cast<double>(trace.time.duration()); length >= 1000; length /= 4) {
        for (const double place : {0.0, 0.4, 0.8}) {
            const TimestampNs start =
                trace.time.start + static_cast<TimestampNs>(place * (static_cast<double>(trace.time.duration()) - length));
            const TimeRange window{start, start + static_cast<TimestampNs>(length)};
            for (std::uint32_t track = 0; track < trace.tracks.size(); ++track) {
                if (trace.tracks[track].rows.empty())
                    continue;
                times.push_back(secondsOf([&] { trace::visibleSpans(trace, trace::TrackId(track), window, kWidthPx, spans); }) * 1e6);
            }
        }
    }
    if (times.empty())
        return;
    std::sort(times.begin(), times.end());
    figures.spansMedianUs = times[times.size() / 2];
    figures.spansMaxUs = times.back();
}

/// The name of the event in the middle: something that people look for.
std::string someName(const trace::Trace& trace)
{
    for (const trace::EventKind kind : {trace::EventKind::Kernel, trace::EventKind::ApiCall, trace::EventKind::NvtxRange})
        if (const std::size_t rows = trace.columns(kind).size(); rows > 0)
            return trace.nameOf(trace::EventId(kind, static_cast<std::uint32_t>(rows / 2))).substr(0, 6);
    return "a";
}

/// A folder that is removed with this, or before, by whoever ends the program.
class ScratchFolder
{
public:
    ScratchFolder()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "gantry-bench-XXXXXX").string();
        if (mkdtemp(pattern.data()))
            m_path = pattern;
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() { remove(); }

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; } ///< empty: there is none
    void remove() const
    {
        std::error_code ignored;
        if (!m_path.empty())
            std::filesystem::remove_all(m_path, ignored);
    }

private:
    std::filesystem::path m_path;
};

Result<void> measureReopening(const std::string& file, const std::filesystem::path& folder, Figures& figures)
{
    const trace::TraceCache cache(folder);
    const trace::LoadFile source{file, {}};
    trace::LoadOptions options;
    options.cache = &cache;
    GANTRY_TRY(const auto trace, trace::loadTrace(std::span(&source, 1), options));
    GANTRY_CHECK(trace::keepInCache(*trace, cache));
    if (std::filesystem::is_empty(folder)) {
        figures.isTooSmallToKeep = true;
        return {};
    }
    figures.reopenSeconds = medianSeconds([&] {
        if (const auto again = trace::loadTrace(std::span(&source, 1), options))
            paintOnce(**again);
    });
    return {};
}

/// Of fewer, what else a process needs is more than what the events take.
constexpr std::uint64_t kEnoughForMemory = 10'000;

std::optional<double> bytesPerEvent(const Figures& f)
{
    return f.events < kEnoughForMemory ? std::nullopt : std::optional(static_cast<double>(f.residentBytes) / static_cast<double>(f.events));
}

nlohmann::json toJson(const Figures& f)
{
    nlohmann::json stages = nlohmann::json::object();
    for (const auto& [name, seconds] : f.stages)
        stages[name] = seconds;
    return {{"events", f.events},
            {"file_bytes", f.fileBytes},
            {"open_s", f.openSeconds},
            {"first_paint_s", f.firstPaintSeconds},
            {"reopen_s", f.reopenSeconds ? nlohmann::json(*f.reopenSeconds) : nlohmann::json()},
            {"stages_s", stages},
            {"peak_rss_bytes", f.peakBytes},
            {"bytes_per_event", bytesPerEvent(f) ? nlohmann::json(*bytesPerEvent(f)) : nlohmann::json()},
            {"visible_spans_us", {{"median", f.spansMedianUs}, {"max", f.spansMaxUs}}},
            {"search_ms", f.searchMs},
            {"stats_ms", f.statsMs}};
}

void printTable(const Figures& f)
{
    const auto line = [](std::string_view name, const std::string& value) { say("{:<26}{}\n", name, value); };
    line("file", formatBytes(f.fileBytes));
    line("events", fmt::format("{}", f.events));
    line("open", fmt::format("{:.3f} s", f.openSeconds));
    for (const auto& [name, seconds] : f.stages)
        if (seconds >= 0.0005)
            line("  " + name, fmt::format("{:.3f} s", seconds));
    line("first paint", fmt::format("{:.3f} s", f.firstPaintSeconds));
    line("reopen from the cache", f.reopenSeconds      ? fmt::format("{:.4f} s", *f.reopenSeconds)
                                  : f.isTooSmallToKeep ? std::string("not kept: so small that reading is as quick")
                                                       : std::string("not measured"));
    line("peak memory", formatBytes(f.peakBytes));
    if (const auto bytes = bytesPerEvent(f))
        line("memory per event", fmt::format("{:.1f} bytes", *bytes));
    else
        line("memory per event", fmt::format("not told: of fewer than {} events the fixed costs are most of it", kEnoughForMemory));
    line("a track, 4000 px", fmt::format("{:.0f} µs median, {:.0f} µs at most", f.spansMedianUs, f.spansMaxUs));
    line("search by name", fmt::format("{:.1f} ms", f.searchMs));
    line("kernel summary", fmt::format("{:.1f} ms", f.statsMs));
}

int benchReport(const CommonOptions& common, const std::string& file, bool noCache)
{
    Figures figures;
    const ScratchFolder scratch;
    // At once, whatever is being measured: nothing that was is worth waiting for.
    const InterruptScope interrupts(common.interrupts, [&](int) {
        scratch.remove();
        if (isatty(STDERR_FILENO) != 0)
            sayTo(stderr, "\n"); // behind the line of the progress
        const int status = report({ErrorCode::Cancelled, "the bench was cancelled", {}}, common);
        std::fflush(nullptr);
        std::_Exit(status);
    });
    std::optional<ProgressLine> progress(true);
    {
        const auto trace = measureOpening(file, figures, *progress);
        if (!trace) {
            progress.reset();
            return report(trace.error(), common);
        }
        std::error_code ignored;
        figures.fileBytes = std::filesystem::file_size(file, ignored);
        progress->show("drawing, searching and counting");
        measureDrawing(**trace, figures);
        const trace::NameQuery query{someName(**trace), trace::NameMatch::Substring};
        figures.searchMs = medianSeconds([&] { static_cast<void>(trace::findEvents(**trace, query)); }) * 1e3;
        figures.statsMs = medianSeconds([&] { static_cast<void>(analysis::activityTable(**trace, analysis::GroupBy::Kernel)); }) * 1e3;
    }
    if (!noCache && scratch.path().empty()) {
        progress.reset();
        return report(errnoError(errno, "making a temporary folder"), common);
    }
    if (!noCache) {
        progress->show("reopening from a cache, six times");
        if (const Result<void> measured = measureReopening(file, scratch.path(), figures); !measured) {
            progress.reset();
            return report(measured.error(), common);
        }
    }
    progress.reset();
    if (common.json)
        print(toJson(figures));
    else
        printTable(figures);
    return 0;
}

} // namespace

void addBenchCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto* command = app.add_subcommand("bench", "Measure Gantry itself");
    command->require_subcommand(1);
    auto* reporting = command->add_subcommand("report", "Open a file and tell how long everything took: a number to hold us to");
    auto file = std::make_shared<std::string>();
    auto noCache = std::make_shared<bool>(false);
    reporting->add_option("file", *file, "a report of any format")->required();
    reporting->add_flag("--no-cache", *noCache, "leave out reopening from a cache, which writes a temporary one");
    reporting->callback([&, file, noCache] { action = [&, file, noCache] { return benchReport(common, *file, *noCache); }; });
}

} // namespace gantry::cli
