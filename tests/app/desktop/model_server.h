#pragma once

#include "app/remote/node_client.h"

#include <filesystem>

namespace gantry::desktop_test {

/// gantry-serve of this build, or nothing where there is none.
[[nodiscard]] std::filesystem::path modelServerProgram();

/// Starts it on a node, on a free port, with explicit control of a repository that it makes in `folder`: `add_sub` is loaded, `identity`
/// and `tiny_decoder` are not, and `broken` cannot be. Throws std::runtime_error when it does not start.
[[nodiscard]] proto::Target launchModelServer(app::NodeClient& node, const std::filesystem::path& folder);

} // namespace gantry::desktop_test
