#include "app/cli/recipe_server.h"

#include "app/cli/target_launch.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace gantry::cli {
namespace {

constexpr DurationNs kStopGraceNs = 10'000'000'000;

/// The program that lies beside this one, where the node runs here too; else its name, for gantryd to find.
std::string besideThisProgram(const std::string& name, const CommonOptions& common)
{
    const std::string& node = common.node;
    const bool isHere = node.empty() || node.starts_with("unix:") || node.starts_with('/') ||
                        node.find("//127.0.0.1") != std::string::npos || node.find("//localhost") != std::string::npos;
    std::error_code error;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / name;
    return isHere && !error && ::access(program.c_str(), X_OK) == 0 ? program.string() : name;
}

/// A recipe that was taken from a report lacks the secrets that it ran with: they are those of this shell.
Result<void> findSecrets(proto::LaunchRequest& request)
{
    for (auto& [name, value] : request.environment) {
        if (value != kSecretNotKept)
            continue;
        const char* own = std::getenv(name.c_str());
        if (!own)
            return Error{ErrorCode::BadInput,
                         fmt::format("the recipe does not hold the value of {}, a secret: set it in this shell, or in the recipe", name),
                         {}};
        value = own;
    }
    return {};
}

Result<proto::Target> launch(const RecipeServer& server, const CommonOptions& common, app::NodeClient& client, std::stop_token stop)
{
    proto::LaunchRequest request = server.launch;
    GANTRY_CHECK(findSecrets(request));
    if (server.isFound)
        request.argv.front() = besideThisProgram(request.argv.front(), common);
    auto launched = client.launch(request, stop);
    // Behind a tunnel, or in a container, what looks like this machine is another file system.
    if (!launched && launched.error().code == ErrorCode::NotFound && request.argv.front() != server.launch.argv.front()) {
        request.argv.front() = server.launch.argv.front();
        launched = client.launch(request, stop);
    }
    if (launched || launched.error().code != ErrorCode::NotFound || !server.isFound)
        return launched;
    const std::string& name = server.launch.argv.front();
    Error error = launched.error();
    error.message += fmt::format("; {} is looked for beside gantryctl, when the node is this machine, and on the PATH of gantryd: say "
                                 "where it is with `program: /path/to/{}` in the recipe's server",
                                 name, name);
    return error;
}

Result<proto::Target> findTarget(const std::string& wanted, app::NodeClient& client)
{
    GANTRY_TRY(const std::vector<proto::Target> targets, client.targets());
    for (const proto::Target& target : targets)
        if (target.id == wanted || target.name == wanted)
            return target;
    return Error{
        ErrorCode::NotFound, fmt::format("there is no target '{}' on the node; `gantryctl target list` shows those there are", wanted), {}};
}

} // namespace

Result<std::unique_ptr<ServedRecipe>> ServedRecipe::prepare(const RecipeServer& server, const CommonOptions& common,
                                                            std::shared_ptr<app::NodeClient> client, std::stop_token stop)
{
    using Made = std::unique_ptr<ServedRecipe>;
    if (server.launch.argv.empty()) {
        Made found(new ServedRecipe(client, {}));
        GANTRY_TRY(found->m_target, findTarget(server.target, *client));
        return found;
    }
    if (!common.json)
        say("starting    {}\n", server.launch.argv.front());
    GANTRY_TRY(const proto::Target target, launch(server, common, *client, stop));
    Made started(new ServedRecipe(client, server.keepsRunning ? std::string() : target.id));
    GANTRY_TRY(started->m_target, waitForTarget(*client, target.id, std::chrono::nanoseconds(server.waitReady), stop));
    return started;
}

ServedRecipe::~ServedRecipe()
{
    if (m_startedId.empty())
        return;
    if (const auto stopped = m_client->stopTarget(m_startedId, kStopGraceNs); !stopped && stopped.error().code != ErrorCode::NotFound)
        sayTo(stderr, "gantryctl: the server that was started, {}, is not ended: {}\n", m_startedId, stopped.error().text());
}

Result<void> ServedRecipe::changeModel(const std::string& model, const ModelConfigChanges& changes, std::stop_token stop)
{
    GANTRY_TRY(const proto::ModelConfigText served, m_client->modelConfig(m_target.id, model, {}, stop));
    GANTRY_TRY(const std::string config, changedConfig(served.text, changes));
    return m_client->loadModel(m_target.id, model, config, stop).context("changing the configuration of " + model);
}

} // namespace gantry::cli
