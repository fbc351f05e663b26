#include "remote_server/load/load_generator.h"

#include "inference/grpc_service.grpc.pb.h"
#include "remote_server/load/load_run.h"
#include "remote_server/load/model_requests.h"
#include "remote_server/load/server_statistics.h"

#include <algorithm>
#include <chrono>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace gantry::load {
namespace {

using Clock = LoadRun::Clock;

constexpr std::size_t kComparedWindows = 3; // perf_analyzer, "--stability-percentage": the last three
constexpr int kRequestsOfAChannel = 6;      // as Triton's client shares its channels, so that one connection is no bottleneck
constexpr std::chrono::seconds kConnectTimeout{5};

/// What one window saw.
struct Window
{
    std::vector<LoadTally> tallies; ///< by model
    Clock::time_point begin, end;
    StatisticsSnapshot before, after;

    [[nodiscard]] LoadTally sum() const
    {
        LoadTally all;
        for (const LoadTally& tally : tallies)
            all.add(tally);
        return all;
    }
};

double secondsBetween(Clock::time_point begin, Clock::time_point end)
{
    return std::chrono::duration<double>(end - begin).count();
}

/// One level of a load, from its first request to its last.
class LevelMeasurement
{
public:
    LevelMeasurement(const LoadOptions& options, const std::vector<ModelRequests>& models, const std::shared_ptr<grpc::Channel>& channel,
                     std::unique_ptr<LoadRun> run, const std::stop_token& stop, const OnProgress& onSecond)
        : m_options(options),
          m_stub(inference::GRPCInferenceService::NewStub(channel)),
          m_stop(stop),
          m_onSecond(onSecond),
          m_run(std::move(run)),
          m_secondBegin(m_run->begin())
    {
        for (const ModelRequests& model : models)
            m_names.push_back(model.model);
        m_level.isRate = options.ratePerSecond > 0;
        m_level.value = m_level.isRate ? options.ratePerSecond : options.concurrency;
    }

    [[nodiscard]] LoadResult run()
    {
        const std::stop_callback finish(m_options.finish, [this] { m_run->halt(); });
        warmUp();
        std::optional<bool> isStable;
        if (m_options.rule && m_options.duration == 0 && m_options.count == 0)
            isStable = measureUntilStable(*m_options.rule);
        else
            measureWindow(Clock::time_point::max());
        m_run->halt();
        while (m_run->waitUntil(Clock::now() + std::chrono::seconds(1)) != LoadRun::Wait::Over) // what is in flight
            continue;
        return result(isStable);
    }

private:
    void warmUp()
    {
        if (m_options.warmUp == 0 && m_options.warmUpCount == 0)
            return;
        if (m_options.warmUp > 0)
            wait(m_run->begin() + std::chrono::nanoseconds(m_options.warmUp), 0);
        if (m_options.warmUpCount > 0)
            wait(Clock::time_point::max(), m_options.warmUpCount);
        m_measuredFrom = m_run->beginMeasuring();
        m_soFar = {};
    }

    /// Waits and tells the progress each second.
    LoadRun::Wait wait(Clock::time_point until, std::uint64_t answers)
    {
        for (;;) {
            const Clock::time_point second = m_secondBegin + std::chrono::seconds(1);
            const LoadRun::Wait ended = m_run->waitUntil(std::min(until, second), answers);
            if (ended != LoadRun::Wait::Time)
                return ended;
            if (Clock::now() >= second)
                tellSecond();
            if (Clock::now() >= until)
                return ended;
        }
    }

    void tellSecond()
    {
        const Clock::time_point now = Clock::now();
        LoadProgress progress;
        static_cast<LoadFigures&>(progress) = m_run->takeProgress().figures(secondsBetween(m_secondBegin, now), m_options.input.batch);
        m_secondBegin = now;
        progress.level = m_level;
        progress.window = m_window;
        m_soFar.sent += progress.sent;
        m_soFar.ok += progress.ok;
        for (const auto& [message, count] : progress.errors)
            m_soFar.errors[message] += count;
        progress.sent = m_soFar.sent;
        progress.ok = m_soFar.ok;
        progress.errors = m_soFar.errors;
        progress.seconds = secondsBetween(m_run->begin(), now);
        if (m_onSecond)
            m_onSecond(progress);
    }

    /// False: the run was over before the window's end.
    bool measureWindow(Clock::time_point until)
    {
        ++m_window;
        Window window;
        // The counters at the end of one window are those at the begin of the next.
        window.before = m_windows.empty() ? StatisticsSnapshot::take(*m_stub, m_names) : m_windows.back().after;
        window.begin = m_windows.empty() ? m_measuredFrom.value_or(m_run->begin()) : m_windows.back().end;
        const LoadRun::Wait ended = wait(until, 0);
        std::tie(window.tallies, window.end) = m_run->take();
        window.after = StatisticsSnapshot::take(*m_stub, m_names);
        m_boundaries.push_back(m_run->utcNs(window.begin));
        m_boundaries.push_back(m_run->utcNs(window.end));
        const bool isWhole = ended == LoadRun::Wait::Time || until == Clock::time_point::max();
        // What an interrupt left of a window is worth something only where there is no whole one.
        if (isWhole || m_windows.empty())
            m_windows.push_back(std::move(window));
        if (m_windows.size() > kComparedWindows)
            m_windows.erase(m_windows.begin());
        return isWhole;
    }

    bool measureUntilStable(const StabilityRule& rule)
    {
        const auto interval = std::chrono::nanoseconds(rule.interval);
        for (int trial = 1; trial <= rule.maxTrials; ++trial) {
            const Clock::time_point begin = m_windows.empty() ? Clock::now() : m_windows.back().end;
            if (!measureWindow(begin + interval))
                return false;
            if (isStable(rule.ratio))
                return true;
        }
        return false;
    }

    [[nodiscard]] bool isStable(double ratio) const
    {
        if (m_windows.size() < kComparedWindows)
            return false;
        std::vector<double> rates, latencies;
        for (const Window& window : m_windows) {
            const LoadFigures figures = window.sum().figures(secondsBetween(window.begin, window.end), 1);
            rates.push_back(figures.requestsPerSecond);
            latencies.push_back(static_cast<double>(figures.mean));
        }
        return areWithin(rates, ratio) && areWithin(latencies, ratio);
    }

    [[nodiscard]] LoadResult result(std::optional<bool> isStable)
    {
        LoadResult result;
        const Window &first = m_windows.front(), &last = m_windows.back();
        const double seconds = secondsBetween(first.begin, last.end);
        std::vector<LoadTally> tallies(m_names.size());
        for (const Window& window : m_windows)
            for (std::size_t i = 0; i < tallies.size(); ++i)
                tallies[i].add(window.tallies[i]);
        LoadTally all;
        for (const LoadTally& tally : tallies)
            all.add(tally);
        const auto inFlight = static_cast<std::uint64_t>(std::max(1, m_options.concurrency));
        static_cast<LoadFigures&>(result) = all.figures(seconds, m_options.input.batch);
        addServerPhases(result, first.before, last.after, m_names, inFlight);
        for (std::size_t i = 0; i < m_names.size() && m_names.size() > 1; ++i) {
            ModelFigures model;
            static_cast<LoadFigures&>(model) = tallies[i].figures(seconds, m_options.input.batch);
            addServerPhases(model, first.before, last.after, {m_names[i]}, inFlight);
            model.model = m_names[i];
            result.models.push_back(std::move(model));
        }
        result.level = m_level;
        result.windows = m_window;
        result.isPartial = m_stop.stop_requested();
        if (isStable.value_or(false) || !(result.isPartial || m_options.finish.stop_requested()))
            result.isStable = isStable; // an interrupted comparison has no outcome
        result.boundariesUtcNs = std::move(m_boundaries);
        std::tie(result.requests, result.requestsDropped) = m_run->takeRequests();
        return result;
    }

    const LoadOptions& m_options;
    std::unique_ptr<inference::GRPCInferenceService::Stub> m_stub;
    const std::stop_token m_stop;
    const OnProgress& m_onSecond;
    LoadLevel m_level;
    std::vector<std::string> m_names;
    std::unique_ptr<LoadRun> m_run;
    Clock::time_point m_secondBegin;
    std::optional<Clock::time_point> m_measuredFrom;
    LoadFigures m_soFar;
    std::vector<Window> m_windows; ///< the last three at most
    std::vector<std::int64_t> m_boundaries;
    int m_window = 0;
};

std::vector<std::shared_ptr<grpc::Channel>> connect(const LoadOptions& options, int concurrency)
{
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetMaxSendMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1); // else they would share one connection after all
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    for (int i = 0; i < std::max(1, (concurrency + kRequestsOfAChannel - 1) / kRequestsOfAChannel); ++i)
        channels.push_back(grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(), arguments));
    return channels;
}

Result<void> check(const LoadOptions& options)
{
    const auto badInput = [](const char* sentence) { return Error{ErrorCode::BadInput, sentence, {}}; };
    if (options.duration <= 0 && options.count == 0 && !options.rule && !options.finish.stop_possible())
        return badInput("a load needs an end: give it a duration or a count");
    if (options.models.empty())
        return badInput("a load needs a model");
    for (const ModelShare& model : options.models)
        if (!(model.share > 0))
            return badInput("the share of a model has to be more than 0");
    return {};
}

} // namespace

Result<LoadResult> runLoad(const LoadOptions& options, std::stop_token stop, const OnProgress& onSecond)
{
    const bool isRate = options.ratePerSecond > 0;
    const LoadLevel level{isRate, isRate ? options.ratePerSecond : options.concurrency};
    GANTRY_TRY(std::vector<LoadResult> results, runLevels(options, {level}, std::move(stop), onSecond));
    return std::move(results.front());
}

Result<std::vector<LoadResult>> runLevels(LoadOptions options, const std::vector<LoadLevel>& levels, std::stop_token stop,
                                          const OnProgress& onSecond, const std::function<void(const LoadResult&)>& onLevel)
{
    GANTRY_CHECK(check(options));
    int concurrency = options.concurrency;
    for (const LoadLevel& level : levels)
        concurrency = level.isRate ? concurrency : std::max(concurrency, static_cast<int>(level.value));
    const auto channels = connect(options, concurrency);
    const auto stub = inference::GRPCInferenceService::NewStub(channels.front());
    GANTRY_TRY(const std::vector<ModelRequests> models, makeRequests(*stub, options, stop));
    for (const auto& channel : channels) // else the first requests would count the connecting
        channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout);
    std::vector<LoadResult> results;
    for (const LoadLevel& level : levels) {
        if (stop.stop_requested() && !results.empty())
            break;
        options.ratePerSecond = level.isRate ? level.value : 0;
        options.concurrency = level.isRate ? options.concurrency : static_cast<int>(level.value);
        const std::string idPrefix = results.empty() ? "load-" : "load-" + std::to_string(results.size() + 1) + "-";
        GANTRY_TRY(auto run, LoadRun::start(options, models, channels, idPrefix, stop));
        LevelMeasurement measurement(options, models, channels.front(), std::move(run), stop, onSecond);
        results.push_back(measurement.run());
        if (onLevel)
            onLevel(results.back());
    }
    return results;
}

} // namespace gantry::load
