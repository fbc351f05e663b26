#pragma once

#include "remote_server/node/nsys_exports.h"
#include "trace_model/base/result.h"

#include "gantry/v1/node.grpc.pb.h"

#include <functional>

namespace gantry::node {

using NsysExportStream = grpc::ServerReaderWriter<v1::NsysExportReply, v1::NsysExportRequest>;

/// Takes a report from a client, exports it and sends it back: the call ExportNsysReport of node.proto. Ends soon after `goesOn` says no,
/// and when the client does neither send nor read for a minute. One of gRPC's threads.
[[nodiscard]] Result<void> serveNsysExport(NsysExports& exports, grpc::ServerContext& context, NsysExportStream& stream,
                                           const std::function<bool()>& goesOn);

} // namespace gantry::node
