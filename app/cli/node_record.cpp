#include "app/cli/node_record.h"

#include "app/cli/recording_privacy.h"
#include "app/remote/report_fetcher.h"
#include "remote_server/proto/node_recording.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <vector>

namespace gantry::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kBatchesPerSecond = 10;

std::string dayOf(std::int64_t utcNs)
{
    const std::time_t seconds = utcNs / 1'000'000'000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

/// "2 × NVIDIA H100 80GB HBM3, gantry-serve, 2026-11-22"
std::string titleOf(const proto::NodeRecording& recording)
{
    std::string title = recording.node.gpus.empty() ? "no GPU" : recording.node.gpus.front().name;
    if (recording.node.gpus.size() > 1)
        title = fmt::format("{} × {}", recording.node.gpus.size(), title);
    for (const proto::Target& target : recording.targets)
        title += ", " + target.name;
    return title + ", " + dayOf(recording.recordedUtcNs);
}

/// Collects what arrives on several threads.
class Recorder
{
public:
    Recorder(app::NodeClient& client, DurationNs length) : m_client(client), m_length(length) {}

    /// What the node is, once.
    [[nodiscard]] Result<void> describe()
    {
        GANTRY_TRY(recording.node, m_client.nodeInfo());
        if (auto readiness = m_client.readiness())
            recording.readiness = std::move(*readiness);
        if (auto processes = m_client.processes())
            recording.processes = std::move(*processes);
        GANTRY_TRY(recording.targets, m_client.targets());
        std::erase_if(recording.targets, [](const proto::Target& target) {
            return target.state != proto::TargetState::Running && target.state != proto::TargetState::Starting;
        });
        for (const proto::Target& target : recording.targets)
            describeModels(target);
        GANTRY_TRY(const auto reports, m_client.reports());
        for (const proto::ReportInfo& report : reports)
            m_known.insert(report.name);
        return {};
    }

    /// Returns when the time is over or `stop` is asked for.
    [[nodiscard]] Result<void> follow(std::stop_source& stop)
    {
        std::vector<std::jthread> logs;
        logs.emplace_back([&] { followLog({}, stop); });
        for (const proto::Target& target : recording.targets)
            if (!target.adopted)
                logs.emplace_back([&, id = target.id] { followLog(id, stop); });
        const auto streamed = m_client.streamMetrics(
            kBatchesPerSecond, [&](const proto::MetricsBatch& batch) { add(batch, stop); }, stop.get_token());
        stop.request_stop();
        logs.clear();
        if (!streamed && streamed.error().code != ErrorCode::Cancelled)
            return streamed.error();
        finish();
        return {};
    }

    [[nodiscard]] Result<void> fetchReports(const fs::path& folder)
    {
        GANTRY_TRY(auto reports, m_client.reports());
        std::reverse(reports.begin(), reports.end()); // the oldest first
        for (const proto::ReportInfo& report : reports) {
            if (m_known.contains(report.name))
                continue;
            GANTRY_TRY(const fs::path name, app::localFileName(report.name));
            GANTRY_TRY(const auto fetched, app::fetchReport(m_client, report.name, folder / "reports" / name, {}, {}));
            recording.reports.push_back({fs::path("reports") / fetched.path.filename(), report.targetName});
        }
        return {};
    }

    /// No more samples would be played.
    [[nodiscard]] bool isFull() const { return recording.samples.size() >= proto::kMostRecordedSamples; }

    proto::NodeRecording recording;
    bool isLogCut = false; ///< there were more lines than are played

private:
    void describeModels(const proto::Target& target)
    {
        if (target.grpcAddress.empty())
            return;
        const auto models = m_client.models(target.id);
        if (!models)
            return; // an endpoint without a model repository: its target is recorded without models
        for (const proto::ModelInfo& model : *models) {
            proto::RecordedModel recorded{target.id, model, {}};
            if (auto config = m_client.modelConfig(target.id, model.name, model.version))
                recorded.config = std::move(*config);
            recording.models.push_back(std::move(recorded));
        }
    }

    void followLog(const std::string& targetId, const std::stop_source& stop)
    {
        (void)m_client.tailLog(
            targetId, 0,
            [&](const proto::LogLine& line) {
                const std::lock_guard lock(m_mutex);
                m_logBytes += line.text.size();
                if (recording.log.size() < proto::kMostRecordedLines && m_logBytes <= proto::kMostRecordedLogBytes)
                    recording.log.push_back({line.utcNs, targetId, line.text}); // made an offset at the end
                else
                    isLogCut = true;
            },
            stop.get_token());
    }

    void add(const proto::MetricsBatch& batch, std::stop_source& stop)
    {
        for (const metrics::SeriesDefinition& definition : batch.definitions)
            m_series[definition.id] = definition;
        for (const metrics::Sample& sample : batch.samples) {
            if (m_startMonoNs == 0) {
                m_startMonoNs = sample.time;
                recording.recordedUtcNs = batch.nodeUtcNs - (batch.nodeMonoNs - sample.time);
            }
            const bool isFinite = std::isfinite(sample.value); // JSON has no other numbers
            const bool isOfSession = sample.time >= m_startMonoNs && sample.time - m_startMonoNs < m_length;
            if (isFinite && isOfSession && m_series.contains(sample.seriesId) && !isFull())
                recording.samples.push_back({sample.seriesId, sample.time - m_startMonoNs, sample.value});
        }
        if (isFull() || (m_startMonoNs != 0 && batch.nodeMonoNs - m_startMonoNs >= m_length))
            stop.request_stop();
    }

    void finish()
    {
        auto& samples = recording.samples;
        std::stable_sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
        recording.lengthNs = samples.empty() ? 0 : samples.back().time + 1;
        for (const auto& [id, definition] : m_series)
            recording.series.push_back(definition);
        auto& log = recording.log;
        for (proto::RecordedLine& line : log)
            line.offsetNs -= recording.recordedUtcNs;
        std::erase_if(log, [&](const proto::RecordedLine& line) { return line.offsetNs < 0 || line.offsetNs > recording.lengthNs; });
        std::stable_sort(log.begin(), log.end(), [](const auto& a, const auto& b) { return a.offsetNs < b.offsetNs; });
    }

    app::NodeClient& m_client;
    DurationNs m_length;
    std::set<std::string> m_known; ///< reports that were there before
    TimestampNs m_startMonoNs = 0; ///< of the node; 0: nothing has arrived
    std::map<std::uint32_t, metrics::SeriesDefinition> m_series;
    std::mutex m_mutex; ///< recording.log and the next, while logs are followed
    std::size_t m_logBytes = 0;
};

Result<proto::NodeRecording> record(const CommonOptions& common, const RecordOptions& options)
{
    std::error_code ignored;
    if (fs::exists(options.folder, ignored) && !fs::is_empty(options.folder, ignored))
        return Error{ErrorCode::CannotWrite, options.folder + " is not an empty folder: give -o a new one", {}};
    GANTRY_TRY(const auto client, connect(common));
    std::stop_source stop;
    const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
    Recorder recorder(*client, options.length);
    GANTRY_CHECK(recorder.describe());
    GANTRY_CHECK(recorder.follow(stop));
    if (recorder.recording.samples.empty())
        return Error{ErrorCode::Cancelled, "nothing was recorded: it ended before the first metrics came", {}};
    GANTRY_CHECK(proto::makeRecordingFolder(options.folder));
    GANTRY_CHECK(proto::makeRecordingFolder(fs::path(options.folder) / "reports"));
    GANTRY_CHECK(recorder.fetchReports(options.folder));
    keepPrivate(recorder.recording);
    if (recorder.isFull())
        fmt::print(stderr, "the recording ends after {}: it holds as many samples as can be played\n",
                   formatDuration(recorder.recording.lengthNs));
    if (recorder.isLogCut)
        fmt::print(stderr, "the recording holds as many lines of logs as can be played; later ones are left out\n");
    recorder.recording.title = options.title.empty() ? titleOf(recorder.recording) : options.title;
    GANTRY_CHECK(proto::writeRecording(options.folder, recorder.recording));
    return std::move(recorder.recording);
}

} // namespace

int recordNode(const CommonOptions& common, const RecordOptions& options)
{
    const auto recording = record(common, options);
    if (!recording)
        return report(recording.error(), common);
    if (common.json)
        print({{"folder", options.folder},
               {"title", recording->title},
               {"length_ns", recording->lengthNs},
               {"series", recording->series.size()},
               {"samples", recording->samples.size()},
               {"log_lines", recording->log.size()},
               {"targets", recording->targets.size()},
               {"models", recording->models.size()},
               {"reports", recording->reports.size()}});
    else
        say("{} · {} · {} samples of {} series, {} lines of logs, {} reports\nplay it: gantryd --rehearse {}\n", recording->title,
            formatDuration(recording->lengthNs), recording->samples.size(), recording->series.size(), recording->log.size(),
            recording->reports.size(), options.folder);
    return 0;
}

} // namespace gantry::cli
