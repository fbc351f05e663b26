#pragma once

#include "app/cli/model_config_changes.h"
#include "app/cli/output.h"
#include "app/cli/recipe.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::cli {

/// What Ctrl-C ends.
struct RecipeStops
{
    std::stop_source stop;   ///< of the first one: load and window; what there is, is kept
    std::stop_source giveUp; ///< of the second one: nothing more is waited for
};

/// Where a measurement goes.
struct MeasuredFiles
{
    std::filesystem::path folder;
    std::string name;    ///< of the files, without their endings
    /// What the load's model was loaded with: reports hold the configuration of its repository.
    ModelConfigChanges changes = {};
    bool hasLoad = true; ///< what the load measured is a table and a document beside the report, and shown in full
};

/// What came of one load with its windows.
struct Measurement
{
    nlohmann::json load;                              ///< as `gantryctl load --json` says it
    nlohmann::json windows = nlohmann::json::array(); ///< an object a report, with the names it has on the node and here
    std::vector<std::filesystem::path> reports;
    bool hasFailures = false; ///< requests failed
};

/// Warms a server up, loads it, captures meanwhile, fetches what was captured and writes recipe and figures into it. Errors: Cancelled, and
/// those of load and capture.
[[nodiscard]] Result<Measurement> measureRecipe(const Recipe& recipe, const MeasuredFiles& files, const CommonOptions& common,
                                                std::shared_ptr<app::NodeClient> client, const proto::Target& target, RecipeStops& stops);

} // namespace gantry::cli
