#pragma once

#include "app/remote/node_client.h"
#include "trace_model/import/nsys_export.h"

#include <memory>

namespace gantry::app {

/// Exports reports of Nsight Systems with the nsys of a node: sends them there and fetches what nsys makes of them, which is checked
/// against the node's SHA-256. Progress: bytes on the way there and back, and nsys's own percentages between. What it returns blocks, and
/// may be called by any thread. Errors: those of NodeClient::exportNsysReport(); CannotWrite for the file here.
[[nodiscard]] importing::NsysExporter nsysOn(std::shared_ptr<NodeClient> node);

} // namespace gantry::app
