#include "app/desktop/launch_desk.h"

#include "app/desktop/fleet_work.h"
#include "app/desktop/launch_dialog.h"
#include "app/desktop/text.h"

namespace gantry::desktop {

LaunchDesk::LaunchDesk(FleetWork& work, Settings& settings, QWidget& window) : m_work(work), m_settings(settings), m_window(window) {}

LaunchDesk::~LaunchDesk() = default;

void LaunchDesk::ask(const std::vector<NodeController*>& nodes)
{
    if (nodes.empty())
        return;
    const auto hostOf = [](const NodeController& node) { return node.info() ? toQString(node.info()->hostName) : node.name(); };
    std::vector<LaunchPlace> places;
    std::vector<QPointer<NodeController>> chosen;
    for (NodeController* node : nodes) {
        places.push_back({places.size(), nodes.size(), hostOf(*node), hostOf(*nodes.front())});
        chosen.emplace_back(node);
    }
    auto* dialog = new LaunchDialog(std::move(places), m_settings, m_keyring.get(), &m_window);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog, chosen] { launch(chosen, dialog->requests()); });
    dialog->open();
}

void LaunchDesk::launch(const std::vector<QPointer<NodeController>>& nodes, const std::vector<proto::LaunchRequest>& requests)
{
    if (requests.size() != nodes.size())
        return; // the dialog lets nobody go with what cannot be started
    const auto start = [](NodeController& node, const proto::LaunchRequest& request, std::function<void(const Result<void>&)> done) {
        node.perform(
            [request](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
                GANTRY_CHECK(client.launch(request, stop));
                return {};
            },
            std::move(done));
    };
    if (nodes.size() == 1) {
        if (NodeController* node = nodes.front())
            start(*node, requests.front(), [self = QPointer(this), node](const Result<void>& how) {
                if (self)
                    how ? emit self->launched(node) : emit self->failed(tr("Launching on %1").arg(node->title()), how.error());
            });
        return;
    }
    std::vector<NodeController*> left;
    std::vector<proto::LaunchRequest> wanted; // of a node that was removed meanwhile, nothing
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!nodes[i])
            continue;
        left.push_back(nodes[i]);
        wanted.push_back(requests[i]);
    }
    m_work.start(tr("Launching %1").arg(toQString(requests.front().name)), left,
                 [start, wanted](NodeController& node, std::size_t index, FleetWork::Done done) {
                     start(node, wanted[index], [done](const Result<void>& how) {
                         how ? done({true, tr("started")}) : done({false, describe(how.error()).sentence});
                     });
                 });
}

} // namespace gantry::desktop
