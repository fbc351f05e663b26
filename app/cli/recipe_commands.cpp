#include "app/cli/commands.h"
#include "app/cli/recipe.h"
#include "app/cli/recipe_example.h"
#include "app/cli/recipe_run.h"
#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"

#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <unistd.h>

namespace gantry::cli {
namespace {

int run(const std::string& file, const std::string& folder, const CommonOptions& common)
{
    const auto recipe = readRecipe(file);
    const auto status = recipe ? runRecipe(*recipe, folder, common) : Result<int>(recipe.error());
    return status ? *status : report(status.error(), common);
}

int check(const std::string& file, const CommonOptions& common)
{
    const auto recipe = readRecipe(file);
    if (!recipe)
        return report(recipe.error(), common);
    if (common.json)
        print({{"name", recipe->name},
               {"command", recipe->server.launch.argv},
               {"target", orNull(recipe->server.target)},
               {"levels", recipe->levels.size()},
               {"combinations", recipe->sweep ? nlohmann::json(combinationsOf(*recipe).size()) : nlohmann::json()},
               {"captures", recipe->capture.has_value()}});
    else if (recipe->sweep)
        say("{} is a recipe of a sweep: {} combinations, {}\n", file, combinationsOf(*recipe).size(),
            recipe->capture ? "each with a capture" : "without a capture, so that there will be no report");
    else
        say("{} is a recipe: {} level{}, {}\n", file, recipe->levels.size(), recipe->levels.size() == 1 ? "" : "s",
            recipe->capture ? "with a capture" : "without a capture, so that there will be no report");
    return 0;
}

int example(const CommonOptions& common)
{
    if (common.json)
        print({{"recipe", recipeExample()}});
    else
        std::fwrite(recipeExample().data(), 1, recipeExample().size(), stdout);
    return 0;
}

Result<std::string> recipeOf(const std::string& file)
{
    GANTRY_TRY(const report::Database database, report::Database::open(file));
    GANTRY_TRY(auto rows, database.rows("META_DATA_CAPTURE", {"name", "value"}));
    while (rows.next())
        if (rows.text(0) == report::meta::kRecipe)
            return std::string(rows.text(1));
    return Error{ErrorCode::NotFound, fmt::format("{} was not made by a recipe: it holds none", file), {}};
}

int show(const std::string& file, const CommonOptions& common)
{
    const auto text = recipeOf(file);
    if (!text)
        return report(text.error(), common);
    if (common.json) {
        print({{"recipe", *text}});
    } else if (::isatty(STDOUT_FILENO)) {
        for (std::size_t at = 0; at < text->size();) { // a report of somebody else must not write to the terminal as it likes
            const std::size_t end = std::min(text->find('\n', at), text->size());
            say("{}\n", text->substr(at, end - at));
            at = end + 1;
        }
    } else {
        std::fwrite(text->data(), 1, text->size(), stdout);
    }
    return 0;
}

} // namespace

void addRecipeCommand(CLI::App& app, CommonOptions& common, Action& action)
{
    auto* recipe = app.add_subcommand("recipe", "Measurements that can be done again: a server, a load and a capture in one file");
    recipe->require_subcommand(1);
    auto file = std::make_shared<std::string>();
    auto folder = std::make_shared<std::string>(".");
    auto* running = recipe->add_subcommand("run", "Do what a recipe says; the report holds the recipe and what the load measured");
    running->add_option("FILE", *file, "YAML or JSON")->required();
    running
        ->add_option("-o,--output", *folder,
                     "folder for NAME.gantry, NAME.csv and NAME.json; of a sweep NAME.sweep.json and a report a combination")
        ->capture_default_str();
    running->footer("`gantryctl recipe example` prints one with every key, its unit and its default.\n"
                    "Ctrl-C ends load and window and keeps what there is; what was started is ended.\n\n"
                    "  server: {model_repository: /models, flags: [--cpu-only], grpc_address: 127.0.0.1:8001}\n"
                    "  warm_up: {requests: 100}\n"
                    "  load: {model: bert_base, concurrency: 8}      # ends with the capture unless for, count or max_trials\n"
                    "  capture: {after: 1s, for: 2s}\n"
                    "  sweep: {instances: [1, 2, 4], concurrency: [1, 4, 16]}    # a server and a window each: `gantryctl sweep FOLDER`");
    running->callback([&, file, folder] { action = [&, file, folder] { return run(*file, *folder, common); }; });
    auto* checking = recipe->add_subcommand("check", "Read a recipe and say what is wrong with it, without doing anything");
    checking->add_option("FILE", *file, "YAML or JSON")->required();
    checking->callback([&, file] { action = [&, file] { return check(*file, common); }; });
    recipe->add_subcommand("example", "Print a recipe with every key, its meaning, its unit and its default")->callback([&] {
        action = [&] { return example(common); };
    });
    auto* showing = recipe->add_subcommand("show", "Give back the recipe that a report was made by");
    showing->add_option("REPORT", *file, "a report")->required();
    showing->callback([&, file] { action = [&, file] { return show(*file, common); }; });
}

} // namespace gantry::cli
