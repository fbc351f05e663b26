#pragma once

#include "remote_server/inference/protocol_calls.h"

namespace httplib {
class Server;
}

namespace gantry::inference_server {

/// Adds the endpoints of KServe v2 and of Triton's extensions below /v2 to a server. A request holds its thread until it is answered; when
/// its client is gone it is cancelled. `calls` outlives the server.
void addHttpEndpoints(httplib::Server& server, ProtocolCalls& calls);

/// Only /v2/health/live and /v2/health/ready, for the port of the metrics.
void addHealthEndpoints(httplib::Server& server, ProtocolCalls& calls);

} // namespace gantry::inference_server
