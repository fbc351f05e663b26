#pragma once

#include "app/cli/output.h"
#include "app/cli/recipe.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <memory>
#include <stop_token>
#include <string>
#include <utility>

namespace gantry::cli {

/// The server of a recipe while it is measured: started for it and ended with this object, unless it keeps running, or one that was there.
class ServedRecipe
{
public:
    /// Starts it and waits until it serves, or finds it. Errors: those of starting and waiting, NotFound, Cancelled.
    [[nodiscard]] static Result<std::unique_ptr<ServedRecipe>> prepare(const RecipeServer& server, const CommonOptions& common,
                                                                       std::shared_ptr<app::NodeClient> client, std::stop_token stop);
    ServedRecipe(const ServedRecipe&) = delete;
    ServedRecipe& operator=(const ServedRecipe&) = delete;
    ~ServedRecipe();

    [[nodiscard]] const proto::Target& target() const { return m_target; }
    /// Loads a model again with changes to the configuration that it is served with. Errors: those of the server.
    [[nodiscard]] Result<void> changeModel(const std::string& model, const ModelConfigChanges& changes, std::stop_token stop);

private:
    ServedRecipe(std::shared_ptr<app::NodeClient> client, std::string startedId)
        : m_client(std::move(client)), m_startedId(std::move(startedId))
    {
    }

    const std::shared_ptr<app::NodeClient> m_client;
    const std::string m_startedId; ///< to be ended; empty: none
    proto::Target m_target;
};

} // namespace gantry::cli
