#pragma once

#include "app/desktop/fleet_capture.h"
#include "app/desktop/fleet_feed.h"
#include "app/desktop/fleet_work.h"

#include <QObject>
#include <QPointer>

#include <vector>

namespace gantry::desktop {

class FleetPage;
class NodeDesk;
class PageArea;

/// The fleet's page, opened when it is asked for, and what stands behind it all the time, so that its curves are there then. UI thread.
class FleetDesk : public QObject
{
    Q_OBJECT

public:
    /// All outlive this.
    FleetDesk(NodeList& nodes, NodeDesk& desk, PageArea& pages, Settings& settings, jobs::JobRunner& runner);

    /// Opens the page, or brings it to the front.
    void show();
    /// Null: it is not open.
    [[nodiscard]] FleetPage* page() const;
    [[nodiscard]] const FleetFeed& feed() const { return m_feed; }
    [[nodiscard]] FleetCapture& capture() { return m_capture; }
    [[nodiscard]] FleetWork& work() { return m_work; }

signals:
    /// A program is to be started on each of these nodes.
    void launchRequested(const std::vector<gantry::desktop::NodeController*>& nodes);

private:
    NodeList& m_nodes;
    NodeDesk& m_desk;
    PageArea& m_pages;
    Settings& m_settings;
    FleetFeed m_feed;
    FleetCapture m_capture;
    FleetWork m_work;
    QPointer<FleetPage> m_page;
};

} // namespace gantry::desktop
