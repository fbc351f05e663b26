#include "app/cli/recipe_measurement.h"

#include "app/cli/capture_steps.h"
#include "app/cli/load_files.h"
#include "app/cli/load_text.h"
#include "app/cli/report_summary.h"
#include "app/remote/error_code.h"
#include "remote_server/load/load_generator.h"
#include "trace_model/base/new_file.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_notes.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace gantry::cli {
namespace {

/// What came of load and capture.
struct Outcome
{
    Result<std::vector<load::LoadResult>> load = std::vector<load::LoadResult>();
    std::optional<Result<proto::CaptureStatus>> capture; ///< absent: the recipe has none
};

class RecipeMeasurement
{
public:
    RecipeMeasurement(const Recipe& recipe, const MeasuredFiles& files, const CommonOptions& common,
                      std::shared_ptr<app::NodeClient> client, RecipeStops& stops)
        : m_recipe(recipe), m_files(files), m_common(common), m_client(std::move(client)), m_stops(stops), m_load(recipe.load)
    {
    }

    Result<Measurement> run(const proto::Target& target)
    {
        if (m_load.address.empty())
            m_load.address = target.grpcAddress;
        if (m_load.address.empty())
            return Error{ErrorCode::BadInput, fmt::format("target {} has no gRPC address: give the load of the recipe one", target.id), {}};
        GANTRY_CHECK(warmUp());
        if (m_stops.stop.stop_requested())
            return Error{ErrorCode::Cancelled, "interrupted before anything was measured", {}};
        Outcome outcome = measure(target.id);
        return keep(outcome);
    }

private:
    Result<void> warmUp()
    {
        if (m_recipe.warmUp == 0 && m_recipe.warmUpCount == 0)
            return {};
        load::LoadOptions options = m_load;
        options.duration = m_recipe.warmUp;
        options.count = m_recipe.warmUpCount;
        options.rule.reset();
        ProgressLine progress(!m_common.json);
        const auto warmed = load::runLevels(options, {m_recipe.levels.front()}, m_stops.stop.get_token(),
                                            [&](const load::LoadProgress& now) { progress.show("warming up " + progressText(now)); });
        return warmed ? Result<void>() : Result<void>(warmed.error());
    }

    /// The load on a thread of its own, the capture on this one; whichever is to end with the other does.
    Outcome measure(const std::string& targetId)
    {
        Outcome outcome;
        std::stop_source finish;
        if (m_recipe.loadsUntilCaptured)
            m_load.finish = finish.get_token();
        std::string captureId;
        if (m_recipe.capture) {
            proto::CaptureRequest request = *m_recipe.capture;
            request.targetId = targetId;
            auto started = m_client->startCapture(request, m_stops.stop.get_token());
            if (!started) {
                outcome.capture = std::move(started);
                return outcome;
            }
            captureId = started->captureId;
        }
        std::jthread loading([&] {
            outcome.load = runLoad();
            const std::lock_guard lock(m_mutex);
            m_isLoaded = true;
            m_changed.notify_all();
        });
        if (!captureId.empty()) {
            std::jthread closing([&](const std::stop_token& done) { closeWhenDue(captureId, done); });
            outcome.capture = watch(captureId);
        }
        finish.request_stop();
        loading.join();
        return outcome;
    }

    Result<std::vector<load::LoadResult>> runLoad()
    {
        ProgressLine progress(!m_common.json && !m_recipe.capture); // else the window's line is there
        return load::runLevels(m_load, m_recipe.levels, m_stops.stop.get_token(),
                               [&](const load::LoadProgress& now) { progress.show(progressText(now)); });
    }

    Result<proto::CaptureStatus> watch(const std::string& captureId)
    {
        ProgressLine progress(!m_common.json);
        return m_client->watchCapture(
            captureId,
            [&](const proto::CaptureStatus& status) {
                progress.show(fmt::format("{:<11} {} · {} events · {} · dropped {}", proto::name(status.state),
                                          formatDuration(status.elapsedNs), status.events, formatBytes(status.bytes), status.dropped));
            },
            m_stops.giveUp.get_token());
    }

    /// A window ends with an interrupt, and where no time bounds it with the load: no further request would come.
    void closeWhenDue(const std::string& captureId, const std::stop_token& done)
    {
        std::stop_source wake;
        const std::stop_callback onStop(m_stops.stop.get_token(), [&] { wake.request_stop(); });
        const std::stop_callback onDone(done, [&] { wake.request_stop(); });
        {
            std::unique_lock lock(m_mutex);
            m_changed.wait(lock, wake.get_token(), [this] { return m_isLoaded && m_recipe.capture->durationNs == 0; });
        }
        if (done.stop_requested())
            return;
        if (const auto stopped = m_client->stopCapture(captureId, done); !stopped && stopped.error().code != ErrorCode::Cancelled)
            sayTo(stderr, "\ngantryctl: {}\n", stopped.error().text());
    }

    [[nodiscard]] std::filesystem::path fileOf(std::string_view ending) const
    {
        return m_files.folder / (m_files.name + std::string(ending));
    }

    /// Fetches the reports, writes recipe and figures into them and beside them.
    Result<Measurement> keep(Outcome& outcome)
    {
        Measurement measurement;
        measurement.load = outcome.load ? toJson(*outcome.load) : nlohmann::json();
        if (outcome.load && !outcome.load->empty()) {
            if (m_files.hasLoad)
                GANTRY_CHECK(writeLoad(*outcome.load, measurement.load));
            if (!m_common.json)
                showLoad(*outcome.load);
        }
        if (outcome.capture)
            GANTRY_CHECK(keepWindows(*outcome.capture, measurement));
        if (!outcome.load)
            return outcome.load.error();
        measurement.hasFailures =
            std::any_of(outcome.load->begin(), outcome.load->end(), [](const load::LoadResult& level) { return !level.errors.empty(); });
        return measurement;
    }

    Result<void> writeLoad(const std::vector<load::LoadResult>& levels, const nlohmann::json& load) const
    {
        GANTRY_CHECK(writeLoadFiles({fileOf(".csv"), {}}, levels, m_load));
        GANTRY_TRY(NewFile file, NewFile::create(fileOf(".json"), FileAccess::ByUmask));
        GANTRY_CHECK(file.write(load.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
        return file.publish();
    }

    void showLoad(const std::vector<load::LoadResult>& levels) const
    {
        if (levels.size() > 1)
            return sayLines(levelTable(levels));
        say("{}\n", text(levels.front()));
        if (m_files.hasLoad)
            sayLines(breakdownText(levels.front()));
    }

    Result<void> keepWindows(const Result<proto::CaptureStatus>& watched, Measurement& measurement)
    {
        if (!watched && watched.error().code == ErrorCode::Cancelled)
            return Error{
                ErrorCode::Cancelled,
                "given up at the second interrupt; gantryd closes the window and keeps its report, `gantryctl report list` shows it",
                {}};
        GANTRY_TRY(const proto::CaptureStatus status, watched);
        if (status.state == proto::CaptureState::Failed)
            return Error{app::errorCodeFromName(status.error),
                         status.message.empty() ? "the capture failed and gantryd did not say why; look at its log" : status.message,
                         {}};
        if (status.reportNames.empty())
            sayTo(stderr, "gantryctl: the capture was called off before a window opened: there is no report\n");
        for (std::size_t i = 0; i < status.reportNames.size(); ++i) {
            const std::string number = status.reportNames.size() > 1 ? "-" + std::to_string(i + 1) : "";
            const std::filesystem::path path = fileOf(number + ".gantry");
            GANTRY_TRY(const FetchedFile file, fetchWindow(*m_client, status.reportNames[i], path, m_stops.giveUp.get_token()));
            GANTRY_CHECK(report::addNotes(path, notesOf(file, measurement)));
            measurement.reports.push_back(path);
            measurement.windows.push_back({{"report", status.reportNames[i]}, {"file", path.string()}, {"bytes", file.fetched.bytes}});
            if (m_common.json)
                continue;
            if (file.trace && m_files.hasLoad)
                sayLines(cli::text(summarise(**file.trace)));
            say("{:<18}{} ({})\n", "file", path.string(), formatBytes(file.fetched.bytes));
        }
        return {};
    }

    [[nodiscard]] std::map<std::string, std::string> notesOf(const FetchedFile& file, const Measurement& measurement) const
    {
        namespace key = report::meta;
        std::map<std::string, std::string> notes = {
            {key::kRecipe, m_recipe.text},
            {key::kRecipeName, m_recipe.name},
            {key::kRecipeLoad, measurement.load.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)}};
        if (m_files.changes.isEmpty() || !file.trace)
            return notes;
        const std::string name = key::kModelConfigPrefix + m_recipe.load.models.front().name;
        const auto& settings = (*file.trace)->meta.settings;
        if (const auto config = settings.find(name); config != settings.end())
            if (auto changed = changedConfig(config->second, m_files.changes))
                notes[name] = std::move(*changed);
        return notes;
    }

    const Recipe& m_recipe;
    const MeasuredFiles& m_files;
    const CommonOptions& m_common;
    const std::shared_ptr<app::NodeClient> m_client;
    RecipeStops& m_stops;
    load::LoadOptions m_load;
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    bool m_isLoaded = false; ///< m_mutex
};

} // namespace

Result<Measurement> measureRecipe(const Recipe& recipe, const MeasuredFiles& files, const CommonOptions& common,
                                  std::shared_ptr<app::NodeClient> client, const proto::Target& target, RecipeStops& stops)
{
    return RecipeMeasurement(recipe, files, common, std::move(client), stops).run(target);
}

} // namespace gantry::cli
