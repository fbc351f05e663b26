#pragma once

#include "remote_server/node/capture_engine.h"
#include "remote_server/node/capture_link.h"
#include "remote_server/proto/node_types.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <poll.h>
#include <string>
#include <vector>

namespace gantry::node {

/// The capture libraries that are connected. One thread at a time (the engine's mutex is held).
class CaptureLinks
{
public:
    /// `listenSocket`: of listenForLibraries(); this owns it.
    explicit CaptureLinks(int listenSocket) : m_listen(listenSocket) {}
    ~CaptureLinks();
    CaptureLinks(const CaptureLinks&) = delete;
    CaptureLinks& operator=(const CaptureLinks&) = delete;

    /// Whether a process is one of those that a capture asks for: by its target's id, or "p" and its number.
    [[nodiscard]] static bool isOf(const proto::CaptureRequest& request, const CaptureLink& link);

    /// Takes in who has connected, and tells of each.
    void acceptNew(const std::function<void(CaptureLink&)>& onNew);
    /// Reads all messages there are, in the order of each process, and tells of processes that are gone, the last time they are used.
    void readAll(const std::function<void(CaptureLink&, const CaptureLink::Event&)>& onEvent,
                 const std::function<void(CaptureLink&)>& onGone);

    [[nodiscard]] std::vector<CaptureLink*> of(const proto::CaptureRequest& request) const;
    [[nodiscard]] bool hasProcess(const proto::CaptureRequest& request) const { return !of(request).empty(); }
    [[nodiscard]] std::vector<AttachedProcess> processes() const;
    /// Everything that acceptNew() and readAll() have work from.
    void addTo(std::vector<pollfd>& waited) const;

private:
    int m_listen;
    std::vector<std::unique_ptr<CaptureLink>> m_links;
};

} // namespace gantry::node
