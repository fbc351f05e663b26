#pragma once

#include "app/cli/output.h"
#include "app/cli/recipe.h"

#include <filesystem>

namespace gantry::cli {

/// Does what a recipe says: starts its server, warms it up, loads it, captures meanwhile, and fetches what was captured into `folder`, with
/// the recipe and the load's figures in the report. Ends what it started, however it ends. The first Ctrl-C ends load and window and keeps
/// what there is; the second waits for nothing more. Of a recipe with a
/// sweep every combination is measured so, with an index of them (sweep_files.h); one that fails has its error there, and the others go on.
/// Returns the exit status: 1 where requests failed, or combinations.
[[nodiscard]] Result<int> runRecipe(const Recipe& recipe, const std::filesystem::path& folder, const CommonOptions& common);

} // namespace gantry::cli
