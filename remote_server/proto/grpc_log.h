#pragma once

#include <string>

namespace gantry::proto {

/// Takes one line of gRPC's log; any thread.
using GrpcLogWriter = void (*)(const std::string& line);

/// gRPC's own log goes to `write`, or nowhere when it is null, instead of to standard error: a program tells its user what failed
/// in a sentence of its own. The first thing in main(), before any other call of gRPC.
void routeGrpcLog(GrpcLogWriter write);

} // namespace gantry::proto
