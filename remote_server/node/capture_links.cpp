#include "remote_server/node/capture_links.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace gantry::node {

CaptureLinks::~CaptureLinks()
{
    close(m_listen);
}

bool CaptureLinks::isOf(const proto::CaptureRequest& request, const CaptureLink& link)
{
    return link.targetId() == request.targetId || "p" + std::to_string(link.pid()) == request.targetId;
}

void CaptureLinks::acceptNew(const std::function<void(CaptureLink&)>& onNew)
{
    while (true) {
        const int socket = accept4(m_listen, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket < 0)
            return;
        auto link = CaptureLink::accept(socket);
        if (!link) {
            spdlog::warn("{}", link.error().text());
            continue;
        }
        spdlog::info("process {} ({}) is ready for capture", (*link)->pid(), (*link)->executable());
        onNew(*m_links.emplace_back(std::move(*link)));
    }
}

void CaptureLinks::readAll(const std::function<void(CaptureLink&, const CaptureLink::Event&)>& onEvent,
                           const std::function<void(CaptureLink&)>& onGone)
{
    for (std::size_t i = 0; i < m_links.size();) {
        CaptureLink& link = *m_links[i];
        const auto event = link.receive();
        if (!event) {
            spdlog::info("{}", event.error().text());
            onGone(link);
            m_links.erase(m_links.begin() + static_cast<std::ptrdiff_t>(i));
        } else if (*event) {
            onEvent(link, **event);
        } else {
            ++i; // nothing more from this one
        }
    }
}

std::vector<CaptureLink*> CaptureLinks::of(const proto::CaptureRequest& request) const
{
    std::vector<CaptureLink*> found;
    for (const auto& link : m_links)
        if (isOf(request, *link))
            found.push_back(link.get());
    return found;
}

std::vector<AttachedProcess> CaptureLinks::processes() const
{
    std::vector<AttachedProcess> result;
    for (const auto& link : m_links)
        result.push_back({link->pid(), link->targetId(), link->executable(), link->commandLine(), link->cudaLoaded()});
    return result;
}

void CaptureLinks::addTo(std::vector<pollfd>& waited) const
{
    waited.push_back({m_listen, POLLIN, 0});
    for (const auto& link : m_links)
        waited.push_back({link->socket(), POLLIN, 0});
}

} // namespace gantry::node
