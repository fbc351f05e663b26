#pragma once

#include "app/desktop/message_bar.h"
#include "app/desktop/node_controller.h"
#include "app/jobs/job_slot.h"
#include "trace_model/base/time.h"

#include <QObject>
#include <QString>

#include <filesystem>
#include <list>
#include <vector>

namespace gantry::desktop {

class Settings;

/// A capture window on each of several nodes, begun as soon as each of them has heard of it. The reports stay on their nodes and are
/// fetched when the person wants to see them. UI thread; the work runs as jobs.
class FleetCapture : public QObject
{
    Q_OBJECT

public:
    /// Both outlive this.
    FleetCapture(jobs::JobRunner& runner, const Settings& settings, QObject* parent = nullptr);

    [[nodiscard]] bool isBusy() const { return m_running > 0; }
    /// Ignored while busy. Nodes that are not connected, or run no server, are told of.
    void start(const std::vector<NodeController*>& nodes);

signals:
    void changed();
    /// What became of it, with the next step.
    void told(const gantry::desktop::MessageBar::Message& message);
    /// The reports are on this machine, in the order of their nodes.
    void fetched(const std::vector<std::filesystem::path>& reports);

private:
    struct Captured
    {
        std::shared_ptr<app::NodeClient> client;
        std::string report;
        std::filesystem::path folder;
    };

    void startOn(NodeController& node, const proto::Target& target);
    void endOne();
    void fetchAll();

    jobs::JobRunner& m_runner;
    const Settings& m_settings;
    DurationNs m_length = 0;
    int m_running = 0;
    std::vector<Captured> m_captured;
    QStringList m_failures; ///< a sentence for each node
    std::list<jobs::JobSlot> m_slots;
};

} // namespace gantry::desktop
