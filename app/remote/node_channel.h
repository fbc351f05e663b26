#pragma once

#include "app/remote/node_address.h"
#include "app/remote/node_link.h"
#include "trace_model/base/result.h"

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

namespace gantry::app {

/// The gRPC channel to a node that calls go over. Where gRPC connects by itself it stays the same for good; one on a stream of a NodeLink
/// is made anew, by the next call, once a call has found it broken. Any thread.
class NodeChannel
{
public:
    /// What one call uses.
    struct Use
    {
        std::shared_ptr<grpc::Channel> channel;
        std::string authorization; ///< metadata; empty: none
    };

    NodeChannel(const NodeAddress& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials, const std::string& token);
    /// `link` outlives this.
    NodeChannel(NodeLink& link, NodeLink::Purpose purpose) : m_link(&link), m_purpose(purpose) {}

    /// Blocks only while a link opens a stream. Errors: the link's, Cancelled.
    [[nodiscard]] Result<Use> use(const std::stop_token& stop);
    /// A call over it found nobody there.
    void reportBroken(const Use& use);

private:
    NodeLink* m_link = nullptr;
    NodeLink::Purpose m_purpose = NodeLink::Purpose::Control;
    std::timed_mutex m_mutex;
    Use m_use;               ///< m_mutex
    bool m_isBroken = false; ///< m_mutex
};

/// Errors: NotPermitted, naming the file.
[[nodiscard]] Result<std::string> readTextFile(const std::string& path, std::string_view what);
/// The token in a file, without white space around it. Errors: NotPermitted, also for what cannot be sent.
[[nodiscard]] Result<std::string> readToken(const std::string& path);

} // namespace gantry::app
