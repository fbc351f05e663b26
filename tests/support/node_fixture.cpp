#include "tests/support/node_fixture.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace gantry::test {

namespace {

/// The value, or an exception with the error's sentence: a fixture that does not come up is no result of a test.
template <typename T>
T orThrow(Result<T> result)
{
    if (!result)
        throw std::runtime_error(result.error().text());
    return std::move(result).value();
}

nlohmann::json waitForJson(const std::filesystem::path& path, const char* what)
{
    if (!eventually([&] { return std::filesystem::exists(path); }, std::chrono::seconds(60)))
        throw std::runtime_error(std::string(what) + " is not ready");
    return nlohmann::json::parse(std::ifstream(path)); // written whole, by rename
}

} // namespace

NodeFixture::NodeFixture(Programs programs, Options options) : m_programs(std::move(programs)), m_options(std::move(options))
{
    if (m_options.reportFolder.empty())
        m_options.reportFolder = m_folder / "reports";
    startDaemon();
}

NodeFixture::~NodeFixture()
{
    // The daemon ends what it launched; what it no longer knows of is ended here.
    if (m_daemon) {
        m_daemon->signal(SIGTERM);
        static_cast<void>(m_daemon->wait(std::chrono::seconds(20)));
        m_daemon.reset();
    }
    for (const int pid : m_targets)
        ::kill(pid, SIGKILL);
}

void NodeFixture::startDaemon()
{
    const std::filesystem::path ready = m_folder / "ready";
    std::filesystem::remove(ready);
    std::vector<std::string> argv{m_programs.gantryd, "--report-folder", m_options.reportFolder.string(), "--ready-file", ready.string(), "--socket",
                                  (m_folder / "gantryd.sock").string()};
    if (m_options.tcp)
        argv.insert(argv.end(), {"--listen", "127.0.0.1:0", "--token-file", (m_folder / "token").string()});
    if (!m_options.nsys.empty())
        argv.insert(argv.end(), {"--nsys", m_options.nsys.string()});
    m_daemon = std::make_unique<ChildProcess>(argv);
    if (!eventually([&] { return std::filesystem::exists(ready) || !m_daemon->isRunning(); }, std::chrono::seconds(60)) || !m_daemon->isRunning())
        throw std::runtime_error("gantryd did not start: " + m_daemon->errorText());
    const nlohmann::json said = waitForJson(ready, "gantryd");
    m_address = said.at("address").get<std::string>();
    if (said.at("token_file").is_string()) {
        m_tokenFile = said["token_file"].get<std::string>();
        m_address = "grpc://" + m_address + "?token-file=" + m_tokenFile.string();
    }
}

void NodeFixture::killDaemon()
{
    m_daemon->kill();
    m_daemon.reset();
}

std::shared_ptr<app::NodeClient> NodeFixture::connect(const std::string& name) const
{
    return orThrow(app::NodeClient::connect(m_address, name));
}

NodeFixture::Server NodeFixture::launchServer()
{
    const std::filesystem::path ready = m_folder / "server-ready", models = m_folder / "models";
    std::filesystem::remove(ready);
    if (!std::filesystem::exists(models)) {
        std::filesystem::create_directory(models);
        std::filesystem::copy(GANTRY_SOURCE_DIR "/resources/models/add_sub", models / "add_sub", std::filesystem::copy_options::recursive);
    }
    const proto::Target target = launch({m_programs.gantryServe, "--cpu-only", "--model-repository", models.string(), "--grpc-port", "0",
                                         "--http-port", "0", "--metrics-port", "0", "--ready-file", ready.string()});
    return {target, "127.0.0.1:" + std::to_string(waitForJson(ready, "gantry-serve").at("grpc_port").get<int>())};
}

proto::Target NodeFixture::launch(const std::vector<std::string>& argv)
{
    proto::LaunchRequest request;
    request.argv = argv;
    const proto::Target target = orThrow(connect()->launch(request));
    m_targets.push_back(target.pid);
    return waitForTarget(target.pid);
}

proto::Target NodeFixture::waitForTarget(int pid) const
{
    const auto client = connect();
    proto::Target found;
    const bool ready = eventually([&] {
        const std::vector<proto::Target> targets = orThrow(client->targets());
        const auto place = std::find_if(targets.begin(), targets.end(), [&](const proto::Target& target) { return target.pid == pid && !target.processes.empty(); });
        if (place != targets.end())
            found = *place;
        return place != targets.end();
    }, std::chrono::seconds(60));
    if (!ready)
        throw std::runtime_error("process " + std::to_string(pid) + " is not ready for capture");
    return found;
}

ProcessResult NodeFixture::gantryctl(std::vector<std::string> arguments) const
{
    arguments.insert(arguments.begin(), {m_programs.gantryctl, "--node", m_address});
    return runProcess(arguments);
}

BackgroundLoad::BackgroundLoad(const std::string& address)
{
    load::LoadOptions options;
    options.address = address;
    options.models = {{"add_sub"}};
    options.concurrency = 2;
    // One request first: from here on the server answers this load.
    options.count = 1;
    if (const auto first = load::runLoad(options, {}); !first || first->ok != 1)
        throw std::runtime_error("the server does not answer the load");
    options.count = 0;
    options.duration = 300'000'000'000; // longer than any test; ended by the token
    m_thread = std::jthread([this, options] { m_result = load::runLoad(options, m_stop.get_token()); });
}

load::LoadResult BackgroundLoad::finish()
{
    m_stop.request_stop();
    m_thread.join();
    return orThrow(std::move(*m_result));
}

} // namespace gantry::test
