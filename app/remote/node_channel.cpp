#include "app/remote/node_channel.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <fmt/format.h>
#include <fstream>
#include <grpcpp/create_channel.h>
#include <grpcpp/create_channel_posix.h>
#include <iterator>

namespace gantry::app {

namespace {

constexpr int kMaxMessageBytes = 64 * 1024 * 1024;
constexpr int kKeepaliveTimeMs = 10'000; // gantryd allows a ping each 5 s
constexpr int kKeepaliveTimeoutMs = 5'000;
constexpr int kFirstReconnectBackoffMs = 100;
constexpr int kConnectTimeoutMs = 5'000; // one attempt: TLS takes several round trips of a slow line
constexpr int kMaxReconnectBackoffMs = 2'000;
constexpr std::chrono::milliseconds kLook{20}; // at whether a call that waits for another to connect is to go on waiting

enum class Carrier
{
    Address,   ///< gRPC connects, and again by itself
    Descriptor ///< of a NodeLink
};

grpc::ChannelArguments channelArguments(bool isTls, Carrier carrier = Carrier::Address)
{
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    arguments.SetMaxSendMessageSize(kMaxMessageBytes);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
    // gRPC 1.51 reads a descriptor that it was given only while there is a call: the answer to a ping would lie there unread, and an idle
    // connection would be given up for dead. A link that ends closes the descriptor.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, carrier == Carrier::Address ? 1 : 0);
    // A repeated StartCapture or LaunchTarget would act twice.
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    // The global pool would let a new client inherit the back-off of a connection that failed before it.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectBackoffMs);
    // For gRPC it is also how long an attempt may take.
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectBackoffMs);
    // A socket's path is no valid HTTP/2 authority. With TLS the authority is the name the certificate is checked for.
    if (!isTls)
        arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
    // A proxy from the environment knows nothing of a node.
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return arguments;
}

std::string authorizationOf(const std::string& token)
{
    return token.empty() ? token : "Bearer " + token;
}

} // namespace

NodeChannel::NodeChannel(const NodeAddress& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials, const std::string& token)
    : m_use{grpc::CreateCustomChannel(address.channelTarget(), credentials,
                                      channelArguments(address.transport == NodeAddress::Transport::Tls)),
            authorizationOf(token)}
{
}

Result<NodeChannel::Use> NodeChannel::use(const std::stop_token& stop)
{
    while (!m_mutex.try_lock_for(kLook))
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "connecting was cancelled", {}};
    const std::lock_guard lock(m_mutex, std::adopt_lock);
    if (!m_link || (m_use.channel && !m_isBroken))
        return m_use;
    m_use = {};
    GANTRY_TRY(NodeLink::Stream stream, m_link->open(m_purpose, stop));
    m_use = {grpc::CreateCustomInsecureChannelFromFd("node", stream.descriptor.release(), channelArguments(false, Carrier::Descriptor)),
             authorizationOf(stream.token)};
    m_isBroken = false;
    return m_use;
}

void NodeChannel::reportBroken(const Use& use)
{
    const std::lock_guard lock(m_mutex);
    m_isBroken = m_isBroken || use.channel == m_use.channel;
}

Result<std::string> readTextFile(const std::string& path, std::string_view what)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return Error{ErrorCode::NotPermitted, fmt::format("cannot read the {} {}", what, path), {}};
    return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<std::string> readToken(const std::string& path)
{
    GANTRY_TRY(std::string token, readTextFile(path, "token file"));
    const auto isSpace = [](unsigned char c) { return std::isspace(c) != 0; };
    token.erase(std::find_if_not(token.rbegin(), token.rend(), isSpace).base(), token.end());
    token.erase(token.begin(), std::find_if_not(token.begin(), token.end(), isSpace));
    // Anything else is refused by gRPC as metadata, with an assertion instead of an error.
    const bool isPrintable = std::all_of(token.begin(), token.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
    if (token.empty() || !isPrintable)
        return Error{
            ErrorCode::NotPermitted, fmt::format("the token file {} holds no token: one line of printable ASCII is expected", path), {}};
    return token;
}

} // namespace gantry::app
