#pragma once

#include "app/desktop/keyring.h"
#include "app/desktop/node_controller.h"

#include <QObject>
#include <QPointer>

#include <memory>
#include <utility>
#include <vector>

class QWidget;

namespace gantry::desktop {

class FleetWork;
class Settings;

/// Asks what is to be started on nodes, and starts it. UI thread.
class LaunchDesk : public QObject
{
    Q_OBJECT

public:
    /// All outlive this; the dialog belongs to the window.
    LaunchDesk(FleetWork& work, Settings& settings, QWidget& window);
    ~LaunchDesk() override;

    /// Where values of secrets may be kept; none at first.
    void setKeyring(std::unique_ptr<Keyring> keyring) { m_keyring = std::move(keyring); }

    /// Nothing happens without a node. What becomes of it on several is a task of the fleet's.
    void ask(const std::vector<NodeController*>& nodes);

signals:
    /// A program was started on one node.
    void launched(gantry::desktop::NodeController* node);
    void failed(const QString& doing, const gantry::Error& error);

private:
    void launch(const std::vector<QPointer<NodeController>>& nodes, const std::vector<proto::LaunchRequest>& requests);

    FleetWork& m_work;
    Settings& m_settings;
    QWidget& m_window;
    std::unique_ptr<Keyring> m_keyring;
};

} // namespace gantry::desktop
