#include "app/remote/ssh_link.h"

#include "app/remote/node_bundle.h"
#include "app/remote/node_channel.h"
#include "app/remote/node_greeting.h"
#include "app/remote/ssh_deploy.h"
#include "remote_server/proto/protocol_version.h"

#include <fmt/format.h>

namespace gantry::app {

Result<std::unique_ptr<NodeLink>> SshLink::create(const NodeAddress& address, std::string clientName, std::shared_ptr<SshPrompter> prompter,
                                                  OnConnectStep onStep)
{
    auto link = std::unique_ptr<SshLink>(new SshLink(address, std::move(clientName), std::move(prompter), std::move(onStep)));
    if (!address.remoteSocket.empty())
        link->m_place = Place{address.remoteSocket, {}, {}};
    if (!address.remoteTcp.empty()) {
        GANTRY_TRY(const SshHop tcp, SshHop::parse(address.remoteTcp));
        std::string token;
        if (!address.tokenFile.empty()) {
            GANTRY_TRY(token, readToken(address.tokenFile));
        }
        link->m_place = Place{{}, tcp, token};
    }
    return std::unique_ptr<NodeLink>(std::move(link));
}

SshLink::SshLink(const NodeAddress& address, std::string clientName, std::shared_ptr<SshPrompter> prompter, OnConnectStep onStep)
    : m_address(address),
      m_clientName(std::move(clientName)),
      m_person(prompter ? std::move(prompter) : std::make_shared<NobodyToAsk>()),
      m_prompter(*m_person),
      m_onStep(onStep ? std::move(onStep) : [](ConnectStep, const std::string&) {})
{
}

Result<NodeLink::Stream> SshLink::open(Purpose purpose, std::stop_token stop)
{
    GANTRY_TRY(const std::shared_ptr<SshSession> session, sessionFor(purpose, stop));
    std::optional<Place> place;
    {
        const std::lock_guard lock(m_mutex);
        place = m_place;
    }
    const bool isTold = !m_address.remoteSocket.empty() || !m_address.remoteTcp.empty();
    if (place) {
        Result<UniqueFd> stream = openAt(*session, *place, stop);
        if (stream)
            return Stream{std::move(*stream), place->token};
        if (isTold || stop.stop_requested())
            return std::move(stream).error();
    }
    // Not known yet, or no longer there, as after a restart of the node.
    GANTRY_TRY(Place found, find(*session, stop));
    GANTRY_TRY(UniqueFd stream, openAt(*session, found, stop));
    Stream result{std::move(stream), found.token};
    const std::lock_guard lock(m_mutex);
    m_place = std::move(found);
    return result;
}

std::string SshLink::nextStep() const
{
    if (!m_address.remoteSocket.empty())
        return fmt::format("is it running? start it there with `gantryd --socket {}`", m_address.remoteSocket);
    if (!m_address.remoteTcp.empty())
        return fmt::format("is it running? start it there with `gantryd --listen {}`", m_address.remoteTcp);
    return "connecting again finds it, or starts it";
}

Result<std::shared_ptr<SshSession>> SshLink::sessionFor(Purpose purpose, const std::stop_token& stop)
{
    std::shared_ptr<SshSession>& session = purpose == Purpose::Bulk ? m_bulk : m_control;
    {
        const std::lock_guard lock(m_mutex);
        if (session && session->isConnected())
            return session;
    }
    // One at a time, so that nobody is asked two things at once.
    const std::lock_guard connecting(m_connecting);
    GANTRY_TRY(auto made, connectSsh(SshConfigPlaces::ofThisUser(m_address.sshConfigFile), {m_address.host, m_address.user, m_address.port},
                                     m_prompter, m_onStep, stop));
    const std::lock_guard lock(m_mutex);
    session = std::move(made);
    return session;
}

Result<UniqueFd> SshLink::openAt(SshSession& session, const Place& place, const std::stop_token& stop) const
{
    if (!place.socket.empty())
        return session.openUnixSocket(place.socket, stop);
    return session.openTcp(place.tcp.host, place.tcp.port, stop);
}

Result<SshLink::Place> SshLink::find(SshSession& session, const std::stop_token& stop)
{
    m_onStep(ConnectStep::Check, "gantryd");
    GANTRY_TRY(const SshNodeFacts facts, readSshNodeFacts(session, stop));
    std::optional<std::pair<Place, std::string>> other; // of another version: where, and which
    for (const std::string& socket : facts.sockets) {
        Result<UniqueFd> stream = session.openUnixSocket(socket, stop);
        if (!stream && stop.stop_requested())
            return std::move(stream).error();
        if (!stream) // left by one that was killed
            continue;
        const Result<NodeGreeting> greeting = greetNode(std::move(*stream), {}, m_clientName, stop);
        if (!greeting || greeting->protocolVersion != proto::kProtocolVersion)
            continue;
        if (greeting->daemonVersion == GANTRY_VERSION)
            return Place{socket, {}, {}};
        if (greeting->isBusy) {
            m_onStep(ConnectStep::Check, fmt::format("gantryd {} runs targets there and is used as it is", greeting->daemonVersion));
            return Place{socket, {}, {}};
        }
        other = {Place{socket, {}, {}}, greeting->daemonVersion};
    }
    if (m_address.mayDeploy) {
        Result<Place> deployed = deploy(session, facts, stop);
        if (deployed || !other || stop.stop_requested())
            return deployed;
        m_onStep(ConnectStep::Check, fmt::format("gantryd {} is used: {}", other->second, deployed.error().message));
    }
    if (other)
        return other->first;
    return Error{ErrorCode::Unreachable,
                 fmt::format("no gantryd runs on {}, and the address says deploy=no: start it there with `gantryd`", session.host().text()),
                 {}};
}

Result<SshLink::Place> SshLink::deploy(SshSession& session, const SshNodeFacts& facts, const std::stop_token& stop) const
{
    std::filesystem::path bundle = m_address.bundleFile;
    if (bundle.empty()) {
        GANTRY_TRY(bundle, findNodeBundle());
    }
    GANTRY_TRY(const std::string folder, installNodeBundle(session, facts, bundle, m_onStep, stop));
    GANTRY_TRY(const StartedNode bySocket, startNode(session, facts, folder, false, m_onStep, stop));
    Result<UniqueFd> stream = session.openUnixSocket(bySocket.socket, stop);
    if (stream)
        return Place{bySocket.socket, {}, {}};
    if (stop.stop_requested())
        return std::move(stream).error();
    // It listens there, so what fails is the way: sshd_config may say AllowStreamLocalForwarding no.
    GANTRY_TRY(const StartedNode byTcp, startNode(session, facts, folder, true, m_onStep, stop));
    GANTRY_TRY(const SshHop tcp, SshHop::parse(byTcp.tcp));
    return Place{{}, tcp, byTcp.token};
}

} // namespace gantry::app
