#include "app/desktop/nsys_offers.h"

#include "app/desktop/compare_page.h"
#include "app/desktop/node_list.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/text.h"
#include "app/remote/nsys_on_node.h"

namespace gantry::desktop {

NsysOffers::NsysOffers(NodeList& nodes, PageArea& pages, QObject* parent) : QObject(parent), m_nodes(nodes), m_pages(pages)
{
    connect(&m_nodes, &NodeList::nodesChanged, this, &NsysOffers::watchNodes);
    connect(&m_pages, &PageArea::reportOpened, this, [this](ReportPage* page) { page->setNsysOffers(offers()); });
    connect(&m_pages, &PageArea::compareOpened, this, [this](ComparePage* page) { page->setNsysOffers(offers()); });
    watchNodes();
}

void NsysOffers::watchNodes()
{
    for (const auto& node : m_nodes.nodes()) {
        connect(node.get(), &NodeController::stateChanged, this, &NsysOffers::refresh, Qt::UniqueConnection);
        connect(node.get(), &NodeController::contentChanged, this, &NsysOffers::refresh, Qt::UniqueConnection);
    }
    refresh();
}

void NsysOffers::refresh()
{
    for (ReportPage* page : m_pages.reports())
        page->setNsysOffers(offers());
    if (ComparePage* compare = m_pages.compare())
        compare->setNsysOffers(offers());
}

std::vector<NsysOffer> NsysOffers::offers() const
{
    std::vector<NsysOffer> offers;
    for (const auto& node : m_nodes.nodes()) {
        if (node->state() == NodeController::State::Connected && node->info() && !node->info()->nsysPath.empty())
            offers.push_back({node->title(), toQString(node->info()->nsysVersion), app::nsysOn(node->client())});
    }
    return offers;
}

} // namespace gantry::desktop
