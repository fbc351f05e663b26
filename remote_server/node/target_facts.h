#pragma once

#include "remote_server/proto/node_types.h"

#include <filesystem>
#include <map>
#include <string>

namespace gantry::node {

/// What a target is set up with, as rows of a report's META_DATA_CAPTURE (meta_keys.h): its command line, those variables of its environment
/// that are of CUDA, of the server or of its libraries, and config.pbtxt of the models in a --model-repository of its command line. Values of
/// what may be secret are left out. What cannot be read (a process that has ended, of another user, a repository that is no folder) is left
/// out too. `proc`: "/proc". Any thread; reads at most a few hundred small files.
[[nodiscard]] std::map<std::string, std::string> targetFacts(const proto::Target& target, const std::filesystem::path& proc = "/proc");

} // namespace gantry::node
