#pragma once

#include "app/cli/recipe_sweep.h"
#include "remote_server/load/load_options.h"
#include "remote_server/load/load_result.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::cli {

/// The server of a recipe: one that it starts on the node, or a target that is there already.
struct RecipeServer
{
    proto::LaunchRequest launch; ///< without arguments: nothing is started
    bool isOfRepository = false; ///< `launch` was made of a model repository, in flags that tritonserver has
    bool isFound = false;        ///< the program of `launch` is one that Gantry brings, wherever it lies
    std::string target;          ///< id or name of one that is there; empty: it is started
    DurationNs waitReady = 60'000'000'000;
    bool keepsRunning = false; ///< what was started goes on
};

/// Requests in flight, at most, of an open loop that does not say.
inline constexpr int kOpenLoopInFlight = 32;

/// What a recipe in a report says in the place of a secret.
inline constexpr std::string_view kSecretNotKept = "(not kept)";

/// A measurement that can be done again: a server, a warm-up, a load, windows to capture, and what the files are called.
struct Recipe
{
    std::string name; ///< of the files it makes: no folder in it
    std::string text; ///< as it was read, but for values of the environment that are secrets by their names
    RecipeServer server;
    load::LoadOptions load; ///< warm-up not: it is a load of its own
    std::vector<load::LoadLevel> levels;
    bool levelsGiven = false;        ///< and not the default
    bool loadsUntilCaptured = false; ///< the load has no end of its own: it ends with the capture
    DurationNs warmUp = 0;
    std::uint64_t warmUpCount = 0;
    std::optional<proto::CaptureRequest> capture; ///< absent: there is no report
    std::optional<RecipeSweep> sweep;             ///< absent: it is measured once
};

/// Reads a recipe, YAML or JSON. `file` is what errors call it, and what paths in it are relative to.
/// Errors: BadInput, as "FILE:LINE: KEY: sentence".
[[nodiscard]] Result<Recipe> parseRecipe(const std::string& text, const std::filesystem::path& file);

/// Errors: NotFound, and those of parseRecipe().
[[nodiscard]] Result<Recipe> readRecipe(const std::filesystem::path& file);

} // namespace gantry::cli
