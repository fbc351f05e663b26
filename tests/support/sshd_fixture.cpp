#include "tests/support/sshd_fixture.h"

#include <arpa/inet.h>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <netinet/in.h>
#include <pwd.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::test {

namespace {

constexpr const char* kSshd = "/usr/sbin/sshd";
constexpr const char* kKeygen = "/usr/bin/ssh-keygen";
constexpr int kMostTries = 5;

std::string readText(const std::filesystem::path& path)
{
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

void makeKey(const std::filesystem::path& path, const std::string& type, const std::string& passphrase)
{
    std::filesystem::remove(path);
    std::filesystem::remove(path.string() + ".pub");
    const ProcessResult made = runProcess({kKeygen, "-q", "-t", type, "-N", passphrase, "-C", "test", "-f", path.string()});
    if (made.exitStatus != 0)
        throw std::runtime_error("ssh-keygen: " + made.err);
}

sockaddr_in loopback(int port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

/// Free a moment ago: sshd cannot be told to take any port and say which.
int freePort()
{
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const bool isBound = ::bind(probe, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                         ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(probe);
    return isBound ? ntohs(address.sin_port) : 0;
}

std::string userName()
{
    const passwd* const entry = ::getpwuid(::getuid());
    return entry ? entry->pw_name : "";
}

void forEachChild(int pid, const std::function<void(int)>& onChild)
{
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
        std::ifstream children(task.path() / "children");
        for (int child = 0; children >> child;) {
            onChild(child);
            forEachChild(child, onChild);
        }
    }
}

} // namespace

std::optional<std::string> whyNoSshd()
{
    if (::access(kSshd, X_OK) != 0)
        return "there is no sshd: apt install openssh-server";
    if (::access(kKeygen, X_OK) != 0)
        return "there is no ssh-keygen: apt install openssh-client";
    if (userName().empty())
        return "this user is in no password database, which sshd wants";
    // Of Debian's sshd when root starts it; its service makes it.
    if (::geteuid() == 0 && ::mkdir("/run/sshd", 0755) != 0 && errno != EEXIST)
        return "sshd started by root needs /run/sshd, which cannot be made";
    return std::nullopt;
}

SshdFixture::SshdFixture(Options options) : m_options(std::move(options))
{
    std::filesystem::create_directory(home());
    std::filesystem::create_directory(temporary());
    for (const std::string& type : m_options.hostKeyTypes)
        makeKey(hostKey(type), type, "");
    makeKey(clientKey(), "ed25519", "");
    std::filesystem::copy_file(clientKey().string() + ".pub", m_folder / "authorized_keys");
    std::ofstream(knownHosts()).close();
    for (int tries = 0; tries < kMostTries; ++tries) {
        m_port = freePort();
        start();
        if (m_daemon)
            return;
    }
    throw std::runtime_error("sshd does not start: " + log());
}

SshdFixture::~SshdFixture()
{
    kill();
}

void SshdFixture::start()
{
    std::ofstream config(m_folder / "sshd_config");
    for (const std::string& line : m_options.lines)
        config << line << '\n';
    config << "ListenAddress 127.0.0.1\nPort " << m_port << "\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
           << "AuthorizedKeysFile " << (m_folder / "authorized_keys").string() << "\nPasswordAuthentication no\n"
           << "KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\nMaxStartups 100\nLogLevel VERBOSE\n";
    for (const std::string& type : m_options.hostKeyTypes)
        config << "HostKey " << hostKey(type).string() << '\n';
    config << "SetEnv HOME=" << home().string() << " TMPDIR=" << temporary().string();
    for (const auto& [name, value] : m_options.environment)
        config << ' ' << name << "=" << value;
    config << '\n';
    config.close();
    m_daemon = std::make_unique<ChildProcess>(
        std::vector<std::string>{kSshd, "-D", "-e", "-f", (m_folder / "sshd_config").string(), "-E", (m_folder / "sshd_log").string()});
    if (!eventually([this] { return listens() || !m_daemon->isRunning(); }) || !m_daemon->isRunning())
        m_daemon.reset();
    // The process that served the question is gone: it holds the listening socket too at first, and would answer for a listener that was
    // killed.
    else if (!eventually([this] { return connections().empty(); }))
        m_daemon.reset();
}

bool SshdFixture::listens()
{
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(m_port);
    const bool answers = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    return answers;
}

void SshdFixture::kill()
{
    if (!m_daemon)
        return;
    m_daemon->signal(SIGSTOP); // so that no connection is accepted behind the count
    const std::vector<int> serving = connections();
    m_daemon->kill();
    m_daemon.reset();
    for (const int pid : serving)
        ::kill(pid, SIGKILL);
}

void SshdFixture::changeHostKeys()
{
    kill();
    for (const std::string& type : m_options.hostKeyTypes)
        makeKey(hostKey(type), type, "");
    start();
}

std::string SshdFixture::publicHostKey(const std::string& type) const
{
    std::istringstream text(readText(hostKey(type).string() + ".pub"));
    std::string keyType, key;
    text >> keyType >> key;
    return keyType + " " + key;
}

std::string SshdFixture::log() const
{
    return readText(m_folder / "sshd_log");
}

std::vector<int> SshdFixture::connections() const
{
    std::vector<int> pids;
    if (m_daemon)
        forEachChild(m_daemon->pid(), [&](int pid) { pids.push_back(pid); });
    return pids;
}

std::filesystem::path SshdFixture::addClientKey(const std::string& name, const std::string& passphrase)
{
    const std::filesystem::path key = m_folder / name;
    makeKey(key, "ed25519", passphrase);
    std::ofstream(m_folder / "authorized_keys", std::ios::app) << readText(key.string() + ".pub");
    return key;
}

std::string SshdFixture::configOf(const std::string& name, const std::vector<std::string>& lines) const
{
    std::string text = "Host " + name + "\n";
    for (const std::string& line : lines)
        text += "  " + line + "\n";
    text += "  HostName 127.0.0.1\n  Port " + std::to_string(m_port) + "\n  User " + userName() + "\n  IdentityFile " +
            clientKey().string() + "\n  IdentityAgent none\n  UserKnownHostsFile " + knownHosts().string() +
            "\n  GlobalKnownHostsFile none\n";
    return text;
}

std::filesystem::path SshdFixture::writeConfig(const std::vector<std::string>& lines, bool isKnown) const
{
    if (isKnown) {
        std::ofstream known(knownHosts());
        for (const std::string& type : m_options.hostKeyTypes)
            known << "[127.0.0.1]:" << m_port << ' ' << publicHostKey(type) << '\n';
    }
    const std::filesystem::path path = m_folder / "ssh_config";
    std::ofstream(path) << configOf("node", lines);
    return path;
}

} // namespace gantry::test
