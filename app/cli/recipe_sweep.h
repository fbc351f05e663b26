#pragma once

#include "app/cli/model_config_changes.h"
#include "remote_server/load/load_result.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gantry::cli {

class RecipeReader;
struct Recipe;

/// The values that a sweep goes through; an axis without any is not changed.
struct RecipeSweep
{
    std::vector<std::uint64_t> instances, maxBatchSizes;
    std::vector<bool> dynamicBatching;
    std::vector<DurationNs> queueDelays;
    std::vector<std::uint64_t> batches; ///< inferences in a request
    std::vector<load::LoadLevel> levels;

    [[nodiscard]] bool changesModel() const
    {
        return !instances.empty() || !maxBatchSizes.empty() || !dynamicBatching.empty() || !queueDelays.empty();
    }
};

/// One value of each axis.
struct Combination
{
    ModelConfigChanges changes;
    std::int64_t batch = 1;
    load::LoadLevel level;
    std::vector<std::pair<std::string, std::string>> parameters; ///< names of axes and values, of those that a sweep has

    [[nodiscard]] std::string title() const;                             ///< "instances 2, concurrency 4"
    [[nodiscard]] std::string fileName(const std::string& recipe) const; ///< "bert-instances-2-concurrency-4"
};

/// Reads `sweep` of a recipe whose server and load are read. Axes of the load that it lacks are those of `load`. Errors: BadInput.
[[nodiscard]] Result<void> readSweep(const RecipeReader& root, Recipe& recipe);

/// All of them, the load changing fastest: a server is started once for those that differ in their loads alone. Delays of a queue are of
/// dynamic batching: without it there is one combination for all of them.
[[nodiscard]] std::vector<Combination> combinationsOf(const Recipe& recipe);

} // namespace gantry::cli
