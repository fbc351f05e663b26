#pragma once

#include "app/cli/output.h"
#include "remote_server/proto/capture_types.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace gantry::cli {

/// One more node of a capture, as it is typed.
struct TogetherNode
{
    std::string address;
    std::string targetId; ///< empty: the one that can be captured there
};

/// "ADDRESS" or "ADDRESS#TARGET".
[[nodiscard]] TogetherNode parseTogetherNode(const std::string& text);

/// What of a capture cannot be done on several nodes at one instant. Errors: BadInput, a sentence.
[[nodiscard]] Result<void> checkTogether(const proto::CaptureRequest& request);

/// Opens a window on each node at one instant, fetches the reports beside each other (`output` with the node's name in it) and says how
/// their clocks lie. A node that fails is told of and does not hold up the others. Returns the exit status: that of the first failure, 0
/// without one. Ctrl-C ends the windows early, a second one gives up.
[[nodiscard]] Result<int> captureTogether(const CommonOptions& common, const std::vector<TogetherNode>& nodes,
                                          const proto::CaptureRequest& request, const std::filesystem::path& output);

} // namespace gantry::cli
