#include "remote_server/proto/grpc_log.h"

#include <atomic>
#include <grpc/support/log.h>

namespace gantry::proto {
namespace {

// gRPC's function takes no argument of ours, so what it writes to has to be here.
std::atomic<GrpcLogWriter> writer{nullptr};

void pass(gpr_log_func_args* entry)
{
    if (const GrpcLogWriter write = writer)
        write(std::string("gRPC: ") + entry->message);
}

} // namespace

void routeGrpcLog(GrpcLogWriter write)
{
    writer = write;
    gpr_set_log_function(pass);
}

} // namespace gantry::proto
