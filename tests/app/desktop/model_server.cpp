#include "model_server.h"

#include <fstream>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace gantry::desktop_test {

namespace {

namespace fs = std::filesystem;

/// A port of the loopback that nobody listens at now. The target's address has to be told before it is started.
int freePort()
{
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool isBound = ::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                         ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(listener);
    if (!isBound)
        throw std::runtime_error("there is no free port");
    return ntohs(address.sin_port);
}

} // namespace

fs::path modelServerProgram()
{
    const fs::path program = GANTRY_BINARY_DIR "/bin/gantry-serve";
    return fs::exists(program) ? program : fs::path();
}

proto::Target launchModelServer(app::NodeClient& node, const fs::path& folder)
{
    const fs::path models = folder / "models";
    fs::create_directories(models / "broken" / "1");
    for (const char* model : {"add_sub", "identity", "tiny_decoder"})
        fs::copy(fs::path(GANTRY_REPOSITORY "/resources/models") / model, models / model, fs::copy_options::recursive);
    std::ofstream(models / "broken" / "config.pbtxt") << "backend: \"add_sub\"\nmax_batch_size: many\n";
    const std::string port = std::to_string(freePort());
    proto::LaunchRequest request;
    request.name = "gantry-serve";
    request.grpcAddress = "127.0.0.1:" + port;
    request.inject = false;
    request.argv = {modelServerProgram().string(),
                    "--cpu-only",
                    "--model-repository",
                    models.string(),
                    "--model-control-mode",
                    "explicit",
                    "--load-model",
                    "add_sub",
                    "--grpc-port",
                    port,
                    "--http-port",
                    "0",
                    "--metrics-port",
                    "0"};
    const auto launched = node.launch(request);
    if (!launched)
        throw std::runtime_error(launched.error().text());
    return *launched;
}

} // namespace gantry::desktop_test
