#pragma once

#include "inference/grpc_service.grpc.pb.h"
#include "remote_server/load/load_result.h"

#include <map>
#include <string>
#include <vector>

namespace gantry::load {

/// Counters of the statistics extension, of all versions of each model. They only grow until the model is loaded anew.
struct StatisticsSnapshot
{
    std::map<std::string, inference::ModelStatistics> models;
    std::string whyNone; ///< part of a sentence; empty: all models are there

    /// Asks the server, a second at most a model.
    [[nodiscard]] static StatisticsSnapshot take(inference::GRPCInferenceService::Stub& stub, const std::vector<std::string>& models);
};

/// Fills `figures.server` and the remainder with what happened between two snapshots to the named models. `inFlight` requests may have been
/// counted by one side and not yet by the other, on either end.
void addServerPhases(LoadFigures& figures, const StatisticsSnapshot& before, const StatisticsSnapshot& after,
                     const std::vector<std::string>& models, std::uint64_t inFlight);

} // namespace gantry::load
