#include "app/cli/commands.h"
#include "app/cli/text_table.h"
#include "app/remote/unified_diff.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

namespace gantry::cli {
namespace {

/// Which model of which target.
struct ModelChoice
{
    std::string target, model, version, configFile;
    bool isCheckOnly = false;
};

void sayText(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        sayLines(printable(text.substr(0, end)) + "\n");
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

int list(const CommonOptions& common, const ModelChoice& choice)
{
    const auto client = connect(common);
    const auto models = client ? (*client)->models(choice.target) : Result<std::vector<proto::ModelInfo>>(client.error());
    if (!models)
        return report(models.error(), common);
    if (common.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const proto::ModelInfo& model : *models)
            all.push_back({{"name", model.name},
                           {"version", orNull(model.version)},
                           {"state", orNull(model.state)},
                           {"reason", orNull(model.reason)}});
        print(all);
        return 0;
    }
    if (models->empty())
        say("the repository of this server has no models\n");
    std::vector<std::vector<std::string>> rows;
    for (const proto::ModelInfo& model : *models)
        rows.push_back({model.name, model.version, model.state.empty() ? "not loaded" : model.state, model.reason});
    if (!rows.empty())
        sayLines(alignedTable({"model", "version", "state", "reason"}, rows, ""));
    return 0;
}

int config(const CommonOptions& common, const ModelChoice& choice)
{
    const auto client = connect(common);
    const auto served =
        client ? (*client)->modelConfig(choice.target, choice.model, choice.version) : Result<proto::ModelConfigText>(client.error());
    if (!served)
        return report(served.error(), common);
    if (common.json)
        print({{"model", choice.model}, {"config", served->text}, {"incomplete", served->isIncomplete}});
    else
        sayText(served->text);
    if (served->isIncomplete)
        sayTo(stderr, "gantryctl: the server has settings that this gantryd has no names for; they are left out\n");
    return 0;
}

Result<std::string> readConfig(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file)
        return Error{ErrorCode::NotFound, fmt::format("cannot read {}", path), {}};
    if (text.empty())
        return Error{
            ErrorCode::BadInput, fmt::format("{} is empty; leave --config out to load with the repository's configuration", path), {}};
    return text;
}

/// What a model is served with; empty: it is not loaded.
Result<std::string> servedConfig(app::NodeClient& client, const ModelChoice& choice)
{
    GANTRY_TRY(const auto models, client.models(choice.target));
    const auto isServed = [&](const proto::ModelInfo& model) { return model.name == choice.model && model.state == "READY"; };
    if (std::none_of(models.begin(), models.end(), isServed))
        return std::string();
    GANTRY_TRY(auto config, client.modelConfig(choice.target, choice.model));
    return std::move(config.text);
}

/// What would change, when the text can be read.
int check(app::NodeClient& client, const CommonOptions& common, const ModelChoice& choice, const std::string& text)
{
    const auto problems = client.checkModelConfig(text);
    if (!problems)
        return report(problems.error(), common);
    nlohmann::json all = nlohmann::json::array();
    for (const proto::ConfigProblem& problem : *problems) {
        all.push_back({{"line", problem.line}, {"column", problem.column}, {"message", problem.message}});
        if (!common.json)
            sayTo(stderr, "{}:{}:{}: {}\n", choice.configFile, problem.line, problem.column, problem.message);
    }
    const auto served = servedConfig(client, choice);
    if (!served)
        return report(served.error(), common);
    const std::string diff = app::diffText(app::unifiedDiff(*served, text));
    if (common.json)
        print({{"problems", all}, {"diff", diff}});
    else if (problems->empty())
        sayText(diff);
    return problems->empty() ? 0 : exitStatus(ErrorCode::BadInput);
}

int load(const CommonOptions& common, const ModelChoice& choice)
{
    if (choice.isCheckOnly && choice.configFile.empty())
        return reportUsage("--check needs --config FILE", common);
    const auto text = choice.configFile.empty() ? Result<std::string>(std::string()) : readConfig(choice.configFile);
    if (!text)
        return report(text.error(), common);
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    if (choice.isCheckOnly)
        return check(**client, common, choice, *text);
    std::stop_source stop;
    const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
    const auto loaded = (*client)->loadModel(choice.target, choice.model, *text, stop.get_token());
    if (!loaded)
        return report(loaded.error(), common);
    if (common.json)
        print({{"model", choice.model}, {"loaded", true}});
    else
        say("{} is loaded\n", choice.model);
    return 0;
}

int unload(const CommonOptions& common, const ModelChoice& choice)
{
    const auto client = connect(common);
    const auto unloaded = client ? (*client)->unloadModel(choice.target, choice.model) : Result<void>(client.error());
    if (!unloaded)
        return report(unloaded.error(), common);
    if (common.json)
        print({{"model", choice.model}, {"loaded", false}});
    else
        say("{} is unloaded\n", choice.model);
    return 0;
}

} // namespace

void addModelCommands(CLI::App& app, CommonOptions& common, Action& action)
{
    auto* model = app.add_subcommand("model", "The models of a target that is an inference server: Triton, gantry-serve");
    model->require_subcommand(1);
    auto choice = std::make_shared<ModelChoice>();
    const auto add = [&](const char* name, const char* help, int (*run)(const CommonOptions&, const ModelChoice&), bool isOfOne) {
        auto* command = model->add_subcommand(name, help);
        command->add_option("target", choice->target, "its id, e.g. t1")->required();
        if (isOfOne)
            command->add_option("model", choice->model, "its name")->required();
        command->callback([&, choice, run] { action = [&, choice, run] { return run(common, *choice); }; });
        return command;
    };
    add("list", "All models of the server's repository and their states", list, false);
    add("config", "The configuration that a model is served with, as a config.pbtxt", config, true)
        ->add_option("--version", choice->version, "of the model; without it the server chooses");
    auto* loading = add("load", "Load a model, or load it again; what served before goes on when that fails", load, true);
    loading->add_option("--config", choice->configFile, "a config.pbtxt instead of the repository's, until it is loaded again");
    loading->add_flag("--check", choice->isCheckOnly, "load nothing: say what is wrong in --config, or what it changes");
    loading->footer("The server must have been started with --model-control-mode explicit.\n\n"
                    "  gantryctl model config t1 bert > config.pbtxt\n"
                    "  gantryctl model load t1 bert --config config.pbtxt --check");
    add("unload", "Unload a model", unload, true);
}

} // namespace gantry::cli
