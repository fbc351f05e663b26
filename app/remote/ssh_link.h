#pragma once

#include "app/remote/connect_step.h"
#include "app/remote/node_address.h"
#include "app/remote/node_link.h"
#include "app/remote/ssh_config.h"
#include "app/remote/ssh_node.h"
#include "app/remote/ssh_prompter.h"
#include "app/remote/ssh_session.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace gantry::app {

/// The way to a node over SSH: one session for calls and live data and another for reports, each made when it is first needed and again
/// when it has ended. Finds gantryd on the node, by what the address says or by asking the node, and gives it one where
/// none of this version runs. One of another version whose targets run is used as it is.
class SshLink : public NodeLink
{
public:
    /// Opens nothing yet. `prompter` null: nobody is there to ask. Errors: NotPermitted for a token file that cannot be read.
    [[nodiscard]] static Result<std::unique_ptr<NodeLink>> create(const NodeAddress& address, std::string clientName,
                                                                  std::shared_ptr<SshPrompter> prompter, OnConnectStep onStep);

    [[nodiscard]] Result<Stream> open(Purpose purpose, std::stop_token stop) override;
    [[nodiscard]] std::string nextStep() const override;

private:
    /// Where gantryd listens on the node.
    struct Place
    {
        std::string socket; ///< or
        SshHop tcp;         ///< with
        std::string token;
    };

    SshLink(const NodeAddress& address, std::string clientName, std::shared_ptr<SshPrompter> prompter, OnConnectStep onStep);
    [[nodiscard]] Result<std::shared_ptr<SshSession>> sessionFor(Purpose purpose, const std::stop_token& stop);
    [[nodiscard]] Result<UniqueFd> openAt(SshSession& session, const Place& place, const std::stop_token& stop) const;
    /// A gantryd that runs, or one that is put there and started.
    [[nodiscard]] Result<Place> find(SshSession& session, const std::stop_token& stop);
    [[nodiscard]] Result<Place> deploy(SshSession& session, const SshNodeFacts& facts, const std::stop_token& stop) const;

    const NodeAddress m_address;
    const std::string m_clientName;
    const std::shared_ptr<SshPrompter> m_person;
    RememberingPrompter m_prompter;
    const OnConnectStep m_onStep;
    std::mutex m_connecting; ///< held while a session is made; before m_mutex
    std::mutex m_mutex;
    std::shared_ptr<SshSession> m_control, m_bulk; ///< m_mutex
    std::optional<Place> m_place;                  ///< m_mutex
};

} // namespace gantry::app
