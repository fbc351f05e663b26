#pragma once

#include "app/desktop/alert_commands.h"
#include "app/desktop/alert_watch.h"

#include <QObject>
#include <QString>

class QSystemTrayIcon;

namespace gantry::desktop {

class MessageBar;
class NodeController;
class NodeList;
class PageArea;
class Settings;

/// What this desktop does when a rule of a node fires: a notification, and the command that the user has set for it. UI thread.
class AlertDesk : public QObject
{
    Q_OBJECT

public:
    /// All outlive this.
    AlertDesk(NodeList& nodes, PageArea& pages, MessageBar& messages, Settings& settings, QObject* parent = nullptr);

    [[nodiscard]] AlertCommands& commands() { return m_commands; }
    [[nodiscard]] AlertWatch& watch() { return m_watch; }

private:
    void onFired(NodeController& node, const proto::AlertState& state);
    void notify(const QString& title, const QString& text);

    MessageBar& m_messages;
    AlertCommands m_commands;
    AlertWatch m_watch;
    QSystemTrayIcon* m_tray = nullptr; ///< with the first notification
};

} // namespace gantry::desktop
