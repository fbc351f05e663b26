#include "app/cli/recipe_run.h"

#include "app/cli/capture_steps.h"
#include "app/cli/recipe_measurement.h"
#include "app/cli/recipe_server.h"
#include "trace_model/analysis/sweep/sweep_files.h"
#include "trace_model/base/new_file.h"

#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace gantry::cli {
namespace {

Result<int> runOnce(const Recipe& recipe, const std::filesystem::path& folder, const CommonOptions& common, RecipeStops& stops)
{
    GANTRY_TRY(auto client, connect(common));
    GANTRY_TRY(const auto server, ServedRecipe::prepare(recipe.server, common, client, stops.stop.get_token()));
    GANTRY_TRY(const Measurement measured, measureRecipe(recipe, {folder, recipe.name}, common, client, server->target(), stops));
    if (common.json)
        print({{"name", recipe.name}, {"target_id", server->target().id}, {"windows", measured.windows}, {"load", measured.load}});
    return measured.hasFailures ? 1 : 0;
}

/// Goes through the combinations of a recipe's sweep. One that fails has its error in the index, and the rest go on.
class SweepRun
{
public:
    SweepRun(const Recipe& recipe, std::filesystem::path folder, const CommonOptions& common, RecipeStops& stops)
        : m_recipe(recipe), m_folder(std::move(folder)), m_common(common), m_stops(stops)
    {
    }

    Result<int> run()
    {
        GANTRY_TRY(m_client, connect(m_common));
        const std::vector<Combination> all = combinationsOf(m_recipe);
        for (std::size_t i = 0; i < all.size() && !m_stops.stop.stop_requested(); ++i) {
            if (!m_common.json)
                say("[{}/{}] {}\n", i + 1, all.size(), all[i].title());
            GANTRY_CHECK(add(all[i], measure(all[i])));
        }
        m_server.reset();
        if (m_common.json)
            print({{"name", m_recipe.name}, {"index", indexPath().string()}, {"points", m_entries.size()}, {"failed", m_failed}});
        else
            say("{} of {} combinations are measured; `gantryctl sweep {}` compares them\n", m_entries.size() - m_failed, all.size(),
                m_folder.string());
        return m_failed > 0 || m_hasFailures ? 1 : 0;
    }

private:
    [[nodiscard]] std::filesystem::path indexPath() const { return m_folder / (m_recipe.name + std::string(sweep::kIndexEnding)); }

    /// A server is started anew where its model's configuration is another one, or where it did not come through the combination before.
    Result<void> serve(const ModelConfigChanges& changes)
    {
        if (m_server && m_served == changes)
            return {};
        m_server.reset(); // it holds the port
        const std::stop_token stop = m_stops.stop.get_token();
        GANTRY_TRY(auto server, ServedRecipe::prepare(m_recipe.server, m_common, m_client, stop));
        if (!changes.isEmpty())
            GANTRY_CHECK(server->changeModel(m_recipe.load.models.front().name, changes, stop));
        m_server = std::move(server);
        m_served = changes;
        return {};
    }

    Result<Measurement> measure(const Combination& combination)
    {
        GANTRY_CHECK(serve(combination.changes));
        Recipe recipe = m_recipe;
        recipe.levels = {combination.level};
        recipe.load.input.batch = combination.batch;
        if (recipe.capture)
            recipe.capture->label = m_recipe.capture->label + ": " + combination.title();
        auto measured = measureRecipe(recipe, {m_folder, combination.fileName(m_recipe.name), combination.changes, false}, m_common,
                                      m_client, m_server->target(), m_stops);
        if (!measured)
            m_server.reset();
        return measured;
    }

    /// The index is whole after each combination, so that of a sweep that ends early there is what was measured.
    Result<void> add(const Combination& combination, const Result<Measurement>& measured)
    {
        if (!measured && measured.error().code == ErrorCode::Cancelled)
            return measured.error();
        sweep::IndexEntry entry;
        for (const auto& [name, value] : combination.parameters)
            entry.parameters.push_back({name, value});
        if (measured) {
            entry.load = measured->load.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
            if (!measured->reports.empty())
                entry.report = measured->reports.front().filename().string();
            m_hasFailures |= measured->hasFailures;
        } else {
            entry.error = measured.error().text();
            ++m_failed;
            sayTo(stderr, "gantryctl: {}: {}\n", combination.title(), entry.error);
        }
        m_entries.push_back(std::move(entry));
        GANTRY_TRY(NewFile file, NewFile::create(indexPath(), FileAccess::ByUmask));
        GANTRY_CHECK(file.write(sweep::indexText(m_recipe.name, m_entries)));
        return file.publish();
    }

    const Recipe& m_recipe;
    const std::filesystem::path m_folder;
    const CommonOptions& m_common;
    RecipeStops& m_stops;
    std::shared_ptr<app::NodeClient> m_client;
    std::unique_ptr<ServedRecipe> m_server; ///< null: to be started
    ModelConfigChanges m_served;            ///< what m_server has been changed by
    std::vector<sweep::IndexEntry> m_entries;
    std::size_t m_failed = 0;
    bool m_hasFailures = false;
};

} // namespace

Result<int> runRecipe(const Recipe& recipe, const std::filesystem::path& folder, const CommonOptions& common)
{
    GANTRY_CHECK(makeWritable(folder / recipe.name, "the files of the recipe"));
    RecipeStops stops;
    const InterruptScope interrupts(common.interrupts, [&](int count) {
        stops.stop.request_stop();
        if (count > 1)
            stops.giveUp.request_stop();
    });
    return recipe.sweep ? SweepRun(recipe, folder, common, stops).run() : runOnce(recipe, folder, common, stops);
}

} // namespace gantry::cli
