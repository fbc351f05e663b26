#pragma once

#include "remote_server/inference/model.h"
#include "remote_server/inference/model_config.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// A model as its folder of the repository describes it: config.pbtxt and a folder for each version.
struct RepositoryModel
{
    std::string name;
    std::vector<ModelDescription> versions; ///< that its version policy wants, in order; with a problem, none
    std::string problem = {};               ///< why it cannot be served; empty: fine
    std::vector<std::string> warnings = {};
    std::string configPlace = {};  ///< what its configuration is called: a file, or a parameter of a request
    std::uint64_t fingerprint = 0; ///< changes with the configuration, the versions and the times of their files
};

/// Reads DIR/<model>/config.pbtxt of every model, by name. Errors: NotFound when the folder is missing. A model with a bad
/// configuration is described with its problem; the others are not affected.
[[nodiscard]] Result<std::vector<RepositoryModel>> readModelRepository(const std::filesystem::path& folder,
                                                                       AutoComplete complete = AutoComplete::On);

/// One model of a repository. Errors: NotFound.
[[nodiscard]] Result<RepositoryModel> readModel(const std::filesystem::path& repository, const std::string& name, AutoComplete complete);

/// The same with another configuration.
[[nodiscard]] Result<RepositoryModel> readModel(const std::filesystem::path& repository, const std::string& name,
                                                const inference::ModelConfig& config, AutoComplete complete);

/// A model that is in no repository: its files by their paths in its folder ("1/model.bin"), kept in a temporary folder for as long as
/// somebody holds a description. Errors: BadInput (a path that leads elsewhere), CannotWrite.
[[nodiscard]] Result<RepositoryModel> modelOfFiles(const std::string& name, const inference::ModelConfig& config,
                                                   const std::map<std::string, std::string>& files, AutoComplete complete);

} // namespace gantry::inference_server
