#include "remote_server/node/engines/kineto_fabric.h"

#include "remote_server/node/clock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <stdlib.h> // mkdtemp(3)
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolders = "/tmp";
constexpr const char* kFolderName = "gantry-kineto-";
constexpr const char* kEndpoint = "dynolog"; // IpcFabricConfigClient.cpp, kDynologDaemon
constexpr std::int64_t kForgottenNs = 15'000'000'000;
constexpr std::int64_t kSettledNs = 1'500'000'000; // it asks while PyTorch is still being loaded, and traces nothing then
constexpr int kLookMs = 100;
constexpr std::int32_t kActivities = 2; // DaemonConfigLoader.cpp: what a request asks for, events 1, activities 2; 0 while it traces

/// In front of each message: the size of what follows and its kind (ipcfabric/FabricManager.h, Metadata).
struct Header
{
    std::uint64_t size = 0;
    char type[32] = {};
};

/// IpcFabricConfigClient.cpp, LibkinetoRequest; pids follow.
struct ConfigurationRequest
{
    std::int32_t type = 0, count = 0;
    std::int64_t job = 0;
};

std::string message(std::string_view type, std::string_view body)
{
    Header header;
    header.size = body.size();
    type.copy(header.type, sizeof header.type - 1);
    std::string bytes(sizeof header, '\0');
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes.append(body);
}

sockaddr_un addressIn(const fs::path& folder)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder / kEndpoint).native().copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

/// Folders of daemons that were killed: nobody listens in them any more.
void removeAbandoned()
{
    std::error_code error;
    for (fs::directory_iterator entry(kFolders, error), end; !error && entry != end; entry.increment(error)) {
        if (!entry->path().filename().native().starts_with(kFolderName))
            continue;
        const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const sockaddr_un address = addressIn(entry->path());
        std::error_code ignored;
        if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED)
            fs::remove_all(entry->path(), ignored);
    }
}

} // namespace

Result<std::unique_ptr<KinetoFabric>> KinetoFabric::create()
{
    removeAbandoned();
    // A short path: the client adds 52 letters to it, and 107 are the most (unix(7)).
    std::string folder = std::string(kFolders) + "/" + kFolderName + "XXXXXX";
    if (!mkdtemp(folder.data()))
        return errnoError(errno, "cannot make a folder for PyTorch's profiler, " + folder);
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = addressIn(folder);
    std::ofstream(fs::path(folder) / "kineto.conf") << "ON_DEMAND_CONFIG_UPDATE_INTERVAL_SECS=1\n";
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const Error error = errnoError(errno, "cannot listen for PyTorch's profiler in " + folder);
        std::error_code ignored;
        fs::remove_all(folder, ignored);
        return error;
    }
    return std::unique_ptr<KinetoFabric>(new KinetoFabric(folder, std::move(socket)));
}

KinetoFabric::KinetoFabric(fs::path folder, UniqueFd socket) : m_folder(std::move(folder)), m_socket(std::move(socket))
{
    m_thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

KinetoFabric::~KinetoFabric()
{
    m_thread.request_stop();
    m_thread = {};
    std::error_code ignored;
    fs::remove_all(m_folder, ignored);
}

std::map<std::string, std::string> KinetoFabric::environment() const
{
    return {
        {"KINETO_USE_DAEMON", "1"}, {"KINETO_IPC_SOCKET_DIR", m_folder.string()}, {"KINETO_CONFIG", (m_folder / "kineto.conf").string()}};
}

std::vector<int> KinetoFabric::processesOf(int root) const
{
    const std::lock_guard lock(m_mutex);
    std::vector<int> pids;
    const std::int64_t now = monotonicNow();
    for (const auto& [pid, process] : m_processes)
        if (now - process.lastAskedNs < kForgottenNs && now - process.firstAskedNs > kSettledNs &&
            std::find(process.ancestors.begin(), process.ancestors.end(), root) != process.ancestors.end())
            pids.push_back(pid);
    return pids;
}

void KinetoFabric::request(int pid, std::string configuration)
{
    const std::lock_guard lock(m_mutex);
    m_requests[pid] = std::move(configuration);
}

bool KinetoFabric::isTold(int pid) const
{
    const std::lock_guard lock(m_mutex);
    return !m_requests.contains(pid);
}

std::int64_t KinetoFabric::lastIdleNs(int pid) const
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_processes.find(pid);
    return found == m_processes.end() ? 0 : found->second.lastIdleNs;
}

void KinetoFabric::forget(int pid)
{
    const std::lock_guard lock(m_mutex);
    m_requests.erase(pid);
}

void KinetoFabric::run(const std::stop_token& stop)
{
    std::array<char, 16384> bytes;
    while (!stop.stop_requested()) {
        pollfd waited{m_socket.get(), POLLIN, 0};
        if (poll(&waited, 1, kLookMs) <= 0)
            continue;
        sockaddr_un from{};
        socklen_t length = sizeof from;
        const ssize_t got = recvfrom(m_socket.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        Header header;
        if (got < static_cast<ssize_t>(sizeof header))
            continue;
        std::memcpy(&header, bytes.data(), sizeof header);
        const std::string_view type(header.type, strnlen(header.type, sizeof header.type));
        const std::string reply =
            message(type, answer(type, {bytes.data() + sizeof header, static_cast<std::size_t>(got) - sizeof header}));
        // One that has ended meanwhile, or reads nothing, gets none.
        static_cast<void>(sendto(m_socket.get(), reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from), length));
    }
}

std::string KinetoFabric::answer(std::string_view type, std::string_view body)
{
    if (type == "ctxt") { // it is there: how many there are of its job
        constexpr std::int32_t kOne = 1;
        return {reinterpret_cast<const char*>(&kOne), sizeof kOne};
    }
    ConfigurationRequest asked;
    if (type != "req" || body.size() < sizeof asked)
        return {};
    std::memcpy(&asked, body.data(), sizeof asked);
    const auto count =
        std::min<std::size_t>(static_cast<std::size_t>(std::max(asked.count, 0)), (body.size() - sizeof asked) / sizeof(std::int32_t));
    if (count == 0)
        return {};
    std::vector<int> pids(count);
    std::memcpy(pids.data(), body.data() + sizeof asked, count * sizeof(std::int32_t));
    const std::lock_guard lock(m_mutex);
    const std::int64_t now = monotonicNow();
    std::erase_if(m_processes, [&](const auto& entry) { return now - entry.second.lastAskedNs > kForgottenNs; });
    const int pid = pids.front();
    Process& process = m_processes[pid];
    process.ancestors = std::move(pids);
    process.firstAskedNs = process.firstAskedNs == 0 ? now : process.firstAskedNs;
    process.lastAskedNs = now;
    if ((asked.type & kActivities) == 0)
        return {};
    process.lastIdleNs = now;
    const auto request = m_requests.extract(pid);
    return request.empty() ? std::string() : request.mapped();
}

} // namespace gantry::node
