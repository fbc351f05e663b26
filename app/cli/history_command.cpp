#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/output.h"
#include "app/cli/text_table.h"
#include "app/remote/remote_write.h"
#include "remote_server/proto/remote_write.h"
#include "trace_model/base/new_file.h"
#include "trace_model/metrics/prometheus_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>

namespace gantry::cli {
namespace {

struct HistoryOptions
{
    std::vector<std::string> names;
    std::string last = "10m", step, csv;
    app::RemoteWriteTarget remote;
};

constexpr std::size_t kSamplesPerRequest = 5000;
constexpr std::int64_t kNsPerMs = 1'000'000;

/// One series, its parts together.
struct ReadSeries
{
    metrics::SeriesDefinition definition;
    proto::HistoryColumns columns;
    DurationNs finestNs = 0, coarsestNs = 0; ///< steps
};
using ReadHistory = std::map<std::uint32_t, ReadSeries>;

void append(std::vector<double>& to, const std::vector<double>& from, const std::vector<double>& instead)
{
    const auto& values = from.empty() ? instead : from;
    to.insert(to.end(), values.begin(), values.end());
}

void take(ReadHistory& history, proto::HistoryPart&& part)
{
    for (proto::HistorySeries& series : part.series) {
        auto [known, isNew] = history.try_emplace(series.definition.id);
        ReadSeries& all = known->second;
        if (isNew) {
            all.definition = std::move(series.definition);
            all.finestNs = all.coarsestNs = series.stepNs;
        }
        all.finestNs = std::min(all.finestNs, series.stepNs);
        all.coarsestNs = std::max(all.coarsestNs, series.stepNs);
        const proto::HistoryColumns& columns = series.columns;
        all.columns.times.insert(all.columns.times.end(), columns.times.begin(), columns.times.end());
        append(all.columns.values, columns.values, columns.values);
        append(all.columns.minima, columns.minima, columns.values);
        append(all.columns.maxima, columns.maxima, columns.values);
    }
}

std::string csvField(const std::string& text)
{
    if (text.find_first_of(",\"\n") == std::string::npos)
        return text;
    std::string quoted = "\"";
    for (const char c : text)
        quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

/// A line for each point.
std::string csvOf(const ReadSeries& series, std::int64_t utcOffset)
{
    const std::string name = csvField(series.definition.name) + ',' + csvField(metrics::formatLabels(series.definition.labels)) + ',' +
                             csvField(series.definition.unit);
    std::string text;
    const proto::HistoryColumns& columns = series.columns;
    for (std::size_t i = 0; i < columns.times.size(); ++i)
        text += fmt::format("{},{},{},{},{},{}\n", columns.times[i] + utcOffset, columns.times[i], name, columns.values[i],
                            columns.minima[i], columns.maxima[i]);
    return text;
}

Result<void> writeCsv(const ReadHistory& history, std::int64_t utcOffset, const std::string& path)
{
    const std::string header = "utc_ns,node_mono_ns,name,labels,unit,value,minimum,maximum\n";
    if (path == "-") {
        std::fputs(header.c_str(), stdout);
        for (const auto& [id, series] : history)
            std::fputs(csvOf(series, utcOffset).c_str(), stdout);
        return {};
    }
    GANTRY_TRY(NewFile file, NewFile::create(path));
    GANTRY_CHECK(file.write(header));
    for (const auto& [id, series] : history)
        GANTRY_CHECK(file.write(csvOf(series, utcOffset)));
    return file.publish();
}

/// As Prometheus would have it if it had scraped the node: a gauge's means, without their extremes.
std::vector<proto::RemoteWriteSeries> forRemoteWrite(const ReadHistory& history, std::int64_t utcOffset, const std::string& hostName)
{
    std::vector<proto::RemoteWriteSeries> all;
    for (const auto& [id, series] : history) {
        auto labels = series.definition.labels;
        labels.emplace("job", "gantry");
        labels.emplace("instance", hostName);
        proto::RemoteWriteSeries& out =
            all.emplace_back(proto::RemoteWriteSeries{proto::remoteWriteLabels(series.definition.name, labels), {}});
        for (std::size_t i = 0; i < series.columns.times.size(); ++i)
            out.samples.push_back({(series.columns.times[i] + utcOffset) / kNsPerMs, series.columns.values[i]});
    }
    return all;
}

int writeRemotely(const std::vector<proto::RemoteWriteSeries>& series, const app::RemoteWriteTarget& target, const CommonOptions& common,
                  const std::stop_token& stop)
{
    const auto batches = proto::remoteWriteBatches(series, kSamplesPerRequest);
    std::vector<std::size_t> samples; // of each request and those before
    std::vector<std::function<std::string()>> bodies;
    for (const auto& batch : batches) {
        std::size_t count = samples.empty() ? 0 : samples.back();
        for (const proto::RemoteWriteSeries& one : batch)
            count += one.samples.size();
        samples.push_back(count);
        bodies.emplace_back([&batch] { return proto::encodeRemoteWrite(batch); });
    }
    std::size_t sent = 0;
    ProgressLine progress(!common.json);
    const auto written = app::remoteWrite(
        target, bodies,
        [&](std::size_t requests) {
            sent = samples[requests - 1];
            progress.show(fmt::format("{} of {} samples", sent, samples.back()));
        },
        stop);
    if (!written)
        return report(Error{written.error().code,
                            fmt::format("{} ({} of {} samples were taken before)", written.error().message, sent, samples.back()),
                            {}},
                      common);
    if (common.json)
        print({{"series", series.size()}, {"samples", sent}, {"requests", batches.size()}});
    else
        say("{} samples of {} series written to {}\n", sent, series.size(), target.url);
    return 0;
}

std::string stepText(const ReadSeries& series)
{
    if (series.coarsestNs == 0)
        return "as measured";
    const std::string coarsest = formatDuration(series.coarsestNs);
    return series.finestNs == series.coarsestNs
               ? coarsest
               : (series.finestNs == 0 ? "as measured" : formatDuration(series.finestNs)) + " to " + coarsest;
}

void printTable(const ReadHistory& history)
{
    std::vector<std::vector<std::string>> rows;
    for (const auto& [id, series] : history) {
        const proto::HistoryColumns& columns = series.columns;
        const bool isGauge = series.definition.kind == metrics::SeriesKind::Gauge;
        const auto number = [](double value) { return fmt::format("{:.6g}", value); };
        rows.push_back({series.definition.name, metrics::formatLabels(series.definition.labels), series.definition.unit,
                        std::to_string(columns.times.size()), stepText(series),
                        isGauge ? number(*std::min_element(columns.minima.begin(), columns.minima.end())) : "",
                        isGauge ? number(*std::max_element(columns.maxima.begin(), columns.maxima.end())) : "",
                        number(columns.values.back())});
    }
    sayLines(alignedTable({"metric", "labels", "unit", "points", "steps", "smallest", "largest", "newest"}, rows, ""));
}

void printJson(const ReadHistory& history, std::int64_t utcOffset)
{
    nlohmann::json all = nlohmann::json::array();
    for (const auto& [id, series] : history) {
        nlohmann::json points = nlohmann::json::array();
        const proto::HistoryColumns& columns = series.columns;
        for (std::size_t i = 0; i < columns.times.size(); ++i)
            points.push_back({{"utc_ns", columns.times[i] + utcOffset},
                              {"value", columns.values[i]},
                              {"minimum", columns.minima[i]},
                              {"maximum", columns.maxima[i]}});
        all.push_back({{"name", series.definition.name},
                       {"labels", series.definition.labels},
                       {"unit", series.definition.unit},
                       {"kind", series.definition.kind == metrics::SeriesKind::Gauge ? "gauge" : "counter"},
                       {"coarsest_step_ns", series.coarsestNs},
                       {"points", std::move(points)}});
    }
    print({{"series", std::move(all)}});
}

int readHistory(const CommonOptions& common, const HistoryOptions& options)
{
    const auto last = parseDuration(options.last);
    const auto step = options.step.empty() ? Result<DurationNs>(DurationNs{0}) : parseDuration(options.step);
    if (!last || !step)
        return reportUsage((last ? step : last).error().text(), common);
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto clock = (*client)->exchangeClocks();
    if (!clock)
        return report(clock.error(), common);
    noteRecording(**client);
    std::stop_source stop;
    const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
    const TimestampNs now = clock->exchange.answered;
    ReadHistory history;
    const auto read = (*client)->readHistory(
        {{now - *last, now}, *step, options.names},
        [&](proto::HistoryPart&& part) {
            take(history, std::move(part));
            return true;
        },
        stop.get_token());
    if (!read)
        return report(read.error(), common);
    const std::int64_t utcOffset = clock->nodeUtcNs - now;
    if (!options.csv.empty()) {
        const auto written = writeCsv(history, utcOffset, options.csv);
        return written ? 0 : report(written.error(), common);
    }
    if (!options.remote.url.empty() && history.empty())
        return report(Error{ErrorCode::NotFound,
                            fmt::format("nothing was measured of it in the last {}; `gantryctl history` without names shows what was",
                                        formatDuration(*last)),
                            {}},
                      common);
    if (!options.remote.url.empty())
        return writeRemotely(forRemoteWrite(history, utcOffset, (*client)->hello().hostName), options.remote, common, stop.get_token());
    if (common.json)
        printJson(history, utcOffset);
    else if (history.empty())
        say("nothing was measured of it in the last {}; `gantryctl history` without names shows what was\n", formatDuration(*last));
    else
        printTable(history);
    return 0;
}

} // namespace

void addHistoryCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<HistoryOptions>();
    auto* command = app.add_subcommand("history", "What was measured on the node before, whether anybody was connected or not");
    command->add_option("METRIC", options->names, "names of metrics, e.g. gpu_power_w; none: all of them");
    command->add_option("--last", options->last, "how far back, e.g. 30s, 1h or 7d (default 10m)");
    command->add_option("--step", options->step,
                        "points of steps of up to this, e.g. 1s or 1m (default: as measured, where that is still there)");
    auto* csv = command->add_option("--csv", options->csv, "write all points into this file; -: to standard output");
    auto* remote = command->add_option("--remote-write", options->remote.url,
                                       "send all points to a Prometheus server, e.g. http://127.0.0.1:9090/api/v1/write");
    command->add_option("--user", options->remote.user, "whose password the server wants; without one, it wants a bearer token")
        ->needs(remote);
    command->add_option("--secret-file", options->remote.secretFile, "file with that password or token that only its owner can read")
        ->needs(remote);
    command->add_option("--ca-file", options->remote.caFile, "certificates (PEM) that its own is checked with")->needs(remote);
    remote->excludes(csv);
    command->footer(
        "The last hour is there as it was measured, a day in seconds, a month in minutes: a gauge's mean with its extremes,\n"
        "a counter's last value.\n\n  gantryctl history gpu_power_w --last 1h --csv power.csv\n"
        "  gantryctl history --last 30m --step 15s --remote-write https://prometheus:9090/api/v1/write --secret-file token\n\n"
        "Prometheus takes it when it is started with --web.enable-remote-write-receiver, and refuses what is older than what it\n"
        "has, or than an hour: a new series is best sent first and once.");
    command->callback([&, options] { action = [&, options] { return readHistory(common, *options); }; });
}

} // namespace gantry::cli
