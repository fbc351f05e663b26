#include "remote_server/node/listen_options.h"

#include "remote_server/node/certificates.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <grpcpp/grpcpp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::node {
namespace {

std::string defaultFolder()
{
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    return runtime && *runtime ? std::string(runtime) + "/gantry" : "/tmp/gantry-" + std::to_string(geteuid());
}

/// Makes the folder, or checks that an existing one is ours alone: in /tmp anybody could have made it first.
Result<void> makePrivate(const std::string& folder)
{
    std::error_code error;
    if (const auto parent = std::filesystem::path(folder).parent_path(); !parent.empty())
        std::filesystem::create_directories(parent, error);
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return errnoError(errno, "cannot make the folder " + folder);
    struct stat status
    {
    };
    if (lstat(folder.c_str(), &status) != 0)
        return errnoError(errno, "cannot look at the folder " + folder);
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid())
        return Error{ErrorCode::NotPermitted, folder + " belongs to somebody else: give --socket a path in a folder of yours", {}};
    if ((status.st_mode & 0077) != 0)
        return Error{ErrorCode::NotPermitted,
                     folder + " can be entered by others: run `chmod 700 " + folder + "` or choose another with --socket",
                     {}};
    return {};
}

/// Claims the folder for this daemon. The kernel gives the lock back when the daemon ends, however it ends.
Result<UniqueFd> lockFolder(const std::string& folder)
{
    const std::string path = folder + "/gantryd.lock"; // stays: two daemons could otherwise lock two files of one name
    UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file)
        return errnoError(errno, "cannot open " + path);
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        return Error{
            ErrorCode::Busy, "another gantryd already runs in " + folder + ": use that one, or choose another folder with --socket", {}};
    return file;
}

/// Removes what a killed daemon left; the folder's lock is held, so no other gantryd listens there. But --socket may be a slip:
/// nothing else is removed, be it a file or a socket on which another program answers.
Result<void> removeStaleSocket(const std::string& path)
{
    struct stat status
    {
    };
    if (lstat(path.c_str(), &status) != 0)
        return {};
    if (!S_ISSOCK(status.st_mode))
        return Error{ErrorCode::CannotWrite, path + " exists and is not a socket: choose another --socket", {}};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // EAGAIN: a listener whose queue is full.
    if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN)
        return Error{ErrorCode::Busy, "another program already listens on " + path + ": choose another --socket", {}};
    if (unlink(path.c_str()) != 0)
        return errnoError(errno, "cannot remove the old socket " + path);
    return {};
}

Result<std::string> readText(const std::string& path, const char* what)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return Error{ErrorCode::BadInput, std::string("cannot read the ") + what + " " + path, {}};
    return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<std::string> readOrMakeToken(const std::string& path)
{
    struct stat status
    {
    };
    if (stat(path.c_str(), &status) == 0) {
        if ((status.st_mode & 0077) != 0)
            return Error{ErrorCode::NotPermitted, "other users can read the token file " + path + ": run `chmod 600 " + path + "`", {}};
        GANTRY_TRY(std::string token, readText(path, "token file"));
        while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back())))
            token.pop_back();
        if (token.size() < 16)
            return Error{
                ErrorCode::BadInput, "the token in " + path + " is shorter than 16 characters: delete the file to have one made", {}};
        return token;
    }
    std::array<unsigned char, 32> random{};
    if (RAND_bytes(random.data(), random.size()) != 1)
        return Error{ErrorCode::Internal, "the system has no random numbers for a token", {}};
    std::string token;
    for (const unsigned char byte : random) {
        static constexpr char kDigits[] = "0123456789abcdef";
        token += kDigits[byte >> 4];
        token += kDigits[byte & 15];
    }
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, token.data(), token.size()) != static_cast<ssize_t>(token.size())) {
        const int cause = errno;
        if (fd >= 0)
            close(fd);
        return errnoError(cause, "cannot write the token file " + path);
    }
    close(fd);
    return token;
}

/// True when every address of the host is this machine's own. Asked of the resolver: "127.example.org" is a name like any other.
Result<bool> isLoopback(std::string host)
{
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found); failure != 0)
        return Error{ErrorCode::BadInput, "--listen: cannot find the address of \"" + host + "\": " + gai_strerror(failure), {}};
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
    bool loopback = true;
    for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
        if (entry->ai_family == AF_INET)
            loopback = loopback && ntohl(reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_addr.s_addr) >> 24 == 127;
        else
            loopback = loopback && entry->ai_family == AF_INET6 &&
                       IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(entry->ai_addr)->sin6_addr);
    }
    return loopback;
}

Result<std::shared_ptr<grpc::ServerCredentials>> tlsCredentials(const ListenOptions& options)
{
    grpc::SslServerCredentialsOptions ssl(options.tlsClientAuthority.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                                             : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    GANTRY_TRY(const std::string certificate, readText(options.tlsCertificate, "certificate"));
    GANTRY_TRY(const std::string key, readText(options.tlsKey, "private key"));
    GANTRY_TRY(const std::int64_t left, daysLeft(options.tlsCertificate));
    if (left < 0)
        return Error{ErrorCode::NotPermitted,
                     "the certificate " + options.tlsCertificate +
                         " has expired, and no client would accept it: make another with `gantryd certs init`",
                     {}};
    ssl.pem_key_cert_pairs.push_back({key, certificate});
    if (!options.tlsClientAuthority.empty()) {
        GANTRY_TRY(ssl.pem_root_certs, readText(options.tlsClientAuthority, "client authority"));
    }
    return grpc::SslServerCredentials(ssl);
}

} // namespace

Result<MetricsListen> prepareMetricsListen(const ListenOptions& options, const std::string& stateFolder)
{
    MetricsListen listen;
    const std::size_t colon = options.metrics.rfind(':');
    const char* const end = options.metrics.data() + options.metrics.size();
    const char* const digits = options.metrics.data() + std::min(colon, options.metrics.size() - 1) + 1;
    if (colon == std::string::npos || colon == 0 || digits == end || std::from_chars(digits, end, listen.port).ptr != end ||
        listen.port < 0 || listen.port > 65535)
        return Error{ErrorCode::BadInput, "--metrics-listen needs HOST:PORT, not \"" + options.metrics + "\"", {}};
    listen.host = options.metrics.substr(0, colon);
    GANTRY_TRY(const bool loopback, isLoopback(listen.host));
    if (options.tlsCertificate.empty() != options.tlsKey.empty())
        return Error{ErrorCode::BadInput, "TLS needs both --tls-cert and --tls-key", {}};
    if (!loopback && options.tlsKey.empty())
        return Error{ErrorCode::NotPermitted,
                     "gantryd shows metrics on " + listen.host + " only with TLS: give --tls-cert and --tls-key, or use 127.0.0.1",
                     {}};
    listen.tlsCertificate = options.tlsCertificate;
    listen.tlsKey = options.tlsKey;
    listen.tokenFile = stateFolder + "/metrics-token"; // another one than that with which a node is controlled
    GANTRY_TRY(listen.token, readOrMakeToken(listen.tokenFile));
    return listen;
}

Result<std::string> prepareSocketPath(const ListenOptions& options)
{
    const std::string path =
        options.socket.empty() ? defaultFolder() + "/gantryd.sock" : std::filesystem::absolute(options.socket).string();
    GANTRY_CHECK(makePrivate(std::filesystem::path(path).parent_path().string()));
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return Error{ErrorCode::BadInput, "the socket's path is longer than the system allows (107 bytes): " + path, {}};
    return path;
}

Result<Endpoint> prepareEndpoint(const ListenOptions& options)
{
    Endpoint endpoint;
    if (options.tcp.empty()) {
        GANTRY_TRY(const std::string path, prepareSocketPath(options));
        endpoint.stateFolder = std::filesystem::path(path).parent_path().string();
        GANTRY_TRY(endpoint.lock, lockFolder(endpoint.stateFolder));
        GANTRY_CHECK(removeStaleSocket(path));
        endpoint.address = "unix:" + path;
        endpoint.credentials = grpc::InsecureServerCredentials();
        return endpoint;
    }
    const std::size_t colon = options.tcp.rfind(':');
    if (colon == std::string::npos || colon == 0)
        return Error{ErrorCode::BadInput, "--listen needs HOST:PORT, not \"" + options.tcp + "\"", {}};
    endpoint.isTcp = true;
    endpoint.host = options.tcp.substr(0, colon);
    endpoint.address = options.tcp;
    endpoint.stateFolder = options.socket.empty() ? defaultFolder() : std::filesystem::absolute(options.socket).parent_path().string();
    GANTRY_CHECK(makePrivate(endpoint.stateFolder));
    const bool tls = !options.tlsCertificate.empty() && !options.tlsKey.empty();
    if (!tls && !(options.tlsCertificate.empty() && options.tlsKey.empty() && options.tlsClientAuthority.empty()))
        return Error{ErrorCode::BadInput, "TLS needs both --tls-cert and --tls-key", {}};
    GANTRY_TRY(const bool loopback, isLoopback(endpoint.host));
    if (!tls && !loopback)
        return Error{ErrorCode::NotPermitted,
                     "gantryd listens on " + endpoint.host +
                         " only with TLS: give --tls-cert and --tls-key, or listen on 127.0.0.1, or use SSH",
                     {}};
    if (tls) {
        GANTRY_TRY(endpoint.credentials, tlsCredentials(options));
    } else {
        endpoint.credentials = grpc::InsecureServerCredentials();
    }
    GANTRY_TRY(endpoint.lock, lockFolder(endpoint.stateFolder));
    endpoint.tokenFile = options.tokenFile.empty() ? endpoint.stateFolder + "/token" : options.tokenFile;
    GANTRY_TRY(endpoint.token, readOrMakeToken(endpoint.tokenFile));
    return endpoint;
}

Result<void> writeReadyFile(const std::string& path, const std::string& address, const std::string& tokenFile)
{
    nlohmann::json content{{"address", address}};
    content["token_file"] = tokenFile.empty() ? nlohmann::json() : nlohmann::json(tokenFile);
    std::ofstream file(path + ".part");
    file << content.dump() << '\n';
    file.close();
    if (!file || rename((path + ".part").c_str(), path.c_str()) != 0)
        return Error{ErrorCode::CannotWrite, "cannot write " + path, {}};
    return {};
}

} // namespace gantry::node
