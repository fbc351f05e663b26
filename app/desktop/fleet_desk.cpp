#include "app/desktop/fleet_desk.h"

#include "app/desktop/fleet_page.h"
#include "app/desktop/node_desk.h"
#include "app/desktop/page_area.h"

namespace gantry::desktop {

FleetDesk::FleetDesk(NodeList& nodes, NodeDesk& desk, PageArea& pages, Settings& settings, jobs::JobRunner& runner)
    : m_nodes(nodes), m_desk(desk), m_pages(pages), m_settings(settings), m_feed(nodes, settings), m_capture(runner, settings)
{
}

FleetPage* FleetDesk::page() const
{
    return m_page;
}

void FleetDesk::show()
{
    if (!m_page || m_pages.indexOf(m_page) < 0) { // one that was closed lives until the event loop's next turn
        m_page = new FleetPage(m_nodes, m_feed, {m_capture, m_work}, m_settings, &m_pages);
        connect(m_page, &FleetPage::addRequested, &m_desk, &NodeDesk::askForNode);
        connect(m_page, &FleetPage::labelRequested, &m_desk, [this](NodeController* node) { m_desk.askForLabel(*node); });
        connect(m_page, &FleetPage::nodePageRequested, this, [this](NodeController* node) { m_pages.openNode(*node); });
        connect(m_page, &FleetPage::launchRequested, this, &FleetDesk::launchRequested);
        connect(m_page, &FleetPage::liveRequested, this, [this](NodeController* node) {
            m_nodes.setCurrent(node);
            m_pages.showLive();
        });
    }
    m_pages.showBesideLive(*m_page, tr("Fleet"));
}

} // namespace gantry::desktop
