// gantryctl: nodes, capture, reports and load from the command line.

#include "app/cli/commands.h"
#include "remote_server/proto/grpc_log.h"

#include <csignal>
#include <exception>
#include <string>
#include <vector>

int main(int argc, char** argv)
{
    std::signal(SIGXFSZ, SIG_IGN); // a limit on the size of files is an error of the write that meets it, not the end of the program
    gantry::proto::routeGrpcLog(nullptr);
    gantry::cli::Interrupts interrupts; // before any thread: it decides who gets the signals
    try {
        return gantry::cli::runCommandLine(std::vector<std::string>(argv + 1, argv + argc), &interrupts);
    } catch (const std::exception& error) {
        return gantry::cli::report({gantry::ErrorCode::Internal, error.what(), {}}, {});
    }
}
